"""Waits for an event with a deadline.

usage: wait.py DIR [-t SECONDS] [-n COUNT] log NAME REGEX
       wait.py DIR [-t SECONDS] [-n COUNT] delivered REGEX
       wait.py DIR [-t SECONDS] idle NAME
       wait.py DIR [-t SECONDS] true COMMAND [ARGUMENT]...

log, delivered: until COUNT lines (1) of a sender's log, or of what was delivered, match; prints them.
idle: until every message of a sender has been tried, i.e. none is new or on its way.
true: until the command succeeds.
Exit status 1 when the time (30 s) is over.
"""

import argparse
import os
import re
import subprocess
import sys
import time

# Asking costs processor time, which what is waited for needs: the pause grows with the wait.
PAUSE, PAUSE_MAX = 0.02, 0.1


def matching(path, pattern):
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except FileNotFoundError:
        return []
    # A last line without its end is still being written.
    return [line for line in text.split("\n")[:-1] if re.search(pattern, line)]


def idle(queue):
    # In the order in which a message moves, so that none slips through between two checks.
    return not any(os.listdir(os.path.join(queue, name)) for name in ("maildrop", "incoming", "active"))


def main():
    parser = argparse.ArgumentParser(prog="sandbox wait")
    parser.add_argument("directory")
    parser.add_argument("-t", type=float, default=30, dest="seconds")
    parser.add_argument("-n", type=int, default=1, dest="count")
    parser.add_argument("event", choices=["log", "delivered", "idle", "true"])
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    directory, event, rest = options.directory, options.event, options.rest
    if len(rest) < {"log": 2, "delivered": 1, "idle": 1, "true": 1}[event]:
        parser.error(f"{event}: what?")

    begun = time.monotonic()
    deadline = begun + options.seconds
    while True:
        lines = []
        if event == "log":
            lines = matching(os.path.join(directory, rest[0], "mail.log"), rest[1])
        elif event == "delivered":
            lines = matching(os.path.join(directory, "delivered.tsv"), rest[0])
        elif event == "idle":
            if idle(os.path.join(directory, rest[0], "queue")):
                return
        elif subprocess.run(rest, check=False).returncode == 0:
            return
        if len(lines) >= options.count:
            sys.stdout.reconfigure(errors="surrogateescape")
            print(*lines, sep="\n")
            return
        if time.monotonic() > deadline:
            sys.exit(f"sandbox: waited {options.seconds:g} s in vain for: {event} {' '.join(rest)}")
        time.sleep(min(max(PAUSE, (time.monotonic() - begun) / 20), PAUSE_MAX))


if __name__ == "__main__":
    main()
