#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tlsladder itself and a table of its own, in each database: entries are rows, rows of others
# stay, and what was published goes again.
. "$(dirname -- "$0")/lib.sh"
program=$builddir/tlsladder

ladder() {
	"$program" -c "$dir/tlsladder.yaml" "$@" >"$dir/out" 2>"$dir/err"
	status=$?
	out=$(<"$dir/out")
	err=$(<"$dir/err")
}

# configure [DATABASE]: a state of its own; with publish, or without
configure() {
	cat >"$dir/tlsladder.yaml" <<END
state: $dir/$name.db
map: {file: $dir/$name.map, type: none}
rules: $srcdir/rules/postfix.yaml
postfix: {config_directory: /nonexistent, default_level: verify}
END
	[[ $# -eq 0 ]] || echo "publish: [{sql: $1, login: $dir/$name.login, schema: own}]" >>"$dir/tlsladder.yaml"
}

rows() {
	says "SELECT dest, policy, parameters, owner FROM tlsladder_policy ORDER BY dest" | tr '\t' ' ' | tr '\n' ';'
}

# The same in each: says SQL, as its administrator.
own_table() {
	configure "$name"
	ladder schema "$name"
	check "$name: the schema makes the table" says "$out"
	says "$1"
	ladder set a.test encrypt
	is "$name: an entry is a row" "$status$err $(rows)" '0 a.test encrypt  tlsladder pinned;'
	ladder set a.test secure match=mx.a.test
	ladder set b.test verify
	is "$name: a change is one" "$status$err $(rows)" '0 a.test secure match=mx.a.test tlsladder pinned;b.test verify  tlsladder pinned;'
	says "INSERT INTO tlsladder_policy (dest, policy, parameters, owner) VALUES ('his.test', 'may', '', 'admin')"
	ladder set his.test encrypt
	matches "$name: a row of somebody else stays" "$status $(rows) $err" "his.test may  admin;.*a row of somebody else is there"
	says "UPDATE tlsladder_policy SET owner = 'admin' WHERE dest = 'a.test'"
	ladder set a.test encrypt
	matches "$name: one of ours that he took is his" "$(rows) $err" '^a.test secure match=mx.a.test admin;.*our row was changed'
	says "DELETE FROM tlsladder_policy WHERE dest = 'b.test'"
	ladder set b.test encrypt
	is "$name: one that he deleted is not put back" "$(rows | grep -c b.test)" 0
	ladder set b.test encrypt
	is "$name: before it is set again" "$status $(rows | grep -c 'b.test encrypt')" '0 1'
	sqlite3 "$dir/$name.db" "DELETE FROM published; DELETE FROM counter WHERE name LIKE 'compared%'"
	ladder adopt --yes
	is "$name: after the loss of what was known it is adopted" "$status $(grep -c '^  b.test' <<<"$out") $(tail -n 1 <<<"$out")" '0 1 they are ours'
	ladder unset b.test
	is "$name: and goes with its entry" "$status $(rows | grep -c b.test)" '0 0'
	ladder set c.test encrypt
	configure
	ladder unpublish
	is "$name: unpublish takes ours out, and no other" "$status$err $(rows)" '0 a.test secure match=mx.a.test admin;his.test may  admin;'
}

tried=0
if [[ -x $builddir/tlsladder-mariadb ]] && command -v mariadbd >/dev/null; then
	tried=1
	name=mariadb
	start_own_mariadb "$dir/mariadb.login"
	own_table 'GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder;
		GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder'
fi
if [[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]]; then
	tried=1
	name=postgresql
	start_pgsql pg 5432
	pgsql_says "CREATE USER tlsladder PASSWORD 'secret'"
	says() {
		pgsql_says "$1"
	}
	write_login "$dir/postgresql.login" "host = $pgsql_socket" 'user = tlsladder' 'password = secret' 'dbname = postgres'
	own_table 'GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder;
		GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder'
fi
[[ $tried -eq 1 ]] || skip_all 'needs a database and its helper'
finish
