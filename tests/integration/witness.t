#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Whose word it is: a local account that writes lines into the log, a second instance in
# the same log, a policy plugin that comes later, and one whose answer to a key fails.
. "$(dirname -- "$0")/lib.sh"

up
sender strict log=syslog
configure strict 'ladder: {may_after: {attempts: 2, time: 3s}}'
log=$dir/strict/mail.log

why() {
	sql "SELECT why FROM destination WHERE key = '$1'"
}

delivered() {
	grep -c "	$1	" "$dir/delivered.tsv"
}

# --- a user without rights has logger(1)

starts
send strict victim.test
settle strict
is 'the victim verifies' "$(entry victim.test) $(delivered user@victim.test)" '- 1'
forge() {
	inside setpriv --reuid=daemon --regid=daemon --clear-groups logger -u "$dir/strict/log/socket" -p mail.info -t postfix/smtp --id=77 \
		"FFFF$1: to=<user@victim.test>, relay=mx.victim.test[10.53.1.38]:25, delay=0.1, delays=0.1/0/0/0, dsn=4.7.4, status=deferred (TLS is required, but was not offered by host mx.victim.test[10.53.1.38])"
}
judged() {
	[[ $(why victim.test) == "$1" && $(sql "SELECT pending FROM destination WHERE key = 'victim.test'") == 0 ]]
}
forge 1
awaits 'the line is in the log, as of smtp(8)' 10 grep -q 'smtp\[[0-9]*\]: FFFF1: to=<user@victim.test>' "$log"
awaits 'the queue has no such message' 40 judged gone
second=$(date +%s)
awaits 'seconds later' 10 eval '[[ $(date +%s) -ge $((second + 4)) ]]'
forge 2
awaits 'again' 10 grep -q 'smtp\[[0-9]*\]: FFFF2: ' "$log"
settle strict
awaits 'and again there is none' 40 judged gone
is 'no entry' "$(entry victim.test)$(in_map victim.test)" -
is 'not one was decided' \
	"$(sql "SELECT count(*) FROM decision JOIN destination ON destination.id = destination WHERE key = 'victim.test' AND action = 'set'")" 0
is 'nothing is left of it: neither attempts nor a hold' \
	"$(sql "SELECT deferral, attempts, plain_attempts, hold_level FROM destination WHERE key = 'victim.test'")" '0|0|0|none'
send strict victim.test
settle strict
is 'mail goes on to be verified' "$(delivered user@victim.test) $(grep -c 'Verified TLS connection established to mx\.victim\.test' "$log")" '2 2'
stops

# --- a second instance at a level of its own, its log among those that are read

sender bulk smtp_tls_security_level=may smtp_tls_policy_maps=
configure strict 'ladder: {may_after: {attempts: 2, time: 6s}}' "log: {file: [$log, $dir/bulk/mail.log]}"
starts
send strict plain.test
newsletters() {
	grep -c 'to=<other@plain.test>.*status=sent' "$dir/bulk/mail.log"
}
decided() {
	local before
	before=$(newsletters)
	inside sendmail -C "$dir/bulk/config" -i -f news@sender.test -- other@plain.test <<<'Subject: news'
	await 10 eval "[[ \$(newsletters) -gt $before ]]" >/dev/null
	postfix_tool postqueue strict -f
	[[ $(entry plain.test) == dane ]]
}
awaits 'what a second instance sends in cleartext begins nothing anew' 90 decided
comment "after $(newsletters) newsletters"
awaits 'the mail that waited is delivered' 20 grep -q 'user@plain.test	mx.plain.test	-' "$dir/delivered.tsv"
is 'nor is it a past of the destination' \
	"$(ladder explain plain.test | grep -c 'last \(encrypted\|verified\|secure\) session')" 0
stops

# --- a plugin behind our map that begins to answer where there is an entry

