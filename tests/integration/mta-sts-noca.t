#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A Postfix as it comes from its source: level may, and no CA at all. Mail to domains with an
# enforced MTA-STS policy flows, and goes on to; that none is enforced is told once.
. "$(dirname -- "$0")/lib.sh"
[[ -x $builddir/tlsladder-fetch ]] || skip_all 'tlsladder-fetch is not built'

up may smtp_tls_security_level=may smtp_tls_CAfile= smtp_tls_CApath= tls_append_default_CA=yes
. "$here/policies.sh"
policy_hosts victim.test valid-ca.test
policy victim.test 1 enforce mx.victim.test
policy valid-ca.test 1 enforce mx.valid-ca.test
configure may "$policy_settings" "notify: {command: [sh, -c, 'f=\$(mktemp $dir/state/mail.XXXXXX); cat >\$f']}"
starts

send may first@victim.test first@valid-ca.test
counts() {
	[[ $(sql "SELECT count(*) FROM $1") == "$2" ]]
}
awaits 'both policies are there' 60 counts "sts WHERE applied = 'enforce'" 2
settle may
is 'neither has an entry' "$(entries)" ''
send may second@victim.test second@valid-ca.test
awaits 'mail goes on to flow' 20 arrives second@victim.test
awaits '... to both' 20 arrives second@valid-ca.test
mails() {
	[[ $(grep -l smtp_tls_CAfile "$dir"/state/mail.* 2>/dev/null | wc -l) == "$1" ]]
}
awaits 'that is told' 40 mails 1
ladder doctor >"$dir/out" 2>&1
matches 'doctor tells it as well' "$(<"$dir/out")" 'mta-sts +Postfix verifies no certificate'

postconf -c "$dir/may/config" -e "smtp_tls_CAfile = $dir/ca.pem"
inside kill -HUP "$(tr -d ' ' <"$dir/may/queue/pid/master.pid")"
awaits 'with a CA file both are enforced' 90 counts "destination WHERE entry = 'secure'" 2
settle may
send may third@victim.test
awaits 'and met' 30 arrives third@victim.test
check 'that was told once' mails 1
policy_hosts_end
finish
