#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# ladder.may_after: cleartext takes several attempts over some time; the last one is
# tlsladder's own, as Postfix itself would try after minutes alone. Nothing flushes here.
. "$(dirname -- "$0")/lib.sh"

up strict
configure strict 'ladder: {may_after: {attempts: 2, time: 3s}}'
starts
send strict plain.test
awaits 'mail to a server without STARTTLS waits' 20 \
	grep -q 'to=<user@plain.test>.*status=deferred' "$dir/strict/mail.log"
awaits 'too early for cleartext, it is held' 20 \
	grep -q 'domain=plain.test action=hold .*why=may-after' "$dir/daemon.err"
is 'nothing weaker is in the map' "$(in_map plain.test)" ''
awaits 'the mail flows without anybody else' 60 grep -q 'user@plain.test' "$dir/delivered.tsv"
is 'in cleartext' "$(in_map plain.test) $(arrived user@plain.test)" 'dane mx.plain.test clear'
is 'after two attempts' \
	"$(grep -c 'to=<user@plain.test>.*status=deferred' "$dir/strict/mail.log")" 2
stops
finish
