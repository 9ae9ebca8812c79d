#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# An answer without AD: unsigned, for every reason there is, or a signed zone's that came
# through a resolver in permissive mode. Each kind of zone as NSD serves it and unbound
# sees it: what `check` makes of it, and which entry mail leads to.
. "$(dirname -- "$0")/lib.sh"

# DOMAIN  DANE  MX  HOSTS (address/TLSA of each)  ENTRY
table='
selfsigned.test              none         insecure  insecure/not-asked                        encrypt
child.dane-nsec3.test        none         insecure  insecure/not-asked                        encrypt
island.test                  none         insecure  insecure/not-asked                        encrypt
unknown.test                 none         insecure  insecure/not-asked                        encrypt
child.opt-out.test           none         insecure  insecure/not-asked                        encrypt
signed.valid-ca.test         none         insecure  insecure/not-asked                        encrypt
unsigned.valid-ca.test       none         insecure  insecure/not-asked                        encrypt
opt-out.test                 none         secure    secure/none-insecure                      encrypt
opt-out-dane.test            usable       secure    secure/secure                             dane-only
signed.opt-out.test          usable       secure    secure/secure                             dane-only
opt-out-host.test            none         secure    insecure/not-asked                        encrypt
dane-mxcname-insecure.test   usable       secure    insecure/secure                           dane-only
signed-no-tlsa.test          none         secure    secure/none                               encrypt
with-lame.test               none         insecure  insecure/not-asked,unreachable/not-asked  encrypt
with-lame-below.test         none         insecure  insecure/not-asked,unreachable/not-asked  encrypt
with-lame-ds.test            unsure       insecure  insecure/not-asked,error/not-asked        -
stripped.test                unsure       error     -                                         -
lame.test                    unsure       error     -                                         -
lame-ds.test                 unsure       error     -                                         -
dane-servfail.test           unsure       secure    secure/error                              -
dane-expired-sig.test        unsure       error     -                                         -
'
rows=$(grep . <<<"$table")
mapfile -t domains < <(awk '{ print $1 }' <<<"$rows")
permissive='the resolver passes on answers that a signed zone cannot have: permissive mode or a negative trust anchor'

# checked DOMAIN...: "DOMAIN DANE MX HOSTS"
checked() {
	ladder check --json "$@" 2>"$dir/check.err" | python3 -c '
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    hosts = ",".join(h["address"] + "/" + h["tlsa"] for h in d["hosts"])
    print(d["domain"], d["dane"], d["mx"], hosts or "-")'
}

# The destinations that DNS could not tell of, as the daemon sees it.
unsure() {
	sql "SELECT key FROM destination WHERE why = 'dns-unsure' ORDER BY key"
}

up strict
configure strict 'ladder: {may_after: {attempts: 1}}' 'dns: {timeout: 1s, tries: 2}'

found=$(checked "${domains[@]}")
while read -r domain dane mx hosts _; do
	is "$domain: $dane, MX $mx, hosts $hosts" \
		"$(awk -v d="$domain" '$1 == d { print $2, $3, $4 }' <<<"$found")" "$dane $mx $hosts"
done <<<"$rows"

proof=$(inside dig +dnssec child.dane-nsec3.test ds)
matches 'child.dane-nsec3.test: that there is no DS is proven' "$proof" 'flags:[^;]* ad;'
matches '... by NSEC3 without opt-out' "$proof" 'IN[[:space:]]+NSEC3[[:space:]]+1 0 '
hasnt 'child.opt-out.test: with opt-out it is not' "$(inside dig +dnssec child.opt-out.test ds | grep 'flags: qr')" ' ad;'

# --- mail at the default level verify

starts
send strict "${domains[@]}"
settle strict
while read -r domain _ _ _ level; do
	is "$domain: mail leads to $level" "$(entry "$domain")" "$level"
done <<<"$rows"
is 'mail to the good host beside a lame one is delivered' "$(arrived user@with-lame.test)" \
	'mx.with-lame.test TLSv1.3'
is 'no word of a permissive resolver' "$(grep -c "$permissive" "$dir/daemon.err")" 0
stops

# --- a lame zone that gets a delegation while mail waits

check 'an MX host in a zone without servers' "$sandbox" zone "$dir" add wrongname-cert.test lame NS ns.nowhere.test.
check 'is named' "$sandbox" zone "$dir" mx wrongname-cert.test mx.wrongname-cert.test,mx.lame.wrongname-cert.test
starts
send strict wrongname-cert.test
settle strict
is 'it is decided by the good host' "$(entry wrongname-cert.test)" encrypt
is 'and the mail is there' "$(arrived user@wrongname-cert.test)" 'mx.wrongname-cert.test TLSv1.3'
stops

# --- a resolver in permissive mode

"$sandbox" resolver "$dir" permissive
is 'it passes as one that validates' "$(inside dig +dnssec . ns | grep -c 'flags:.* ad[ ;]')" 1
bogus=(dane-servfail.test dane-expired-sig.test stripped.test)
found=$(checked "${bogus[@]}")
is 'bogus answers are not unsigned' "$found" 'dane-servfail.test unsure secure secure/error
dane-expired-sig.test unsure error -
stripped.test unsure error -'
matches 'check says so' "$(ladder check stripped.test)" "DNS: $permissive"

# Where unbound's own configuration is readable, doctor finds it there.
permissive_is() {
	inside sh -c "mkdir -p /etc/unbound; printf 'server:\\n    val-permissive-mode: $1\\n' >/etc/unbound/unbound.conf"
	ladder doctor | grep -E '^[a-z]+ +dns ' | tr -s ' '
}
matches 'doctor: permissive mode is a fault' "$(permissive_is yes)" '^fault dns unbound is in permissive mode'
matches 'doctor: without it all is well' "$(permissive_is no)" '^ok dns .* validates$'

configure strict "state: $dir/state/permissive.db" 'ladder: {may_after: {attempts: 1}}' \
	'dns: {timeout: 1s, tries: 2, workers: 1}'
rm -f "$dir"/state/tls_policy*
starts
sql() {
	sqlite3 -cmd '.timeout 5000' "$dir/state/permissive.db" "$1"
}
send strict "${bogus[@]/#/again@}"
settle strict
is 'no entry for any of them' "$(entries)" ''
is 'DNS could not tell of them, nor of one whose mail waits from before' "$(unsure)" \
	"$(printf '%s\n' "${bogus[@]}" with-lame-ds.test | sort)"
for domain in "${bogus[@]}"; do
	is "$domain: it is reported once" "$(grep -c "alert: $domain: .*$permissive" "$dir/daemon.err")" 1
done
send strict again@child.opt-out.test again@hostile-cn.test again@child.dane-nsec3.test
settle strict
is 'opt-out proves nothing now, a proof with AD does' \
	"$(entry child.opt-out.test) $(entry hostile-cn.test) $(entry child.dane-nsec3.test)" '- encrypt encrypt'
stops

"$sandbox" resolver "$dir" start
starts
retry_all strict
settle strict
is 'with a resolver that is cured opt-out counts' "$(entry child.opt-out.test)" encrypt
is 'and what is bogus still waits' \
	"$(for domain in "${bogus[@]}"; do entry "$domain"; done | sort -u)" -
stops
finish