configure strict 'ladder: {may_after: {attempts: 1}}'
: >"$dir/plugin"
inside python3 "$here/socketmap.py" 8461 "$dir/plugin" >"$dir/plugin.out" &
await 10 grep -q ready "$dir/plugin.out" >/dev/null
set_postfix strict "smtp_tls_policy_maps=hash:$dir/state/tls_policy, socketmap:inet:127.0.0.1:8461:postfix"
starts
send strict selfsigned.test
settle strict
is 'the plugin has nothing: our entry' "$(entry selfsigned.test) $(delivered user@selfsigned.test)" 'encrypt 1'
printf 'selfsigned.test secure match=mx.selfsigned.test\n' >"$dir/plugin"
stops
start TLSLADDER_NOW_OFFSET=90000 # a day later
send strict selfsigned.test
awaits 'a day later, with mail: what the plugin has is its own' 60 eval '[[ $(entry selfsigned.test) == - && -z $(in_map selfsigned.test) ]]'
is 'for that reason' "$(why selfsigned.test)" other-map
send strict again@selfsigned.test
awaits 'the next message is sent at its level, which waits' 20 \
	grep -q 'to=<again@selfsigned.test>.*status=deferred (Server certificate not verified' "$log"
settle strict
is 'and gets no entry' "$(entry selfsigned.test)" -

# --- ... and cannot answer one key, which one call asks about with all others

stops
others=(hostile-cn.test expired-cert.test wrongname-cert.test hostile-issuer.test)
evil=evil1.many-selfsigned.test
printf '%s TEMP\n' $evil >"$dir/plugin"
configure strict 'ladder: {may_after: {attempts: 1}}' 'dns: {workers: 1}'
send strict "${others[@]}" $evil
for domain in "${others[@]}" $evil; do
	awaits "$domain: mail waits before the daemon starts" 20 grep -q "to=<user@$domain>.*status=deferred" "$log"
done
begun=$(now)
start TLSLADDER_NOW_OFFSET=90000
for domain in "${others[@]}"; do
	awaits "one key fails: $domain has its entry" 40 eval "[[ \$(in_map $domain) == encrypt ]]"
done
comment "all of them $(bc <<<"$(now) - $begun") s after the start"
settle strict
is 'but who cannot be asked has none' "$(entry $evil)" -
# Else this would prove nothing. smtp(8) asks about one of them at a time.
is 'it was asked about in one call with the others' \
	"$(awk -v evil=$evil '{ keys[$1] = keys[$1] " " $2 } $2 == evil && keys[$1] ~ / expired-cert\.test / { print "yes"; exit }' \
		"$dir/plugin.out")" yes
stops
configure strict 'ladder: {may_after: {attempts: 1}}'
start TLSLADDER_NOW_OFFSET=90000

# --- a stranger's made-up names, an attempt each, whose mail is gone

crowd=3000
stamp=$(date '+%b %e %T')
begun=$(now)
seq "$crowd" | awk -v stamp="$stamp" '{
	printf "%s mail postfix/smtp[%d]: S%07d: to=<u@n%d.many-plain.test>, relay=mx.plain.test[10.53.1.32]:25, delay=0.1, delays=0.02/0/0.05/0.03, dsn=4.7.4, status=deferred (TLS is required, but was not offered by host mx.plain.test[10.53.1.32])\n", \
		stamp, 100 + $1 % 100, $1, $1
}' >>"$log"
send strict starttls-refused.test
awaits "$crowd names of a stranger: another has its entry soon all the same" 40 eval '[[ $(in_map starttls-refused.test) == dane ]]'
comment "after $(bc <<<"$(now) - $begun") s"
void() {
	[[ $(sql "SELECT count(*) FROM destination WHERE key LIKE 'n%.many-plain.test' AND (look_ms <> 0 OR deferral <> 0)") == 0 &&
		$(sql "SELECT count(*) FROM destination WHERE key LIKE 'n%.many-plain.test'") == "$crowd" ]]
}
awaits 'and none of the names is judged for ever' 240 void
comment "after $(bc <<<"$(now) - $begun") s"
is 'nor has one an entry' "$(entries | grep -c many-plain)" 0
stops
finish
