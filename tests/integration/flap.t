#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Destinations that change their mind. A certificate that is good one day and not the
# next: leases grow up to 90 days, and no mail waits longer than for one retry, but where
# it was verified in between. TLSA records that are published, withdrawn and published
# again.
. "$(dirname -- "$0")/lib.sh"

up strict
configure strict
day=0
certificate=selfsigned

# at DAY [SECONDS]: the daemon's clock is so far ahead; the server's certificate is good
# on odd days alone. What is due then is done.
at() {
	local wanted=selfsigned
	[[ -z $daemon ]] || stop || not_ok 'the daemon ends when asked to'
	(($1 % 2 == 0)) || wanted=good
	[[ $wanted == "$certificate" ]] || "$sandbox" cert "$dir" mx.selfsigned.test $wanted
	certificate=$wanted
	day=$1 offset=$(($1 * 86400 + ${2:-0}))
	start "TLSLADDER_NOW_OFFSET=$offset" || { not_ok "the daemon starts on day $1"; finish; }
	await 30 looked >/dev/null || comment "day $1: something is due and not done"
	settle strict
}

# Nothing is due, by the daemon's clock, that is not being done.
looked() {
	local now
	now=$(($(date +%s) + offset))
	[[ $(sql "SELECT count(*) FROM destination WHERE look_ms <> 0 AND look_ms <= ${now}000") == 0 ]]
}

# The lease of an entry, in days.
lease() {
	sql "SELECT lease_ms / 86400000 FROM destination WHERE key = '$1'"
}

why() {
	sql "SELECT why FROM destination WHERE key = '$1'"
}

last_session() {
	grep -o "[A-Z][a-z]* TLS connection established to $1\[.*" "$dir/strict/mail.log" | tail -n 1
}

# mail_flows DOMAIN [FAILED]: a message arrives by itself; at most one attempt of it
# failed, or just so many.
mail_flows() {
	local to=day$day-$RANDOM@$1 failed_before
	send strict "$to"
	# Right after a retry the queue manager is as idle as before it.
	await 20 grep -q "to=<$to>.*status=sent" "$dir/strict/mail.log" >/dev/null
	settle strict
	matches "day $day: mail to $1 flows" "$(arrived "$to")" "^mx.$1 "
	failed_before=$(grep -c "to=<$to>.*status=deferred" "$dir/strict/mail.log")
	if [[ $# -gt 1 ]]; then
		is "day $day: ... after $2 attempts that failed" "$failed_before" "$2"
	else
		is "day $day: ... at the second attempt at the latest" "$((failed_before <= 1))" 1
	fi
}

# --- a certificate that flaps daily

at 0
mail_flows selfsigned.test
is 'day 0: an entry' "$(entry selfsigned.test) $(lease selfsigned.test)" 'encrypt 7'

# climbs DAY: its lease is over, and it is good on that day.
climbs() {
	at "$1" 1
	is "day $1: one clean probe is not enough" "$(entry selfsigned.test) $(why selfsigned.test)" 'encrypt probed'
	mail_flows selfsigned.test 0
	at "$1" 3700
	is "day $1: two clean probes an hour apart climb" "$(entry selfsigned.test) $(why selfsigned.test)" '- probed'
}

# falls DAY: it is good no more, and nobody wrote in between.
falls() {
	at "$1"
	mail_flows selfsigned.test
}

climbs 7
falls 8
is 'day 8: back at once, with twice the lease' "$(entry selfsigned.test) $(lease selfsigned.test)" 'encrypt 14'
at 16
mail_flows selfsigned.test
is 'day 16: not re-checked before the lease is over' "$(lease selfsigned.test) $(why selfsigned.test)" '14 trial-failed'
at 22
is 'day 22: a probe that fails doubles it as well' "$(lease selfsigned.test) $(why selfsigned.test)" '28 still-needed'
mail_flows selfsigned.test
climbs 51
falls 52
is 'day 52: 56 days' "$(entry selfsigned.test) $(lease selfsigned.test)" 'encrypt 56'
climbs 109
falls 110
is 'day 110: no more than 90 days' "$(entry selfsigned.test) $(lease selfsigned.test)" 'encrypt 90'
is 'no mail was held for it' "$(sql "SELECT datetime(time_ms / 1000, 'unixepoch'), after, why, reason FROM decision WHERE action = 'hold'")" ''
# Somebody wrote in between: what did better since it climbed is held.
climbs 201
at 201 3760 # not within the second of that: the log has whole ones
mail_flows selfsigned.test 0
matches 'day 201: its session was verified' "$(last_session mx.selfsigned.test)" '^Verified '
known_at_climb() {
	[[ $(sql "SELECT seen_verify_ms > since_ms FROM destination WHERE key = 'selfsigned.test'") == 1 ]]
}
awaits 'day 201: it is known' 20 known_at_climb
at 202
send strict again@selfsigned.test
settle strict
is 'day 202: mail waits' "$(arrived again@selfsigned.test)" waits
is 'day 202: held, as it did better since' "$(entry selfsigned.test) $(why selfsigned.test)" '- hold'
check 'day 202: the administrator is alerted' grep -q 'alert: selfsigned.test: hold' "$dir/daemon.err"
at 203
retry_all strict
awaits 'day 203: it verifies again, and the mail goes by itself' 20 \
	grep -q 'again@selfsigned.test' "$dir/delivered.tsv"
is 'day 203: no entry' "$(entry selfsigned.test)" -
comment "from the first failure to delivery: $(delays strict | figures)"

# --- TLSA records that come and go

domain=signed-no-tlsa.test
host=mx.$domain
# Somebody else has to verify: where nobody does, the fault may be our own.
others_verify() {
	send strict valid-ca.test
	settle strict
}
at 210
others_verify
mail_flows $domain
is 'day 210: without TLSA' "$(entry $domain)" encrypt
"$sandbox" zone "$dir" tlsa $host 3-1-1
at 217
is 'day 217: published, and seen when the lease is over' "$(entry $domain) $(why $domain)" 'dane-only dane'
mail_flows $domain
matches 'day 217: its session was verified' "$(last_session $host)" '^Verified '

"$sandbox" zone "$dir" tlsa $host
at 219
said=$(wc -l <"$dir/daemon.err")
send strict "gone@$domain"
settle strict
is 'day 219: withdrawn, with proof: mail waits' "$(arrived "gone@$domain")" waits
is 'day 219: the entry stays' "$(entry $domain) $(why $domain)" 'dane-only dane-going'
awaits 'day 219: the administrator is alerted' 10 \
	grep -q "alert: $domain: dane-going" <(tail -n "+$said" "$dir/daemon.err")
others_verify
at 220
at 221
at 221 86000
retry_all strict
is 'three days, nearly: the entry stays' "$(entry $domain)" dane-only
at 222 100
is_held() {
	[[ "$(entry $domain) $(why $domain)" == '- hold' ]]
}
awaits 'after three days it goes, and what did better lately is held first' 20 is_held
is 'day 222: mail waits' "$(arrived "gone@$domain")" waits
at 223 4000
# Its server was asked when the hold ended; for the retry it is asked anew, 30 s later.
awaits 'after the hold mail flows' 60 grep -q "gone@$domain" "$dir/delivered.tsv"
settle strict
is 'day 223: as before there was TLSA' "$(entry $domain) $(lease $domain)" 'encrypt 7'

"$sandbox" zone "$dir" tlsa $host 3-1-1
at 231
is 'day 231: published again' "$(entry $domain) $(why $domain)" 'dane-only dane'
mail_flows $domain
stops
finish
