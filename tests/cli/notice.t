#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# notice against a scripted name server and a posttls-finger that a script plays: what is
# wrong is in the letter, with its proof; what is no fault is not; and it goes once.
. "$(dirname -- "$0")/lib.sh"
needs_python

digest=cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2
# zone NAME SECURITY: one MX host, with TLSA where it is signed
zone() {
	printf '%s MX %s\n\t%s. 300 IN MX 10 mx.%s.\n' "$1" "$2" "$1" "$1"
	printf 'mx.%s A %s\n\tmx.%s. 300 IN A 192.0.2.1\nmx.%s AAAA %s\n_25._tcp.mx.%s TLSA %s\n' "$1" "$2" "$1" "$1" "$2" "$1" "$2"
	[[ $2 != secure ]] || printf '\t_25._tcp.mx.%s. 300 IN TLSA 3 1 1 %s\n' "$1" "$digest"
}
{
	for name in plain refused expired selfsigned good silent xn--mller-kva; do
		zone $name.test insecure
	done
	zone dane.test secure
	printf 'broken.test MX servfail\n'
} >"$dir/dns"
start_dns

postconf_says 'smtp_dns_support_level = dnssec' 'smtp_host_lookup = dns' 'ignore_mx_lookup_error = no' \
	'smtp_helo_name = mail.sender.test' 'smtp_tls_security_level = may' "smtp_tls_policy_maps = hash:$dir/tls_policy"
cat >"$dir/posttls-finger.sh" <<'END'
all=" $* "
for host; do :; done
name=${all#* }
host=$(printf '%s' "$all" | grep -oE 'mx\.[a-z-]+\.test' | head -n 1)
peer="$host[192.0.2.1]:25"
chat="posttls-finger: Connected to $peer
posttls-finger: < 220 $host ESMTP
posttls-finger: > EHLO mail.sender.test
posttls-finger: < 250-$host"
session="TLS connection established to $peer: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
case $host in
mx.plain.test | mx.xn--mller-kva.test) printf '%s\nposttls-finger: < 250 SIZE\nposttls-finger: > QUIT\nposttls-finger: < 221 bye\n' "$chat" ;;
mx.refused.test) printf '%s\nposttls-finger: < 250 STARTTLS\nposttls-finger: > STARTTLS\nposttls-finger: < 454 4.7.0 not now\nposttls-finger: STARTTLS rejected: 454 4.7.0 not now\n' "$chat" ;;
mx.silent.test) printf 'posttls-finger: Failed to establish session to %s via %s: connect to %s: Connection refused\n' "$host" "$host" "$peer" ;;
*)
	printf '%s\nposttls-finger: < 250 STARTTLS\nposttls-finger: > STARTTLS\nposttls-finger: < 220 go\n' "$chat"
	case $host in
	mx.expired.test) echo "posttls-finger: certificate verification failed for $peer: certificate has expired"
		echo "posttls-finger: Untrusted $session" ;;
	mx.selfsigned.test) echo "posttls-finger: certificate verification failed for $peer: self-signed certificate"
		echo "posttls-finger: Untrusted $session" ;;
	mx.dane.test) echo "posttls-finger: Untrusted $session" ;;
	*) echo "posttls-finger: Verified $session" ;;
	esac
	printf 'posttls-finger: < 250-%s\nposttls-finger: < 250 SIZE\nposttls-finger: > QUIT\nposttls-finger: < 221 bye\n' "$host" ;;
esac
END
standard() {
	configure "dns: {resolver: $resolver, timeout: 1s, tries: 1, trust: ad}" 'mta_sts: {enable: false}' \
		"postfix: {command: [$fakes]}" "$@"
}
standard

# found: the lines of the letter that tell what is wrong.
found() {
	sed -n '/^$/,/^What helps:/p' <<<"$out" | grep -A3 '^  \*'
}

ladder notice plain.test
is 'without STARTTLS: a letter' "$status $err" '0 '
has 'it names the server' "$out" 'mx.plain.test[192.0.2.1]:25 does not offer STARTTLS'
has 'and when that was seen' "$out" "(seen $(date -u +%Y-%m-%dT)"
has 'and who asked' "$out" 'mail.sender.test'
has 'and what helps' "$out" 'smtpd_tls_security_level=may'
is 'its lines fit' "$(awk 'length > 78' <<<"$out")" ''
ladder notice --lang de plain.test
has 'in German as well' "$out" 'bietet kein STARTTLS an'
has 'with times as they are written there' "$out" "(gesehen am $(date -u +%d.%m.%Y) "
hasnt 'without an English word' "$out" STARTTLS,
ladder notice refused.test
has 'what is offered and refused' "$out" 'offers STARTTLS and then refuses it'
ladder notice expired.test
has 'an expired certificate' "$out" 'has a certificate that has expired'
ladder notice dane.test
has 'a TLSA record that does not match' "$out" 'no TLSA record of it'
ladder notice selfsigned.test
is 'a certificate that nobody promised to verify is no fault: exit status 65' "$status $out" '65 '
ladder notice good.test
is 'nor is what is well' "$status $out" '65 '
ladder notice silent.test
is 'a server that does not answer proves nothing: exit status 69' "$status $out" '69 '
ladder notice broken.test
is 'nor does DNS that cannot tell' "$status $out" '69 '
ladder notice --lang fr plain.test
is 'another language' $status 64
ladder notice '[mx.plain.test]'
is 'a server has no postmaster' $status 64
check 'no state was made' test ! -e "$dir/state.db"

