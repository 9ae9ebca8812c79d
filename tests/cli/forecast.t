#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scan --as: the forecast of a switch of the default level, from a genuine log at may, with a
# scripted name server and commands of Postfix that a script plays. tests/cases/forecast.cases has
# what is told of whom, tests/integration/forecast.t the switch itself.
. "$(dirname -- "$0")/lib.sh"
needs_python

log=$srcdir/tests/logs/may.log

# DESTINATION  DNS  MESSAGES  WAITS  LEVEL  WHY  [MX]
#   DNS       as in scan.t; none: nobody takes mail
#   MESSAGES  in the log, which is of less than a day
#   WAITS     under verify, by the sessions of the log; ? could not be told, and is likely
table='
[mx.valid-ca.test]    host      1  ?no  -          no-answer
dane-bad.test         usable    1  yes  dane-only  dane
dane-ca.test          usable    1  ?no  dane-only  dane
dane-multi.test       usable    1  yes  dane-only  dane
dane-ok.test          usable    1  yes  dane-only  dane
dane-pkix-notls.test  unusable  1  yes  -          tlsa-unusable
dane-pkix-only.test   unusable  1  yes  encrypt    not-authentic
dane-servfail.test    bogus     1  ?yes -          dns-unsure
expired-cert.test     unsigned  1  yes  encrypt    not-authentic
insecure-mx.test      gateway   1  yes  encrypt    not-authentic  mx.dane-ok.test
plain.test            unsigned  3  yes  dane       not-encrypted
selfsigned.test       unsigned  4  yes  encrypt    not-authentic
signed-no-tlsa.test   signed    1  yes  encrypt    not-authentic
starttls-refused.test unsigned  1  yes  dane       not-encrypted
valid-ca.test         unsigned  2  ?no  -          no-answer
wrongname-cert.test   unsigned  1  ?no  -          no-answer
xn--bcher-kva.test    unsigned  1  yes  encrypt    not-authentic
'
table=$(grep . <<<"$table")

digest=cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2
while read -r name kind _ _ _ _ host_name; do
	mx=secure host=secure tlsa=secure record="3 1 1 $digest"
	case $kind in
		host) continue ;;
		unusable) record="1 1 1 $digest" ;;
		signed) record='' ;;
		unsigned) mx=insecure host=insecure tlsa=insecure record='' ;;
		gateway) mx=insecure ;;
		bogus) tlsa=servfail record='' ;;
	esac
	: "${host_name:=mx.$name}"
	printf '%s MX %s\n\t%s. 300 IN MX 10 %s.\n' "$name" $mx "$name" "$host_name"
	address=10.53.1.1
	[[ $name != dane-bad.test ]] || address=10.53.1.5
	printf '%s A %s\n\t%s. 300 IN A %s\n' "$host_name" $host "$host_name" $address
	printf '%s AAAA %s\n_25._tcp.%s TLSA %s\n' "$host_name" $host "$host_name" $tlsa
	[[ -z $record ]] || printf '\t_25._tcp.%s. 300 IN TLSA %s\n' "$host_name" "$record"
	printf '_mta-sts.%s TXT %s\n' "$name" $mx
done <<<"$table" >"$dir/dns"
start_dns

# settings [LINE]...: of Postfix
settings() {
	postconf_says "smtp_tls_policy_maps = hash:$dir/tls_policy" 'smtp_tls_security_level = may' \
		'smtp_tls_loglevel = 1' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' \
		'default_transport = smtp' 'smtp_dns_support_level = dnssec' 'smtp_host_lookup = dns' \
		'info_log_address_format = external' 'ignore_mx_lookup_error = no' \
		'parent_domain_matches_subdomains =' 'smtp_dns_resolver_options =' "$@"
}
settings 'relayhost =' 'transport_maps = hash:/transport'
# Of what it is asked, moved.test alone is there.
cat >"$dir/postmap.sh" <<'END'
for map; do :; done
while read -r key; do
	[ "$map $key" != 'hash:/transport moved.test' ] || printf '%s\tsmtp:[mx.valid-ca.test]\n' "$key"
done
exit 0
END
configure "dns: {resolver: '$resolver', trust: ad, tries: 1}" \
	"postfix: {command: [$fakes], default_level: auto}"

