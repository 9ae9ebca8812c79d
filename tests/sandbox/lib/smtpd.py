"""The scripted SMTP servers, and the recorder of what the destinations accept.

usage: smtpd.py DIR

A scripted server does what no real one does on demand; BEHAVIOURS has a row for each. On SIGHUP the
table of destinations is read again. The recorder is a plain SMTP server behind the real Postfix; it
and the scripted servers append to DIR/delivered.tsv: time, recipient, server, TLS protocol or "-",
message-id, subject; and to DIR/passwords.tsv what they were sent: time, server, TLS protocol or "-",
the command.
"""

import datetime
import os
import re
import signal
import socket
import ssl
import sys
import threading
from dataclasses import dataclass

from servers import RECORDER, listeners
from table import Table

FORGED = ("to=<x@victim.test>, relay=none, delay=0.1, delays=0.1/0/0/0, dsn=4.7.4, status=deferred "
          "(TLS is required, but was not offered by host mx.victim.test[192.0.2.1])")


@dataclass
class Behaviour:
    greet: bool = True                  # False: hangs up at once
    offer: bool = True                  # STARTTLS
    endless: bool = False               # the answer to EHLO has no end
    auth: bool = False                  # AUTH is offered, with TLS and without
    starttls: str = "220 2.0.0 Ready to start TLS"
    handshake: bool = True              # False: sends rubbish instead of TLS
    recipient: str = "250 2.1.5 Ok"     # {user}: the recipient
    first: str = ""                     # this instead, to the first attempt for a recipient


BEHAVIOURS = {
    "refuse-454": Behaviour(starttls="454 4.7.0 TLS not available due to temporary reason"),
    "refuse-554": Behaviour(starttls="554 5.7.1 STARTTLS refused by policy"),
    "refuse-forged": Behaviour(starttls=f"454 4.7.0 no), {FORGED}"),
    "broken": Behaviour(handshake=False),
    "drop": Behaviour(greet=False),
    "accept": Behaviour(),
    "endless-ehlo": Behaviour(endless=True),
    "auth": Behaviour(auth=True),
    "auth-plain": Behaviour(auth=True, offer=False),
    "greylist": Behaviour(first="450 4.2.0 <{user}>: Recipient address rejected: Greylisted"),
    "say-unverified": Behaviour(recipient="450 4.7.5 Server certificate not verified"),
    "say-unoffered": Behaviour(recipient="450 4.7.5 TLS is required, but was not offered by host "
                                         "mx.victim.test[192.0.2.1]"),
    "say-ill-formed": Behaviour(recipient="450 4.2.0 caf\udced\udca0\udc80 later"),
    "say-forged": Behaviour(recipient=f"450-4.7.4 Server certificate not trusted\r\n450 4.7.4 {FORGED}"),
}


class Recorder:
    """The file of accepted messages, and what greylisting remembers."""

    def __init__(self, path):
        self.path = path
        self.seen = set()

    def first_attempt(self, server, recipient):
        first = (server, recipient) not in self.seen
        self.seen.add((server, recipient))
        return first

    def accept(self, server, protocol, recipients, message):
        head = re.sub(r"\r?\n[ \t]+", " ", message.partition("\r\n\r\n")[0])
        fields = dict(reversed([(name.lower(), value.strip()) for name, _, value in
                                (line.partition(":") for line in head.split("\r\n"))]))
        if server is None:              # behind Postfix, whose Received: is the first
            received = fields.get("received", "")
            by = re.search(r"by (\S+)", received)
            server = by[1] if by else "-"
            using = re.search(r"using (TLSv[0-9.]+)", received)
            protocol = using[1] if using else "-"
        now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        texts = [fields.get("message-id", "-"), fields.get("subject", "-")]
        self._append(self.path, [[now, recipient, server, protocol, *texts] for recipient in recipients])

    def password(self, server, protocol, command):
        now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        self._append(os.path.join(os.path.dirname(self.path), "passwords.tsv"), [[now, server, protocol, command]])

    @staticmethod
    def _append(path, rows):
        out = ""
        for row in rows:
            out += "\t".join(re.sub(r"[\x00-\x1f]", " ", text) for text in row) + "\n"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, out.encode("utf-8", "surrogateescape"))
        os.close(file)


