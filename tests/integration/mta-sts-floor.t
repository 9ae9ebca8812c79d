#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A policy that is kept is a floor, whatever else: a forger's MX record leads to a host in a signed zone
# of his own with broken TLSA records; and a Postfix that cannot do DANE meets a domain with both.
. "$(dirname -- "$0")/lib.sh"
[[ -x $builddir/tlsladder-fetch ]] || skip_all 'tlsladder-fetch is not built'

more_destinations=$dir.more
cat >"$more_destinations" <<'END'
evil.test  bogus-tlsa  sent  tlsa-error
    mx                90  tls             good      3-1-1
END
up
rm -f "$more_destinations"
. "$here/policies.sh"
policy_hosts victim.test dane-ca.test
policy victim.test 1 enforce mx.victim.test
policy dane-ca.test 1 enforce mx.dane-ca.test
state=$dir/state

# sender_at NAME LEVEL SUPPORT: a Postfix with a map and a daemon of its own.
sender_at() {
	name=$1
	mkdir "$state/$name"
	chown nobody:nogroup "$state/$name"
	map_file=$state/$name/tls_policy
	sender "$name" smtp_tls_security_level="$2" "smtp_tls_policy_maps=hash:$map_file" smtp_dns_support_level="$3"
	configure "$name" "$policy_settings" "state: $state/$name/state.db" "map: {file: $map_file, type: hash}"
	starts
}
sql() {
	sqlite3 -cmd '.timeout 5000' "${map_file%/*}/state.db" "$1"
}
has_entry() {
	grep -q "^$1[[:blank:]]secure match=mx\.$1 " "$map_file"
}

for level in verify may; do
	sender_at "forged-$level" $level dnssec
	"$sandbox" zone "$dir" mx victim.test mx.evil.test
	send "$name" "first-$level@victim.test"
	check "at $level the policy has its entry, though TLSA cannot be told" await 30 has_entry victim.test
	matches '... and check says so too' "$(ladder check victim.test)" 'level secure +\(policy: '
	settle "$name"
	send "$name" "second-$level@victim.test"
	settle "$name"
	is '... and nothing goes to the forger any more' "$(arrived "second-$level@victim.test")" waits
	"$sandbox" zone "$dir" mx victim.test mx.victim.test
	if [[ $level == verify ]]; then
		# Its record is gone, as an attacker on the path of DNS would have it; the policy is not.
		"$sandbox" zone "$dir" remove victim.test _mta-sts TXT '"v=STSv1;id=1"'
		kept=$(ladder check victim.test)
		matches 'check: a policy without its record is kept' "$kept" 'MTA-STS policy enforce, kept until 20.*: mx\.victim\.test'
		matches '... and decides' "$kept" 'level secure +\(policy: '
		has '... as JSON' "$(ladder check --json victim.test)" '"entry":"secure match=mx.victim.test servername=hostname"'
		"$sandbox" zone "$dir" add victim.test _mta-sts TXT '"v=STSv1;id=1"'
	fi
	stops
done

# The same under a policy that names its hosts by a wildcard alone: the forger's is known, and none.
policy victim.test 2 enforce '*.victim.test'
sender_at forged-wild may dnssec
"$sandbox" zone "$dir" mx victim.test mx.evil.test
send "$name" first-wild@victim.test
of_nobody() {
	grep -q '^victim.test[[:blank:]]secure match=no-mx-host-matches\.invalid ' "$map_file"
}
check 'a policy of wildcards has its entry, which allows nobody' await 30 of_nobody
settle "$name"
send "$name" second-wild@victim.test
settle "$name"
is '... and nothing goes to the forger any more' "$(arrived second-wild@victim.test)" waits
"$sandbox" zone "$dir" mx victim.test mx.victim.test
stops
policy victim.test 3 enforce mx.victim.test

for level in verify may; do
	sender_at "no-dane-$level" $level enabled
	send "$name" "dane-ca.test"
	check "at $level, without DANE in Postfix, a domain that has TLSA as well has its policy's entry" \
		await 30 has_entry dane-ca.test
	stops
done

# A signed zone whose MX record is forged, by a resolver that passes it on all the same: nobody is
# proven to be a server of it, and mail goes to nobody.
policy victim.test 4 enforce '*.victim.test'
sender_at forged-signed may dnssec
"$sandbox" zone "$dir" kind victim.test bogus-mx
"$sandbox" zone "$dir" mx victim.test mx.evil.test
"$sandbox" zone "$dir" kind victim.test bogus-mx
"$sandbox" resolver "$dir" permissive
send "$name" first-signed@victim.test
check 'a policy of wildcards has its entry, though DNS tells no server' await 30 of_nobody
settle "$name"
send "$name" second-signed@victim.test
settle "$name"
is '... and nothing goes to the forger any more' "$(arrived second-signed@victim.test)" waits
stops

policy_hosts_end
finish
