"""The DNS of the sandbox: zone files, signatures, and the configuration of NSD and Unbound.

NSD serves the root, "test." and a zone for each destination from one address. Every signed zone
uses the same key under its own name: a key is made once, and each zone is signed by one short
process. TTLs are a second, so that a change is seen at once.
"""

import base64
import concurrent.futures
import hashlib
import ipaddress
import os
import re
import struct
import subprocess
import time

import wait
from table import Tlsa

SERVER = "10.53.0.53"                   # NSD
PATIENCE = 20                           # seconds for NSD to load a zone
SILENT = "10.53.0.54"                   # the name server that swallows questions for TLSA

HEAD = """$ORIGIN {origin}
$TTL 1
@ 60 IN SOA ns.test. hostmaster.test. {serial} 3600 600 86400 1
@ 60 IN NS {server}
"""

NSD = """server:
    server-count: 1
    ip-address: {address}
    username: ""
    chroot: ""
    zonesdir: "{dir}/zones"
    zonelistfile: "{dir}/zone.list"
    xfrdfile: "{dir}/xfrd.state"
    xfrdir: "{dir}"
    database: ""
    pidfile: "{dir}/nsd.pid"
    logfile: "{dir}/nsd.log"
    rrl-ratelimit: 0
    verbosity: 1
remote-control:
    control-enable: yes
    control-interface: {dir}/nsd.sock
"""

UNBOUND = """server:
    interface: 127.0.0.1
    access-control: 127.0.0.0/8 allow
    num-threads: 1
    do-ip6: no
    username: ""
    chroot: ""
    directory: "{dir}"
    pidfile: "{dir}/unbound.pid"
    logfile: "{dir}/unbound.log"
    use-syslog: no
    root-hints: "{dir}/root.hints"
    trust-anchor-file: "{dir}/root.anchor"
    trust-anchor-signaling: no
    module-config: "{modules}"
    # Without this, Unbound answers "test." by itself.
    local-zone: "test." nodefault
    cache-max-negative-ttl: 1
    val-bogus-ttl: 1
    val-permissive-mode: {permissive}
    aggressive-nsec: no
    # A name server that swallows some questions is not given up for the others.
    infra-host-ttl: 1
    infra-cache-max-rtt: 1000
    outbound-msg-retry: 2
remote-control:
    control-enable: yes
    control-interface: {dir}/unbound.sock
    control-use-cert: no
"""


def _wire(name):
    return b"".join(bytes([len(l)]) + l.encode() for l in name.rstrip(".").split(".") if l) + b"\0"


def _file(zone):
    return "root" if zone == "." else zone


