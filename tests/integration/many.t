#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A message with very many recipients: the lines of one attempt are written for seconds,
# some of them when the entry that they led to is long in force.

. "$(dirname -- "$0")/lib.sh"

recipients=1500

# Of how many was it accepted?
delivered() {
	grep -c 'selfsigned\.test' "$dir/delivered.tsv"
}

all_are_delivered() {
	[[ $(delivered) -ge $recipients ]]
}

up strict
configure strict 'ladder: {may_after: {attempts: 2, time: 3s}}'
starts
to=()
for ((i = 0; i < recipients; i++)); do
	to+=("u$i@selfsigned.test")
done
inside sendmail -C "$dir/strict/config" -i -f s@sender.test -- "${to[@]}" <<<'Subject: many'
await 90 all_are_delivered
is 'a message reaches all of its many recipients' "$(delivered)" $recipients
is 'the entry is written' "$(entries)" 'selfsigned.test encrypt'
is 'and no line of the attempt before it says that it has no effect' \
	"$(sql "SELECT count(*) FROM decision WHERE why = 'no-effect'")" 0
is 'nor is that alerted' "$(grep -c 'alert: .*no-effect' "$dir/daemon.err")" 0
stops
finish
