#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""MTA-STS policy hosts over HTTPS, inside a sandbox.

usage: policyhost.py ADDRESS CERTIFICATE DIRECTORY

The policy of mta-sts.DOMAIN is the file DIRECTORY/DOMAIN, read anew for each question; one that
says "hang" is never answered, one that is missing is 404. Each question is a line of
DIRECTORY/asked. "ready" is printed once it listens; it ends when its standard input does.
"""
import os
import socket
import ssl
import sys
import threading

address, certificate, directory = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate)
lock = threading.Lock()


def serve(raw):
    try:
        raw.settimeout(70)
        with context.wrap_socket(raw, server_side=True) as connection:
            head = b""
            while b"\r\n\r\n" not in head and len(head) < 65536:
                part = connection.recv(4096)
                if not part:
                    return
                head += part
            host = [line.split(b":", 1)[1].strip().decode() for line in head.split(b"\r\n")
                    if line.lower().startswith(b"host:")][0]
            domain = os.path.basename(host.removeprefix("mta-sts."))
            with lock, open(os.path.join(directory, "asked"), "a", encoding="ascii") as log:
                log.write(domain + "\n")
            try:
                with open(os.path.join(directory, domain), "rb") as file:
                    body, status = file.read(), b"200 OK"
            except FileNotFoundError:
                body, status = b"", b"404 Not Found"
            if body.strip() == b"hang":
                while connection.recv(4096):  # until the other end gives up
                    pass
                return
            connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                               b"Connection: close\r\n\r\n" % len(body) + body)
    except (OSError, ssl.SSLError):
        pass


def listen():
    listener = socket.create_server((address, 443), backlog=256)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


threading.Thread(target=listen, daemon=True).start()
sys.stdin.read()
