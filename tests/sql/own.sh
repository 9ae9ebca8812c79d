# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What is true of a table of our own in every database. To be sourced behind lib.sh, with helper,
# login, table (own), sql(), and waits(), which waits until a helper waits for a lock.

# row KEY: as the table has it.
row() {
	sql "SELECT policy, parameters, owner FROM tlsladder_policy WHERE dest = '$1'" | tr '\t' ' '
}

# ask [LINE]...
ask() {
	helper "$login" own "$@"
}

# modified_of KEY: as the helper said it last, a blank as "~".
modified_of() {
	sed -n "s/^ours $1 - [^ ]* [^ ]* //p" <<<"$out" | tr ' ' '~'
}

sql_is() {
	[[ $(sql "$1") == "$2" ]]
}

his() {
	sql "INSERT INTO tlsladder_policy (dest, policy, parameters) VALUES ('$1', '$2', '$3')"
}

own_rows() {
	ask 'want a.test encrypt -' 'want [mx.b.test]:2525 secure match=nexthop'
	matches 'rows of our own are made, and read back' "$status $out" \
		'^0 ours a.test - encrypt - 2[0-9 :.-]+.ours \[mx.b.test\]:2525 - secure match=nexthop 2.*done$'
	local first=$out
	ask "want a.test encrypt - - encrypt - $(modified_of a.test)" 'want [mx.b.test]:2525 secure match=nexthop'
	is 'the same again changes nothing' "$out" "$first"
	ask "want a.test dane-only - - encrypt - $(modified_of a.test)"
	is 'a row of ours is changed' "$status $(row a.test)" '0 dane-only  tlsladder'
	check '... and stamped anew' test "$(modified_of a.test)" '>' "$(sed -n 's/^ours a.test - encrypt - //p' <<<"$first" | tr ' ' '~')"
	ask "drop a.test - dane-only - $(modified_of a.test)"
	answers 'a row of ours is dropped' $'gone a.test\ndone' 0
	is '... and is gone' "$(row a.test)" ''
	ask all
	matches 'a listing has all rows, with their owner' "$out" \
		'^row \[mx.b.test\]:2525 - secure match=nexthop 1 2[0-9 :.-]+ tlsladder.done$'

	sql 'DELETE FROM tlsladder_policy'
	his a.test may ''
	ask 'want a.test encrypt -' 'want b.test encrypt -'
	matches 'a row without an owner is the administrator'\''s' "$status $out" '^0 theirs a.test - may - 1.ours b.test .*done$'
	ask 'drop a.test' 'intent c.test may -' 'want c.test may -'
	matches '... and not dropped' "$status $out" '^0 theirs a.test - may - 1.ours c.test .*done$'
	ask 'intent a.test may -' 'want a.test may -'
	answers '... nor ours because it equals what we began to write' $'theirs a.test - may - 1\ndone' 0
	ask 'want b.test verify -'
	matches 'one of ours that a standby does not know yet is changed' "$status $out" '^0 ours b.test - verify - '
	local stamp
	stamp=$(modified_of b.test)
	sql "UPDATE tlsladder_policy SET owner = 'administrator' WHERE dest = 'b.test'"
	ask "want b.test may - - verify - $stamp" "drop c.test"
	matches 'one that he took over is his' "$status $out" '^0 theirs b.test - verify - 1.gone c.test.done$'
	sql "UPDATE tlsladder_policy SET owner = 'tlsladder', policy = 'may' WHERE dest = 'b.test'"
	ask "want b.test encrypt - - verify - $stamp"
	answers 'one that he edited, too' $'theirs b.test - may - 1\ndone' 0
	ask "drop b.test - verify - $stamp"
	answers '... and not dropped' $'theirs b.test - may - 1\ndone' 0
	sql "DELETE FROM tlsladder_policy WHERE dest = 'b.test'"
	ask "want b.test encrypt - - verify - $stamp"
	answers 'one that he deleted is not put back' $'gone b.test\ndone' 0
	is '... indeed' "$(row b.test)" ''
	ask 'owner p.test tlsladder~pinned' 'want p.test encrypt -'
	matches 'a row says that it is pinned' "$status $out $(row p.test)" '^0 ours p.test .*done encrypt  tlsladder pinned$'
	stamp=$(modified_of p.test)
	ask "want p.test encrypt - - encrypt - $stamp"
	matches '... or that it is not any more' "$status $out $(row p.test)" '^0 ours p.test .*done encrypt  tlsladder$'
	stamp=$(modified_of p.test)
	ask 'owner p.test tlsladder~pinned~until~2030-01-01T00:00:00Z' "want p.test may - - encrypt - $stamp"
	matches '... and until when' "$status $out $(row p.test)" '^0 ours p.test .*done may  tlsladder pinned until 2030'
	stamp=$(modified_of p.test)
	ask "drop p.test - may - $stamp"
	answers '... and is dropped as any other' $'gone p.test\ndone' 0
	ask 'want q.test encrypt -' 'want q2.test encrypt -'
	stamp=$(modified_of q.test)
	sql "ALTER TABLE tlsladder_policy ADD CONSTRAINT free CHECK (owner NOT LIKE '%pinned%')"
	ask 'owner q.test tlsladder~pinned' "want q.test encrypt - - encrypt - $stamp" 'want q3.test encrypt -'
	matches 'one whose owner the table refuses is refused, and that key alone' "$status $out" \
		'^0 refused q.test .*ours q3.test .*done$'
	is '... and stays as it was' "$(row q.test)" 'encrypt  tlsladder'
	sql 'ALTER TABLE tlsladder_policy DROP CONSTRAINT free'
	his .b.test may ''
	ask 'want .d.test may -' 'look x.b.test' 'look x.d.test' 'look y.test'
	matches 'whose row answers for a name, its owner says' "$status $out" \
		'^0 ours .d.test .*theirs .b.test - may - 1.ours .d.test - may - 2.*gone y.test.done$'
	sql 'DELETE FROM tlsladder_policy'
}

