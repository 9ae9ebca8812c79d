#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tlsladder-mariadb where something is wrong: with the login, the rights, the server, the table.
. "$(dirname -- "$0")/lib.sh"
helper=$builddir/tlsladder-mariadb
[[ -x $helper ]] || skip_all 'built without libmariadb'
command -v mariadbd >/dev/null || skip_all 'needs mariadb-server'

start_mariadb db2 3307
make_mailcow
second=$mariadb_socket
certificates "$dir/db"
start_mariadb db 3306 --ssl-ca="$dir/db.ca" --ssl-cert="$dir/db.crt" --ssl-key="$dir/db.key"
make_mailcow
first=$mariadb_socket
login=$dir/login
table=mailcow
write_login "$login" "socket = $first" 'user = tlsladder' 'password = secret' 'database = mailcow'
ask() {
	helper "$login" mailcow "$@"
}
# row KEY
row() {
	sql "SELECT CONCAT_WS(' ', policy, parameters, active) FROM tls_policy_override WHERE dest = '$1'"
}
sql_is() {
	[[ $(sql "$1") == "$2" ]]
}
waits() {
	await 20 sql_is "SELECT COUNT(*) > 0 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'" 1
}

# --- the command, the request and the login

for arguments in '' "$login" "$login theirs" "$login mailcow x"; do
	run_helper $arguments
	is "'$arguments' is no call" "$status $out" '64 '
done
printf 'want\ta.test\tmay\t-\n' | "$helper" "$login" mailcow >"$dir/out" 2>"$dir/err"
is 'a request that breaks off does nothing' "$? $(<"$dir/out")$(row a.test)" '64 '
helper "$login" mailcow 'lease node1 30'
is "mailcow's table has no lease" "$status $out" '64 '
helper "$login" mailcow 'schema'
is '... and no schema of ours' "$status $out" '64 '
chmod 640 "$login"
chgrp nogroup "$login"
ask 'want a.test may -'
answers 'a login file that others can read is refused' 'failed login' 78
has '... by its name' "$out" "$login"
chgrp root "$login"
chmod 600 "$login"
write_login "$dir/far" 'host = 192.0.2.1' 'user = tlsladder' 'password = secret'
helper "$dir/far" mailcow 'want a.test may -'
answers 'a server that is far and need not prove who it is gets no password' 'failed login' 78
is 'nothing was done by these' "$(sql 'SELECT COUNT(*) FROM tls_policy_override')" 0

# --- rights

write_login "$dir/wrong" "socket = $first" 'user = tlsladder' 'password = geheim' 'database = mailcow'
helper "$dir/wrong" mailcow 'want a.test may -'
answers 'a wrong password is a matter of rights (1045)' 'failed rights' 77
hasnt '... and not told' "$out$err" geheim
write_login "$dir/wrong" "socket = $first" 'user = tlsladder' 'password = secret' 'database = mysql'
helper "$dir/wrong" mailcow 'want a.test may -'
answers 'a database that is not his, too (1044)' 'failed rights' 77
sql 'REVOKE INSERT ON mailcow.tls_policy_override FROM tlsladder'
ask 'want a.test may -'
answers 'a right to INSERT that is missing (1142)' 'failed rights' 77
matches '... is named, with its table' "$out" "INSERT command denied .*tls_policy_override.*1142"
sql "GRANT INSERT ON mailcow.tls_policy_override TO tlsladder; REVOKE UPDATE (policy, parameters, active) ON mailcow.tls_policy_override FROM tlsladder;
	INSERT INTO tls_policy_override (id, dest, policy) VALUES (1, 'a.test', 'may')"
ask 'want b.test may -' 'want a.test encrypt - 1 may - -'
answers 'a right to UPDATE' 'failed rights' 77
is '... and nothing of that batch stands' "$(row b.test)" ''
sql 'GRANT UPDATE (policy) ON mailcow.tls_policy_override TO tlsladder'
ask 'want a.test encrypt - 1 may - -'
answers 'that to one column (1143)' 'failed rights' 77
sql 'GRANT UPDATE (policy, parameters, active) ON mailcow.tls_policy_override TO tlsladder'
sql 'RENAME TABLE tls_policy_override TO elsewhere'
ask 'want a.test encrypt -'
answers 'no table of that name' 'failed fault' 70
sql 'RENAME TABLE elsewhere TO tls_policy_override; DELETE FROM tls_policy_override'

