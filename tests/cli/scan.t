#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scan of a genuine log: for every destination in it the level that DANE and the ladder
# give, with a scripted name server and commands of Postfix that only note what they are
# asked. Nothing of it changes anything, until --apply.
. "$(dirname -- "$0")/lib.sh"
needs_python

log=$srcdir/tests/logs/corpus/verify-maillog.log

# DESTINATION  DNS  LEVEL  WHY  [MX]
#   DNS    usable, unusable: signed, with TLSA records that Postfix can use, or cannot
#          signed, unsigned: without TLSA; bogus: the question for TLSA fails
#          gateway: unsigned, and the host has usable TLSA
#   LEVEL  -: no entry
#   MX     the host, where it is not mx.DESTINATION; that of relayed.test and transported.test
#          is another than the one in the log: a relayhost and a transport stood in between
table='
[10.53.1.33]          unsigned  encrypt    not-authentic
[ipv6:fd53::1:34]     unsigned  encrypt    not-authentic
bücher.test           unsigned  encrypt    not-authentic
dane-bad.test         usable    dane-only  dane
dane-cname.test       usable    dane-only  dane
dane-greylist.test    usable    dane-only  dane
dane-hosted.test      usable    dane-only  dane           mx.dane-ok.test
dane-junk.test        unusable  encrypt    not-authentic
dane-multi-2nd.test   usable    dane-only  dane           mx2.dane-multi-2nd.test
dane-multi-down.test  usable    dane-only  dane           mx2.dane-multi-down.test
dane-multi.test       usable    dane-only  dane           mx2.dane-multi.test
dane-mxcname.test     usable    dane-only  dane
dane-notls.test       usable    dane-only  dane
dane-ok.test          usable    dane-only  dane
dane-pkix-notls.test  unusable  -          tlsa-unusable
dane-pkix-only.test   unusable  encrypt    not-authentic
dane-refuse.test      usable    dane-only  dane
dane-roll.test        usable    dane-only  dane
dane-servfail.test    bogus     -          dns-unsure
dane-ta.test          usable    dane-only  dane
dane-v6.test          usable    dane-only  dane
expired-cert.test     unsigned  encrypt    not-authentic
hostile-cn.test       unsigned  encrypt    not-authentic
insecure-mx-bad.test  gateway   encrypt    not-authentic  mx.dane-bad.test
insecure-mx.test      gateway   encrypt    not-authentic  mx.dane-ok.test
plain.test            unsigned  dane       not-encrypted
relayed.test          unsigned  -          elsewhere
selfsigned-v6.test    unsigned  encrypt    not-authentic
selfsigned.test       unsigned  encrypt    not-authentic
signed-no-tlsa.test   signed    encrypt    not-authentic
starttls-broken.test  unsigned  encrypt    one-rung
starttls-hostile.test unsigned  dane       not-encrypted
starttls-refused.test unsigned  dane       not-encrypted
tls10-only.test       unsigned  encrypt    one-rung
transported.test      unsigned  -          elsewhere
unsigned-tlsa.test    unsigned  encrypt    not-authentic
wrongname-cert.test   unsigned  encrypt    not-authentic
xn--bcher-kva.test    unsigned  encrypt    not-authentic
'
table=$(grep . <<<"$table")

digest=cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2
while read -r name kind _ _ host_name; do
	[[ $name != \[* ]] || continue
	[[ $name != bücher.test ]] || continue # asked as the name below
	mx=secure host=secure tlsa=secure record="3 1 1 $digest"
	case $kind in
		unusable) record="1 1 1 $digest" ;;
		signed) record='' ;;
		unsigned) mx=insecure host=insecure tlsa=insecure record='' ;;
		gateway) mx=insecure ;;
		bogus) tlsa=servfail record='' ;;
	esac
	: "${host_name:=mx.$name}"
	printf '%s MX %s\n\t%s. 300 IN MX 10 %s.\n' "$name" $mx "$name" "$host_name"
	printf '%s A %s\n\t%s. 300 IN A 192.0.2.1\n' "$host_name" $host "$host_name"
	printf '%s AAAA %s\n_25._tcp.%s TLSA %s\n' "$host_name" $host "$host_name" $tlsa
	[[ -z $record ]] || printf '\t_25._tcp.%s. 300 IN TLSA %s\n' "$host_name" "$record"
done <<<"$table" >"$dir/dns"

start_dns

postconf_says 'smtp_tls_policy_maps =' 'relayhost =' 'transport_maps =' \
	'default_transport = smtp' 'smtp_dns_support_level = dnssec' \
	'info_log_address_format = external' 'smtp_host_lookup = dns' 'ignore_mx_lookup_error = no' \
	'smtp_dns_resolver_options ='
configure "dns: {resolver: '$resolver', trust: ad, tries: 1, timeout: 30s}" \
	'ladder: {may_after: {attempts: 1}}' \
	"postfix: {command: [$fakes], default_level: auto}"

# DESTINATION LEVEL WHY, from JSON on standard input.
as_table() {
	python3 -c '
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    print(d["destination"], d["level"] or "-", d["why"])' | LC_ALL=C sort
}
wanted=$(awk '{ print $1, $3, $4 }' <<<"$table" | LC_ALL=C sort)

