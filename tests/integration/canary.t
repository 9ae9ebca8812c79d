#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Whose fault is it? On a machine with little mail the CA file is exchanged: whatever the
# hold, nothing is weakened. One server of many names goes bad: that freezes nobody.
. "$(dirname -- "$0")/lib.sh"

four=(valid-ca.test victim.test signed-no-tlsa-ca.test d1.many-selfsigned.test)

up strict
configure strict 'ladder: {hold: {encrypt: 4s}}' 'probe: {canaries: [mx.victim.test]}' \
	'notify: {to: admin@hosted.test}'
"$sandbox" cert "$dir" mx.selfsigned.test good
# Alerts go to a domain with a pin: what they are about must not stop them.
ladder set hosted.test may >/dev/null
mailed() {
	[[ $(grep -c '	admin@hosted.test	' "$dir/delivered.tsv") -gt $1 ]]
}
starts
send strict "${four[@]}"
settle strict

proven() {
	[[ $(sql 'SELECT count(*) FROM host WHERE proven_ms > 0') -ge 2 ]]
}
awaits 'servers that verified are proven to' 30 proven
is 'one of them is that of the configuration' \
	"$(sql "SELECT proven_ms > 0 FROM host WHERE name = 'mx.victim.test'")" 1

# --- one server, many names

names=()
for ((i = 1; i <= 21; i++)); do
	names+=("n$i.many-selfsigned.test")
done
send strict "${names[@]}"
settle strict
"$sandbox" cert "$dir" mx.selfsigned.test selfsigned
send strict "${names[@]}" expired-cert.test
settle strict
is 'many names of one bad server: no freeze' "$(grep -c 'alert: freeze' "$dir/daemon.err")" 0
is 'another destination is decided' "$(entry expired-cert.test)" encrypt
decided() {
	[[ $(sql "SELECT count(*) FROM destination WHERE key LIKE 'n%.many-selfsigned.test' AND entry = 'encrypt'") == 21 ]]
}
awaits 'and so are they, after their hold' 120 decided
settle strict
is 'all that time there was no freeze' "$(grep -c 'alert: freeze' "$dir/daemon.err")" 0

# --- our own CA file

before=$(entries)
mails=$(grep -c '	admin@hosted.test	' "$dir/delivered.tsv")
cp "$dir/ca.pem" "$dir/ca.good"
cp "$dir/world/certs/mx.plain.test.issuer" "$dir/ca.pem"
inside kill -HUP "$(tr -d ' ' <"$dir/strict/queue/pid/master.pid")"
send strict wrongname-cert.test
settle strict
awaits 'another CA file: the first failure freezes' 30 grep -q 'alert: freeze: .*CA file' "$dir/daemon.err"
awaits 'and the alert arrives, by its pin' 90 mailed "$mails"
send strict "${four[@]}" hostile-cn.test
settle strict

# Past each hold: a try begun after it.
held() {
	[[ $(sql "SELECT count(*) FROM destination WHERE hold_encrypt_ms <> 0 AND hold_encrypt_ms + 4000 > $(date +%s)000") == 0 ]]
}
awaits 'the holds are over' 30 held
retry_all strict
settle strict
is 'another CA file: after the hold no entry is new' "$(entries)" "$before"
is 'who is new is frozen' "$(sql "SELECT why FROM destination WHERE key = 'hostile-cn.test'")" freeze
stops
finish
