#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tlsladder-pgsql where something is wrong: with the login, the rights, the server.
. "$(dirname -- "$0")/lib.sh"
helper=$builddir/tlsladder-pgsql
[[ -x $helper ]] || skip_all 'built without libpq'
[[ -n $pgsql_programs ]] || skip_all 'needs postgresql'

sql() {
	pgsql_says "$1"
}
sql_is() {
	[[ $(sql "$1") == "$2" ]]
}
waits() {
	await 20 sql_is "SELECT COUNT(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'" t
}
row() {
	sql "SELECT policy, parameters, owner FROM tlsladder_policy WHERE dest = '$1'"
}
make_own() {
	sql "CREATE USER tlsladder PASSWORD 'secret'"
	helper "$dir/none" own schema
	sql "$out"
	sql 'GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder;
		GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder'
}
# server_of NAME: what sql asks.
server_of() {
	pgsql_socket=$dir/$1.s pgsql_port=5432
}

start_pgsql db2 5432
make_own
certificates "$dir/db"
chown postgres: "$dir/db.key"
start_pgsql db 5432 'ssl = on' "ssl_cert_file = '$dir/db.crt'" "ssl_key_file = '$dir/db.key'" \
	"listen_addresses = '192.0.2.1'"
make_own
login=$dir/login
table=own
write_login "$login" "host = $dir/db.s" 'user = tlsladder' 'password = secret' 'dbname = postgres'
ask() {
	helper "$login" own "$@"
}

# --- rights and the login

write_login "$dir/far" 'host = db.test' 'user = tlsladder' 'password = secret' 'dbname = postgres' 'sslmode = verify-ca'
helper "$dir/far" own 'want a.test may -'
answers 'a server that is far and need not prove its name gets no password' 'failed login' 78
write_login "$dir/wrong" "host = $dir/db.s" 'user = nobody' 'password = geheim' 'dbname = postgres'
helper "$dir/wrong" own 'want a.test may -'
answers 'a user whom it does not know is a matter of rights (28000)' 'failed rights' 77
has '... its words are told' "$out" '28'
hasnt '... and no password' "$out$err" geheim
sed -i 's/trust$/scram-sha-256/' "$dir/db/pg_hba.conf"
sed -i 's/^local.*/local all postgres trust\nlocal all all scram-sha-256/' "$dir/db/pg_hba.conf"
sql 'SELECT pg_reload_conf()' >/dev/null
write_login "$dir/wrong" "host = $dir/db.s" 'user = tlsladder' 'password = geheim' 'dbname = postgres'
asks_for_password() {
	helper "$dir/wrong" own all
	[[ $out != "done" ]]
}
await 10 asks_for_password >/dev/null
helper "$dir/wrong" own 'want a.test may -'
answers 'a wrong password, too (28P01)' 'failed rights' 77
has '... with its SQLSTATE' "$out" 28P01
hasnt '... and not told' "$out$err" geheim
ask 'want a.test may -'
matches 'the right one is taken' "$status $out" '^0 ours a.test '
write_login "$dir/pass" "host = $dir/db.s" 'user = tlsladder' "passfile = $dir/passfile" 'dbname = postgres'
echo "*:*:*:*:secret" >"$dir/passfile"
chmod 600 "$dir/passfile"
helper "$dir/pass" own 'look a.test'
matches '... from a password file' "$status $out" '^0 ours a.test '
chmod 640 "$dir/passfile"
helper "$dir/pass" own 'look a.test'
answers '... that is nobody else'\''s' 'failed login' 78
write_login "$dir/wrong" "host = $dir/db.s" 'user = tlsladder' 'password = secret' 'dbname = nothing'
helper "$dir/wrong" own all
answers 'a database that is not there' 'failed fault' 70
sql 'REVOKE INSERT ON tlsladder_policy FROM tlsladder'
ask 'want a.test encrypt -' 'want b.test may -'
answers 'a right to INSERT that is missing (42501)' 'failed rights' 77
has '... is named, with its table' "$out" tlsladder_policy
is '... and nothing of that batch stands' "$(row a.test)" 'may  tlsladder'
sql 'GRANT INSERT ON tlsladder_policy TO tlsladder; ALTER TABLE tlsladder_policy RENAME TO elsewhere'
ask 'want a.test encrypt -'
answers 'no table of that name' 'failed fault' 70
sql 'ALTER TABLE elsewhere RENAME TO tlsladder_policy; DELETE FROM tlsladder_policy'

