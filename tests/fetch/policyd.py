#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Policy hosts with faults, for tests/cli/fetch.t.

usage: policyd.py CERTIFICATES LOG KIND...

A KIND is CERTIFICATE/BEHAVIOUR; each listens on a port of its own of 127.0.0.1 and ::1. A line
"KIND PORT" is printed for each, then "ready". What is asked is written to LOG, a line a request:
KIND, the name that TLS was told (SNI), and the lines of the request.
"""
import gzip
import os
import select
import socket
import ssl
import sys
import threading

POLICY = b"version: STSv1\nmode: enforce\nmx: mx.d.test\nmax_age: 604800\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
POLICY_HOST = "mta-sts.d.test"


def long_policy(size):
    """A valid policy of that size: an extension fills it."""
    return POLICY + b"c: " + b"a" * (size - len(POLICY) - 4) + b"\n"


def answer(status=b"200 OK", kind=b"text/plain", body=POLICY, more=b"", length=None):
    head = b"HTTP/1.1 " + status + b"\r\n" + more
    if kind is not None:
        head += b"Content-Type: " + kind + b"\r\n"
    return head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % (len(body) if length is None else length) + body


def chunks(body, size=4096):
    return b"".join(b"%x\r\n" % len(body[i:i + size]) + body[i:i + size] + b"\r\n" for i in range(0, len(body), size))


def chunked(body, end=True, more=b""):
    return HEAD + more + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(body) + (b"0\r\n\r\n" if end else b"")


def status_line(line):
    return line + b"\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(POLICY) + POLICY


FIXED = {
    "ok": answer(),
    "404": answer(b"404 Not Found"),
    "500": answer(b"500 Oops"),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "206": answer(b"206 Partial Content", more=b"Content-Range: bytes 0-9/99\r\n"),
    "404-cut": answer(b"404 Not Found", length=1000),
    "301": answer(b"301 Moved", more=b"Location: https://" + POLICY_HOST.encode() + b"/.well-known/mta-sts.txt\r\n"),
    "http": answer(b"302 Found", more=b"Location: http://127.0.0.1/\r\n"),
    "file": answer(b"302 Found", more=b"Location: file:///etc/passwd\r\n"),
    "html": answer(kind=b"text/html"),
    "no-type": answer(kind=None),
    "type-case": answer(kind=b"TEXT/Plain ; charset=UTF-8"),
    "cookie": answer(more=b"Set-Cookie: a=b\r\nStrict-Transport-Security: max-age=1\r\nAlt-Svc: h2=\":1\"\r\n"),
    "65536": answer(body=long_policy(65536)),
    "65537": answer(body=long_policy(65537)),
    "chunked": chunked(POLICY),
    "chunked-65536": chunked(long_policy(65536)),
    "chunked-70000": chunked(long_policy(70000)),
    "chunked-cut": chunked(POLICY, end=False),
    "chunked-odd": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n" + POLICY,
    "no-length-90000": HEAD + b"Connection: close\r\n\r\n" + long_policy(90000),
    "no-length": HEAD + b"Connection: close\r\n\r\n" + POLICY,
    "no-length-end": HEAD + b"Connection: close\r\n\r\n" + POLICY,
    "length-huge": HEAD + b"Content-Length: 99999999999999\r\n\r\n" + POLICY,
    "cut": answer(length=1000),
    "gzip": answer(body=gzip.compress(b"a" * 10000000), more=b"Content-Encoding: gzip\r\n"),
    "gzip-transfer": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks(gzip.compress(b"a" * 10000000))
    + b"0\r\n\r\n",
    "headers-10000": HEAD + b"X: y\r\n" * 10000 + b"Content-Length: 61\r\n\r\n" + POLICY,
    "header-long": HEAD + b"X: " + b"y" * 1000000 + b"\r\nContent-Length: 61\r\n\r\n" + POLICY,
    "status-no-words": status_line(b"HTTP/1.1 200"),
    "status-of-h2": status_line(b"HTTP/2 200"),
    "status-of-9": status_line(b"HTTP/9.9 200 OK"),
    "status-2000": status_line(b"HTTP/1.1 2000 OK"),
    "status-20": status_line(b"HTTP/1.1 20 OK"),
    "status-minus": status_line(b"HTTP/1.1 -200 OK"),
    "status-000": status_line(b"HTTP/1.1 000 OK"),
    "status-999": status_line(b"HTTP/1.1 999 OK"),
    "status-words": status_line(b"HTTP/1.1 two hundred"),
    "status-nul": status_line(b"HTTP/1.1 404\x00 200 OK"),
    "status-octets": status_line(b"HTTP/1.1 404 " + bytes(range(1, 10)) + b"\x1b[2J\xff"),
    "status-long": status_line(b"HTTP/1.1 200 " + b"y" * 1000000),
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + answer(),
    "h2-frames": b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" * 100,
    "nul-type": answer(kind=b"text/plain\x00.html"),
    "nul-in-type": answer(kind=b"text/html\x00; text/plain"),
    "nul-body": answer(body=POLICY.replace(b"mx.", b"mx\x00")),
    "length-minus": answer(length=-1),
    "length-word": HEAD + b"Content-Length: many\r\n\r\n" + POLICY,
    "length-two": answer(more=b"Content-Length: 10\r\n"),
    "length-short": answer(length=len(POLICY) - 20),
    "length-none": answer(length=0),
    "length-chunks": chunked(POLICY, more=b"Content-Length: 10\r\n"),
    "types-two": answer(more=b"Content-Type: text/html\r\n"),
    "nothing": b"",
    "garbage": os.urandom(4096).replace(b"H", b"h"),
    "old": POLICY,  # HTTP/0.9 has no header
}


def until_left(connection):
    """The other end gives up."""
    while connection.recv(4096):
        pass


def send_for_ever(connection, begin, part, wait):
    """A part each so many seconds, until the other end gives up."""
    connection.sendall(begin)
    while True:
        connection.sendall(part)
        if wait > 0 and select.select([connection], [], [], wait)[0]:
            return


ENDLESS = {
    "endless": (HEAD + b"\r\n", b"a" * 4096, 0),
    "endless-chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 100, 0),
    "endless-headers": (HEAD, b"X-More: and more\r\n", 0),
    "endless-100": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0),
    "slow-octets": (HEAD + b"X: ", b"y", 0.3),
    "slow-status": (b"HTTP/1.1 200 ", b"y", 0.3),
    "slow-headers": (HEAD, b"X: y\r\n", 0.3),
    "slow-body": (HEAD + b"Content-Length: 61\r\n\r\n", b"v", 0.3),
    "slow-chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nv\r\n", 0.3),
}


class Host:
    """A kind: two listening sockets, one port."""

    def __init__(self, kind, certificates, log):
        self.kind = kind
        self.certificate, self.behaviour = kind.split("/")
        self.log = log
        self.context = self.make_context(certificates)
        while True:
            self.sockets = [socket.create_server(("127.0.0.1", 0))]
            self.port = self.sockets[0].getsockname()[1]
            try:
                self.sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
                break
            except OSError as error:
                if error.errno == 98:  # that port is somebody's
                    continue
                break  # no IPv6 here
        if self.behaviour == "v6-only":
            self.sockets.pop(0).close()
        for listening in self.sockets:
            threading.Thread(target=self.serve, args=(listening,), daemon=True).start()

    def make_context(self, certificates):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        name = "good" if self.certificate in ("sni", "tls11", "plain", "silent", "h2") else self.certificate
        if self.certificate == "tls11":
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        if self.certificate == "h2":
            context.set_alpn_protocols(["h2"])
        if self.certificate == "sni":
            right = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            right.load_cert_chain(os.path.join(certificates, "good.pem"))
            name = "other"
        context.load_cert_chain(os.path.join(certificates, name + ".pem"))

        def told(connection, server_name, _context):
            connection.told = server_name
            if self.certificate == "sni" and server_name == POLICY_HOST:
                connection.context = right
        context.sni_callback = told
        return context

    def serve(self, listening):
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection):
        try:
            if self.certificate == "silent":
                until_left(connection)
                return
            if self.certificate == "plain":
                connection.recv(4096)
                connection.sendall(FIXED["ok"])
                return
            connection = self.context.wrap_socket(connection, server_side=True)
            self.answer(connection)
            if self.behaviour != "no-length":  # that one ends without a word of TLS
                connection = connection.unwrap()
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def answer(self, connection):
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(4096)
            if not part:
                return
            request += part
        lines = "|".join(request.decode("latin-1").strip().split("\r\n"))
        self.log.write("%s %s %s\n" % (self.kind, getattr(connection, "told", None), lines))
        self.log.flush()
        if self.behaviour in ENDLESS:
            send_for_ever(connection, *ENDLESS[self.behaviour])
        elif self.behaviour in ("v6-only", "dead-v4"):
            connection.sendall(FIXED["ok"])
        elif self.behaviour == "hang":
            until_left(connection)
        else:
            connection.sendall(FIXED[self.behaviour])


def main():
    certificates, log = sys.argv[1], open(sys.argv[2], "a", encoding="utf-8")
    for kind in sys.argv[3:]:
        host = Host(kind, certificates, log)
        print(kind, host.port, flush=True)
    print("ready", flush=True)
    threading.Event().wait()


main()
