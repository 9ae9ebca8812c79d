#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# nodes: two real Postfix servers, whose logs rsyslog gathers in one, and a table of MariaDB that
# both ask: mail that is deferred on one of them flows there, whatever the other one does.
. "$(dirname -- "$0")/lib.sh"

[[ -x $builddir/tlsladder-mariadb ]] || skip_all 'built without libmariadb'
command -v mariadbd >/dev/null || skip_all 'needs mariadb-server'
[[ -e /usr/lib/postfix/postfix-mysql.so ]] || skip_all 'needs postfix-mysql'
[[ -e /usr/lib/x86_64-linux-gnu/rsyslog/imtcp.so || -e $(find /usr/lib -name imtcp.so -print -quit) ]] ||
	skip_all 'needs rsyslog with imtcp'

"$sandbox" up "$dir" owner=$$ || { not_ok 'the sandbox comes up'; finish; }
. "$here/mailcow.sh"
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"
start_mailcow

# --- the log host, and the nodes

mkdir "$dir/central" "$dir/central/spool"
cat >"$dir/central/rsyslog.conf" <<END
global(workDirectory="$dir/central/spool")
module(load="imtcp")
input(type="imtcp" port="5514" address="127.0.0.1")
mail.* action(type="omfile" file="$dir/central/mail.log" template="RSYSLOG_FileFormat" fileCreateMode="0644")
END
: >"$dir/central/mail.log"
# The machine's own rsyslog may be confined to places of its own.
cp "$(PATH=$PATH:/usr/sbin type -P rsyslogd)" "$dir/central/rsyslogd"
inside "$dir/central/rsyslogd" -f "$dir/central/rsyslog.conf" -i "$dir/central/pid" </dev/null >"$dir/central.out" 2>&1
for node in node1 node2; do
	sender $node log=central "smtp_tls_policy_maps=proxy:mysql:$dir/query.cf" \
		"proxy_read_maps=proxy:mysql:$dir/query.cf"
done

# How each is reached, instead of by ssh: it notes what it was asked, and may hang, or refuse.
cat >"$dir/reach" <<END
#!/bin/bash
node=\$1 program=\$2
shift 2
echo "\$program \$*" >>"$dir/state/\$node.calls"
[[ ! -e $dir/\$node.refuses ]] || exit 255
if [[ -e $dir/\$node.hangs ]]; then
	echo \$\$ >>"$dir/state/\$node.hanging"
	read -r <> <(:) # nothing ever comes from there
fi
exec "\$program" -c "$dir/\$node/config" "\$@"
END
chmod 755 "$dir/reach"

configure node1 'ladder: {may_after: {attempts: 1}}' "log: {file: $dir/central/mail.log, learn: 0}" \
	"publish: [{sql: mariadb, login: $dir/login, schema: mailcow, lowest: may,
	  map: 'proxy:mysql:$dir/query.cf'}]" "map: {file: $map_file, type: hash}" \
	'postfix: {command: []}' "nodes:
  node1: {command: [$dir/reach, node1]}
  node2: {command: [$dir/reach, node2]}"
starts

arrives() {
	grep -q "user@$1	" "$dir/delivered.tsv"
}
# took NODE DOMAIN: from the first deferral there until it was sent there, by the log of the node
took() {
	python3 - "$dir/central/mail.log" "$1" "$2" <<'END_OF_TOOK'
import datetime, sys
log, node, domain = sys.argv[1:]
at = {}
for line in open(log, encoding="utf-8", errors="replace"):
    stamp, host = line.split(" ")[:2]
    if host == node and f"to=<user@{domain}>" in line:
        for status in ("deferred", "sent"):
            if f"status={status}" in line:
                at.setdefault(status, datetime.datetime.fromisoformat(stamp))
if len(at) == 2:
    print((at["sent"] - at["deferred"]).total_seconds())
END_OF_TOOK
}
# told NODE ID: it was told to retry that message
told() {
	grep -q "postqueue -i $2\$" "$dir/state/$1.calls"
}
id_of() {
	sed -n "s/.* $1 .*\]: \([0-9A-Za-z]*\): to=<user@$2>.*/\1/p" "$dir/central/mail.log" | head -n 1
}

ladder doctor --json >"$dir/doctor"
matches 'doctor finds them alike' "$(grep '"check":"nodes"' "$dir/doctor")" '2 answer, with the same level'

# --- deferred on node2, sent on node2

destinations=(selfsigned.test wrongname-cert.test expired-cert.test dane-multi.test dane-ok.test dane-ta.test
	dane-roll.test dane-mixed.test dane-nsec3.test dane-v6.test)
send node2 "${destinations[@]}"
for domain in "${destinations[@]}"; do
	awaits "mail to $domain, deferred on node2, flows" 30 arrives "$domain"
done
for domain in "${destinations[@]}"; do
	await 10 grep -q " node2 .*to=<user@$domain>.*status=sent" "$dir/central/mail.log" >/dev/null
	took node2 "$domain"
done >"$dir/took"
comment "from deferral to delivery on node2 through a row of the table: $(figures <"$dir/took")"
is 'each was deferred there, and sent there' "$(wc -l <"$dir/took")" ${#destinations[@]}
is 'by rows of the table' "$(row selfsigned.test), $(row dane-ok.test)" 'encrypt, dane-only'
check 'node2 was told to retry it' told node2 "$(id_of node2 selfsigned.test)"
check_not() {
	! "$@"
}
check 'and node1 was not' check_not told node1 "$(id_of node2 selfsigned.test)"

# --- one of them alone does not answer

touch "$dir/node1.hangs"
send node1 island.test
for domain in plain.test dane-hosted.test; do
	send node2 "$domain"
	awaits "while node1 hangs mail to $domain flows on node2" 60 arrives "$domain"
done
touch "$dir/node1.refuses"
xargs "$sandbox" exec "$dir" -- kill <"$dir/state/node1.hanging"
awaits 'that it does not answer is told by its name' 60 grep -q 'cannot .* on node1' "$dir/daemon.err"
is 'and of no other' "$(grep -c 'cannot .* on node2' "$dir/daemon.err")" 0
rm "$dir/node1.hangs" "$dir/node1.refuses"
awaits 'until it answers again' 180 grep -q 'can .* on node1 again' "$dir/daemon.err"
awaits 'mail that was deferred there flows then' 60 arrives island.test
send node1 selfsigned.test
awaits 'mail on node1 flows by the rows that there are' 30 grep -q ' node1 .*to=<user@selfsigned.test>.*status=sent' "$dir/central/mail.log"

# --- what is seen of them

matches 'status shows both' "$(ladder status)" 'nodes +node1: verify
 +node2: verify
'
ladder doctor --json >"$dir/doctor"
matches 'doctor asks each for a row' "$(grep '"check":"table-seen"' "$dir/doctor")" 'node1[^
]*
[^
]*node2'
set_postfix node2 smtp_tls_security_level=dane-only
awaits 'that they differ is alerted' 120 grep -q 'the nodes differ: node1 has .*verify.*node2 has dane-only' "$dir/daemon.err"
is 'once' "$(grep -c 'the nodes differ' "$dir/daemon.err")" 1
matches 'and the strongest counts' "$(ladder status)" 'default +dane-only'
stops
stop_db
finish
