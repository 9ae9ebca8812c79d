#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The way up: what happens at the end of a lease, when servers improve or do not, and when
# TLSA records come and go. The daemon's clock is moved on between its restarts.
. "$(dirname -- "$0")/lib.sh"

hour=3600
day=86400

up strict
cat >"$dir/wrapper" <<'SH'
#!/bin/sh
# In front of every command of Postfix: as if there were no posttls-finger.
case " $* " in *' posttls-finger '*) [ ! -e "${0%/*}/no-finger" ] || exit 127 ;; esac
exec "$@"
SH
chmod 755 "$dir/wrapper"
configure strict 'ladder: {may_after: {attempts: 1}, recheck: 1d, dane_withdrawn: 1d, hold: {encrypt: 1h}}' \
	"postfix: {config_directory: $dir/strict/config, command: [$dir/wrapper]}"

# at SECONDS: the daemon's clock is so far ahead from now on, and it has re-checked what is
# due by then.
at() {
	[[ -z $daemon ]] || stop || not_ok 'the daemon ends when asked to'
	start "TLSLADDER_NOW_OFFSET=$1" || { not_ok "the daemon starts at $1 s"; finish; }
	offset=$1
	await 30 looked >/dev/null || comment "still due at $offset: $(due)"
	settle strict
}

due() {
	sql "SELECT key FROM destination
		WHERE look_ms <> 0 AND look_ms <= $((($(date +%s) + offset) * 1000))"
}

looked() {
	[[ -z $(due) ]]
}

# column DOMAIN COLUMN
column() {
	sql "SELECT $2 FROM destination WHERE key = '$1'"
}

# flows SENTENCE DOMAIN SERVER TLS: a new message arrives so, within seconds.
flows() {
	local count=$dir/count to=$2
	grep -c "user@$to	" "$dir/delivered.tsv" >"$count"
	send strict "$to"
	if await 15 eval "[[ \$(grep -c 'user@$to	' '$dir/delivered.tsv') -gt $(cat "$count") ]]" >/dev/null; then
		is "$1" "$(grep "user@$to	" "$dir/delivered.tsv" | tail -n 1 | cut -f 3,4 | sed 's/TLSv1.[23]/tls/; s/	-/	clear/' | tr '\t' ' ')" \
			"$3 $4"
	else
		not_ok "$1" "$(story "$to")"
	fi
	settle strict
}

last_session() {
	grep -o "[A-Z][a-z]* TLS connection established to mx\.$1\[" "$dir/strict/mail.log" | tail -n 1 | cut -d ' ' -f 1
}

# --- at first

touch "$dir/no-finger"
at 0
send strict selfsigned.test expired-cert.test plain.test wrongname-cert.test hostile-cn.test \
	starttls-refused.test signed-no-tlsa.test dane-ok.test dane-ta.test dane-roll.test dane-mixed.test
settle strict
is 'at first: the entries' "$(entries)" "dane-mixed.test dane-only
dane-ok.test dane-only
dane-roll.test dane-only
dane-ta.test dane-only
expired-cert.test encrypt
hostile-cn.test encrypt
plain.test dane
selfsigned.test encrypt
signed-no-tlsa.test encrypt
starttls-refused.test dane
wrongname-cert.test encrypt"
at $((day / 2))
is 'half a lease later: none is touched' "$(entries | wc -l)" 11

# --- TLSA records come and go

"$sandbox" zone "$dir" tlsa mx.signed-no-tlsa.test 3-1-1
"$sandbox" zone "$dir" tlsa mx.dane-ok.test
"$sandbox" zone "$dir" kind dane-ta.test bogus-tlsa
"$sandbox" zone "$dir" tlsa mx.dane-roll.test
# --- a server improves, one does not, and nothing can probe
"$sandbox" cert "$dir" mx.selfsigned.test good
"$sandbox" behave "$dir" mx.plain.test tls

at $((day + 60))
is 'TLSA records were published: dane-only at the end of the lease' \
	"$(entry signed-no-tlsa.test) $(in_map signed-no-tlsa.test)" 'dane-only dane-only'
flows 'mail flows by them' signed-no-tlsa.test mx.signed-no-tlsa.test tls
is 'over DANE' "$(last_session signed-no-tlsa.test)" Verified
for domain in dane-ok.test dane-roll.test; do
	is "$domain: TLSA records were withdrawn with proof: it stays for now" \
		"$(entry $domain) $(column $domain why)" 'dane-only dane-going'
	matches "$domain: the administrator is alerted" "$(grep "alert: $domain" "$dir/daemon.err")" 'dane-going'
done
is 'without proof: it stays' "$(entry dane-ta.test) $(column dane-ta.test why)" 'dane-only dns-unsure'
is 'nothing changed: it stays, with a new lease' \
	"$(entry dane-mixed.test) $(column dane-mixed.test why)" 'dane-only dane'

for domain in selfsigned.test expired-cert.test plain.test; do
	is "$domain: lifted on trial, without posttls-finger" "$(entry $domain)$(in_map $domain) $(column $domain why)" '- trial'
done
flows 'the improved server: mail flows' selfsigned.test mx.selfsigned.test tls
is 'with a certificate that verifies' "$(last_session selfsigned.test)" Verified
is 'and no entry' "$(entry selfsigned.test)" -
flows 'the other one: mail flows, too' expired-cert.test mx.expired-cert.test tls
is 'its entry is back' "$(entry expired-cert.test) $(column expired-cert.test why)" 'encrypt trial-failed'
is 'with twice the lease' "$(column expired-cert.test lease_ms)" $((2 * day * 1000))
flows 'a server that learned TLS, without a certificate that verifies' plain.test mx.plain.test tls
is 'has encrypt now, or what it had' "$(entry plain.test)" encrypt

