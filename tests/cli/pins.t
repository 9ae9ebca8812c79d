#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# set, unset and explain with several names, lists from files, and what people paste for a
# domain.
. "$(dirname -- "$0")/lib.sh"

in_map() {
	grep -v '^#' "$dir/tls_policy"
}

# --- many in one transaction

configure "map: {file: $dir/tls_policy, type: hash}"
postconf_says 'smtp_tls_policy_maps ='
cat >"$dir/postmap.sh" <<'END'
for last; do :; done
case $* in
*-q*) awk -F '\t' 'NR == FNR { v[$1] = $2; next } $1 in v { print $1 "\t" v[$1] }' "${last#*:}.db" - ;;
*) cp "${last#*:}" "${last#*:}.db" ;;
esac
END
names=$(seq -f 'd%03g.test' 1 100)
before=$(date +%s%N)
# shellcheck disable=SC2086
ladder set $names encrypt --note 'all of them'
echo "# $((($(date +%s%N) - before) / 1000000)) ms for 100 pins"
is 'a hundred at once' "$status$err" 0
is 'a line each' "$(wc -l <<<"$out") $(head -n 1 <<<"$out")" '100 d001.test: none -> encrypt, pinned'
is 'and one postmap for all' "$(grep -vc -- '\[-q\]' "$dir/postmap.calls")" 1
rm "$dir/postmap.calls"
# shellcheck disable=SC2086
ladder unset $names
is 'unset as well' "$status $(wc -l <<<"$out") $(grep -vc -- '\[-q\]' "$dir/postmap.calls")" '0 100 1'
rm -f "$dir"/state.db* "$dir"/tls_policy* "$dir"/postmap.*
configure

ladder set a.test b.test '[mx.c.test]:587' secure match=mx.test ciphers=high
is 'several names: each gets level and attributes' "$(in_map)" '[mx.c.test]:587	secure match=mx.test ciphers=high
a.test	secure match=mx.test ciphers=high
b.test	secure match=mx.test ciphers=high'
ladder set a.test c..test may
is 'one that is none: nothing is done' "$status $(in_map | grep -c may)" '64 0'
ladder set a.test VERIFY
is 'a level in capital letters is one' "$status $(in_map | grep a.test)" '0 a.test	verify'

ladder unset a.test never.test b.test
is 'unset: one that was never seen, and nothing is done' "$status $(in_map | grep -c '^[ab].test')" '66 2'
is 'and nothing is said to be done' "$out" ''

