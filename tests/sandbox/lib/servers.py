"""The real Postfix that receives: one instance with an smtpd(8) listener for each host and port.

smtpd hands each message to a recorder (smtpd.py) before it answers, as a before-queue filter; so
the record is there when the sender logs "sent", and nothing is ever queued here.
"""

import os

RECORDER = "127.0.0.1:10025"

# What a real Postfix can be told to be: -o options of its smtpd.
REAL = {
    "tls": {},
    "plain": {"smtpd_tls_security_level": "none"},
    "tls10": {"smtpd_tls_protocols": "TLSv1", "smtpd_tls_ciphers": "low", "smtpd_tls_exclude_ciphers": ""},
}

MAIN = """compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = {dir}/mail.log
maillog_file_prefixes = {dir}
inet_interfaces = all
inet_protocols = all
default_process_limit = 200
mynetworks = 127.0.0.0/8, 10.53.0.0/16, [::1]/128, [fd53::]/16
mydestination =
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions =
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
smtpd_client_connection_count_limit = 0
smtpd_proxy_filter = {recorder}
smtpd_proxy_timeout = 20s
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
smtpd_peername_lookup = no
"""

# Service, type, private, unpriv, chroot, wakeup, maxproc, command.
MASTER = """postlog   unix-dgram n - n - 1 postlogd
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
proxymap  unix - - n - - proxymap
anvil     unix - - n - 1 anvil
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
error     unix - - n - - error
retry     unix - - n - - error
"""


def listeners(table):
    """Yields host and port of every listener."""
    for host in table.hosts.values():
        for port in host.ports:
            yield host, port


def configure(directory, table, certificates):
    """Writes master.cf, and main.cf once."""
    config = os.path.join(directory, "config")
    master = MASTER
    for host, port in listeners(table):
        if host.server not in REAL:
            continue
        options = {"myhostname": host.name, "smtpd_tls_chain_files": certificates.chain_file(host.name),
                   **REAL[host.server]}
        address = f"[{host.address}]" if ":" in host.address else host.address
        master += f"{address}:{port} inet n - n - - smtpd\n"
        master += "".join(f"    -o {{{name} = {value}}}\n" for name, value in options.items())
    if not os.path.isdir(config):
        os.makedirs(config)
        _write(os.path.join(config, "main.cf"), MAIN.format(dir=directory, recorder=RECORDER))
    _write(os.path.join(config, "master.cf"), master)


def _write(path, text):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)
