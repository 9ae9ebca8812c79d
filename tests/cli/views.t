#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# list, status and again: what waits is seen, whether the daemon keeps up, and a destination
# is decided anew; and what people are shown fits their terminal.
. "$(dirname -- "$0")/lib.sh"
needs_python

log=$dir/mail.log
: >"$log"
digest=cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2
{
	printf 'dane-bad.test MX secure\n\tdane-bad.test. 300 IN MX 10 mx.dane-bad.test.\n'
	printf 'mx.dane-bad.test A secure\n\tmx.dane-bad.test. 300 IN A 192.0.2.1\n'
	printf '_25._tcp.mx.dane-bad.test TLSA secure\n\t_25._tcp.mx.dane-bad.test. 300 IN TLSA 3 1 1 %s\n' "$digest"
	printf 'away.test MX insecure\n\taway.test. 300 IN MX 10 mx.away.test.\n'
	printf 'mx.away.test A insecure\n\tmx.away.test. 300 IN A 192.0.2.1\n'
} >"$dir/dns"
start_dns
postconf_says 'smtp_dns_support_level = dnssec' 'smtp_host_lookup = dns' \
	'ignore_mx_lookup_error = no' 'maximal_queue_lifetime = 5d'
standard() {
	configure "log: {file: $log}" "dns: {resolver: '$resolver', trust: ad, tries: 1}" \
		"postfix: {command: [$fakes]}"
}
standard

# attempt ID DOMAIN SERVER REASON: that failed now, of a message that came 9 s ago
attempt() {
	local took=8.${EPOCHREALTIME#*[.,]} # two attempts never take the same time
	echo "$(date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00) mail postfix/smtp[77]: $1: to=<user@$2>," \
		"relay=$3[192.0.2.1]:25, delay=9, delays=$took/0/0.03/0.02, dsn=4.7.5, status=deferred ($4)" >>"$log"
}
# waits_in_queue [ID DOMAIN]...: what postqueue shows: an alarm ends when its message is not there.
waits_in_queue() {
	printf '{"queue_name": "deferred", "queue_id": "%s", "arrival_time": '"$EPOCHSECONDS"',
		"recipients": [{"address": "user@%s", "delay_reason": "Server certificate not verified"}]}\n' "$@" |
		sed 'N; s/\n//' >"$dir/postqueue.out"
}
# says WHY KEY: that was decided last
says() {
	"$program" -c "$dir/tlsladder.yaml" explain --json "$2" 2>/dev/null | grep -q "\"why\":\"$1\",\"sentence"
}
dns_time() {
	ladder explain --json "$1"
	json 'd[0]["dns"]["time"]'
}

# --- without anything

ladder status
is 'status without a state: exit status 66' $status 66
ladder again a.test
is 'again without a state too' $status 66

# --- what waits

start
check 'the daemon starts' await 20 said "follows $log"
ladder status --json
is 'status: a daemon runs' "$(json 'd[0]["daemon"]')" running
waits_in_queue 4jYQBx3n2tz1bYNC away.test 4jYQBx3n2tz1bYND dane-bad.test
attempt 4jYQBx3n2tz1bYNC away.test mx.other.test 'Server certificate not verified'
check 'mail waits without an entry' await 20 says elsewhere away.test
attempt 4jYQBx3n2tz1bYND dane-bad.test mx.dane-bad.test 'Server certificate not verified'
check 'DANE is found' await 20 says dane dane-bad.test
in_force() {
	python3 -c '
import sqlite3, sys
(force,), = sqlite3.connect(sys.argv[1]).execute("SELECT force_ms FROM destination WHERE key = ?", (sys.argv[2],))
sys.exit(force > 1 << 60)' "$dir/state.db" "$1"
}
check 'and its entry is in force' await 20 in_force dane-bad.test
# Another attempt at each try: the first may have begun before the entry was in force.
fails_under_dane() {
	attempt 4jYQBx3n2tz1bYND dane-bad.test mx.dane-bad.test 'Server certificate not verified'
	await 3 says dane-not-met dane-bad.test
}
check 'mail waits under dane-only' await 60 fails_under_dane

