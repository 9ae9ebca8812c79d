#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tlsladder-mariadb and mailcow's table: whose a row is, who waits for whom, and what is read
# back.
. "$(dirname -- "$0")/lib.sh"
helper=$builddir/tlsladder-mariadb
[[ -x $helper ]] || skip_all 'built without libmariadb'
command -v mariadbd >/dev/null || skip_all 'needs mariadb-server'

start_mariadb db 3306
make_mailcow
login=$dir/login
write_login "$login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = mailcow'

# row KEY: as the table has it.
row() {
	sql "SELECT CONCAT_WS(' ', id, policy, parameters, active) FROM tls_policy_override WHERE BINARY dest = '$1'"
}

# modified KEY: as the helper prints it.
modified() {
	sql "SELECT COALESCE(modified, '-') FROM tls_policy_override WHERE BINARY dest = '$1'"
}

# ask [LINE]...
ask() {
	helper "$login" mailcow "$@"
}

# --- what is written, and read back

ask 'want a.test encrypt -' 'want [mx.b.test]:2525 secure match=nexthop' 'want .c.test may -'
answers 'rows are made, and read back' 'ours a.test 1 encrypt - -
ours [mx.b.test]:2525 2 secure match=nexthop -
ours .c.test 3 may - -
done' 0
is 'Postfix finds them' "$(sql "SELECT CONCAT(policy, ' ', parameters) FROM tls_policy_override
	WHERE active = '1' AND dest = '[mx.b.test]:2525'")" 'secure match=nexthop'
ask 'want a.test encrypt - 1 encrypt - -' 'want [mx.b.test]:2525 secure match=nexthop 2 secure match=nexthop -'
answers 'the same again changes nothing' 'ours a.test 1 encrypt - -
ours [mx.b.test]:2525 2 secure match=nexthop -
done' 0
is '... nor is a row touched' "$(sql 'SELECT COUNT(*), COUNT(modified), MAX(id) FROM tls_policy_override')" $'3\t0\t3'
ask 'want a.test dane-only - 1 encrypt - -'
answers 'a row of ours is changed' "ours a.test 1 dane-only - $(modified a.test)
done" 0
changed=$(modified a.test)
ask 'drop a.test 1 dane-only - 2026-01-01~00:00:00'
is 'a stamp that is none of that row is no proof' "$(row a.test)" '1 dane-only  1'
ask "drop a.test 1 dane-only - ${changed/ /\~}"
answers 'a row of ours is dropped' $'gone a.test\ndone' 0
is '... and is gone' "$(row a.test)" ''
ask "drop a.test 1 dane-only - ${changed/ /\~}"
answers 'dropped twice it is gone as well' $'gone a.test\ndone' 0
ask
answers 'a request of nothing is done' 'done' 0
ask all
is 'a listing has all rows' "$(sort <<<"$out")" 'done
row .c.test 3 may - 1 - -
row [mx.b.test]:2525 2 secure match=nexthop 1 - -'

# --- his rows

sql "DELETE FROM tls_policy_override; ALTER TABLE tls_policy_override AUTO_INCREMENT = 1"
his() {
	sql "INSERT INTO tls_policy_override (dest, policy, parameters, active) VALUES ('$1', '$2', '$3', $4)"
}
his a.test may '' 1
his b.test verify match=x 0
ask 'want a.test encrypt -' 'want b.test encrypt -' 'want c.test encrypt -'
answers "the administrator's rows are left alone, active or not" 'theirs a.test 1 may - 1
theirs b.test 2 verify match=x 0
ours c.test 3 encrypt - -
done' 0
ask 'drop a.test' 'want a2.test may -' 'drop b.test 2 verify match=x -'
answers '... and not dropped' 'theirs a.test 1 may - 1
ours a2.test 4 may - -
theirs b.test 2 verify match=x 0
done' 0
is '... nor touched' "$(row a.test), $(row b.test)" '1 may  1, 2 verify match=x 0'
sql 'UPDATE tls_policy_override SET parameters = NULL WHERE id = 1'
ask 'look a.test'
answers 'a row with parameters NULL answers nothing, and is his' $'theirs a.test 1 may - 0\ndone' 0

