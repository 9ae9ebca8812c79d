#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A table that is restored from a copy, or is another one: what it lost is published anew, and what
# somebody changed stays as it is.
. "$(dirname -- "$0")/lib.sh"
program=$builddir/tlsladder
command -v sqlite3 >/dev/null || skip_all 'needs sqlite3'
: >"$dir/mail.log"

state() {
	sqlite3 -separator ' ' -cmd '.timeout 5000' "$dir/a.db" <<<"$1"
}

# decide KEY=LEVEL...: what the ladder decides.
decide() {
	local pair sql=''
	for pair; do
		sql+="INSERT OR IGNORE INTO destination(key) VALUES ('${pair%=*}');
			UPDATE destination SET entry = '${pair#*=}', look_ms = $((($(date +%s) + 7 * 86400) * 1000)), map_version =
			(SELECT value FROM counter WHERE name = 'map-version') WHERE key = '${pair%=*}';"
	done
	state "BEGIN IMMEDIATE; UPDATE counter SET value = value + 1 WHERE name = 'map-version'; $sql COMMIT"
}

entries() {
	state "SELECT key, entry FROM destination WHERE entry <> 'none' ORDER BY key" | tr '\n' ';'
}

begin() {
	: >"$dir/a.err"
	"$program" -c "$dir/a.yaml" run </dev/null >>"$dir/a.err" 2>&1 &
	daemon=$!
	started+=("$daemon")
}

end() {
	kill -TERM "$daemon"
	wait "$daemon"
}

rows_are() {
	[[ $(rows) == "$1" ]]
}

said() {
	grep -q -- "$1" "$dir/a.err"
}

begin_state() {
	rm -f "$dir"/a.*
	cat >"$dir/a.yaml" <<END
log: {file: $dir/mail.log}
state: $dir/a.db
map: {file: $dir/a.map, type: none}
rules: $srcdir/rules/postfix.yaml
postfix: {config_directory: /nonexistent, default_level: verify, retry: no}
publish: [{sql: $1, login: $dir/login, schema: $2}]
END
	"$program" -c "$dir/a.yaml" set pinned.test encrypt >/dev/null
}

# restores NAME SCHEMA: a dump of before is put back; rows, backup and restore are of that table,
# his SQL changes it; stamps_are_past: what changes from now on has another stamp than any row.
restores() {
	local name="$1 $2"
	begin_state "$1" "$2"
	decide raised.test=encrypt removed.test=encrypt edited.test=encrypt deleted.test=encrypt
	begin
	awaits "$name: the rows are there" 15 rows_are \
		'deleted.test encrypt;edited.test encrypt;pinned.test encrypt;raised.test encrypt;removed.test encrypt;'
	end
	backup
	await 10 "${stamps_are_past:-true}" || not_ok "$name: the clock of the server goes on"
	decide raised.test=dane-only removed.test=none new.test=encrypt
	begin
	awaits "$name: ... and go on" 15 rows_are \
		'deleted.test encrypt;edited.test encrypt;new.test encrypt;pinned.test encrypt;raised.test dane-only;'
	end
	restore
	his "UPDATE TABLE_ SET policy = 'may' WHERE dest = 'edited.test'"
	${between:-true}
	begin
	awaits "$name: what a copy lacks is published anew" 15 rows_are \
		"deleted.test encrypt;edited.test may;new.test encrypt;pinned.test encrypt;raised.test dane-only;${left-}"
	awaits "$name: ... which is alerted" 10 said 'alert: the table of .* is another one, or was restored'
	is "$name: ... and our entries stay" "$(entries)" \
		'deleted.test encrypt;edited.test encrypt;new.test encrypt;pinned.test encrypt;raised.test dane-only;'
	decide raised.test=verify
	awaits "$name: a later change is published as ever" 15 rows_are \
		"deleted.test encrypt;edited.test may;new.test encrypt;pinned.test encrypt;raised.test verify;${left-}"
	his "DELETE FROM TABLE_ WHERE dest = 'deleted.test'"
	decide deleted.test=verify
	awaits "$name: what somebody deletes stays deleted" 15 said 'deleted.test.*deleted by somebody'
	is "$name: ... indeed" "$(rows)" "edited.test may;new.test encrypt;pinned.test encrypt;raised.test verify;${left-}"
	end
	is "$name: it is alerted once" "$(grep -c 'alert: the table of' "$dir/a.err")" 1
	begin
	awaits "$name: the next comparison" 15 said "table=$dir/login version\|this tlsladder leads\|map=$dir/a.map"
	end
	is "$name: ... has nothing to tell" "$(grep -c 'restored\|somebody' "$dir/a.err")" 0
}

