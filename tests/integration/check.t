#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `check --probe` of every destination of the sandbox under smtp_tls_security_level =
# verify: its grade and level. Then mail is sent: it finds its way to just that level, and
# there what the grade promises.
. "$(dirname -- "$0")/lib.sh"

# DOMAIN  GRADE  LEVEL  WHY  MAIL
#   LEVEL  "?": none can be determined; "!" behind the why: mail waits
#   MAIL   what a message sent at that level gets: tls, clear, waits; "-": none is sent
table='
dane-ok.test                green   dane-only  dane           tls
dane-ta.test                green   dane-only  dane           tls
dane-ca.test                green   dane-only  dane           tls
dane-roll.test              green   dane-only  dane           tls
dane-mixed.test             green   dane-only  dane           tls
dane-nsec3.test             green   dane-only  dane           tls
dane-v6.test                green   dane-only  dane           tls
dane-nomx.test              green   dane-only  dane           tls
dane-hosted.test            green   dane-only  dane           tls
dane-greylist.test          green   dane-only  dane           waits
dane-bad.test               ?       dane-only  dane-not-met!  waits
dane-bad-ca.test            ?       dane-only  dane-not-met!  waits
dane-agility.test           ?       dane-only  dane-not-met!  waits
dane-notls.test             ?       dane-only  dane-not-met!  waits
dane-refuse.test            ?       dane-only  dane-not-met!  waits
dane-refuse-554.test        ?       dane-only  dane-not-met!  waits
dane-broken.test            ?       dane-only  dane-not-met!  waits
dane-down.test              ?       dane-only  dane           waits
dane-pkix-only.test         yellow  encrypt    not-authentic  tls
dane-pkix-ca.test           green   verify     not-needed     tls
dane-pkix-notls.test        red     ?          tlsa-unusable! -
dane-junk.test              yellow  encrypt    not-authentic  tls
dane-expired-sig.test       ?       ?          dns-unsure     -
dane-bogus-mx.test          ?       ?          dns-unsure     -
dane-servfail.test          ?       ?          dns-unsure     -
dane-timeout.test           ?       ?          dns-unsure     -
dane-multi.test             green   dane-only  dane           tls
dane-multi-2nd.test         green   dane-only  dane           tls
dane-multi-down.test        ?       dane-only  dane           waits
dane-multi-error.test       ?       ?          dns-unsure     -
dane-cname.test             green   dane-only  dane           tls
dane-mxcname.test           green   dane-only  dane           tls
dane-mxcname-name.test      green   dane-only  dane           tls
dane-mxcname-insecure.test  green   dane-only  dane           tls
mx-address.test             yellow  encrypt    not-authentic  tls
nullmx.test                 ?       ?          no-mail!       -
nohost.test                 ?       ?          no-mail!       -
insecure-mx.test            yellow  encrypt    not-authentic  tls
insecure-mx-bad.test        yellow  encrypt    not-authentic  tls
signed-no-tlsa.test         yellow  encrypt    not-authentic  tls
signed-no-tlsa-ca.test      green   verify     not-needed     tls
unsigned-tlsa.test          yellow  encrypt    not-authentic  tls
valid-ca.test               green   verify     not-needed     tls
victim.test                 green   verify     not-needed     tls
hosted.test                 green   verify     not-needed     tls
selfsigned.test             yellow  encrypt    not-authentic  tls
selfsigned-v6.test          yellow  encrypt    not-authentic  tls
nomx.test                   yellow  encrypt    not-authentic  tls
expired-cert.test           yellow  encrypt    not-authentic  tls
wrongname-cert.test         yellow  encrypt    not-authentic  tls
hostile-cn.test             yellow  encrypt    not-authentic  tls
hostile-issuer.test         yellow  encrypt    not-authentic  tls
xn--bcher-kva.test          yellow  encrypt    not-authentic  tls
plain.test                  red     dane       not-encrypted  clear
starttls-refused.test       red     dane       not-encrypted  clear
starttls-refused-554.test   red     dane       not-encrypted  clear
starttls-hostile.test       red     dane       not-encrypted  clear
starttls-broken.test        red     dane       not-encrypted  waits
tls10-only.test             yellow  encrypt    not-authentic  tls
greylist.test               green   verify     not-needed     waits
tempfail.test               green   verify     not-needed     waits
tempfail2.test              green   verify     not-needed     waits
tempfail3.test              green   verify     not-needed     waits
drop.test                   ?       ?          none           -
down.test                   ?       ?          none           -
island.test                 yellow  encrypt    not-authentic   tls
unknown.test                yellow  encrypt    not-authentic   tls
opt-out.test                yellow  encrypt    not-authentic   tls
opt-out-dane.test           green   dane-only  dane            tls
child.opt-out.test          yellow  encrypt    not-authentic   tls
child.dane-nsec3.test       yellow  encrypt    not-authentic   tls
signed.opt-out.test         green   dane-only  dane            tls
signed.valid-ca.test        yellow  encrypt    not-authentic   tls
unsigned.valid-ca.test      yellow  encrypt    not-authentic   tls
opt-out-host.test           yellow  encrypt    not-authentic   tls
opt-out-wild.test           yellow  encrypt    not-authentic   tls
stripped.test               ?       ?          dns-unsure      -
lame.test                   ?       ?          dns-unsure      -
lame-ds.test                ?       ?          dns-unsure      -
with-lame.test              yellow  encrypt    not-authentic   tls
with-lame-ds.test           ?       ?          dns-unsure      -
lame.selfsigned.test        ?       ?          dns-unsure      -
with-lame-below.test        yellow  encrypt    not-authentic   tls
dane-port.test              yellow  encrypt    not-authentic  tls
'
# Not domains: a server by its name, its port, its address.
others='
[mx.dane-ok.test]           green   dane-only  dane
[mx.dane-port.test]:587     green   dane-only  dane
[mx.dane-port.test]:2525    yellow  encrypt    not-authentic
[mx.valid-ca.test]          green   verify     not-needed
[10.53.1.33]                yellow  encrypt    not-authentic
[10.53.1.32]                red     dane       not-encrypted
nowhere.test                ?       ?          no-mail!
'

