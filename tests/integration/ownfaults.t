#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Our own faults: the CA file, the resolver, the clock, the map. Whatever Postfix says of
# the destinations meanwhile: no new entry is weaker, an alert names the cause, and when
# it is mended mail flows as before.
. "$(dirname -- "$0")/lib.sh"

crowd=25 # more than ladder.freeze.destinations
year=$((365 * 86400))

up strict
settings=('ladder: {may_after: {attempts: 1}}' 'dns: {timeout: 1s, tries: 1}')
configure strict "${settings[@]}"

# at SECONDS: the daemon's clock is so far ahead from now on.
at() {
	[[ -z $daemon ]] || stop || not_ok 'the daemon ends when asked to'
	start "TLSLADDER_NOW_OFFSET=$1" || { not_ok "the daemon starts at $1 s"; finish; }
}

# Alerts since stage().
told() {
	tail -n "+$((said + 1))" "$dir/daemon.err" | grep -E "$1"
}

stage() {
	fault=$1
	said=$(wc -l <"$dir/daemon.err")
	decisions=$(sql 'SELECT coalesce(max(id), 0) FROM decision')
	before=$(entries)
}

# Every entry that was made since stage().
no_entry() {
	is "$fault${1:+, $1}: no new entry" "$(sql "SELECT key || ' ' || after || ' ' || decision.why
		FROM decision JOIN destination ON destination.id = destination
		WHERE decision.id > $decisions AND action = 'set' ORDER BY key LIMIT 5")" ''
	is "$fault${1:+, $1}: Postfix finds what it found before" \
		"$(grep -v '^#' "$dir/state/tls_policy" | tr '\t' ' ')" "$before"
}

send_crowd() {
	local i to=()
	for ((i = 1; i <= crowd; i++)); do
		to+=("user@d$i.many-selfsigned.test")
	done
	inside sendmail -C "$dir/strict/config" -i -f sender@sender.test -- "${to[@]}" <<<'Subject: crowd'
}

# smtp(8) and proxymap(8) open files when they start, and what they could not open then
# they do not try again.
reload() {
	inside kill -HUP "$(tr -d ' ' <"$dir/${1:-strict}/queue/pid/master.pid")"
}

nothing_waits() {
	[[ -z $(inside postqueue -c "$dir/strict/config" -j) ]]
}

all_flows() {
	retry_all strict
	is "$fault, mended: no mail waits" "$(inside postqueue -c "$dir/strict/config" -j | head -n 3)" ''
}

tells() {
	awaits "$fault: an alert names the cause" 15 told "alert: .*$1"
}

# The log has whole seconds: what verifies in the second in which a freeze began may have
# done so before it. One more session, in a later second.
later() {
	send strict victim.test
	settle strict
	[[ $(tail -n 1 "$dir/strict/mail.log" | cut -c -15) != "$second" ]]
}

thaws() {
	second=$(tail -n 1 "$dir/strict/mail.log" | cut -c -15)
	await 15 later >/dev/null
}

# --- before

"$sandbox" cert "$dir" mx.selfsigned.test good
at 0
send_crowd
send strict valid-ca.test dane-ok.test
settle strict
is 'before: they verify' "$(sql "SELECT count(*) FROM destination WHERE seen_verify_ms > 0")" $((crowd + 1))
cp "$dir/ca.pem" "$dir/ca.good"

# The crowd is one server: it is another one that tells whose fault it is.
proven() {
	[[ $(sql 'SELECT count(*) FROM host WHERE proven_ms > 0') == 2 ]]
}
awaits 'before: canaries are known' 30 proven

# --- the CA file

stage 'an empty CA file'
: >"$dir/ca.pem"
reload
send_crowd
send strict valid-ca.test expired-cert.test
settle strict
no_entry
tells 'our-fault: .*smtp_tls_CAfile.*our TLS engine is unavailable'
cp "$dir/ca.good" "$dir/ca.pem"
reload
postfix_tool postsuper strict -d ALL deferred >/dev/null 2>&1
send_crowd
send strict valid-ca.test
all_flows