# --- what the table cannot hold

sql "ALTER TABLE tls_policy_override MODIFY parameters VARCHAR(5) DEFAULT ''"
ask 'want a.test secure match=a' 'want b.test may -'
matches 'attributes that are too long are refused, and that key alone (1406)' "$status $out" '^0 refused a.test .*1406.*ours b.test '
sql "ALTER TABLE tls_policy_override MODIFY parameters VARCHAR(255) DEFAULT '', MODIFY policy ENUM('may', 'encrypt') NOT NULL"
# We are strict, whatever the server is.
mariadb_says "SET GLOBAL sql_mode = ''"
ask 'want a.test secure -' 'want c.test may -'
matches 'a level that it does not know (1265)' "$status $out" '^0 refused a.test .*1265.*ours c.test '
is '... and no row has another level for it' "$(row a.test)" ''
mariadb_says 'SET GLOBAL sql_mode = DEFAULT'
sql 'DELETE FROM tls_policy_override'
sql "ALTER TABLE tls_policy_override MODIFY policy ENUM('none', 'may', 'encrypt', 'dane', 'dane-only', 'fingerprint', 'verify', 'secure') NOT NULL,
	ADD UNIQUE (parameters)"
ask 'want a.test secure match=a' 'want b.test secure match=a' 'want c.test may -'
matches 'one that others forbid, whose name is free (1062)' "$status $out" '^0 ours a.test .*refused b.test .*1062.*ours c.test '
sql 'ALTER TABLE tls_policy_override DROP INDEX parameters; DELETE FROM tls_policy_override'
# A CHECK counts as one, whoever made it.
sql "ALTER TABLE tls_policy_override ADD CONSTRAINT no_may CHECK (policy <> 'may')"
ask 'want a.test may -' 'want c.test encrypt -'
matches 'one that a CHECK forbids (4025)' "$status $out" '^0 refused a.test .*4025.*ours c.test '
sql 'ALTER TABLE tls_policy_override DROP CONSTRAINT no_may; DELETE FROM tls_policy_override'

# A trigger says what it likes, and so may the number be any.
for number_of in 1644 1142 30001; do
	sql "DELIMITER //
CREATE TRIGGER guard BEFORE INSERT ON tls_policy_override FOR EACH ROW
BEGIN
	IF NEW.dest LIKE '%vip.test' THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = $number_of, MESSAGE_TEXT = 'not to be touched';
	END IF;
END//"
	ask 'want a.test may -' 'want vip.test may -' 'want c.test encrypt -'
	matches "one that a trigger forbids ($number_of)" "$status $out" \
		"^0 ours a.test .*refused vip.test .*touched.*$number_of.*ours c.test "
	mapfile -t many < <(printf 'want d%d.test may -\n' {1..20})
	ask "${many[@]}" 'want b.vip.test may -'
	matches '... of many' "$status $(tail -n 3 <<<"$out")" '^0 ours d20.test .*refused b.vip.test .*done$'
	ask 'want vip.test may -'
	matches '... and alone' "$status $out" '^0 refused vip.test .*done$'
	sql 'DROP TRIGGER guard; DELETE FROM tls_policy_override'
done

# --- a server that takes no changes, and another one that does

mariadb_says 'SET GLOBAL read_only = 1'
ask 'want a.test may -'
answers 'a server that is read-only takes no change (1290)' 'failed read-only' 69
ask 'look a.test'
answers '... nor is it believed what it has' 'failed read-only' 69
ask all
answers '... nor a listing' 'failed read-only' 69
write_login "$dir/two" "host = $first, $second" 'user = tlsladder' 'password = secret' 'database = mailcow'
helper "$dir/two" mailcow 'want a.test may -'
matches 'the next one is asked then' "$status $out" '^0 ours a.test '
mariadb_socket=$second
is '... and has the row' "$(row a.test)" 'may  1'
mariadb_says 'SET GLOBAL read_only = 1'
helper "$dir/two" mailcow 'want b.test may -'
answers 'both of them read-only' 'failed read-only' 69
mariadb_says 'SET GLOBAL read_only = 0'
mariadb_socket=$first
mariadb_says 'SET GLOBAL read_only = 0'
write_login "$dir/two" "host = $dir/none, $second" 'user = tlsladder' 'password = secret' 'database = mailcow'
helper "$dir/two" mailcow all
matches 'the next one is asked of one that is down, too' "$status $out" '^0 row a.test .*done$'

