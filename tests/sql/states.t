#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The daemon beside a database in every state in which one can be: what it decides meanwhile is
# published when that is over, by itself; each trouble is told once; rows of others stay as they are.
. "$(dirname -- "$0")/lib.sh"
program=$builddir/tlsladder
command -v sqlite3 >/dev/null || skip_all 'needs sqlite3'
: >"$dir/mail.log"

# configure SQL SCHEMA
configure() {
	rm -f "$dir"/state.db* "$dir/map" # entries of a map that is there are taken over
	cat >"$dir/tlsladder.yaml" <<END_OF_YAML
log: {file: $dir/mail.log}
state: $dir/state.db
map: {file: $dir/map, type: none}
rules: $srcdir/rules/postfix.yaml
postfix: {command: [false], default_level: verify, retry: no}
publish: [{sql: $1, login: $dir/login, schema: $2}]
END_OF_YAML
	"$program" -c "$dir/tlsladder.yaml" set first.test encrypt >/dev/null 2>&1
	"$program" -c "$dir/tlsladder.yaml" run </dev/null >>"$dir/run.err" 2>&1 &
	daemon=$!
	started+=("$daemon")
	await 20 agrees >/dev/null
}

state() {
	sqlite3 -separator ' ' -cmd '.timeout 5000' "$dir/state.db" "$1"
}

# As the ladder does it.
decide() {
	local pair sql=''
	for pair; do
		sql+="INSERT OR IGNORE INTO destination(key) VALUES ('${pair%=*}');
			UPDATE destination SET entry = '${pair#*=}', map_version =
			(SELECT value FROM counter WHERE name = 'map-version') WHERE key = '${pair%=*}';"
	done
	state "BEGIN IMMEDIATE; UPDATE counter SET value = value + 1 WHERE name = 'map-version'; $sql COMMIT"
	: >"$dir/map.news" # as a command tells the daemon
	rm -f "$dir/map.news"
}

entries() {
	state "SELECT key, entry FROM destination WHERE entry <> 'none' ORDER BY key"
}

ours() {
	says "SELECT dest, policy FROM $rows WHERE dest NOT LIKE 'his%'" | tr '\t' ' ' | LC_ALL=C sort
}

his() {
	says "SELECT * FROM $rows WHERE dest LIKE 'his%' ORDER BY dest"
}

agrees() {
	[[ -n $(entries) && $(entries) == "$(ours)" ]]
}

told() {
	grep -Eq "cannot (publish to|renew the lease of) the table.*$1" "$dir/run.err"
}

# state_is SENTENCE REGEX BEGIN END: what it says of the state, and how that begins and ends.
count=0
state_is() {
	local sentence="$name: $1" before
	count=$((count + 1))
	before=$(his)
	: >"$dir/run.err"
	$3
	decide "new$count.test=verify" "first.test=$([[ $((count % 2)) -eq 0 ]] && echo encrypt || echo secure)"
	awaits "$sentence: it is told" 90 told "$2"
	told "$2" || comment "$(tail -n 5 "$dir/run.err")"
	$4
	awaits "... and once it is over all that was decided is there" 90 agrees
	is '... each trouble was told once' "$(grep -o 'cannot .*' "$dir/run.err" | sort | uniq -d)" ''
	is '... and rows of others are as they were' "$(his)" "$before"
}

tried=0
if [[ -x $builddir/tlsladder-mariadb ]] && command -v mariadbd >/dev/null; then
	tried=1
	name=mariadb rows=tls_policy_override
	start_mariadb db 3306
	make_mailcow
	says() {
		sql "$1"
	}
	admin() {
		sql "$1" >/dev/null
	}
	write_login "$dir/login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = mailcow'
	says "INSERT INTO tls_policy_override (dest, policy, active) VALUES ('his.test', 'may', 1), ('his2.test', 'verify', 0)"
	configure mariadb mailcow
	ends() {
		kill "-$1" "${server[db]}"
		wait "${server[db]}" 2>/dev/null
	}
	stopped() { ends TERM; }
	killed() { ends KILL; }
	begins() { start_mariadb db 3306; }
	state_is 'stopped' 'cannot be reached' stopped begins
	state_is 'killed' 'cannot be reached' killed begins
	hangs() { kill -STOP "${server[db]}"; }
	goes_on() { kill -CONT "${server[db]}"; }
	state_is 'hangs' '(cannot be reached|did not end)' hangs goes_on
	session his mariadb --no-defaults --socket="$mariadb_socket" -uroot -N -n mailcow
	locks() { does his 'LOCK TABLES tls_policy_override WRITE'; }
	unlocks() { does his 'UNLOCK TABLES'; }
	state_is 'its table is locked' 'locked by others' locks unlocks
	read_only() { admin 'SET GLOBAL read_only = 1'; }
	writable() { admin 'SET GLOBAL read_only = 0'; }
	state_is 'takes no changes' 'takes no changes' read_only writable
	no_insert() { admin 'REVOKE INSERT ON tls_policy_override FROM tlsladder'; }
	insert() { admin 'GRANT INSERT ON tls_policy_override TO tlsladder'; }
	state_is 'a right is missing' 'refuses the user.*1142' no_insert insert
	other_password() { admin "ALTER USER tlsladder IDENTIFIED BY 'other'"; }
	password() { admin "ALTER USER tlsladder IDENTIFIED BY 'secret'"; }
	state_is 'the password is another' 'refuses the user.*1045' other_password password
	no_room() {
		admin 'ALTER USER tlsladder WITH MAX_USER_CONNECTIONS 1'
		session held mariadb --no-defaults --socket="$mariadb_socket" -utlsladder -psecret -N -n mailcow
		does held 'SELECT 1'
	}
	room() {
		end_session held
		admin 'ALTER USER tlsladder WITH MAX_USER_CONNECTIONS 0'
	}
	state_is 'there is no room for another connection' 'cannot be reached.*1226' no_room room
	gone() { admin 'RENAME TABLE tls_policy_override TO away'; }
	back() { admin 'RENAME TABLE away TO tls_policy_override'; }
	state_is 'its table is gone' 'database failed.*1146' gone back
	is "$name: all that was decided is there" "$(ours | wc -l)" $((count + 1))
	kill "$daemon"
	wait "$daemon"
	is "$name: the daemon ends well" $? 0