# own_waits TIMES: in a session named his; where a row is locked, it is waited TIMES for a lock. So
# many were waited for by now, as lock_waits says.
own_waits() {
	raced 'an INSERT of the same name that is taken back lets ours through' '^0 ours a.test .*ours b.test .*done$' \
		'DELETE FROM tlsladder_policy' "BEGIN; INSERT INTO tlsladder_policy (dest, policy) VALUES ('a.test', 'may')" \
		ROLLBACK 'want a.test encrypt -' 'want b.test encrypt -'
	raced 'one that is committed is his' '^0 theirs c.test - may - 1.*ours d.test .*done$' \
		'DELETE FROM tlsladder_policy' "BEGIN; INSERT INTO tlsladder_policy (dest, policy) VALUES ('c.test', 'may')" \
		COMMIT 'want c.test encrypt -' 'want d.test encrypt -'

	does his "BEGIN; INSERT INTO tlsladder_policy (dest, policy) VALUES ('e.test', 'may'), ('e2.test', 'may')"
	before=$(lock_waits)
	ask 'want d2.test encrypt -' 'want e.test encrypt -' 'want e2.test encrypt -' 'want f.test encrypt -'
	after=$(lock_waits)
	matches 'while it is open the key is busy, no other' "$status $out" '^0 ours d2.test .*busy e.test.busy e2.test.ours f.test .*done$'
	is '... nor is it waited for again' $((after - before)) "$1"
	does his COMMIT

	ask 'want f.test encrypt -'
	stamp=$(modified_of f.test)
	does his "BEGIN; UPDATE tlsladder_policy SET policy = 'may' WHERE dest = 'f.test'"
	ask "want f.test verify - - encrypt - $stamp" 'want g.test may -'
	matches 'a row of ours that an open transaction holds is busy' "$status $out" '^0 busy f.test.ours g.test .*done$'
	does his ROLLBACK
	raced '... and his once he edited it while we waited' '^0 theirs f.test - may - 1.ours h.test .*done$' \
		"UPDATE tlsladder_policy SET policy = 'encrypt' WHERE dest = 'f.test'" \
		"BEGIN; UPDATE tlsladder_policy SET policy = 'may' WHERE dest = 'f.test'" COMMIT \
		'want f.test verify -' 'want h.test may -'

	sql "DELETE FROM tlsladder_policy; INSERT INTO tlsladder_policy (dest, policy, owner) VALUES ('a.test', 'may', 'tlsladder'), ('b.test', 'may', 'tlsladder')"
}

