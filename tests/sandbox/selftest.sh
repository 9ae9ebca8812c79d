#!/bin/bash
# The sandbox, tested: every destination gives the answer that its row of the table promises, at verify
# and at dane-only; a change while it runs is seen; nothing remains. Prints TAP. Needs root.
set -uo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
sandbox=$here/sandbox
. "$here/../tap.sh"

# says TEXT COMMAND...: the command's output contains TEXT.
says() {
	local text=$1 output
	shift
	output=$("$@" 2>&1)
	printf '%s\n' "$output"
	[[ $output == *"$text"* ]]
}

why=$("$sandbox" check) || skip_all "$why"

# What must stay as it is.
machine() {
	cat /etc/resolv.conf /etc/hosts
	ls -ld --time-style=full-iso /etc /etc/postfix /var/spool/postfix
	ls -A /var/spool/postfix
	ip -o address
	grep -v '^nsfs' /proc/self/mounts
}

before=$(machine)
dir=$(mktemp -d)
trap '"$sandbox" down "$dir"' EXIT

# --- it comes up

check 'the sandbox comes up' "$sandbox" up "$dir" owner=$$
[[ $failed -eq 0 ]] || { echo 'Bail out! nothing to test'; exit 1; }
check 'a sender at verify starts' "$sandbox" sender "$dir" verify
check 'a sender at dane-only starts' "$sandbox" sender "$dir" dane-only smtp_tls_security_level=dane-only \
	enable_long_queue_ids=yes
check 'a sender that logs through rsyslog starts' "$sandbox" sender "$dir" syslog log=syslog
check 'a sender that logs with RFC 3339 times starts' "$sandbox" sender "$dir" rfc3339 log=rfc3339

inside() {
	"$sandbox" exec "$dir" "$@"
}

mapfile -t rows < <(grep '^[a-z]' "$here/destinations")

# The mail to all of them goes out first, and is checked last.
inside bash -s "$dir" "${rows[@]%% *}" <<'END'
dir=$1
shift
for name in verify dane-only; do
	for domain in "$@"; do
		sendmail -C "$dir/$name/config" -f sender@sender.test "user@$domain" <<<"Subject: $name"
	done
done
for name in syslog rfc3339; do
	sendmail -C "$dir/$name/config" -f sender@sender.test user@selfsigned.test </dev/null
done
END

# --- DNS

answer() {
	inside dig +dnssec +tries=1 +time=5 "$@" | awk '
		/status:/ { sub(/.*status: /, ""); sub(/,.*/, ""); status = $0 }
		/^;; flags:/ { ad = / ad[ ;]/ ? "secure" : "insecure" }
		END { print status, ad }'
}

check 'the root is signed' says 'NOERROR secure' answer . ns
check 'an answer of a signed zone is secure' says 'NOERROR secure' answer dane-ok.test mx
check 'TLSA records are secure' says 'NOERROR secure' answer _25._tcp.mx.dane-ok.test tlsa
check 'absence is proven with NSEC' says 'NOERROR secure' answer mx.signed-no-tlsa.test tlsa
check 'absence is proven with NSEC3' says 'NXDOMAIN secure' answer _25._tcp.mx.signed-no-tlsa-ca.test tlsa
check 'an answer of an unsigned zone is insecure' says 'NOERROR insecure' answer selfsigned.test mx
check 'expired signatures: no answer' says SERVFAIL answer dane-expired-sig.test mx
check 'damaged signature of MX: no answer' says SERVFAIL answer dane-bogus-mx.test mx
check 'damaged signature of TLSA: no answer' says SERVFAIL answer _25._tcp.mx.dane-servfail.test tlsa
check 'damaged signature of TLSA: its MX is secure' says 'NOERROR secure' answer dane-servfail.test mx
check 'name server silent about TLSA: no answer' says SERVFAIL answer _25._tcp.mx.dane-timeout.test tlsa
# Unbound may have given the name server up for that, for a second.
check 'name server silent about TLSA: its MX is secure' "$sandbox" wait "$dir" true \
	sh -c 'dig +dnssec +tries=1 +time=5 dane-timeout.test mx | grep -q "flags:.* ad[ ;]"'
check 'there is no way out' says 'unreachable' inside ip route get 192.0.2.1

# --- what Postfix logs

declare -A reason
while read -r word dsn status text; do
	reason[$word]="dsn=$dsn, status=$status \\($text\\)"
done < <(grep -v '^#' "$here/reasons")

# expect SENDER DOMAIN WORD
expect() {
	local lines
	if lines=$(grep -E " to=<user@$2>, .*, ${reason[$3]}\$" "$dir/$1/mail.log"); then
		ok "$1, $2: $3"
	else
		mapfile -t lines < <(grep -F " to=<user@$2>" "$dir/$1/mail.log")
		not_ok "$1, $2: $3" "wanted: ${reason[$3]}" "${lines[@]}"
	fi
}