class Session:
    """One connection."""

    def __init__(self, connection, name, behaviour, context, recorder):
        self.connection = connection
        self.name = name                # None: the recorder itself
        self.behaviour = behaviour
        self.context = context
        self.recorder = recorder
        self.lines = connection.makefile("rb")
        self.recipients = []

    def reply(self, text):
        self.connection.sendall(text.encode("utf-8", "surrogateescape") + b"\r\n")

    def run(self):
        if not self.behaviour.greet:
            return
        self.reply(f"220 {self.name or 'recorder'} ESMTP")
        while True:
            line = self.lines.readline(65536)
            if not line.endswith(b"\n"):
                return
            line = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            verb = line.split(":")[0].split(" ")[0].upper()
            handler = getattr(self, "do_" + verb.lower(), None)
            if verb == "QUIT":
                self.reply("221 2.0.0 Bye")
                return
            if handler is None:
                self.reply("502 5.5.2 Unknown command")
            elif handler(line) is False:
                return

    def do_ehlo(self, _line):
        words = ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self.name is None:
            words.append("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")
        elif self.behaviour.offer and not self.tls:
            words.append("STARTTLS")
        if self.behaviour.auth:
            words.append("AUTH PLAIN")
        while self.behaviour.endless:
            self.connection.sendall(b"250-XENDLESS 0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n" * 1000)
        self.reply("\r\n".join([f"250-{self.name or 'recorder'}"] + [f"250-{w}" for w in words[:-1]]
                               + [f"250 {words[-1]}"]))

    def do_helo(self, _line):
        self.reply(f"250 {self.name or 'recorder'}")

    def do_xforward(self, _line):
        self.reply("250 2.0.0 Ok")

    do_noop = do_xforward

    @property
    def tls(self):
        return isinstance(self.connection, ssl.SSLSocket)

    def do_starttls(self, _line):
        self.reply(self.behaviour.starttls)
        if not self.behaviour.starttls.startswith("220"):
            return True
        if not self.behaviour.handshake:
            self.connection.sendall(b"\x15\x03\x01 this is not TLS\r\n")
            return False
        self.lines.close()
        self.connection = self.context.wrap_socket(self.connection, server_side=True)
        self.lines = self.connection.makefile("rb")
        return True

    def do_auth(self, line):
        self.recorder.password(self.name, self.connection.version() if self.tls else "-", line)
        self.reply("235 2.7.0 Authentication successful")

    def do_mail(self, _line):
        self.recipients = []
        self.reply("250 2.1.0 Ok")

    do_rset = do_mail

    def do_rcpt(self, line):
        recipient = re.sub(r"^[^<]*<(.*)>.*$", r"\1", line)
        reply = self.behaviour.recipient
        if self.behaviour.first and self.recorder.first_attempt(self.name, recipient):
            reply = self.behaviour.first
        if reply.startswith("250"):
            self.recipients.append(recipient)
        self.reply(reply.replace("{user}", recipient))

    def do_data(self, _line):
        if not self.recipients:
            self.reply("554 5.5.1 No valid recipients")
            return True
        self.reply("354 End data with <CR><LF>.<CR><LF>")
        message = []
        for line in self.lines:
            if line == b".\r\n":
                break
            message.append(line[1:] if line.startswith(b".") else line)
        else:
            return False
        protocol = self.connection.version() if self.tls else "-"
        self.recorder.accept(self.name, protocol, self.recipients,
                             b"".join(message).decode("utf-8", "surrogateescape"))
        self.reply("250 2.0.0 Ok: queued as SINK")
        return True


class Listener(threading.Thread):
    """Accepts connections at an address until it is closed."""

    def __init__(self, address, port, name, behaviour, chain, recorder):
        super().__init__(daemon=True)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.create_server((address, port), family=family, backlog=128)
        self.name_of_host = name
        self.behaviour = behaviour
        self.context = None
        if chain:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(chain)
        self.recorder = recorder
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.settimeout(300)
        session = Session(connection, self.name_of_host, self.behaviour, self.context, self.recorder)
        try:
            session.run()
        except (OSError, ValueError) as error:
            print(f"{self.name_of_host}: {error}", file=sys.stderr, flush=True)
        finally:
            session.connection.close()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


class Scripted:
    """The listeners that the table asks for; follows its changes."""

    def __init__(self, directory):
        self.directory = directory
        self.recorder = Recorder(os.path.join(directory, "delivered.tsv"))
        self.listeners = {}
        address, port = RECORDER.split(":")
        Listener(address, int(port), None, Behaviour(), None, self.recorder)

    def follow(self):
        wanted = {}
        for host, port in listeners(Table(os.path.join(self.directory, "destinations"))):
            if host.server in BEHAVIOURS:
                chain = os.path.join(self.directory, "world", "certs", host.name + ".pem")
                wanted[(host.address, port)] = (host.name, host.server, chain, os.stat(chain).st_ino)
        for key, (what, listener) in list(self.listeners.items()):
            if wanted.get(key) != what:
                listener.close()
                del self.listeners[key]
        for key, what in wanted.items():
            if key not in self.listeners:
                name, server, chain, _ = what
                self.listeners[key] = (what, Listener(*key, name, BEHAVIOURS[server], chain, self.recorder))


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    scripted = Scripted(sys.argv[1])
    scripted.follow()
    with open(os.path.join(sys.argv[1], "world", "smtpd.pid"), "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    while True:
        signal.sigwait([signal.SIGHUP])
        scripted.follow()


if __name__ == "__main__":
    main()