fi
if [[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]]; then
	tried=1
	name=postgresql rows=tlsladder_policy count=0
	start_pgsql pg 5432
	# Others have a password to give.
	sed -i 's/^local .*/local all postgres trust\nlocal all all scram-sha-256/' "$dir/pg/pg_hba.conf"
	pgsql_says 'SELECT pg_reload_conf()' >/dev/null
	pgsql_says "CREATE USER tlsladder PASSWORD 'secret'"
	says() {
		pgsql_says "$1"
	}
	admin() {
		pgsql_says "$1" >/dev/null
	}
	write_login "$dir/login" "host = $pgsql_socket" 'user = tlsladder' 'password = secret' 'dbname = postgres'
	admin "$("$program" schema postgresql)"
	admin 'GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder;
		GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder'
	says "INSERT INTO tlsladder_policy (dest, policy) VALUES ('his.test', 'may'), ('his2.test', 'verify')"
	configure postgresql own
	ends() {
		kill "-$1" "${server[pg]}"
		wait "${server[pg]}" 2>/dev/null
	}
	stopped() { ends INT; }
	killed() { ends QUIT; }
	begins() { start_pgsql pg 5432; }
	state_is 'stopped' 'cannot be reached' stopped begins
	state_is 'killed' 'cannot be reached' killed begins
	hangs() { # and each process that it has for a connection
		mapfile -t stopped_pids < <(echo "${server[pg]}"; pgrep -P "${server[pg]}")
		kill -STOP "${stopped_pids[@]}"
	}
	goes_on() { kill -CONT "${stopped_pids[@]}"; }
	state_is 'hangs' '(cannot be reached|did not end)' hangs goes_on
	session hers "$pgsql_programs/psql" -X -q -A -t -h "$pgsql_socket" -p "$pgsql_port" -U postgres
	locks() { does hers 'BEGIN; LOCK TABLE tlsladder_policy IN ACCESS EXCLUSIVE MODE'; }
	unlocks() { does hers ROLLBACK; }
	state_is 'its table is locked' 'locked by others' locks unlocks
	read_only() { admin 'ALTER USER tlsladder SET default_transaction_read_only = on'; }
	writable() { admin 'ALTER USER tlsladder RESET default_transaction_read_only'; }
	state_is 'takes no changes' 'takes no changes' read_only writable
	no_insert() { admin 'REVOKE INSERT ON tlsladder_policy FROM tlsladder'; }
	insert() { admin 'GRANT INSERT ON tlsladder_policy TO tlsladder'; }
	state_is 'a right is missing' 'refuses the user.*42501' no_insert insert
	other_password() { admin "ALTER USER tlsladder PASSWORD 'other'"; }
	password() { admin "ALTER USER tlsladder PASSWORD 'secret'"; }
	state_is 'the password is another' 'refuses the user.*28P01' other_password password
	no_room() { admin 'ALTER USER tlsladder CONNECTION LIMIT 0'; }
	room() { admin 'ALTER USER tlsladder CONNECTION LIMIT -1'; }
	state_is 'there is no room for another connection' 'cannot be reached.*53300' no_room room
	gone() { admin 'ALTER TABLE tlsladder_policy RENAME TO away'; }
	back() { admin 'ALTER TABLE away RENAME TO tlsladder_policy'; }
	state_is 'its table is gone' 'database failed.*42P01' gone back
	is "$name: all that was decided is there" "$(ours | wc -l)" $((count + 1))
	kill "$daemon"
	wait "$daemon"
	is "$name: the daemon ends well" $? 0
fi
[[ $tried -eq 1 ]] || skip_all 'needs MariaDB or PostgreSQL, and its helper'
finish
