# SPDX-License-Identifier: BSD-2-Clause
"""Runs what the scripts of a test would start a python3 for, in one process: its start is what
costs. A request is fields that end with a NUL: the process that asks, where it has its standard
output, the number of words, and the words, code and arguments. Input and output are that process's
own; the exit status is the answer."""
import os
import sys
import traceback


def fields():
    rest = b""
    while part := os.read(0, 65536):
        *whole, rest = (rest + part).split(b"\0")
        yield from (os.fsdecode(field) for field in whole)


def stream(pid, number, mode):
    return open(f"/proc/{pid}/fd/{number}", mode, encoding="utf-8")


def run(code, argv):
    names = {"__name__": "__main__"}
    sys.argv = ["-c", *argv]
    try:
        exec(compile(code, "<string>", "exec"), names)
        return 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return int(end.code or 0)
        print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        names.clear()
    return 1


answers, own = os.dup(1), (sys.stdin, sys.stdout, sys.stderr)
asked = fields()
for pid in asked:
    output = next(asked)
    code, *argv = [next(asked) for _ in range(int(next(asked)))]
    try:
        with stream(pid, 0, "r") as sys.stdin, stream(pid, output, "a") as sys.stdout, \
                stream(pid, 2, "a") as sys.stderr:
            status = run(code, argv)
    except OSError as error:
        status = 1
        print(error, file=own[2], flush=True)
    finally:
        sys.stdin, sys.stdout, sys.stderr = own
    os.write(answers, b"%d\n" % (status & 255))