# edited SENTENCE SQL ANSWER: what was done to row 5, d.test, secure match=nexthop; we want
# encrypt, and to drop it.
edited() {
	local sentence=$1 sql=$2 answer=$3 before
	sql "DELETE FROM tls_policy_override WHERE id = 5; INSERT INTO tls_policy_override
		(id, dest, policy, parameters, active) VALUES (5, 'd.test', 'secure', 'match=nexthop', 1)"
	sql "$sql"
	before=$(sql 'SELECT * FROM tls_policy_override WHERE id = 5')
	ask 'want d.test encrypt - 5 secure match=nexthop -'
	answers "$sentence" "$answer"$'\ndone' 0
	ask 'drop d.test 5 secure match=nexthop -'
	answers '... dropped neither' "$answer"$'\ndone' 0
	is '... and it is as it was' "$(sql 'SELECT * FROM tls_policy_override WHERE id = 5')" "$before"
}
edited 'our row whose level was edited is his' \
	"UPDATE tls_policy_override SET policy = 'may' WHERE id = 5" 'theirs d.test 5 may match=nexthop 1'
edited 'one whose attributes were edited' \
	"UPDATE tls_policy_override SET parameters = 'match=x' WHERE id = 5" 'theirs d.test 5 secure match=x 1'
edited 'if only the case of a letter' \
	"UPDATE tls_policy_override SET parameters = 'match=Nexthop' WHERE id = 5" 'theirs d.test 5 secure match=Nexthop 1'
edited 'or a blank at the end' \
	"UPDATE tls_policy_override SET parameters = 'match=nexthop ' WHERE id = 5" 'theirs d.test 5 secure match=nexthop  1'
edited 'one that was switched off' \
	"UPDATE tls_policy_override SET active = 0 WHERE id = 5" 'theirs d.test 5 secure match=nexthop 0'
edited 'one that was touched and put back' \
	"UPDATE tls_policy_override SET policy = 'may' WHERE id = 5; UPDATE tls_policy_override SET policy = 'secure' WHERE id = 5" \
	'theirs d.test 5 secure match=nexthop 1'
edited 'one that was made anew is another row' \
	"UPDATE tls_policy_override SET id = 6, modified = NULL WHERE id = 5" 'theirs d.test 6 secure match=nexthop 1'
sql 'DELETE FROM tls_policy_override WHERE id = 6'
edited 'one that was renamed is gone' \
	"UPDATE tls_policy_override SET dest = 'e.test' WHERE id = 5" 'gone d.test'
edited 'one that was deleted is not put back' 'DELETE FROM tls_policy_override WHERE id = 5' 'gone d.test'
is '... also not under its name' "$(row d.test)" ''

# --- what we began to write

sql "DELETE FROM tls_policy_override; ALTER TABLE tls_policy_override AUTO_INCREMENT = 1"
his a.test encrypt '' 1
his b.test may '' 1
his c.test encrypt '' 0
ask 'intent a.test encrypt -' 'want a.test encrypt -' 'intent b.test encrypt -' 'want b.test encrypt -' \
	'intent c.test encrypt -' 'want c.test encrypt -' 'intent d.test encrypt -' 'want d.test encrypt -'
answers 'a row that equals what we began to write is ours, no other' 'ours a.test 1 encrypt - -
theirs b.test 2 may - 1
theirs c.test 3 encrypt - 0
ours d.test 4 encrypt - -
done' 0
ask 'intent a.test may -' 'intent a.test encrypt -' 'want a.test verify -'
is 'of several any; and it is changed' "$status $(row a.test)" '0 1 verify  1'
ask 'intent a.test verify -' 'want a.test verify - 1 encrypt - -'
matches 'a change that was begun is ours as well' "$out" '^ours a.test 1 verify - 2'
ask 'intent a.test verify -' 'want a.test verify - 7 encrypt - -'
answers '... if it is that row' $'theirs a.test 1 verify - 1\ndone' 0
ask 'intent d.test encrypt -' 'drop d.test' 'intent b.test encrypt -' 'drop b.test'
answers 'what we began to write is dropped, no other' 'gone d.test
theirs b.test 2 may - 1
done' 0

# --- names that the table holds for the same

sql "DELETE FROM tls_policy_override; ALTER TABLE tls_policy_override AUTO_INCREMENT = 1"
his bücher.test may '' 1
his 'Upper.TEST' may '' 1
his 'blank.test ' may '' 1
ask 'want bucher.test encrypt -' 'want upper.test encrypt -' 'want blank.test encrypt -' \
	'want strasse.test encrypt -' 'look bucher.test' 'look www.bucher.test'
