"""The table of destinations: reads it, answers questions about it, changes a field of it."""

import os
import re
from dataclasses import dataclass, field

ZONES = ("signed", "nsec3", "unsigned", "expired", "bogus-tlsa", "bogus-mx", "silent-tlsa", "stripped",
         "stripped-tlsa", "opt-out", "island", "unknown", "lame", "lame-ds")
CERTIFICATES = ("good", "selfsigned", "own-ca", "expired", "wrong-name", "hostile", "hostile-issuer")


class TableError(Exception):
    """A line of the table, or a request to change it, that makes no sense."""


@dataclass
class Tlsa:
    """One TLSA record as the table writes it: [PORT/]USAGE-SELECTOR-TYPE[:OF]."""
    port: int
    usage: int
    selector: int
    matching: int
    of: str                             # "", old, short, or a host name

    @classmethod
    def parse(cls, word):
        m = re.fullmatch(r"(?:(\d+)/)?(\d+)-(\d+)-(\d+)(?::([a-z0-9.-]+))?", word)
        if not m:
            raise TableError(f"not a TLSA record: {word}")
        port, *numbers, of = m.groups()
        return cls(int(port or 25), *map(int, numbers), of or "")


@dataclass
class Host:
    name: str
    address: str
    server: str
    ports: list
    certificate: str
    tlsa: list


@dataclass
class Domain:
    name: str
    zone: str
    at_verify: str
    at_dane_only: str
    mx: list                            # host names; ["."] for the null MX, [] for none
    hosts: list = field(default_factory=list)
    records: list = field(default_factory=list)   # (name, type, data)

    @property
    def secure(self):
        """Has it DS at the zone above?"""
        return self.zone not in ("unsigned", "island", "lame")

    @property
    def lame(self):
        """Is its name server not to be found?"""
        return self.zone in ("lame", "lame-ds")


def _address(word):
    if word.startswith("v6:"):
        return "fd53::1:" + word[3:]
    return "10.53.1." + word


def _domain(words):
    name, zone, at_verify, at_dane_only, *rest = words
    if zone not in ZONES:
        raise TableError(f"not a kind of zone: {zone}")
    mx = None
    for word in rest:
        if not word.startswith("mx="):
            raise TableError(f"not expected: {word}")
        value = word[3:]
        mx = {"none": [], "null": ["."]}.get(value, value.split(","))
    return Domain(name, zone, at_verify, at_dane_only, mx)


def _host(words, domain):
    name, address, server, certificate, *tlsa = words
    if certificate not in CERTIFICATES:
        raise TableError(f"not a kind of certificate: {certificate}")
    server, _, ports = server.partition("@")
    return Host(domain.name if name == "@" else f"{name}.{domain.name}",
                _address(address), server, [int(p) for p in (ports or "25").split(",")],
                certificate, [Tlsa.parse(word) for word in tlsa])


def parse(text):
    domains = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if not line[0].isspace():
                domains.append(_domain(words))
            elif words[0] == "+":
                domains[-1].records.append((words[1], words[2], " ".join(words[3:])))
            else:
                domains[-1].hosts.append(_host(words, domains[-1]))
        except (TableError, ValueError, IndexError) as error:
            raise TableError(f"destinations, line {number}: {error}") from error
    for domain in domains:
        if domain.mx is None:
            domain.mx = [host.name for host in domain.hosts]
    return domains


class Table:
    """The table in a file; a change is written at once."""

    def __init__(self, path):
        self.path = path
        self.load()

    def load(self):
        with open(self.path, encoding="utf-8") as file:
            self.lines = file.read().splitlines()
        self.domains = parse("\n".join(self.lines))
        self.hosts = {host.name: host for domain in self.domains for host in domain.hosts}

    def domain(self, name):
        for domain in self.domains:
            if domain.name == name:
                return domain
        raise TableError(f"no such domain: {name}")

    def find(self, name):
        return next((domain for domain in self.domains if domain.name == name), None)

    def parent(self, name):
        """The zone above a domain, another domain or "test"."""
        while name := name.partition(".")[2]:
            if name == "test" or self.find(name):
                return name
        raise TableError("nothing is above test")

    def below(self, zone):
        """The domains that a zone delegates."""
        return [domain for domain in self.domains if self.parent(domain.name) == zone]

    def domain_of(self, host):
        for domain in self.domains:
            if any(h.name == host for h in domain.hosts):
                return domain
        raise TableError(f"no such host: {host}")

    def _change(self, number, line):
        changed = list(self.lines)
        if line is None:
            del changed[number]
        else:
            changed[number:number + 1] = line.splitlines()
        parse("\n".join(changed))
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write("\n".join(changed) + "\n")
        os.rename(self.path + ".new", self.path)
        self.load()

    def _lines_of(self, domain):
        """Numbers of the line of a domain and of the lines below it."""
        self.domain(domain)
        inside = False
        for number, line in enumerate(self.lines):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if not line[0].isspace():
                inside = words[0] == domain
            if inside:
                yield number, words

    def set_domain(self, name, *, zone=None, mx=None):
        number, words = next(self._lines_of(name))
        if zone:
            words[1] = zone
        if mx:
            words[4:] = ["mx=" + mx]
        self._change(number, " ".join(words))

    def set_host(self, name, *, server=None, certificate=None, tlsa=None):
        domain = self.domain_of(name).name
        short = "@" if name == domain else name[:-len(domain) - 1]
        for number, words in self._lines_of(domain):
            if words[0] != short:
                continue
            if server:
                ports = words[2].partition("@")[1:]
                words[2] = server if "@" in server else server + "".join(ports)
            if certificate:
                words[3] = certificate
            if tlsa is not None:
                words[4:] = tlsa
            self._change(number, "    " + " ".join(words))
            return

    def add_record(self, domain, record):
        number, words = next(self._lines_of(domain))
        self._change(number, " ".join(words) + "\n    + " + " ".join(record))

    def remove_record(self, domain, record):
        for number, words in self._lines_of(domain):
            if words[0] == "+" and words[1:1 + len(record)] == record:
                self._change(number, None)
                return
        raise TableError(f"no such record in {domain}: {' '.join(record)}")
