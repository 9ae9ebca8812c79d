#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# examples/fleet, typed command by command as its README has them, on six hosts, each a namespace
# with an /etc of its own: rsyslog over TLS from two nodes to two log hosts, PostgreSQL with a replica,
# and two tlsladders. What stands for systemd starts rsyslogd and tlsladder alone.
. "$(dirname -- "$0")/lib.sh"
program=$builddir/tlsladder
[[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]] || skip_all 'needs PostgreSQL and its helper'
[[ -e $(echo /usr/lib/*/rsyslog/lmnsd_gtls.so) ]] || skip_all 'needs rsyslog-gnutls'
[[ -e /usr/lib/postfix/postfix-pgsql.so ]] || skip_all 'needs postfix-pgsql'
for tool in rsyslogd logrotate logger ssh-keygen openssl; do
	command -v $tool >/dev/null || skip_all "needs $tool"
done
example=$(cd -- "$srcdir/examples/fleet" && pwd)

# --- the hosts

hosts=(node1 node2 log1 log2 db1 db2)
ip link add br0 type bridge || skip_all 'needs network devices'
ip link set br0 up
mkdir "$dir/bin" "$dir/copy"
cp -p "$example"/* "$dir/copy"
{
	echo 127.0.0.1 localhost
	for i in "${!hosts[@]}"; do
		echo "198.51.100.$((i + 1)) ${hosts[i]}.example"
	done
} >"$dir/hosts"
cat >"$dir/rsyslog.conf" <<'CONF'
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="/run/syslog")
global(workDirectory="/var/spool/rsyslog")
include(file="/etc/rsyslog.d/*.conf")
CONF
cat >"$dir/bin/systemctl" <<'STUB'
#!/bin/bash
case $* in
	'restart rsyslog')
		[[ ! -e /run/rsyslogd.pid ]] || kill "$(</run/rsyslogd.pid)"
		while [[ -e /run/rsyslogd.pid ]]; do read -rt 0.05 <> <(:); done
		exec rsyslogd ;;
	'enable --now tlsladder')
		setsid runuser -u tlsladder -- tlsladder run </dev/null >>/run/tlsladder.err 2>&1 &
		echo $! >/run/tlsladder.pid ;;
	*) echo "systemctl $*: is not known here" >&2; exit 1 ;;
esac
STUB
cat >"$dir/bin/apt-get" <<'STUB'
#!/bin/bash
for package in "${@:2}"; do
	dpkg-query -W "$package" >/dev/null || exit
done
STUB
cat >"$dir/bin/postfix" <<'STUB'
#!/bin/bash
[[ $1 == reload ]]
STUB
cat >"$dir/bin/tlsladder" <<STUB
#!/bin/bash
[[ \$1 == schema ]] || set -- -c /etc/tlsladder/tlsladder.yaml "\$@"
exec $program "\$@"
STUB
# As ssh does it: words become one line, and the forced command of that host has it.
cat >"$dir/bin/ssh" <<STUB
#!/bin/bash
while [[ \$1 == -* ]]; do shift; done
host=\${1#*@}
export SSH_ORIGINAL_COMMAND="\${*:2}"
exec $dir/on "\${host%.example}" /usr/local/bin/tlsladder-node
STUB
chmod 755 "$dir"/bin/*

declare -A holder
for i in "${!hosts[@]}"; do
	host=${hosts[i]}
	mkdir "$dir/$host"
	unshare --net --mount --uts --ipc --pid --fork --kill-child=KILL --mount-proc "$BASH" -c '
		hostname "$1"
		mount -t tmpfs none "$2" && mkdir "$2"/{etc,etc.work,local,local.work,lib,lib.work} &&
		mount -t overlay none -o "lowerdir=/etc,upperdir=$2/etc,workdir=$2/etc.work" /etc &&
		mount -t overlay none -o "lowerdir=/usr/local/bin,upperdir=$2/local,workdir=$2/local.work" /usr/local/bin &&
		mount -t overlay none -o "lowerdir=$3:/usr/bin" /usr/bin &&
		mount -t overlay none -o "lowerdir=/var/lib,upperdir=$2/lib,workdir=$2/lib.work" /var/lib &&
		for tree in /run /var/log /var/spool/rsyslog; do mount -t tmpfs -o mode=755 none "$tree"; done &&
		mkdir -p /etc/fleet /etc/tlsladder /run/lock && rm -f /etc/rsyslog.d/* && cat "$2/../hosts" >/etc/hosts &&
		cat "$2/../rsyslog.conf" >/etc/rsyslog.conf && echo compatibility_level=3.6 >/etc/postfix/main.cf && touch "$2/ready"
		while :; do read -r <> <(:); done' _ "$host" "$dir/$host" "$dir/bin" &
	started+=("$!")
	outer=$!
	has_child() {
		[[ -n $(cat "/proc/$outer/task/$outer/children") ]]
	}
	await 10 has_child >/dev/null
	holder[$host]=$(tr -d ' ' <"/proc/$outer/task/$outer/children")
	is_ready() {
		nsenter -t "${holder[$host]}" -m test -e "$dir/$host/ready"
	}
	await 10 is_ready >/dev/null || skip_all 'needs overlayfs'
	ip link add "v$i" type veth peer name eth0 netns "${holder[$host]}"
	ip link set "v$i" master br0 up
	nsenter -t "${holder[$host]}" -n ip link set lo up
	nsenter -t "${holder[$host]}" -n ip address add "198.51.100.$((i + 1))/24" dev eth0
	nsenter -t "${holder[$host]}" -n ip link set eth0 up
done
{
	echo '#!/bin/bash'
	declare -p holder
	# shellcheck disable=SC2016
	echo 'host=$1; shift; exec nsenter -t "${holder[$host]}" -n -m -u -i -p -- "$@"'
} >"$dir/on"
chmod 755 "$dir/on"
on() {
	"$dir/on" "$@"
}

# step BEGIN: the commands below the paragraph of README that begins so.
step() {
	awk -v begin="$1" '
		/^       [^ ]/ || /^           / { if (on) print substr($0, 8); next }
		/^[^ ]/ { on = index($0, begin) == 1 }' "$example/README"
}
# typed HOST BEGIN [LAST]: they are typed there, in a copy of the example's directory, but for the last
# one where it is named.
typed() {
	step "$2" | grep -vxF "${3-no such line}" >"$dir/typed"
	if on "$1" env -C "$dir/copy" "PATH=$pgsql_programs:/usr/bin:/bin:/usr/sbin:/sbin" "$BASH" -e -o pipefail "$dir/typed" \
		>"$dir/typed.out" 2>"$dir/typed.err"; then
		ok "README on $1: $2 ($(grep -vc '^ ' "$dir/typed") commands)"
	else
		not_ok "README on $1: $2" "$(cat "$dir/typed" "$dir/typed.out" "$dir/typed.err")"
		finish
	fi
}

typed log1 1.
for host in "${hosts[@]}"; do
	on "$host" install -m 644 "$dir/copy/ca.pem" /etc/fleet/ca.pem
	on "$host" install -m 644 "$dir/copy/$host.pem" /etc/fleet/cert.pem
	on "$host" install -m 600 "$dir/copy/$host.key" /etc/fleet/key.pem
done

# --- the log

for host in log1 log2; do
	typed "$host" 2.
	hasnt "rsyslogd of $host has no complaint" "$(<"$dir/typed.err")" 'error'
	check "... nor logrotate" on "$host" logrotate -d /etc/logrotate.d/fleet
done
for host in node1 node2; do
	typed "$host" 3.
	hasnt "rsyslogd of $host has no complaint" "$(<"$dir/typed.err")" 'error'
done

# logs NODE ID [COUNT]: Postfix does, on a mail to ID.test.
logs() {
	local n
	for ((n = 1; n <= ${3-1}; n++)); do
		echo "$2$n: to=<user@$2.test>, relay=mx.$2.test[192.0.2.9]:25, delay=1, delays=0.1/0/0.9/0, dsn=4.7.5, status=deferred (Server certificate not verified)"
	done >"$dir/said"
	on "$1" logger -u /run/syslog -p mail.info -t 'postfix/smtp[417]' -f "$dir/said"
}
# has_lines LOGHOST NODE ID COUNT
has_lines() {
	[[ $(on "$1" grep -c " $2 postfix/smtp\[417\]: $3[0-9]*: to=" /var/log/fleet/mail.log) -eq $4 ]]
}
logs node1 A1
logs node2 B1
for host in log1 log2; do
	awaits "$host has what node1 logged" 30 has_lines "$host" node1 A1 1
	awaits "... and node2" 30 has_lines "$host" node2 B1 1
done
matches 'with fractions of a second, the time zone, and the name of the program' "$(on log1 grep A11: /var/log/fleet/mail.log)" \
	'^20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}[+-][0-9:]{5} node1 postfix/smtp\[417\]: A11: to='
is 'the group adm reads it' "$(on log1 stat -c '%U:%G %a' /var/log/fleet/mail.log)" 'root:adm 640'
echo "rules: $srcdir/rules/postfix.yaml" >"$dir/rules.yaml"
is 'tlsladder understands it' "$(on log1 cat /var/log/fleet/mail.log | "$program" -c "$dir/rules.yaml" match - 2>&1 | grep -c 'certificate-not-verified')" 2
on log1 bash -c 'kill "$(</run/rsyslogd.pid)"; while [[ -e /run/rsyslogd.pid ]]; do read -rt 0.05 <> <(:); done'
# Of what is sent as a connection ends TCP does not tell whether it arrived; of what is sent then it does.
logs node1 A9
await 30 has_lines log2 node1 A9 1
logs node1 A2 200
awaits 'while one log host is away the other one has all' 30 has_lines log2 node1 A2 200
on log1 systemctl restart rsyslog
awaits '... and so has that one once it is back' 60 has_lines log1 node1 A2 200
on node2 install -m 600 "$dir/copy/db1.key" /etc/fleet/key.pem
on node2 install -m 644 "$dir/copy/db1.pem" /etc/fleet/cert.pem
on node2 systemctl restart rsyslog
logs node2 B3
logs node1 A3
awaits 'a host whose certificate is no node'"'"'s ...' 30 has_lines log1 node1 A3 1
is '... is not listened to' "$(on log1 grep -c B31: /var/log/fleet/mail.log)" 0
on node2 install -m 600 "$dir/copy/node2.key" /etc/fleet/key.pem
on node2 install -m 644 "$dir/copy/node2.pem" /etc/fleet/cert.pem
on node2 systemctl restart rsyslog
awaits '... before it has its own: what it kept is sent' 60 has_lines log1 node2 B3 1

# --- what a node lets the tlsladders do

# node COMMAND: by ssh; sets out and status.
node() {
	out=$(SSH_ORIGINAL_COMMAND="$1" on node1 setpriv --reuid=tlsladder --regid=tlsladder --init-groups \
		env "SSH_ORIGINAL_COMMAND=$1" /usr/local/bin/tlsladder-node 2>&1)
	status=$?
}
for command in 'postconf -h mail_version' 'postconf -M smtp/unix' 'postconf -Px */unix/smtp_tls_security_level' \
	'postconf -x smtp_tls_policy_maps smtp_tls_security_level' 'postmap -q a.test static:may' 'postconf -m' \
	'test -x /usr/sbin/sendmail'; do
	node "$command"
	is "a node does \"$command\"" "$status" 0
done
for command in 'postconf -e smtp_tls_security_level=may' 'postconf -P -e x=y' 'postconf -Pe x=y' \
	'postconf smtp_tls_security_level=may' 'postconf -P smtp/unix/smtp_tls_security_level=may' 'postconf -X myhostname' \
	'postconf -# myhostname' 'postmap /etc/postfix/tlsladder.cf' 'postmap -d a.test hash:/x' 'postqueue -s a.test' \
	'postsuper -d ALL' 'sh -c id' 'env sh -c id' 'cat /etc/passwd' '' 'postconf; id' '$(id)' 'test -e /x'; do
	node "$command"
	check "a node refuses \"$command\"" test "$status" -ne 0
	hasnt '... which did nothing' "$out" 'uid='
done

# --- the database

for host in db1 db2; do
	on "$host" install -d -o postgres -m 755 /run/postgresql
	on "$host" install -d -o postgres -m 700 /var/lib/data
	on "$host" install -m 600 -o postgres "$dir/copy/$host.key" /etc/fleet/key.pem
done
begin_db() {
	on "$1" runuser -u postgres -- "$pgsql_programs/postgres" -D /var/lib/data >>"$dir/$1.log" 2>&1 &
	answers_sql() {
		on "$1" "$pgsql_programs/psql" -h /run/postgresql -U postgres -qAtc 'SELECT 1' >/dev/null 2>&1
	}
	await 60 answers_sql "$1" >/dev/null || bail "PostgreSQL of $1 does not start" "$dir/$1.log"
}
says() {
	on "$1" "$pgsql_programs/psql" -h /run/postgresql -U postgres -qAtF ' ' -c "$2" "${3-tlsladder}"
}
on db1 runuser -u postgres -- "$pgsql_programs/initdb" -D /var/lib/data -A trust \
	-E UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 || bail 'initdb made no database' "$dir/initdb.log"
on db1 tee -a /var/lib/data/postgresql.conf >/dev/null <<'CONF'
listen_addresses = '*'
unix_socket_directories = '/run/postgresql'
shared_buffers = 16MB
ssl = on
ssl_cert_file = '/etc/fleet/cert.pem'
ssl_key_file = '/etc/fleet/key.pem'
CONF
on db1 tee -a /var/lib/data/pg_hba.conf >/dev/null <<'CONF'
hostssl tlsladder tlsladder,postfix samenet scram-sha-256
hostssl replication postgres samenet trust
CONF
begin_db db1
typed db1 4.
on db2 runuser -u postgres -- "$pgsql_programs/pg_basebackup" -h db1.example -U postgres \
	-c fast -R -D /var/lib/data >"$dir/basebackup.log" 2>&1 || bail 'pg_basebackup made no replica' "$dir/basebackup.log"
begin_db db2
is 'the replica is one' "$(says db2 'SELECT pg_is_in_recovery()')" t
is 'what is written there is for nobody else' "$(stat -c %a "$dir/copy/fleet.conf" "$dir/copy/tlsladder.cf" | paste -sd ' ')" '600 600'

# --- Postfix

for host in node1 node2; do
	typed "$host" 5.
	is "Postfix of $host asks the table" "$(on "$host" postconf -h smtp_tls_policy_maps)" 'proxy:pgsql:/etc/postfix/tlsladder.cf'
done

# --- the tlsladders

yaml=$dir/copy/tlsladder.yaml
"$program" -c "$yaml" rules "$srcdir/rules/postfix.yaml" >/dev/null 2>"$dir/yaml.err"
status=$?
is 'the configuration is accepted' "$status $(<"$dir/yaml.err")" '0 '
# Of this test, not of the example.
sed -i "1i state: /var/lib/tlsladder/state.db\nrules: $srcdir/rules/postfix.yaml" "$yaml"
sed -i 's,^  type: none.*,&\n  file: /var/lib/tlsladder/map,' "$yaml"
for host in log1 log2; do
	on "$host" useradd --system --user-group --groups adm --home-dir /var/lib/tlsladder tlsladder
	on "$host" install -d -o tlsladder -m 750 /var/lib/tlsladder
	typed "$host" 6. 'runuser -u tlsladder -- tlsladder doctor'
	check "$host has a key" on "$host" test -s /var/lib/tlsladder/.ssh/id_ed25519.pub
	runs() {
		on "$host" grep -q 'this tlsladder leads\|leads: this tlsladder follows' /run/tlsladder.err
	}
	awaits '... and a tlsladder that runs' 30 runs
	matches "doctor there says that the table answers" "$(on "$host" runuser -u tlsladder -- tlsladder doctor 2>&1)" \
		'ok +table +the table of /etc/tlsladder/fleet.conf answers'
done
ladder() {
	local host=$1
	shift
	out=$(on "$host" runuser -u tlsladder -- tlsladder "$@" 2>&1)
	status=$?
}
ladder log1 status
hasnt 'the first one leads' "$out" 'stands by'
ladder log2 status
has 'the second one stands by' "$out" 'stands by'
sees() {
	[[ $(on "$1" postmap -q "$2" pgsql:/etc/postfix/tlsladder.cf 2>&1 | sed 's/ *$//') == "$3" ]]
}
ladder log1 set a.test secure match=mx.a.test
is 'an entry of the leader is a row' "$status $(says db1 'SELECT dest, policy, parameters FROM tlsladder_policy')" '0 a.test secure match=mx.a.test'
for host in node1 node2; do
	awaits "Postfix of $host finds it" 10 sees "$host" a.test 'secure match=mx.a.test'
done
ladder log2 set b.test may
is 'the other one writes none' "$(says db1 'SELECT count(*) FROM tlsladder_policy')" 1
ladder log2 unset b.test
is 'nobody without the password of the login file changes it' "$(on node1 env "PGPASSWORD=$(sed -n 's/.*postfix:\([^@]*\)@db1.*/\1/p' "$dir/copy/tlsladder.cf")" \
	"$pgsql_programs/psql" -qAt "host=db1.example user=postfix dbname=tlsladder sslmode=verify-full sslrootcert=/etc/fleet/ca.pem" \
	-c "INSERT INTO tlsladder_policy VALUES ('x.test', 'may')" 2>&1 | grep -o 'permission denied.*')" 'permission denied for table tlsladder_policy'

# --- the database is lost, and its replica is promoted

on db1 runuser -u postgres -- "$pgsql_programs/pg_ctl" -D /var/lib/data -m immediate stop >/dev/null
awaits 'without the first database Postfix asks the replica' 10 sees node1 a.test 'secure match=mx.a.test'
ladder log1 set c.test may
matches 'which takes no changes, and is told' "$status $out" '^73 .*read-only'
says db2 'SELECT pg_promote()' >/dev/null
is_row() {
	[[ $(says db2 "SELECT policy FROM tlsladder_policy WHERE dest = 'c.test'") == may ]]
}
awaits 'once that one is promoted, the daemon writes there what was decided meanwhile' 90 is_row
for host in node1 node2; do
	awaits "Postfix of $host finds it" 10 sees "$host" c.test may
done
ladder log1 status
hasnt 'and the first one leads still' "$out" 'stands by'
finish
