"""Builds the files of a sandbox, and changes them while it runs.

usage: build.py DIR init
       build.py DIR zone tlsa HOST [TLSA]...
       build.py DIR zone mx DOMAIN HOST,...|none|null
       build.py DIR zone kind DOMAIN KIND
       build.py DIR zone add|remove DOMAIN NAME TYPE DATA
       build.py DIR zone again DOMAIN...
       build.py DIR cert HOST KIND [newkey]
       build.py DIR behave HOST SERVER
"""

import fcntl
import glob
import os
import shutil
import signal
import smtplib
import ssl
import sys

import servers
import smtpd
import wait
import zones
from certs import Certificates
from table import Table, TableError

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 20                           # seconds for a server to follow a change


class World:
    """All parts of a sandbox."""

    def __init__(self, directory):
        self.directory = directory
        self.world = os.path.join(directory, "world")
        self.table = Table(os.path.join(directory, "destinations"))
        self.certificates = Certificates(os.path.join(self.world, "certs"))
        self.zones = zones.Zones(os.path.join(self.world, "dns"), self.table, self.certificates)
        self.receiver = os.path.join(self.world, "servers")

    def init(self):
        for host in self.table.hosts.values():
            self.certificates.make(host.name, host.certificate)
        shutil.copyfile(self.certificates.path("authority.crt"), os.path.join(self.directory, "ca.pem"))
        servers.configure(self.receiver, self.table, self.certificates)
        self.zones.configure()
        with open(os.path.join(self.world, "addresses"), "w", encoding="ascii") as file:
            for address in [zones.SERVER, zones.SILENT] + sorted({h.address for h in self.table.hosts.values()}):
                file.write(f"address add {address}{'/128' if ':' in address else '/32'} dev lo"
                           f"{' nodad' if ':' in address else ''}\n")

    # --- changes

    def zone(self, verb, name, *rest):
        if verb == "tlsa":
            self.table.set_host(name, tlsa=list(rest))
            domains = [self.table.domain_of(name).name]
        else:
            domains = [name]
            if verb == "mx":
                self.table.set_domain(name, mx=rest[0])
            elif verb == "kind":
                self.table.set_domain(name, zone=rest[0])
            elif verb == "add":
                self.table.add_record(name, list(rest))
            elif verb == "remove":
                self.table.remove_record(name, list(rest))
            elif verb == "again":
                domains += rest
            else:
                raise TableError(f"not a change of a zone: {verb}")
        self.zones.publish(domains)

    def cert(self, name, kind, *newkey):
        host = self._host(name)
        if newkey:
            if newkey != ("newkey",):
                raise TableError(f"not expected: {' '.join(newkey)}")
            self.certificates.new_key(name)
            # The records in DNS stay as they are: they now speak of the old key.
            words = [f"{r.port}/{r.usage}-{r.selector}-{r.matching}:{r.of or 'old'}" for r in host.tlsa]
            self.table.set_host(name, tlsa=words)
        self.table.set_host(name, certificate=kind)
        self.certificates.make(name, kind)
        self._follow(name)

    def behave(self, name, server):
        self._host(name)
        if server.partition("@")[0] not in {"down", *servers.REAL, *smtpd.BEHAVIOURS}:
            raise TableError(f"no such server: {server}")
        # The old server gives its address up before the new one takes it: a Postfix that cannot bind ends.
        for step in ("down", server):
            self.table.set_host(name, server=step)
            servers.configure(self.receiver, self.table, self.certificates)
            self._follow(name)

    def _host(self, name):
        if name not in self.table.hosts:
            raise TableError(f"no such host: {name}")
        return self.table.hosts[name]

    # --- running servers

    @staticmethod
    def _pid(*names):
        with open(os.path.join(*names), encoding="ascii") as file:
            return int(file.read())

    def _follow(self, name):
        """Lets the servers read their configuration, and waits until a host does what the table says."""
        host = self.table.hosts[name]
        master = self._pid(self.receiver, "queue", "pid", "master.pid")
        old = children_of(master, "smtpd")
        os.kill(master, signal.SIGHUP)
        os.kill(self._pid(self.world, "smtpd.pid"), signal.SIGHUP)

        def follows():
            return not old & children_of(master, "smtpd") and all(self._as_wanted(host, port) for port in host.ports)

        if not wait.until(follows, PATIENCE):
            with open(os.path.join(self.receiver, "mail.log"), encoding="utf-8") as log:
                trouble = [line for line in log if " fatal: " in line or " panic: " in line]
            sys.exit(f"sandbox: {name} did not follow within {PATIENCE} s\n" + "".join(trouble[-3:]))

    def _as_wanted(self, host, port):
        client = smtplib.SMTP(timeout=5)
        try:
            _, greeting = client.connect(host.address, port)
            if host.server == "down" or (host.server in servers.REAL) != (b"Postfix" in greeting):
                return False
            if host.server in smtpd.BEHAVIOURS: # the answer of one to EHLO never ends
                return host.server != "drop"
            client.ehlo("probe.test")
            if client.has_extn("starttls") == (host.server == "plain"):
                return False
            return host.server != "tls" or self._shows_certificate(client, host)
        except ConnectionRefusedError:
            return host.server == "down"
        except (OSError, smtplib.SMTPException):
            return host.server == "drop"
        finally:
            client.close()

    def _shows_certificate(self, client, host):
        client.docmd("STARTTLS")
        context = ssl._create_unverified_context()
        with open(self.certificates.chain_file(host.name), encoding="ascii") as file, \
                context.wrap_socket(client.sock) as session:
            return ssl.DER_cert_to_PEM_cert(session.getpeercert(True)) in file.read()


def children_of(parent, name):
    found = set()
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8") as file:
                head, _, tail = file.read().rpartition(")")
        except OSError:
            continue
        if head.partition("(")[2] == name and int(tail.split()[1]) == parent:
            found.add(int(head.split()[0]))
    return found


def main():
    directory, verb, *rest = sys.argv[1:]
    if verb == "init":
        with open(os.path.join(directory, "destinations"), "w", encoding="ascii") as table:
            for path in (os.path.join(os.path.dirname(HERE), "destinations"), *rest):
                with open(path, encoding="ascii") as part:
                    shutil.copyfileobj(part, table)
        rest = []
    with open(os.path.join(directory, "world", "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            world = World(directory)
            {"init": world.init, "zone": world.zone, "cert": world.cert, "behave": world.behave}[verb](*rest)
        except (TableError, TypeError, IndexError) as error:
            sys.exit(f"sandbox: {error}")


if __name__ == "__main__":
    main()
