# SPDX-License-Identifier: BSD-2-Clause
"""What tests ask of digests and of what they were made of.

usage: digests.py told < MAILS    a line "FIRST LAST WHAT ARGUMENT..." for each thing told, in days;
                                  mails are divided by lines "--"
       digests.py days < TOLD     how many days were told twice, and the first one
       digests.py after < TOLD    the day after the last one
       digests.py changes STATE [UNTIL]  "WHAT DESTINATION" of each day and destination, before day UNTIL
"""
import datetime
import re
import sqlite3
import sys

PARTS = {"Entries that came:": "came", "Entries that went:": "went", "Entries that changed:": "changed",
         "Entries that came and went, or changed to and fro:": "passed", "Mail that waits now:": "waits"}
DAY = datetime.timedelta(1)


def told():
    for mail in re.split(r"^--\n", sys.stdin.read(), flags=re.MULTILINE):
        days = re.match(r"(?:Subject: )?tlsladder: (\d{4}-\d\d-\d\d)(?: to (\S+))?:", mail)
        if not days:
            continue
        what = ""
        for line in mail.split("\n"):
            if line in PARTS:
                what = PARTS[line]
            elif line.startswith("Sent in cleartext: "):
                what = "cleartext"
                print(days[1], days[2] or days[1], "total", line.split()[3])
            elif line.startswith("  "):
                key, rest = line[2:].split(": ", 1)
                print(days[1], days[2] or days[1], what, key, rest.split()[0] if what == "cleartext" else "")


def ranges():
    return {tuple(map(datetime.date.fromisoformat, line.split()[:2])) for line in sys.stdin}


def days():
    seen = []
    for first, last in ranges():
        while first <= last:
            seen.append(first)
            first += DAY
    print(len(seen) - len(set(seen)), min(seen))


def after():
    print(max(last for first, last in ranges()) + DAY)


def changes(state, until="9999-12-31"):
    until = datetime.date.fromisoformat(until).toordinal() - datetime.date(1970, 1, 1).toordinal()
    found = {}
    for key, day, before, now in sqlite3.connect(state).execute(
            "SELECT key, time_ms / 86400000, before, after FROM decision JOIN destination d ON d.id = destination"
            " WHERE before <> after AND action NOT IN ('keep', 'hold') ORDER BY decision.id"):
        if day < until:
            found.setdefault((day, key), [before])
            found[day, key][1:] = [now]
    for (_, key), (before, now) in found.items():
        print("passed" if before == now else "came" if before == "none" else "went" if now == "none" else "changed", key)


{f.__name__: f for f in (told, days, after, changes)}[sys.argv[1]](*sys.argv[2:])
