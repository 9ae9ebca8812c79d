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
node node2 "$level" 'mail_version = 3.5.0' 'smtp_sasl_auth_enable = yes' 'smtp_tls_CAfile = /ca.pem'
ladder doctor --json
is 'what only one of them can do is told' "$(json '[(r["result"], r["text"]) for r in d if r["check"] == "nodes"]')" \
	"[('warning', 'node2 differs, it logs in elsewhere (smtp_sasl_password_maps), it has a CA (smtp_tls_CAfile, smtp_tls_CApath), its Postfix is 3.5.0 and not 3.7.11')]"
node node2 'smtp_tls_security_level = may' 'smtp_tls_policy_maps = hash:/a'
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
ladder metrics
matches 'metrics: whether each can be asked, and lines that are not followed' "$out" 'tlsladder_node_answers\{node="node1"\} 1
tlsladder_node_answers\{node="node2"\} 1(.|
)*tlsladder_not_followed_total 1'
ladder doctor --json
matches 'doctor names who may be missing' "$(json '[r["advice"] for r in d if r["check"] == "nodes"]')" \
	'# nodes: stranger: \{command'
ladder list --waiting
has 'what waits is listed by its destination' "$out" selfsigned.test

stop
is 'it ends well' "$status" 0

# --- report: of all of them, or of one

# sent NODE PROCESS DOMAIN [GRADE]: sent now, in a session of that grade
sent() {
	local head
	head="$(date +%Y-%m-%dT%H:%M:%S.%3N%:z) $1 postfix/smtp[$2]:"
	[[ -z ${4-} ]] || echo "$head $4 TLS connection established to mx.$3[192.0.2.1]:25: TLSv1.3 with cipher X (256/256 bits)"
	echo "$head 4BQ8t0$2: to=<u@$3>, relay=mx.$3[192.0.2.1]:25, delay=1, delays=0/0/0.5/0.5, dsn=2.0.0, status=sent (250 Ok)"
}
# figures [OPTION]...: of the month's mail
figures() {
	ladder report --json "$@"
	json '" ".join(["%s=%d" % (e["protection"], e["messages"]) for e in d if e["record"] == "protection" and e["messages"]]
		+ ["%s:%d" % (e["grade"], e["destinations"]) for e in d if e["record"] == "grade" and e["destinations"]])'
}
{
	# One process id is two processes.
	sent node1 91 a.test Verified
	sent node2 91 b.test
	sent node1 92 b.test Untrusted
	sent NODE2 93 b.test Verified
	sent stranger 94 c.test
} >"$dir/more.log"
ladder scan --apply "$dir/more.log"
has 'scan says what it left out' "$err" '1 lines were left out, as their hosts are none of `nodes:`: "stranger"'
is 'report: of all nodes' "$(figures)" 'verified=2 encrypted=1 cleartext=1 green:1 red:1'
is 'report: of one' "$(figures --node node1)" 'verified=1 encrypted=1 green:1 yellow:1'
is 'report: of the other, however it is written' "$(figures --node Node2)" 'verified=1 cleartext=1 red:1'
is 'report: each record says so' "$(json '{e["node"] for e in d}')" "{'node2'}"
ladder report --node node2
has 'report: so does the text' "$out" 'Mail sent by: node2; changes and exceptions are those of all nodes'
ladder report --node node2 --html - --lang de
has 'report: and the page' "$out" 'E-Mail versandt von: node2'
ladder report --node stranger
is 'report: one that is no node is an error' "$status" 64
has 'report: which is told' "$err" 'nodes: has no "stranger"'
ladder explain b.test
hasnt 'explain has what is of all' "$out" 'node:'

# --- the forecast

ladder scan --as encrypt --json "$dir/more.log"
is 'forecast: a session is of one node alone, and a stranger counts nothing' \
	"$(json 'sorted((x["destination"], x["messages"] / 30) for x in d)')" "[('a.test', 1.0), ('b.test', 3.0)]"

# --- commands ask all of them, as an entry is for all

node node2 "$level" 'mail_version = 3.3.0'
ladder set pin.test secure servername=mx.pin.test
is 'set: what one of them does not know is refused' "$status" 64
has 'set: and which one that is, is told' "$err" 'node2 differs from node1, its Postfix is 3.3.0 and not 3.7.11; an entry is for all of them'
has 'set: as is the attribute' "$err" '"servername=mx.pin.test" is not known to the installed Postfix'
printf 'pin.test secure servername=mx.pin.test\n' >"$dir/pins"
ladder set --from "$dir/pins"
is 'set: in a file as well' "$status" 65
node node1 "$level" 'mail_version = 3.10.0'
node node2 "$level" 'mail_version = 3.9.0'
ladder set pin.test secure servername=mx.pin.test
is 'set: 3.9 is the older one of 3.10' "$status" 0
has 'set: by its number' "$err" 'its Postfix is 3.9.0 and not 3.10.0'
ladder set pin.test secure
node node2 "$level" 'mail_version = 3.3.0'
ladder undo pin.test
is 'undo: what one of them does not know does not come back' "$status" 65
has 'undo: which is told' "$err" 'of the entry that pin.test had before "servername=mx.pin.test" is not known'
node node1 "$level"
node node2 "$level"
ladder undo pin.test
is 'undo: it does when all know it, and nothing is told of nodes that are alike' "$status:$err" 0:

node node2 "$level" 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/pw' 'default_transport = smtp:[relay.test]'
printf 'login.test\tu:p\n' >"$dir/node2/postmap.out"
ladder set login.test may
is 'set: it is done' "$status" 0
has 'set: a password of one of them is told, and whose it is' "$err" 'node2 logs in at login.test: the password goes at may'
has 'set: so is where mail goes another way' "$err" 'node2 differs from node1, mail goes elsewhere (transport_maps, relayhost), it logs in elsewhere'
node node2 "$level" 'smtp_tls_policy_maps = hash:/theirs'
printf 'login.test\tmay\n' >"$dir/node2/postmap.out"
ladder check --json login.test
has 'check: which one has other maps' "$err" 'node2 differs from node1, smtp_tls_policy_maps is "hash:/theirs"'
check 'check: and these are asked, of that node alone' grep -q '^postmap .*hash:/theirs' "$dir/node2/postmap.calls"
check 'check: the other one has none' test ! -e "$dir/node1/postmap.calls"
rm "$dir/node2/postmap.out"
node node2 "$level"

rm "$dir/node1/postconf.out"
echo 1 >"$dir/node1/postconf.status"
for command in 'set away.test encrypt' 'undo away.test' 'check a.test' "scan --as encrypt --json $dir/more.log"; do
	# shellcheck disable=SC2086
	ladder $command
	has "${command%% *}: one that does not answer is named" "$err" 'warning: node1 cannot be asked and is left out: postconf'
	hasnt "${command%% *}: and the others are asked" "$err" 'cannot ask Postfix'
	[[ $command == check* ]] || is "${command%% *}: it is no failure" "$status" 0
done
rm "$dir/node1/postconf.status"
node node1 "$level"
node node2 'smtp_tls_security_level = dane' 'smtp_host_lookup = native'
ladder scan --as dane-only --json "$dir/more.log"
has 'scan --as: which one has another level, and no DANE' "$err" 'node2 differs from node1, smtp_tls_security_level is dane and not verify'
finish