ladder explain a.test b.test
is 'explain tells of each' "$(grep -E '^[ab]\.test$' <<<"$out" | tr '\n' ' ')" 'a.test b.test '
ladder explain --json a.test never.test b.test
is 'one of which nothing is known: an error' $status 66
is 'and the others all the same' "$(grep -o '"destination":"[^"]*"' <<<"$out" | tr '\n' ' ')" \
	'"destination":"a.test" "destination":"b.test" '

# --- in which case it is written

ladder set bücher.test verify
ladder set BÜCHER.test secure
is 'small and capital letters beyond ASCII are one pin' "$status $out" \
	'0 bücher.test: verify -> secure, pinned'
is 'and one entry, as Postfix looks it up' "$(in_map | grep -i 'b.*cher')" 'bücher.test	secure'
ladder explain 'u@BÜCHER.test'
has 'explained in either' "$out" 'bücher.test	secure'
printf '%s\n' 'bücher.test verify' 'BÜCHER.test encrypt' >"$dir/list"
ladder set --from "$dir/list"
is 'both in a list are one too many' $status 65
has 'which is reported' "$err" 'bücher.test stands here twice, first in line 1'
ladder set Bücher.test bÜCHER.test verify
is 'and both in one command' "$status" 64
ladder unset BÜCHER.test
is 'unset in another spelling' "$status $(in_map | grep -c cher)" '0 0'
for word in straße.test u@Straße.test .straße.test; do
	ladder set "$word" verify
	is "$word: nothing is pinned" "$status $(in_map | grep -c stra)" '64 0'
	has 'and what Postfix would look up is named' "$err" 'Postfix looks it up as '
	has 'in its own letters' "$err" 'strasse.test'
done

# --- a parent

ladder set .example.test encrypt
is 'all domains below one' "$status $out" '0 .example.test: none -> encrypt, pinned'
has 'as Postfix looks them up' "$(in_map)" '.example.test	encrypt'
ladder explain .Example.test
has 'it can be explained' "$out" '.example.test	encrypt'
ladder undo .example.test
is 'and taken back' "$out" '.example.test: encrypt -> none for a day'
ladder unset .example.test
is 'and ended' $status 0
ladder set d.under.test encrypt
sqlite3 "$dir/state.db" "UPDATE destination SET pinned = 0, look_ms = 0 WHERE key = 'd.under.test'"
ladder set .under.test verify
is 'what has an entry below is judged anew' \
	"$(sqlite3 "$dir/state.db" "SELECT look_ms <> 0 FROM destination WHERE key = 'd.under.test'")" 1
for word in . .. '.[a.test]' .a.test:25 .192.0.2.1; do
	ladder set "$word" encrypt
	is "\"$word\" is no parent" $status 64
done
ladder check .example.test
is 'no mail goes to a parent' $status 64
has 'which check says' "$err" 'name a domain that mail goes to'

# --- what people paste: WHAT IT IS|WHAT IT IS TAKEN FOR|is it said?

while IFS='|' read -r text key said; do
	ladder set "$text" encrypt
	is "\"$text\" is $key" "$(tail -n 1 <<<"$out")" "$key: none -> encrypt, pinned"
	if [[ $said == said ]]; then
		has "\"$text\": which is said" "$err" "is taken for $key"
	else
		is "\"$text\": nothing is said" "$err" ''
	fi
	ladder unset "$key"
	rm -f "$dir"/state.db* "$dir"/tls_policy*
done <<'END'
postmaster@d.test|d.test|said
@d.test|d.test|said
"a@b"@d.test|d.test|said
<postmaster@d.test>|d.test|said
Post Master <postmaster@D.test>|d.test|said
mailto:postmaster@d.test?subject=x|d.test|said
https://www.d.test/path?q=a@b|www.d.test|said
HTTPS://u:p@d.test:443/|d.test|said
smtp://d.test:2525|d.test:2525|said
smtp://[mx.d.test]:2525|[mx.d.test]:2525|said
d.test/contact|d.test|said
 d.test |d.test|
D.TEST|d.test|
d.test.|d.test|
END
for word in @ a@ 'a b.test' https:// / ' ' '' '<>' 'a.test,b.test'; do
	ladder set "$word" encrypt
	is "\"$word\" is none" $status 64
done

# --- a list

cat >"$dir/pins" <<'END'
# partners
a.test secure match=.a.test:mx.b.test ciphers=high   # as agreed

  B.test	may
.c.test encrypt
[mx.d.test]:587 dane-only
END
ladder set noted.test encrypt --note 'asked for by jane.doe@partner.test, ticket 6'
ladder list --json noted.test
has 'addresses in a note lose their local parts' "$out" '*@partner.test, ticket 6'
hasnt 'nor is one in the state' "$(cat "$dir"/state.db* "$dir/tls_policy" | tr -d '\0')" jane.doe
ladder unset noted.test
ladder set --from "$dir/pins" --note 'ticket 7' --for 1w
is 'a list of pins' "$status$err" 0
is 'in its order' "$out" 'a.test: none -> secure match=.a.test:mx.b.test ciphers=high, pinned for 7d
b.test: none -> may, pinned for 7d
.c.test: none -> encrypt, pinned for 7d
[mx.d.test]:587: none -> dane-only, pinned for 7d'
has 'with the note' "$(<"$dir/tls_policy")" '(ticket 7)
b.test	may'
run bash -c "printf '\xef\xbb\xbfe.test verify\r\n' | '$program' -c '$dir/tlsladder.yaml' set --from -"
is 'of standard input' "$status $out" '0 e.test: none -> verify, pinned'

before=$(in_map)
cat >"$dir/pins" <<'END'
f.test may
f..test may
g.test
h.test strong
i.test secure macht=.i.test

j.test encrypt match=.j.test
F.test encrypt
END
ladder set --from "$dir/pins"
is 'a list with faults' "$status$out" 65
is 'nothing of it is set' "$(in_map)" "$before"
while IFS='|' read -r line said; do
	has "line $line: $said" "$err" "$dir/pins:$line: $said"
done <<'END'
2|"f..test" is no domain
3|a level is missing behind "g.test"
4|"strong" is no level
5|"macht=.i.test" is no attribute of smtp_tls_policy_maps; did you mean "match"?
7|"match=.j.test" is for verify and secure alone
8|f.test stands here twice, first in line 1
END
seq -f 'x..%g' 1 25 >"$dir/pins"
ladder set --from "$dir/pins"
is 'of many faults twenty are shown, and how many more there are' "$status $(wc -l <<<"$err") $(tail -n 1 <<<"$err")" \
	"65 21 $dir/pins: 5 more complaints are not shown"
ladder set --from "$dir/none"
is 'a list that is missing: no input' $status 66
has 'and is named' "$err" "$dir/none"
ladder set --from -
is 'an empty list' "$status" 65

rm -f "$dir"/state.db* "$dir"/tls_policy*
seq -f 'd%g.test encrypt' 20000 >"$dir/pins"
"$builddir/tests/tools/terminal" 80 /bin/sh -c 'exec "$0" -c "$1" set --from "$2" 2>&1' "$program" \
	"$dir/tlsladder.yaml" "$dir/pins" </dev/null >"$dir/out"
has 'on a terminal a long list shows how far it is' "$(<"$dir/out")" $'\rstoring: '
is 'and nothing of that is left before what was done' "$(tr '\r' '\n' <"$dir/out" | grep -c '^.\[Kd1.test: none -> encrypt, pinned$')" 1
rm -f "$dir"/state.db* "$dir"/tls_policy*
ladder set --from "$dir/pins"
is 'elsewhere nothing but what was done' "$(head -n 1 <<<"$out") $(wc -l <<<"$out")" 'd1.test: none -> encrypt, pinned 20000'
hasnt 'nor beside it' "$err" storing
rm -f "$dir"/state.db* "$dir"/tls_policy*

# --- what a pin switches off

cat >"$dir/dns" <<'END'
d.test MX secure
	d.test. 300 IN MX 10 mx.d.test.
mx.d.test A secure
	mx.d.test. 300 IN A 192.0.2.1
_25._tcp.mx.d.test TLSA secure
	_25._tcp.mx.d.test. 300 IN TLSA 3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
a.test MX secure
	a.test. 300 IN MX 10 mx.d.test.
END
for ((i = 0; i < 40; i++)); do
	echo "silent$i.test MX silent"
done >>"$dir/dns"
start_dns
configure "dns: {resolver: '$resolver', trust: ad, tries: 1}"
for level in may encrypt verify secure; do
	ladder set d.test $level
	has "$level where there are TLSA records: a warning" "$err" \
		"warning: d.test has usable TLSA records; at $level Postfix does not look at them"
	is "$level: and it is set" "$status $(in_map | grep '^d.test')" "0 d.test	$level"
done
ladder set d.test b.test a.test may
is 'of several: each that has some, in their order' "$(grep -o '[a-z.]* has usable' <<<"$err")" $'d.test has usable\na.test has usable'
ladder unset a.test b.test
silent=$(printf ' silent%d.test' {0..39})
# shellcheck disable=SC2086
ladder set $silent d.test may
is 'a resolver that is silent keeps nobody waiting' "$status $(wc -l <<<"$out")" '0 41'
matches 'whom it was not asked about is said' "$err" 'note: DNS was not asked whether [1-9][0-9]* of them have TLSA records; tlsladder check asks it'
# shellcheck disable=SC2086
ladder unset $silent
ladder set d.test secure
ladder set d.test dane-only
is 'dane-only: none' "$status$err" 0
ladder undo d.test
has 'an undo that switches DANE off: a warning' "$err" 'at secure Postfix does not look at them'

python3 - "$dir/state.db" "$(date +%s)000" <<'END'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.executemany("INSERT INTO sts VALUES (?, ?, 604800, 'mx.p.test', '1', ?, 'valid', '1', 1, 1, 0, 0, 'ok',"
                   " 1, 0, '', 0, 0, 0, 1, 0, ?, '', 0, 0)",
                   [("p.test", "enforce", sys.argv[2], "enforce"), ("testing.test", "testing", sys.argv[2], "testing")])
END
for level in may encrypt dane verify; do
	ladder set p.test $level
	has "$level under an enforced policy: a warning" "$err" \
		"warning: p.test has an enforced MTA-STS policy; at $level Postfix does not hold to it"
done
ladder set p.test dane-only
is 'dane-only: none' "$status$err" 0
ladder undo p.test
has 'an undo that switches it off: a warning' "$err" 'at verify Postfix does not hold to it'
ladder set p.test secure match=mx.elsewhere.test:mx.p.test
has 'other names than its: a warning' "$err" \
	'warning: p.test has an enforced MTA-STS policy, which does not allow all names of its match=: it allows mx.p.test'
ladder set p.test secure match=mx.p.test servername=hostname
hasnt 'its own names: none' "$err" 'match='
has 'a Postfix without CA verifies none of them: a warning' "$err" \
	'warning: smtp_tls_CAfile and smtp_tls_CApath are empty: at secure mail to p.test waits'
ladder undo p.test
has 'an undo that puts other names back: a warning' "$err" 'does not allow all names of its match='
ladder set testing.test may
is 'a policy that is tested demands nothing' "$status$err" 0

# An undo leaves them to the default level, and no pin is the way back.
undone_at() { # LEVEL DOMAIN
	configure "dns: {resolver: '$resolver', trust: ad, tries: 1}" "postfix: {default_level: $1}"
	ladder unset "$2"
	ladder set "$2" dane-only
	ladder undo "$2"
}
for level in may encrypt verify; do
	undone_at $level d.test
	has "undone, with TLSA records, at $level: a warning" "$err" \
		'warning: d.test has usable TLSA records; without an entry Postfix does not look at them'
	undone_at $level p.test
	has "undone, with a policy, at $level: a warning" "$err" \
		'warning: p.test has an enforced MTA-STS policy; without an entry Postfix does not hold to it'
done
undone_at may p.test
# shellcheck disable=SC2016
has 'that cleartext is back: how to have the policy again' "$err" '; `tlsladder unset p.test` keeps it from that'
undone_at may d.test
# shellcheck disable=SC2016
has '... and DANE' "$err" '; `tlsladder unset d.test` keeps it from that'
for level in dane dane-only; do
	undone_at $level d.test
	hasnt "undone at $level: TLSA records are looked at" "$err" 'TLSA'
done
undone_at dane-only p.test
is 'undone at dane-only: no warning' "$err" ''
ladder unset p.test
ladder set p.test verify

# --- ... and what is known of it

python3 - "$dir/state.db" <<'END'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("UPDATE destination SET dns_text = 'mx.p.test address=insecure tlsa=none' || char(10)"
               " || 'mx.q.test address=insecure tlsa=none' WHERE key IN ('p.test', 'testing.test')")
END
ladder explain p.test
has 'explain: the policy, and until when' "$(tr -s ' ' <<<"$out")" $'MTA-STS policy\n enforce until 2'
has 'each MX host against it' "$out" '    mx.p.test is in it'
has '... one that it does not have' "$out" '    mx.q.test is not in it'
ladder explain --json testing.test
has 'one that is tested is recorded' "$out" ',"policy":{"mode":"testing","until":"2'
has 'with what would fail' "$out" '{"host":"mx.q.test","allowed":false,"would_fail":true}'
ladder explain --json d.test
has 'without one' "$out" ',"policy":null'

# --- ... switched off

configure "dns: {resolver: '$resolver', trust: ad, tries: 1}" 'mta_sts: {enable: false}'
ladder policy --refresh p.test
is 'MTA-STS is switched off: no policy is asked for' "$status $err" \
	'78 tlsladder: error: MTA-STS is switched off (mta_sts.enable): nothing is asked for'
ladder policy p.test
is 'one that is kept is shown' "$status" 0
has '... as one that is not enforced' "$err" 'MTA-STS is switched off (mta_sts.enable): what is kept is not enforced'
ladder explain p.test
has 'explain says so' "$out" 'MTA-STS is switched off (mta_sts.enable): it is not enforced'
ladder check p.test
has 'and check' "$out" '  MTA-STS is switched off (mta_sts.enable)'
mkfifo "$dir/fifo"
configure "dns: {resolver: '$resolver', trust: ad, tries: 1}" "notify: {template: $dir/fifo}"
run timeout 20 "$program" -c "$dir/tlsladder.yaml" list
has 'a template that is a FIFO keeps no command waiting' "$err" "notify.template: $dir/fifo is no regular file"
configure "dns: {resolver: '$resolver', trust: ad, tries: 1}"

run /bin/sh -c 'exec "$0" -c "$1" set full.test may >/dev/full' "$program" "$dir/tlsladder.yaml"
is 'what was done cannot be told: an error' "$status" 74

finish