# DESTINATION MESSAGES WAITS LEVEL WHY
as_table() {
	python3 -c '
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    print(d["destination"], d["messages"], ("" if d["told"] else "?") + ("yes" if d["waits"] else "no"), d["level"] or "-", d["why"])' <"$dir/out" |
		LC_ALL=C sort
}

ladder scan --as verify --json "$log"
is 'a forecast ends well' "$status$err" 0
# A log of less than a day is one of a day.
is 'of each destination: messages a month, whether it waits, what helps and why' "$(as_table)" \
	"$(awk '{ print $1, 30 * $3, $4, $5, $6 }' <<<"$table" | LC_ALL=C sort)"
check 'nothing is changed' test ! -e "$dir/state.db" -a ! -e "$dir/tls_policy"
check 'no server is asked' test ! -e "$dir/posttls-finger.calls"
wanted=$(as_table)

"$program" -c "$dir/tlsladder.yaml" scan --as verify --json <"$log" >"$dir/out" 2>"$dir/err"
is 'standard input gives the same' "$(as_table)" "$wanted"
gzip -c "$log" >"$dir/mail.log.1.gz"
ladder scan --as verify --json "$log" "$dir/mail.log.1.gz"
is 'a line counts once, in however many files it stands' "$(as_table)" "$wanted"
sed 's/^Nov 28/Nov 13/; s/: 4j/: 3k/' "$log" >"$dir/mail.log.2"
ladder scan --as verify --json "$log" "$dir/mail.log.2"
is 'the span of the logs is what a month is held against' \
	"$(json 'sorted({(x["destination"], x["messages"]) for x in d if x["destination"] in ("plain.test", "selfsigned.test")})')" \
	"[('plain.test', 12), ('selfsigned.test', 16)]"
# A clock that was wrong for a line or two makes no other span.
for stamp in 1971-01-01 2016-02-29 2099-01-01; do
	printf '%sT00:00:00+00:00 mail postfix/smtp[77]: 4zz1: to=<u@%s>, relay=mx.stray.test[10.53.1.9]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 Ok)\n' \
		$stamp stray.test >"$dir/stray.log"
	cat "$log" >>"$dir/stray.log"
	ladder scan --as verify --json "$dir/stray.log"
	is "a line of $stamp in it makes no longer log" "$(as_table | grep -v '^stray')" "$wanted"
	has "and is told of ($stamp)" "$err" "1 line, as of $stamp, is more than a month away from the others"
done
ladder scan --as verify --json --since '2100-01-01' "$log"
is 'lines before --since are left out' "$status$out$err" 0

ladder scan --as verify "$log"
has 'as text: a row' "$(tr -s ' ' <<<"$out")" '
selfsigned.test 120 encrypt not-authentic
'
has 'as text: cleartext is called so' "$(tr -s ' ' <<<"$out")" '
plain.test 90 cleartext (dane) not-encrypted
'
has 'as text: what could not be told' "$(tr -s ' ' <<<"$out")" '
dane-servfail.test 30 ? dns-unsure
'
is 'as text: the busiest of those that wait comes first' "$(sed -n '2s/ .*//p' <<<"$out")" selfsigned.test
is 'as text: no row is wider than 80 columns' "$(sed '/^$/,$d' <<<"$out" | awk 'length($0) > 80')" ''
has 'as text: the sums' "$out" '17 destinations, 690 messages a month. At verify, without tlsladder, mail would wait for 12 destinations, 510 messages a month; it could not be told for 5 destinations, 180 messages a month.'
has 'as text: the entries' "$out" 'Entries that help: 4 dane-only, 2 cleartext (dane), 6 encrypt. Of 1 destination, 30 messages a month, no entry helps.'
has 'as text: nothing was changed' "$out" 'Nothing was changed (--apply does it).'
has 'as text: who was not asked' "$out" 'The servers were not asked (--probe)'
has 'and what is taken at its word' "$(tr '\n' ' ' <<<"$out")" 'TLSA records are taken at their word'
ladder scan --as dane-only "$log"
has 'what helps is not known of whom nobody told that' "$(tr -s ' ' <<<"$out")" '
valid-ca.test 60 ? no-answer
'
has 'which is not that nothing helps' "$(tr '\n' ' ' <<<"$out")" ', what helps could not be told.'
on_terminal 60 scan --as verify "$log"
check 'it fits a terminal of 60 columns' test "$(widest)" -le 60

