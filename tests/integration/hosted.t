#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The past belongs to the server: domains of one MX host, and both spellings of a domain
# beyond ASCII. One of them was verified; then the certificate goes bad. All are held.
. "$(dirname -- "$0")/lib.sh"

# One of each server is known, the others are new.
known=(hosted.test d1.many-selfsigned.test xn--bcher-kva.test)
new=(valid-ca.test d2.many-selfsigned.test d3.many-selfsigned.test d4.many-selfsigned.test bücher.test)

up strict smtputf8_enable=yes
configure strict
for host in mx.selfsigned.test mx.xn--bcher-kva.test; do
	"$sandbox" cert "$dir" "$host" good
done
starts
send strict "${known[@]}"
settle strict
is 'the known ones were verified' \
	"$(sql "SELECT count(*) FROM destination WHERE seen_verify_ms > 0")" ${#known[@]}
is 'and so were their servers' "$(sql 'SELECT name, port FROM host WHERE verify_ms > 0 ORDER BY name' | tr '\n' ' ')" \
	'mx.selfsigned.test|25 mx.valid-ca.test|25 mx.xn--bcher-kva.test|25 '

# One of somebody else goes on: else it would be our own fault, a freeze.
send strict victim.test
settle strict
for host in mx.selfsigned.test mx.xn--bcher-kva.test mx.valid-ca.test; do
	"$sandbox" cert "$dir" "$host" selfsigned
done
send strict "${known[@]}" "${new[@]}"
settle strict
for domain in "${known[@]}" "${new[@]}"; do
	is "$domain is held" "$(sql "SELECT why, hold_level FROM destination WHERE key = '$domain'")" 'hold|encrypt'
done
is 'there is no entry' "$(entries)" ''

# A server that nobody knows is what it is.
send strict expired-cert.test
settle strict
is 'a new server of nobody else has its entry' "$(entries)" 'expired-cert.test encrypt'

# What is known of servers outlives the daemon.
stops
starts
send strict d5.many-selfsigned.test
settle strict
is 'after a restart the next name is held, too' \
	"$(sql "SELECT why FROM destination WHERE key = 'd5.many-selfsigned.test'")" hold
stops
finish