lease_rows() {
	sql 'DELETE FROM tlsladder_policy'
	ask 'lease node1 30'
	answers 'who asks first has the lease' 'done' 0
	ask 'lease node2 30' 'want a.test may -'
	answers 'the other one stands by' $'standby node1\ndone' 0
	is '... and writes nothing' "$(row a.test)" ''
	ask 'lease node1 1' 'want a.test encrypt -'
	matches 'it is renewed with a batch' "$status $out" '^0 ours a.test .*done$'
	takes_over() {
		ask 'lease node2 2' 'want b.test may -'
		[[ $out != standby* ]]
	}
	awaits 'a holder that hangs loses it by the clock of the database' 5 takes_over
	is '... the other one then writes' "$(row b.test)" 'may  tlsladder'
	ask 'lease node1 30' 'want c.test may -'
	answers 'the old holder stands by, when it wakes up' $'standby node2\ndone' 0
	is '... and writes nothing' "$(row c.test)" ''
	ask 'lease NODE2 30'
	answers 'the name of another one is another name' $'standby node2\ndone' 0
	sql "UPDATE tlsladder_lease SET expires = '2001-01-01'"
	sql "UPDATE tlsladder_lease SET expires = '2101-01-01'"
	ask 'lease node1 20'
	answers 'one that lasts for too long, as the clock was set back, is shortened' $'standby node2 20\ndone' 0
	ask 'lease node1 30'
	answers '... once' $'standby node2\ndone' 0
	sql "UPDATE tlsladder_lease SET expires = '2001-01-01'"
	ask 'renew node1 30' 'want c.test may -'
	answers 'who only renews takes it from nobody, not even once it ended' $'standby node2\ndone' 0
	ask 'renew node2 30' 'want c.test may -'
	matches '... but its holder goes on with it' "$status $out" '^0 ours c.test .*done$'
	ask 'lease node1 30'
	answers '... for as long as he said' $'standby node2\ndone' 0
	sql 'DELETE FROM tlsladder_lease'
	ask 'renew node2 2'
	answers 'one that is nobody'"'"'s is renewed by the first' 'done' 0

	# One that is stopped within its transaction, while it waits for a row; at the latest after 2 s
	# it would go on.
	sql "UPDATE tlsladder_lease SET holder = 'node1'"
	local n
	for n in 1 2 3 4 5; do
		does his "BEGIN; INSERT INTO tlsladder_policy (dest, policy) VALUES ('l.test', 'may')"
		begin_helper hung "$login" own 'lease node1 1' 'want k.test may -' 'want l.test may -'
		waits
		kill -STOP "${asked[hung]}"
		does his ROLLBACK
		[[ -z $(row k.test) ]] && break
	done
	ask 'lease node2 30' 'want m.test may -'
	answers 'while a holder hangs within its batch nobody else has the lease' 'failed busy' 75
	begun=${EPOCHREALTIME/./}
	takes_over() {
		ask 'lease node2 30' 'want m.test may -'
		[[ $status == 0 && $out != standby* ]]
	}
	awaits '... until the server ends that transaction' 20 takes_over
	comment "that took $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
	is '... of which nothing stands' "$(row k.test)$(row l.test)" ''
	kill -CONT "${asked[hung]}"
	end_helper hung
	answers '... and whose COMMIT then is none' 'unsure outage' 69
	is '... having written nothing' "$(row k.test)$(row l.test)" ''
	sql 'DELETE FROM tlsladder_lease; DELETE FROM tlsladder_policy'

	# Two at once, with no lease row yet.
	local winners
	for n in 1 2 3 4; do
		begin_helper "first$n" "$login" own "lease node$n 30"
	done
	winners=0
	for n in 1 2 3 4; do
		end_helper "first$n"
		[[ "$status $out" != '0 done' ]] || winners=$((winners + 1))
	done
	is 'of several that ask first one has it' "$winners" 1
	sql 'DELETE FROM tlsladder_lease'
}

own_speed() {
	local known
	sql 'DELETE FROM tlsladder_policy'
	ten_thousand "$1, 10,000 rows of our own" own 'want k%d.test encrypt -' "$2"
	ask all
	is 'a listing of 10,000 is whole' "$(grep -c '^row ' <<<"$out") $(tail -n 1 <<<"$out")" '10000 done'
	mapfile -t known < <(sed -n 's/^row \([^ ]*\) - encrypt - 1 \([^ ]*\) \([^ ]*\) tlsladder$/want \1 dane-only - - encrypt - \2~\3/p' <<<"$out")
	ten_thousand "$1, 10,000 changes of our own" own '' "$2" "${known[@]}"
	is 'all of them are changed' "$(sql "SELECT COUNT(*) FROM tlsladder_policy WHERE policy = 'dane-only'")" 10000
}