check 'verify has tried every message' "$sandbox" wait "$dir" -t 30 idle verify
check 'dane-only has tried every message' "$sandbox" wait "$dir" -t 30 idle dane-only
for row in "${rows[@]}"; do
	read -r domain _ verify dane_only _ <<<"$row"
	[[ $verify == - ]] || expect verify "$domain" "$verify"
	[[ $dane_only == - ]] || expect dane-only "$domain" "$dane_only"
done

check 'rsyslog writes the time of RFC 3164' "$sandbox" wait "$dir" log syslog \
	'^[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d mail postfix/smtp\[\d+\]: [0-9A-F]+: to=<user@selfsigned.test>, .*not verified\)$'
check 'rsyslog writes the time of RFC 3339' "$sandbox" wait "$dir" log rfc3339 \
	'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d mail postfix/smtp\[\d+\]: [0-9A-F]+: to=<user@selfsigned.test>'

# --- what arrived

check 'delivered over TLS' says $'\tuser@valid-ca.test\tmx.valid-ca.test\tTLSv1.3\t' "$sandbox" delivered "$dir"
sent=$(grep -h 'status=sent' "$dir"/{verify,dane-only}/mail.log | grep -vc discard)
check "as many records as messages sent: $sent" test "$(grep -c . "$dir/delivered.tsv")" -eq "$sent"
check 'only to servers of the sandbox, and none of it in the clear' test -z "$(cut -f4 "$dir/delivered.tsv" | grep -v TLS)"

# --- queue tools

check 'postqueue works for another user' says 'selfsigned.test' \
	inside setpriv --reuid nobody --regid nogroup --clear-groups postqueue -c "$dir/verify/config" -p
check 'postqueue -j works' says '"delay_reason": "Server certificate not verified"' \
	inside postqueue -c "$dir/verify/config" -j

retry() {
	local id
	id=$(grep -o "[0-9A-F]*: to=<user@$2>" "$dir/$1/mail.log" | head -n 1)
	inside postqueue -c "$dir/$1/config" -i "${id%%:*}"
}

check 'greylisting lets the second attempt pass: retry' retry verify greylist.test
check 'greylisting lets the second attempt pass' "$sandbox" wait "$dir" log verify 'to=<user@greylist.test>, .*status=sent'

# --- changes while it runs

send() {
	"$sandbox" send "$dir" "$@" </dev/null
}

# Postfix keeps DNS data for a TTL, which is a second.
secure_tlsa() {
	local answer
	answer=$(inside dig +dnssec "_25._tcp.mx.$1" tlsa)
	[[ $answer == *' ad;'* && $answer == *$'\tTLSA\t'* ]]
}

check 'TLSA records are added' "$sandbox" zone "$dir" tlsa mx.signed-no-tlsa.test 3-1-1
check 'they are there, and secure' secure_tlsa signed-no-tlsa.test
check 'TLSA records are removed' "$sandbox" zone "$dir" tlsa mx.dane-bad.test
check 'they are gone, and it is proven' says 'NXDOMAIN secure' answer _25._tcp.mx.dane-bad.test tlsa
check 'a zone is signed' "$sandbox" zone "$dir" kind selfsigned.test signed
check 'it is secure' says 'NOERROR secure' answer selfsigned.test mx
check 'a zone becomes unsigned' "$sandbox" zone "$dir" kind dane-ta.test unsigned
check 'it is insecure' says 'NOERROR insecure' answer dane-ta.test mx
check 'a zone becomes bogus' "$sandbox" zone "$dir" kind dane-roll.test bogus-tlsa
check 'it is' says SERVFAIL answer _25._tcp.mx.dane-roll.test tlsa
check 'the signatures of TLSA records are taken away' "$sandbox" zone "$dir" kind dane-roll.test stripped-tlsa
check 'there is no answer' says SERVFAIL answer _25._tcp.mx.dane-roll.test tlsa
check 'its MX is secure' says 'NOERROR secure' answer dane-roll.test mx
check 'the name server of a zone falls silent' "$sandbox" zone "$dir" kind dane-mixed.test silent-tlsa
check 'it is silent' says SERVFAIL answer _25._tcp.mx.dane-mixed.test tlsa
check 'a record is added' "$sandbox" zone "$dir" add victim.test www A 10.53.1.38
check 'the record is there' says 10.53.1.38 inside dig +short www.victim.test
check 'the record is removed' "$sandbox" zone "$dir" remove victim.test www A 10.53.1.38
check 'the record is gone' says NXDOMAIN answer www.victim.test a
check 'MX records are replaced' "$sandbox" zone "$dir" mx hosted.test mx.plain.test
check 'they are replaced' says '10 mx.plain.test.' inside dig +short hosted.test mx

