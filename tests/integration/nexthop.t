#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The key of an entry is the next-hop that smtp(8) looks up, however Postfix came to it:
# transport maps, relayhost, ports, literals, U-labels, services with a level of their
# own. Mail must flow under it, and the recipient's domain alone gets none.
. "$(dirname -- "$0")/lib.sh"

up
mapfile -t regexp_types < <(inside postconf -m | grep -xE 'pcre|regexp')

regexp_type() {
	[[ " ${regexp_types[*]} " == *" $1 "* ]]
}

# A sender, and a daemon with a state of its own.
# begin NAME [PARAMETER=VALUE]... [LINE OF MASTER.CF]...
begin() {
	local name=$1 word parameters=() services=()
	shift
	for word in "$@"; do
		if [[ $word == *' smtp'* ]]; then services+=("$word"); else parameters+=("$word"); fi
	done
	: >"$dir/delivered.tsv"
	rm -rf "$dir/state"
	mkdir "$dir/state"
	chown nobody:nogroup "$dir/state"
	sender "$name" "${parameters[@]}"
	if [[ ${#services[@]} -gt 0 ]]; then
		printf '%s\n' "${services[@]}" >>"$dir/$name/config/master.cf"
		touch -d '1 minute ago' "$dir/$name/config/master.cf"
		inside kill -HUP "$(tr -d ' ' <"$dir/$name/queue/pid/master.pid")"
	fi
	configure "$name" 'ladder: {may_after: {attempts: 1}}'
	if start; then ok "$name: the daemon starts"; else not_ok "$name: the daemon starts"; finish; fi
}

# check_rows ROWS, on standard input: RECIPIENT  KEY  LEVEL  SERVER  TLS, as in verify.t;
# the domains of the recipients, which are no keys, get no entry.
check_rows() {
	local name=$1 rows to key keys level server tls got domain list
	rows=$(grep -E '^[^#]' | sed "s/  */\t/g")
	send "$name" $(cut -f 1 <<<"$rows")
	settle "$name"
	list=$(entries)
	keys=$(cut -f 1,2 <<<"$rows" | awk -F '\t' '$2 != "-" { sub(".*@", "", $1); print $2 == "=" ? $1 : $2 }' | sort -u)
	while IFS=$'\t' read -r to key level server tls; do
		domain=${to##*@}
		[[ $key != = ]] || key=$domain
		if [[ $key != - ]]; then
			got=$(awk -v key="$key" '$1 == key { print $2 }' <<<"$list")
			[[ $got == "$level" ]] && ok "$name: $to: entry $key $level" ||
				not_ok_of "$key" "$name: $to: entry $key $level" "got: ${got:--}"
			is "$name: $to: Postfix finds it" "$(in_map "$key")" "$level"
		fi
		got=$(arrived "$to")
		[[ $tls != tls ]] || got=${got/TLSv1.[23]/tls}
		[[ $got == "$server $tls" ]] && ok "$name: $to: mail at $server, $tls" ||
			not_ok_of "$domain" "$name: $to: mail at $server, $tls" "got: $got"
		grep -qxiF "$domain" <<<"$keys" || is "$name: $domain alone has none" "$(in_map "$domain")" ''
	done <<<"$rows"
	is "$name: no entry for anything else" "$(cut -d ' ' -f 1 <<<"$list" | sort)" "$keys"
}

ends() {
	stop
	is "$1: the daemon ends when asked to" $? 0
}

# --- transport maps

cat >"$dir/transport" <<END
special@valid-ca.test       smtp:[mx.selfsigned.test]
routed.test                 smtp:[mx.selfsigned.test]:2525
.parent.test                smtp:expired-cert.test
port.test                   smtp:wrongname-cert.test:25
literal4.test               smtp:[10.53.1.29]
literal6.test               smtp:[fd53::1:34]
prefix6.test                smtp:[ipv6:fd53::1:34]
literal-port.test           smtp:[10.53.1.33]:2525
unsigned-tlsa.test          smtp:
lax.test                    lax:[mx.plain.test]
enough.test                 lax:[mx.hostile-cn.test]
strict.test                 strictest:signed-no-tlsa-ca.test
stricter.test               strictest:[mx.hostile-issuer.test]
END
# With an extension, so that it is seen whether the whole address is asked.
cat >"$dir/transport.regexp" <<END
/^boss\+[^@]*@whole\.test\$/  smtp:[mx.starttls-refused.test]
END
cat >"$dir/transport.pcre" <<END
/^(?:sales|info)@pcre\.test\$/  smtp:[nomx.test]
END
inside postmap "hash:$dir/transport"
maps="hash:$dir/transport"
for type in "${regexp_types[@]}"; do
	maps+=",$type:$dir/transport.$type"
done

own='unix - - n - - smtp -o smtp_tls_security_level='
begin routes "transport_maps=$maps" recipient_delimiter=+ "lax ${own}encrypt" "strictest ${own}dane-only"
check_rows routes <<END
special@valid-ca.test      [mx.selfsigned.test]       encrypt  mx.selfsigned.test  tls
other@valid-ca.test        -                          -        mx.valid-ca.test  tls
user@routed.test           [mx.selfsigned.test]:2525  encrypt  mx.selfsigned.test  tls
user@sub.parent.test       expired-cert.test          encrypt  mx.expired-cert.test  tls
user@deep.sub.parent.test  expired-cert.test          encrypt  mx.expired-cert.test  tls
user@port.test             wrongname-cert.test:25     encrypt  mx.wrongname-cert.test  tls
user@literal4.test         [10.53.1.29]               encrypt  mx.unsigned-tlsa.test  tls
user@literal6.test         [fd53::1:34]               encrypt  mx.selfsigned-v6.test  tls
user@prefix6.test          [ipv6:fd53::1:34]          encrypt  mx.selfsigned-v6.test  tls
user@literal-port.test     [10.53.1.33]:2525          encrypt  mx.selfsigned.test  tls
user@[10.53.1.35]          =                          encrypt  mx.expired-cert.test  tls
user@[IPv6:fd53::1:24]     [ipv6:fd53::1:24]          encrypt  mx.dane-v6.test  tls
user@SelfSigned.test       selfsigned.test            encrypt  mx.selfsigned.test  tls
user@unsigned-tlsa.test    =                          encrypt  mx.unsigned-tlsa.test  tls
user@xn--bcher-kva.test    =                          encrypt  mx.xn--bcher-kva.test  tls
user@bücher.test           =                          encrypt  mx.xn--bcher-kva.test  tls
user@lax.test              [mx.plain.test]            dane     mx.plain.test  clear
user@enough.test           -                          -        mx.hostile-cn.test  tls
user@strict.test           signed-no-tlsa-ca.test     secure   mx.signed-no-tlsa-ca.test  tls
user@stricter.test         [mx.hostile-issuer.test]   encrypt  mx.hostile-issuer.test  tls
$(regexp_type regexp && echo 'boss+x@whole.test   [mx.starttls-refused.test]  dane  mx.starttls-refused.test  clear')
$(regexp_type pcre && echo 'info@pcre.test  [nomx.test]  encrypt  nomx.test  tls')
END
ends routes

# --- everything by one server

begin star transport_maps=inline:{*=smtp:[mx.hostile-cn.test]}
check_rows star <<END
user@selfsigned.test       [mx.hostile-cn.test]       encrypt  mx.hostile-cn.test  tls
user@valid-ca.test         [mx.hostile-cn.test]       encrypt  mx.hostile-cn.test  tls
END
ends star

begin relayhost relayhost=[mx.selfsigned.test]:2525 'transport_maps=inline:{nobody.test=smtp:, selfsigned.test=smtp:}'
check_rows relayhost <<END
user@valid-ca.test         [mx.selfsigned.test]:2525  encrypt  mx.selfsigned.test  tls
user@plain.test            [mx.selfsigned.test]:2525  encrypt  mx.selfsigned.test  tls
user@selfsigned.test       =                          encrypt  mx.selfsigned.test  tls
END
ends relayhost

# Of a list, apart as postconf(5) has it, by commas or whitespace, each is one.
begin list 'relayhost=[mx.down.test]:25 [mx.selfsigned.test]:2525'
check_rows list <<END
user@plain.test            [mx.selfsigned.test]:2525  encrypt  mx.selfsigned.test  tls
END
ends list

begin relaydomain relayhost=expired-cert.test relay_domains=hosted.test
check_rows relaydomain <<END
user@valid-ca.test         expired-cert.test          encrypt  mx.expired-cert.test  tls
user@hosted.test           expired-cert.test          encrypt  mx.expired-cert.test  tls
END
ends relaydomain

# relay_transport has a next-hop of its own, as a gateway has one: for domains that are listed, and
# for those of a table by the server that the line names.
gateway=gateway
for relayed in hosted.test inline:{hosted.test=yes}; do
	begin $gateway relay_domains=$relayed 'relay_transport=smtp:[mx.selfsigned.test]:2525'
	check_rows $gateway <<END
user@hosted.test           [mx.selfsigned.test]:2525  encrypt  mx.selfsigned.test  tls
user@wrongname-cert.test   =                          encrypt  mx.wrongname-cert.test  tls
END
	ends $gateway
	gateway="gateway-table"
done

begin other default_transport=smtp:[mx.wrongname-cert.test]
check_rows other <<END
user@valid-ca.test         [mx.wrongname-cert.test]   encrypt  mx.wrongname-cert.test  tls
END
ends other

# --- by sender: the server is none of the recipient's, and the log does not say whose

begin bysender sender_dependent_relayhost_maps=inline:{special@sender.test=[mx.plain.test]}
"$sandbox" send "$dir" bysender special@sender.test user@valid-ca.test user@selfsigned.test </dev/null
settle bysender
is 'bysender: no entry for anybody' "$(entries)" ''
for domain in valid-ca.test selfsigned.test; do
	matches "bysender: $domain: that is reported" "$(ladder explain --json $domain)" '"why":"elsewhere"'
done
# ... and mail that goes its own way is judged by itself.
send bysender selfsigned.test
settle bysender
is 'bysender: who is met without relay gets an entry' "$(entries)" 'selfsigned.test encrypt'
is 'bysender: and its mail' "$(arrived user@selfsigned.test | sed 's/ .*//')" mx.selfsigned.test
ends bysender

# --- a content filter on another host, for some of the mail: what it takes says nothing of
# the recipient

begin remote 'header_checks=regexp:{{/^X-Filter:/ FILTER scan:[mx.plain.test]}}' "scan ${own}may"
for i in 1 2 3; do
	"$sandbox" send "$dir" remote sender@sender.test user@selfsigned.test <<<"X-Filter: $i"
done
"$sandbox" wait "$dir" -n 3 log remote 'to=<user@selfsigned.test>, relay=mx.plain.test.*status=sent' >/dev/null
settle remote
send remote selfsigned.test
settle remote
is 'remote: who is met without filter gets an entry at once' "$(entries)" 'selfsigned.test encrypt'
is 'remote: what the filter took was no proof of better days' \
	"$(sql "SELECT count(*) FROM decision WHERE action = 'hold'")" 0
ends remote

# --- a content filter on this machine

begin filter content_filter=smtp:[127.0.0.1]:10030 \
	'127.0.0.1:10030 inet n - n - - smtpd -o content_filter= -o smtpd_tls_security_level=none'
filtered() {
	[[ $(arrived user@selfsigned.test) == 'mx.selfsigned.test TLS'* &&
		$(arrived user@valid-ca.test) == 'mx.valid-ca.test TLS'* ]]
}

send filter selfsigned.test valid-ca.test
settle filter
matches 'filter: the mail waits before the filter' "$(cat "$dir/filter/mail.log")" \
	'relay=127.0.0.1\[127.0.0.1\]:10030.*TLS is required, but was not offered'
is 'filter: no entry for the recipients' "$(entries)" ''
check 'filter: it gets an entry by hand' ladder set '[127.0.0.1]:10030' may
postfix_tool postqueue filter -f
awaits 'filter: mail flows through it and on' 30 filtered
settle filter
is 'filter: who is met behind it got an entry' "$(entries)" "[127.0.0.1]:10030 may
selfsigned.test encrypt"
is 'filter: at once: what the filter took proves nothing of the destination' \
	"$(sql "SELECT count(*) FROM decision WHERE action = 'hold'")" 0
ends filter
finish