stage 'another CA file'
cp "$dir/world/certs/mx.plain.test.issuer" "$dir/ca.pem"
reload
send_crowd
settle strict
tells 'freeze: .*CA file'
send strict valid-ca.test expired-cert.test hosted.test
settle strict
no_entry
at 3700
send strict dane-ok.test
retry_all strict
no_entry 'after the hold, while DANE verifies'
at 90000
retry_all strict
no_entry 'after a day'
cp "$dir/ca.good" "$dir/ca.pem"
reload
# Tried again with the right one, who never verified before is what it is.
before=$(printf '%s\n' "$before" 'expired-cert.test encrypt' | sort)
retry_all strict
at 90400 # the next re-check: what the freeze held is tried again by itself
awaits "$fault, mended: no mail waits" 90 nothing_waits
settle strict
is "$fault, mended: an entry for whom it is right" "$(entries)" "$before"
thaws
send strict valid-ca.test # while mail flows a server that verified is asked, once a minute
awaits "$fault, mended: that is reported" 90 told 'no freeze any more'

# --- the resolver

# The deferral is in the log before the daemon asks.
stop
stage 'a resolver that is stopped'
send strict wrongname-cert.test
"$sandbox" wait "$dir" log strict 'to=<user@wrongname-cert.test>.*not verified' >/dev/null
"$sandbox" resolver "$dir" stop
start TLSLADDER_NOW_OFFSET=90500
awaits "$fault: it was asked" 15 told 'wrongname-cert.test .*why=dns-unsure'
at 90540 # the first back-off is over
tells 'wrongname-cert.test: dns-unsure: DNS could not tell.*127.0.0.1'
no_entry

stage 'a resolver that does not validate'
"$sandbox" resolver "$dir" novalidate
send strict dane-ta.test
settle strict
tells 'dns-unsure: .*validat'
no_entry

"$sandbox" resolver "$dir" start
stop
stage 'a resolver with a clock a year ahead'
send strict nomx.test
"$sandbox" wait "$dir" log strict 'to=<user@nomx.test>.*not verified' >/dev/null
cp "$dir/world/dns/unbound.conf" "$dir/unbound.good"
sed -i "s/^server:/&\n    val-override-date: \"$(date -u -d '+1 year' +%Y%m%d%H%M%S)\"/" "$dir/world/dns/unbound.conf"
"$sandbox" resolver "$dir" start
start TLSLADDER_NOW_OFFSET=94200
awaits "$fault: it was asked" 15 told 'nomx.test .*why=dns-unsure'
at 94240
tells 'nomx.test: dns-unsure: .*SERVFAIL'
no_entry
cp "$dir/unbound.good" "$dir/world/dns/unbound.conf"
"$sandbox" resolver "$dir" start
at 98000
due=$(printf '%s\n' "$before" 'dane-ta.test dane-only' 'nomx.test encrypt' 'wrongname-cert.test encrypt' | sort)
awaits "$fault, mended: the entries that are due" 90 eval '[[ $(entries) == "$due" ]]'
settle strict

# --- the clock

stage 'a clock a year ahead'
at $year
"$sandbox" cert "$dir" mx.selfsigned.test expired
"$sandbox" cert "$dir" mx.valid-ca.test expired
"$sandbox" cert "$dir" mx.victim.test expired
send strict valid-ca.test
settle strict
no_entry 'one destination'
send_crowd
settle strict
no_entry 'many'
tells 'freeze: .*clock'
at 98100
"$sandbox" cert "$dir" mx.selfsigned.test good
"$sandbox" cert "$dir" mx.valid-ca.test good
"$sandbox" cert "$dir" mx.victim.test good
all_flows
no_entry 'set back'
# ... and nothing of it is left: a hold is one again.
thaws
"$sandbox" cert "$dir" mx.valid-ca.test selfsigned
send strict valid-ca.test
settle strict
matches "$fault, set back: a hold is a hold" "$(ladder explain --json valid-ca.test)" '"held":"encrypt","why":"hold"'
"$sandbox" cert "$dir" mx.valid-ca.test good
all_flows

