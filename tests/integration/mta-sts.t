#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# MTA-STS with a real Postfix and policy hosts over HTTPS: hosted mail flows by its policy, a
# forged MX record leads nowhere, another policy comes while mail waits, and policy hosts that
# hang delay nobody else.
. "$(dirname -- "$0")/lib.sh"
[[ -x $builddir/tlsladder-fetch ]] || skip_all 'tlsladder-fetch is not built'

hanging=(selfsigned.test wrongname-cert.test hostile-cn.test)
more_destinations=$dir.more
echo 'two-mx.test  unsigned  sent  not-dnssec  mx=mx.victim.test,mx.valid-ca.test' >"$more_destinations"
up secure smtp_tls_security_level=secure
rm -f "$more_destinations"
. "$here/policies.sh"
policy_hosts hosted.test victim.test two-mx.test "${hanging[@]}"

# --- hosted mail under secure (case 85)

policy hosted.test 1 enforce mx.valid-ca.test
configure secure "$policy_settings"
starts
send secure hosted.test
settle secure
await 30 arrives user@hosted.test >/dev/null
settle secure
is 'hosted mail flows by its policy at a default of secure' \
	"$(arrived user@hosted.test | cut -d ' ' -f 1)" mx.valid-ca.test
is 'its entry has the names of the policy' "$(entries)" \
	'hosted.test secure match=mx.valid-ca.test servername=hostname'
is 'the policy was fetched once' "$(fetches hosted.test)" 1
run_policy=$(ladder policy hosted.test)
matches 'policy shows it' "$run_policy" 'hosted.test +enforce until '
has 'check fetches it, and says what comes of it' "$(ladder check hosted.test)" \
	'entry secure match=mx.valid-ca.test servername=hostname'
has 'doctor says how policies are fetched' "$(ladder doctor)" 'policies are fetched by tlsladder-fetch, held by landlock seccomp'

# --- of two MX hosts the policy allows the second (case 61)

policy two-mx.test 1 enforce mx.valid-ca.test
send secure two-mx.test
settle secure
await 30 arrives user@two-mx.test >/dev/null
settle secure
is 'of two MX hosts the one that the policy allows gets the mail' \
	"$(arrived user@two-mx.test | cut -d ' ' -f 1)" mx.valid-ca.test

# --- a forged MX record (case 86)

policy victim.test 1 enforce mx.victim.test
send secure victim.test
settle secure
await 30 arrives user@victim.test >/dev/null
policy_applies() {
	[[ $(entry "$1") == secure ]]
}
await 30 policy_applies victim.test >/dev/null
settle secure
is 'who was sent mail is looked up in the background' "$(entries | grep ^victim)" \
	'victim.test secure match=mx.victim.test servername=hostname'
"$sandbox" zone "$dir" mx victim.test mx.valid-ca.test
send secure forged@victim.test
settle secure
is 'a forged MX record with a good certificate of another name gets nothing' "$(arrived forged@victim.test)" waits
is 'and the entry stays' "$(entries | grep ^victim)" 'victim.test secure match=mx.victim.test servername=hostname'
is 'why: the policy is not met' "$(sql "SELECT why FROM destination WHERE key = 'victim.test'")" policy-not-met

# --- another policy while mail waits (case 70)

# Nobody does anything: Postfix tries the mail again, as it does every five minutes, which is how
# often TXT is asked while mail fails.
inside sqlite3 "$dir/state/state.db" 'PRAGMA busy_timeout = 5000;
	UPDATE sts SET txt_ms = txt_ms - 360000, tried_ms = tried_ms - 360000, fetched_ms = fetched_ms - 360000' >/dev/null
policy victim.test 2 enforce mx.valid-ca.test
began=$(now)
postfix_tool postqueue secure -f
await 20 arrives forged@victim.test >/dev/null
is 'another policy brings the mail that waits' "$(arrived forged@victim.test | cut -d ' ' -f 1)" mx.valid-ca.test
comment "$(bc <<<"$(now) - $began") s after Postfix tried it"
policy victim.test 3 enforce mx.valid-ca.test
ladder policy --refresh victim.test >"$dir/refresh.out"
is 'a refresh is taken' $? 0
refreshed() {
	[[ $(sql "SELECT id FROM sts WHERE domain = 'victim.test'") == 3 ]]
}
awaits 'and asks at once, whatever was asked before' 20 refreshed

# --- a restart: everything is there, nothing is fetched again (case 77)

before=$(wc -l <"$policies/asked")
kill_daemon
starts
settle secure
is 'after kill -9 the policies are there' "$(ladder policy | grep -c 'enforce until')" 3
is 'and none was fetched again' "$(wc -l <"$policies/asked")" "$before"

# --- policy hosts that hang (case 88)

for domain in "${hanging[@]}"; do
	echo hang >"$policies/$domain"
	"$sandbox" zone "$dir" add "$domain" mta-sts A "$policy_address"
	"$sandbox" zone "$dir" add "$domain" _mta-sts TXT '"v=STSv1;id=1"'
done
began=$(now)
send secure "${hanging[@]}" expired-cert.test
entry_came() {
	[[ $(sql "SELECT entry FROM destination WHERE key = '$1'") == encrypt ]]
}
await 20 entry_came expired-cert.test >/dev/null
is 'nobody else waits for those whose policy host hangs' "$(entry expired-cert.test)" encrypt
comment "decided in $(bc <<<"$(now) - $began") s"
settle secure
is 'and these wait' \
	"$(sql "SELECT DISTINCT why FROM destination WHERE key IN ('${hanging[0]}', '${hanging[1]}', '${hanging[2]}')")" policy-asked
began=$(now)
reload
is 'a reload waits for no policy host' $? 0
comment "reloaded in $(bc <<<"$(now) - $began") s"
comment "resident: $(awk '/VmRSS/ { print $2, $3 }' "/proc/$(daemon_pid)/status")"
stops
policy_hosts_end
finish
