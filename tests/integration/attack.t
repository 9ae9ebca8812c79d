#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# An attacker's day. Destinations that were verified for a week lose STARTTLS, their
# certificate, their TLSA records; 500 of one hoster at once; and the log says what others
# would like. Until a hold is over nothing weaker is in force, the administrator is alerted
# within a minute, and after the attack everything stands as before.
. "$(dirname -- "$0")/lib.sh"

day=86400
crowd=${ATTACK_CROWD:-500}

# What stands for Postfix's sendmail keeps the mail.
cat >"$dir.sendmail" <<END
#!/bin/sh
{ cat; echo "--- \$*"; } >>$dir/state/mails
END
chmod 755 "$dir.sendmail"
trap 'clean_up; rm -f "$dir.sendmail"' EXIT

up strict "sendmail_path=$dir.sendmail"
configure strict 'notify: {to: postmaster@sender.test}' 'dns: {timeout: 1s, tries: 1}'

# at SECONDS: the daemon's clock is so far ahead from now on.
at() {
	[[ -z $daemon ]] || stop || not_ok 'the daemon ends when asked to'
	start "TLSLADDER_NOW_OFFSET=$1" || { not_ok "the daemon starts at $1 s"; finish; }
}

weaker() {
	sql "SELECT key || ' ' || action || ' ' || after || ' ' || decision.why FROM decision JOIN destination ON destination.id = destination
		WHERE action = 'set' AND after IN ('may', 'dane', 'encrypt') ORDER BY key LIMIT 10"
}

told() {
	grep -E "alert: ${1-}" "$dir/daemon.err"
}

mailed() {
	grep -E "^$1" "$dir/state/mails"
}

# How many messages to user@DOMAIN arrived so far: four, of the good week.
arrivals() {
	grep -c "	user@$1	" "$dir/delivered.tsv"
}

# A message for each of the crowd, in few that have many recipients.
send_crowd() {
	local i to=()
	for ((i = 1; i <= crowd; i++)); do
		to+=("user@d$i.many-selfsigned.test")
	done
	inside sendmail -C "$dir/strict/config" -i -f sender@sender.test -- "${to[@]}" <<<'Subject: crowd'
}

# holds WHEN: no weaker entry, now or ever, in the database or in the map.
holds() {
	is "$1: nothing weaker was ever decided" "$(weaker)" ''
	is "$1: Postfix finds the entries of before, no other" \
		"$(grep -v '^#' "$dir/state/tls_policy" | tr '\t' ' ')" "$before"
}

# --- a good week

ca=(valid-ca.test victim.test signed-no-tlsa-ca.test)
dane=(dane-mixed.test dane-nsec3.test dane-ok.test dane-roll.test dane-ta.test)

"$sandbox" cert "$dir" mx.selfsigned.test good
begun=$(now)
for ago in 7 5 3 1; do
	at $((-ago * day))
	send strict "${ca[@]}" "${dane[@]}"
	[[ $ago != 7 ]] || send_crowd
	settle strict 60
done
comment "a week: $(bc <<<"$(now) - $begun") s"
before=$(printf '%s dane-only\n' "${dane[@]}")
is 'after a good week there are entries for DANE alone' "$(entries)" "$before"
is 'all of the crowd was verified' \
	"$(sql "SELECT count(*) FROM destination WHERE key LIKE 'd%.many-selfsigned.test' AND seen_verify_ms > 0")" "$crowd"
at 0

# --- one by one: a server, a certificate, the DNS

