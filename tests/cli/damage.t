#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A state that was lost or damaged beside a good map: nothing of the map is lost by it.
. "$(dirname -- "$0")/lib.sh"
needs_python
command -v sqlite3 >/dev/null || skip_all 'needs sqlite3'

log=$dir/mail.log
: >"$log"
postconf_says
configure "log: {file: $log}"

entries() {
	grep -v '^#' "$dir/tls_policy"
}

lose() {
	rm -f "$dir"/state.db*
}

# A state with pins of every kind, and its map; kept in $dir/good for later.
ladder set bank.example secure match=.bank.example --note 'as agreed (ticket 7), until 2027'
ladder set short.example may --for 7d --note 'für „Müller“'
ladder set '[mx.example]:587' dane-only
ladder set changed.example encrypt
ladder undo changed.example
ladder set undone.example may
ladder set undone.example encrypt
ladder undo undone.example
good=$(entries)
# what is told of an entry, without the times at which it was made
pins() {
	"$program" -c "$dir/tlsladder.yaml" list --json | python3 -c '
import json, sys
for line in sys.stdin:
    e = json.loads(line)
    print(e["destination"], e["level"], e["attributes"], e["why"], e["pinned"], e["note"], e["look_again"])'
}
# The text has whole seconds.
pins_good=$(pins | sed 's/\.[0-9]*Z/Z/')
is 'five were set, and one was taken back to nothing' "$(wc -l <<<"$good")" 4
mkdir "$dir/good"
cp -p "$dir"/state.db* "$dir/tls_policy" "$dir/good/"

