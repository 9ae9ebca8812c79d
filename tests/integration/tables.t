#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# publish beside a real MariaDB with mailcow's table, which Postfix asks, and not the map:
# entries are in force once they are rows, rows of others decide, and mail that waits because
# the database was away is retried once it is back.
. "$(dirname -- "$0")/lib.sh"

[[ -x $builddir/tlsladder-mariadb ]] || skip_all 'built without libmariadb'
command -v mariadbd >/dev/null || skip_all 'needs mariadb-server'
[[ -e /usr/lib/postfix/postfix-mysql.so ]] || skip_all 'needs postfix-mysql'

"$sandbox" up "$dir" owner=$$ || { not_ok 'the sandbox comes up'; finish; }
. "$here/mailcow.sh"
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"
start_mailcow

# --- Postfix and the daemon

sender strict "smtp_tls_policy_maps=proxy:mysql:$dir/query.cf" \
	"proxy_read_maps=proxy:mysql:$dir/query.cf"
configure strict 'ladder: {may_after: {attempts: 1}}' \
	"publish: [{sql: mariadb, login: $dir/login, schema: mailcow, lowest: may,
	  map: 'proxy:mysql:$dir/query.cf'}]" "map: {file: $map_file, type: hash}"
db "INSERT INTO tls_policy_override (dest, policy) VALUES ('expired-cert.test', 'encrypt')"
starts

arrives() {
	grep -q "user@$1	" "$dir/delivered.tsv"
}

# --- entries are rows

begun=$(now)
send strict selfsigned.test
awaits 'an entry is a row' 30 has_row selfsigned.test
awaits 'and the mail that waited for it flows' 30 arrives selfsigned.test
comment "from the message to its delivery: $(bc <<<"$(now) - $begun") s"
is 'the row is the level' "$(row selfsigned.test)" encrypt
is 'by the table, which alone is asked' "$(arrived user@selfsigned.test | sed 's/TLSv1.[23]/tls/')" 'mx.selfsigned.test tls'
is 'the entry is in force since' "$(sql "SELECT force_ms < 9000000000000000000 FROM destination WHERE key = 'selfsigned.test'")" 1
ladder doctor --json >"$dir/doctor"
matches 'doctor sees the table' "$(grep '"check":"table"' "$dir/doctor")" '"result":"ok"'
matches 'and that it need not read the file of Postfix' \
	"$(grep '"check":"table-seen"' "$dir/doctor")" 'cannot be told here|sees the row'

begun=$(now)
send strict wrongname-cert.test
awaits 'and so it is with the next' 30 arrives wrongname-cert.test
comment "from the message to its delivery: $(bc <<<"$(now) - $begun") s"
is 'which is a row as well' "$(row wrongname-cert.test)" encrypt

# --- rows of others

send strict expired-cert.test
awaits 'mail flows by a row of somebody else' 30 arrives expired-cert.test
ladder set expired-cert.test verify >/dev/null 2>&1
is 'which stays' "$(row expired-cert.test)" encrypt
matches 'and list says so' "$(ladder list expired-cert.test)" 'somebody else has a row there'
ladder unset expired-cert.test >/dev/null

# ruled DOMAIN WORD: that was decided of it
ruled() {
	ladder explain "$1" | grep -q "  $2:"
}
db "INSERT INTO tls_policy_override (dest, policy) VALUES ('plain.test', 'verify')"
send strict plain.test
awaits 'a row of somebody else is another map (guard 5)' 60 ruled plain.test other-map
is 'so that there is no entry' "$(entry plain.test) $(row plain.test)" '- verify'
db "UPDATE tls_policy_override SET policy = 'may' WHERE dest = 'selfsigned.test'"
ladder again selfsigned.test >/dev/null
awaits 'a row of ours that he changed is his' 60 ruled selfsigned.test other-map
is 'and stays as he has it' "$(row selfsigned.test)" may

# --- away and back

stop_db
send strict valid-ca.test
awaits 'while it is away Postfix defers mail' 30 grep -q 'to=<user@valid-ca.test>.*client TLS configuration problem' "$dir/strict/mail.log"
awaits 'and the daemon says so' 90 grep -q 'cannot publish to the table' "$dir/daemon.err"
start_db
begun=$(now)
awaits 'once it is back that mail is retried' 200 arrives valid-ca.test
comment "after $(bc <<<"$(now) - $begun") s"
is 'once' "$(grep -c 'the tables of publish answer again' "$dir/daemon.err")" 1

# --- there, and not well

# Postfix itself waits as long, and then goes on.
misconfigured() {
	grep -c 'client TLS configuration problem' "$dir/strict/mail.log"
}
before=$(misconfigured)
db 'LOCK TABLES tls_policy_override WRITE; DO SLEEP(6)' &
locked=$!
send strict nomx.test
wait "$locked"
awaits 'a table that was locked: the entry is a row after that' 60 has_row nomx.test
awaits '... and the mail flows' 60 arrives nomx.test
inside kill -STOP "$(<"$dir/db/pid")"
send strict selfsigned-v6.test
await 5 false >/dev/null # Postfix waits for its answer, and so there is nothing to decide
inside kill -CONT "$(<"$dir/db/pid")"
awaits 'a server that hung: the entry is a row once it goes on' 90 has_row selfsigned-v6.test
awaits '... and the mail flows' 90 arrives selfsigned-v6.test
db 'SET GLOBAL read_only = 1' ''
send strict hostile-cn.test
awaits 'a server that takes no changes is told' 60 grep -q 'cannot ask another policy map: the database takes no changes' "$dir/daemon.err"
db 'SET GLOBAL read_only = 0' ''
awaits '... and once it does the entry is a row' 90 has_row hostile-cn.test
awaits '... and the mail flows' 90 arrives hostile-cn.test
is 'by none of that Postfix deferred mail' "$(misconfigured)" "$before"

# As an INSERT IGNORE makes one of a level that there is not.
db "INSERT IGNORE INTO tls_policy_override (dest, policy) VALUES ('hostile-issuer.test', 'strong')"
bad=$(db "SELECT * FROM tls_policy_override WHERE dest = 'hostile-issuer.test'")
send strict hostile-issuer.test
awaits 'a row of his without a level: its mail is deferred' 30 grep -q 'to=<user@hostile-issuer.test>.*client TLS configuration problem' "$dir/strict/mail.log"
awaits '... which is told' 60 grep -q 'alert: hostile-issuer.test: our-fault' "$dir/daemon.err"
is '... and the row stays as it is' "$(db "SELECT * FROM tls_policy_override WHERE dest = 'hostile-issuer.test'")" "$bad"

ladder set own.test encrypt >/dev/null
is 'a pin is a row' "$(row own.test)" encrypt
stops

# --- taken away

configure strict
is 'unpublish takes ours out' "$(ladder unpublish)" "5 rows taken out of the table of $dir/login"
is 'and leaves rows of others' "$(db 'SELECT dest FROM tls_policy_override ORDER BY dest' | tr '\n' ' ')" \
	'expired-cert.test hostile-issuer.test plain.test selfsigned.test '
stop_db
finish
