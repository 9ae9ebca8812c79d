#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# publish: entries as rows of a table, which tests/fake/table.c stands for: what commands do
# to it, and say of it.
. "$(dirname -- "$0")/lib.sh"

fake=$builddir/tests/unit/tlsladder-mariadb
[[ -x $fake ]] || skip_all "$fake is not built"
needs_python

# The program finds its helper beside itself.
mkdir "$dir/bin"
cp "$builddir/tlsladder" "$fake" "$dir/bin"
program=$dir/bin/tlsladder
table=$dir/table

# with_table [LINE]: its item of publish, in a list of its own
with_table() {
	configure "map: {file: $dir/tls_policy, type: none}" "$@" \
		"publish: [{sql: mariadb, login: $table, schema: mailcow, map: 'proxy:mysql:$dir/query.cf'}]"
}
rows() {
	sed 1d "$table" | cut -f 1,3- | tr '\t\n' ' ;'
}
# table_of ROW...: by hand, "KEY ID LEVEL ATTRIBUTES ACTIVE MODIFIED"
table_of() {
	{
		echo 99
		for row; do tr ' ' '\t' <<<"$row"; done
	} >"$table"
}

postconf_says "smtp_tls_policy_maps = proxy:mysql:$dir/query.cf"
with_table

# --- entries become rows

ladder set a.test verify match=mx.test
is 'a pin is a row' "$status$err $(rows)" '0 a.test verify match=mx.test 1 0;'
ladder set bücher.test verify
ladder set weak.test may
is 'but for names beyond ASCII, and what is too weak' "$status$err $(rows)" '0 a.test verify match=mx.test 1 0;'
ladder list
matches 'which list tells: the name' "$out" "bücher.test .*not in the table of $table: its name is not ASCII, or too long"
matches 'the level' "$out" "weak.test .*not in the table of $table: weaker than its lowest, encrypt"
is 'and nothing of what is there' "$(grep -c 'a.test.*not in' <<<"$out")" 0
ladder list --json
is 'in JSON as well' "$(json '[(r["destination"], [t["missing"] for t in r["not_in"]]) for r in d]')" \
	"[('a.test', []), ('bücher.test', ['not-ascii']), ('weak.test', ['too-weak'])]"
ladder explain bücher.test weak.test
is 'explain tells it' "$(grep -c '^  not in the table of' <<<"$out")" 2
ladder explain --json a.test
is 'in JSON' "$(json 'd[0]["not_in"]')" '[]'

# --- rows of others

table_of 'his.test 7 may - 1 0' 'a.test 8 encrypt - 1 0' 'b.test 9 secure - 1 0'
ladder set his.test verify
is 'a row of somebody else stays' "$status $(rows)" '0 his.test may - 1 0;a.test encrypt - 1 0;b.test secure - 1 0;'
matches 'which is said' "$err" 'destination=his.test .*a row of somebody else is there, and is left alone'
ladder set a.test secure
matches 'one of ours that he changed is his' "$err" 'destination=a.test .*our row was changed by somebody else'
ladder list his.test
matches 'and list says so' "$out" "his.test .*not in the table of $table: somebody else has a row there"
ladder unset a.test # whose row is gone as well, and is no veto
ladder set c.test verify
table_of 'his.test 7 may - 1 0'
ladder set c.test encrypt
matches 'one that he deleted is not put back' "$err" 'destination=c.test .*our row was deleted by somebody else'
ladder explain c.test
matches 'before it is set again' "$out" 'not in the table of .*: somebody deleted the row; not put back before it is set again'
ladder set c.test encrypt
is 'then it is' "$status $(rows)" '0 his.test may - 1 0;c.test encrypt - 1 0;'

run "$program" -c "$dir/tlsladder.yaml" export -o "$table"
matches 'no export is written over the login file' "$status $err" '^[^0].*a login file'

# --- failures

echo outage >"$table.does"
ladder set d.test verify
is 'a database that is away: the entry is stored' "$status $(ladder list d.test; grep -c d.test <<<"$out")" '73 1'
matches 'and what failed is said' "$(ladder set d.test verify; echo "$err")" \
	"the entry is stored and in the map, but not published everywhere: sql mariadb mailcow $table: the database cannot be reached: Can't connect to server \(2002\); the daemon tries again, .tlsladder doctor. looks into it"
is 'the map is not said to have failed, and has the entry' "$(grep -c 'not exported' <<<"$err") $(grep -c '^d.test' "$dir/tls_policy")" '0 1'
rm "$table.does"
ladder set e.test verify
is 'what was missed comes with the next' "$status $(rows)" '0 his.test may - 1 0;c.test encrypt - 1 0;d.test verify - 1 0;e.test verify - 1 0;'

# --- adopt