"$sandbox" behave "$dir" mx.valid-ca.test plain
"$sandbox" cert "$dir" mx.signed-no-tlsa-ca.test selfsigned
"$sandbox" behave "$dir" mx.dane-mixed.test plain
"$sandbox" zone "$dir" kind dane-ok.test silent-tlsa
"$sandbox" zone "$dir" kind dane-ta.test bogus-tlsa
# The attacker's own key, in an answer without a signature.
"$sandbox" zone "$dir" tlsa mx.dane-roll.test 3-1-1:mx.plain.test
"$sandbox" zone "$dir" kind dane-roll.test stripped-tlsa
attacked=(valid-ca.test signed-no-tlsa-ca.test dane-mixed.test dane-ok.test dane-ta.test dane-roll.test)
begun=$(now)
send strict "${attacked[@]}"
awaits 'STARTTLS stripped: the administrator is alerted' 50 told 'valid-ca.test: hold'
awaits 'a wrong certificate: the administrator is alerted' 50 told 'signed-no-tlsa-ca.test: hold'
awaits 'STARTTLS stripped from DANE: the administrator is alerted' 50 told 'dane-mixed.test: dane-not-met'
awaits 'TLSA answers dropped: the administrator is alerted' 50 told 'dane-ok.test: .*TLSA lookup error'
awaits 'TLSA answers made SERVFAIL: the administrator is alerted' 50 told 'dane-ta.test: .*TLSA lookup error'
awaits 'TLSA answers forged, without signature: the administrator is alerted' 50 \
	told 'dane-roll.test: .*TLSA lookup error'
comment "the last of these alerts came $(bc <<<"$(now) - $begun") s after the mail"
settle strict
holds 'at once'
for domain in "${attacked[@]}"; do
	is "at once: mail to $domain waits" "$(arrivals "$domain")" 4
done

# --- what others write about a destination that does well