ladder list --waiting --json
is 'list --waiting: with an entry and without' \
	"$(json '[(e["destination"], e["level"], e["why"], e["waits"]) for e in d]')" \
	"[('away.test', None, 'elsewhere', True), ('dane-bad.test', 'dane-only', 'dane-not-met', True)]"
is 'the first message bounces five days after it came' "$(json '[round((__import__("datetime").datetime.fromisoformat(
	e["bounces_at"].replace("Z", "+00:00")).timestamp() - '"$(date +%s)"') / 3600) for e in d]')" '[120, 120]'
ladder list --json
is 'list: an entry whose mail waits is not shown as if well' \
	"$(json '[(e["destination"], e["why"], e["waits"], e["waits_for"], e["bounces_at"] > "2") for e in d]')" \
	"[('dane-bad.test', 'dane', True, 'dane-not-met', True)]"
ladder list
matches 'in the text too' "$out" '
dane-bad\.test +dane-only +dane .* mail waits: dane-not-met, the first bounces at 2'
matches 'and the zone of its times is named' "$(head -n 1 <<<"$out")" ' UTC$'
ladder list --waiting
matches 'list --waiting: a head, and a line each' "$out" '^DESTINATION +LEVEL +WHY +BOUNCES UTC
away\.test +none +elsewhere +2[0-9-]+ [0-9:]{5}
dane-bad\.test +dane-only +dane-not-met +2[0-9-]+ [0-9:]{5}$'

# OPTIONS|DESTINATIONS
while IFS='|' read -r options wanted; do
	# shellcheck disable=SC2086
	ladder list --json $options
	is "list $options" "$(json '" ".join(e["destination"] for e in d)')" "$wanted"
	# shellcheck disable=SC2086
	ladder list --count $options
	is "list --count $options" "$status $out" "0 $(wc -w <<<"$wanted")"
done <<'END'
--level dane-only|dane-bad.test
--level encrypt|
--level cleartext|
--level none away.test|away.test
--why dane-not-met|
--why dane|dane-bad.test
--waiting --level none|away.test
--waiting --why elsewhere|away.test
--waiting --why dane-not-met --level dane-only|dane-bad.test
away.test|away.test
--waiting away.test dane-bad.test|away.test dane-bad.test
--level secure dane-bad.test|
END
ladder list --count --json
is 'list --count --json' "$out" '{"count":1}'
ladder list dane-bad.test never.test
is 'list of an unknown name: exit status 66' $status 66
has 'which is named' "$err" 'nothing is known of never.test'
has 'the others are shown' "$out" 'dane-bad.test'

# --- status

read_all() {
	ladder status --json
	[[ $(json 'd[0]["log"][0]["lag_bytes"]') == 0 ]]
}
check 'status: the log is read to its end' await 20 read_all
is 'the default level, and that it was read' "$(json 'd[0]["default_level"], d[0]["default_level_read_at"] > "2"')" \
	"('verify', True)"
is 'entries by level' "$(json 'd[0]["entries"]')" "{'dane-only': 1}"
is 'what waits by why' "$(json 'sorted(d[0]["waiting"].items())')" "[('dane-not-met', 1), ('elsewhere', 1)]"
is 'how many' "$(json 'd[0]["waits"]')" 2
is 'whose mail bounces first' "$(json '[d[0]["first"][name] for name in ("destination", "level", "why", "waits")]')" \
	"['away.test', None, 'elsewhere', True]"
is 'and when' "$(json 'd[0]["first"]["bounces_at"] == d[0]["bounces_at"] > "2"')" True
is 'no freeze' "$(json 'd[0]["frozen"], d[0]["frozen_since"]')" '(False, None)'
is 'when the last line was read' "$(json 'd[0]["last_line_read_at"] > "2"')" True
ladder status
matches 'status as text' "$out" '^daemon +runs
default +verify, read at 2[0-9: -]+
entries +1: 1 dane-only
mail waits +for 2 destinations: 1 dane-not-met, 1 elsewhere
first bounce +2[0-9: -]+, to away\.test
freeze +no
last line +read at 2[0-9: -]+
log +read to its end: '