sql "CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS
	\$\$ BEGIN IF NEW.dest = 'vip.test' THEN RAISE EXCEPTION 'not to be touched'; END IF; RETURN NEW; END \$\$"
sql 'CREATE TRIGGER guard BEFORE INSERT ON tlsladder_policy FOR EACH ROW EXECUTE FUNCTION guard()'
ask 'want a.test may -' 'want vip.test may -' 'want c.test encrypt -'
matches 'one that a trigger forbids (P0001)' "$status $out" '^0 ours a.test .*refused vip.test .*touched.*ours c.test '
sql 'DROP TRIGGER guard ON tlsladder_policy; DELETE FROM tlsladder_policy'
sql "ALTER TABLE tlsladder_policy ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON tlsladder_policy TO tlsladder USING (true) WITH CHECK (dest NOT LIKE '%vip.test')"
ask 'want a.test may -' 'want vip.test may -' 'want c.test encrypt -'
matches 'one that a policy for rows forbids (42501)' "$status $out" '^0 ours a.test .*refused vip.test .*42501.*ours c.test '
ask 'want vip.test may -'
matches '... and alone' "$status $out" '^0 refused vip.test .*done$'
sql 'DROP POLICY p ON tlsladder_policy; ALTER TABLE tlsladder_policy DISABLE ROW LEVEL SECURITY; DELETE FROM tlsladder_policy'

# --- a server that takes no changes, and another one that does

sql "ALTER USER tlsladder SET default_transaction_read_only = on"
ask 'want a.test may -'
answers 'a server that is read-only takes no change (25006)' 'failed read-only' 69
ask 'look a.test'
answers '... nor is it believed what it has' 'failed read-only' 69
ask all
answers '... nor a listing' 'failed read-only' 69
write_login "$dir/two" "host = $dir/db.s,$dir/db2.s" 'user = tlsladder' 'password = secret' 'dbname = postgres'
helper "$dir/two" own 'want a.test may -'
matches 'the next one is asked then' "$status $out" '^0 ours a.test '
server_of db2
is '... and has the row' "$(row a.test)" 'may  tlsladder'
server_of db
sql "ALTER USER tlsladder RESET default_transaction_read_only"
write_login "$dir/two" "host = $dir/none, $dir/db2.s" 'user = tlsladder' 'password = secret' 'dbname = postgres'
helper "$dir/two" own all
matches 'the next one is asked of one that is down, too' "$status $out" '^0 row a.test .*done$'

# --- connections that are cut

session his "$pgsql_programs/psql" -X -q -A -t -h "$pgsql_socket" -p "$pgsql_port" -U postgres postgres
raced 'a connection that is ended is an outage (57P01)' '^69 failed outage .*57P01' 'DELETE FROM tlsladder_policy' \
	"BEGIN; INSERT INTO tlsladder_policy (dest, policy) VALUES ('k2.test', 'may')" \
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tlsladder'; ROLLBACK" \
	'want k1.test may -' 'want k2.test may -'
is '... of which nothing stands' "$(row k1.test)" ''
sql 'ALTER USER tlsladder CONNECTION LIMIT 1'
does his "BEGIN; INSERT INTO tlsladder_policy (dest, policy) VALUES ('m.test', 'may')"
begin_helper one "$login" own 'want m.test may -'
waits
ask 'look a.test'
answers 'too many connections are an outage (53300)' 'failed outage' 69
proc=/proc/${asked[one]}
held=$(grep -E '^(NoNewPrivs|Seccomp|VmHWM|VmPeak):' "$proc/status" | tr -d ' \t' | tr '\n' ' ')
does his ROLLBACK
end_helper one
comment "of a helper: $held"
matches 'it gains no privileges, and may not do all' "$held" 'NoNewPrivs:1 Seccomp:2 '
sql 'ALTER USER tlsladder CONNECTION LIMIT -1; DELETE FROM tlsladder_policy'

# --- servers that stop

