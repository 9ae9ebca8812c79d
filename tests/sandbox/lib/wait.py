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
import ctypes
import os
import re
import select
import subprocess
import sys
import time

# Of inotify(7): what was written, and names that come and go.
WRITTEN = 0x2
NAMES = 0x40 | 0x80 | 0x100 | 0x200
# Asking costs processor time, which what is waited for needs: where nobody tells when to ask
# again, the pause grows with the wait.
PAUSE, PAUSE_MAX = 0.02, 0.25


class Changes:
    """Tells when something in some directories has changed, their files' contents included."""

    def __init__(self, *directories, events=WRITTEN | NAMES):
        libc = ctypes.CDLL(None, use_errno=True)
        self.queue = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        for directory in directories:
            if libc.inotify_add_watch(self.queue, os.fsencode(directory), events) < 0:
                raise OSError(ctypes.get_errno(), "cannot watch", directory)

    def wait(self, seconds):
        """Returns at the first change since the last call, or when the time is over."""
        if select.select([self.queue], [], [], max(seconds, 0))[0]:
            os.read(self.queue, 65536)


def until(happened, seconds, changes=None):
    """Asks happened() until it returns something true, and returns that; false when the time is over.

    It is asked again after each of the changes, or, without any, after a pause.
    """
    begun = time.monotonic()
    while not (result := happened()):
        now = time.monotonic()
        left = begun + seconds - now
        if left < 0:
            break
        if changes:
            changes.wait(left)
        else:
            time.sleep(min(max(PAUSE, (now - begun) / 20), PAUSE_MAX))
    return result


class Matching:
    """The lines of a file that match, COUNT of them or none; it is read on from where it was left."""

    def __init__(self, path, pattern, count):
        self.path, self.pattern, self.count = path, re.compile(pattern), count
        self.place, self.lines = (0, 0), []

    def __call__(self):
        try:
            with open(self.path, "rb") as file:
                inode, size = os.fstat(file.fileno()).st_ino, os.fstat(file.fileno()).st_size
                if self.place[0] != inode or self.place[1] > size:
                    self.place, self.lines = (inode, 0), []
                file.seek(self.place[1])
                text = file.read()
        except FileNotFoundError:
            return None
        # A last line without its end is still being written.
        text = text[:text.rfind(b"\n") + 1]
        self.place = (inode, self.place[1] + len(text))
        lines = text.decode("utf-8", "surrogateescape").split("\n")[:-1]
        self.lines += [line for line in lines if self.pattern.search(line)]
        return self.lines if len(self.lines) >= self.count else None


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

    changes = None
    if event == "log":
        happened = Matching(os.path.join(directory, rest[0], "mail.log"), rest[1], options.count)
        changes = Changes(os.path.join(directory, rest[0]))
    elif event == "delivered":
        happened = Matching(os.path.join(directory, "delivered.tsv"), rest[0], options.count)
        changes = Changes(directory)
    elif event == "idle":
        # In the order in which a message moves, so that none slips through between two checks.
        queues = [os.path.join(directory, rest[0], "queue", name) for name in ("maildrop", "incoming", "active")]
        changes = Changes(*queues, events=NAMES)

        def happened():
            return not any(map(os.listdir, queues))
    else:
        def happened():
            return subprocess.run(rest, check=False).returncode == 0

    result = until(happened, options.seconds, changes)
    if not result:
        sys.exit(f"sandbox: waited {options.seconds:g} s in vain for: {event} {' '.join(rest)}")
    if result is not True:
        sys.stdout.reconfigure(errors="surrogateescape")
        print(*result, sep="\n")


if __name__ == "__main__":
    main()