ladder unset his.test
table_of 'd.test 7 verify - 1 0' 'e.test 8 verify - 0 0' 'c.test 9 may - 1 0'
ladder set c.test secure 2>/dev/null
sqlite() { python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()' "$dir/state.db" "$1"; }
sqlite 'DELETE FROM published'
run "$program" -c "$dir/tlsladder.yaml" adopt <<<''
is 'adopt shows what equals entries' "$(grep '^  ' <<<"$out")" '  d.test  verify'
matches 'and asks' "$err" 'Take 1 row as ours, to be changed and deleted\? \[y/N\]'
matches 'no answer is no' "$out" 'they are left alone'
ladder adopt --yes
is 'with --yes it does not ask' "$status$err $(tail -n 1 <<<"$out")" '0 they are ours'
ladder adopt --yes
is 'twice is nothing' "$status $out" "0 no row of others in the table of $table equals an entry"
ladder unset d.test
is 'what was adopted goes with its entry' "$status $(rows)" '0 e.test verify - 0 0;c.test may - 1 0;'
echo rights >"$table.does"
ladder adopt
is 'a table that cannot be asked' "$status $err" "69 tlsladder: error: $table: the database refuses the user: INSERT command denied (1142)"
rm "$table.does"

# --- unpublish

rm "$table"
ladder set f.test verify g.test verify 2>/dev/null
ladder set f.test g.test verify
ladder unpublish
is 'unpublish: of a table that is published to it is refused' "$status" 78
configure
ladder unpublish
is 'later our rows are taken out' "$status$err $(grep -c 'taken out of the table' <<<"$out")" '0 1'
is 'all of them' "$(rows)" ''
ladder unpublish
is 'once more is nothing' "$status $out" '0 no table has rows of ours that publish does not name'
ladder adopt
is 'there is nothing to adopt' "$status $err" '78 tlsladder: error: publish names no table; `man tlsladder.yaml` has an example'

# --- schema

ladder schema mariadb
is 'schema is what the helper prints' "$status $out" '0 CREATE TABLE tls_policy (dest text);'
ladder schema sqlite
is 'of what is known alone' "$status" 64
rm "$dir/bin/tlsladder-mariadb"
ladder schema mariadb
is 'a helper that is missing is named' "$status $err" '69 tlsladder: error: tlsladder-mariadb is not installed'

# --- doctor

with_table
ladder set a.test secure
of() {
	ladder doctor --json
	json "[r['$2'] for r in d if r['check'] == '$1'][0]"
}
is 'doctor: the state is whole' "$(of state result)" ok
is 'the helper is missing' "$(of table result) $(of table advice)" "fault apt-get install tlsladder-mariadb"
cp "$fake" "$dir/bin"
echo login >"$table.does"
matches 'the login file is refused' "$(of table result) $(of table advice)" 'fault chown root:.*chmod 0640|fault chown root:'
echo rights >"$table.does"
matches 'rights are missing' "$(of table result) $(of table advice)" "^fault # in the database, as its administrator: GRANT SELECT ON x.tls_policy TO 'me'@'%';\$"
rm "$table.does"
is 'a table that answers' "$(of table result) $(of table-maps result)" 'ok warning'
is 'the map need not be named' "$(of policy-maps result)" ok
with_table 'ladder: {lowest: encrypt}'
is 'it is read by Postfix' "$(of table-maps result)" ok
postconf_says "smtp_tls_policy_maps = hash:$dir/tls_policy"
is 'it is not' "$(of table-maps result)" warning
matches 'what to do' "$(of table-maps advice)" "add proxy:mysql:$dir/query.cf to smtp_tls_policy_maps"

# As Postfix sees it.
postconf_says "smtp_tls_policy_maps = proxy:mysql:$dir/query.cf"
ladder set f.test g.test verify
postmap_does() {
	printf '%s\n' "$1" >"$dir/postmap.sh"
}
postmap_does "printf 'a.test\tsecure \n'"
is 'Postfix sees a row of ours' "$(of table-seen result) $(of table-seen text)" 'ok Postfix sees the row of a.test'
check 'it is asked of the map itself, not of proxymap(8)' grep -qF "[mysql:$dir/query.cf]" "$dir/postmap.calls"
postmap_does 'exit 1'
is 'it does not: another table is asked' "$(of table-seen result) $(of table-seen advice)" \
	"fault # mysql:$dir/query.cf must ask the table that $table writes to"
postmap_does "printf 'a.test\tmay \n'"
is 'it sees another one: the same' "$(of table-seen result)" fault
postmap_does "echo 'postmap: fatal: open $dir/query.cf: Permission denied' >&2; exit 1"
matches 'where it cannot be asked that is no fault' "$(of table-seen result) $(of table-seen text)" 'ok .*cannot be told here: .*Permission denied'
rm -f "$dir/postmap.sh"
utf8_is() {
	echo "case \"\$*\" in *smtputf8_enable*) echo $1 ;; *) cat '$dir/postconf.out' ;; esac" >"$dir/postconf.sh"
}
utf8_is yes
is 'with SMTPUTF8 a row may answer for a name that differs in accents' "$(of table-accents result) $(of table-accents advice)" \
	"warning # in the query of proxy:mysql:$dir/query.cf: dest = '%s' AND BINARY dest = LOWER('%s')"
utf8_is no
ladder doctor --json
is 'without, none' "$(json "[r for r in d if r['check'] == 'table-accents']")" '[]'
configure
ladder unpublish
rm -f "$dir/postconf.sh"
is 'and all is as before' "$status $(rows)" '0 '
with_table

# --- the daemon

postconf_says "smtp_tls_policy_maps = proxy:mysql:$dir/query.cf"
rm -f "$table" "$table.calls"
: >"$dir/mail.log"
with_table "log: {file: $dir/mail.log}"
start
await 10 test -s "$table"
check 'the daemon compares all at its start' grep -q '^all' "$table.calls"
is 'and publishes' "$(rows | tr ';' '\n' | grep -c '^[fg].test verify')" 2
echo outage >"$table.does"
ladder set h.test verify
await 10 said 'cannot publish to the table'
check 'a database that is away is said' said "cannot publish to the table of $table, will try again: the database cannot be reached"
rm "$table.does"
await 20 said 'can publish to the table'
check 'and that it is back' grep -q '^h.test' "$table"
stop
is 'it ends well' "$status" 0
finish
