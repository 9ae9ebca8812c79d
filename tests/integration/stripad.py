# SPDX-License-Identifier: BSD-2-Clause
"""A resolver that says of no answer that it was validated, as one that only hands on does:
asks the one on 127.0.0.1, and takes AD off.

usage: stripad.py ADDRESS
"""

import socket
import socketserver
import sys

AD = 0x20


def without_ad(answer):
    return answer[:3] + bytes([answer[3] & ~AD]) + answer[4:]


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        question, server = self.request
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
            resolver.settimeout(5)
            resolver.connect(("127.0.0.1", 53))
            resolver.send(question)
            server.sendto(without_ad(resolver.recv(65535)), self.client_address)


class Server(socketserver.ThreadingUDPServer):
    daemon_threads = True


with Server((sys.argv[1], 53), Udp) as server:
    print("ready", flush=True)
    server.serve_forever()
