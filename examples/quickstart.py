# SPDX-License-Identifier: BSD-2-Clause
"""What became of the mail of quickstart.sh, from tlsladder's and the receiving servers' own words.

usage: quickstart.py WORK SANDBOX LOG SECONDS

WORK/expected has a line for each destination: DESTINATION ENTRY WHY MAIL; WORK/sent when its message was
sent. Shows entries and deliveries as they come, then a table. Exit status 0 if all ended as expected.
"""

import datetime
import json
import os
import signal
import subprocess
import sys
import time

WORK, SANDBOX, LOG = sys.argv[1:4]
SECONDS = float(sys.argv[4])
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
COLOURS = {"dane-only": "32", "encrypt": "33", "may": "31", "dane": "31"}
WIDTHS = (22, 16, 10, 14, 22)


def read(name):
    with open(f"{WORK}/{name}", encoding="ascii") as file:
        return {row[0]: row[1:] for row in (line.split() for line in file)}


EXPECTED = read("expected")


def tlsladder(*arguments):
    """What a command prints as JSON, an object a line."""
    done = subprocess.run(
        [SANDBOX, "exec", f"{WORK}/net", "--", "setpriv", "--no-new-privs", "--reuid=nobody", "--regid=nogroup",
         "--groups=adm,postdrop", f"{WORK}/usr/bin/tlsladder", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def entries():
    """destination: level"""
    return {entry["destination"]: entry["level"] for entry in tlsladder("list", "--json")}


def deliveries():
    """domain: (time, TLS protocol or "-"), as the servers have it"""
    out = subprocess.run([SANDBOX, "delivered", f"{WORK}/net"], stdout=subprocess.PIPE, check=True, text=True).stdout
    rows = [line.split("\t") for line in out.splitlines()]
    return {row[1].rpartition("@")[2]: (datetime.datetime.fromisoformat(row[0]).timestamp(), row[3]) for row in rows}


def stories():
    """domain: what is known of it; empty if nothing is"""
    return {domain: (tlsladder("explain", "--json", domain) or [{}])[0] for domain in EXPECTED}


def deferrals():
    """domain: why its mail stuck at first"""
    reasons = {}
    for record in tlsladder("match", "--all", "--json", LOG):
        if record["status"] == "deferred":
            text = "".join(c if c.isprintable() else "?" for c in record["reason"])
            reasons.setdefault(record["domain"], text)
    return reasons


def mail_of(domain, delivered):
    if domain not in delivered:
        return "waits"
    return "clear" if delivered[domain][1] == "-" else "tls"


def flows_as_expected(domain, levels, delivered):
    level, _, mail = EXPECTED[domain]
    return levels.get(domain, "-") == level and mail_of(domain, delivered) == mail.replace("later", "waits")


def why_of(story):
    why = story.get("why", "none")
    return "-" if why == "none" else why


def delivery_text(at, protocol):
    return f"{at:.1f} s, {'cleartext' if protocol == '-' else protocol}"


def watch(sent):
    """Until everything is as expected, or the time is over. Shows what is new."""
    shown = set()
    deadline = time.monotonic() + SECONDS
    while True:
        levels, delivered = entries(), deliveries()
        news = [(domain, f"entry {level}") for domain, level in levels.items()]
        news += [(domain, f"delivered after {delivery_text(at - sent[domain], protocol)}")
                 for domain, (at, protocol) in delivered.items() if domain in sent]
        for item in news:
            if item not in shown:
                shown.add(item)
                print(f"   {item[0]:24}{item[1]}", flush=True)
        if all(flows_as_expected(domain, levels, delivered) for domain in EXPECTED):
            known = stories()
            if all(why_of(known[domain]) == EXPECTED[domain][1] for domain in EXPECTED):
                break
        if time.monotonic() > deadline:
            known = stories()
            break
        time.sleep(0.1)
    return levels, delivered, known


def dns_text(story):
    dns = story.get("dns", {})
    state, hosts = dns.get("tlsa") or "not asked", " ".join(dns.get("hosts", []))
    if state == "none":
        state += ", unsigned" if "address=insecure" in hosts else ", signed"
    return state


def row(*fields, level=""):
    texts = []
    for text, width in zip(fields, WIDTHS):
        text = text if len(text) <= width else text[:width - 1] + "…"
        texts.append(f"{text:{width}}")
    if COLOUR and level in COLOURS:
        texts[2] = f"\033[{COLOURS[level]}m{texts[2]}\033[0m"
    return "  ".join(texts).rstrip()


def table(sent, levels, delivered, known):
    """Prints it; the number of destinations that are not as expected."""
    reasons = deferrals()
    wrong = 0
    print()
    print(row("DESTINATION", "TLSA RECORDS", "ENTRY", "WHY", "DELIVERED AFTER, OVER"))
    print("    what Postfix said first")
    for domain, (level, why, mail) in EXPECTED.items():
        if domain in delivered:
            at, protocol = delivered[domain]
            end = delivery_text(at - sent[domain], protocol)
        else:
            end = "waits on purpose" if mail == "waits" else "waits, not for TLS"
        got = levels.get(domain, "-")
        print(row(domain, dns_text(known[domain]), got, why_of(known[domain]), end, level=got))
        print(f"    {reasons.get(domain, 'delivered at once')}")
        if not flows_as_expected(domain, levels, delivered) or why_of(known[domain]) != why:
            wrong += 1
            print(f"  not as expected: entry {level}, why {why}, mail {mail}")
    return wrong


def sentences(known):
    """What the words of the column WHY mean."""
    print()
    meanings = {story["why"]: story["sentence"] for story in known.values() if why_of(story) != "-"}
    for why, sentence in sorted(meanings.items()):
        print(f"   {why:15}{sentence}")


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sent = {domain: float(fields[0]) for domain, fields in read("sent").items()}
    levels, delivered, known = watch(sent)
    wrong = table(sent, levels, delivered, known)
    sentences(known)
    print()
    if wrong:
        print(f"{wrong} of {len(EXPECTED)} destinations did not end as expected.")
        sys.exit(1)
    print(f"All {len(EXPECTED)} destinations ended as expected.")


if __name__ == "__main__":
    main()