ladder explain away.test dane-bad.test
matches 'explain: the default level where there is no entry, and when it was read' "$out" '
map
  no entry: the default level applies
  the default level is verify, read at 2[0-9: -]+
'
matches 'and beside an entry' "$out" '
  dane-bad\.test	dane-only
  since .*
  the default level is verify, read at 2[0-9: -]+$'
ladder explain --json away.test
is 'explain --json: both' "$(json 'd[0]["default_level"], d[0]["default_level_read_at"] > "2"')" "('verify', True)"

# --- again

before=$(dns_time dane-bad.test)
ladder again dane-bad.test
is 'again: the daemon decides' "$status $out$err" '0 dane-bad.test is decided anew now'
asked_anew() {
	[[ $(dns_time dane-bad.test) > $before ]]
}
check 'and asks DNS anew, whose answer would serve five minutes' await 20 asked_anew
ladder list --json dane-bad.test
is 'nothing is weakened by it' "$(json '[(e["level"], e["waits_for"]) for e in d]')" "[('dane-only', 'dane-not-met')]"
before=$(dns_time dane-bad.test)
check 'a second passes' await 5 eval '[[ $(date -u +%Y-%m-%dT%H:%M:%SZ) > $before ]]'
ladder again --all
is 'again --all' "$status $out" '0 all that is not pinned is decided anew now'
check 'asks for each' await 20 asked_anew
ladder again dane-bad.test never.test
is 'an unknown name: exit status 66' $status 66
has 'which is named' "$err" 'nothing is known of never.test'
is 'and nothing is done' "$out" ''
stop
ladder status --json
is 'no daemon runs' "$(json 'd[0]["daemon"]')" stopped
echo 'one more line' >>"$log"
ladder status --json
is 'what it did not read yet is counted in bytes' "$(json 'd[0]["log"][0]["lag_bytes"], d[0]["log"][0]["at_least"]')" \
	'(14, False)'
mv "$log" "$log.1"
echo 'another' >"$log"
ladder status --json
is 'behind a rotation too' "$(json 'd[0]["log"][0]["lag_bytes"], d[0]["log"][0]["at_least"]')" '(22, False)'

# --- a log that nobody writes

ladder status
hasnt 'a log that is written: nothing of it' "$out" 'no line'
touch -d '2 hours ago' "$log" "$log.1"
since=$(date -u -r "$log" '+%F %T')
python3 - "$dir/state.db" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE waiting SET arrival_ms = 1")
db.commit()
PYTHON
ladder status
matches 'no line for long: since when, and what tells more' "$out" "
no line +since $since; .tlsladder -c $dir/tlsladder\\.yaml doctor. says whether mail"
ladder status --json
is 'in JSON as well' "$(json 'd[0]["last_line_written_at"], d[0]["log_stands_still"]')" "('${since/ /T}Z', False)"
python3 - "$dir/state.db" "$((EPOCHSECONDS - 3600))" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE waiting SET arrival_ms = ? * 1000", (int(sys.argv[2]),))
db.commit()
PYTHON
configure "log: {file: $log}" 'postfix: {config_directory: /nowhere}'
ladder status
matches 'and mail that came later waits: nobody writes it, and what to type' "$out" "
no line +since $since, and mail that came at 2[0-9: -]* waits: nobody writes the log
type +([^ ]+ (install|restart) [a-z-]+|service [a-z-]+ restart|systemctl restart [a-z-]+)
 +postfix -c /nowhere reload
"
ladder status --json
is 'in JSON: it stands still' "$(json 'd[0]["log_stands_still"]')" True
standard
ladder status
matches 'where Postfix is elsewhere its log may be, too: doctor is named' "$out" "
no line +since $since; .*doctor"
touch "$log"

