#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A line counts once, whoever reads it: files in any order, that overlap, copies, compressed
# ones, again and again, with the daemon before, between and after.
. "$(dirname -- "$0")/lib.sh"
needs_python

postconf_says 'info_log_address_format = external'
log=$dir/mail.log
configure "log: {file: $log, from: start, learn: 0}"

# Two hosts, several lines in a second, sessions, sent and deferred mail; no line twice.
python3 - "$dir" <<'END'
import random, sys
random.seed(7)
lines = []
for n in range(3000):
    second = n // 6
    # stamps of one host go back a little now and then, as processes log in parallel
    second -= 1 if second % 300 > 2 and random.random() < 0.05 else 0
    stamp = "2026-11-%02dT07:%02d:%02d+00:00" % (20 + second // 300, second % 300 // 60, second % 60)
    host = "mx%d" % (n % 2)
    name = "d%d.test" % random.randrange(40)
    pid = 1000 + n # a process of its own, so that no session goes on in the next part
    head = "%s %s postfix/smtp[%d]: " % (stamp, host, pid)
    if random.random() < 0.3:
        lines.append(head + "Verified TLS connection established to mx.%s[192.0.2.1]:25: TLSv1.3 with cipher X (256/256 bits)" % name)
    tail = "dsn=2.0.0, status=sent (250 Ok)" if random.random() < 0.7 else "dsn=4.7.5, status=deferred (Server certificate not verified)"
    lines.append(head + "%X: to=<u@%s>, relay=mx.%s[192.0.2.1]:25, delay=1, delays=0.1/0/0.5/0.4, %s" % (0xA0000 + n, name, name, tail))
open(sys.argv[1] + "/lines", "w").write("\n".join(lines) + "\n")
END

# Nothing is made of a line whose message is not in the queue.
python3 - "$dir" "$EPOCHSECONDS" <<'END'
import json, re, sys
with open(sys.argv[1] + "/postqueue.out", "w") as queue:
    for line in open(sys.argv[1] + "/lines"):
        found = re.search(r"\]: ([0-9A-F]+): to=<([^>]*)>.*status=deferred \((.*)\)", line)
        if found:
            print(json.dumps({"queue_name": "deferred", "queue_id": found[1], "arrival_time": int(sys.argv[2]) - 60,
                              "recipients": [{"address": found[2], "delay_reason": found[3]}]}), file=queue)
END

# figures: what is counted, of all destinations.
figures() {
	python3 - "$dir/state.db" <<'END'
import sqlite3, sys
db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
for row in db.execute("SELECT d.key, what, SUM(t.count) FROM tally t JOIN destination d ON d.id = t.destination GROUP BY 1, 2 ORDER BY 1, 2"):
    print(*row)
for row in db.execute("SELECT name, value FROM counter WHERE name IN ('status-lines', 'recognised') ORDER BY name"):
    print(*row)
END
}

forget() {
	rm -f "$dir"/state.db* "$dir"/mail.log*
	: >"$log"
}

scan() {
	ladder scan --apply "$@"
	[[ $status -eq 0 ]] || note "scan $*: $status $err"
}

note() {
	echo "# $*"
}

all=$dir/lines
forget
scan "$all"
wanted=$(figures)
shown=$(grep -c '^d[0-9]' <<<"$out")
is 'every line counts' "$(grep status-lines <<<"$wanted")" 'status-lines 3000'
scan "$all"
is 'scan --apply twice' "$(figures)" "$wanted"
is 'its destinations are shown all the same' "$(grep -c '^d[0-9]' <<<"$out")" "$shown"
check 'and there are some' test "$shown" -gt 0
: >"$dir/postqueue.out" # which a daemon that starts reads as well

# Parts: cut within a second, overlapping, a copy, a compressed one, every second line.
# between two messages: their number is what they are cut by.
part() {
	awk -v from="$1" -v to="$2" 'match($0, /smtp\[[0-9]+\]/) {
		n = substr($0, RSTART + 5, RLENGTH - 6) - 1000
		if (n >= from && n < to) print }' "$all"
}
part 0 1801 >"$dir/first"
part 1199 3000 >"$dir/last"
part 900 2101 >"$dir/middle"
cp "$dir/middle" "$dir/copy"
gzip -c "$dir/last" >"$dir/last.gz"
awk -F '[][]' '$2 % 3' "$all" >"$dir/odd"
awk -F '[][]' '$2 % 3 == 0' "$all" >"$dir/even"
grep ' mx0 ' "$all" >"$dir/mx0"
grep ' mx1 ' "$all" >"$dir/mx1"
part 0 1501 >"$dir/half1"
part 1501 3000 >"$dir/half2"

