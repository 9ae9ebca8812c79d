#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The daemon and its database on a bad day: faults 36 to 38, 48 and 49 of tests/faults.
# Every line that is written is a delivery status; as many must be counted in the end.
. "$(dirname -- "$0")/../cli/lib.sh"
command -v python3 >/dev/null || skip_all 'needs python3'

# A state on a file system that can be filled, in a mount namespace of its own.
if [[ -z ${FAULTS_MOUNTED-} ]] && [[ $EUID -eq 0 ]] && unshare -m true 2>/dev/null; then
	rm -rf -- "$dir"
	FAULTS_MOUNTED=1 exec unshare -m --propagation private bash "$0" "$@"
fi

log=$dir/mail.log
state=$dir/state
written=0
# Seconds, so that what hangs ends. A busy machine may take half a minute, with sanitizers.
patience=120
trap '[[ -z $daemon ]] || kill -KILL "$daemon"; umount "$state" 2>/dev/null; rm -rf -- "$dir"' EXIT
mkdir "$state"
[[ -z ${FAULTS_MOUNTED-} ]] || mount -t tmpfs -o size=32m none "$state" || FAULTS_MOUNTED=''
configure "state: $state/state.db" "log: {file: $log, from: start}"
postconf_says

# write COUNT: so many lines, of ten destinations.
write() {
	local i
	for ((i = 0; i < $1; i++, written++)); do
		printf 'Nov 24 06:02:%02d mx postfix/smtp[77]: 4Xy%05d: to=<a@d%d.test>, relay=mx.d%d.test[192.0.2.1]:25, delay=1, delays=0/0/1/0, dsn=4.7.5, status=deferred (Server certificate not verified)\n' \
			$((written % 60)) "$written" $((written % 10)) $((written % 10))
	done >>"$log"
}

# sql STATEMENT: what it says, or nothing.
sql() {
	python3 -c '
import sqlite3, sys
try:
    for row in sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute(sys.argv[2]):
        print(*row)
except sqlite3.Error as e:
    print(e, file=sys.stderr)' "$state/state.db" "$1" 2>/dev/null
}

offset() {
	sql 'SELECT place + 0 FROM log_place'
}

counted() {
	sql "SELECT value FROM counter WHERE name = 'status-lines'"
}

has_read_all() {
	[[ $(offset) == "$(stat -c %s "$log")" ]]
}

# One log for all of its runs.
start() {
	"$program" -c "$dir/tlsladder.yaml" run </dev/null >>"$dir/run.out" 2>>"$dir/run.err" &
	daemon=$!
}

lives() {
	kill -0 "$daemon" 2>/dev/null
}

# exact SENTENCE: all that was written is read, and counted once.
exact() {
	await "$patience" has_read_all
	is "$1" "$(offset) $(counted)" "$(stat -c %s "$log") $written"
}

# told REGEX: how many lines of the daemon's log match
told() {
	grep -Ec "$1" "$dir/run.err"
}

write 1000
start
exact 'the log is read from its start'

# --- 36: the disk is full

if [[ -n ${FAULTS_MOUNTED-} ]]; then
	write 100
	await "$patience" has_read_all
	before=$(offset)
	dd if=/dev/zero of="$state/filler" bs=4k 2>/dev/null
	rm -f "$state/filler.last"
	: >"$dir/run.err"
	# more than fits into what the write-ahead log may have left
	for _ in 1 2 3 4 5 6; do write 2000; done
	full() { [[ $(told 'full|disk') -gt 0 ]]; }
	if await "$patience" full; then
		ok '36 the disk is full: it says so'
	else
		not_ok '36 the disk is full: it says so' "$(cat "$dir/run.err")" "$(df "$state")"
	fi
	check '36 it does not end' lives
	at=$(offset)
	write 100
	rotated=$(stat -c %s "$log")
	check '36 the position is that of a commit' test "$at" -ge "$before" -a "$at" -lt "$rotated"
	echo "# position $before before, $at while it was full, $rotated in the end"
	rm -f "$state/filler"
	exact '36 when there is room again it goes on, and nothing is lost or counted twice'
else
	for _ in 1 2 3 4; do
		number=$((number + 1))
		echo "ok $number - 36 the disk is full # SKIP needs root, to mount a small file system"
	done
fi

# --- 37: another process has the database

mkfifo "$dir/hold"
python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
db.execute("ROLLBACK")' "$state/state.db" <"$dir/hold" >"$dir/locker" 8>&- &
locker=$!
exec 8>"$dir/hold" # it ends when this is closed
locked() { [[ -s $dir/locker ]]; }
await "$patience" locked
: >"$dir/run.err"
write 500
busy() { [[ $(told 'lock|busy') -gt 0 ]]; }
if await "$patience" busy; then
	ok '37 the database is locked by another process: it says so'
else
	not_ok '37 the database is locked by another process: it says so' "$(cat "$dir/run.err")"
fi
check '37 it does not end' lives
exec 8>&-
wait "$locker" 2>/dev/null
exact '37 when it is free again it goes on, and nothing is lost or counted twice'

# --- 48, 49

run "$program" -c "$dir/tlsladder.yaml" run
is '48 a second instance is refused at once' "$status" 69
write 5000
begun=$EPOCHREALTIME
stop
is '49 SIGTERM under load ends it cleanly' "$status" 0
took=$(((${EPOCHREALTIME/./} - ${begun/./}) / 1000))
echo "# $took ms (wanted: 1 s)"
write 500
start
exact '49 the next start is exact'
write 5000
kill -HUP "$daemon"
write 5000
exact '49 SIGHUP under load is exact'
stop

# --- 38: no database, or another one

# refuses NAME: it does not start, says why, and leaves the file as it is.
refuses() {
	local before
	before=$(cksum <"$state/state.db")
	: >"$dir/run.err"
	run timeout 20 "$program" -c "$dir/tlsladder.yaml" run
	check "38 $1: it does not start" test "$status" -ne 0 -a "$status" -ne 124
	has "38 $1: it says which file" "$err" "$state/state.db"
	is "38 $1: the file is left as it is" "$(cksum <"$state/state.db")" "$before"
}

mkdir "$dir/aside"
mv "$state"/state.db* "$dir/aside/"
printf 'no database at all, but some text in a file of this name\n' >"$state/state.db"
refuses 'garbage'
rm -f "$state"/state.db*
python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE later (x)")
db.execute("PRAGMA user_version = 9999")
db.commit()' "$state/state.db"
refuses 'a newer schema'
rm -f "$state"/state.db*
: >"$state/state.db"
: >"$dir/tls_policy"
start
written_now=$written
fresh() { [[ $(counted) == "$written_now" ]]; }
if await "$patience" fresh; then
	ok '38 an empty file becomes a database: a first start, from where log.from says'
else
	not_ok '38 an empty file becomes a database: a first start, from where log.from says' \
		"counted $(counted) of $written" "$(cat "$dir/run.err")"
fi
stop
rm -f "$state"/state.db*
mv "$dir/aside"/state.db* "$state/"
start
exact '38 the old database goes on where it was'

# Deleted under the daemon: what it stores from then on is nowhere.
rm -f "$state"/state.db*
: >"$dir/run.err"
write 100
gone() { [[ $(told 'state\.db') -gt 0 ]] || ! lives; }
number=$((number + 1))
if await 5 gone; then
	echo "ok $number - 38 deleted while it runs: it says so"
else
	echo "not ok $number - 38 deleted while it runs: it says so"
fi
if lives; then
	stop
fi
finish