rows=$(grep . <<<"$table")
mapfile -t domains < <(awk '{ print $1 }' <<<"$rows")

# probe ARGUMENT...: "DOMAIN GRADE LEVEL WHY" of each, its exit status in $status.
check_json() {
	json=$(ladder check --json "$@" 2>"$dir/check.err")
	status=$?
	python3 -c '
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    print(d["domain"], d["grade"], d["level"] or "?", d["why"] + ("!" if d["waits"] else ""))' <<<"$json"
}

# $1: rows, $2: what was found
compare() {
	local domain wanted
	while read -r domain wanted; do
		is "$domain: $wanted" "$(awk -v d="$domain" '$1 == d { print $2, $3, $4 }' <<<"$2")" "$wanted"
	done < <(awk '{ print $1, $2, $3, $4 }' <<<"$1")
}

up strict
configure strict 'ladder: {may_after: {attempts: 1}}' 'dns: {timeout: 1s, tries: 2}'

is 'no destination of the sandbox is forgotten' \
	"$(awk '/^[a-z]/ && !/^(sender|many-.*)\.test/ { print $1 }' "$dir/destinations" |
		grep -vxFf <(printf '%s\n' "${domains[@]}"))" ''

begun=$(now)
found=$(check_json --probe "${domains[@]}"; echo "status $?")
comment "$(wc -l <<<"$found") destinations in $(bc <<<"$(now) - $begun") s"
compare "$rows" "$found"
compare "$(grep . <<<"$others")" "$(mapfile -t keys < <(awk '{ print $1 }' <<<"$others" | grep .)
	check_json --probe "${keys[@]}")"

# --- without the servers

plain=$(check_json dane-ok.test valid-ca.test plain.test)
is 'without --probe DNS decides alone' "$plain" 'dane-ok.test green dane-only dane
valid-ca.test ? ? none
plain.test ? ? none'
ladder check dane-ok.test >/dev/null
is 'DNS could tell: exit status 0' $? 0
ladder check dane-ok.test dane-servfail.test >/dev/null
is 'DNS could not tell of one: exit status 69' $? 69

# --- what people read

text=$(ladder check --probe dane-multi-2nd.test)
matches 'the level and its reason' "$text" '^dane-multi-2nd\.test  green  level dane-only  \(dane: '
matches 'hosts in order of preference' "$text" 'mx\.dane-multi-2nd\.test  address secure, TLSA none.*mx2\.dane-multi-2nd\.test  address secure, TLSA secure, usable 1 of 1'
matches 'what the servers did' "$text" 'dane-only yes verified session'
text=$(ladder check --probe hostile-issuer.test selfsigned.test)
matches 'why a certificate does not verify' "$text" 'verify    no  the certificate does not verify: self-signed certificate'
is 'a hostile certificate writes no control character' "$(tr -d '\n -~' <<<"$text")" ''
text=$(ladder check dane-servfail.test)
matches 'what DNS said' "$text" 'DNS: _25\._tcp\.mx\.dane-servfail\.test TLSA: '