while read -r what; do
	forget
	for step in ${what//;/ }; do
		files=()
		for file in ${step//,/ }; do
			files+=("$dir/$file")
		done
		scan "${files[@]}"
	done
	is "scan --apply $what" "$(figures)" "$wanted"
done <<'END'
first,last
last,first
last,first,middle,copy
copy,last.gz,first,middle
first;last
last;first
middle;first;last.gz
last.gz;copy;first;last
half2,half1
half2;half1
half1;half2
mx0;mx1
mx1,mx0
mx1;first;mx0;last
odd,even
even,first,odd,last
END
cat "$all" "$all" >"$dir/twice"
forget
scan "$dir/twice"
is 'a log that holds another twice' "$(figures)" "$wanted"
forget
run bash -c "cat '$dir/last' | '$program' -c '$dir/tlsladder.yaml' scan --apply - '$dir/first'"
is 'standard input beside a file' "$(figures)" "$wanted"

# The daemon.
begins() {
	start
	await 20 said follows
}

# The lines of the log that the daemon has are counted by the time it is asked to end.
caught_up() {
	ladder status --json
	[[ $(json 'd[0]["log"][0]["lag_bytes"]') == 0 ]]
}

counted() {
	[[ $(figures | sed -n 's/^status-lines //p') -ge $1 ]]
}

forget
cat "$dir/half1" >>"$log"
begins
await 20 counted 1501
scan "$dir/first"
cat "$dir/half2" >>"$log"
await 20 counted 3000
scan "$dir/last.gz" "$log"
stop
is 'the daemon, and scan --apply between and after' "$(figures)" "$wanted"
scan "$all" "$dir/copy"
is 'and once it ended' "$(figures)" "$wanted"

forget
scan "$dir/last"
cat "$all" >>"$log"
begins
await 20 counted 3000
stop
is 'scan --apply before the daemon, which reads all' "$(figures)" "$wanted"
begins
stop
is 'another start' "$(figures)" "$wanted"

forget
configure "log: {file: $log, from: end, learn: 0}"
cat "$dir/half1" >>"$log"
begins
cat "$dir/half2" >>"$log"
await 20 counted 1499
stop
cp "$log" "$dir/mail.log.1"
gzip -c "$log" >"$dir/mail.log.2.gz"
scan "$dir/mail.log.2.gz" "$log" "$dir/mail.log.1"
is 'the daemon began at the end: what was before is counted by scan, once' "$(figures)" "$wanted"

# --- two that read at the same time

# hold: Postfix's answer to who asks it first, until somebody writes to the pipe "free".
hold() {
	rm -rf "$dir/held" "$dir/free"
	mkfifo "$dir/free"
	cat >"$dir/postconf.sh" <<'END'
! mkdir "$FAKE_DIR/held" 2>/dev/null || cat "$FAKE_DIR/free"
cat "$FAKE_DIR/postconf.out"
END
}

other=''
# beside FILE...: scan --apply, while the test goes on; its process is in other.
beside() {
	"$program" -c "$dir/tlsladder.yaml" scan --apply "$@" >"$dir/beside.out" 2>"$dir/beside.err" 9>&- &
	other=$!
}

# ended: it is, and has no fault.
ended() {
	wait "$other" || note "beside: $? $(<"$dir/beside.err")"
	other=''
}

over() {
	! kill -0 "$other" 2>/dev/null
}

# waits_for_turn: the scan that is beside counts nothing before the daemon stored its lines.
waits_for_turn() {
	over || grep -q 'waits' "$dir/beside.err"
}

configure "log: {file: $log, from: start, learn: 0}"
forget
cat "$all" >>"$log"
hold
begins
await 20 test -d "$dir/held"
beside "$dir/middle"
await 20 waits_for_turn
: >"$dir/free"
wait "$other"
status=$? other=''
is 'scan --apply, while lines of the daemon wait for Postfix' "$status" 0
await 20 counted 3000
await 20 caught_up >/dev/null
stop
is 'what both read counts once' "$(figures)" "$wanted"

forget
rm "$dir/postconf.sh"
mkfifo "$dir/pipe"
begins
beside "$dir/pipe"
exec {pipe}>"$dir/pipe"
cat "$dir/half1" >&"$pipe"
cat "$dir/half1" >>"$log"
await 20 counted 1501
cat "$dir/half2" >&"$pipe"
await 20 counted 3000
cat "$dir/half2" >>"$log"
exec {pipe}>&-
wait "$other"
status=$? other=''
is 'scan --apply of a pipe that pauses, beside the daemon' "$status" 0
await 20 caught_up >/dev/null
stop
is 'what both read of it counts once' "$(figures)" "$wanted"

# --- any order, any overlap, the daemon at any moment

# Drawn: two logs that together have every line, pieces of them, copies, in any order, some
# twice, some together; the daemon reads one of the logs as it grows, begins and ends between.
# COUNTED_SEED and COUNTED_ROUNDS can be set.
draw() {
	python3 - "$1" <<'END'
import random, sys
random.seed(int(sys.argv[1]))
cut, back = sorted(random.sample(range(200, 2800), 2))
logs = [(0, back), (cut, 3000)]
random.shuffle(logs)
pieces = list(logs)
for _ in range(random.randrange(4)):
    begin, end = random.choice(logs)
    a, b = sorted(random.sample(range(begin, end + 1), 2))
    pieces.append((a, b))
pieces += random.sample(pieces, random.randrange(len(pieces)))
random.shuffle(pieces)
steps = []
while pieces:
    some = [pieces.pop() for _ in range(min(len(pieces), random.choice([1, 1, 2, 3])))]
    # beside: the next steps do not wait until it is over
    how = random.choice(["scan", "scan", "beside"])
    steps.append(how + " " + ",".join("%d-%d%s" % (a, b, random.choice(["", ".gz"])) for a, b in some))
# The daemon's log is the first one, in two parts.
begin, end = logs[0]
middle = random.randrange(begin, end + 1)
at = sorted(random.choices(range(len(steps) + 1), k=6))
daemon = ["grow %d-%d" % (begin, middle), "start", "grow %d-%d" % (middle, end), "stop", "start", "stop"]
if random.random() < 0.3:
    daemon = daemon[:1]
for place, step in reversed(list(zip(at, daemon))):
    steps.insert(place, step)
print("\n".join(steps))
END
}

# piece FROM-TO[.gz]: its file.
piece() {
	local name=$dir/piece-$1
	if [[ ! -e $name ]]; then
		part "${1%-*}" "$(cut -d - -f 2 <<<"${1%.gz}")" >"$name"
		[[ $1 != *.gz ]] || gzip -n <"$name" >"$name.new"
		[[ $1 != *.gz ]] || mv "$name.new" "$name"
	fi
	echo "$name"
}

configure "log: {file: $log, from: start, learn: 0}"
seed=${COUNTED_SEED:-1}
for ((round = 0; round < ${COUNTED_ROUNDS:-5}; round++)); do
	forget
	drawn=$(draw $((seed + round)))
	while read -r step what <&3; do
		case $step in
		scan | beside)
			files=()
			for one in ${what//,/ }; do
				files+=("$(piece "$one")")
			done
			[[ $step == scan || -z $other ]] || ended
			"$step" "${files[@]}"
			;;
		grow) cat "$(piece "$what")" >>"$log" ;;
		start) begins ;;
		stop)
			await 20 caught_up >/dev/null || note 'the daemon is behind'
			stop
			;;
		esac
	done 3<<<"$drawn"
	[[ -z $other ]] || ended
	is "drawn by $((seed + round)): the same figures" "$(figures)" "$wanted"
	[[ $(figures) == "$wanted" ]] || note "${drawn//$'\n'/; }: $(diff <(figures) - <<<"$wanted" | tail -n 8)"
