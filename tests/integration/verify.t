#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# smtp_tls_security_level = verify, every destination of the sandbox at once: which entry
# it gets, and whether its mail flows by it without anybody's help. The log is Postfix's
# own, in whole seconds.
. "$(dirname -- "$0")/lib.sh"

rows=$(rows_under verify)
mapfile -t domains < <(awk '{ print $1 }' <<<"$rows")

up strict 'transport_maps=inline:{port.test=smtp:[mx.dane-port.test]:587, other-port.test=smtp:[mx.dane-port.test]:2525}'
configure strict 'ladder: {may_after: {attempts: 1}}'
starts
begun=$(now)
send strict "${domains[@]}"

is 'no destination of the sandbox is forgotten' "$(forgotten "$rows")" ''

settle strict
comment "everything settled $(bc <<<"$(now) - $begun") s after the first message"

# Its second attempt is the retry after the change, its third comes by itself as well.
awaits 'a retry that met greylisting is made once more' 20 \
	grep -q 'user@dane-greylist.test	' "$dir/delivered.tsv"
settle strict

table_holds strict "$rows"

for domain in dane-refuse-554.test starttls-refused-554.test; do
	matches "$domain: the administrator is alerted of the mail that is lost" \
		"$(grep "alert: $domain: mail was bounced" "$dir/daemon.err")" 'Postfix said: TLS is required, but host'
done

# Over DANE, and not only over TLS: smtp(8) says of no other session that it is verified.
for domain in dane-ok.test dane-ta.test dane-cname.test; do
	check "$domain: the session was verified" \
		grep -Eq "Verified TLS connection established to mx\.$domain\[" "$dir/strict/mail.log"
done

comment "from the first deferral to the delivery under the entry: $(delays strict | figures)"
is 'all of that within 30 s' "$(delays strict | awk '$1 > 30')" ''

# --- one word for each decision, wherever it stands

words() {
	ladder list --json | python3 -c '
import json, re, subprocess, sys
def explained(key):
    return json.loads(subprocess.run(sys.argv[3:] + ["explain", "--json", key], stdout=subprocess.PIPE, check=True).stdout)
log, comments, last = {}, {}, ""
for line in open(sys.argv[1], encoding="utf-8"):
    if m := re.search(r"domain=(\S+) action=set .* why=(\S+)", line):
        log[m[1]] = m[2]
for line in open(sys.argv[2], encoding="utf-8"):
    if not line.startswith("#"):
        comments[line.split("\t")[0]] = last.lstrip("# ").split(":")[0]
    last = line
for e in map(json.loads, sys.stdin):
    d, x = e["destination"], explained(e["destination"])
    words = {e["why"], log[d], comments[d], x["entry_why"], x["decisions"][-1]["why"] if x["decisions"][-1]["action"] == "set" else e["why"]}
    print(d, *sorted(words)) if len(words) > 1 else None
print("compared", len(comments))' "$dir/daemon.err" "$dir/state/tls_policy" \
		"$sandbox" exec "$dir" -- "${user[@]}" "$program" -c "$dir/tlsladder.yaml"
}
is 'list, explain, the log and the comments of the map have the same word for each entry' \
	"$(words)" "compared $(entries | wc -l)"

matches 'explain says what the servers were measured to do' "$(ladder explain selfsigned.test)" \
	'mx\.selfsigned\.test answer=tls meets=encrypt cause=self-signed'
matches 'explain --json too' "$(ladder explain --json plain.test)" \
	'"servers":\{"time":"[^"]*","hosts":\["mx\.plain\.test answer=plain meets=cleartext cause=not-offered"\]'

# --- why each server failed

# "DOMAIN: HOST CAUSE" of each that is called something else than the table makes it; how many
# were right. Names that are no host of the table, as aliases, lead to one that is self-signed.
# At dane-only a server that has other records is a tlsa, too.
causes() {
	"$sandbox" exec "$dir" -- "${user[@]}" python3 -c '
import json, subprocess, sys
CERTIFICATES = {"selfsigned": "self-signed", "hostile": "self-signed", "own-ca": "issuer", "hostile-issuer": "issuer",
    "expired": "expired", "wrong-name": "name", "good": "tlsa"}
SERVERS = {"plain": "not-offered", "refuse-454": "refused", "refuse-554": "refused", "refuse-forged": "refused",
    "broken": "handshake", "tls10": "handshake"}
FAILS = ("not-verified", "not-offered", "refused", "refused-5xx", "handshake")
expected, domains, domain = {}, {}, ""
for line in open(sys.argv[1], encoding="utf-8"):
    words = line.split()
    if not words or words[0] in "#+":
        continue
    if line[0] != " ":
        domain = words[0]
        domains[domain] = words[2]
    else:
        host = domain if words[0] == "@" else words[0] + "." + domain
        expected[host] = SERVERS.get(words[2].split("@")[0], CERTIFICATES[words[3]])
right = 0
for domain, reason in domains.items():
    if reason not in FAILS or domain.startswith("many-"):
        continue
    x = json.loads(subprocess.run(sys.argv[2:] + ["explain", "--json", domain], stdout=subprocess.PIPE, check=True).stdout)
    wrong = [c for c in x["causes"] if c["cause"] not in (expected.get(c["host"], "self-signed"), "tlsa" if "dane" in c["host"] else None)]
    for c in wrong or ([] if x["causes"] else [{"host": "no", "cause": "cause"}]):
        print(domain + ":", c["host"], c["cause"])
    right += x["causes"] != [] and not wrong
print("right", right)' "$dir/destinations" "$program" -c "$dir/tlsladder.yaml"
}
named=$(causes)
matches 'explain names rightly why each server of the sandbox failed' "$named" '^right [0-9]+$'
comment "servers of so many destinations are $named"
expired=$(ladder explain expired-cert.test)
matches 'and until when a certificate was good that has expired' "$expired" \
	'mx\.expired-cert\.test expired at .*: its certificate has expired; it was good until 20[0-9-]+'
matches 'check knows it, too' "$(ladder check expired-cert.test)" 'failed +expired at .*it was good until'

# --- what has to wait does so, at every attempt

before=$(entries)
postfix_tool postqueue strict -f
awaits 'greylist.test: mail is taken at the second attempt' 20 \
	grep -q 'user@greylist.test	' "$dir/delivered.tsv"
settle strict
is 'a second attempt of all that waits changes no entry' "$(entries)" "$before"
stops
finish