restore() {
	lose
	rm -f "$dir"/state.db.damaged-*
	cp -p "$dir"/good/* "$dir/"
}

# --- lost

for how in missing empty; do
	restore
	lose
	[[ $how == missing ]] || : >"$dir/state.db"
	for command in list 'explain bank.example' export 'undo bank.example'; do
		# shellcheck disable=SC2086
		ladder $command
		is "$how: $command: exit status 66" $status 66
		has "$how: $command says what the map has" "$err" 'has 4 entries, 4 of them pinned'
	done
	ladder doctor
	hasnt "$how: doctor does not call it new" "$out" 'is not there yet'
	has "$how: so does doctor" "$out" 'is missing or empty, but the map has 4 entries, 4 of them pinned'
	is "$how: the map is as it was" "$(entries)" "$good"
	start
	await 20 said 'map=.*entries=4'
	check "$how: an alert says that they were taken over" said 'alert: .*missing or empty: 4 entries, 4 of them pinned'
	stop
	is "$how: after a start the map is as it was" "$(entries)" "$good"
	is "$how: the pins have their notes and ends" "$(pins | sed 's/\.[0-9]*Z/Z/')" "$pins_good"
	ladder doctor
	has "$how: doctor says where they are from" "$out" '4 entries, 4 of them pinned, taken over from the map'
	start
	await 20 said "follows $log"
	stop
	check "$how: the next start has nothing to say" test -z "$(grep 'taken over' "$dir/run.err")"
	ladder explain bank.example
	has "$how: explain says it" "$out" 'take over none -> secure'
done

restore
lose
ladder set new.example encrypt
is 'set on a lost state ends well' $status 0
check 'and warns' grep -q 'warning: the state .* 4 entries, 4 of them pinned' "$dir/err"
is 'it adds to what the map has' "$(entries | sort)" "$(printf '%s\nnew.example\tencrypt\n' "$good" | sort)"

restore
lose
: >"$dir/state.db"
ladder unset bank.example
is 'unset on a lost state takes away that one' "$(entries)" "$(grep -v '^bank' <<<"$good")"

restore
lose
sed -i 's/, until 20[^ ]*//' "$dir/tls_policy"
start
await 20 said 'map=.*entries=4'
stop
is 'a text without ends, as older versions wrote it: a pin stays' \
	"$(pins | awk '{ print $1, $NF == "None" }')" "$(printf '%s\n' '[mx.example]:587 1' 'bank.example 1' 'short.example 1' 'undone.example 1')"

# --- the first line

restore
sed -i '1s/.*/# \xff\xff/' "$dir/tls_policy"
ladder doctor
has 'a damaged first line, the state proves whose it is: doctor says so' "$out" 'the state says that it is ours'
start
check 'and the next start writes it anew' await 20 said 'map=.*entries=4'
stop
has 'with its first line' "$(head -n 1 "$dir/tls_policy")" 'written by tlsladder'

restore
lose
sed -i '1s/.*/# \xff\xff/' "$dir/tls_policy"
cp "$dir/tls_policy" "$dir/before"
ladder doctor
has 'without a state: doctor names the line to type' "$out" "sed -i '1c # TLS policy of Postfix, written by tlsladder '"
start
check 'the daemon does not write to it' await 20 said 'not written by tlsladder'
stop
check 'not a byte' cmp "$dir/before" "$dir/tls_policy"
lose
line=$(grep -o "sed -i '1c .*" <<<"$out")
eval "$line"
start
check 'the line helps' await 20 said 'map=.*entries=4'
stop
is 'and everything is there' "$(entries)" "$good"

restore
lose
printf 'own.example\tmay\n' >"$dir/tls_policy"
ladder doctor
has "the administrator's own: doctor says to move it away" "$out" "mv $dir/tls_policy $dir/tls_policy.mine"
ladder set x.example may
is 'set does not write to it' "$(entries)" 'own.example	may'
rm -f "$dir/tls_policy"

# --- lost, and the map is damaged as well

# held NAME TEXT: nothing is exported over the map, and all say TEXT.
held() {
	local command
	cp -p "$dir/tls_policy" "$dir/before" 2>/dev/null || rm -f "$dir/before"
	ladder list
	is "$1: list: exit status 66" $status 66
	has "$1: list says it" "$err" "$2"
	for command in 'set q.test may' 'unset bank.example'; do
		# shellcheck disable=SC2086
		ladder $command
		is "$1: $command: exit status 73" $status 73
		has "$1: $command says it" "$err" "$2"
	done
	start
	check "$1: run alerts" await 20 said "alert: .*$2"
	check "$1: and follows the log" await 20 said "follows $log"
	stop
	is "$1: run ends well, without an export" "$status $(grep -c 'map=' "$dir/run.err")" '0 0'
	if [[ -e $dir/before ]]; then
		check "$1: the map is as it was, to the byte" cmp "$dir/before" "$dir/tls_policy"
	else
		check "$1: no map was made" test ! -e "$dir/tls_policy"
	fi
	ladder list
}

# type_named WORDS: the command that was named and begins with them is typed.
type_named() {
	eval "$(grep -o "$1[^\`]*" <<<"$err" | head -n 1)"
}

with_new() {
	printf '%s\nnew.example\tencrypt\n' "$1" | sort
}

restore
lose
sed -i '/^short.example/d' "$dir/tls_policy"
held 'a text that was cut' 'its first line says 4 entries, 3 are read'
ladder doctor
has 'a text that was cut: doctor says it' "$out" 'says 4 entries, 3 are read'
cp -p "$dir/good/tls_policy" "$dir/tls_policy"
ladder set new.example encrypt
is 'a copy put back: all of it is taken over' "$(entries | sort)" "$(with_new "$good")"

restore
lose
sed -i 's/^short.example.*/short.exa\xff\x01/' "$dir/tls_policy"
held 'a line that cannot be read' '1 line cannot be read, the first is line'
type_named "sed -i '1c"
ladder set new.example encrypt
is 'the line that is named accepts what is left' "$(entries | sort)" \
	"$(with_new "$(grep -v ^short <<<"$good")")"

restore
lose
truncate -s -3 "$dir/tls_policy"
held 'a last line without its end' '1 line cannot be read'
type_named 'rm -f'
ladder set new.example encrypt
is 'removed on purpose: it begins anew' "$status $(entries)" '0 new.example	encrypt'

restore
lose
sed -i '1s/4 entries/\xff entries/' "$dir/tls_policy"
held 'a number that is damaged' 'does not say how many entries it has, 4 are read'

restore
lose
sed -i '1s/.*/# \xff\xff/' "$dir/tls_policy"
held 'a first line that is damaged' "sed -i '1c # TLS policy of Postfix, written by tlsladder '"
is 'nobody says to move it away' "$(grep -c 'move it' <<<"$err")" 0
type_named "sed -i '1c"
ladder set new.example encrypt
is 'the line that is named makes it ours' "$(entries | sort)" "$(with_new "$good")"

# The database still has the entries; a text of lines plays it.
cp "$dir/tlsladder.yaml" "$dir/plain.yaml"
configure "log: {file: $log}" "map: {file: $dir/tls_policy, type: hash}"
cat >"$dir/postmap.sh" <<'END'
case "$1" in
-s) cat "${2#hash:}.db" ;;
-q) awk -F '\t' 'NR == FNR { has[$1] = $2; next } $1 in has { print $1 "\t" has[$1] }' "${3#hash:}.db" - ;;
*) grep -v '^#' "${1#hash:}" >"${1#hash:}.db" ;;
esac
END
for how in gone empty; do
	restore
	lose
	printf '%s\n' "$good" >"$dir/tls_policy.db"
	cp "$dir/tls_policy.db" "$dir/before.db"
	rm -f "$dir/tls_policy"
	[[ $how == gone ]] || : >"$dir/tls_policy"
	held "a text that is $how" "is $how, but its database $dir/tls_policy.db has 4 entries"
	check "$how: the database is as it was" cmp "$dir/tls_policy.db" "$dir/before.db"
	has "$how: list says how they come back" "$err" "postmap -s hash:$dir/tls_policy"
	lose
	(
		postmap() { "$builddir/tests/fake/tool" "$dir" postmap "$@"; }
		type_named '{ echo'
	)
	ladder set new.example encrypt
	is "$how: and so they do" "$(entries | sort)" "$(with_new "$good")"
	rm -f "$dir/tls_policy"
	lose
	ladder list
	type_named 'rm -f'
	ladder set new.example encrypt
	is "$how: given up on purpose: it begins anew" "$status $(entries)" '0 new.example	encrypt'
done
restore
lose
rm -f "$dir/tls_policy"
echo >"$dir/tls_policy.db"
sed -i 's/^-s.*/-s) ;;/' "$dir/postmap.sh"
ladder list
has 'a database without entries holds nothing' "$err" 'there is no state at'
rm -f "$dir/tls_policy.db" "$dir/postmap.sh"
mv "$dir/plain.yaml" "$dir/tlsladder.yaml"

# --- damaged

# Real damage, by a function of its name.
flipped_pages() {
	python3 - "$dir/state.db" <<'END'
import random, sys
random.seed(7)
with open(sys.argv[1], 'r+b') as f:
    data = bytearray(f.read())
    for at in range(4096, len(data)):
        if random.random() < 0.02:
            data[at] ^= 1 << random.randrange(8)
    f.seek(0)
    f.write(data)
END
}
truncated() {
	truncate -s $(($(stat -c %s "$dir/state.db") / 2)) "$dir/state.db"
}
nearly_nothing() {
	truncate -s 100 "$dir/state.db"
}
half_a_header() {
	truncate -s 10 "$dir/state.db"
}
zeroed_header() {
	dd if=/dev/zero of="$dir/state.db" bs=4096 count=1 conv=notrunc status=none
}
all_zeros() {
	dd if=/dev/zero of="$dir/state.db" bs=4096 count=20 conv=notrunc status=none
}
table_gone() {
	sqlite3 "$dir/state.db" 'DROP TABLE destination'
}
wal_from_elsewhere() {
	(
		cd "$dir" || exit
		rm -f other.db*
		# killed before its log is written back
		sqlite3 other.db 'PRAGMA journal_mode = WAL; CREATE TABLE a (b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
			SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO a SELECT hex(randomblob(100)) FROM n;' \
			'.shell cp other.db-wal state.db-wal' >other.out
		rm -f state.db-shm other.db*
	)
}

for damage in flipped_pages truncated nearly_nothing half_a_header zeroed_header all_zeros table_gone wal_from_elsewhere; do
	restore
	$damage
	ladder doctor
	has "$damage: doctor says that it is malformed" "$out" "$dir/state.db is malformed: "
	for command in status list 'explain bank.example' export 'set x.example may' 'undo bank.example'; do
		# Some damage is not met by each of them.
		# shellcheck disable=SC2086
		ladder $command
		[[ $status -ne 74 ]] || has "$damage: $command says what heals it" "$err" \
			"$dir/state.db is malformed: \`tlsladder run\` makes it anew from the map and the log"
	done
	restore
	$damage
	start
	check "$damage: the daemon starts" await 20 said 'map=.*entries=4'
	check "$damage: an alert says what was done" said 'alert: the state .* was malformed .* is kept as .*state.db.damaged-20'
	check "$damage: and what was taken over" said 'alert: .*4 entries, 4 of them pinned'
	stop
	is "$damage: SIGTERM: exit status 0" $status 0
	is "$damage: the map is as it was" "$(entries)" "$good"
	check "$damage: it is kept" test -s "$(echo "$dir"/state.db.damaged-*Z)"
	is "$damage: the new one is whole" "$(sqlite3 "$dir/state.db" 'PRAGMA quick_check')" ok
done

restore
zeroed_header
sed -i '1s/.*/# \xff\xff/' "$dir/tls_policy"
start
check 'a damaged first line as well, the header gone: nothing is written to it' await 20 said 'not written by tlsladder'
stop
restore
sqlite3 "$dir/state.db" 'CREATE TABLE zz (a); PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
python3 - "$dir/state.db" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'zz'").fetchone()[0]
size = db.execute("PRAGMA page_size").fetchone()[0]
db.close()
with open(sys.argv[1], 'r+b') as f:
    f.seek((page - 1) * size)
    f.write(b'\xff' * size)
END
sed -i '1s/.*/# \xff\xff/' "$dir/tls_policy"
start
check 'one page gone, which does not hold whose map it is: it is taken over' await 20 said 'map=.*entries=4'
stop
is 'all of it' "$(entries)" "$good"

# --- damaged while it is in use

for damage in zeroed_header truncated flipped_pages; do
	restore
	start
	await 20 said 'map=.*entries=4'
	sqlite3 "$dir/state.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	$damage
	# Something to store, so that it is met.
	for i in 1 2 3; do
		echo "Nov 27 12:00:0$i mx postfix/smtp[1]: 4jYQBx3n2tz1bYN$i: to=<u@bank$i.example>, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)" >>"$log"
	done
	check "$damage while it runs: it is rebuilt" await 60 said 'alert: the state .* was malformed .* is kept as'
	check "$damage while it runs: the entries are taken over" await 20 said 'alert: .*4 entries, 4 of them pinned'
	knows() {
		"$program" -c "$dir/tlsladder.yaml" explain bank1.example >/dev/null 2>&1
	}
	check "$damage while it runs: the log is read again from its beginning" await 20 knows
	stop
	is "$damage while it runs: the map is as it was" "$(entries)" "$good"
	: >"$log"
done

# --- what is not malformed

restore
coproc sqlite3 "$dir/state.db" 'BEGIN EXCLUSIVE' '.shell echo locked; exec cat'
lock=${COPROC[1]}
read -r <&"${COPROC[0]}"
start
check 'a locked database is waited for, or refused' await 20 test -s "$dir/run.err"
exec {lock}>&- # unlocks it
stop 2>/dev/null # it may have ended
check 'and not set aside' test -z "$(compgen -G "$dir/state.db.damaged-*")"

restore
echo 'this is no database, but long enough to look like a file of something else' >"$dir/state.db"
rm -f "$dir"/state.db-*
ladder doctor
has 'a file that is no database of anybody: doctor says that pins come back' "$out" 'entries and pins are taken over from the map'
ladder run
is 'a file that is no database of anybody is refused' $status 74
check 'and left alone' grep -q 'no database' "$dir/state.db"
restore
sqlite3 "$dir/state.db" 'PRAGMA user_version = 999'
ladder doctor
has 'a database of a newer version: doctor says that' "$out" 'it is of a newer tlsladder (version 999'
hasnt 'and has nothing moved away' "$out" ' mv '
ladder run
is 'run does not wait for it' $status 74
is 'and leaves it alone' "$(sqlite3 "$dir/state.db" 'PRAGMA user_version; SELECT count(*) > 0 FROM destination' | tr '\n' ' ')" '999 1 '

finish
