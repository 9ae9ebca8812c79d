#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Postfix gets other settings while the daemon runs: its log says that it reloaded, and what
# was decided under the old ones is decided again.
. "$(dirname -- "$0")/lib.sh"

gone() {
	[[ $(entry "$1") == - ]]
}

up strict
configure strict 'ladder: {may_after: {attempts: 1}}'
starts
send strict selfsigned.test
settle strict
is 'under verify: an entry of encrypt, and mail goes by it' \
	"$(entry selfsigned.test) $(arrived user@selfsigned.test | cut -d ' ' -f 1)" 'encrypt mx.selfsigned.test'

set_postfix strict smtp_tls_security_level=encrypt
awaits 'the log of Postfix says that it reloaded' 10 grep -q 'master.*: reload -- version' "$dir/strict/mail.log"
awaits 'an entry that equals the new default goes' 20 gone selfsigned.test
awaits 'from the map as well, which the next message meets' 10 eval '[[ -z $(in_map selfsigned.test) ]]'
matches 'the daemon says why' "$(cat "$dir/daemon.err")" 'Postfix has other settings: what was decided is judged again'

set_postfix strict smtp_tls_security_level=verify
send strict expired-cert.test selfsigned.test
settle strict
is 'under the next ones it decides by these' \
	"$(entry expired-cert.test) $(entry selfsigned.test)" 'encrypt encrypt'
stops
finish