# policies [SQL]: domains of MTA-STS policies of which more is asked now
policies() {
	python3 -c '
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.executescript(sys.argv[2])
    print(*[r[0] for r in db.execute("SELECT domain FROM sts WHERE refresh <> 0 AND next_ms = 1 ORDER BY domain")])' \
		"$dir/state.db" "${1-}"
}
for domain in away.test other.test; do
	policies "INSERT INTO sts VALUES ('$domain', '', 0, '', '', 0, 'valid', '1', 1795483619000, 1795483619000, 0, 0,
		'status', 1795483619000, 1, '1', 1795483619000, 0, 0, 1795483619000, 1795483919000, 'unhad', '', 0, 0)"
done >/dev/null
ladder again away.test
is 'its policy is asked for, whatever time there has to be between two tries' "$(policies)" away.test
is 'without a daemon it is done by the next one' "$out" 'away.test is decided anew once the daemon runs'
# due KEY: "now" or "later": when it is judged; and how long DNS serves
due() {
	python3 -c '
import sqlite3, sys, time
now = time.time() * 1000
print(*["now" if 0 < t <= now else "never" if t == 0 else "later" for t in sqlite3.connect(sys.argv[1]).execute(
    "SELECT look_ms, dns_until_ms FROM destination WHERE key = ?", (sys.argv[2],)).fetchone()])' "$dir/state.db" "$1"
}
is 'it is due, and DNS is asked' "$(due away.test)" 'now never'
ladder set pin.test encrypt
ladder again pin.test
is 'a pin stays' "$out $(due pin.test)" 'pin.test is pinned, and stays so (unset ends that) never never'
ladder again --all
is 'with --all every policy is asked for' "$(policies)" 'away.test other.test'
is 'a pin stays with --all as well' "$(due pin.test)" 'never never'

# --- mail that was sent waits no more, in one reading as well

rm -f "$dir"/state.db* "$dir"/tls_policy*
# waited ID DOMAIN STATUS SECONDS-AGO DELAY
waited() {
	echo "$(date -u -d "-$4 seconds" +%Y-%m-%dT%H:%M:%S.%6N+00:00) mail postfix/smtp[77]: $1: to=<user@$2>," \
		"relay=mx.$2[192.0.2.1]:25, delay=$5, delays=$(($5 - 1))/0/0.9/0.1, dsn=2.0.0, status=$3"
}
{
	waited 4jYQBx3n2tz1bYNG away.test 'deferred (Server certificate not verified)' 300 9
	waited 4jYQBx3n2tz1bYNH away.test 'deferred (Server certificate not verified)' 299 9
	waited 4jYQBx3n2tz1bYNG away.test 'sent (250 2.0.0 Ok: queued as 1)' 180 129
} >"$log"
ladder scan --apply "$log"
ladder list --waiting --json
is 'a message that was sent does not wait' "$(json '[e["destination"] for e in d]')" "['away.test']"
waited 4jYQBx3n2tz1bYNH away.test 'sent (250 2.0.0 Ok: queued as 1)' 60 249 >>"$log"
ladder scan --apply "$log"
ladder list --waiting --json
is 'nor the last one' "$(json '[e["destination"] for e in d]')" '[]'
ladder status --json
is 'nothing waits' "$(json '(d[0]["waits"], d[0]["bounces_at"])')" '(0, None)'
rm -f "$dir"/state.db* "$dir"/tls_policy*
ladder scan --apply "$log"
ladder list --waiting --json
is 'read at once: nothing waits' "$(json '[e["destination"] for e in d]')" '[]'

# --- a terminal

