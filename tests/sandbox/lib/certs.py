"""Keys, certificates and TLSA data of the destinations.

A host's key stays the same when the kind of its certificate changes, so that a TLSA record 3 1 1
of it goes on matching, until it gets a new key; the former one is then its "old" key.
"""

import datetime
import hashlib
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
AUTHORITY = "Sandbox certification authority"
# What a hostile server may put into its certificate: line ends, an escape sequence, U+0085, U+2028,
# U+202E, and the text of a log line about another destination.
HOSTILE = ("x\nNov 24 01:26:49 mail postfix/smtp[1]: ABCDEF012345: to=<x@victim.test>, relay=none, dsn=4.7.4, "
           "status=deferred (TLS is required, but was not offered by host mx.victim.test[192.0.2.1])\r\n"
           "\x1b[31m\x85\u2028\u202e")
HOSTILE_SHORT = "x\n\x1b]0;x\x07\x85\u2028\u202e), status=deferred (TLSA records unusable)"


def _name(text, *more):
    # Long texts go into the description: a common name ends at 64 characters.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] +
                     [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, m) for m in more])


def _certificate(subject, key, issuer=None, issuer_key=None, *, names=(), authority=False, start=-1, end=100):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder()
               .subject_name(subject).issuer_name(issuer or subject).public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(now + start * DAY).not_valid_after(now + end * DAY)
               .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True))
    if names:
        builder = (builder
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
                   .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False))
    return builder.sign(issuer_key or key, hashes.SHA256())


def _pem(*items):
    out = b""
    for item in items:
        if isinstance(item, x509.Certificate):
            out += item.public_bytes(Encoding.PEM)
        else:
            out += item.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return out


def _write(path, data):
    with open(path + ".new", "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        file.write(data)
    os.rename(path + ".new", path)


class Certificates:
    """The directory of certificates: HOST.key, HOST.old.key, HOST.pem (key and chain), HOST.issuer."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.authority_key = self._key("authority")
        path = self.path("authority.crt")
        if not os.path.exists(path):
            _write(path, _pem(_certificate(_name(AUTHORITY), self.authority_key, authority=True)))
        with open(path, "rb") as file:
            self.authority = x509.load_pem_x509_certificate(file.read())

    def path(self, name):
        return os.path.join(self.directory, name)

    def _key(self, name):
        path = self.path(name + ".key")
        if os.path.exists(path):
            with open(path, "rb") as file:
                return serialization.load_pem_private_key(file.read(), None)
        key = ec.generate_private_key(ec.SECP256R1())
        _write(path, _pem(key))
        return key

    def chain_file(self, host):
        return self.path(host + ".pem")

    def make(self, host, kind):
        """Writes key and chain of a host."""
        key = self._key(host)
        subject = _name(host)
        issuer, issuer_key = self.authority, self.authority_key
        options = {"names": [host]}
        chain = []
        if kind in ("selfsigned", "hostile"):
            issuer = None
        elif kind in ("own-ca", "hostile-issuer"):
            name = _name("Authority of " + host) if kind == "own-ca" else _name(HOSTILE_SHORT, HOSTILE[:64])
            issuer_key = self._key(host + ".issuer")
            issuer = _certificate(name, issuer_key, authority=True)
            chain = [issuer]
        elif kind == "expired":
            options.update(start=-20, end=-10)
        elif kind == "wrong-name":
            subject = _name("elsewhere.test")
            options.update(names=["elsewhere.test"])
        if kind == "hostile":
            subject = _name(HOSTILE_SHORT, *(HOSTILE[i:i + 64] for i in range(0, len(HOSTILE), 64)))
        if issuer:
            certificate = _certificate(subject, key, issuer.subject, issuer_key, **options)
        else:
            certificate = _certificate(subject, key, **options)
        _write(self.path(host + ".issuer"), _pem(issuer or certificate))
        _write(self.chain_file(host), _pem(key, certificate, *chain))

    def new_key(self, host):
        os.rename(self.path(host + ".key"), self.path(host + ".old.key"))

    def _load(self, path):
        with open(path, "rb") as file:
            return x509.load_pem_x509_certificate(file.read())

    def tlsa(self, host, record):
        """The data of a TLSA record of a host, as a zone file writes it."""
        if "." in record.of:
            host = record.of
        if record.usage in (0, 2):
            certificate = self._load(self.path(host + ".issuer"))
        else:
            certificate = self._load(self.chain_file(host))
        public_key = certificate.public_key()
        data = certificate.public_bytes(Encoding.DER)
        if record.of == "old":
            key = self._key(host + ".old")
            public_key = key.public_key()
            data = _certificate(_name(host), key, names=[host]).public_bytes(Encoding.DER)
        if record.selector == 1:
            data = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if record.matching in (1, 2):
            data = hashlib.new({1: "sha256", 2: "sha512"}[record.matching], data).digest()
        if record.of == "short":
            data = data[:-1]
        return f"{record.usage} {record.selector} {record.matching} {data.hex()}"
