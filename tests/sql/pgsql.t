#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tlsladder-pgsql and a table of our own, with the lease of several writers.
. "$(dirname -- "$0")/lib.sh"
. "$here/own.sh"
helper=$builddir/tlsladder-pgsql
[[ -x $helper ]] || skip_all 'built without libpq'
[[ -n $pgsql_programs ]] || skip_all 'needs postgresql'

start_pgsql db 5432 'log_lock_waits = on'
pgsql_says "CREATE USER tlsladder PASSWORD 'secret'"
sql() {
	pgsql_says "$1"
}
helper "$dir/none" own schema
is 'the schema is printed without a login file' "$status" 0
check '... and makes the tables' sql "$out"
sql 'GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder;
	GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder'
helper "$dir/none" mailcow all
is "mailcow's table is none of PostgreSQL" "$status" 64
login=$dir/login
write_login "$login" "host = $pgsql_socket" 'user = tlsladder' 'password = secret' 'dbname = postgres'

table=own
waits() {
	await 20 sql_is "SELECT COUNT(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'" t
}

own_rows
check 'a name with capitals is refused by the table' test -z "$(his A.test may '' 2>/dev/null)$(row A.test)"
session his "$pgsql_programs/psql" -X -q -A -t -h "$pgsql_socket" -p "$pgsql_port" -U postgres postgres
# Of a second and more; the batch is done again with a savepoint for each row.
lock_waits() { grep -c 'still waiting for' "$dir/db.log"; }
own_waits 2

# --- errors of one key, and of all

does his "SET deadlock_timeout = '10s'"
raced 'two that wait for each other: it is busy (40P01)' '^75 failed busy .*40P01' 'SELECT 1' \
	"BEGIN; UPDATE tlsladder_policy SET parameters = 'x' WHERE dest = 'b.test'" \
	"UPDATE tlsladder_policy SET parameters = 'x' WHERE dest = 'a.test'" \
	'want n.test encrypt -' 'want a.test encrypt -' 'want b.test encrypt -'
does his ROLLBACK
is '... and nothing of the batch stands' "$(row a.test), $(row n.test)" 'may  tlsladder, '

does his 'BEGIN; LOCK TABLE tlsladder_policy IN ACCESS EXCLUSIVE MODE'
ask 'want l.test may -'
answers 'a table that is locked is busy (55P03)' 'failed busy' 75
does his ROLLBACK

sql 'ALTER TABLE tlsladder_policy ADD CONSTRAINT short CHECK (length(parameters) < 10)'
ask 'want a1.test may -' 'want a.test secure match=a.long.name' 'want c.test may -'
matches 'what a CHECK forbids is refused, and that key alone (23514)' "$status $out" '^0 ours a1.test .*refused a.test .*23514.*ours c.test '
sql "ALTER TABLE tlsladder_policy DROP CONSTRAINT short, ALTER parameters TYPE varchar(10)"
ask 'want d1.test may -' 'want a.test secure match=a.long.name' 'want d.test may -'
matches 'what has no room, too (22001)' "$status $out" '^0 ours d1.test .*refused a.test .*22001.*ours d.test '
sql "ALTER TABLE tlsladder_policy ALTER parameters TYPE text; CREATE UNIQUE INDEX one ON tlsladder_policy (parameters) WHERE parameters <> ''"
ask 'want e.test secure match=x' 'want f.test secure match=x' 'want g.test may -'
matches 'a row that others forbid, whose name is free, is refused (23505)' "$status $out" \
	'^0 ours e.test .*refused f.test .*23505.*ours g.test '
sql 'DROP INDEX one'
sql "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0
		AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
	CREATE TRIGGER slow BEFORE INSERT ON tlsladder_policy FOR EACH ROW WHEN (NEW.dest = 'slow.test') EXECUTE FUNCTION slow()"
does his 'SELECT pg_advisory_lock(1)'
begin_helper one "$login" own 'want h1.test may -' 'want slow.test may -'
cancelled=''
# Prints when it began: that of the batch, then the one that is tried alone.
hangs() {
	sql "SELECT query_start FROM pg_stat_activity WHERE usename = 'tlsladder' AND wait_event = 'advisory'
		AND query_start::text <> '$cancelled'" | grep .
}
for which in 'an INSERT takes its time' '... and so does the next, alone'; do
	if hanging=$(await 10 hangs); then ok "$which"; else not_ok "$which" "$hanging"; fi
	cancelled=$hanging
	sql "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'tlsladder'" >/dev/null
done
end_helper one
matches 'one that is cancelled is busy, and that key alone (57014)' "$status $out" '^0 ours h1.test .*busy slow.test.done$'
does his 'SELECT pg_advisory_unlock(1)'
sql 'DROP TRIGGER slow ON tlsladder_policy'

lease_rows
end_session his
own_speed PostgreSQL 5
finish