long=$(printf 'a%.0s' {1..60}).$(printf 'b%.0s' {1..60}).$(printf 'c%.0s' {1..60}).example.test
ladder set "$long" secure "match=$(printf 'mx%s.example.test:' {1..20})end" --note 'a note that is long enough to need more than one line of eighty columns'
ladder set bücher-und-noch-mehr-bücher.test verify
spelled=$(python3 -c 'print("bücher-und-noch-mehr-bücher.test".encode("idna").decode())')
ladder set "$spelled" verify
python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE destination SET seen_verify_ms = 1795483619000 WHERE key GLOB ?", ("xn--*",))
reason = "Cannot start TLS: " + "日本語 " * 30
db.execute("UPDATE destination SET reason = ?, deferral = 1, deferral_ms = since_ms WHERE pinned = 1", (reason,))
db.commit()' "$dir/state.db"
cat >"$dir/long.log" <<END
2026-11-24T07:12:01.000000+00:00 mail postfix/smtp[77]: 4jYQBx3n2tz1bYNE: to=<user@$long>, relay=mx.away.test[192.0.2.1]:25, delay=9, delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (Server certificate not verified)
2026-11-24T07:12:01.000000+00:00 mail postfix/smtp[77]: 4jYQBx3n2tz1bYNF: to=<user@scan-of-a-rather-long-name.test>, relay=mx.away.test[192.0.2.1]:25, delay=9, delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (TLS is required, but was not offered by host mx.scan-of-a-rather-long-name.test[192.0.2.1])
END
echo '{"queue_name": "deferred", "queue_id": "4jYQBx3n2tz1bYNB", "arrival_time": 1700000000, "recipients": [{"address": "user@queued-for-a-long-time-already.test", "delay_reason": "TLS is required, but was not offered by host mx.queued.test[192.0.2.1], and nobody knows for how long"}]}' >"$dir/postqueue.out"
# COLUMNS COMMAND
while read -r columns command; do
	command=${command//LONG/$long}
	# shellcheck disable=SC2086
	on_terminal $columns $command
	check "${command//$long/LONG} prints something on a terminal of $columns columns" test -n "$out"
	out=${out//$long/}
	check "${command//$long/LONG}: no more than $columns columns, but for a long name" test "$(widest)" -le "$columns"
done <<END
80 list
80 list --waiting
80 explain away.test
80 explain bücher-und-noch-mehr-bücher.test
80 explain LONG
80 check away.test dane-bad.test LONG
80 scan $dir/long.log
80 queue
80 status
120 list
120 explain LONG
60 list
60 explain away.test
END
ladder explain bücher-und-noch-mehr-bücher.test
matches 'explain: another spelling of it, and its past' "$out" "
another spelling of it
  $spelled
  last verified session  2026-11-24 01:26:59
"
ladder explain --json bücher-und-noch-mehr-bücher.test
is 'explain --json: the same' "$(json '[(s["destination"], s["last_verified"], s["last_sent"]) for s in d[0]["spellings"]]')" \
	"[('$spelled', '2026-11-24T01:26:59Z', None)]"
on_terminal 80 list
has 'a long name is whole' "$out" "$long"
matches 'its row goes on below' "$out" "$long
 +secure +pinned "
has 'what is cut ends with an ellipsis' "$out" '…'
on_terminal 80 explain "$long"
has 'explain: the name is whole' "$out" "$long"
has 'explain: so it is in the line of the map, and its level follows' "$out" "
map
  $long
    secure match="
is 'one zone on the page' "$(grep -o UTC <<<"$out")" UTC
ladder explain "$long"
has 'not on a terminal nothing is cut' "$out" 'mx20.example.test:end'
hasnt 'or marked' "$out" '…'
COLUMNS=40 on_terminal 120 status
check 'COLUMNS is honoured' test "$(widest)" -le 40
hasnt 'status: all that waits is shown' "$(grep -v '^log' <<<"$out")" '…'
on_terminal 80 doctor
out=$(sed "s|${dir}[^ ]*||g; s|/usr/local/[^ ]*||g" <<<"$out")
check 'doctor: no more than 80 columns, but for a long path' test "$(widest)" -le 80
hasnt 'doctor: what is to be typed is not cut' "$out" '…'

export TZ=Europe/Berlin
ladder list pin.test
east=$out
TZ=America/New_York ladder list pin.test
is 'moments are shown in UTC wherever that is read' "$out" "$east"
finish