# LEVEL  DESTINATION WAITS LEVEL WHY
while read -r level destination waits entry why; do
	ladder scan --as "$level" --json "$log"
	matches "--as $level: $destination" "$(as_table)" "(^|"$'\n)'"$destination [0-9]+ ${waits/\?/\\?} $entry $why("$'\n|$)'
done <<'END'
encrypt selfsigned.test no - not-needed
encrypt plain.test yes dane not-encrypted
dane plain.test no - not-needed
dane dane-ok.test ?no - dane
dane-only dane-ok.test ?no - dane
dane-only selfsigned.test yes encrypt not-authentic
dane-only valid-ca.test yes - no-answer
secure selfsigned.test yes encrypt not-authentic
END

# --- DNS, and next-hops

sed 's/^\([^_]*\) MX .*/\1 MX servfail/' "$dir/dns" >"$dir/dns.broken"
cp "$dir/dns" "$dir/dns.good"
cat "$dir/dns.broken" >"$dir/dns"
configure 'dns: {resolver: 127.0.0.1@1, tries: 1, timeout: 100ms}' "postfix: {command: [$fakes], default_level: auto}"
ladder scan --as verify --json "$log"
is 'without an answer of DNS nothing is told' \
	"$(json 'sorted({(x["told"], x["level"], x["why"]) for x in d})')" "[(False, None, 'dns-unsure')]"
cat "$dir/dns.good" >"$dir/dns"
configure "dns: {resolver: '$resolver', trust: ad, tries: 1}" "postfix: {command: [$fakes], default_level: auto}"

settings 'relayhost = [relay.test]:587' 'transport_maps ='
ladder scan --as verify --json "$log"
is 'with a relayhost all mail counts for that' "$(json '[(x["destination"], x["messages"]) for x in d]')" "[('[relay.test]:587', 690)]"
settings 'relayhost =' 'transport_maps = hash:/transport'

# A service of master.cf with a level of its own keeps that.
sed -i 's/tsmtp:\[mx/trelay:[mx/' "$dir/postmap.sh"
cat >"$dir/postconf.sh" <<'END'
case " $* " in
*' -P'*) echo 'relay/unix/smtp_tls_security_level = encrypt' ;;
*' -M'*) ;;
*) cat "$FAKE_DIR/postconf.out" ;;
esac
END
ladder scan --as verify --json "$log"
is 'a service with a level of its own keeps it' "$(json '[(x["waits"], x["why"]) for x in d if x["destination"] == "[mx.valid-ca.test]"]')" "[(False, 'not-needed')]"
rm "$dir/postconf.sh"
sed -i 's/trelay:\[mx/tsmtp:[mx/' "$dir/postmap.sh"

settings 'relayhost =' 'transport_maps = hash:/transport' 'smtp_tls_CAfile =' 'smtp_tls_CApath =' 'smtp_tls_loglevel = 0'
ladder scan --as verify --json "$log"
has 'without certificate authorities there is a warning' "$err" 'neither smtp_tls_CAfile nor smtp_tls_CApath is set: no certificate verifies'
has 'and without sessions in the log' "$err" 'smtp_tls_loglevel is 0, so that the log has no TLS sessions'
settings 'relayhost =' 'transport_maps = hash:/transport'

# --- the servers

# genuine NAME TITLE: what the real one printed, of tests/cases/finger.cases
genuine() {
	awk -v title="= $2" '/^= /{ inside = $0 == title } inside && /^\|/' "$srcdir/tests/cases/finger.cases" |
		sed 's/^|//; s/^ //' >"$dir/finger.$1"
	check "tests/cases has $2" test -s "$dir/finger.$1"
}
genuine verified 'a certificate by a known authority, and a name that matches'
genuine selfsigned 'a self-signed certificate'
genuine plain 'no STARTTLS'
genuine silent 'nobody listens'
genuine dane "a TLSA record of the server's key"
genuine other-key 'a TLSA record of another key'
# Behind -- are what is connected to and the names to look for, the host's own first.
cat >"$dir/posttls-finger.sh" <<'END'
level=
while [ "$1" != -- ]; do
	[ "$1" != -l ] || level=$2
	shift