ladder scan --json "$log"
is 'scan ends well' "$status" 0
got=$(as_table <"$dir/out")
is 'no destination too many, none missing' "$(cut -d ' ' -f 1 <<<"$got")" \
	"$(cut -d ' ' -f 1 <<<"$wanted")"
declare -A got_of=()
while read -r name level_why; do
	got_of[$name]=$level_why
done <<<"$got"
while read -r name level why; do
	is "$name: $level, $why" "$name ${got_of[$name]-}" "$name $level $why"
done <<<"$wanted"
json=$out

ladder scan "$log"
has 'as text: a row' "$(tr -s ' ' <<<"$out")" 'selfsigned.test encrypt not-authentic TLSA none Server certificate not verified'
has 'as text: the sum' "$out" "$(wc -l <<<"$table") destinations with TLS deferrals"
has 'as text: what it did not do' "$out" 'nothing was changed (--apply does it)'
has 'as text: whom it did not ask' "$out" 'Neither the queue nor the servers were asked'
hasnt 'no colour without a terminal' "$out" $'\e'

gzip -c "$log" >"$dir/mail.log.gz"
ladder scan --json "$dir/mail.log.gz"
is 'a compressed log gives the same' "$(as_table <"$dir/out")" "$got"
"$program" -c "$dir/tlsladder.yaml" scan --json <"$log" >"$dir/out" 2>"$dir/err"
is 'standard input gives the same' "$(as_table <"$dir/out")" "$got"
{
	printf '%070000d\n' 0
	cat "$log"
} >"$dir/long.log"
ladder scan --json "$dir/long.log"
has 'a line over 64 KiB is reported' "$err" "long.log: 1 lines over 64 KiB skipped"
is 'and the others are read' "$(as_table <"$dir/out")" "$got"
for encoding in UTF-16LE UTF-16BE; do
	{
		printf '\ufeff'
		cat "$log"
	} | iconv -f UTF-8 -t $encoding >"$dir/wide.log"
	for command in scan match; do
		ladder $command "$dir/wide.log"
		has "$command: a log in $encoding is told" "$err" "$dir/wide.log is in UTF-16, of which no line is read: iconv -f UTF-16 -t UTF-8 makes it readable"
	done
done
ladder scan "$dir/none.log"
is 'a log that is missing is an error' $status 66

# --- a terminal

if command -v script >/dev/null; then
	on_terminal() {
		script -qec "$* '$program' -c '$dir/tlsladder.yaml' scan '$log'" /dev/null 2>&1 </dev/null
	}
	has 'on a terminal levels have a colour' "$(on_terminal env TERM=xterm)" $'\e[33mencrypt'
	out=$(on_terminal env TERM=xterm NO_COLOR=1 | sed 's/\r//g; s/\x1b\[K//g')
	hasnt 'but not with NO_COLOR' "$out" $'\e'
fi

# --- what is changed

check 'no state without --apply' test ! -e "$dir/state.db"
check 'no map without --apply' test ! -e "$dir/tls_policy"
check 'nothing was retried' test ! -e "$dir/postqueue.calls"

ladder scan --apply --json "$log"
is '--apply of mail that is in the queue no more: exit status 0' "$status" 0
ladder list --json
is '... and nothing weaker is written for it' "$(as_table <"$dir/out" | grep -v ' dane-only ')" ''
rm -f "$dir"/state.db* "$dir"/tls_policy*

# As it waits in the queue: what the log deferred last.
ladder match --all --json "$log"
python3 -c '
import json, sys
waits = {}
for r in map(json.loads, sys.stdin):
    waits.pop((r["queue_id"], r["recipient"]), None)
    if r["status"] == "deferred":
        waits[r["queue_id"], r["recipient"]] = r["reason"]
for (queue_id, recipient), reason in waits.items():
    print(json.dumps({"queue_name": "deferred", "queue_id": queue_id, "arrival_time": 1700000000,
                      "recipients": [{"address": recipient, "delay_reason": reason}]}))' \
	<"$dir/out" >"$dir/postqueue.out"
ladder scan --apply --json "$log"
is '--apply ends well' "$status" 0
is '--apply decides the same' "$(as_table <"$dir/out")" "$got"
ladder list --json
is 'the entries are there' "$(as_table <"$dir/out")" "$(grep -v ' - ' <<<"$wanted")"
is 'they are in the map' "$(awk '!/^#/ { print $1, $2 }' "$dir/tls_policy" | LC_ALL=C sort)" \
	"$(awk '$2 != "-" { print $1, $2 }' <<<"$wanted")"
has 'mail that waits is retried' "$(<"$dir/postqueue.calls")" 'postqueue [-'
files() { (cd "$dir" && ls state.db* tls_policy* && cksum <state.db); }
before=$(files)
ladder scan "$log"
is 'without --apply a state that is there stays as it is, with nothing beside it' "$(files)" "$before"
ladder scan --apply --json "$log"
# Where DNS could not tell, the alarm of an old log ends when it is asked again, after half a minute.
decided() {
	grep -v ' dns-unsure$' | cut -d ' ' -f 1,2
}
is 'the same log once more changes no level' "$(as_table <"$dir/out" | decided)" "$(decided <<<"$got")"