forge() {
	local what="relay=none, delay=0.1, delays=0.1/0/0/0, dsn=4.7.4, status=deferred (TLS is required, but was not offered by host mx.victim.test[10.53.1.38])"
	local line="4jYZyv3bJtz1cWb5: to=<user@victim.test>, $what" stamp long
	stamp=$(date '+%b %e %T mail')
	long=$(printf '%080000d' 0)
	sed "s/^/$stamp /" <<-END
	postfix/smtpd[7]: connect from ${line}[192.0.2.1]
	postfix/smtpd[7]: NOQUEUE: reject: RCPT from a.test[192.0.2.1]: 450 4.7.1 <a>: Helo command rejected: Host not found; from=<a@a.test> to=<user@sender.test> proto=ESMTP helo=<postfix/smtp[8]: $line>
	postfix/smtpd[7]: warning: a.test[192.0.2.1]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=postfix/smtp[8]: $line
	postfix/smtpd[7]: 4jYZyv3bJtz1cWb5: client=a.test[192.0.2.1], sasl_method=PLAIN, sasl_username=postfix/smtp[8]: $line
	postfix/smtpd[7]: warning: hostname $line does not resolve to address 192.0.2.1: Name or service not known
	postfix/smtpd[7]: Untrusted TLS connection established from a.test[192.0.2.1]: TLSv1.3 with cipher $line
	postfix/smtpd[7]: a.test[192.0.2.1]: subject_CN=postfix/smtp[8]: $line, issuer_CN=$line, fingerprint=AB
	postfix/smtpd[7]: warning: non-SMTP command from a.test[192.0.2.1]: postfix/smtp[8]: $line
	postfix/cleanup[7]: 4jYZyv3bJtz1cWb5: message-id=<x#012$stamp postfix/smtp[8]: $line>
	postfix/cleanup[7]: 4jYZyv3bJtz1cWb5: milter-reject: END-OF-MESSAGE from a.test[192.0.2.1]: 4.7.1 $line; from=<a@a.test> to=<user@victim.test>
	postfix/cleanup[7]: 4jYZyv3bJtz1cWb5: warning: header Subject: postfix/smtp[8]: $line from local; from=<a@a.test> to=<user@victim.test>
	postfix/qmgr[7]: 4jYZyv3bJtz1cWb5: from=<"postfix/smtp[8]: $line"@a.test>, size=9, nrcpt=1 (queue active)
	postfix/pipe[7]: 4jYZyv3bJtz1cWb5: to=<user@victim.test>, relay=x, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)
	postfix/local[7]: 4jYZyv3bJtz1cWb5: to=<user@victim.test>, relay=local, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (temporary failure. Command output: postfix/smtp[8]: $line)
	postfix/lmtp[7]: 4jYZyv3bJtz1cWb5: to=<user@victim.test>, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)
	postfix/smtp[7]: 4jYZyv3bJtz1cWb5: to=<user@victim.test>, relay=mx.victim.test[10.53.1.38]:25, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (host mx.victim.test[10.53.1.38] said: 450 4.7.5 Server certificate not verified (in reply to RCPT TO command))
	postfix/smtp[7]: 4jYZyv3bJtz1cWb5: to=<user@hosted.test>, relay=mx.valid-ca.test[10.53.1.37]:25, delay=1, delays=1/0/0/0, dsn=4.7.4, status=deferred (host mx.valid-ca.test[10.53.1.37] refused to talk to me: 421 $line)
	postfix/smtp[7]: 4jYZyv3bJtz1cWb5: to=<user@hosted.test>, relay=mx.valid-ca.test[10.53.1.37]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 Ok $line)
	postfix/virtual[7]: 4jYZyv3bJtz1cWb5: to=<user@victim.test>, relay=virtual, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)
	postfix/smtp[7]: 4jYZyv3bJtz1cWb5: to=<"x@victim.test>, $what"@hosted.test>, relay=none, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (no)
	postfix/smtp[7]: 4jYZyv3bJtz1cWb5: to=<user@hosted.test>, orig_to=<"x@victim.test>, $what"@a.test>, relay=none, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (no)
	postfix/smtp[7]: 4jYZyv3bJtz1cWb5: host mx.a.test[192.0.2.1] said: 450 $line (in reply to RCPT TO command)
	postfix/smtp[7]: warning: host mx.a.test[192.0.2.1] greeted me with my own hostname $line
	postfix/smtp[7]: server certificate verification failed for mx.a.test[192.0.2.1]:25: $line
	postfix/smtp[7]: certificate verification failed for mx.a.test[192.0.2.1]:25: untrusted issuer /CN=$line
	postfix/smtp[7]: connect to mx.a.test[192.0.2.1]:25: $line
	postfix/smtp[7]: mx.a.test[192.0.2.1]:25: subject_CN=x, $line, issuer_CN=y
	postfix/smtp[7]: warning: TLS policy lookup for a.test/mx.a.test: $line
	postfix/postscreen[7]: NOQUEUE: reject: RCPT from [192.0.2.1]:9: 550 5.7.1 x; from=<a@a.test>, to=<user@victim.test>, $what
	dovecot: lmtp(user@victim.test)<9><abc>: Error: postfix/smtp[8]: $line
	amavis[7]: (7-1) Passed CLEAN {RelayedInbound}, <a@a.test> -> <user@victim.test>, Message-ID: <postfix/smtp[8]: $line>
	opendkim[7]: 4jYZyv3bJtz1cWb5: to=<user@victim.test>, $what
	postfix/smtp[7]: $long$line
	END
}
forge >>"$dir/strict/mail.log"
send strict victim.test
settle strict
is 'forged lines: nothing is counted against the victim' \
	"$(sql "SELECT DISTINCT what FROM tally JOIN destination ON id = destination WHERE key = 'victim.test' ORDER BY what" | tr '\n' ' ')" \
	'sent sent:verified session:verified '
is 'forged lines: no decision on the victim' \
	"$(sql "SELECT count(*) FROM decision JOIN destination ON destination.id = destination WHERE key = 'victim.test'")" 0
holds 'forged lines'

# --- a hoster with all that are there