# Read-only while a batch is under way: at its COMMIT.
session his mariadb --no-defaults --socket="$first" -uroot -N -B -n -f mailcow
does his 'BACKUP STAGE START; BACKUP STAGE FLUSH; BACKUP STAGE BLOCK_DDL; BACKUP STAGE BLOCK_COMMIT'
begin_helper one "$login" mailcow 'want r.test may -'
at_commit() {
	sql_is "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'tlsladder' AND info LIKE 'COMMIT%'" 1
}
await 10 at_commit >/dev/null
does his 'BACKUP STAGE END'
end_helper one
matches 'a COMMIT that waits comes to its end' "$status $out" '^(0 ours r.test|69 unsure outage) '
sql 'DELETE FROM tls_policy_override'

# --- connections that are cut

raced 'a statement that is killed is busy (1317)' '^0 ours k1.test .*busy k2.test.done$' 'DELETE FROM tls_policy_override' \
	"BEGIN; INSERT INTO tls_policy_override (dest, policy) VALUES ('k2.test', 'may')" \
	"SELECT @id := id FROM information_schema.processlist WHERE user = 'tlsladder'; EXECUTE IMMEDIATE CONCAT('KILL QUERY ', @id); ROLLBACK" \
	'want k1.test may -' 'want k2.test may -'
sql 'DELETE FROM tls_policy_override'
raced 'a connection that is killed is an outage (1927)' '^69 failed outage ' 'DELETE FROM tls_policy_override' \
	"BEGIN; INSERT INTO tls_policy_override (dest, policy) VALUES ('k2.test', 'may')" \
	"SELECT @id := id FROM information_schema.processlist WHERE user = 'tlsladder'; EXECUTE IMMEDIATE CONCAT('KILL ', @id); ROLLBACK" \
	'want k1.test may -' 'want k2.test may -'
is '... of which nothing stands' "$(row k1.test)" ''
sql 'ALTER USER tlsladder WITH MAX_USER_CONNECTIONS 1'
does his "BEGIN; INSERT INTO tls_policy_override (dest, policy) VALUES ('m.test', 'may')"
begin_helper one "$login" mailcow 'want m.test may -'
waits
ask 'look a.test'
answers 'too many connections are an outage (1226)' 'failed outage' 69
does his ROLLBACK
end_helper one
sql 'ALTER USER tlsladder WITH MAX_USER_CONNECTIONS 0; DELETE FROM tls_policy_override'

# --- what holds a helper

does his "BEGIN; INSERT INTO tls_policy_override (dest, policy) VALUES ('h.test', 'may')"
begin_helper one "$login" mailcow 'want h.test may -'
waits
proc=/proc/${asked[one]}
held=$(grep -E '^(NoNewPrivs|Seccomp|VmHWM|VmPeak):' "$proc/status" | tr -d ' \t' | tr '\n' ' ')
limits=$(grep -E '^Max (core file size|address space)' "$proc/limits")
arguments=$(tr '\0' ' ' <"$proc/cmdline") environment=$(tr '\0' ' ' <"$proc/environ")
does his ROLLBACK
end_helper one
comment "of a helper: $held"
matches 'it gains no privileges' "$held" 'NoNewPrivs:1 '
matches '... and may not do all' "$held" 'Seccomp:2 '
matches 'it leaves no core' "$limits" 'core file size +0 +0'
if grep -q '^SANITIZE_CFLAGS = -f' "$builddir/Makefile"; then
	comment 'sanitizers need more memory than is allowed otherwise'
else
	matches 'it has little memory' "$limits" 'address space +[0-9]+ +[0-9]+'
fi
hasnt 'the password is no argument' "$arguments" secret
hasnt '... and not in the environment' "$environment" secret
sql 'DELETE FROM tls_policy_override'

# --- servers that stop