class Zones:
    """The directory of the DNS."""

    def __init__(self, directory, table, certificates):
        self.directory = directory
        self.table = table
        self.certificates = certificates
        self.serial = time.time_ns() // 10**8 % 2**32

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def _write(self, text, *names):
        with open(self.path(*names), "w", encoding="ascii") as file:
            file.write(text)

    # --- keys

    def make_key(self):
        base = subprocess.run(["ldns-keygen", "-k", "-r", "/dev/urandom", "-a", "ECDSAP256SHA256", "test."],
                              cwd=self.path("keys"), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        os.rename(self.path("keys", base + ".key"), self.path("keys", "shared.key"))
        os.rename(self.path("keys", base + ".private"), self.path("keys", "shared.private"))

    def _public_key(self):
        """Flags, protocol, algorithm and key, as text."""
        with open(self.path("keys", "shared.key"), encoding="ascii") as file:
            return file.read().split("DNSKEY")[1].split(";")[0].split()

    def _key_of(self, zone):
        """Gives the key the name of a zone; returns the base name that ldns-signzone wants."""
        base = self.path("keys", zone)
        if not os.path.exists(base + ".private"):
            self._write(f"{zone} 60 IN DNSKEY {' '.join(self._public_key())}\n", "keys", zone + ".key")
            os.link(self.path("keys", "shared.private"), base + ".private")
        return base

    def _ds(self, zone, unknown=False):
        flags, protocol, algorithm, key = self._public_key()
        data = struct.pack("!HBB", int(flags), int(protocol), int(algorithm)) + base64.b64decode(key)
        tag = sum(byte if i & 1 else byte << 8 for i, byte in enumerate(data))
        tag = (tag + (tag >> 16)) & 0xffff
        if unknown:
            algorithm = 200
        return f"{tag} {algorithm} 2 {hashlib.sha256(_wire(zone) + data).hexdigest()}"

    # --- the text of zones

    def _head(self, origin, server):
        return HEAD.format(origin=origin, server=server, serial=self.serial)

    def _root(self):
        text = self._head(".", "ns.test.")
        return text + f"test. 60 NS ns.test.\nns.test. 60 A {SERVER}\ntest. 60 DS {self._ds('test.')}\n"

    def _test(self):
        text = self._head("test.", "ns")
        text += f"ns 60 A {SERVER}\nsilent 60 A {SILENT}\n"
        return text + "".join(map(self._delegation, self.table.below("test")))

    def _delegation(self, domain):
        text = f"{domain.name}. 60 NS {self._server_of(domain)}\n"
        if domain.secure:
            text += f"{domain.name}. 60 DS {self._ds(domain.name + '.', domain.zone == 'unknown')}\n"
        return text

    def _left_out(self, name):
        """The delegations that a zone with opt-out has beside its chain of NSEC3 records."""
        domain = self.table.find(name.rstrip("."))
        if domain is None or domain.zone != "opt-out":
            return []
        return [child for child in self.table.below(domain.name) if not child.secure]

    @staticmethod
    def _server_of(domain):
        if domain.lame:
            return "ns.nowhere.test."
        return "silent.test." if domain.zone == "silent-tlsa" else "ns.test."

    def _destination(self, domain):
        text = self._head(domain.name + ".", self._server_of(domain))
        for preference, host in enumerate(domain.mx, 1):
            # The null MX has preference 0 and must be alone.
            text += "@ MX 0 .\n" if host == "." else f"@ MX {preference * 10} {host}.\n"
        for host in domain.hosts:
            kind = "AAAA" if ipaddress.ip_address(host.address).version == 6 else "A"
            text += f"{host.name}. {kind} {host.address}\n"
            for record in host.tlsa:
                text += f"_{record.port}._tcp.{host.name}. TLSA {self.certificates.tlsa(host.name, record)}\n"
        for name, kind, data in domain.records:
            if kind == "TLSA" and " " not in data:
                data = self.certificates.tlsa(None, Tlsa.parse(data))
            text += f"{name} {kind} {data}\n"
        left_out = self._left_out(domain.name)
        for child in self.table.below(domain.name):
            if child not in left_out:
                text += self._delegation(child)
        return text

    # --- signing

    def _sign(self, zone, kind):
        day = 86400
        start, end = time.time() - day, time.time() + 30 * day
        if kind == "expired":
            start, end = start - 30 * day, end - 40 * day
        command = ["ldns-signzone", "-i", str(int(start)), "-e", str(int(end)), "-o", zone]
        if kind == "nsec3":
            command += ["-n", "-a", "1", "-t", "0"]
        if kind == "opt-out":
            command += ["-n", "-p", "-a", "1", "-t", "0"]
        command += ["-f", self.path("signed", _file(zone)), self.path("plain", _file(zone)), self._key_of(zone)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        if kind.startswith("bogus-"):
            self._damage(zone, kind.partition("-")[2].upper())
        if kind == "stripped-tlsa":
            self._strip(zone, "TLSA")
        left_out = self._left_out(zone)
        if left_out:
            # A delegation needs no signature, and with opt-out no NSEC3 record either.
            with open(self.path("signed", _file(zone)), "a", encoding="ascii") as file:
                file.write("".join(map(self._delegation, left_out)))

    def _strip(self, zone, kind):
        """Removes the signatures over the records of one type."""
        with open(self.path("signed", zone), encoding="ascii") as file:
            text = file.read()
        self._write(re.sub(rf"^\S+\s+\d+\s+IN\s+RRSIG\s+{kind}\s.*\n", "", text, flags=re.M), "signed", zone)

    def _damage(self, zone, kind):
        """Changes the signatures over the records of one type."""
        with open(self.path("signed", zone), encoding="ascii") as file:
            text = file.read()
        # The first character of the signature, which is the last field of a line.
        text = re.sub(rf"^(\S+\s+\d+\s+IN\s+RRSIG\s+{kind}\s.*\s)(\S)(\S+)$",
                      lambda m: m[1] + ("B" if m[2] == "A" else "A") + m[3], text, flags=re.M)
        self._write(text, "signed", zone)

    def _make(self, zone, text, kind):
        if kind in ("unsigned", "unknown", "stripped"):
            self._write(text, "signed", _file(zone))
        else:
            self._write(text, "plain", _file(zone))
            self._sign(zone, kind)
        # NSD must never read half a file.
        os.rename(self.path("signed", _file(zone)), self.path("zones", _file(zone)))

    def make(self, names=None):
        """Makes the zones of the domains named, or of all, and the two above them."""
        jobs = [(".", self._root(), "signed"), ("test.", self._test(), "signed")]
        jobs += [(domain.name + ".", self._destination(domain), domain.zone)
                 for domain in self.table.domains if not domain.lame and (names is None or domain.name in names)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda job: self._make(*job), jobs))

    # --- servers

    def configure_unbound(self):
        text = UNBOUND
        for domain in self.table.domains:
            if domain.zone == "silent-tlsa":
                # NSD has this zone as well, and would answer for it when asked about its parent.
                text += f"stub-zone:\n    name: {domain.name}\n    stub-addr: {SILENT}\n"
        for name, modules, permissive in (("unbound", "validator iterator", "no"),
                                          ("unbound-permissive", "validator iterator", "yes"),
                                          ("unbound-novalidate", "iterator", "no")):
            self._write(text.format(dir=self.directory, modules=modules, permissive=permissive), name + ".conf")

    def configure(self):
        """Everything the servers need to start."""
        for name in ("keys", "plain", "signed", "zones"):
            os.makedirs(self.path(name), exist_ok=True)
        self.make_key()
        self.make()
        nsd = NSD.format(dir=self.directory, address=SERVER)
        for zone in [".", "test."] + [domain.name + "." for domain in self.table.domains if not domain.lame]:
            nsd += f'zone:\n    name: "{zone}"\n    zonefile: "{_file(zone)}"\n'
        self._write(nsd, "nsd.conf")
        self._write(f". 3600 IN NS ns.test.\nns.test. 3600 IN A {SERVER}\n", "root.hints")
        self._write(f". IN DNSKEY {' '.join(self._public_key())}\n", "root.anchor")
        self.configure_unbound()

    def publish(self, names):
        """Makes the zones of some domains anew, and returns when the running servers know it."""
        # The zone above says whether there is DS.
        names = sorted(set(names) | {self.table.parent(name) for name in names} - {"test"})
        self.make(names)
        for zone in ["test"] + list(names):
            self._control("nsd-control", "-c", self.path("nsd.conf"), "reload", zone)
        # NSD says "ok" before it is done.
        if not wait.until(lambda: all(self._serves(zone) for zone in ["test"] + list(names)), PATIENCE):
            raise TimeoutError(f"NSD did not load {' '.join(names)} within {PATIENCE} s")
        self.configure_unbound()
        if os.path.exists(self.path("unbound.pid")):
            # This forgets everything it knew, too.
            self._control("unbound-control", "-c", self.path("unbound.conf"), "reload")

    def _serves(self, zone):
        answer = subprocess.run(["dig", "+short", "+time=1", "+tries=1", "@" + SERVER, zone, "soa"],
                                check=False, stdout=subprocess.PIPE, text=True).stdout.split()
        return len(answer) == 7 and int(answer[2]) == self.serial

    @staticmethod
    def _control(*command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
