#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check against a scripted name server and a posttls-finger that a script plays: what it
# prints, and that hostile text stays text. tests/integration/check.t has real servers.
. "$(dirname -- "$0")/lib.sh"
needs_python

digest=cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2
# DOMAIN SECURITY HOST...: MX in this order, each host with an address and, where signed, TLSA
zone() {
	local name=$1 security=$2 preference=10 host
	shift 2
	printf '%s MX %s\n' "$name" "$security"
	for host; do
		printf '\t%s. 300 IN MX %s %s.\n' "$name" $((preference++)) "$host"
	done
	for host; do
		printf '%s A %s\n\t%s. 300 IN A 192.0.2.1\n' "$host" "$security" "$host"
		printf '%s AAAA %s\n_25._tcp.%s TLSA %s\n' "$host" "$security" "$host" "$security"
		[[ $security != secure ]] || printf '\t_25._tcp.%s. 300 IN TLSA 3 1 1 %s\n' "$host" "$digest"
	done
}
{
	zone dane.test secure mx.dane.test
	zone two.test insecure mx1.two.test mx2.two.test
	zone hostile.test insecure mx.hostile.test
	printf 'broken.test MX servfail\n'
} >"$dir/dns"
start_dns

postconf_says 'smtp_dns_support_level = dnssec' 'smtp_host_lookup = dns' \
	'ignore_mx_lookup_error = no'
cat >"$dir/posttls-finger.sh" <<'END'
for key; do :; done
host=${key#[} host=${host%%]*}
session="TLS connection established to $host[192.0.2.1]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
case "$key $*" in
'[127.0.0.1]:1 '*) echo 'posttls-finger: Failed to establish session' ;;
'[mx.dane.test]'*'-l dane-only'*) echo "posttls-finger: Verified $session" ;;
'[mx1.two.test]'*) echo 'posttls-finger: Failed to establish session to x via y: Connection refused' ;;
'[mx.hostile.test]'*verify*)
	printf 'posttls-finger: certificate verification failed for x[192.0.2.1]:25: untrusted issuer /CN=\033[31m\302\205\n'
	echo "posttls-finger: Untrusted $session" ;;
*' -l encrypt'*) echo "posttls-finger: Untrusted $session" ;;
*) echo "posttls-finger: certificate verification failed for x[192.0.2.1]:25: self-signed certificate"
	echo "posttls-finger: Untrusted $session" ;;
esac
END
configure "dns: {resolver: $resolver, timeout: 1s, tries: 1}"

ladder check dane.test two.test
is 'without --probe: exit status 0' "$status$err" 0
is 'without --probe' "$out" 'dane.test  green  level dane-only  (dane: usable TLSA records: DANE and nothing less)
  MX secure
  10 mx.dane.test  address secure, TLSA secure, usable 1 of 1
two.test  ?  level ?  (the servers were not asked (--probe))
  MX insecure
  10 mx1.two.test  address insecure, TLSA not-asked
  11 mx2.two.test  address insecure, TLSA not-asked'
check 'no server was asked' test ! -e "$dir/posttls-finger.calls"

ladder check --probe dane.test two.test
is 'with --probe: exit status 0' "$status$err" 0
is 'with --probe' "$out" 'dane.test  green  level dane-only  (dane: usable TLSA records: DANE and nothing less)
  MX secure
  10 mx.dane.test  address secure, TLSA secure, usable 1 of 1
      dane-only yes verified session
      verify    no  the certificate does not verify: self-signed certificate
      encrypt   yes untrusted session
two.test  yellow  level encrypt  (not-authentic: no certificate that verifies)
  MX insecure
  10 mx1.two.test  address insecure, TLSA not-asked
      verify    ?   no connection
  11 mx2.two.test  address insecure, TLSA not-asked
      verify    no  the certificate does not verify: self-signed certificate
      encrypt   yes untrusted session'

ladder check --probe --json two.test
is 'JSON has the same' "$(python3 -c '
import json, sys
d = json.loads(sys.stdin.read())
assert d["destination"] == d["domain"]
print(d["domain"], d["grade"], d["level"], d["why"], d["waits"], d["default"], d["dane"], d["mx"])
for h in d["hosts"]:
    print(h["host"], h["preference"], h["address"], h["usable"], [(p["level"], p["works"]) for p in h["probes"]])' <<<"$out")" \
	"two.test yellow encrypt not-authentic False verify none insecure
