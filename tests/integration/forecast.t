#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The forecast of a switch from may to verify, held against the switch: a message to every
# destination of the sandbox at may, the forecast from that log, then the same sender at verify.
# Destination by destination what was forecast happens; and with the entries of the forecast no
# message waits that one of them can help.
. "$(dirname -- "$0")/lib.sh"

rows=$(rows_under verify)
mapfile -t domains < <(awk '{ print $1 }' <<<"$rows")

up
map_was=$map_file
sender mail smtp_tls_security_level=may smtp_tls_loglevel=1 smtp_tls_policy_maps=
configure mail

# to USER: a message to USER at each destination; every one is tried.
to() {
	send mail "${domains[@]/#/$1@}"
	await 100 idle mail >/dev/null
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
# certificate was good for a name that nobody compared.
for forecast in sessions probed; do
	is "$forecast: whose mail waits was to wait, or could not be told" \
		"$(comm -23 <(echo "$fails") <(of $forecast 'd["waits"] is not False'))" ''
	is "$forecast: whose mail was to wait waits" \
		"$(comm -23 <(of $forecast 'd["waits"]') <(echo "$fails"))" ''
done
comment "of $(wc -l <<<"$fails") whose mail waits at verify," \
	"by sessions alone: $(of sessions 'd["waits"]' | wc -l) told, $(of sessions 'd["waits"] is None' | wc -l) untold" \
	"probed: $(of probed 'd["waits"]' | wc -l) told, $(of probed 'd["waits"] is None' | wc -l) untold"
comment "untold: $(of probed 'd["waits"] is None' | tr '\n' ' ')"
finish
