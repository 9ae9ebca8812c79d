#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Ways of mail that lead past the recipient's MX hosts, and a map that is asked by proxymap:
# lists of relays, a port by name, a fallback relay on another port of the same host, and a retry that waits
# until the new map is in force.
. "$(dirname -- "$0")/lib.sh"

arrived_at() {
	grep -q "$1	$2" "$dir/delivered.tsv"
}

# At an entry that there was no other way to.
took_mail() {
	[[ $(entry "$2") != - ]] && grep -q "relay=mx.down.test\[.*\]:119, .*status=sent" "$dir/$1/mail.log"
}

up
inside smtp-sink -c -u nobody 10.53.1.50:587 10 >/dev/null 2>&1 &

# Each sender has a state of its own.
begin() {
	rm -rf "$dir/state"
	mkdir "$dir/state"
	chown nobody:nogroup "$dir/state"
	sender "$@"
}

begin list 'relayhost=[mx.down.test]:25, [mx.selfsigned.test]:2525'
configure list
starts
send list user@plain.test
awaits 'a list as relayhost: mail arrives' 60 arrived_at user@plain.test mx.selfsigned.test
is 'its element is the key of the entry' "$(entries)" '[mx.selfsigned.test]:2525 encrypt'
stops

begin first 'relayhost=[mx.selfsigned.test]:2525, [mx.down.test]:25'
configure first
starts
send first user@first.test
awaits 'the first of a list fails: mail arrives there' 60 arrived_at user@first.test mx.selfsigned.test
is 'it is a key as well' "$(entries)" '[mx.selfsigned.test]:2525 encrypt'
stops

inside smtp-sink -c -u nobody 10.53.1.50:119 10 >/dev/null 2>&1 &
begin named 'relayhost=[mx.down.test]:nntp'
configure named 'ladder: {may_after: {attempts: 1, time: 0s}}'
starts
send named user@plain.test
awaits 'a port by its name in services(5): mail flows there' 60 took_mail named '[mx.down.test]:nntp'
stops

begin fallback 'smtp_fallback_relay=[mx.down.test]:587'
configure fallback 'ladder: {may_after: {attempts: 1, time: 0s}}'
starts
send fallback user@down.test
settle fallback
is 'a fallback relay on another port of the same host: no entry' "$(entries)" ''
has 'since it is none of its servers' "$(ladder list --waiting down.test)" elsewhere
has 'which is told, with its port' "$(cat "$dir/daemon.err")" 'not-offered at mx.down.test:587'
stops

# Either type is read by proxymap(8) for as long as its process lives.
for type in hash lmdb; do
	if ! inside postconf -m | grep -qx "$type"; then
		comment "this Postfix has no $type"
		continue
	fi
	begin "$type" smtp_tls_security_level=secure "smtp_tls_policy_maps=proxy:$type:$map_file"
	configure "$type" "map: {file: $map_file, type: $type}"
	starts
	send "$type" "$type@hosted.test"
	awaits "a map of $type behind proxymap: mail arrives" 90 arrived_at "$type@hosted.test" mx.valid-ca.test
	is 'and the entry is one rung below, not two' "$(entries)" 'hosted.test verify'
	stops
done

# proxymap(8) serves Postfix alone: the daemon, which is not root, opens the map itself.
cat >"$dir/routes" <<'END'
routed.test smtp:[mx.selfsigned.test]:2525
listed.test smtp:[mx.down.test]:25, [mx.selfsigned.test]:2525
END
chmod 755 "$dir"
begin transport "transport_maps=proxy:hash:$dir/routes" "proxy_read_maps=proxy:hash:$dir/routes"
inside postmap -c "$dir/transport/config" "hash:$dir/routes"
chmod 644 "$dir/routes" "$dir/routes.db"
configure transport
starts
send transport user@selfsigned.test
awaits 'transport_maps behind proxymap: mail arrives' 60 arrived_at user@selfsigned.test mx.selfsigned.test
is 'and the entry is that of any other' "$(entries)" 'selfsigned.test encrypt'
send transport user@listed.test
awaits 'a list in transport_maps: mail arrives' 60 arrived_at user@listed.test mx.selfsigned.test
is 'and its element is a key' "$(entries)" '[mx.selfsigned.test]:2525 encrypt
selfsigned.test encrypt'
stops
finish