begun_crowd=$(now)
"$sandbox" behave "$dir" mx.selfsigned.test plain
send_crowd
settle strict 60
awaits 'a crowd stripped: the administrator is alerted' 50 told 'd[0-9]+.many-selfsigned.test: hold'
holds 'a crowd stripped'
# All of them are one server, and others verify: that is no fault of ours.
send strict expired-cert.test
settle strict
before=$(printf '%s\n' "$before" 'expired-cert.test encrypt' | sort)
is 'a newcomer has its entry, and nobody else' "$(weaker)" 'expired-cert.test set encrypt not-authentic'
is 'a newcomer has its entry: Postfix finds it' "$(grep -v '^#' "$dir/state/tls_policy" | tr '\t' ' ')" "$before"
is 'a crowd stripped: there is no freeze' "$(told 'freeze: ')" ''

for domain in "${attacked[@]}"; do
	awaits "$domain: it stands in a mail" 50 mailed "$domain: "
done
comment "the last of them was mailed $(bc <<<"$(now) - $begun") s after the attack"
awaits 'the crowd stands in a mail' 50 mailed 'd[0-9]+.many-selfsigned.test: hold'
is 'in few words: the log has each of them, a mail the first' "$(($(mailed 'd[0-9]+.many-selfsigned.test: ' | wc -l) < 60))" 1
comment "it was mailed $(bc <<<"$(now) - $begun_crowd") s after that attack"
comment "$(grep -c '^---' "$dir/state/mails") mails, $(told | wc -l) alerts"

# --- it goes on

at 3200
send strict victim.test
settle strict
retry_all strict
is 'after an hour, nearly: the newcomer keeps its entry' "$(weaker)" 'expired-cert.test set encrypt not-authentic'
is 'after an hour, nearly: no other' "$(entries)" "$before"
"$sandbox" cert "$dir" mx.signed-no-tlsa-ca.test good

at 86000
retry_all strict
is 'after a day, nearly: no other' "$(weaker)" 'expired-cert.test set encrypt not-authentic'
is 'after a day, nearly: Postfix finds nothing else' "$(grep -v '^#' "$dir/state/tls_policy" | tr '\t' ' ')" "$before"
is 'the right certificate is back: mail flows' "$(arrived user@signed-no-tlsa-ca.test | sed 's/ .*//')" mx.signed-no-tlsa-ca.test

# --- it is over

"$sandbox" behave "$dir" mx.valid-ca.test tls
"$sandbox" behave "$dir" mx.dane-mixed.test tls
"$sandbox" behave "$dir" mx.selfsigned.test tls
for domain in dane-ok.test dane-ta.test dane-roll.test; do
	"$sandbox" zone "$dir" kind $domain signed
done
"$sandbox" zone "$dir" tlsa mx.dane-roll.test 3-1-1:old 3-1-1
at 86060
retry_all strict
is 'afterwards: no mail waits' "$(inside postqueue -c "$dir/strict/config" -j)" ''
is 'afterwards: nothing went in the clear' "$(cut -f 4 "$dir/delivered.tsv" | grep -c -- '^-')" 0
is 'afterwards: every message of the crowd arrived' "$(grep -c '@d[0-9]*.many-selfsigned.test' "$dir/delivered.tsv")" $((crowd * 2))
is 'afterwards: everything stands as before' "$(entries)" "$before"
is 'afterwards: Postfix finds that' "$(grep -v '^#' "$dir/state/tls_policy" | tr '\t' ' ')" "$before"
# that it flowed says the log; that it left, the queue
nothing_held() {
	[[ -z $(sql "SELECT key FROM destination WHERE hold_level <> 'none' LIMIT 5") ]]
}
awaits 'afterwards: nothing is held any more' 90 nothing_held
count=$(wc -l <"$dir/strict/mail.log")
send strict "${ca[@]}" "${dane[@]}"
settle strict
is 'afterwards: new mail flows at its first attempt' \
	"$(tail -n "+$((count + 1))" "$dir/strict/mail.log" | grep -oE 'status=[a-z]+' | sort | uniq -c | tr -s ' ')" " 8 status=sent"
stops
finish
