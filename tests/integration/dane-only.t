#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# smtp_tls_security_level = dane-only, every destination of the sandbox at once; the log
# goes through rsyslog, with the times of RFC 3339.
. "$(dirname -- "$0")/lib.sh"

# The columns: see table_holds in lib.sh.
table='
dane-ok.test                =  -        =  tls
dane-ta.test                =  -        =  tls
dane-ca.test                =  -        =  tls
dane-roll.test              =  -        =  tls
dane-mixed.test             =  -        =  tls
dane-nsec3.test             =  -        =  tls
dane-v6.test                =  -        =  tls
dane-nomx.test              =  -        dane-nomx.test  tls
dane-hosted.test            =  -        mx.dane-ok.test  tls
dane-greylist.test          =  -        waits  -
dane-bad.test               =  -        waits  -
dane-bad-ca.test            =  -        waits  -
dane-agility.test           =  -        waits  -
dane-notls.test             =  -        waits  -
dane-refuse.test            =  -        waits  -
dane-refuse-554.test        =  -        bounced  -
dane-broken.test            =  -        waits  -
dane-down.test              =  -        waits  -
dane-pkix-only.test         =  encrypt  =  tls
dane-pkix-ca.test           =  verify   =  tls
dane-pkix-notls.test        =  verify   waits  -
dane-junk.test              =  encrypt  =  tls
dane-expired-sig.test       =  -        waits  -
dane-bogus-mx.test          =  -        waits  -
dane-servfail.test          =  -        waits  -
dane-timeout.test           =  -        waits  -
dane-multi.test             =  -        =  tls
dane-multi-2nd.test         =  -        mx2.dane-multi-2nd.test  tls
dane-multi-down.test        =  -        waits  -
dane-multi-error.test       =  -        waits  -
dane-cname.test             =  -        =  tls
dane-mxcname.test           =  -        real.dane-mxcname.test  tls
dane-mxcname-name.test      =  -        real.dane-mxcname-name.test  tls
dane-mxcname-insecure.test  =  -        mx.selfsigned.test  tls
mx-address.test             =  encrypt  mx.selfsigned.test  tls
nullmx.test                 =  -        bounced  -
nohost.test                 =  -        bounced  -
insecure-mx.test            =  encrypt  mx.dane-ok.test  tls
insecure-mx-bad.test        =  encrypt  mx.dane-bad.test  tls
signed-no-tlsa.test         =  encrypt  =  tls
signed-no-tlsa-ca.test      =  verify   =  tls
unsigned-tlsa.test          =  encrypt  =  tls
valid-ca.test               =  verify   =  tls
victim.test                 =  verify   =  tls
hosted.test                 =  verify   mx.valid-ca.test  tls
selfsigned.test             =  encrypt  =  tls
selfsigned-v6.test          =  encrypt  =  tls
nomx.test                   =  encrypt  nomx.test  tls
expired-cert.test           =  encrypt  =  tls
wrongname-cert.test         =  encrypt  =  tls
hostile-cn.test             =  encrypt  =  tls
hostile-issuer.test         =  encrypt  =  tls
xn--bcher-kva.test          =  encrypt  =  tls
plain.test                  =  may      =  clear
starttls-refused.test       =  may      =  clear
starttls-refused-554.test   =  may      bounced  -
starttls-hostile.test       =  may      =  clear
starttls-broken.test        =  may      waits  -
tls10-only.test             =  encrypt  =  TLSv1
greylist.test               =  verify   =  tls
tempfail.test               =  verify   waits  -
tempfail2.test              =  verify   waits  -
tempfail3.test              =  verify   waits  -
drop.test                   =  verify   waits  -
down.test                   =  verify   waits  -
dane-port.test              =  encrypt  =  tls
port.test                   [mx.dane-port.test]:587   -        mx.dane-port.test  tls
other-port.test             [mx.dane-port.test]:2525  encrypt  mx.dane-port.test  tls
'
rows=$(grep . <<<"$table")
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

has 'the log has the times of RFC 3339' "$(head -n 1 "$dir/dane/mail.log")" \
	'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}[+-][0-9:]{5} mail postfix/'
# The look-up that names verify as the next step comes before anybody connects; so its
# greylisting begins with the first retry.
awaits 'a retry that met greylisting is made once more' 20 \
	grep -q 'user@greylist.test	' "$dir/delivered.tsv"
settle dane
table_holds dane "$rows"

comment "from the first deferral to the delivery, over one step or more: $(delays dane | figures)"
is 'all of that within 30 s' "$(delays dane | awk '$1 > 30')" ''
# verify, then encrypt: never further down at once than it must be.
for domain in selfsigned.test plain.test insecure-mx.test dane-pkix-only.test; do
	is "$domain: verify was tried first" \
		"$(sql "SELECT after FROM decision WHERE destination = (SELECT id FROM destination WHERE key = '$domain')
			AND action = 'set' ORDER BY id LIMIT 1")" verify
done
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
