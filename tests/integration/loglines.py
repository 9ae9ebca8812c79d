# SPDX-License-Identifier: BSD-2-Clause
"""Appends log lines as Postfix writes them to a file, until standard input ends.

usage: loglines.py LOG SEED LINES_PER_SECOND [ROTATE_SECONDS]

The same seed gives the same lines but for their times. Queue ids are numbered. Several
processes take turns: a session or policy line and the status lines that it is about are
apart. Pieces end anywhere, in the middle of lines too. With ROTATE_SECONDS the log is
renamed to LOG.1, LOG.2 ... and begun anew; what a process still writes goes to the old
one for a while.
"""

import os
import random
import select
import sys
import time

CERTIFICATE = ("4.7.5", "deferred", "Server certificate not verified", "Untrusted")
NOT_OFFERED = ("4.7.4", "deferred", "TLS is required, but was not offered by host {host}", None)
SENT = ("2.0.0", "sent", "250 2.0.0 Ok: queued as SINK", "Verified")
GREYLISTED = ("4.2.0", "deferred", "host {host} said: 450 4.2.0 Greylisted (in reply to RCPT TO command)",
              "Verified")
SUSPENDED = ("4.7.5", "deferred", "delivery temporarily suspended: Server certificate not verified", None)
BOUNCED = ("5.7.1", "bounced", "TLS is required, but host {host} refused to start TLS: 554 5.7.1 no", None)
NO_TLSA = ("4.7.5", "deferred", "no TLSA records found", "policy")

OUTCOMES = [CERTIFICATE] * 5 + [NOT_OFFERED] * 2 + [SENT] * 8 + [GREYLISTED, SUSPENDED, BOUNCED, NO_TLSA]
DOMAINS = ["selfsigned.test", "dane-ok.test", "plain.test", "valid-ca.test", "dane-servfail.test"] + \
          [f"d{n}.nowhere.test" for n in range(20)]


class Lines:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 0
        self.later = []                 # lines of other processes that are to come

    def _line(self, program, pid, text):
        return time.strftime("%b %e %H:%M:%S") + f" mail postfix/{program}[{pid}]: {text}\n"

    def _delivery(self):
        rng = self.random
        self.number += 1
        pid = 1000 + self.number % 40
        domain = rng.choice(DOMAINS)
        dsn, status, reason, before = rng.choice(OUTCOMES)
        host = f"mx.{domain}[10.53.2.{self.number % 200}]"
        queue_id = f"{self.number:X}"
        program = "error" if status == "deferred" and "suspended" in reason else "smtp"
        relay = "none" if program == "error" or before == "policy" else host + ":25"
        if before == "policy":
            yield self._line(program, pid, f"warning: TLS policy lookup for {domain}/mx.{domain}: {reason}")
        elif before:
            yield self._line(program, pid, f"{before} TLS connection established to {host}:25: "
                                           "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)")
        yield self._line("qmgr", 7, f"{queue_id}: from=<s@sender.test>, size=300, nrcpt=1 (queue active)")
        for recipient in range(rng.choice([1, 1, 1, 2])):
            yield self._line(program, pid, f"{queue_id}: to=<u{recipient}@{domain}>, relay={relay}, delay=1.2, "
                             f"delays=0.1/0/1/0.1, dsn={dsn}, status={status} ({reason.format(host=host)})")

    def next(self):
        if not self.later or (len(self.later) < 20 and self.random.random() < 0.5):
            self.later.append(self._delivery())
        process = self.random.choice(self.later)
        for line in process:
            return line
        self.later.remove(process)
        return self.next()


def main():
    log, seed, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    rotate_s = float(sys.argv[4]) if len(sys.argv) > 4 else 0
    lines = Lines(seed)
    pieces = random.Random(seed + 1)
    begun = rotated = time.monotonic()
    written = files = 0
    held = b""
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    # So often there is another piece; the end comes at any moment.
    while not select.select([sys.stdin], [], [], 0.003)[0]:
        due = int((time.monotonic() - begun) * rate) - written
        for _ in range(due):
            held += lines.next().encode()
        written += due
        # Anywhere, or at the end of a line.
        at = pieces.randint(0, len(held)) if pieces.random() < 0.5 else len(held)
        os.write(file, held[:at])
        held = held[at:]
        if rotate_s and time.monotonic() - rotated > rotate_s and not held:
            for n in range(files, 0, -1):
                os.rename(f"{log}.{n}", f"{log}.{n + 1}")
            os.rename(log, log + ".1")
            new = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            os.write(file, b"".join(lines.next().encode() for _ in range(3)))
            os.close(file)
            file, files, rotated = new, files + 1, time.monotonic()
    os.write(file, held)


if __name__ == "__main__":
    main()