# --- a clock that was a year ahead

rm -f "$dir"/state.db* "$dir"/tls_policy*
# days_ahead: how far ahead the last re-check is.
days_ahead() {
	ladder list --json
	python3 -c '
import datetime, json, sys
now = datetime.datetime.now(datetime.timezone.utc)
print(max((datetime.datetime.fromisoformat(json.loads(line)["look_again"].replace("Z", "+00:00")) - now).days
          for line in sys.stdin))' <"$dir/out"
}
TLSLADDER_NOW_OFFSET=31536000 ladder scan --apply --json "$log"
check 'a clock that is a year ahead: re-checks are, too' test "$(days_ahead)" -gt 350
ladder scan --apply --json /dev/null
check 'when it is right again, they are no further ahead than a lease' test "$(days_ahead)" -lt 91

# --- the queue

message='{"queue_name": "deferred", "queue_id": "4jYQBx3n2tz1bYNB", "arrival_time": 1700000000,
 "recipients": [{"address": "user@queued.test", "delay_reason": "Server certificate not verified"},
 {"address": "user@new.test"}]}'
tr -d '\n' <<<"$message" >"$dir/postqueue.out"
ladder queue --json
is 'queue: what waits in it, and nothing that was not tried' "$status $(python3 -c '
import json, sys
print([json.loads(line)["destination"] for line in sys.stdin if "queued" in line or "new." in line])' <"$dir/out")" \
	"0 ['queued.test']"
# Only the first one's host is another's: it is none of selfsigned.test.
for server in mx.plain.test mx.selfsigned.test; do
	echo '{"queue_name": "deferred", "queue_id": "4jYQBx3n2tz1bYNB", "arrival_time": 1700000000,' \
		'"recipients": [{"address": "user@selfsigned.test",' \
		"\"delay_reason\": \"TLS is required, but was not offered by host ${server}[192.0.2.9]\"}]}" >"$dir/postqueue.out"
	rm -f "$dir"/state.db* "$dir"/tls_policy*
	ladder queue --json
	is "queue: a reason that names $server" "$(grep -o '"why":"[^"]*"' <<<"$out")" \
		"\"why\":\"$([[ $server == mx.plain.test ]] && echo elsewhere || echo not-encrypted)\""
done
tr -d '\n' <<<"$message" >"$dir/postqueue.out"
printf '\nno JSON\n' >>"$dir/postqueue.out"
ladder queue --json
is 'queue: half of an answer: exit status 69' $status 69
has 'and what is wrong with it' "$err" 'cannot read the queue: postqueue printed no JSON'
has 'what could be read counts' "$out" queued.test
: >"$dir/postqueue.out"
echo 'postqueue: fatal: Connect to the Postfix showq service: Permission denied' >"$dir/postqueue.err"
echo 69 >"$dir/postqueue.status"
for apply in '' --apply; do
	# shellcheck disable=SC2086
	ladder queue $apply
	is "queue $apply: postqueue fails: exit status 69" $status 69
	has "queue $apply: and why" "$err" 'showq service: Permission denied'
done
rm -f "$dir"/state.db* "$dir"/tls_policy*
ladder scan --apply "$log"
is 'scan --apply: postqueue fails: exit status 69' $status 69
has 'and why' "$err" 'cannot check waiting mail against the queue: '
hasnt 'and it ends, so that nothing is tried again' "$err" 'try again'
rm "$dir"/postqueue.{err,status}

# --- mail of an old log was sent back long ago

rm -f "$dir"/state.db* "$dir"/tls_policy*
cp "$dir/postconf.out" "$dir/postconf.kept"
echo 'maximal_queue_lifetime = 1h' >>"$dir/postconf.out"
ladder scan --apply "$log"
is 'scan --apply of an old log ends well' "$status" 0
has 'and shows nothing, as the queue has none of it' "$out" '0 destinations with TLS deferrals'
hasnt 'no hour is told that is over' "$err" 'bounces at'
ladder list --waiting --count
is 'and nothing of it waits' "$out" 0
ladder status --json
has 'nor in status' "$out" '"waits":0'
mv "$dir/postconf.kept" "$dir/postconf.out"

# --- what fails for good ends a command

echo 1 >"$dir/postconf.status"
ladder scan --apply "$log"
is 'scan --apply without an answer of postconf: exit status 69' $status 69
has 'and it is reported' "$err" 'cannot ask postconf'
rm "$dir/postconf.status"
configure "dns: {resolver: '$resolver', trust: ad, tries: 1, timeout: 30s}" "map: {file: $dir/tls_policy, type: hash}" \
	"postfix: {command: [$fakes], default_level: auto}"
ladder set more.test may
echo 'postmap: fatal: no room' >"$dir/postmap.err"
echo 1 >"$dir/postmap.status"
ladder scan --apply "$log"
is 'scan --apply without a map: exit status 73' $status 73
has 'and why' "$err" 'postmap: fatal: no room'

finish
