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
policies=$dir/state/policies
mkdir -p "$policies"
names=''
for domain in hosted.test victim.test two-mx.test "${hanging[@]}"; do
	names+=,DNS:mta-sts.$domain
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/state/key.pem" \
	-out "$dir/state/policy-ca.pem" -days 7 -subj /CN=policies -addext "subjectAltName=${names#,}" 2>/dev/null
cat "$dir/state/key.pem" "$dir/state/policy-ca.pem" >"$dir/state/policyhost.pem"
chmod 644 "$dir/state/policy-ca.pem"

# policy DOMAIN ID MODE MX: published, and announced by a TXT record with that id.
policy() {
	local before=${announced[$1]-}
	printf 'version: STSv1\nmode: %s\nmx: %s\nmax_age: 604800\n' "$3" "$4" >"$policies/$1"
	if [[ -z $before ]]; then
		"$sandbox" zone "$dir" add "$1" mta-sts A 127.0.0.9
	else
		"$sandbox" zone "$dir" remove "$1" _mta-sts TXT "\"v=STSv1;id=$before\""
	fi
	"$sandbox" zone "$dir" add "$1" _mta-sts TXT "\"v=STSv1;id=$2\""
	announced[$1]=$2
}
declare -A announced=()

coproc HOST { "$sandbox" exec "$dir" -- python3 "$here/../sandbox/lib/policyhost.py" 127.0.0.9 \
	"$dir/state/policyhost.pem" "$policies" 2>"$dir/policyhost.err"; }
read -r -t 20 ready <&"${HOST[0]}"
is 'the policy hosts listen' "${ready-}" ready

# --- hosted mail under secure (case 85)

policy hosted.test 1 enforce mx.valid-ca.test
configure secure "mta_sts: {ca_file: $dir/state/policy-ca.pem, networks: [127.0.0.0/8]}"
starts
send secure hosted.test
settle secure
arrives() {
	[[ $(arrived "user@$1") != waits ]]
}
await 30 arrives hosted.test >/dev/null
settle secure
is 'hosted mail flows by its policy at a default of secure' \
	"$(arrived user@hosted.test | cut -d ' ' -f 1)" mx.valid-ca.test
is 'its entry has the names of the policy' "$(entries)" \
	'hosted.test secure match=mx.valid-ca.test servername=hostname'
is 'the policy was fetched once' "$(grep -c '^hosted.test$' "$policies/asked")" 1
run_policy=$(ladder policy hosted.test)
matches 'policy shows it' "$run_policy" 'hosted.test +enforce until '
has 'check fetches it, and says what comes of it' "$(ladder check hosted.test)" \
	'entry secure match=mx.valid-ca.test servername=hostname'
has 'doctor says how policies are fetched' "$(ladder doctor)" 'policies are fetched by tlsladder-fetch, held by landlock seccomp'

# --- of two MX hosts the policy allows the second (case 61)

policy two-mx.test 1 enforce mx.valid-ca.test
send secure two-mx.test
settle secure
await 30 arrives two-mx.test >/dev/null
settle secure
is 'of two MX hosts the one that the policy allows gets the mail' \
	"$(arrived user@two-mx.test | cut -d ' ' -f 1)" mx.valid-ca.test

# --- a forged MX record (case 86)

policy victim.test 1 enforce mx.victim.test
send secure victim.test
settle secure
await 30 arrives victim.test >/dev/null
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

policy victim.test 2 enforce mx.valid-ca.test
began=$(now)
ladder policy --refresh victim.test >"$dir/refresh.out"
is 'a refresh is taken' $? 0
arrives_to() {
	[[ $(arrived "$1") != waits ]]
}
await 20 arrives_to forged@victim.test >/dev/null
is 'another policy brings the mail that waits' "$(arrived forged@victim.test | cut -d ' ' -f 1)" mx.valid-ca.test
comment "$(bc <<<"$(now) - $began") s after it was asked for"

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
	"$sandbox" zone "$dir" add "$domain" mta-sts A 127.0.0.9
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
policy_host=${HOST[1]}
exec {policy_host}>&-
finish
