#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# smtp_tls_security_level = dane-only, every destination of the sandbox at once; the log
# goes through rsyslog, with the times of RFC 3339.
. "$(dirname -- "$0")/lib.sh"

rows=$(rows_under dane-only)
mapfile -t domains < <(awk '{ print $1 }' <<<"$rows")

up dane log=rfc3339 smtp_tls_security_level=dane-only \
	'transport_maps=inline:{port.test=smtp:[mx.dane-port.test]:587, other-port.test=smtp:[mx.dane-port.test]:2525}'
configure dane 'ladder: {may_after: {attempts: 1}}'
is 'no destination of the sandbox is forgotten' "$(forgotten "$rows")" ''
starts
begun=$(now)
send dane "${domains[@]}"
settle dane
comment "everything settled $(bc <<<"$(now) - $begun") s after the first message"

matches 'the log has the times of RFC 3339' "$(head -n 1 "$dir/dane/mail.log")" \
	'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}[+-][0-9:]{5} mail postfix/'
# dane-only fails before the first connection; so greylisting begins with the first retry.
awaits 'a retry that met greylisting is made once more' 20 \
	grep -q 'user@greylist.test	' "$dir/delivered.tsv"
settle dane
table_holds dane "$rows"

comment "from the first deferral to the delivery, over one step or more: $(delays dane | figures)"
# A host that others share is asked anew after 30 s.
is 'all of that within 45 s' "$(delays dane | awk '$1 > 45')" ''
# The servers were measured: what they meet is written at once, with no level between.
while read -r domain level; do
	is "$domain: what its server meets, at once" \
		"$(sql "SELECT group_concat(after, ' ') FROM (SELECT after FROM decision
			WHERE destination = (SELECT id FROM destination WHERE key = '$domain') AND action = 'set' ORDER BY id)")" \
		"$level"
done <<'END'
selfsigned.test encrypt
insecure-mx.test encrypt
dane-pkix-only.test encrypt
plain.test dane
hosted.test verify
END
# Mail that arrived by DANE, under the default.
for domain in dane-ok.test dane-ta.test dane-cname.test; do
	check "$domain: the session was verified" \
		grep -Eq "Verified TLS connection established to mx\.$domain\[" "$dir/dane/mail.log"
done

before=$(entries)
postfix_tool postqueue dane -f
awaits 'dane-greylist.test: mail is taken at the second attempt' 20 \
	grep -q 'user@dane-greylist.test	' "$dir/delivered.tsv"
settle dane
is 'a second attempt of all that waits changes no entry' "$(entries)" "$before"
stops
finish
