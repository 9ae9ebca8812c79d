#!/bin/bash
# Run by process 1 of a new sandbox: private /proc, /run, /etc and /dev, no mail queue of the
# machine, and the addresses of all servers. Nothing here outlives the namespaces.
# usage: inside.sh DIR
set -euo pipefail
umask 022
dir=$1

mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 sandbox /run
mkdir -p /run/lock /run/sandbox/{etc,dev,log}

# /etc: a copy, so that resolver and Postfix can be set up as the sandbox needs them.
etc=/run/sandbox/etc
cp -a /etc/. $etc
rm -f $etc/resolv.conf
printf 'nameserver 127.0.0.1\noptions timeout:2 attempts:2 trust-ad edns0\n' >$etc/resolv.conf
printf '127.0.0.1 localhost\n::1 localhost\n127.0.0.1 mail.sender.test mail\n' >$etc/hosts
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n' \
	>$etc/nsswitch.conf
echo mail >$etc/hostname
# What a program finds that asks Postfix without naming a configuration; "sandbox sender" adds to it.
cat >$etc/postfix/main.cf <<END
compatibility_level = 3.6
myhostname = mail.sender.test
inet_interfaces = loopback-only
alternate_config_directories =
END
# Postfix waits while a configuration file is younger than two seconds.
touch -d "1 minute ago" $etc/postfix/main.cf
mount --bind $etc /etc

# /dev: the usual nodes, and a log socket of our own.
for node in null zero full random urandom tty; do
	: >/run/sandbox/dev/$node
	mount --bind /dev/$node /run/sandbox/dev/$node
done
mkdir -p /run/sandbox/dev/{pts,shm}
mount --bind /dev/pts /run/sandbox/dev/pts
chmod 1777 /run/sandbox/dev/shm
ln -s pts/ptmx /run/sandbox/dev/ptmx
ln -s /proc/self/fd /run/sandbox/dev/fd
ln -s fd/0 /run/sandbox/dev/stdin
ln -s fd/1 /run/sandbox/dev/stdout
ln -s fd/2 /run/sandbox/dev/stderr
ln -s /run/sandbox/log/socket /run/sandbox/dev/log
mount --rbind /run/sandbox/dev /dev

for place in /var/spool/postfix /var/lib/postfix /var/spool/rsyslog; do
	[[ ! -d $place ]] || mount -t tmpfs -o mode=755 sandbox $place
done

hostname mail
# A machine without IPv6 may have handed that on.
for setting in /proc/sys/net/ipv6/conf/*/disable_ipv6; do
	(echo 0 >"$setting") 2>/dev/null || true
done
ip link set lo up
ip -batch "$dir/world/addresses"