mx1.two.test 10 insecure 0 [('verify', None)]
mx2.two.test 11 insecure 0 [('verify', False), ('encrypt', True)]"

for json in '' --json; do
	# shellcheck disable=SC2086
	ladder check --probe $json hostile.test
	check "a hostile certificate writes no control character ${json:-to a terminal}" python3 -c '
import sys
text = open(sys.argv[1], "rb").read().decode("utf-8")
assert "x1b" in text or "1b[31m" in text
sys.exit(any(ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160 for c in text))' "$dir/out"
done

ladder check broken.test dane.test
is 'DNS could not tell of one: exit status 69' $status 69
has 'and the reason is there' "$out" 'broken.test  ?  level ?  (dns-unsure: DNS could not tell, so nothing weaker)'
has 'the other is reported all the same' "$out" '
dane.test  green'

# --- news

check 'no state was made' test ! -e "$dir/state.db"
# known KEY ENTRY DNS-STATE MORE: as the daemon left it, with a lease of a week.
known() {
	ladder set "$1" encrypt
	ladder unset "$1"
	python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE destination SET entry = ?, dns_state = ?, dns_ms = 1, dns_until_ms = 1 << 60, look_ms = 1 << 60,"
           " lease_end_ms = 1 << 60, " + sys.argv[5] + " WHERE key = ?", (sys.argv[3], sys.argv[4], sys.argv[2]))
db.commit()' "$dir/state.db" "$1" "$2" "$3" "$4"
}
# news_and_looks KEY: of the JSON in out whether there is news, and from the state
# "ENTRY now|later LEASE TTL"
news_and_looks() {
	python3 -c '
import json, sqlite3, sys, time
entry, *times = sqlite3.connect(sys.argv[1]).execute(
    "SELECT entry, look_ms, lease_end_ms, dns_until_ms FROM destination WHERE key = ?", (sys.argv[2],)).fetchone()
print(json.loads(sys.stdin.read())["news"], entry, *["now" if t <= time.time() * 1000 else "later" for t in times])' \
		"$dir/state.db" "$1" <<<"$out"
}
# NEWS  KEY  OPTION  ENTRY  DNS-STATE  MORE
while read -r news key option entry state more sentence; do
	known "$key" "$entry" "$state" "$more"
	# shellcheck disable=SC2086
	ladder check ${option#-} --json "$key"
	read -r got_news looks < <(news_and_looks "$key")
	is "$sentence: $news" "$got_news" $news
	[[ $news == True ]] && time=now || time=later
	is "$sentence: the entry stays, re-checked $time" "$looks" "$entry $time $time $time"
done <<'END'
True dane.test - encrypt none pending=0 TLSA appeared
False dane.test - dane-only usable pending=0 TLSA as before
True two.test - dane-only usable pending=0 TLSA is gone
False two.test - encrypt none pending=0 nothing new
True two.test ---probe may none pending=0 a stronger level works
False two.test - may none pending=0 nobody was asked whether it does
False two.test ---probe encrypt none pending=0 no stronger level works
False dane.test - encrypt none pinned=1 a pin
False dane.test - none none deferral=0 no entry and no trouble
True dane.test - none none deferral=1 no entry and mail that waits
False broken.test - encrypt none pending=0 DNS could not tell
END
known dane.test encrypt none pending=0
ladder check dane.test
has 'the user is told of it' "$out" '  news: the daemon looks at it now'
if [[ $EUID -ne 0 ]]; then
	known dane.test encrypt none pending=0
	chmod -w "$dir/state.db"
	ladder check dane.test
	is 'a state that may not be written: it only prints' "$status$err" 0
	hasnt 'and reports no news' "$out" 'news'
	chmod u+w "$dir/state.db"
fi

configure "dns: {resolver: $resolver}" 'postfix: {command: [/nonexistent]}'
ladder check dane.test
is 'without a Postfix DNS is asked all the same' $status 0
has 'which is reported' "$err" 'cannot ask Postfix'
ladder check --probe dane.test
has 'and a probe that cannot be made proves nothing' "$out" 'dane.test  ?  level dane-only'

finish
