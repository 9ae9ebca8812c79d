#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Our own CA file is another, or empty, and all destinations under an enforced MTA-STS policy
# fail within ten minutes (case 87): nothing is weakened, the administrator is told once that
# the fault is here, and when it is mended all mail flows.
. "$(dirname -- "$0")/lib.sh"
[[ -x $builddir/tlsladder-fetch ]] || skip_all 'tlsladder-fetch is not built'

crowd=()
more_destinations=$dir.more
for i in {1..25}; do
	crowd+=("crowd$i.test")
	cat <<-END
		crowd$i.test  unsigned  sent  not-dnssec
		    mx  $((100 + i))  tls  good
		    + _mta-sts  TXT  "v=STSv1;id=1"
		    + mta-sts  A  127.0.0.9
	END
done >"$more_destinations"
up verify
rm -f "$more_destinations"
. "$here/policies.sh"
policy_hosts "${crowd[@]}"
for domain in "${crowd[@]}"; do
	publish "$domain" enforce "mx.$domain"
done
configure verify "$policy_settings" 'ladder: {may_after: {attempts: 1}}' \
	"notify: {command: [sh, -c, 'f=\$(mktemp $dir/state/mail.XXXXXX); cat >\$f']}"
starts

send verify "${crowd[@]}"
all_have() {
	[[ $(sql "SELECT count(*) FROM destination WHERE entry = 'secure' AND key LIKE 'crowd%'") == 25 ]]
}
awaits 'who was sent mail has an entry by its policy' 60 all_have
settle verify
send verify valid-ca.test
retry_all verify
is 'every policy was fetched once' "$(sort "$policies/asked" | uniq -c | awk '$1 == 1' | wc -l)" 25
has_canary() {
	[[ $(sql 'SELECT count(*) > 0 FROM host WHERE proven_ms > 0') == 1 ]]
}
send verify "${crowd[@]/#/second@}"
awaits 'a server is known to verify' 60 has_canary
settle verify
before=$(entries)

# fails NAME: what is so while all fail.
fails() {
	local said alerts
	said=$(wc -l <"$dir/daemon.err")
	send verify "${crowd[@]/#/$1@}"
	settle verify
	alerts=$(tail -n "+$((said + 1))" "$dir/daemon.err" | grep 'alert: ')
	is "$2: no mail goes" "$(grep -c "$1@" "$dir/delivered.tsv")" 0
	is "$2: every entry stays" "$(entries)" "$before"
	matches "$2: an alert says where to look" "$alerts" "$3"
	is "$2: nobody's policy is fetched for it" "$(wc -l <"$policies/asked")" 25
}

mended() {
	cp "$dir/ca.good" "$dir/ca.pem"
	inside kill -HUP "$(tr -d ' ' <"$dir/verify/queue/pid/master.pid")"
	retry_all verify
	is "$2, mended: all mail arrives" "$(grep -c "$1@" "$dir/delivered.tsv")" 25
	is "$2, mended: every entry stays" "$(entries)" "$before"
}

cp "$dir/ca.pem" "$dir/ca.good"
cp "$dir/world/certs/mx.plain.test.issuer" "$dir/ca.pem"
inside kill -HUP "$(tr -d ' ' <"$dir/verify/queue/pid/master.pid")"
fails third 'another CA file' 'freeze: .*CA file'
mended third 'another CA file'

: >"$dir/ca.pem"
inside kill -HUP "$(tr -d ' ' <"$dir/verify/queue/pid/master.pid")"
fails fourth 'an empty CA file' 'our-fault: .*smtp_tls_CAfile'
mended fourth 'an empty CA file'
stops
mails_of() {
	grep -lE "$1" "$dir"/state/mail.* | wc -l
}
is 'another CA file: one mail for all' "$(mails_of 'freeze: .*(CA file|known to verify)')" 1
is 'an empty CA file: one mail for all' "$(mails_of our-fault:)" 1
is 'and no other mail says that one of them fails' "$(mails_of 'policy-not-met|hold:|not-authentic')" 0
policy_hosts_end
finish
