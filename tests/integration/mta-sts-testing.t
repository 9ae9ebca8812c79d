#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A policy of mode testing: it hinders nothing, and what would have failed under it is known (case 68).
. "$(dirname -- "$0")/lib.sh"
[[ -x $builddir/tlsladder-fetch ]] || skip_all 'tlsladder-fetch is not built'

up
. "$here/policies.sh"
domains=(valid-ca.test selfsigned.test plain.test hosted.test)
policy_hosts "${domains[@]}"
policy valid-ca.test 1 testing mx.valid-ca.test
policy selfsigned.test 1 testing mx.selfsigned.test
policy plain.test 1 testing mx.plain.test
policy hosted.test 1 testing mx.hosted.test

sender verify smtp_tls_security_level=verify "smtp_tls_policy_maps=hash:$map_file"
configure verify "$policy_settings"
starts
send verify "${domains[@]}"
for domain in valid-ca.test selfsigned.test hosted.test; do
	await 30 arrives "user@$domain" >/dev/null
done
is 'it keeps nobody from the entry that mail needs' "$(entries)" 'selfsigned.test encrypt'
all_had() {
	[[ $(ladder policy | grep -c ' testing ') == "${#domains[@]}" ]]
}
awaits 'the policies of who was sent mail are fetched' 60 all_had
settle verify
has 'a server that verifies passes' "$(ladder explain valid-ca.test)" 'mx.valid-ca.test is in it, and verified at '
has 'one with a certificate of its own would fail' "$(ladder explain selfsigned.test)" \
	'mx.selfsigned.test is in it, and would fail: '
has 'so would one without TLS' "$(ladder explain plain.test)" 'mx.plain.test is in it, and would fail: '
has 'and one that the policy does not allow' "$(ladder explain hosted.test)" \
	'mx.valid-ca.test is not in it: it would fail'
has '... as JSON' "$(ladder explain --json selfsigned.test)" '"allowed":true,"would_fail":true'
has '... and of one that passes' "$(ladder explain --json valid-ca.test)" '"allowed":true,"would_fail":false'
stops

# At may nobody is asked to verify: that is said, and no more.
mkdir "$dir/state/may"
chown nobody:nogroup "$dir/state/may"
map_file=$dir/state/may/tls_policy
sender may smtp_tls_security_level=may "smtp_tls_policy_maps=hash:$map_file"
configure may "$policy_settings" "state: $dir/state/may/state.db" "map: {file: $map_file, type: hash}"
domains=(valid-ca.test)
starts
send may valid-ca.test
awaits 'at may, too' 60 all_had
has 'a server that nobody asked is not said to pass' "$(ladder explain valid-ca.test)" \
	'mx.valid-ca.test is in it, and was never asked to verify'

policy_hosts_end
finish
