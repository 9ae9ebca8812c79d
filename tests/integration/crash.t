#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The daemon is killed at random moments while its log grows. Afterwards everything that
# it counted must equal what a run without a kill counts over the same log: no line is
# lost, none is counted twice.
#
# CRASH_KILLS (60) and CRASH_SEED (1) can be set.
. "$(dirname -- "$0")/lib.sh"

kills=${CRASH_KILLS:-60}
RANDOM=${CRASH_SEED:-1}
comment "$kills kills, seed ${CRASH_SEED:-1}"

# What must be equal: all that depends on the lines alone. What was decided meanwhile
# depends on when it was read; so do attempts, which an entry begins anew, and alarms, which
# the queue ends, and what counts of mail to domains whose server DNS does not name: until it was
# asked, all.
counted() {
	# Which of dane, mta-sts and verified a session was depends on the entry of that hour.
	sql "SELECT key, day, what, count FROM tally JOIN destination ON destination = id
			WHERE what NOT LIKE 'sent:%' ORDER BY key, day, what;
		SELECT name, value FROM counter
			WHERE name IN ('status-lines', 'sessions', 'recognised', 'no-nexthop', 'limit-hits', 'gaps', 'long-lines')
			ORDER BY name;
		SELECT key, sent_ms, seen_encrypt_ms FROM destination
			WHERE key NOT LIKE '%.nowhere.test' ORDER BY key"
}

position() {
	sql "SELECT place + 0 FROM log_place WHERE log = '$log'"
}

at_end() {
	[[ $(position) == $(stat -c %s "$log") ]]
}

# goes_on PLACE: it stored another.
goes_on() {
	local now
	now=$(position)
	[[ -n $now && $now != "$1" ]]
}

# kill_often N: start, kill at a random moment, N times; in the end it runs.
kill_often() {
	local i broken='' early=0 at offset=0 last=0
	for ((i = 0; i < $1; i++)); do
		"$sandbox" exec "$dir" -- "${user[@]}" "$program" -c "$dir/tlsladder.yaml" run \
			</dev/null >>"$dir/daemon.out" 2>>"$dir/daemon.err" &
		daemon=$!
		await 5 daemon_pid >/dev/null
		# Every other one when it is at work, for certain: it stores nothing before postconf
		# has told where mail goes. The others at any moment, also before it opens the
		# database.
		at=$((RANDOM % 1000))
		if ((i % 2)); then
			await 60 goes_on "$last" >/dev/null
			at=$((at / 10))
		fi
		pause "0.$(printf %03d $at)"
		kill_daemon
		# Looked at in a copy: to open the original would mend it.
		rm -rf "$dir/copy"
		cp -r "$dir/state" "$dir/copy"
		if [[ ! -s $dir/copy/state.db ]]; then
			early=$((early + 1))
			continue
		fi
		[[ $(sqlite3 "$dir/copy/state.db" 'PRAGMA integrity_check' 2>&1) == ok ]] || broken+="kill $i; "
		offset=$(sqlite3 "$dir/copy/state.db" "SELECT place + 0 FROM log_place" 2>/dev/null)
		[[ ${offset:-0} == "$last" ]] || last=$offset moved=$((moved + 1))
	done
	is "$log_name: after each of $1 kills the database is whole" "$broken" ''
	comment "$log_name: $early kills before there was a database, $moved after the position had moved"
	[[ $moved -ge $(($1 / 4)) ]] || not_ok "$log_name: too few of the kills hit it at work"
}

# The same log, from its beginning, without a kill.
run_again() {
	mv "$dir/state" "$dir/killed"
	mkdir "$dir/state"
	chown nobody:nogroup "$dir/state"
	start
	await 30 at_end >/dev/null
	stop
}