done
case $level:$3 in
dane-only:mx.dane-bad.test) play=other-key ;;
dane-only:*) play=dane ;;
*:mx.valid-ca.test) play=verified ;;
*:mx.plain.test) play=plain ;;
*:mx.expired-cert.test) play=silent ;;
*) play=selfsigned ;;
esac
cat "$FAKE_DIR/finger.$play"
END
ladder scan --as verify --probe --json "$log"
is 'with --probe the servers tell' "$(json 'sorted((x["destination"], x["waits"], x["level"], x["why"]) for x in d if x["destination"] in ("valid-ca.test", "[mx.valid-ca.test]", "plain.test", "expired-cert.test", "wrongname-cert.test", "dane-ok.test", "dane-bad.test"))' | sed 's/), /)\n/g')" \
	"[('[mx.valid-ca.test]', False, None, 'not-needed')
('dane-bad.test', True, None, 'dane-not-met')
('dane-ok.test', True, 'dane-only', 'dane')
('expired-cert.test', True, None, 'no-answer')
('plain.test', True, 'dane', 'not-encrypted')
('valid-ca.test', False, None, 'not-needed')
('wrongname-cert.test', True, 'encrypt', 'not-authentic')]"
is 'a server is connected to once for all its destinations' \
	"$(grep -c '\[-l\] \[secure\].*\[mx.valid-ca.test\]' "$dir/posttls-finger.calls")" 1
rm "$dir/posttls-finger.sh"
echo 127 >"$dir/posttls-finger.status"
ladder scan --as verify --probe "$log"
is 'without posttls-finger --probe is an error' $status 69

# --- put into force

ladder set expired-cert.test may
ladder set plain.test encrypt --for 1h
ladder scan --as verify --apply --json "$log"
is 'with --apply it ends well' "$status$err" 0
ladder list --json
is 'entries that help are there, and pins as they were' "$(sed 's/), /)\n/g' <<<"$(json '[(x["destination"], x["level"], x["why"]) for x in d]')")" \
	"[('dane-bad.test', 'dane-only', 'forecast')
('dane-ca.test', 'dane-only', 'forecast')
('dane-multi.test', 'dane-only', 'forecast')
('dane-ok.test', 'dane-only', 'forecast')
('dane-pkix-only.test', 'encrypt', 'forecast')
('expired-cert.test', 'may', 'pinned')
('insecure-mx.test', 'encrypt', 'forecast')
('plain.test', 'encrypt', 'pinned')
('selfsigned.test', 'encrypt', 'forecast')
('signed-no-tlsa.test', 'encrypt', 'forecast')
('starttls-refused.test', 'dane', 'forecast')
('xn--bcher-kva.test', 'encrypt', 'forecast')]"
has 'and they are in the map, each with its why' "$(<"$dir/tls_policy")" '# forecast: made before another default level, which needs it, is set
selfsigned.test	encrypt'
ladder explain selfsigned.test
has 'explain tells of it' "$out" 'forecast'
ladder scan --as verify --json "$log"
is 'what is pinned is told so' "$(json '[(x["destination"], x["why"]) for x in d if x["why"] == "pinned"]')" \
	"[('plain.test', 'pinned'), ('expired-cert.test', 'pinned')]"
is 'with the level of its pin, and whether mail waits under that' \
	"$(json '[(x["destination"], x["level"], x["waits"], x["told"]) for x in d if x["why"] == "pinned"]')" \
	"[('plain.test', 'encrypt', True, True), ('expired-cert.test', 'may', False, True)]"
ladder scan --as verify --apply "$log"
has 'as text: how many are in force' "$(tr '\n' ' ' <<<"$out")" '10 of them are in force now, 30 days at most until verify is the default level.'
has 'as text: what was there before' "$out" 'Pins, or entries from before, are there for 2 destinations, 120 messages a month.'
has 'as text: which pin is not met' "$(tr '\n' ' ' <<<"$out")" 'Under its pin mail would wait for 1 destination, 90 messages a month.'
hasnt 'as text: a pin is no entry that helps' "$(tr '\n' ' ' <<<"$out")" '7 encrypt'
rm "$dir"/state.db* "$dir/tls_policy"