answers 'a row with another spelling of the key answers for it: it is his' 'theirs bucher.test 1 may - 1
theirs upper.test 2 may - 1
theirs blank.test 3 may - 1
ours strasse.test 4 encrypt - -
theirs bucher.test 1 may - 1
gone www.bucher.test
done' 0
ask 'drop bucher.test' 'drop upper.test 2 may - -'
answers '... and is dropped by nobody else' $'theirs bucher.test 1 may - 1\ntheirs upper.test 2 may - 1\ndone' 0
ask all
has 'a listing shows it as it is written' "$out" 'row bücher.test 1 may - 1 - -'
for key in bücher.test Upper.test $'a.test\001' a%s.test "a'.test" 'a.test~'; do
	ask "want $key may -"
	is "no row of the name $(cat -v <<<"$key") is ever written" "$status $out" '64 '
done
sql "DELETE FROM tls_policy_override"
his $'new\nline.test' may $'a\tb' 1
his "$(printf 'ü%.0s' {1..255})" verify - 1
ask all
matches "a listing shows what nobody should write, in one line each" "$out" \
	'row new\\x0aline.test [0-9]+ may a\\x09b 1 - -'
has '... the longest' "$out" "$(printf 'ü%.0s' {1..255})"
has '... and what stands for nothing here' "$out" ' verify \x2d 1 - -'

# --- whose row answers

sql "DELETE FROM tls_policy_override; ALTER TABLE tls_policy_override AUTO_INCREMENT = 1"
his .test may '' 1
his .b.test encrypt '' 0
his own.b.test verify '' 0
his .büro.test may '' 1
ask 'look a.b.test' 'look own.b.test' 'look b.test' 'look [a.b.test]' 'look a.b.test:25' 'look .b.test' 'look other'
answers 'whose row answers for a name, a parent too' 'theirs .test 1 may - 1
theirs own.b.test 3 verify - 0
theirs .test 1 may - 1
gone [a.b.test]
gone a.b.test:25
theirs .b.test 2 encrypt - 0
gone other
done' 0
ask 'look x.buro.test'
answers '... and the one that is held for a parent' $'theirs .buro.test 4 may - 1\ndone' 0

# --- two at one table

sql "DELETE FROM tls_policy_override; ALTER TABLE tls_policy_override AUTO_INCREMENT = 1"
session his mariadb --no-defaults --socket="$mariadb_socket" -uroot -N -B -n -f mailcow

# waits: until a helper waits for a lock.
waits() {
	await 20 sql_is "SELECT COUNT(*) > 0 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'" 1
}
sql_is() {
	[[ $(sql "$1") == "$2" ]]
}

table=mailcow
raced 'an INSERT of the same name that is taken back lets ours through' '^0 ours a.test .*ours b.test .*done$' \
	'DELETE FROM tls_policy_override' 'BEGIN; INSERT INTO tls_policy_override (dest, policy) VALUES ("a.test", "may")' \
	ROLLBACK 'want a.test encrypt -' 'want b.test encrypt -'
raced 'one that is committed is his (1062)' '^0 theirs c.test [0-9]+ may - 1.*ours d.test .*done$' \
	'DELETE FROM tls_policy_override' 'BEGIN; INSERT INTO tls_policy_override (dest, policy) VALUES ("c.test", "may")' \
	COMMIT 'want c.test encrypt -' 'want d.test encrypt -'

# Beside a row that was deleted, and that InnoDB did not purge yet, an INSERT locks the gap as well.
mariadb_says 'SET GLOBAL innodb_max_purge_lag_wait = 0'
does his 'BEGIN; INSERT INTO tls_policy_override (dest, policy) VALUES ("e.test", "may"), ("e2.test", "may")'
before=$(mariadb_lock_waits)
ask 'want e.test encrypt -' 'want e2.test encrypt -' 'want f.test encrypt -'
after=$(mariadb_lock_waits)
matches 'while it is open the key is busy, no other (1205)' "$status $out" '^0 busy e.test.busy e2.test.ours f.test .*done$'
is '... who waits once waits no more' $((after - before)) 1
does his COMMIT