# --- the end of withdrawn records

"$sandbox" zone "$dir" tlsa mx.dane-roll.test 3-1-1
at $((day + 7 * hour))
is 'records that are back in time: as if they never had been away' \
	"$(entry dane-roll.test) $(column dane-roll.test dane_absent_ms) $(column dane-roll.test why)" 'dane-only 0 dane'
is 'the others are still away, and it stays' "$(entry dane-ok.test)" dane-only
at $((2 * day + 8 * hour))
is 'proven to be away for dane_withdrawn: the entry goes' "$(entry dane-ok.test)$(in_map dane-ok.test)" -
is 'not where nothing is proven' "$(entry dane-ta.test) $(in_map dane-ta.test)" 'dane-only dane-only'
# It did DANE until lately: a hold, for an hour.
send strict dane-ok.test
await 15 grep -q "to=<user@dane-ok.test>.*not verified" <(tail -n 20 "$dir/strict/mail.log") >/dev/null
settle strict
is 'mail to it waits: it did better lately' "$(entry dane-ok.test) $(column dane-ok.test why)" '- hold'
at $((2 * day + 10 * hour))
postfix_tool postqueue strict -f
settle strict
is 'an hour later: encrypt' "$(entry dane-ok.test)" encrypt
awaits 'and the mail is delivered' 15 eval '[[ $(grep -c "user@dane-ok.test	" "$dir/delivered.tsv") == 2 ]]'

# DNS tells again.
"$sandbox" zone "$dir" kind dane-ta.test signed
at $((2 * day + 12 * hour))
is 'DNS tells again: dane-only as ever' "$(entry dane-ta.test) $(column dane-ta.test why)" 'dane-only dane'
flows 'and mail flows' dane-ta.test mx.dane-ta.test tls

# --- the second trial

is 'before its second lease is over nothing is tried' "$(entry expired-cert.test)" encrypt
at $((3 * day + hour))
is 'after it: a second trial' "$(entry expired-cert.test) $(column expired-cert.test why)" '- trial'
flows 'fails again: mail flows' expired-cert.test mx.expired-cert.test tls
is 'with twice the lease again' "$(entry expired-cert.test) $(column expired-cert.test lease_ms)" \
	"encrypt $((4 * day * 1000))"

# --- with posttls-finger

rm "$dir/no-finger"
for domain in wrongname-cert.test hostile-cn.test starttls-refused.test; do
	ladder unset $domain
done
# As at first, three days later.
send strict wrongname-cert.test hostile-cn.test starttls-refused.test
settle strict
is 'three entries' \
	"$(entry wrongname-cert.test) $(entry hostile-cn.test) $(entry starttls-refused.test)" 'encrypt encrypt dane'
"$sandbox" cert "$dir" mx.wrongname-cert.test good
"$sandbox" behave "$dir" mx.starttls-refused.test accept
at $((4 * day + 2 * hour))
is 'a clean probe is not enough' \
	"$(entry wrongname-cert.test) $(column wrongname-cert.test why) $(column wrongname-cert.test probe_clean)" \
	'encrypt probed 1'
is 'a stronger server than it was: the same' \
	"$(entry starttls-refused.test) $(column starttls-refused.test why) $(column starttls-refused.test probe_level)" \
	'dane probed encrypt'
is 'a probe that fails: still needed, twice the lease' \
	"$(entry hostile-cn.test) $(column hostile-cn.test why) $(column hostile-cn.test lease_ms)" \
	"encrypt still-needed $((2 * day * 1000))"
at $((4 * day + 3 * hour + 60))
is 'a second one, an hour later: no entry' \
	"$(entry wrongname-cert.test)$(in_map wrongname-cert.test) $(column wrongname-cert.test why)" '- probed'
is 'or the stronger one' \
	"$(entry starttls-refused.test) $(in_map starttls-refused.test)" 'encrypt encrypt'
flows 'mail flows without' wrongname-cert.test mx.wrongname-cert.test tls
is 'with a certificate that verifies' "$(last_session wrongname-cert.test)" Verified
flows 'mail flows at the stronger one' starttls-refused.test mx.starttls-refused.test tls
is 'no probe was taken for mail' "$(grep -c 'user@hostile-cn.test	' "$dir/delivered.tsv")" 2

# --- check brings news

"$sandbox" zone "$dir" tlsa mx.dane-ok.test 3-1-1
matches 'check by a user who may not write the state only prints' \
	"$(inside setpriv --reuid=daemon --regid=daemon --clear-groups "$program" -c "$dir/tlsladder.yaml" check dane-ok.test 2>&1)" \
	'^dane-ok\.test  green  level dane-only'
is 'the entry stays' "$(entry dane-ok.test)" encrypt
matches 'check by a user who may' "$(TLSLADDER_NOW_OFFSET=$offset ladder check dane-ok.test 2>&1)" 'news: the daemon looks at it now'
awaits 'has the daemon re-check, long before the lease is over' 10 \
	eval '[[ $(in_map dane-ok.test) == dane-only ]]'
# behind the servers there are causes of failures, and news
matches 'which tells it once' "$(ladder check dane-ok.test | grep -v '^ *failed ')" 'usable 1 of 1$'
stops
finish
