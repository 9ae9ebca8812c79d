#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# doctor beside real servers: each right that is missing is found, the GRANT that is printed gives
# it, and nothing is changed by looking.
. "$(dirname -- "$0")/lib.sh"
program=$builddir/tlsladder
command -v python3 >/dev/null || skip_all 'needs python3'

doctor() {
	"$program" -c "$dir/tlsladder.yaml" doctor --json >"$dir/out" 2>"$dir/err"
}

# of MEMBER: of what doctor says of the table: result, text or advice.
of() {
	/usr/bin/python3 -ISB -c 'import json, sys
for d in map(json.loads, open(sys.argv[1])):
    if d["check"] == "table":
        print(d[sys.argv[2]])' "$dir/out" "$1"
}

# configure SQL SCHEMA
configure() {
	cat >"$dir/tlsladder.yaml" <<END_OF_YAML
state: $dir/state.db
map: {file: $dir/map, type: none}
rules: $srcdir/rules/postfix.yaml
dns: {resolver: 127.0.0.1@1, tries: 1, timeout: 100ms}
postfix: {command: [false], default_level: verify} # postconf would take a second to fail
publish: [{sql: $1, login: $dir/login, schema: $2}]
END_OF_YAML
}

# ill SENTENCE REVOKE GRANT [GRANT]: the right is taken away; doctor prints these and no other, and
# typed they mend it.
ill() {
	local sentence="$name: $1" said sql
	shift
	says "$1"
	shift
	doctor
	is "$sentence: a fault" "$(of result)" fault
	matches '... as the database has it' "$(of text)" 'the database refuses the user: .*(command )?denied'
	said=$(of advice | sed -n 's/^# in the database, as its administrator: //p')
	is '... and the very GRANT' "$said" "$(printf '%s;\n' "$@")"
	while read -r sql; do
		says "$sql"
	done <<<"$said"
	doctor
	is '... which, typed, mends it' "$(of result) $(of text)" "ok the table of $dir/login answers"
}

tried=0
if [[ -x $builddir/tlsladder-mariadb ]] && command -v mariadbd >/dev/null; then
	tried=1
	name=mariadb
	start_own_mariadb "$dir/login"
	configure mariadb own
	doctor
	is "$name: without a right in the database none is named" "$(of result) $(of advice)" \
		"fault # mend user, password and database in $dir/login, or let that user into the database"
	says 'CREATE TABLE seen (n INT); GRANT SELECT ON seen TO tlsladder'
	policy="GRANT SELECT, INSERT, DELETE, UPDATE (policy, parameters) ON \`own\`.tlsladder_policy TO 'tlsladder'@'%'"
	lease="GRANT SELECT, INSERT, UPDATE ON \`own\`.tlsladder_lease TO 'tlsladder'@'%'"
	says "$("$program" schema mariadb)"
	ill 'no right at all' 'DO 1' "$policy" "$lease"
	ill 'none to the lease' 'REVOKE ALL ON tlsladder_lease FROM tlsladder' "$lease"
	for right in SELECT INSERT UPDATE; do
		ill "none to $right in the lease" "REVOKE $right ON tlsladder_lease FROM tlsladder" "$lease"
	done
	for right in SELECT INSERT DELETE 'UPDATE (policy)' 'UPDATE (parameters)'; do
		ill "none to $right" "REVOKE $right ON tlsladder_policy FROM tlsladder" "$policy"
	done
	is "$name: nothing was changed" "$(says 'SELECT COUNT(*) FROM tlsladder_policy; SELECT COUNT(*) FROM tlsladder_lease')" $'0\n0'
	says 'DROP TABLE tlsladder_lease'
	doctor
	is "$name: a table that is not there" "$(of result) $(of advice)" \
		"fault # \`tlsladder schema mariadb\` prints what makes its tables, where they are not there"

	says "$(<"$srcdir/tests/sql/mailcow.sql")"
	mariadb_database=mailcow
	write_login "$dir/login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = mailcow'
	configure mariadb mailcow
	policy="GRANT SELECT, INSERT, DELETE, UPDATE (policy, parameters, active) ON \`mailcow\`.tls_policy_override TO 'tlsladder'@'%'"
	says 'CREATE TABLE seen (n INT); GRANT SELECT ON seen TO tlsladder'
	ill "mailcow's table, and no right" 'DO 1' "$policy"
	for right in SELECT INSERT DELETE 'UPDATE (parameters)'; do
		ill "mailcow's table, and none to $right" "REVOKE $right ON tls_policy_override FROM tlsladder" "$policy"
	done
	says "CREATE USER 'a''b@c'@'localhost' IDENTIFIED BY 'secret'; GRANT SELECT ON seen TO 'a''b@c'@'localhost'"
	write_login "$dir/login" "socket = $mariadb_socket" "user = a'b@c" 'password = secret' 'database = mailcow'
	ill 'a name of odd characters' 'DO 1' "${policy%TO*}TO 'a\\'b@c'@'localhost'"
fi
if [[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]]; then
	tried=1
	name=postgresql
	start_pgsql pg 5432
	pgsql_says "CREATE USER tlsladder PASSWORD 'secret'"
	says() {
		pgsql_says "$1"
	}
	write_login "$dir/login" "host = $pgsql_socket" 'user = tlsladder' 'password = secret' 'dbname = postgres'
	configure postgresql own
	policy='GRANT SELECT, INSERT, UPDATE, DELETE ON public.tlsladder_policy TO tlsladder'
	lease='GRANT SELECT, INSERT, UPDATE ON public.tlsladder_lease TO tlsladder'
	doctor
	is "$name: a table that is not there" "$(of result) $(of advice)" \
		"fault # \`tlsladder schema postgresql\` prints what makes its tables, where they are not there"
	says "$("$program" schema postgresql)"
	ill 'no right at all' 'SELECT' "$policy" "$lease"
	ill 'none to the lease' 'REVOKE ALL ON tlsladder_lease FROM tlsladder' "$lease"
	for right in SELECT INSERT UPDATE; do
		ill "none to $right in the lease" "REVOKE $right ON tlsladder_lease FROM tlsladder" "$lease"
	done
	for right in SELECT INSERT UPDATE DELETE; do
		ill "none to $right" "REVOKE $right ON tlsladder_policy FROM tlsladder" "$policy"
	done
	is "$name: nothing was changed" "$(says 'SELECT (SELECT COUNT(*) FROM tlsladder_policy) + (SELECT COUNT(*) FROM tlsladder_lease)')" 0
fi
[[ $tried -eq 1 ]] || skip_all 'needs MariaDB or PostgreSQL, and its helper'
finish
