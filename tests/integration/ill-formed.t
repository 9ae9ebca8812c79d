#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A server whose reply is no UTF-8, which Postfix takes for it: `postqueue -j` prints the bytes,
# and the mail of others is decided all the same.
. "$(dirname -- "$0")/lib.sh"

up strict
configure strict 'ladder: {may_after: {attempts: 1}}'
starts

# is_listed: the queue shows the reply as it was said.
is_listed() {
	inside postqueue -c "$dir/strict/config" -j | LC_ALL=C grep -q $'caf\xed\xa0\x80 later'
}

has_entry() {
	[[ $(entry selfsigned.test) == encrypt ]]
}

"$sandbox" behave "$dir" mx.valid-ca.test say-ill-formed
send strict valid-ca.test
awaits 'the queue shows bytes that are no UTF-8' 20 is_listed
send strict selfsigned.test
awaits "selfsigned.test gets its entry" 30 has_entry
hasnt 'queue reads all of it' "$(ladder queue 2>&1)" 'cannot read'
hasnt 'nothing is refused' "$(<"$dir/daemon.err")" 'cannot be read'
stops

finish
