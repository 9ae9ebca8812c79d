#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A resolver that hangs: nothing weaker is decided while it does, and everything follows
# by itself when it answers again, in real time.
. "$(dirname -- "$0")/lib.sh"

up strict
configure strict "log: {file: $dir/strict/mail.log, from: start}" 'ladder: {may_after: {attempts: 1}}' \
	'dns: {timeout: 300ms, tries: 2}'
domains=(selfsigned.test dane-ok.test plain.test dane-ta.test)

# Each has a line in the log before anybody asks; Postfix needs the same resolver.
deferred() {
	local domain
	for domain in "${domains[@]}"; do
		grep -q "to=<user@$domain>.*status=deferred" "$dir/strict/mail.log" || return
	done
}
start
stop
send strict "${domains[@]}"
await 15 deferred >/dev/null
"$sandbox" resolver "$dir" freeze

begun=$(now)
starts
unsure() {
	[[ $(sql "SELECT count(*) FROM destination WHERE why = 'dns-unsure' AND pending = 0") == "${#domains[@]}" ]]
}
awaits 'all of them were asked about, and DNS could not tell' 20 unsure
comment "that took $(bc <<<"$(now) - $begun") s from the start"
is 'nothing was decided' "$(entries)$(grep -v '^#' "$dir/state/tls_policy")" ''
for domain in "${domains[@]}"; do
	is "$domain: it will be asked again within half a minute" \
		"$(sql "SELECT look_ms BETWEEN 1 AND $(($(date +%s) * 1000 + 31000)) FROM destination WHERE key = '$domain'")" 1
done

"$sandbox" resolver "$dir" start
over=$(now)
for domain in "${domains[@]}"; do
	awaits "$domain: it answers again, and the mail is delivered" 45 \
		grep -q "user@$domain	" "$dir/delivered.tsv"
done
comment "all mail delivered $(bc <<<"$(now) - $over") s after the resolver was back"
settle strict
is 'with the right entries' "$(entries)" "dane-ok.test dane-only
dane-ta.test dane-only
plain.test dane
selfsigned.test encrypt"
stops
finish