# --- sending

sed 's/3\.7\.11/3.10.0/' "$dir/postconf.out" >"$dir/postconf.new"
cp "$dir/postconf.out" "$dir/postconf.old"

ladder notice --send plain.test
is 'without notify.from nothing is sent' $status 78
standard 'notify: {from: postmaster@sender.test, deny: [expired.test]}'
ladder notice --send plain.test
is 'it is sent' "$status" 0
mail=$(cat "$dir"/sendmail.input 2>/dev/null)
has 'to the postmaster' "$mail" 'To: <postmaster@plain.test>'
has 'from the address that answers go to' "$mail" '<postmaster@sender.test>'
has 'with a subject that tells' "$mail" 'Subject: TLS at the mail servers of plain.test'
has 'and the letter' "$mail" 'does not offer STARTTLS'
: >"$dir/sendmail.input"
ladder notice --send plain.test
is 'not again within 30 days: exit status 75' $status 75
has 'with the date' "$err" "may go after $(date -u -d '+30 days' +%Y-%m-%dT)"
is 'and nothing went' "$(cat "$dir/sendmail.input")" ''
ladder notice plain.test
is 'it can be shown all the same' $status 0
# What our own level holds reaches nobody.
ladder set refused.test encrypt
: >"$dir/sendmail.input"
ladder notice --send refused.test
is 'where our own entry would hold it it is not sent: exit status 69' "$status $(cat "$dir/sendmail.input")" '69 '
has 'which is told, with the level' "$err" 'at encrypt, which is in force for refused.test here, the letter would wait'
has 'the letter is there to be sent another way' "$out" 'offers STARTTLS and then refuses it'
ladder set dane.test dane-only
ladder notice --send dane.test
is 'nor where TLSA holds it' "$status $(cat "$dir/sendmail.input")" '69 '
ladder unset refused.test
ladder set .test verify
ladder notice --send refused.test
is 'nor where a parent does' "$status $(cat "$dir/sendmail.input")" '69 '
ladder unset .test
ladder notice --send refused.test
is 'it did not count: now it is sent' "$status" 0
: >"$dir/sendmail.input"
cat "$dir/postconf.new" >"$dir/postconf.out"
ladder notice --send dane.test
is 'from Postfix 3.10 on it goes at any level, by TLS-Required: no' "$status" 0
cat "$dir/postconf.old" >"$dir/postconf.out"
: >"$dir/sendmail.input"
ladder notice --send expired.test
is 'who is in notify.deny is never written to' "$status $(cat "$dir/sendmail.input")" '77 '
# A letter of more than a day to come went while the clock was ahead.
days() { TLSLADDER_NOW_OFFSET=$(($1 * 86400)) ladder notice --send expired.test; }
standard 'notify: {from: postmaster@sender.test}'
days 3650
is 'with a clock ten years ahead it is sent' $status 0
days 0
is 'which delays none when the clock is right again' $status 0
days 0
is 'but the one that goes then' $status 75
TLSLADDER_NOW_OFFSET=-43200 ladder notice --send expired.test
is 'a clock that is half a day behind does not make it two' $status 75
days 29
is 'nor are 29 days enough' $status 75
days 31
is 'after 30 days the next one goes' $status 0
: >"$dir/sendmail.input"
# A dot before it, as in keys of the map: all below.
while read -r denied domain expected; do
	standard "notify: {from: postmaster@sender.test, deny: [$denied]}"
	ladder notice --send "$domain"
	is "is $domain $denied of notify.deny? $expected" "$([[ $status == 77 ]] && echo yes || echo no)" "$expected"
