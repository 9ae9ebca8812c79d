#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Whose MTA-STS policy counts, with a real Postfix and policy hosts over HTTPS: both spellings
# of a domain beyond ASCII have one, a relayhost's is its own, an address has none.
. "$(dirname -- "$0")/lib.sh"
[[ -x $builddir/tlsladder-fetch ]] || skip_all 'tlsladder-fetch is not built'

domain=xn--bcher-kva.test
relay=mx.selfsigned.test

up strict smtputf8_enable=yes
. "$here/policies.sh"
policy_hosts $domain $relay valid-ca.test victim.test
for host in mx.$domain $relay; do
	"$sandbox" cert "$dir" $host good
done
policy $domain 1 enforce mx.$domain
policy $relay 1 enforce $relay selfsigned.test
policy valid-ca.test 1 enforce mx.valid-ca.test
policy victim.test 1 enforce mx.victim.test

# What the resolver is asked, a name and a type a line, since it was last published in a zone.
asked() {
	sed -n 's/.* 127\.0\.0\.1 \([^ ]*\) \([A-Z]*\) IN$/\1 \2/p' "$dir/world/dns/unbound.log"
}
inside unbound-control -c "$dir/world/dns/unbound.conf" set_option log-queries: yes >/dev/null

# begin NAME [PARAMETER=VALUE]...: a sender, and a daemon with a state of its own.
begin() {
	mkdir "$dir/state/$1"
	chown nobody:nogroup "$dir/state/$1"
	map_file=$dir/state/$1/tls_policy
	[[ $1 == strict ]] || sender "$@"
	configure "$1" "$policy_settings" "state: $dir/state/$1/state.db" "map: {file: $map_file, type: hash}"
	: >"$policies/asked"
	from=$(asked | wc -l)
	starts
}

# Since begin().
asked_now() {
	asked | tail -n "+$((from + 1))"
}

sql() {
	sqlite3 -cmd '.timeout 5000' "${map_file%/*}/state.db" "$1"
}

# --- both spellings of a domain beyond ASCII (case 63)

postfix_tool postconf strict -e "smtp_tls_policy_maps=hash:$dir/state/strict/tls_policy"
touch -d '1 minute ago' "$dir/strict/config/main.cf"
inside sh -c "kill -HUP \$(cat '$dir/strict/queue/pid/master.pid')"
begin strict
send strict user@bücher.test user@$domain
for to in user@bücher.test user@$domain; do
	await 30 arrives $to >/dev/null
	is "mail to $to arrives" "$(arrived $to | cut -d ' ' -f 1)" mx.$domain
done
has_both() {
	[[ $(entries | wc -l) == 2 ]]
}
await 30 has_both >/dev/null
settle strict
attributes="secure match=mx.$domain servername=hostname"
is 'both spellings are keys under its policy' "$(entries | sort)" \
	"$(printf '%s\n' "bücher.test $attributes" "$domain $attributes" | sort)"
for key in bücher.test $domain; do
	is "Postfix finds $key" "$(in_map $key)" "$attributes"
done
is 'the policy was fetched once' "$(fetches $domain)" 1
is 'it is one policy' "$(ladder policy | grep -c '^[^ ].*enforce until')" 1
matches 'the TXT record is asked in A-labels' "$(asked_now | sort -u)" "_mta-sts\\.xn--bcher-kva\\.test\\. TXT"
is '... alone' "$(asked_now | grep -ci '_mta-sts.*TXT$' | sed 's/^[1-9][0-9]*$/some/')" some
is '... and by no other name' "$(asked_now | grep -i '_mta-sts' | grep -vc '^_mta-sts\.xn--bcher-kva\.test\. TXT$')" 0
"$sandbox" cert "$dir" mx.$domain selfsigned
send strict again@bücher.test again@$domain
settle strict
for to in again@bücher.test again@$domain; do
	is "no mail to $to at a server that does not verify" "$(arrived $to)" waits
done
is 'and the entries stay' "$(entries | sort)" \
	"$(printf '%s\n' "bücher.test $attributes" "$domain $attributes" | sort)"
stops

# --- a relayhost (case 65)

begin relayed "relayhost=[$relay]:2525" "smtp_tls_policy_maps=hash:$dir/state/relayed/tls_policy"
send relayed valid-ca.test victim.test
for to in user@valid-ca.test user@victim.test; do
	await 30 arrives $to >/dev/null
	is "mail to $to goes by the relay" "$(arrived $to | cut -d ' ' -f 1)" $relay
done
has_one() {
	[[ -n $(entries) ]]
}
await 30 has_one >/dev/null
settle relayed
is "the relay's policy is the one that counts" "$(entries)" "[$relay]:2525 secure match=$relay servername=hostname"
is 'Postfix finds it' "$(in_map "[$relay]:2525")" "secure match=$relay servername=hostname"
is 'its policy is the only one that is fetched' "$(sort -u "$policies/asked")" $relay
is "nobody asks for the recipients' TXT records" "$(asked_now | grep -i '^_mta-sts' | sort -u)" "_mta-sts.$relay. TXT"
"$sandbox" cert "$dir" $relay selfsigned
send relayed again@valid-ca.test
settle relayed
is 'a relay that does not verify gets nothing' "$(arrived again@valid-ca.test)" waits
is 'and the entry stays' "$(entry "[$relay]:2525")" secure
stops

# --- an address as the next-hop (case 65)

inside unbound-control -c "$dir/world/dns/unbound.conf" set_option log-queries: yes >/dev/null
begin literal 'relayhost=[10.53.1.29]' "smtp_tls_policy_maps=hash:$dir/state/literal/tls_policy"
send literal literal@valid-ca.test
await 30 arrives literal@valid-ca.test >/dev/null
settle literal
is 'an address has no policy: mail goes by what it can do' "$(entries)" '[10.53.1.29] encrypt'
is 'nobody asks for a TXT record' "$(asked_now | grep -ci '^_mta-sts')" 0
is 'and nothing is fetched' "$(wc -l <"$policies/asked")" 0
stops
policy_hosts_end
finish
