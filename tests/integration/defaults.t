#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# One small set of destinations under each default level that the other tests do not have,
# and under a floor: the entries, who waits, and that a default that asks for nothing gets
# no entry at all.
. "$(dirname -- "$0")/lib.sh"

up

# under NAME LEVEL LADDER ROWS: a sender of its own with that default level, and a state
# that knows nothing. A row: DOMAIN ENTRY WHY MAIL, where "-" is no entry, none: there was
# nothing to decide, and MAIL tls, clear, waits.
under() {
	local name=$1 level=$2 ladder=$3 rows=$4 domain entry why mail got to
	sender "$name" "smtp_tls_security_level=$level"
	configure "$name" "ladder: {may_after: {attempts: 1}$ladder}"
	start || { not_ok "$name: the daemon starts"; finish; }
	mapfile -t to < <(awk -v user="$name" 'NF { print user "@" $1 }' <<<"$rows")
	send "$name" "${to[@]}"
	settle "$name"
	while read -r domain entry why mail; do
		# The retry of mail that still waits may come a little later.
		awaits "$name: $domain: entry $entry, $why" 15 stands "$domain" "$entry $why"
		is "$name: $domain: Postfix finds that" "$(in_map "$domain")" "${entry#-}"
		got=$(arrived "$name@$domain")
		got=${got#* } got=${got/#TLSv*/tls}
		[[ $got == "$mail" ]] || not_ok "$name: $domain: mail $mail" "got: $got" \
			"$(grep -F "to=<$name@$domain>" "$dir/$name/mail.log")"
		[[ $got != "$mail" ]] || ok "$name: $domain: mail $mail"
	done < <(grep . <<<"$rows")
	stop || not_ok "$name: the daemon ends when asked to"
	rm -rf "${dir:?}/state/"*
}

# stands DOMAIN "ENTRY WHY"
stands() {
	local got
	got=$(sql "SELECT replace(entry, 'none', '-') || ' ' || why FROM destination WHERE key = '$1'")
	echo "$got"
	[[ $got == "$2" ]]
}

# From secure by verify to encrypt, a step a time.
under secure secure '' '
valid-ca.test         -          none           tls
hosted.test           verify     not-authentic  tls
selfsigned.test       encrypt    not-authentic  tls
plain.test            dane       not-encrypted  clear
dane-ok.test          dane-only  dane           tls
dane-notls.test       dane-only  dane-not-met   waits
dane-pkix-notls.test  -          tlsa-unusable  waits
'
under floor secure ', lowest: verify' '
hosted.test           verify     not-authentic  tls
selfsigned.test       -          lowest         waits
plain.test            -          lowest         waits
dane-ok.test          dane-only  dane           tls
'
under encrypt encrypt '' '
valid-ca.test         -          none           tls
selfsigned.test       -          none           tls
plain.test            dane       not-encrypted  clear
dane-ok.test          -          none           tls
dane-notls.test       dane-only  dane-not-met   waits
dane-pkix-notls.test  -          tlsa-unusable  waits
'
under dane dane '' '
selfsigned.test       -          none           tls
plain.test            -          none           clear
dane-ok.test          -          none           tls
dane-bad.test         dane-only  dane-not-met   waits
dane-pkix-notls.test  -          tlsa-unusable  waits
insecure-mx-bad.test  -          insecure-mx    waits
'
under may may '' '
selfsigned.test       -          none           tls
plain.test            -          none           clear
dane-bad.test         -          none           tls
starttls-broken.test  -          may-after      waits
'
finish
