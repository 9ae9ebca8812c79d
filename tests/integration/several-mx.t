#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Destinations with several MX hosts, where the last one that smtp(8) comes to fails for
# another reason than TLS, so that no status line tells of the others: "QID: REASON" does.
. "$(dirname -- "$0")/lib.sh"

up strict
configure strict 'ladder: {may_after: {attempts: 1}}'
"$sandbox" cert "$dir" mx.tempfail3.test selfsigned
while read -r domain hosts; do
	check "$domain has the MX hosts $hosts" "$sandbox" zone "$dir" mx "$domain" "$hosts"
done <<'END'
selfsigned.test mx.selfsigned.test,mx.down.test
wrongname-cert.test mx.wrongname-cert.test,mx.tempfail3.test
expired-cert.test mx.expired-cert.test,mx.tempfail2.test
plain.test mx.plain.test,mx.drop.test
tls10-only.test mx.tls10-only.test,mx.down.test
starttls-refused.test mx.starttls-refused.test,mx.selfsigned.test,mx.down.test
hosted.test mx.selfsigned.test,mx.valid-ca.test
END
log=$dir/strict/mail.log

# said DOMAIN: the reasons that no recipient stands in, of the first message to it.
said() {
	local id
	id=$(sed -n "s/.*\]: \([^ ]*\): to=<user@$1>.*/\1/p" "$log" | head -n 1)
	sed -n "s/.*\]: $id: \(Server certificate not.*\|Cannot start TLS.*\|TLS is required.*\)/\1/p" "$log" | sort -u
}

# last DOMAIN: the reason in its first status line.
last() {
	sed -n "s/.*to=<user@$1>.*status=[a-z]* (\(.*\))$/\1/p" "$log" | head -n 1
}

starts
send strict selfsigned.test wrongname-cert.test expired-cert.test plain.test tls10-only.test \
	starttls-refused.test hosted.test
settle strict

# The lines are what this is about: no status line names the fault.
while IFS='|' read -r domain reason; do
	matches "$domain: Postfix says of the first host: $reason" "$(said "$domain")" "$reason"
done <<'END'
selfsigned.test|Server certificate not verified
wrongname-cert.test|Server certificate not verified
expired-cert.test|Server certificate not verified
plain.test|TLS is required, but was not offered by host mx\.plain\.test
tls10-only.test|Cannot start TLS: handshake failure
starttls-refused.test|TLS is required, but host mx\.starttls-refused\.test.* refused to start TLS
hosted.test|Server certificate not verified
END
matches 'and in the status line, of the last one: refused' "$(last selfsigned.test)" 'connect to mx\.down\.test.*Connection refused'
matches '... a word of its own' "$(last expired-cert.test)" 'host mx\.tempfail2\.test.* said: 450'
matches '... hung up' "$(last plain.test)" 'mx\.drop\.test'

# What the strongest host that answers meets, and no less.
rows='wrongname-cert.test = encrypt = tls
selfsigned.test = encrypt = tls
plain.test = dane = clear
tls10-only.test = encrypt = TLSv1
starttls-refused.test = encrypt mx.selfsigned.test tls
hosted.test = - mx.valid-ca.test tls
expired-cert.test = - waits -'
table_holds strict "$rows"
is 'the alarm has the reason, and the host that it was about' \
	"$(sql "SELECT reason, relay FROM destination WHERE key = 'expired-cert.test'")" \
	'Server certificate not verified|mx.expired-cert.test'
matches 'explain: the decision rests on the host that has a certificate of its own' \
	"$(ladder explain selfsigned.test)" 'mx\.selfsigned\.test answer=tls meets=encrypt'
matches '... and tells that the other did not answer' "$(ladder explain selfsigned.test)" 'mx\.down\.test answer=silent'
matches 'expired-cert.test: a host that says 450 and meets the level is no reason for less' \
	"$(ladder explain expired-cert.test)" 'contradiction'

# bounces SENDER DOMAIN: the hours at which the oldest message to it may bounce, as alerts
# have them: the queue has it in whole seconds.
bounces() {
	inside postqueue -c "$dir/$1/config" -j | python3 -c '
import datetime, json, sys
messages = [m for m in map(json.loads, sys.stdin) if m["recipients"][0]["address"] == "user@" + sys.argv[1]]
for early in 0, 1:
    bounces = min(m["arrival_time"] for m in messages) + 5 * 86400 - early
    print(datetime.datetime.fromtimestamp(bounces, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))' "$2"
}

# told DOMAIN WHY: the alert of it, once, has the hour at which its mail bounces.
told() {
	local line
	line=$(grep -F "alert: $1: $2: " "$dir/daemon.err")
	is "$1: that is told once" "$(grep -c . <<<"$line")" 1
	matches '... with the hour of the bounce' "$line" "; the first message bounces at ($(bounces strict "$1" | paste -sd'|'));"
	has '... and why it failed, at the host that did' "$line" "; cause: expired at mx.expired-cert.test"
}
told expired-cert.test contradiction
stops

# --- without posttls-finger: the reason that leads least far down

rm -rf "$dir/state"
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"
: >"$dir/delivered.tsv"
postfix_tool postsuper strict -d ALL >/dev/null 2>&1 # else it would not be the oldest that is told of
configure strict 'ladder: {may_after: {attempts: 1}}' 'probe: {servers: no}'
starts
send strict selfsigned.test expired-cert.test plain.test starttls-refused.test
settle strict
table_holds strict 'selfsigned.test = encrypt = tls
expired-cert.test = - waits -
plain.test = dane = clear
starttls-refused.test = encrypt mx.selfsigned.test tls'
# What of its hosts was seen to do better, though not to take mail, holds the step for a day.
told expired-cert.test hold
stops
finish
