#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two tlsladders with one table: one leads, the other stands by, and goes on where that one is
# stopped, hangs or is killed. No entry is another than if there were one.
. "$(dirname -- "$0")/lib.sh"
program=$builddir/tlsladder
[[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]] || skip_all 'needs PostgreSQL and its helper'
command -v sqlite3 >/dev/null || skip_all 'needs sqlite3'

start_pgsql pg 5432
pgsql_says "CREATE USER tlsladder PASSWORD 'secret'"
write_login "$dir/login" "host = $pgsql_socket" 'user = tlsladder' 'password = secret' 'dbname = postgres'
: >"$dir/mail.log"
for node in a b; do
	cat >"$dir/$node.yaml" <<END
log: {file: $dir/mail.log}
state: $dir/$node.db
map: {file: $dir/$node.map, type: none}
rules: $srcdir/rules/postfix.yaml
postfix: {config_directory: /nonexistent, default_level: verify, retry: no}
publish: [{sql: postgresql, login: $dir/login, schema: own}]
END
done

ladder() {
	local node=$1
	shift
	out=$("$program" -c "$dir/$node.yaml" "$@" 2>&1)
	status=$?
}

declare -A daemon
begin() {
	"$program" -c "$dir/$1.yaml" run </dev/null >>"$dir/$1.err" 2>&1 &
	daemon[$1]=$!
	started+=("$!")
}

end() {
	kill "-$2" "${daemon[$1]}" 2>/dev/null
	wait "${daemon[$1]}" 2>/dev/null
}

# said NODE TEXT: since it said so last.
said() {
	grep -q -- "$2" "$dir/$1.err"
}

state() {
	sqlite3 -separator ' ' -cmd '.timeout 5000' "$dir/$1.db" "$2"
}

entries() {
	state "$1" "SELECT key, trim(entry || ' ' || attributes) FROM destination WHERE entry <> 'none' ORDER BY key"
}

rows() {
	pgsql_says "SELECT dest, policy, parameters FROM tlsladder_policy ORDER BY dest COLLATE \"C\"" |
		tr '\t' ' ' | sed 's/ *$//'
}

# What the ladder of that node decides, at once: the entry of some destinations.
decide() {
	local node=$1 pair sql=''
	shift
	for pair; do
		sql+="INSERT OR IGNORE INTO destination(key) VALUES ('${pair%=*}');
			UPDATE destination SET entry = '${pair#*=}', map_version =
			(SELECT value FROM counter WHERE name = 'map-version') WHERE key = '${pair%=*}';"
	done
	state "$node" "BEGIN IMMEDIATE; UPDATE counter SET value = value + 1 WHERE name = 'map-version'; $sql COMMIT"
}

agrees() {
	[[ $(entries "$1") == "$(rows)" ]]
}

# Our clock is not asked: the lease is over.
lease_ends() {
	pgsql_says "UPDATE tlsladder_lease SET expires = '2001-01-01'"
}

holder() {
	pgsql_says 'SELECT holder FROM tlsladder_lease'
}

ladder a schema postgresql
pgsql_says "$out" >/dev/null
pgsql_says 'GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder;
	GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder' >/dev/null

# --- one leads

ladder a set pinned.test encrypt
is 'an entry that is set is a row' "$status $(rows)" '0 pinned.test encrypt'
begin a
awaits 'the first one leads' 15 said a 'this tlsladder leads'
begin b
awaits 'the second one stands by' 15 said b 'leads: this tlsladder follows the log'
decide a one.test=encrypt two.test=may three.test=dane-only
awaits 'what the leader decides is in the table' 15 agrees a
ladder b set other.test may
matches '... and nothing that the other one has' "$status $out" 'leads, and writes to this table'
ladder b unset other.test
is '... which is not written' "$(rows | grep -c other)" 0
ladder b status
matches '... and says so' "$out" 'stands by'

# --- stopped

decide b two.test=encrypt stale.test=may # of a time when it led
before=$(rows)
end a TERM
begun=$EPOCHSECONDS
awaits 'a leader that is stopped is followed within 35 s' 40 said b 'did not renew its lease'
comment "after $((EPOCHSECONDS - begun)) s"
is '... with the same entries' "$(entries b)" "$before"
decide b four.test=encrypt two.test=none
awaits '... and writes its own' 15 agrees b

# --- hangs

begin a
awaits 'the old one stands by when it comes back' 15 said a 'leads: this tlsladder follows the log'
kill -STOP "${daemon[b]}"
decide b five.test=may one.test=none # what it was about to write
lease_ends
awaits 'a leader that hangs is followed' 15 said a 'did not renew its lease'
decide a six.test=secure one.test=encrypt
awaits '... by one that writes' 15 agrees a
before=$(rows)
: >"$dir/b.err"
kill -CONT "${daemon[b]}"
awaits '... and finds that out when it goes on' 15 said b 'leads: this tlsladder follows the log'
is '... having written nothing' "$(rows)" "$before"
ladder b set seven.test may
is '... and its commands write nothing either' "$(rows)" "$before"
ladder b unset seven.test

# --- killed

: >"$dir/b.err"
end a KILL
lease_ends
awaits 'a leader that is killed is followed' 15 said b 'did not renew its lease'
is '... with the same entries, whatever it had thought of' "$(entries b)" "$before"
decide b eight.test=encrypt
awaits '... and writes its own' 15 agrees b
matches 'the lease names who has it' "$(holder)" "^$(hostname):[0-9a-f]+\$"

# --- the database is away

: >"$dir/b.err"
kill -STOP "${server[pg]}"
awaits 'without the database nobody leads for long' 60 said b 'may be another'
kill -CONT "${server[pg]}"
awaits '... and who led leads again' 30 said b 'this tlsladder leads: it has the lease'
end b TERM
finish
