#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Fault 33, the daemon: killed at random moments, from before it opens its database to the
# middle of its work, while its log grows and is rotated. In the end everything that it
# counted, and its place, are those of a run without a kill over the same lines.
#
# KILLED_TIMES (40), KILLED_SEED (1) and KILLED_ROTATE (seconds, 2) can be set.
. "$(dirname -- "$0")/../cli/lib.sh"
command -v python3 >/dev/null || skip_all 'needs python3'

times=${KILLED_TIMES:-40}
RANDOM=${KILLED_SEED:-1}
log=$dir/log/mail.log
daemon='' writer=''
trap 'kill -KILL $daemon $writer 2>/dev/null; rm -rf -- "$dir"' EXIT
mkdir "$dir/log"
: >"$log"
cat >"$dir/postfix" <<'END'
#!/bin/sh
[ "$1" = postconf ] && printf '%s\n' 'mail_version = 3.7.11' \
	'default_database_type = hash' 'default_transport = smtp' \
	'info_log_address_format = external' 'smtp_tls_loglevel = 1' \
	'smtp_tls_security_level = verify' 'smtp_host_lookup = dns'
END
chmod +x "$dir/postfix"
postfix="postfix: {command: [$dir/postfix], default_level: verify, retry: false}"

# Where servers can be asked it is they and the queue that end alarms, not lines.
by_lines='probe: {servers: no}'

# sql STATEMENT [DATABASE]: rows, from a copy: to open the original would mend it.
sql() {
	rm -rf "$dir/copy"
	mkdir "$dir/copy"
	cp "$dir"/state.db* "$dir/copy/" 2>/dev/null
	python3 -c '
import sqlite3, sys
for statement in sys.argv[2:]:
    for row in sqlite3.connect(sys.argv[1]).execute(statement):
        print(*row)' "$dir/copy/state.db" "$@" 2>&1
}

# All that depends on the lines alone. What was decided meanwhile depends on the hour, and what
# mail that is sent makes of an alarm on whether DNS could not tell when its line was read.
counted() {
	sql 'SELECT key, day, what, count FROM tally JOIN destination ON destination = id
			ORDER BY key, day, what' \
		"SELECT name, value FROM counter WHERE name IN ('status-lines', 'sessions',
			'recognised', 'no-nexthop', 'limit-hits', 'gaps', 'long-lines') ORDER BY name" \
		'SELECT key, seen_encrypt_ms FROM destination ORDER BY key'
}

at_end() {
	[[ $(sql 'SELECT place + 0 FROM log_place') == "$(stat -c %s "$log")" ]]
}

start() {
	"$program" -c "$dir/tlsladder.yaml" run </dev/null >>"$dir/run.out" 2>>"$dir/run.err" &
	daemon=$!
}

# end_daemon SIGNAL
end_daemon() {
	kill "-$1" "$daemon"
	wait "$daemon" 2>/dev/null
	daemon=''
}

# to_the_end: it runs until all is read and stored, and ends.
to_the_end() {
	start
	await 60 at_end
	end_daemon TERM
}

# --- killed

configure "log: {file: $log, from: start}" "$postfix" "$by_lines"
coproc exec python3 "$srcdir/tests/integration/loglines.py" "$log" "${KILLED_SEED:-1}" 3000 \
	"${KILLED_ROTATE:-2}"
writer=$COPROC_PID writing=${COPROC[1]}
# What was rotated before it had a place is not its log: that comes first, however slow it is.
start
check 'it has a place' await 60 eval '[[ $(sql "SELECT place FROM log_place") == [0-9]* ]]'
end_daemon KILL
broken='' moved=0 last=''
for ((i = 1; i <= times; i++)); do
	start
	printf -v pause '0.%03d' $((RANDOM % 250 + 1))
	pause "$pause"
	end_daemon KILL
	# now and then: a check takes longer than a kill
	[[ $((i % 10)) -eq 0 ]] || continue
	[[ $(sql 'PRAGMA integrity_check') == ok ]] || broken+="$i "
	place=$(sql 'SELECT place FROM log_place')
	[[ $place == "$last" ]] || moved=$((moved + 1))
	last=$place
done
exec {writing}>&- # which ends it
wait $writer
writer=''
is "after kills the database is whole" "$broken" ''
check 'it was at work meanwhile' test $moved -ge 1
to_the_end
check 'it comes to the end of the log' at_end
killed=$(counted)

# --- the same lines in one file, without a kill

mapfile -t rotated < <(printf '%s\n' "$log".[0-9]* | sort -rV)
cat "${rotated[@]}" "$log" >"$dir/whole.log"
rm -f "$dir"/state.db* "$dir"/tls_policy*
log=$dir/whole.log
configure "log: {file: $log, from: start}" "$postfix" "$by_lines"
to_the_end
again=$(counted)
if [[ $killed == "$again" && -n $again ]]; then
	ok 'every count is that of a run without kills'
else
	not_ok 'every count is that of a run without kills' \
		"$(diff <(echo "$killed") <(echo "$again") | head -n 20)" "$(grep -v domain= "$dir/run.err" | tail -n 20)"
fi
echo "# $times kills, seed ${KILLED_SEED:-1}, $(wc -l <"$log") lines in $((${#rotated[@]} + 1)) files," \
	"$(grep -c . <<<"$again") figures; $(grep -E '^(status-lines|recognised|gaps)' <<<"$again" | tr '\n' ' ')"
finish
