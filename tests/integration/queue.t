#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mail that was deferred before tlsladder ran: at its first start, by `queue` and by
# `scan`; and the stricter rules.
. "$(dirname -- "$0")/lib.sh"

"$sandbox" up "$dir" owner=$$ || { not_ok 'the sandbox comes up'; finish; }
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"
# As before the installation: no map yet.
sender strict smtp_tls_policy_maps=
configure strict 'ladder: {may_after: {attempts: 1}}'
log=$dir/strict/mail.log

# deferred DOMAIN...: each has one line at least.
deferred() {
	local domain
	for domain; do
		grep -q "to=<user@$domain>.*status=deferred" "$log" || return
	done
}

# levels: "DESTINATION LEVEL" of the JSON of scan and queue.
levels() {
	python3 -c '
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    print(d["destination"], d["level"])' | sort
}

# What must not change where nothing is applied. SQLite's own -shm, and a -wal without
# anything in it, do not count.
fingerprint() {
	(cd "$dir/state" && find . -type f ! -name '*-shm' ! '(' -name '*-wal' -empty ')' -exec cksum {} + |
		sort -k 3)
	wc -l <"$log"
}

# --- nothing is there

send strict selfsigned.test dane-ok.test plain.test valid-ca.test greylist.test
awaits 'mail waits before the installation' 20 deferred selfsigned.test dane-ok.test plain.test greylist.test
before=$(fingerprint)
wanted='dane-ok.test dane-only
plain.test dane
selfsigned.test encrypt'
is 'queue tells what it would do' "$(ladder queue --json | levels)" "$wanted"
is 'scan tells the same of the log' "$(ladder scan --json "$log" | levels)" "$wanted"
gzip -c "$log" >"$dir/old.log.gz"
is 'and of a compressed one' "$(ladder scan --json "$dir/old.log.gz" | levels)" "$wanted"
is 'and of standard input' "$(ladder scan --json - <"$log" | levels)" "$wanted"
matches 'in words as well' "$(ladder queue)" 'dane-ok\.test +dane-only.*nothing was changed'
is 'none of that left a file or tried a message' "$(fingerprint)" "$before"

# --- the first start

set_postfix strict "smtp_tls_policy_maps=hash:$dir/state/tls_policy"
begun=$(now)
starts
for row in 'selfsigned.test	mx.selfsigned.test	TLS' 'dane-ok.test	mx.dane-ok.test	TLS' \
	'plain.test	mx.plain.test	-'; do
	awaits "the first start: mail to ${row%%	*}, which waited, is delivered" 15 \
		grep -q "user@$row" "$dir/delivered.tsv"
done
comment "all of it $(bc <<<"$(now) - $begun") s after the start"
settle strict
is 'by entries that are decided from the queue' "$(entries)" "$wanted"
is 'greylisting is no matter of TLS' "$(arrived user@greylist.test)" waits
stops

# --- queue and scan beside what is there already

send strict expired-cert.test dane-ta.test starttls-refused.test
await 10 deferred expired-cert.test dane-ta.test starttls-refused.test >/dev/null
# The last connection that was closed has put everything into the database itself.
before=$(fingerprint)
wanted='dane-ta.test dane-only
expired-cert.test encrypt
starttls-refused.test dane'
is 'queue: what it would do now' "$(ladder queue --json | levels)" "$wanted"
is 'scan: the same of the new lines' \
	"$(grep -E 'expired-cert|dane-ta|starttls-refused' "$log" | ladder scan --json | levels)" "$wanted"
is 'state and map are byte by byte what they were, and no message was tried' "$(fingerprint)" "$before"
check 'queue --apply' ladder queue --apply
is 'does it' "$(entries | sort)" "dane-ok.test dane-only
dane-ta.test dane-only
expired-cert.test encrypt
plain.test dane
selfsigned.test encrypt
starttls-refused.test dane"
is 'in the map, too' "$(in_map expired-cert.test) $(in_map dane-ta.test) $(in_map starttls-refused.test)" \
	'encrypt dane-only dane'
for domain in expired-cert.test dane-ta.test starttls-refused.test; do
	awaits "and mail to $domain is delivered" 15 grep -q "user@$domain	" "$dir/delivered.tsv"
done

send strict wrongname-cert.test dane-roll.test
await 10 deferred wrongname-cert.test dane-roll.test >/dev/null
lines=$(grep -E 'wrongname-cert|dane-roll' "$log")
check 'scan --apply of these lines' ladder scan --apply <<<"$lines"
is 'does it' "$(entry wrongname-cert.test) $(entry dane-roll.test)" 'encrypt dane-only'
for domain in wrongname-cert.test dane-roll.test; do
	awaits "and mail to $domain is delivered" 15 grep -q "user@$domain	" "$dir/delivered.tsv"
done
before=$(entries)
check 'scan --apply a second time' ladder scan --apply <<<"$lines"
is 'changes nothing' "$(entries)" "$before"

# The daemon goes on from where it was.
starts
send strict nomx.test
awaits 'the daemon, started again, goes on' 15 grep -q 'user@nomx.test	' "$dir/delivered.tsv"
stops

# --- the stricter rules, in front of the others

rm -rf "$dir/state"
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"
configure strict "rules: [$rules/strict.yaml, $rules/postfix.yaml]" 'ladder: {may_after: {attempts: 1}}'
: >"$dir/delivered.tsv"
starts
send strict signed-no-tlsa.test mx-address.test dane-pkix-only.test dane-mixed.test unsigned-tlsa.test \
	starttls-hostile.test
for domain in dane-mixed.test unsigned-tlsa.test starttls-hostile.test; do
	awaits "strict.yaml: mail to $domain is delivered" 15 grep -q "user@$domain	" "$dir/delivered.tsv"
done
settle strict
for domain in signed-no-tlsa.test mx-address.test dane-pkix-only.test; do
	is "strict.yaml: $domain, which is signed, is not weakened" "$(entry $domain) $(arrived user@$domain)" '- waits'
	matches "strict.yaml: the administrator is alerted of $domain" "$(cat "$dir/daemon.err")" "alert: $domain: signed: "
done
is 'strict.yaml: usable TLSA records still lead to dane-only' "$(entry dane-mixed.test)" dane-only
is 'strict.yaml: what is not signed is treated as ever' "$(entry unsigned-tlsa.test) $(entry starttls-hostile.test)" \
	'encrypt dane'
stops
finish