# What stays as it was is no decision, and ends when it would have.
state() {
	ladder list --json
	json '[(x["destination"], x["level"], x["since"], x["look_again"]) for x in d]'
	ladder report --json
	json 'sum(x["record"] == "change" for x in d)'
}
ladder scan --as verify --apply "$log"
hasnt 'the first forecast has begun nothing before' "$(tr '\n' ' ' <<<"$out")" 'begun before'
first=$(state) written=$(stat -c %i "$dir/tls_policy")
for days in 0 20 29; do
	TLSLADDER_NOW_OFFSET=$((days * 86400)) ladder scan --as verify --apply "$log"
	is "the same $days days later changes nothing" "$status $(state)" "0 $first"
	has "and says so after $days days" "$(tr '\n' ' ' <<<"$out")" \
		'12 of them are in force now, 30 days at most until verify is the default level. The days of 12 had begun before, and go on.'
done
is 'nor is the map written anew' "$(stat -c %i "$dir/tls_policy")" "$written"
TLSLADDER_NOW_OFFSET=$((31 * 86400)) ladder scan --as verify --apply "$log"
is 'once its time is over an entry is one like any other' "$(state)" "$first"
has 'which is told' "$(tr '\n' ' ' <<<"$out")" '0 of them are in force now'
rm "$dir"/state.db* "$dir/tls_policy"

ladder set .test encrypt
ladder scan --as verify --json "$log"
is 'a parent is whose level it is' "$(json 'sorted({(x["level"], x["why"]) for x in d if x["destination"][0] != "["})')" "[('encrypt', 'pinned')]"
ladder scan --as verify --apply "$log"
ladder list --json
is 'a pin of a parent is the word on all that is below' "$(json '[x["destination"] for x in d]')" "['.test']"
rm "$dir"/state.db* "$dir/tls_policy"

# What a domain did better holds it, and so does what it did under another spelling of its name.
for domain in xn--bcher-kva.test bücher.test; do
	printf "$(date '+%b %e %T') mail postfix/smtp[9]: %s\n" \
		"Verified TLS connection established to mx.former.test[10.53.1.9]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)" \
		"4kQZ: to=<u@$domain>, relay=mx.former.test[10.53.1.9]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 Ok)" \
		>"$dir/verified.log"
	ladder scan --apply "$dir/verified.log"
	ladder scan --as verify --json "$log"
	is "what $domain did better holds the entry of it" \
		"$(json '[x["why"] for x in d if x["destination"] == "xn--bcher-kva.test"]')" "['hold']"
	rm "$dir"/state.db* "$dir/tls_policy"
done

# What is weaker than what applies now has its witnesses, and the daemon for them.
settings 'relayhost =' 'transport_maps = hash:/transport' 'smtp_tls_security_level = encrypt'
ladder scan --as verify --apply --json "$log"
ladder list --json
is 'nothing weaker than the default level of now is made' "$(json '[x["destination"] for x in d if x["level"] in ("dane", "may")]')" '[]'
is 'and the others are' "$(json 'len(d)')" 10

# An entry that is another by now is made; the others stay.
rm "$dir"/state.db* "$dir/tls_policy"
settings 'relayhost =' 'transport_maps = hash:/transport'
ladder scan --as verify --apply "$log"
exec 9>&-
rm "$dir/hold"
sed 's/\(mx.dane-pkix-only.test. 300 IN TLSA\) 1 1 1/\1 3 1 1/' "$dir/dns.good" >"$dir/dns"
start_dns
configure "dns: {resolver: '$resolver', trust: ad, tries: 1}" "postfix: {command: [$fakes], default_level: auto}"
TLSLADDER_NOW_OFFSET=$((20 * 86400)) ladder scan --as verify --apply "$log"
ladder list --json
is 'TLSA records that came are the entry from then on, and the others stay' \
	"$(json 'len({x["since"] for x in d}), [(x["destination"], x["level"]) for x in d if x["since"] == max(y["since"] for y in d)]')" \
	"(2, [('dane-pkix-only.test', 'dane-only')])"

rm "$dir"/state.db* "$dir/tls_policy"
settings 'relayhost =' 'transport_maps = hash:/transport'
configure "map: {file: $dir/none/tls_policy, type: none}" "dns: {resolver: '$resolver', trust: ad, tries: 1}" \
	"postfix: {command: [$fakes], default_level: auto}"
ladder scan --as verify --apply "$log"
is 'a map that cannot be written is an error' $status 73
echo 1 >"$dir/postconf.status"
ladder scan --as verify "$log"
is 'so is a Postfix that cannot be asked' $status 69
has 'which is told' "$err" 'cannot ask Postfix'
finish