does his "BEGIN; INSERT INTO tlsladder_policy (dest, policy) VALUES ('s2.test', 'may')"
begin_helper one "$login" own 'want s1.test may -' 'want s2.test may -'
waits
# Who serves the helper, and who lets others in.
hung=("${server[db]}" "$(sql "SELECT pid FROM pg_stat_activity WHERE usename = 'tlsladder'")")
kill -STOP "${hung[@]}"
end_helper one
answers 'a server that hangs within a batch is an outage' 'failed outage' 69
begun=${EPOCHREALTIME/./}
ask 'want s3.test may -'
took=$(((${EPOCHREALTIME/./} - begun) / 1000))
answers 'one that hangs from the start, too' 'failed outage' 69
comment "said in $took ms (wanted: 6 s)"
kill -CONT "${hung[@]}"
does his ROLLBACK
gone() {
	sql_is "SELECT COUNT(*) FROM pg_stat_activity WHERE usename = 'tlsladder'" 0
}
awaits '... its server sees that it is gone' 20 gone
is 'nothing of it stands when it goes on' "$(sql 'SELECT COUNT(*) FROM tlsladder_policy')" 0

# Its COMMIT takes for ever: the one who serves it hangs.
sql "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON tlsladder_policy DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION slow()"
does his 'SELECT pg_advisory_lock(1)'
begin_helper one "$login" own 'want c.test may -'
waits
kill -STOP "$(sql "SELECT pid FROM pg_stat_activity WHERE usename = 'tlsladder'")"
end_helper one
answers 'a COMMIT that does not come to its end: nobody knows' 'unsure outage' 69
kill -CONT "$(sql "SELECT pid FROM pg_stat_activity WHERE usename = 'tlsladder'")"
does his 'SELECT pg_advisory_unlock(1)'
await 20 gone >/dev/null
ask 'intent c.test may -' 'want c.test may -'
matches '... with the intent it is ours, whether it stood or not' "$status $out" '^0 ours c.test '
sql 'DROP TRIGGER slow ON tlsladder_policy; DELETE FROM tlsladder_policy'

does his "BEGIN; INSERT INTO tlsladder_policy (dest, policy) VALUES ('s2.test', 'may')"
begin_helper one "$login" own 'want s1.test may -' 'want s2.test may -'
waits
kill -KILL "$(sql "SELECT pid FROM pg_stat_activity WHERE usename = 'tlsladder'")"
end_helper one
answers 'one that is killed between a statement and the COMMIT is an outage' 'failed outage' 69
end_session his
await 30 sql_is 'SELECT COUNT(*) FROM tlsladder_policy' 0 >/dev/null
is 'nothing of it stands when it is back' "$(sql 'SELECT COUNT(*) FROM tlsladder_policy')" 0
kill -INT "${server[db]}"
wait "${server[db]}"
ask 'want s1.test may -'
answers 'a server that is not there is one' 'failed outage' 69
start_pgsql db 5432
ask 'want s1.test may -'
matches '... and when it is back, it is written' "$status $out" '^0 ours s1.test '

# --- over a network

mount --bind "$dir/hosts" /etc/hosts
over_network=('user = tlsladder' 'password = secret' 'dbname = postgres' 'sslmode = verify-full')
echo 'hostssl all tlsladder 192.0.2.1/32 scram-sha-256' >>"$dir/db/pg_hba.conf"
sql 'SELECT pg_reload_conf()' >/dev/null
# far HOST CA
far() {
	write_login "$dir/far" "host = $1" "sslrootcert = $2" "${over_network[@]}"
	helper "$dir/far" own 'look s1.test'
}
is_let_in() {
	far db.test "$dir/db.ca"
	[[ $status == 0 ]]
}
awaits 'a server that proves who it is is asked over a network' 10 is_let_in
far other.test "$dir/db.ca"
answers 'one with a certificate of another name is not' 'failed outage' 69
certificates "$dir/strange"
far db.test "$dir/strange.ca"
answers 'one that a stranger vouches for is not' 'failed outage' 69
far db.test "$dir/nobody.ca"
answers 'one that nobody vouches for is not' 'failed outage' 69
sql "ALTER SYSTEM SET ssl = off"
sql 'SELECT pg_reload_conf()' >/dev/null
echo 'host all tlsladder 192.0.2.1/32 scram-sha-256' >>"$dir/db/pg_hba.conf"
is_not_let_in() {
	far db.test "$dir/db.ca"
	[[ $status != 0 ]]
}
await 10 is_not_let_in >/dev/null
answers 'one without TLS is not' 'failed outage' 69

finish
