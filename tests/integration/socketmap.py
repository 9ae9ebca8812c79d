# SPDX-License-Identifier: BSD-2-Clause
"""A policy plugin as those for MTA-STS are: answers Postfix's socketmap questions from a
file with a KEY, a blank and a VALUE on each line, which is read anew for each of them. The
value TEMP alone: that key cannot be answered now. Prints "ready", then the connection and
the key of each question.

usage: socketmap.py PORT FILE
"""

import os
import socketserver
import sys

PORT, FILE = int(sys.argv[1]), sys.argv[2]


def answer(key):
    with open(FILE, encoding="ascii") as file:
        for line in file:
            name, _, value = line.rstrip("\n").partition(" ")
            if name == key:
                return "TEMP not now" if value == "TEMP" else "OK " + value
    return "NOTFOUND "


class Plugin(socketserver.StreamRequestHandler):
    """Netstrings: "LENGTH:MAP KEY,", many in one connection."""

    def handle(self):
        while True:
            length = b""
            while (octet := self.rfile.read(1)) != b":":
                if not octet:
                    return
                length += octet
            question = self.rfile.read(int(length) + 1)[:-1].decode()
            key = question.partition(" ")[2]
            print(self.client_address[1], key, flush=True)
            text = answer(key).encode()
            self.wfile.write(b"%d:%s," % (len(text), text))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("127.0.0.1", PORT), Plugin) as server:
    print("ready", os.getpid(), flush=True)
    server.serve_forever()
