#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The forecast of a switch from may to verify, held against the switch: a message to every
# destination of the sandbox at may, the forecast from that log, then the same sender at verify.
# Destination by destination what was forecast happens; and with the entries of the forecast every
# message goes that went at may, but for those that no entry helps.
. "$(dirname -- "$0")/lib.sh"

rows=$(rows_under verify)
mapfile -t domains < <(awk '{ print $1 }' <<<"$rows")

up
map_was=$map_file
# Where STARTTLS breaks in the handshake smtp(8) goes on in cleartext, once a message has that age.
sender mail smtp_tls_security_level=may smtp_tls_loglevel=1 smtp_tls_policy_maps= minimal_backoff_time=1s
configure mail

# to USER: a message to USER at each destination; every one is tried.
to() {
	send mail "${domains[@]/#/$1@}"
	await 100 idle mail >/dev/null
}

# sent USER: the domains at which mail to USER was taken.
sent() {
	sed -n "s/.*to=<$1@\\([^>]*\\)>.*status=sent.*/\\1/p" "$dir/mail/mail.log" | sort -u
}

# patient USER: what waits is tried again, until servers that greylist have taken their mail, and
# the one whose handshakes break; none needs more than that.
tried_again() {
	postfix_tool postqueue mail -f
	await 100 idle mail >/dev/null
	[[ $(sent "$1" | grep -cxE 'dane-greylist.test|greylist.test|starttls-broken.test') -eq 3 ]]
}
patient() {
	await 30 tried_again "$1" >/dev/null || true
}

# tls_fails USER: the domains at which mail to USER fails for TLS, by the rules.
tls_fails() {
	ladder match --json "$dir/mail/mail.log" | python3 -c '
import json, sys
print("\n".join(sorted({d["domain"] for d in map(json.loads, sys.stdin) if d["recipient"].startswith(sys.argv[1] + "@")})))' "$1"
}

# of FILE EXPRESSION: the destinations of a forecast for which that holds.
of() {
	python3 -c '
import json, sys
print("\n".join(sorted(d["destination"] for d in map(json.loads, open(sys.argv[1])) if eval(sys.argv[2]))))' "$dir/$1" "$2"
}

to first
patient first
ladder scan --as verify --json "$dir/mail/mail.log" >"$dir/sessions"
is 'the forecast ends well' $? 0
begun=$(now)
ladder scan --as verify --probe --json "$dir/mail/mail.log" >"$dir/probed"
is 'with the servers asked too' $? 0
comment "$(wc -l <"$dir/probed") destinations asked in $(bc <<<"$(now) - $begun") s"
ladder scan --as verify --probe "$dir/mail/mail.log" >"$dir/text"
comment "$(tail -n 3 "$dir/text")"
check 'nothing was changed' test ! -e "$dir/state/state.db" -a ! -e "$map_was"

# --- held against the switch

set_postfix mail smtp_tls_security_level=verify
to second
fails=$(tls_fails second)

# Whose DNS fails, or whose server tells nothing, cannot be told; nor, by sessions alone, whose
# certificate was good for a name that nobody compared. What is said then is a guess.
for forecast in sessions probed; do
	is "$forecast: whose mail waits was to wait, or could not be told" \
		"$(comm -23 <(echo "$fails") <(of $forecast 'd["waits"] or not d["told"]'))" ''
	is "$forecast: whose mail was to wait waits" \
		"$(comm -23 <(of $forecast 'd["waits"] and d["told"]') <(echo "$fails"))" ''
done
is 'probed: what could not be told was guessed well' \
	"$(comm -3 <(of probed 'd["waits"] and not d["told"]') <(comm -12 <(echo "$fails") <(of probed 'not d["told"]')))" ''
comment "of $(wc -l <<<"$fails") whose mail waits at verify," \
	"by sessions alone: $(of sessions 'd["waits"] and d["told"]' | wc -l) told, $(of sessions 'not d["told"]' | wc -l) untold" \
	"probed: $(of probed 'd["waits"] and d["told"]' | wc -l) told, $(of probed 'not d["told"]' | wc -l) untold"
comment "untold: $(of probed 'not d["told"]' | tr '\n' ' ')"
comment "guessed otherwise by sessions: $(comm -3 <(of sessions 'd["waits"] and not d["told"]') \
	<(comm -12 <(echo "$fails") <(of sessions 'not d["told"]')) | tr -s '\t\n' ' ')"

# --- with its entries before the switch

set_postfix mail smtp_tls_security_level=may
ladder scan --as verify --probe --apply --json "$dir/mail/mail.log" >"$dir/applied"
is 'with --apply it ends well' $? 0
is 'the entries are those that help' "$(entries | awk '{ print $1, $2 }' | sort)" \
	"$(python3 -c '
import json, sys
for d in map(json.loads, open(sys.argv[1])):
    if d["level"]:
        print(d["destination"], d["level"])' "$dir/applied" | sort)"
is 'each has a word of its own' "$(ladder list --json | python3 -c '
import json, sys
print(*sorted({json.loads(line)["why"] for line in sys.stdin}))')" forecast
is 'and is in the map' "$(in_map selfsigned.test) $(in_map plain.test) $(in_map dane-ok.test)" 'encrypt dane dane-only'

# Nothing takes them away while the level is not set yet. (Of mail that waits since the level
# was another for a moment the daemon may make more.)
before=$(entries | sort)
starts
ladder again --all >"$dir/again"
settle mail
is 'all of them stay though everything is decided anew' "$(comm -23 <(echo "$before") <(entries | sort))" ''
stops

set_postfix mail smtp_tls_security_level=verify "smtp_tls_policy_maps=hash:$map_file"
to third
fails=$(tls_fails third)
patient third
goes='d["level"] or not d["waits"]'
is 'no message waits that went at may, but for those that no entry helps' \
	"$(comm -23 <(sent first) <(sent third))" "$(comm -12 <(sent first) <(of probed "not ($goes)"))"
is 'and no other goes than was told' "$(comm -12 <(sent third) <(of probed "not ($goes)"))" ''
# There no handshake ends well, at may as at any level.
is 'nobody waits for TLS that an entry helps, or that was not to wait' \
	"$(comm -12 <(echo "$fails") <(of probed "$goes"))" starttls-broken.test
is 'mail that no entry helps waits as it was told' \
	"$(comm -3 <(echo "$fails") <(of probed "not ($goes)") | grep -vx starttls-broken.test)" ''
helped=$(comm -12 <(tls_fails second) <(of probed 'd["level"]'))
comment "$(comm -12 <(echo "$helped") <(sent third) | wc -l) of $(wc -l <<<"$helped") that waited are sent by their entries" \
	"$(sent first | wc -l) of ${#domains[@]} are sent at may, $(sent third | wc -l) at verify with the entries"

# --- an MTA-STS policy

if [[ -x $builddir/tlsladder-fetch ]]; then
	. "$here/policies.sh"
	policy_hosts victim.test
	policy victim.test 1 enforce mx.victim.test
	configure mail "$policy_settings" "state: $dir/state/none.db"
	ladder scan --as dane-only --probe --json "$dir/mail/mail.log" >"$dir/policy"
	is 'an enforced policy is what helps where DANE does not' "$(python3 -c '
import json, sys
for d in map(json.loads, open(sys.argv[1])):
    if d["destination"] == "victim.test" and d["told"]:
        print(d["waits"], d["level"], d["attributes"], d["why"])' "$dir/policy")" 'True secure match=mx.victim.test servername=hostname policy'
	policy_hosts_end
fi
finish