check 'a certificate is replaced' "$sandbox" cert "$dir" mx.expired-cert.test good
send verify sender@sender.test again@expired-cert.test
check 'it is seen' "$sandbox" wait "$dir" log verify 'to=<again@expired-cert.test>, .*status=sent'
check 'a key is replaced' "$sandbox" cert "$dir" mx.dane-ok.test selfsigned newkey
send dane-only sender@sender.test again@dane-ok.test
check 'it no longer matches' "$sandbox" wait "$dir" log dane-only 'to=<again@dane-ok.test>, .*not verified\)$'
check 'a real server is replaced by a scripted one' "$sandbox" behave "$dir" mx.valid-ca.test refuse-454
send verify sender@sender.test again@valid-ca.test
check 'it is seen' "$sandbox" wait "$dir" log verify 'to=<again@valid-ca.test>, .*refused to start TLS: 454'
check 'and back' "$sandbox" behave "$dir" mx.valid-ca.test tls
send verify sender@sender.test back@valid-ca.test
check 'it is seen' "$sandbox" wait "$dir" log verify 'to=<back@valid-ca.test>, .*status=sent'
check 'STARTTLS is taken away' "$sandbox" behave "$dir" mx.victim.test plain
send verify sender@sender.test again@victim.test
check 'it is seen' "$sandbox" wait "$dir" log verify 'to=<again@victim.test>, .*not offered by host'
check 'a server goes down' "$sandbox" behave "$dir" mx.victim.test down
check 'and up' "$sandbox" behave "$dir" mx.victim.test tls

check 'the resolver stops' "$sandbox" resolver "$dir" stop
check 'no server answers' says 'connection refused' inside dig +tries=1 dane-ok.test mx
check 'it starts without validation' "$sandbox" resolver "$dir" novalidate
check 'nothing is secure' says 'NOERROR insecure' answer dane-ok.test mx
check 'it freezes' "$sandbox" resolver "$dir" freeze
check 'questions time out' says 'timed out' inside dig +tries=1 +time=1 dane-ok.test mx
check 'it starts again' "$sandbox" resolver "$dir" start
check 'answers are secure' says 'NOERROR secure' answer dane-ok.test mx

# --- other ports, other levels, a sender for all programs inside

check 'a sender with transports starts' "$sandbox" sender "$dir" ports smtp_tls_security_level=dane-only \
	'transport_maps=inline:{ {p587.test = smtp:[mx.dane-port.test]:587}, {p2525.test = smtp:[mx.dane-port.test]:2525} }'
send ports sender@sender.test user@p587.test user@p2525.test
check 'TLSA records of port 587 are used' "$sandbox" wait "$dir" log ports 'to=<user@p587.test>, .*status=sent'
check 'port 2525 has none' "$sandbox" wait "$dir" log ports 'to=<user@p2525.test>, .*no TLSA records found'

check 'a default sender at encrypt starts' "$sandbox" sender "$dir" encrypt default=yes smtp_tls_security_level=encrypt
check 'Postfix commands find it without -c' says encrypt inside postconf -h smtp_tls_security_level
send encrypt sender@sender.test user@tls10-only.test user@anything.many-plain.test
check 'TLS 1.0 is enough at encrypt' "$sandbox" wait "$dir" log encrypt 'to=<user@tls10-only.test>, .*status=sent'
check 'a domain without a row of its own' "$sandbox" wait "$dir" log encrypt 'to=<user@anything.many-plain.test>, .*not offered'

# --- spellings

send syslog sender@sender.test 'user@bücher.test'
check 'a U-label is logged as such' "$sandbox" wait "$dir" log syslog 'to=<user@bücher.test>, .*mx.xn--bcher-kva.test.*not verified\)$'

# --- exec is like the command itself

inside sh -c 'exit 7'
check 'exec hands the exit status on' test $? -eq 7
inside tail -f /dev/null &
waits=$!
"$sandbox" wait "$dir" true pgrep -x tail >/dev/null
kill -TERM $waits
wait $waits
check 'exec hands signals on' test $? -eq 143

# --- the end

other=$(mktemp -d)
tail -f --pid=$$ /dev/null &
owner=$!
check 'a second sandbox comes up beside it' "$sandbox" up "$other" owner=$owner
read -r holder _ <"$other/world/holder"
kill $owner
gone() { [[ ! -e $other && ! -e /proc/$holder/ns/net ]]; }
awaits 'it ends with its owner' 10 gone
check 'the first lives on' says 'NOERROR secure' answer dane-ok.test mx

read -r holder _ <"$dir/world/holder"
namespace=$(readlink "/proc/$holder/ns/pid")
check 'the sandbox goes down' "$sandbox" down "$dir"
check 'its directory is gone' test ! -e "$dir"
check 'its processes are gone' test -z "$(find /proc -maxdepth 3 -path '/proc/[0-9]*/ns/pid' -lname "$namespace" 2>/dev/null)"
check 'the machine is as it was' test "$(machine)" == "$before"
check 'down again is no error' "$sandbox" down "$dir"

echo "1..$number"
[[ $failed -eq 0 ]]