done

# --- ladder.may_after is not fed twice

# not_offered NUMBER: a line of now; another message each.
not_offered() {
	printf '%(%FT%T)T+00:00 mx9 postfix/smtp[%d]: F%d: to=<u@plain.test>, relay=mx.plain.test[192.0.2.1]:25, delay=1, delays=0.1/0/0.5/0.4, dsn=4.7.4, status=deferred (TLS is required, but was not offered by host mx.plain.test[192.0.2.1])\n' \
		-1 $((4000 + $1)) "$1"
}

# attempts: of plain.test, as its alarm has them, and those of them that met no TLS.
attempts() {
	python3 - "$dir/state.db" <<'END'
import sqlite3, sys
db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
for row in db.execute("SELECT attempts, plain_attempts FROM destination WHERE key = 'plain.test'"):
    print(*row)
END
}

alarmed() {
	[[ $(attempts) == "$1" ]]
}

cat >"$dir/dns" <<'END'
plain.test MX insecure
	plain.test. 300 IN MX 10 mx.plain.test.
mx.plain.test A insecure
	mx.plain.test. 300 IN A 192.0.2.1
END
start_dns

for n in 1 2; do
	echo "{\"queue_name\": \"deferred\", \"queue_id\": \"F$n\", \"arrival_time\": $((EPOCHSECONDS - 60)), \"recipients\": [{\"address\": \"u@plain.test\", \"delay_reason\": \"TLS is required, but was not offered by host mx.plain.test[192.0.2.1]\"}]}"
