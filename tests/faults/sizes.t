#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Logs at their worst, through match, scan and run, from files and from a pipe: a line of
# 3 GiB, 3 GiB of NULs, ten million lines that look like TLS failures and are none. The line
# behind each must be read as if nothing had been before it, in a memory that does not grow.

# In memory, where a hole in a file takes no room and no time.
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm
. "$(dirname -- "$0")/../cli/lib.sh"
command -v python3 >/dev/null || skip_all 'needs python3'
is_sanitized() {
	grep -q __asan_init "$program"
}
garbage=$builddir/tests/faults/garbage
measure=$builddir/tests/bench/measure
[[ -x $garbage && -x $measure ]] || skip_all "$garbage or $measure is not built"

deadline=1500 # seconds for each; only so that it ends
# of garbage, read ten times over. What sanitizers look for is in the first of them as in all.
lines=1000000
! is_sanitized || lines=100000

postconf_says
# Nothing is made of a line whose message is not in the queue.
for name in garbage long nul; do
	printf '{"queue_name": "deferred", "queue_id": "4XyGOOD%s", "arrival_time": %s, "recipients": [{"address": "a@%s.test", "delay_reason": "Server certificate not verified"}]}\n' \
		"$name" "$EPOCHSECONDS" "$name"
done >"$dir/postqueue.out"

# --- the logs

good() {
	printf 'Nov 24 06:02:02 mx postfix/smtp[77]: 4XyGOOD%s: to=<a@%s.test>, relay=none, ' "$1" "$1"
	echo 'delay=1, delays=0/0/1/0, dsn=4.7.5, status=deferred (Server certificate not verified)'
}
# hole FILE: 3 GiB of NULs more.
hole() {
	truncate -s $(($(stat -c %s "$1") + 3 * 1024 ** 3)) "$1"
}
printf x >"$dir/long.log"
hole "$dir/long.log"
{
	echo
	good long
} >>"$dir/long.log"
: >"$dir/nul.log"
hole "$dir/nul.log"
good nul >>"$dir/nul.log"
whole=$("$garbage" $lines 2>&1 >"$dir/garbage.log")
good garbage >>"$dir/garbage.log"
logs=("$dir/long.log" "$dir/nul.log")
for i in 0 1 2 3 4 5 6 7 8 9; do
	ln -s garbage.log "$dir/g$i.log"
	logs+=("$dir/g$i.log")
done
size=$(($(stat -Lc %s "${logs[@]}" | paste -sd +)))
echo "# $((size >> 20)) MiB, in them $((10 * lines)) lines of garbage"

# --- what is the same for all

# measured COMMAND...: as run, with its peak in kib; standard input is its own.
measured() {
	local figures
	figures=$("$measure" "$dir/out" $deadline "$program" -c "$dir/tlsladder.yaml" "$@" 2>"$dir/err")
	read -r _ _ _ kib status <<<"$figures"
	out=$(<"$dir/out")
	err=$(<"$dir/err")
}

# is_small NAME MIB: so was its peak. Sanitizers have a memory of their own.
is_small() {
	local limit=$2
	! is_sanitized || limit=1024
	check "$1: no more than $limit MiB of memory" test "$kib" -le $((limit * 1024))
	echo "# $1: $((kib / 1024)) MiB"
}

# ends_well NAME MIB
ends_well() {
	is "$1: it ends well" "$status" 0
	is_small "$1" "$2"
}

# --- match: the record behind each, and its line's number

# record LINE NAME: what match must say; a block of NULs is no line, nor part of one.
record() {
	printf '%s\t4XyGOOD%s\ta@%s.test\t%s.test\tnone\t4.7.5\tdeferred\tServer certificate not verified\tcertificate-not-verified\n' \
		"$1" "$2" "$2" "$2"
}