does his "BEGIN; INSERT INTO tls_policy_override (dest, policy) VALUES ('s2.test', 'may')"
begin_helper one "$login" mailcow 'want s1.test may -' 'want s2.test may -'
waits
kill -STOP "${server[db]}"
end_helper one
answers 'a server that hangs within a batch is an outage' 'failed outage' 69
begun=${EPOCHREALTIME/./}
ask 'want s3.test may -'
took=$(((${EPOCHREALTIME/./} - begun) / 1000))
answers 'one that hangs from the start, too' 'failed outage' 69
comment "said in $took ms (wanted: 6 s)"
kill -CONT "${server[db]}"
does his ROLLBACK
awaits 'nothing of it stands when it goes on' 20 sql_is 'SELECT COUNT(*) FROM tls_policy_override' 0

does his "BEGIN; INSERT INTO tls_policy_override (dest, policy) VALUES ('s2.test', 'may')"
begin_helper one "$login" mailcow 'want s1.test may -' 'want s2.test may -'
waits
kill -KILL "${server[db]}"
wait "${server[db]}"
end_helper one
answers 'a server that is killed between a statement and the COMMIT is an outage' 'failed outage' 69
ask 'want s1.test may -'
answers 'a server that is not there, too' 'failed outage' 69
end_session his
start_mariadb db 3306 --ssl-ca="$dir/db.ca" --ssl-cert="$dir/db.crt" --ssl-key="$dir/db.key"
is 'nothing of it stands when it is back' "$(sql 'SELECT COUNT(*) FROM tls_policy_override')" 0
ask 'intent s1.test may -' 'want s1.test may -'
matches '... and it is written then' "$status $out" '^0 ours s1.test '

# --- who is at that port

rogue clear 4001
write_login "$dir/rogue" 'host = 127.0.0.1' 'port = 4001' 'user = tlsladder' 'password = secret' 'database = mailcow'
helper "$dir/rogue" mailcow 'want a.test may -'
answers 'who asks for the password in cleartext is no server' 'failed fault' 70
has '... he was spoken to' "$(tr -d '\0' <"$dir/clear.seen")" tlsladder
hasnt '... and did not get it' "$(tr -d '\0' <"$dir/clear.seen")" secret
rogue file 4002
sed -i 's/4001/4002/' "$dir/rogue"
helper "$dir/rogue" mailcow 'want a.test may -'
matches 'who asks for a file is none' "$status $out" '^(69|70) failed '
hasnt '... and did not get it' "$(tr -d '\0' <"$dir/file.seen")" root:
rogue slow 4003
sed -i 's/4002/4003/' "$dir/rogue"
begin_helper slow "$dir/rogue" mailcow 'want a.test may -'
begun=$SECONDS

# --- over a network

mount --bind "$dir/hosts" /etc/hosts
over_network=('port = 3306' 'user = tlsladder' 'password = secret' 'database = mailcow' ssl-verify-server-cert)
write_login "$dir/far" 'host = db.test' "ssl-ca = $dir/db.ca" "${over_network[@]}"
helper "$dir/far" mailcow 'look s1.test'
matches 'a server that proves who it is is asked over a network' "$status $out" '^0 theirs s1.test '
write_login "$dir/far" 'host = other.test' "ssl-ca = $dir/db.ca" "${over_network[@]}"
helper "$dir/far" mailcow 'look s1.test'
answers 'one with a certificate of another name is not' 'failed outage' 69
certificates "$dir/strange"
write_login "$dir/far" 'host = db.test' "ssl-ca = $dir/strange.ca" "${over_network[@]}"
helper "$dir/far" mailcow 'look s1.test'
answers 'one that a stranger vouches for is not' 'failed outage' 69
write_login "$dir/far" 'host = db.test' "${over_network[@]}"
helper "$dir/far" mailcow 'look s1.test'
answers 'one that nobody vouches for is not' 'failed outage' 69
write_login "$dir/far" 'host = db.test' "ssl-ca = $dir/db.ca" "${over_network[@]}"
sed -i 's/3306/3307/' "$dir/far"
helper "$dir/far" mailcow 'look s1.test'
answers 'one without TLS is not' 'failed outage' 69

end_helper slow
took=$((SECONDS - begun))
is 'one that is slow for ever is given up' "$status $out" '142 '
comment "after $took s (wanted: 10 s)"

finish