own=$(sql "SELECT id FROM tls_policy_override WHERE dest = 'f.test'")
does his "BEGIN; UPDATE tls_policy_override SET policy = 'may' WHERE dest = 'f.test'"
ask "want f.test verify - $own encrypt - -" 'want g.test may -'
matches 'a row of ours that an open transaction holds is busy' "$status $out" '^0 busy f.test.ours g.test .*done$'
does his ROLLBACK
raced '... and is changed once he let it go' "^0 ours f.test $own verify - 2" 'SELECT 1' \
	"BEGIN; UPDATE tls_policy_override SET policy = 'may' WHERE dest = 'f.test'" ROLLBACK \
	"want f.test verify - $own encrypt - -"

# The larger transaction lives.
sql 'CREATE TABLE large (a INT PRIMARY KEY)'
two="DELETE FROM tls_policy_override; INSERT INTO tls_policy_override (id, dest, policy) VALUES (1, 'a.test', 'may'), (2, 'b.test', 'may')"
sql "$two"
raced 'two that wait for each other: it is busy (1213)' '^75 failed busy .*1213' "$two" \
	"BEGIN; INSERT INTO large SELECT seq FROM seq_1_to_1000; UPDATE tls_policy_override SET parameters = 'x' WHERE id = 2" \
	"UPDATE tls_policy_override SET parameters = 'x' WHERE id = 1" \
	'want n.test encrypt -' 'want a.test encrypt - 1 may - -' 'want b.test encrypt - 2 may - -'
does his ROLLBACK
is '... and nothing of the batch stands' "$(row a.test), $(row n.test)" '1 may  1, '
ask 'want n.test encrypt -' 'want a.test encrypt - 1 may - -' 'want b.test encrypt - 2 may - -'
matches '... and all of it later' "$status $out" '^0 ours n.test .*ours a.test 1 .*ours b.test 2 .*done$'

does his 'LOCK TABLES tls_policy_override WRITE'
ask 'want l.test may -'
answers 'a table that is locked is busy' 'failed busy' 75
does his 'UNLOCK TABLES'

# --- a helper that ends at COMMIT

# BLOCK_COMMIT has every COMMIT wait.
does his 'BACKUP STAGE START; BACKUP STAGE FLUSH; BACKUP STAGE BLOCK_DDL; BACKUP STAGE BLOCK_COMMIT'
begin_helper one "$login" mailcow 'want k.test encrypt -'
at_commit() {
	sql_is "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'tlsladder' AND info LIKE 'COMMIT%'" 1
}
awaits 'a helper waits at its COMMIT' 10 at_commit
kill -KILL "${asked[one]}"
end_helper one 2>/dev/null
is 'one that is killed there says nothing' "$out" ''
does his 'BACKUP STAGE END'
awaits 'its row is there all the same' 10 test -n "$(await 5 row k.test)"
ask 'want k.test encrypt -'
matches 'without the intent it is his' "$out" '^theirs k.test'
ask 'intent k.test encrypt -' 'want k.test encrypt -'
matches 'with the intent it is ours' "$out" '^ours k.test'

does his 'BACKUP STAGE START; BACKUP STAGE FLUSH; BACKUP STAGE BLOCK_DDL; BACKUP STAGE BLOCK_COMMIT'
ask 'want u.test encrypt -'
answers 'a COMMIT that does not come to its end: nobody knows' 'unsure outage' 69
does his 'BACKUP STAGE END'
end_session his

# --- what it takes

sql 'DELETE FROM tls_policy_override'
ten_thousand 'MariaDB, 10,000 rows' mailcow 'want k%d.test encrypt -' 3
is 'all of them are there' "$(sql 'SELECT COUNT(*) FROM tls_policy_override')" 10000
mapfile -t known < <(sql "SELECT CONCAT('want ', dest, ' dane-only - ', id, ' encrypt - -') FROM tls_policy_override ORDER BY id")
ten_thousand 'MariaDB, 10,000 changes' mailcow '' 3 "${known[@]}"
is 'all of them are changed' "$(sql "SELECT COUNT(*) FROM tls_policy_override WHERE policy = 'dane-only'")" 10000
begun=${EPOCHREALTIME/./}
ask all
comment "MariaDB, listing of 10,000: $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
is 'a listing of 10,000 is whole' "$(grep -c '^row ' <<<"$out") $(tail -n 1 <<<"$out")" '10000 done'

finish