done >"$dir/postqueue.out"
forget
configure "log: {file: $log, from: start, learn: 0}" "dns: {resolver: '$resolver', trust: ad, tries: 1}" \
	'ladder: {may_after: {attempts: 2, time: 0s}}'
begins
not_offered 1 >>"$log"
await 20 counted 1
cp "$log" "$dir/seen"
scan "$log"
scan "$dir/seen" "$log"
check 'an attempt is counted' await 20 alarmed '1 1'
stop
scan "$dir/seen"
begins
scan "$log"
is 'scan --apply beside the daemon, before and after: it is one attempt' "$(attempts)" '1 1'
# The log has whole seconds, and of one second is one attempt.
is_later() {
	[[ $EPOCHSECONDS -gt $1 ]]
}
await 5 is_later "$EPOCHSECONDS"
not_offered 2 >>"$log"
check 'another attempt is the second one' await 20 alarmed '2 2'
scan "$dir/seen" "$log"
stop
is 'and counts once as well' "$(attempts)" '2 2'
: >"$dir/postqueue.out"

# --- a scan by another clock

# sent NUMBER: a line of now, without a time zone.
sent() {
	printf '%(%b %e %T)T mx9 postfix/smtp[9]: A%s: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, delay=1, delays=0.1/0/0.5/0.4, dsn=2.0.0, status=sent (250 Ok)\n' \
		-1 "$1"
}

forget
for n in 1 2 3; do
	sent $n
done >"$dir/before"
run env TZ=PST8 "$program" -c "$dir/tlsladder.yaml" scan --apply "$dir/before"
begins
for n in 4 5 6; do
	sent $n
done >>"$log"
await 20 counted 6
stop
is 'a scan in another time zone hides no line that is written later' \
	"$(figures | grep status-lines)" 'status-lines 6'

# --- what the first start learns

forget
configure "log: {file: $log, from: end}"
gzip -c "$dir/half1" >"$dir/mail.log.2.gz"
cp "$dir/last" "$dir/mail.log.1"
sed 's/2026-11/2026-01/' "$all" >"$dir/mail.log.3"
touch "$dir/mail.log.3"
begins
await 20 counted 3000
stop
is 'the first start learns what went well in the rotated logs, each line once' \
	"$(figures | grep -v deferred)" "$(sed 's/^recognised.*//; /^$/d' <<<"$wanted" | grep -v deferred)"
hasnt 'and nothing of what failed' "$(figures)" deferred
ladder list
is 'nothing is decided of it' "$(grep -c '^d[0-9]' <<<"$out")" 0
begins
stop
is 'another start learns nothing' "$(figures | grep status-lines)" 'status-lines 3000'

# --- whose destinations, and since when

