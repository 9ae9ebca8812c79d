#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# undo of what the daemon decided: it stands while the daemon runs and mail is deferred.
. "$(dirname -- "$0")/lib.sh"

up strict
configure strict
starts
send strict selfsigned.test plain.test
settle strict
is 'the daemon decides' "$(entry selfsigned.test)" encrypt
is 'and its mail flows' "$(arrived user@selfsigned.test)" 'mx.selfsigned.test TLSv1.3'

is 'undo says what it did' "$(ladder undo selfsigned.test)" 'selfsigned.test: encrypt -> none for a day'
is 'the entry is gone' "$(entry selfsigned.test)" -
is 'from the map too' "$(in_map selfsigned.test)" ''
send strict again@selfsigned.test
awaits 'mail is deferred under the default level again' 20 \
	grep -q 'to=<again@selfsigned.test>.*status=deferred' "$dir/strict/mail.log"
settle strict
is 'the daemon leaves it so' "$(entry selfsigned.test)" -
matches 'and says why' "$(ladder explain selfsigned.test)" 'last decision +pin-not-met'

ladder undo selfsigned.test >/dev/null
settle strict
awaits 'undo of the undo: that mail flows' 20 grep -q 'again@selfsigned.test' "$dir/delivered.tsv"
is 'under the level of before' "$(in_map selfsigned.test)" encrypt

ladder unset selfsigned.test
send strict third@selfsigned.test
settle strict
is 'without a pin the ladder decides again' "$(entry selfsigned.test)" encrypt
stops
finish