own_of() {
	says "$("$program" schema "$1")" >/dev/null
	says 'GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder' >/dev/null
	says 'GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder' >/dev/null
}

# The lease in the copy is of another one, that is gone: it was restored behind our back.
other_led() {
	says "UPDATE tlsladder_lease SET holder = 'other:00000001', expires = '2001-01-01'" >/dev/null
}

if [[ -x $builddir/tlsladder-mariadb ]] && command -v mariadbd >/dev/null && command -v mariadb-dump >/dev/null; then
	start_own_mariadb "$dir/login"
	own_of mariadb
	rows() {
		says 'SELECT dest, policy FROM tlsladder_policy ORDER BY dest' | tr '\t\n' ' ;'
	}
	his() {
		says "${1//TABLE_/tlsladder_policy}"
	}
	backup() {
		mariadb-dump --no-defaults --socket="$mariadb_socket" -uroot own tlsladder_policy tlsladder_lease >"$dir/dump"
	}
	restore() {
		mariadb --no-defaults --socket="$mariadb_socket" -uroot own <"$dir/dump"
	}
	restores mariadb own
	says 'DELETE FROM tlsladder_policy; DELETE FROM tlsladder_lease'
	between=other_led
	restores mariadb own
	between=''

	# --- another database

	says 'DELETE FROM tlsladder_policy; DELETE FROM tlsladder_lease'
	begin_state mariadb own
	decide $(printf 'd%d.test=encrypt ' {1..600})
	begin
	counts() {
		[[ $(says 'SELECT COUNT(*) FROM tlsladder_policy') == "$1" ]]
	}
	awaits '601 rows' 20 counts 601
	end
	mariadb_says 'CREATE DATABASE new'
	sed -i 's/database = own/database = new/' "$dir/login"
	mariadb_database=new
	own_of mariadb
	begin
	awaits 'a database that is new gets all of them' 20 counts 601
	awaits '... which is alerted' 10 said 'alert: the table of .* is another one, or was restored'
	end
	is '... and no row is taken for deleted' "$(state "SELECT state, COUNT(*) FROM published GROUP BY state")" 'ours 601'

	mariadb_says "DROP USER tlsladder; $(<"$srcdir/tests/sql/mailcow.sql")
		CREATE USER tlsladder IDENTIFIED BY 'secret';
		GRANT SELECT, INSERT, DELETE, UPDATE (policy, parameters, active)
			ON mailcow.tls_policy_override TO tlsladder"
	mariadb_database=mailcow
	write_login "$dir/login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = mailcow'
	rows() {
		sql 'SELECT dest, policy FROM tls_policy_override ORDER BY dest' | tr '\t\n' ' ;'
	}
	his() {
		sql "${1//TABLE_/tls_policy_override}"
	}
	backup() {
		mariadb-dump --no-defaults --socket="$mariadb_socket" -uroot mailcow tls_policy_override >"$dir/dump"
	}
	restore() {
		mariadb --no-defaults --socket="$mariadb_socket" -uroot mailcow <"$dir/dump"
	}
	# They have whole seconds.
	seconds_are_past() {
		[[ $(sql 'SELECT MAX(GREATEST(created, COALESCE(modified, created))) < NOW() FROM tls_policy_override') == 1 ]]
	}
	stamps_are_past=seconds_are_past
	# Whose a row is that comes back, its table does not say.
	left='removed.test encrypt;'
	restores mariadb mailcow
	left='' stamps_are_past=''
fi
if [[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]]; then
	start_pgsql pg 5432
	pgsql_says "CREATE USER tlsladder PASSWORD 'secret'"
	says() {
		pgsql_says "$1"
	}
	write_login "$dir/login" "host = $pgsql_socket" 'user = tlsladder' 'password = secret' 'dbname = postgres'
	own_of postgresql
	rows() {
		says 'SELECT dest, policy FROM tlsladder_policy ORDER BY dest' | tr '\n' ';'
	}
	his() {
		says "${1//TABLE_/tlsladder_policy}"
	}
	backup() {
		says 'CREATE TABLE copied AS SELECT * FROM tlsladder_policy'
	}
	restore() {
		says 'BEGIN; DELETE FROM tlsladder_policy; INSERT INTO tlsladder_policy SELECT * FROM copied; COMMIT'
	}
	restores postgresql own
fi
[[ $number -gt 0 ]] || skip_all 'needs MariaDB or PostgreSQL, and its helper'
finish