forget
scan "$all"
printf '2026-11-22T07:00:00+00:00 mx9 postfix/smtp[1]: ABC1: to=<u@only.test>, relay=none, delay=1, delays=0/0/1/0, dsn=4.7.5, status=deferred (Server certificate not verified)\n' >"$dir/only"
ladder scan "$dir/only"
has 'its destination is shown' "$out" 'only.test'
hasnt 'and none of the state' "$out" 'd1.test'
: >"$dir/nothing"
for file in nothing missing; do
	ladder scan "$dir/$file"
	has "a log that is $file: none" "$out" '0 destinations with TLS deferrals'
done
is 'a missing file is an error' "$status" 66
sed 's/only.test/early.test/; s/ABC1/ABC2/; s/11-22T07/11-21T07/' "$dir/only" >"$dir/early"
for since in 2026-11-22 '2026-11-22 06:30' 2026-11-21T08:00:00 2026-11-22T06:30 \
	2026-11-22T06:30:00Z 2026-11-22T06:30Z; do
	ladder scan --since "$since" "$dir/only" "$dir/early"
	is "--since $since" "$(grep -o '^[a-z]*\.test' <<<"$out")" only.test
done
ladder scan --since 1h "$dir/early"
for since in 0 0h; do
	ladder scan --since "$since" "$dir/early"
	is "--since $since leaves nothing to read, and is refused" "$status" 64
done
ladder scan --since 1h "$dir/early"
has '--since with a span' "$out" '0 destinations'
TZ=Asia/Tokyo ladder scan --since 2026-11-22T07:00:00Z "$dir/only" "$dir/early"
is '--since with a Z is UTC wherever it is read' "$(grep -o '^[a-z]*\.test' <<<"$out")" only.test
for since in yesterday 2026-02-30 2026-02-29T07:30:00Z '2026-04-31 07:30' 2026-11-22T07:30:00+01:00; do
	ladder scan --since "$since" "$dir/only"
	is "--since $since is no time: exit status 64" "$status" 64
done
ladder scan "$dir/missing" "$dir/only"
has 'the others are read all the same' "$status $out" 'only.test'

# --- forms

printf '{"log":"ABC1: to=<u@x.test>, relay=none, delay=1, status=deferred (x)"}\n' >"$dir/strange"
ladder scan "$dir/strange"
has 'what is not understood is said' "$err" "1 line like Postfix's is in a form that is not read"
ladder status --json
before=$(json 'd[0]["not_understood"]')
scan "$dir/strange"
ladder status --json
is 'status counts it' "$(json 'd[0]["not_understood"]')" $((before + 1))
ladder status
matches 'and says so' "$out" 'not read +[0-9]+ lines? like Postfix'

# not_read COUNT: so many lines are counted as not understood.
not_read() {
	ladder status --json
	[[ $(json 'd[0]["not_understood"]') == "$1" ]]
}

forget
configure "log: {file: $log, from: start, learn: 0}"
begins
printf '%s\n%s\n' "$(<"$dir/strange")" "$(<"$dir/strange")" >>"$log" # at once
check 'run says it as well' await 20 said "warning: 2 lines like Postfix's are in a form that is not read; the last begins: .*ABC1: to="
cat "$dir/strange" >>"$log"
check 'status counts what run read' await 20 not_read 3
stop
is 'run says it once an hour at most' "$(grep -c 'in a form that is not read' "$dir/run.err")" 1
{
	printf '2026-11-22T07:00:00+00:00 mx9 postfix/smtp[1]: ABC1: to=<"a"@victim.test>, relay=none, delay=1, delays=0/0/1/0, dsn=4.7.4, status=deferred (TLS is required, but host m[192.0.2.1] refused to start TLS: 454 x) y@evil.test>, relay=none, delay=1, delays=0/0/0/0, dsn=5.1.1, status=bounced (unknown user)\n'
} >"$dir/forged"
ladder scan "$dir/forged"
hasnt 'another log: no recipient writes a line' "$out" 'victim.test'
ladder scan "$dir/forged" "$dir/only"
hasnt 'nor beside others' "$out" 'victim.test'
cp "$dir/forged" "$log"
ladder scan "$log"
has 'its own, where addresses are quoted: a server said that' "$out" 'victim.test'
sed -i 's/external/internal/' "$dir/postconf.out"
ladder scan "$log"
hasnt 'and where they are not' "$out" 'victim.test'

finish
