#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Many rows of a batch are changed at once: what is true of one by one is true of these, and
# where somebody is in the way of one, of all the others.
. "$(dirname -- "$0")/lib.sh"

sql_is() {
	[[ $(sql "$1") == "$2" ]]
}
ask() {
	helper "$login" "$table" "$@"
}
# The lines of 50 keys, of the name and with what behind it.
lines() {
	local n
	for n in {1..50}; do
		echo "$1 $2$n.test${3:+ $3}"
	done
}
# again WORD REST: of what was said to be ours last, that with what is known of it.
again() {
	sed -n "s/^ours \([^ ]*\) \([^ ]*\) \([^ ]*\) \([^ ]*\) \(.*\)$/\1\t\2\t\3\t\4\t\5/p" <<<"$out" |
		tr ' \t' '~ ' | while read -r key row; do echo "$1 $key ${2:+$2 }$row"; done
}
# said: how many are ours, theirs, busy, gone, refused.
said() {
	local word
	for word in ours theirs busy gone refused; do
		printf '%s ' "$(grep -c "^$word " <<<"$out")"
	done
	echo "$status"
}
remember() {
	mapfile -t "$1"
}

# many NAME ROWS: the same in each; ROWS is the table.
many() {
	local name=$1 rows=$2 new more changed dropped begun took
	remember new < <(lines want n 'encrypt -')
	ask "${new[@]}"
	is "$name: rows that are new are ours" "$(said)" '50 0 0 0 0 0'
	is "$name: ... each of them once" "$(sql "SELECT COUNT(*) FROM $rows WHERE policy = 'encrypt'")" 50
	remember changed < <(again want 'secure match=mx.a.test')
	local first=$out same
	remember same < <(again want 'encrypt -')
	ask "${same[@]}"
	is "$name: ... as they are in the table" "$out" "$first"
	remember more < <(lines want m 'may -')
	ask "${changed[@]}" "${more[@]}"
	is "$name: ... changed beside others that are new" "$(said)" '100 0 0 0 0 0'
	is "$name: ... all of them" "$(sql "SELECT COUNT(*) FROM $rows WHERE policy = 'secure' AND parameters = 'match=mx.a.test'")" 50
	out=$(grep '^ours n' <<<"$out")
	remember changed < <(again want 'verify -')
	remember dropped < <(again drop)

	does his "BEGIN; UPDATE $rows SET policy = 'may' WHERE dest = 'n7.test'"
	begun=${EPOCHREALTIME/./}
	ask "${changed[@]}"
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	is "$name: one that an open transaction holds is busy, and no other" "$(said) $(grep '^busy' <<<"$out")" '49 0 1 0 0 0 busy n7.test'
	comment "$name: $took ms (wanted: 9 s)"
	does his ROLLBACK
	# Of the one that was busy the former row is known.
	remember changed < <(again want 'encrypt -'
		printf '%s\n' "${dropped[@]/#drop n7.test/want n7.test verify -}" | grep '^want ')
	raced "$name: one that he edits while we wait is his, and no other" '^0 ours.*theirs n7.test [0-9-]+ may .*' \
		"DELETE FROM $rows WHERE dest = 'none'" \
		"BEGIN; UPDATE $rows SET policy = 'may' WHERE dest = 'n7.test'" COMMIT "${changed[@]}"
	is "$name: ... as he has it" "$(sql "SELECT policy FROM $rows WHERE dest = 'n7.test'") $(said)" 'may 49 1 0 0 0 0'
	remember changed < <(again want 'verify -')
	raced "$name: one that he deletes is not put back, and all others are changed" '^0 ours.*gone n8.test' \
		"DELETE FROM $rows WHERE dest = 'none'" "BEGIN; DELETE FROM $rows WHERE dest = 'n8.test'" COMMIT "${changed[@]}"
	is "$name: ... indeed" "$(said) $(sql "SELECT COUNT(*) FROM $rows WHERE dest = 'n8.test'")" '48 0 0 1 0 0 0'
	remember dropped < <(again drop)
	sql "UPDATE $rows SET policy = 'may' WHERE dest = 'n9.test'"
	ask "${dropped[@]}"
	is "$name: rows are dropped together, and not one that he edited" \
		"$(said) $(sql "SELECT dest FROM $rows WHERE dest LIKE 'n%' ORDER BY dest" | tr '\n' ' ')" '0 1 0 47 0 0 n7.test n9.test '
	sql "DELETE FROM $rows"
	raced "$name: one that he inserts while we wait is his, and all others are ours" '^0 .*theirs n5.test [0-9-]+ may' \
		"DELETE FROM $rows" "BEGIN; INSERT INTO $rows (dest, policy) VALUES ('n5.test', 'may')" COMMIT "${new[@]}"
	is "$name: ... which are all" "$(said) $(sql "SELECT COUNT(*) FROM $rows WHERE policy = 'encrypt'")" '49 1 0 0 0 0 49'
	sql "DELETE FROM $rows; ALTER TABLE $rows ADD CONSTRAINT odd CHECK (dest <> 'n3.test')"
	ask "${new[@]}"
	is "$name: one that the table cannot hold is refused, and no other" "$(said) $(grep -o '^refused [^ ]*' <<<"$out")" '49 0 0 0 1 0 refused n3.test'
	sql "ALTER TABLE $rows DROP CONSTRAINT odd; DELETE FROM $rows"
}

tried=0
if [[ -x $builddir/tlsladder-mariadb ]] && command -v mariadbd >/dev/null; then
	tried=1
	helper=$builddir/tlsladder-mariadb
	start_mariadb db 3306
	make_mailcow
	waits() {
		await 20 sql_is "SELECT COUNT(*) > 0 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'" 1
	}
	session his mariadb --no-defaults --socket="$mariadb_socket" -uroot -N -B -n -f mailcow
	login=$dir/mailcow.login table=mailcow
	write_login "$login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = mailcow'
	many mailcow tls_policy_override
	end_session his
	mariadb_says 'CREATE DATABASE own'
	mariadb_database=own
	"$helper" - own < <(printf 'schema\nend\n') >"$dir/schema"
	sql "$(<"$dir/schema")
		GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder"
	rm -f "$dir"/his.*
	session his mariadb --no-defaults --socket="$mariadb_socket" -uroot -N -B -n -f own
	login=$dir/mariadb.login table=own
	write_login "$login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = own'
	many mariadb tlsladder_policy
	end_session his
	rm -f "$dir"/his.*
fi
if [[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]]; then
	tried=1
	helper=$builddir/tlsladder-pgsql
	start_pgsql pg 5432
	sql() {
		pgsql_says "$1"
	}
	waits() {
		await 20 sql_is "SELECT COUNT(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'" t
	}
	sql "CREATE USER tlsladder PASSWORD 'secret'"
	"$helper" - own < <(printf 'schema\nend\n') >"$dir/schema"
	sql "$(<"$dir/schema")"
	sql 'GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder'
	session his "$pgsql_programs/psql" -X -q -A -t -h "$pgsql_socket" -p "$pgsql_port" -U postgres postgres
	login=$dir/pgsql.login table=own
	write_login "$login" "host = $pgsql_socket" "port = $pgsql_port" 'user = tlsladder' 'dbname = postgres'
	many postgresql tlsladder_policy
fi
[[ $tried -gt 0 ]] || skip_all 'needs a database and its helper'
finish