stage 'a clock a year behind'
at -$year
"$sandbox" cert "$dir" mx.selfsigned.test expired
"$sandbox" cert "$dir" mx.valid-ca.test expired
"$sandbox" cert "$dir" mx.victim.test expired
send strict valid-ca.test
settle strict
no_entry 'one destination'
send_crowd
settle strict
no_entry 'many'
tells 'freeze: .*clock'
at 98120
"$sandbox" cert "$dir" mx.selfsigned.test good
retry_all strict
no_entry 'set right: who still fails has a hold to wait for'
"$sandbox" cert "$dir" mx.valid-ca.test good
"$sandbox" cert "$dir" mx.victim.test good
all_flows
thaws

# --- the map

stage 'a map type that is not installed'
stop
cp -a "$dir/state" "$dir/state.good"
configure strict "${settings[@]}" "map: {file: $dir/state/tls_policy, type: lmdb}"
inside bash -c 'cp -a /etc/postfix /run/pf; : >/etc/postfix/dynamicmaps.cf; rm -rf /etc/postfix/dynamicmaps.cf.d'
"$sandbox" exec "$dir" -- env TLSLADDER_NOW_OFFSET=98200 "${user[@]}" "$program" -v -c "$dir/tlsladder.yaml" run \
	</dev/null >>"$dir/daemon.out" 2>>"$dir/daemon.err" &
daemon=$!
tells 'cannot export the map: .*lmdb'
send strict unsigned-tlsa.test
# A canary that answered just before the attempt is asked anew 30 s after its answer.
awaits "$fault: decisions are made" 45 told 'unsigned-tlsa.test action=set level=encrypt'
is "$fault: the map of before is still there" "$(in_map expired-cert.test)" encrypt
inside bash -c 'cp -a /run/pf/dynamicmaps.cf* /etc/postfix'
awaits "$fault, mended: it is exported" 30 test -s "$dir/state/tls_policy.lmdb"
is "$fault, mended: with what was decided meanwhile" \
	"$(inside postmap -q unsigned-tlsa.test "lmdb:$dir/state/tls_policy")" encrypt
stop
configure strict "${settings[@]}"
start TLSLADDER_NOW_OFFSET=98300
retry_all strict

stage 'a map that is gone'
rm "$dir/state/tls_policy.db"
send strict expired-cert.test dane-ok.test selfsigned-v6.test
awaits "$fault: Postfix has no policy for anybody" 15 \
	grep -q 'to=<user@expired-cert.test>.*client TLS configuration problem' "$dir/strict/mail.log"
tells 'our-fault: .*smtp_tls_policy_maps cannot be read'
settle strict
is "$fault: every entry stays" "$(entries)" "$before"
awaits "$fault: it is written anew" 10 test -s "$dir/state/tls_policy.db"
reload
all_flows

sender proxied "smtp_tls_policy_maps=proxy:hash:$dir/state/tls_policy" \
	"proxy_read_maps=proxy:hash:$dir/state/tls_policy"
stop
configure proxied "${settings[@]}"
start TLSLADDER_NOW_OFFSET=98400
stage 'a map that Postfix may not read'
chmod 700 "$dir/state"
send proxied expired-cert.test dane-ok.test valid-ca.test
settle proxied
tells 'our-fault: .*smtp_tls_policy_maps cannot be read'
is "$fault: every entry stays" "$(entries)" "$before"
no_entry
chmod 755 "$dir/state"
reload proxied
retry_all proxied
is "$fault, mended: every entry stays" "$(entries)" "$before"
is "$fault, mended: no mail waits" "$(inside postqueue -c "$dir/proxied/config" -j | head -n 3)" ''
stops
finish