done <<'END'
.plain.test a.plain.test yes
.plain.test b.A.Plain.test yes
.plain.test plain.test no
.plain.test notplain.test no
plain.test a.plain.test no
.müller.test a.xn--mller-kva.test yes
.xn--mller-kva.test a.müller.test yes
.test plain.test yes
END
# One domain, however it is spelled.
spellings=(müller.test MÜLLER.test $'mu\u0308ller.test' xn--mller-kva.test XN--MLLER-KVA.test)
for denied in "${spellings[@]}"; do
	standard "notify: {from: postmaster@sender.test, deny: [$denied]}"
	for spelling in "${spellings[@]}"; do
		ladder notice --send "$spelling"
		is "$spelling is $denied of notify.deny" "$status $(cat "$dir/sendmail.input")" '77 '
	done
done
standard 'notify: {from: postmaster@sender.test}'
ladder notice --send "${spellings[0]}"
is 'a domain beyond ASCII has its letter' "$status" 0
for spelling in "${spellings[@]}"; do
	ladder notice --send "$spelling"
	is "and then none as $spelling" $status 75
done
: >"$dir/sendmail.input"
# What is interrupted, or fails, counts only where the letter may have been handed over.
# interrupted SIGNAL SCRIPT: once SCRIPT, which stands for sendmail, has touched begun.
interrupted() {
	rm -f "$dir/begun"
	printf '%s\n' "$2" >"$dir/sendmail.sh"
	env --default-signal "$program" -c "$dir/tlsladder.yaml" notice --send refused.test >"$dir/out" 2>"$dir/err" </dev/null 9>&- &
	await 60 test -e "$dir/begun" && kill "-$1" $!
	wait $!
	status=$?
	err=$(<"$dir/err")
	rm -f "$dir/sendmail.sh"
}
standard 'notify: {from: postmaster@sender.test}'
rm -f "$dir"/state.db*
for signal in INT TERM HUP; do
	# shellcheck disable=SC2016 # for the script
	interrupted "$signal" 'touch "$FAKE_DIR/begun"; exec sleep 600'
	is "SIG$signal ends it" $status $((128 + $(kill -l "$signal")))
	has 'it is told that nothing went' "$err" 'not sent: '
done
# shellcheck disable=SC2016
printf 'echo no room >&2\nexit 75\n' >"$dir/sendmail.sh"
ladder notice --send refused.test
is 'nor does one count that is refused' "$status" 69
has 'which is told' "$err" 'not sent: '
# shellcheck disable=SC2016
printf 'kill -KILL $$\n' >"$dir/sendmail.sh"
ladder notice --send refused.test
is 'nor one that ends by a signal before it reads' "$status" 69
rm "$dir/sendmail.sh"
: >"$dir/sendmail.input"
ladder notice --send refused.test
is 'nothing of this counted: it is sent' "$status $(grep -c '^To:' "$dir/sendmail.input")" '0 1'
ladder notice --send refused.test
has 'once' "$err" 'a letter went there less than 30 days ago'
rm -f "$dir"/state.db*
# shellcheck disable=SC2016
interrupted INT 'cat >/dev/null; touch "$FAKE_DIR/begun"; exec sleep 600'
is 'a signal ends it as well where the letter was read' $status 130
has 'but it counts, which is told' "$err" 'the letter may have been handed over, and counts as sent'
ladder notice --send refused.test
is 'no other follows' $status 75
has 'and it is told that nobody knows of it' "$err" "one that was begun $(date -u +%Y-%m-%dT)"
rm -f "$dir"/state.db*
# shellcheck disable=SC2016
printf 'cat >/dev/null; kill -KILL $$\n' >"$dir/sendmail.sh"
ladder notice --send refused.test
is 'sendmail that was killed may have handed it over' $status 69
has 'so that it counts' "$err" 'the letter may have been handed over, and counts as sent'
rm -f "$dir"/state.db*
# shellcheck disable=SC2016
interrupted KILL 'echo $$ >"$FAKE_DIR/pid"; touch "$FAKE_DIR/begun"; exec sleep 600'
kill "$(<"$dir/pid")"
ladder notice --send refused.test
is 'nor after SIGKILL' $status 75
has 'of which the same is told' "$err" 'may have gone'
rm -f "$dir"/state.db*
(
	trap '' HUP
	# shellcheck disable=SC2016
	printf 'kill -HUP $PPID; exec cat >/dev/null\n' >"$dir/sendmail.sh"
	exec "$program" -c "$dir/tlsladder.yaml" notice --send refused.test
) >"$dir/out" 2>"$dir/err" </dev/null
is 'what nohup ignores interrupts nothing' $? 0
rm -f "$dir/sendmail.sh" "$dir"/state.db*
: >"$dir/sendmail.input"
standard 'notify: {from: postmaster@sender.test, deny: ["[mx.a.test]", "a.test:25", ".", "..a.test", ".a.test:25", ".192.0.2.1"]}'
ladder notice plain.test
is 'what is no domain is no member of it' $status 78
is 'and each is told' "$(grep -c 'is no domain of mail' <<<"$err")" 6

finish