configure
measured match "${logs[@]}" </dev/null
ends_well 'match, files' 16
is 'match, files: the line behind each, with its number' "$out" "$(
	record 2 long
	record 1 nul
	for _ in 0 1 2 3 4 5 6 7 8 9; do record $((lines + 1)) garbage; done
)"
has 'match, files: the long line is reported' "$err" "long.log: 1 lines over 64 KiB skipped"
measured match < <(cat "${logs[@]}")
ends_well 'match, a pipe' 16
is 'match, a pipe: the line behind each, with its number' "$out" "$(
	record 2 long
	record 3 nul
	for i in 0 1 2 3 4 5 6 7 8 9; do record $((3 + (i + 1) * (lines + 1))) garbage; done
)"
has 'match, a pipe: the long line is reported' "$err" "-: 1 lines over 64 KiB skipped"

# --- scan: no destination but those of the good lines

destinations() {
	python3 -c '
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    print(d["destination"], d["level"] or "-", d["attempts"])' <"$dir/out" | sort
}
# The ten are copies of one log, of which a line counts once; where they are followed, each
# has lines of its own.
once='garbage.test - 1
long.test - 1
nul.test - 1'

for how in files 'a pipe'; do
	if [[ $how == files ]]; then
		measured scan --json "${logs[@]}" </dev/null
	else
		measured scan --json < <(cat "${logs[@]}")
	fi
	ends_well "scan, $how" 24
	is "scan, $how: the destinations of the lines behind, no others" "$(destinations)" "$once"
	has "scan, $how: the long line is reported" "$err" '1 lines over 64 KiB skipped'
	check "scan, $how: no state" test ! -e "$dir/state.db"
done

# --- run: the same, counted in a database that stays small

# sql STATEMENT: what it says, or nothing.
sql() {
	python3 -c '
import sqlite3, sys
try:
    for row in sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute(sys.argv[2]):
        print(*row)
except sqlite3.Error as e:
    print(e, file=sys.stderr)' "$dir/state.db" "$1" 2>/dev/null
}

# is_counted NAME COPIES: what the database holds in the end, of so many logs of garbage.
is_counted() {
	is "$1: each status line counts once" "$(sql "SELECT value FROM counter WHERE name = 'status-lines'")" $(($2 + 2))
	is "$1: those are told that a reader may have cut" \
		"$(sql "SELECT value FROM counter WHERE name = 'ambiguous'")" $(($2 * whole))
	is "$1: those count that a rule matches" "$(sql "SELECT value FROM counter WHERE name = 'recognised'")" $(($2 + 2))
	is "$1: the long line is counted" "$(sql "SELECT value FROM counter WHERE name = 'long-lines'")" 1
	has "$1: it is reported" "$err" "a line of $((3 * 1024 ** 3 + 1)) bytes before offset $((3 * 1024 ** 3 + 2)) was skipped"
	is "$1: no entry" "$(sql "SELECT count(*) FROM destination WHERE entry <> 'none'")" 0
	is "$1: the destinations of the lines behind, no others" \
		"$(sql 'SELECT key, attempts FROM destination ORDER BY key')" "garbage.test $2
long.test 1
nul.test 1"
	check "$1: the database is small" test "$(cat "$dir"/state.db* | wc -c)" -lt $((1024 * 1024))
}

configure "log: {file: \"-\", from: start}"
measured run < <(cat "${logs[@]}")
ends_well 'run, a pipe' 24
is_counted 'run, a pipe' 1

rm -f "$dir"/state.db*
configure "log: {file: [$(printf '"%s", ' "${logs[@]}")], from: start}"
"$program" -c "$dir/tlsladder.yaml" run </dev/null >"$dir/out" 2>"$dir/err" &
daemon=$!
at_end() {
	[[ $(sql 'SELECT sum(place + 0) FROM log_place') == "$size" ]] || ! kill -0 $daemon 2>/dev/null
}
await $deadline at_end
kib=$(awk '/^VmHWM/ { print $2 }' /proc/$daemon/status)
is_small 'run, files' 24
kill -TERM $daemon
wait $daemon
status=$?
daemon=''
err=$(<"$dir/err")
is 'run, files: it ends well' $status 0
is 'run, files: to the end of each' "$(sql 'SELECT sum(place + 0) FROM log_place')" "$size"
is_counted 'run, files' 10
finish
