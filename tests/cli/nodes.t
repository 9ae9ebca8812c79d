#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# nodes: several Postfix servers that scripts play, behind one log.
. "$(dirname -- "$0")/lib.sh"
needs_python

# node NAME [LINE]...: it has these settings behind those that every test has.
node() {
	mkdir -p "$dir/$1"
	printf '%s\n' 'mail_version = 3.7.11' 'default_database_type = hash' 'smtp_tls_loglevel = 1' \
		"${@:2}" >"$dir/$1/postconf.out"
}
nodes() {
	local name
	printf 'nodes:\n'
	for name; do echo "  $name: {command: [$builddir/tests/fake/tool, $dir/$name]}"; done
}
level='smtp_tls_security_level = verify'
# line NODE ID DOMAIN: deferred now, and in its queue
line() {
	printf '{"queue_name":"deferred","queue_id":"%s","arrival_time":%d,"recipients":[{"address":"u@%s","delay_reason":"Server certificate not verified"}]}\n' \
		"$2" "$(date +%s)" "$3" >>"$dir/$1/postqueue.out"
	printf '%s %s postfix/smtp[77]: %s: to=<u@%s>, relay=mx.%s[192.0.2.1]:25, delay=9, delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (Server certificate not verified)\n' \
		"$(date +%Y-%m-%dT%H:%M:%S.%3N%:z)" "$1" "$2" "$3" "$3" >>"$dir/mail.log"
}

: >"$dir/mail.log"
node node1 "$level"
node node2 "$level"
configure "log: {file: $dir/mail.log, learn: 0}" 'probe: {servers: no}' 'postfix: {command: [/bin/false]}' \
	"$(nodes node1 node2)"

# --- doctor compares them

ladder doctor --json
is 'nodes that are alike' "$(json '[r["text"] for r in d if r["check"] == "nodes"]')" \
	"['2 answer, with the same level, maps and settings of DANE']"
node node2 'smtp_tls_security_level = may' 'smtp_tls_policy_maps = hash:/a'
ladder doctor --json
is 'one that differs is a fault' "$(json '[(r["result"], r["text"]) for r in d if r["check"] == "nodes"]')" \
	"[('fault', 'node2 differs, smtp_tls_security_level is may and not verify, smtp_tls_policy_maps is \"hash:/a\" and not \"\"')]"
rm "$dir/node1/postconf.out"
echo 1 >"$dir/node1/postconf.status"
ladder doctor --json
matches 'so is one that cannot be asked' "$(json '[(r["result"], r["text"]) for r in d if r["check"] == "nodes"]')" \
	"'fault', 'node1 cannot be asked: postconf"
is 'and the other one tells what Postfix is' "$(json '[r["text"] for r in d if r["check"] == "postfix"]')" \
	"['version 3.7.11']"
rm "$dir/node1/postconf.status"
node node1 "$level"
node node2 "$level"

# --- the daemon

# retried NODE: what it was told to retry
retried() {
	sed -n 's/^postqueue \[-i\] \[\(.*\)\]$/\1/p' "$dir/$1/postqueue.calls" 2>/dev/null | grep -v '^0*$' | sort -u | tr '\n' ' '
}
was_retried() {
	[[ -n $(retried "$1") ]]
}
start
await 20 said 'follows'
line node2 4BQ8t0abc selfsigned.test
line stranger 4BQ8t0abc plain.test 2>/dev/null
waits() {
	ladder list --waiting --count
	[[ $out == 1* ]]
}
check 'its mail waits' await 20 waits
ladder set selfsigned.test encrypt
check 'for a change it is retried' await 20 was_retried node2
is 'on the node that has it' "$(retried node2)" '4BQ8t0abc '
is 'and on no other' "$(retried node1)" ''
ladder status
matches 'status shows the nodes' "$out" 'nodes +node1: verify
 +node2: verify
'
matches 'and lines that are not followed' "$out" 'not followed +1 line of hosts that are no node'
ladder status --json
is 'in JSON as well' "$(json '(d[0]["nodes"], d[0]["not_followed"])')" \
	"([{'host': 'node1', 'default_level': 'verify', 'answers': True}, {'host': 'node2', 'default_level': 'verify', 'answers': True}], 1)"
ladder doctor --json
matches 'doctor names who may be missing' "$(json '[r["advice"] for r in d if r["check"] == "nodes"]')" \
	'# nodes: stranger: \{command'
ladder list --waiting
has 'what waits is listed by its destination' "$out" selfsigned.test

stop
is 'it ends well' "$status" 0
finish
