"""A name server that swallows every question for TLSA and hands the others to NSD.

usage: nameserver.py
"""

import socket
import socketserver
import struct
import threading

from zones import SERVER, SILENT

TLSA = 52


def asks_for_tlsa(question):
    at = 12
    while at < len(question) and question[at]:
        at += question[at] + 1
    return question[at + 1:at + 3] == struct.pack("!H", TLSA)


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        question, reply_socket = self.request
        if asks_for_tlsa(question):
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(5)
            upstream.connect((SERVER, 53))
            upstream.send(question)
            reply_socket.sendto(upstream.recv(65535), self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        while head := self.rfile.read(2):
            question = self.rfile.read(struct.unpack("!H", head)[0])
            if asks_for_tlsa(question):
                continue
            with socket.create_connection((SERVER, 53), 5) as upstream, upstream.makefile("rb") as answer:
                upstream.sendall(head + question)
                length = answer.read(2)
                self.wfile.write(length + answer.read(struct.unpack("!H", length)[0]))


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = 65535


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def main():
    import threading
    tcp = TcpServer((SILENT, 53), Tcp)
    threading.Thread(target=tcp.serve_forever, daemon=True).start()
    UdpServer((SILENT, 53), Udp).serve_forever()


if __name__ == "__main__":
    main()
