#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# DANE before an enforced MTA-STS policy (cases 79 to 82), with real servers: usable TLSA records are
# dane-only, whatever a certificate would verify by; unusable ones leave the policy its entry.
. "$(dirname -- "$0")/lib.sh"
[[ -x $builddir/tlsladder-fetch ]] || skip_all 'tlsladder-fetch is not built'

up may smtp_tls_security_level=may smtp_dns_support_level=dnssec
. "$here/policies.sh"
domains=(dane-ca.test dane-bad-ca.test dane-multi.test dane-pkix-ca.test)
policy_hosts "${domains[@]}"
configure may "$policy_settings"
starts
for domain in "${domains[@]}"; do
	policy "$domain" 1 enforce "mx.$domain"
done
for domain in "${domains[@]}"; do
	send may "first@$domain"
done

# is_now DOMAIN ENTRY
is_now() {
	[[ $(in_map "$1") == "$2" ]]
}
check 'usable TLSA records: dane-only, no match= (case 79)' await 60 is_now dane-ca.test dane-only
check 'they fail: dane-only, though the certificate verifies (case 80)' await 60 is_now dane-bad-ca.test dane-only
check 'of one of two servers: dane-only (case 81)' await 60 is_now dane-multi.test dane-only
check 'unusable ones: the policy (case 82)' await 60 is_now dane-pkix-ca.test \
	'secure match=mx.dane-pkix-ca.test servername=hostname'
settle may
for domain in "${domains[@]}"; do
	send may "second@$domain"
done
settle may
check 'mail goes where DANE is met' await 30 arrives second@dane-ca.test
check '... and by the server that has it' await 30 arrives second@dane-multi.test
check 'mail goes where the policy is met' await 30 arrives second@dane-pkix-ca.test
is 'mail waits where DANE is not' "$(arrived second@dane-bad-ca.test)" waits
held() {
	[[ $(sql "SELECT count(*) FROM sts WHERE applied = 'enforce'") == "${#domains[@]}" ]]
}
check 'all four policies are held, enforced or not' await 30 held
"$sandbox" zone "$dir" remove dane-ca.test _mta-sts TXT '"v=STSv1;id=1"'
is 'and what DANE decides is still there' "$(in_map dane-ca.test) $(in_map dane-bad-ca.test)" 'dane-only dane-only'
stops
policy_hosts_end
finish