# The differences, a few of them.
compare() {
	local killed=$1 again=$2
	if [[ $killed == "$again" && -n $again ]]; then
		ok "$log_name: every count is that of a run without kills"
	else
		not_ok "$log_name: every count is that of a run without kills" \
			"$(diff <(echo "$killed") <(echo "$again") | head -n 20)"
	fi
	comment "$log_name: $(grep -c . <<<"$again") figures, $(grep -E '^(status-lines|recognised)' <<<"$again" | tr '\n' ' ')"
}

up strict
moved=0

# --- a generated log, rotated meanwhile

log_name=generated
log=$dir/generated/mail.log
mkdir "$dir/generated"
: >"$log"
configure strict "log: {file: $log, from: start}" 'postfix: {config_directory: '"$dir/strict/config"', retry: false}' \
	'dns: {timeout: 1s, tries: 1}'
coproc exec python3 "$here/loglines.py" "$log" "${CRASH_SEED:-1}" 4000 8
writer=$COPROC_PID writing=${COPROC[1]}
kill_often $((kills * 2 / 3))
exec {writing}>&- # which ends it
wait $writer
start
awaits 'generated: the daemon comes to the end of the log' 30 at_end
stops
killed=$(counted)
is 'generated: the map is as listed' "$(grep -v '^#' "$dir/state/tls_policy" | tr '\t' ' ')" "$(entries)"
# All of it in one file; its times are the same.
cat $(ls -tr "$log".[0-9]* 2>/dev/null) "$log" >"$dir/generated/whole.log"
comment "generated: $(wc -l <"$dir/generated/whole.log") lines in $(ls "$log"* | wc -l) files"
log=$dir/generated/whole.log
configure strict "log: {file: $log, from: start}" 'postfix: {config_directory: '"$dir/strict/config"', retry: false}' \
	'dns: {timeout: 1s, tries: 1}'
run_again
compare "$killed" "$(counted)"
rm -rf "$dir/state" "$dir/killed"
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"

# --- real mail

log_name=mail
moved=0
log=$dir/strict/mail.log
configure strict "log: {file: $log, from: start}" 'ladder: {may_after: {attempts: 1}}'
domains=(selfsigned.test dane-ok.test plain.test valid-ca.test dane-bad.test signed-no-tlsa.test
	starttls-refused.test greylist.test expired-cert.test nomx.test dane-servfail.test)
# A map must be there before the first mail, as for any installation.
start
stop
(
	until [[ -e $dir/stop || ! -d $dir ]]; do
		send strict "${domains[@]}"
	done
) &
writer=$!
kill_often $((kills / 3))
touch "$dir/stop"
wait $writer
start
settle strict
awaits 'mail: the daemon comes to the end of the log' 30 at_end
stops
# left DOMAIN: the lines of its messages that were not delivered, and what is known of them.
left() {
	local id
	for id in $(comm -23 <(grep -o "[^ ]*: to=<user@$1>" "$log" | sort -u) \
		<(grep "to=<user@$1>.*status=sent" "$log" | grep -o "[^ ]*: to=<user@$1>" | sort -u)); do
		[[ $id != to=* ]] || continue
		grep -F " $id" "$log"
		sql "SELECT 'waiting', * FROM waiting WHERE queue_id = '${id%:}'"
	done
}
# A message that was on its way when it was retried is retried again after 10 s, and 60 s.
nothing_left() {
	local lines
	lines=$(left "$1")
	echo "$lines"
	[[ -z $lines ]]
}
for domain in selfsigned.test dane-ok.test plain.test signed-no-tlsa.test; do
	awaits "mail: all of $domain's is delivered in spite of the kills" 90 nothing_left $domain
done
is 'mail: the right entries' "$(entries | grep -E '^(selfsigned|dane-ok|plain|dane-servfail|valid-ca)\.')" \
	"dane-ok.test dane-only
plain.test dane
selfsigned.test encrypt"
killed=$(counted)
# Retries would add to the log.
configure strict "log: {file: $log, from: start}" 'postfix: {config_directory: '"$dir/strict/config"', retry: false}'
run_again
compare "$killed" "$(counted)"
finish
