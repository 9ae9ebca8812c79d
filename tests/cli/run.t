#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run: how it starts, what signals do, and how it ends.
. "$(dirname -- "$0")/lib.sh"
needs_python

log=$dir/mail.log
: >"$log"
postconf_says
configure "log: {file: $log}"

# --- the first start: the queue is read, and if it cannot be, again

echo 69 >"$dir/postqueue.status"
echo 'postqueue: fatal: the mail system is down' >"$dir/postqueue.err"
start
check 'the daemon says what it follows' await 20 said "follows $log"
if [[ $EUID -eq 0 ]]; then
	check 'and that it need not be root' said 'runs as root, which it need not'
else
	check 'and nothing of root' eval '! said "runs as root"'
fi
check 'a queue that cannot be read is reported' await 20 said 'cannot read the queue.*the mail system is down'
stop KILL
start
check 'after kill -9 it still wants to read the queue' await 20 said 'cannot read the queue.*the mail system is down'
cat >"$dir/postqueue.out" <<'END'
{"queue_name": "deferred", "queue_id": "4jYQBx3n2tz1bYNB", "arrival_time": 1700000000, "recipients": [{"address": "user@queued.test", "delay_reason": "Server certificate not verified"}]}
END
rm "$dir"/postqueue.{err,status}
knows() {
	"$program" -c "$dir/tlsladder.yaml" explain "$1" >/dev/null 2>&1
}
check 'and it is read as soon as it can be' await 20 knows queued.test

# --- one daemon for a database

ladder run
is 'a second daemon: exit status 69' $status 69
has 'and why' "$err" 'another tlsladder is running'

# --- signals

echo 'ladder: {lowest: dane, colour: 1}' >>"$dir/tlsladder.yaml"
kill -HUP "$daemon"
check 'a configuration with mistakes is refused at SIGHUP' await 20 said 'lowest: "dane"'
check 'with all of them' await 20 said 'unknown key "colour"'
configure "log: {file: $log}" 'ladder: {lowest: encrypt}'
kill -HUP "$daemon"
check 'and one without is taken' await 20 said 'reloaded: '
stop
is 'SIGTERM: exit status 0' $status 0
is 'nothing on standard output' "$(<"$dir/run.out")" ''
asked=$(wc -l <"$dir/postqueue.calls")
start
await 20 said "follows $log"
stop INT
is 'SIGINT: exit status 0' $status 0
is 'the queue is read at the first start alone' "$(wc -l <"$dir/postqueue.calls")" "$asked"

# --- alerts: trouble that comes back after mail flowed

cat >"$dir/dns" <<'END'
away.test MX insecure
	away.test. 300 IN MX 10 mx.away.test.
mx.away.test A insecure
	mx.away.test. 300 IN A 192.0.2.1
END
start_dns
configure "log: {file: $log}" "dns: {resolver: '$resolver', trust: ad, tries: 1}"
# attempt STATUS REASON: of mail to a server that away.test does not name.
attempt() {
	echo "$(date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00) mail postfix/smtp[77]: 4jYQBx3n2tz1bYNC: to=<user@away.test>," \
		"relay=mx.other.test[192.0.2.9]:25, delay=9, delays=8/0/0.03/0.02, dsn=4.7.5, status=$1 ($2)" >>"$log"
}
# alerted TIMES
alerted() {
	[[ $(grep -c 'alert: away.test: elsewhere: ' "$dir/run.err") -eq $1 ]]
}
# decided WHY: it is what was decided last.
decided() {
	"$program" -c "$dir/tlsladder.yaml" explain --json away.test 2>/dev/null |
		grep -q "\"why\":\"$1\""
}
# in_queue: it is there, else nothing is made of its line.
in_queue() {
	printf '{"queue_name": "deferred", "queue_id": "4jYQBx3n2tz1bYNC", "arrival_time": %s, "recipients": [{"address": "user@away.test", "delay_reason": "Server certificate not verified"}]}\n' \
		"$EPOCHSECONDS" >"$dir/postqueue.out"
}
in_queue
start
await 20 said "follows $log"
attempt deferred 'Server certificate not verified'
check 'mail fails at another server: an alert' await 20 alerted 1
: >"$dir/postqueue.out"
attempt sent '250 2.0.0 Ok: queued as 1234'
check 'mail flows: it is over' await 20 decided not-needed
in_queue
attempt deferred 'Server certificate not verified'
check 'it fails again: another alert' await 20 alerted 2
stop

# --- what it needs and does not get

configure "log: {file: $dir}"
ladder run
is 'a log that is a directory: exit status 66' $status 66
configure "log: {file: $log}" "state: $dir/none/state.db"
ladder run
is 'a state in no directory: exit status 74' $status 74
has 'and why' "$err" 'No such file or directory'

# What passes by itself is waited for.
if command -v sqlite3 >/dev/null; then
	configure "log: {file: $log}"
	coproc holder { exec sqlite3 "$dir/state.db"; }
	holding=$holder_PID
	printf 'PRAGMA locking_mode = EXCLUSIVE;\nBEGIN EXCLUSIVE;\n.print locked\n' >&"${holder[1]}"
	while read -ru "${holder[0]}" line && [[ $line != locked ]]; do :; done
	start
	check 'a state that another process holds is waited for' await 20 said 'locked: it is waited for'
	check 'and no log is followed until then' test "$(grep -c 'follows' "$dir/run.err")" -eq 0
	eval "exec ${holder[1]}>&-"
	wait "$holding"
	check 'it goes on once that one has ended' await 20 said "follows $log"
	stop
	is 'and ends as ever' $status 0
fi

finish