# --- another default, another map

check 'a stricter default' inside postconf -c "$dir/strict/config" -e 'smtp_tls_security_level = secure'
touch -d '1 minute ago' "$dir/strict/config/main.cf"
is 'secure: what meets it, and what only verifies' "$(check_json --probe valid-ca.test hosted.test)" \
	'valid-ca.test green secure not-needed
hosted.test green verify probed'
inside postconf -c "$dir/strict/config" -e 'smtp_tls_security_level = verify' \
	"smtp_tls_policy_maps = inline:{theirs.test=encrypt, valid-ca.test=encrypt}, hash:$dir/state/tls_policy"
touch -d '1 minute ago' "$dir/strict/config/main.cf"
is 'what another map answers for is theirs' "$(check_json --probe valid-ca.test victim.test)" \
	'valid-ca.test green ? other-map
victim.test green verify not-needed'
inside postconf -c "$dir/strict/config" -e "smtp_tls_policy_maps = hash:$dir/state/tls_policy" \
	'smtp_dns_support_level ='
touch -d '1 minute ago' "$dir/strict/config/main.cf"
is 'a Postfix that cannot do DANE' "$(check_json dane-ok.test)" 'dane-ok.test ? ? dane-impossible!'
inside postconf -c "$dir/strict/config" -e 'smtp_dns_support_level = dnssec'
touch -d '1 minute ago' "$dir/strict/config/main.cf"
inside postfix -c "$dir/strict/config" reload 2>/dev/null

"$sandbox" resolver "$dir" novalidate
is 'a resolver that does not validate' "$(check_json dane-ok.test; echo "status $status")" \
	'dane-ok.test ? ? dns-unsure
status 69'
"$sandbox" resolver "$dir" start

# --- mail finds its way to that level

configure strict 'ladder: {may_after: {attempts: 1}}' 'dns: {timeout: 1s, tries: 2}'
starts
send strict "${domains[@]/#/first@}"
settle strict 60
retry_all strict
entries >"$dir/entries"
while read -r domain _ level _; do
	# Without trouble there is no entry, nor under the level that is the default.
	if [[ -z $(sql "SELECT rule FROM destination WHERE key = '$domain' AND rule <> ''") ]]; then
		level="- (no trouble)"
	elif [[ $level == [?] || $level == verify ]]; then
		level=-
	elif grep -q "to=<first@$domain>.*status=bounced" "$dir/strict/mail.log"; then
		level="- (nothing waits)" # so that nothing is made of it
	fi
	got=$(awk -v key="$domain" '$1 == key { print $2 }' "$dir/entries")
	is "$domain: mail leads to $level" "${got:--}" "${level% (*}"
done <<<"$rows"
stops

# --- and what the grade says is so

# How the message that was sent was sent: the word that Postfix has for the session.
session() {
	awk -v to=" to=<user@$1>" '
		!match($0, /\/smtp\[[0-9]+\]: /) { next }
		{ pid = substr($0, RSTART, RLENGTH); text = substr($0, RSTART + RLENGTH) }
		text ~ /^[A-Z][a-z]+ TLS connection established to / { word[pid] = text; sub(/ .*/, "", word[pid]) }
		text !~ /^[0-9A-Za-z]+: to=</ { next }
		index(text, to) && / status=sent / { print pid in word ? word[pid] : "none" }
		{ delete word[pid] }' "$dir/strict/mail.log"
}

while read -r domain _ level _ mail; do
	[[ $mail == - ]] || ladder set "$domain" "$level" >/dev/null || not_ok "set $domain $level"
done <<<"$rows"
mapfile -t sent < <(awk '$5 != "-" { print $1 }' <<<"$rows")
send strict "${sent[@]}"
check 'every message was tried' "$sandbox" wait "$dir" -t 60 idle strict
while read -r domain grade level _ mail; do
	[[ $mail != - ]] || continue
	got=$(arrived "user@$domain")
	case $got in
		*' clear') got=clear ;;
		*' TLSv1'*) got=tls ;;
	esac
	is "$domain at $level: $mail" "$got" "$mail"
	[[ $mail != waits ]] || continue
	case $grade in
		green) wanted='Verified' ;;
		yellow) wanted='(Untrusted|Trusted|Anonymous)' ;;
		red) wanted='none' ;;
	esac
	matches "$domain is $grade: session $wanted" "$(session "$domain")" "^$wanted\$"
done <<<"$rows"

finish
