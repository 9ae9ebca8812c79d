#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A forged MX record that names a host with a good certificate of its own, at each default
# level, of a domain with an enforced MTA-STS policy that was sent mail before: mail waits
# (case 86), and flows when the record is right again.
. "$(dirname -- "$0")/lib.sh"
[[ -x $builddir/tlsladder-fetch ]] || skip_all 'tlsladder-fetch is not built'

up
. "$here/policies.sh"
policy_hosts victim.test selfsigned.test
policy victim.test 1 enforce mx.victim.test
policy selfsigned.test 1 enforce mx.selfsigned.test
state=$dir/state

for level in dane verify secure dane-only; do
	name=at-$level
	mkdir "$state/$name"
	chown nobody:nogroup "$state/$name"
	map_file=$state/$name/tls_policy
	sender "$name" smtp_tls_security_level="$level" "smtp_tls_policy_maps=hash:$map_file" smtp_dns_support_level=dnssec
	configure "$name" "$policy_settings" "state: $state/$name/state.db" "map: {file: $map_file, type: hash}"
	sql() {
		sqlite3 -cmd '.timeout 5000' "${map_file%/*}/state.db" "$1"
	}
	: >"$policies/asked"
	starts
	send "$name" "$level@victim.test"
	await 30 arrives "$level@victim.test" >/dev/null
	is "$level: mail arrives" "$(arrived "$level@victim.test" | cut -d ' ' -f 1)" mx.victim.test
	has_entry() {
		[[ -n $(entries) ]]
	}
	await 30 has_entry >/dev/null
	settle "$name"
	is "$level: the entry is its policy's" "$(entries)" 'victim.test secure match=mx.victim.test servername=hostname'
	is "$level: the policy was fetched once" "$(fetches victim.test)" 1
	"$sandbox" zone "$dir" mx victim.test mx.valid-ca.test
	send "$name" "forged-$level@victim.test"
	settle "$name"
	is "$level: a forged MX record gets nothing" "$(arrived "forged-$level@victim.test")" waits
	is "$level: and the entry stays" "$(entries)" 'victim.test secure match=mx.victim.test servername=hostname'
	is "$level: why" "$(sql "SELECT why FROM destination WHERE key = 'victim.test'")" policy-not-met
	"$sandbox" zone "$dir" mx victim.test mx.victim.test
	retry_all "$name"
	is "$level: the right one gets it" "$(arrived "forged-$level@victim.test" | cut -d ' ' -f 1)" mx.victim.test
	stops
done

# --- the letter to whom no server meets its own policy

configure at-verify "$policy_settings" "state: $state/letter.db" "map: {file: $state/letter_policy, type: hash}" \
	'notify: {from: postmaster@sender.test}'
letter=$(ladder notice selfsigned.test 2>&1)
is 'there is a letter on a policy that is not met' $? 0
has 'which says what is wrong, and where' "$(tr -s ' \n' ' ' <<<"$letter")" 'mx.selfsigned.test[10.53.1.33]:25 has a certificate that does not verify, which the domain'
ladder notice victim.test >/dev/null 2>&1
is 'and none on one that is' $? 65
refused=$(ladder notice --send selfsigned.test 2>&1 >/dev/null)
is 'it is not sent where the default level would hold it' $? 69
has 'which is told' "$refused" 'not sent: at verify, which is in force for selfsigned.test here'
is 'check has no green for it' "$(ladder check --probe --json selfsigned.test 2>/dev/null | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["grade"], d["why"], d["waits"])')" '? policy-not-met True'
policy_hosts_end
finish
