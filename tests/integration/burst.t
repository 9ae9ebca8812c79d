#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Many lines at once, and a resolver that takes its time: everything is decided soon, the
# log is read on meanwhile, and Postfix is not run over by our own commands.
. "$(dirname -- "$0")/lib.sh"

crowd=${BURST_CROWD:-10000}
flood=${BURST_FLOOD:-100000}

up strict
. "${0%/*}/generated.sh"

# The queue as the log has it: what was deferred, and not sent since.
cat >"$dir/listing" <<'AWK'
/ status=sent / { delete waits[$6] }
/ status=deferred / { waits[$6] = $7 $0 }
END {
	for (id in waits) {
		to = reason = waits[id]
		sub(/^to=</, "", to)
		sub(/>.*/, "", to)
		sub(/.* status=deferred [(]/, "", reason)
		sub(/[)]$/, "", reason)
		printf "{\"queue_name\": \"deferred\", \"queue_id\": \"%s\", \"arrival_time\": 1700000000, \"recipients\": [{\"address\": \"%s\", \"delay_reason\": \"%s\"}]}\n", \
			substr(id, 1, length(id) - 1), to, reason
	}
}
AWK

# Every command of Postfix goes through this, and is written down.
cat >"$dir/noted" <<'END'
#!/bin/bash
dir=${0%/*}
printf '%s %s\n' "$EPOCHREALTIME" "$*" >>"$dir/state/calls"
[[ $* != *' -j' ]] || exec awk -f "$dir/listing" "$dir/generated.log"
exec "$@"
END
chmod 755 "$dir/noted"
common=("log: {file: $log}" "postfix: {config_directory: $dir/strict/config, command: [$dir/noted]}")

calls() {
	grep -cE " $1\$" "$dir/state/calls"
}

# Milliseconds since the epoch.
ms() {
	date +%s%3N
}

position() {
	sql "SELECT place + 0 FROM log_place WHERE log = '$log'"
}

at_end() {
	[[ $(position) == $(stat -c %s "$log") ]]
}

# deferrals FROM TO: one message each for so many destinations that are new.
deferrals() {
	seq "$1" "$2" | awk -v stamp="$(date '+%b %e %T')" '{
		printf "%s mail postfix/smtp[%d]: Q%07d: to=<u@d%d.many-selfsigned.test>, relay=mx.selfsigned.test[10.53.1.33]:25, delay=0.1, delays=0.02/0/0.05/0.03, dsn=4.7.5, status=deferred (Server certificate not verified)\n", \
			stamp, 100 + $1 % 100, $1, $1
	}'
}

# --- so many new destinations in one burst

configure strict "${common[@]}"
starts
deferrals 1 "$crowd" >"$dir/burst"
begun=$(ms)
cat "$dir/burst" >>"$log"
others_come_in
awaits "$crowd new destinations are decided and exported" 60 all_decided "$crowd"
took=$(($(ms) - begun))
comment "$crowd new destinations in one burst: decided and exported in $took ms"
is 'Postfix finds the first and the last' "$(in_map d1.many-selfsigned.test) $(in_map d$crowd.many-selfsigned.test)" 'encrypt encrypt'
stops

# --- a resolver that takes two seconds for each answer

fresh() {
	rm -rf "$dir/state"
	mkdir "$dir/state"
	chown nobody:nogroup "$dir/state"
	: >"$log"
}

# lag SECONDS: lines are added all the time, a hundred a second, each about a destination of
# its own; how far the position in the database was behind the end of the log at most, in
# milliseconds, and how late we were ourselves.
lag() {
	PYTHONPATH=$here/../sandbox/lib python3 -B - "$log" "$dir/state/state.db" "$1" <<'END_OF_LAG'
import os, sqlite3, sys, time, wait
log, state, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
database = sqlite3.connect(state, timeout=5)
changes = wait.Changes(os.path.dirname(state))
file = open(log, "ab", buffering=0)
end, ends = file.tell(), []
begun = due = time.monotonic()
worst = late = number = 0
while (now := time.monotonic()) - begun < seconds or ends:
    late = max(late, now - due)
    is_due = now >= due
    if is_due:
        due = now + 0.01
    if is_due and now - begun < seconds:
        number += 1
        line = time.strftime("%b %e %T") + (
            f" mail postfix/smtp[{100 + number % 100}]: S{number:06}: to=<u@s{number}.many-plain.test>, relay="
            "mx.plain.test[10.53.1.32]:25, delay=0.1, delays=0.02/0/0.05/0.03, dsn=4.7.4, status=deferred "
            "(TLS is required, but was not offered by host mx.plain.test[10.53.1.32])\n")
        end += file.write(line.encode())
        ends.append((now, end))
    offset = database.execute("SELECT place + 0 FROM log_place WHERE log = ?", (log,)).fetchone()[0]
    seen = time.monotonic()
    while ends and ends[0][1] <= offset:
        worst = max(worst, seen - ends.pop(0)[0])
    if ends and now - begun > seconds + 20:
        worst = seen - ends[0][0]
        break
    changes.wait(due - time.monotonic())
print(round(worst * 1000), round(late * 1000), number)
END_OF_LAG
}

fresh
"$sandbox" resolver "$dir" slow
configure strict "${common[@]}" 'dns: {timeout: 5s}' 'ladder: {may_after: {attempts: 1}}'
starts
printf '%s mail postfix/smtp[7]: S0: to=<u@first.nowhere.test>, relay=none, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 Ok)\n' \
	"$(date '+%b %e %T')" >>"$log"
await 10 at_end >/dev/null
read -r behind late lines < <(lag 8)
comment "a resolver that takes 2 s an answer: $lines lines in 8 s, the database at most $behind ms behind (checks up to $late ms late)"
is 'the log is never more than a second ahead' "$((behind <= 1000 + late))" 1
awaits 'with an answer there is a decision' 30 grep -q '=s1.many-plain.test action=set level=dane' "$dir/daemon.err"
stops
"$sandbox" resolver "$dir" start

# --- a flood of deferrals, and postqueue

# A message's number names its destination, so that who is retried can be answered for.
note_deferral='function note(d, n) {
	printf "%s mail postfix/smtp[%d]: F%dx%d: to=<u@f%d.many-selfsigned.test>, relay=mx.selfsigned.test[10.53.1.33]:25, delay=0.1, delays=0.02/0/0.05/0.03, dsn=4.7.5, status=deferred (Server certificate not verified)\n", \
		stamp, 100 + number++ % 100, d, n, d
}'

# Destinations 1 to 100 have nearly all of it, 1001 to 1200 three messages each.
flood() {
	awk -v count="$flood" -v stamp="$(date '+%b %e %T')" "$note_deferral"'
		BEGIN {
			for (i = 0; i < count; i++) {
				if (i % int(count / 600) == 7 && small < 600) {
					note(1001 + small % 200, int(small / 200))
					small++
				} else {
					note(i % 100 + 1, int(i / 100))
				}
			}
		}'
}

# Destinations 2001 to 2010 have 200 each, and then 3001 to 3020 three.
another() {
	awk -v stamp="$(date '+%b %e %T')" "$note_deferral"'
		BEGIN {
			for (i = 0; i < 2000; i++)
				note(2001 + i % 10, int(i / 10))
			for (i = 0; i < 60; i++)
				note(3001 + i % 20, int(i / 20))
		}'
}

fresh
chmod 666 "$log"
cat >"$dir/noted" <<'END'
#!/bin/bash
# As Postfix would: what is retried is sent.
dir=${0%/*}
printf '%s %s\n' "$EPOCHREALTIME" "$*" >>"$dir/state/calls"
sent() {
	printf '%(%b %e %T)T mail postfix/smtp[9]: %s: to=<u@f%s.many-selfsigned.test>, relay=mx.selfsigned.test[10.53.1.33]:25, delay=0.1, delays=0.02/0/0.05/0.03, dsn=2.0.0, status=sent (250 Ok)\n' \
		-1 "$1" "$2" >>"$dir/generated.log"
}
case "$*" in
	*' -i F'*)
		id=${!#}
		n=${id#F}
		sent "$id" "${n%x*}"
		exit
		;;
	postqueue*' -j') exec awk -f "$dir/listing" "$dir/generated.log" ;;
	postqueue*' -f')
		for n in $(sed -n 's/^f\([0-9]*\)[.].*/\1/p' "$dir/state/tls_policy"); do
			sent "F${n}x0" "$n"
		done
		;;
esac
exec "$@"
END
configure strict "${common[@]}"
starts
begun=$(ms)
flood >>"$log"
retried() {
	[[ $(sql "SELECT count(*) FROM destination WHERE entry = 'encrypt' AND pending = 0") == 300 &&
		$(sql "SELECT count(*) FROM waiting JOIN destination ON id = destination 
			WHERE key LIKE 'f1___.%' AND (waiting.version > 0 OR waiting.version = -1)") == 0 ]]
}
# A destination with many messages waits for a flush, a minute perhaps; no other does.
awaits 'in a flood of deferrals everybody with few messages is retried at once' 180 retried
comment "$flood deferrals: read and retried in $(($(ms) - begun)) ms; $(calls -f) flushes, $(grep -c ' -i ' "$dir/state/calls") messages by name, $(calls 'postmap -c [^ ]* hash:[^ ]*') maps built"

named() {
	[[ $(grep -oE ' -i F3[0-9]{3}x[0-9]+$' "$dir/state/calls" | sort -u | wc -l) == 60 ]]
}
another >>"$log"
awaits 'another one within the minute: everybody with few messages is retried at once' 180 named
comment "$(calls -f) flushes, $(grep -c ' -i ' "$dir/state/calls") messages by name"
is 'who has many waits for the next flush' "$(grep -cE ' -i F2[0-9]{3}x' "$dir/state/calls")" 0
is 'no message is retried twice' "$(grep -oE ' -i F[0-9]+x[0-9]+$' "$dir/state/calls" | sort | uniq -d | head -n 3)" ''
is 'one flush a minute at most' "$(awk '/ -f$/ { if (last && $1 - last < 59.9) print $1 - last; last = $1 }' "$dir/state/calls")" ''
check 'there was one' grep -q 'postqueue .* -f$' "$dir/state/calls"
stops
finish
