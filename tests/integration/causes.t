#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A rule for one cause of a reason: what expired waits for its owner, everything else does not.
. "$(dirname -- "$0")/lib.sh"

up strict
mkdir "$dir/rules"
cp "$srcdir/rules/postfix.yaml" "$dir/rules/"
cat >"$dir/rules/mine.yaml" <<'END'
rules:
  - name: expired-waits
    reason: '^Server certificate not (?:verified|trusted)$'
    cause: expired
    fallback: wait
    hint: its owner has only to renew it
    examples: ['Server certificate not verified']
    counterexamples: ['Server certificate was not verified']
END
chmod -R a+rX "$dir/rules"
configure strict "rules: [$dir/rules/mine.yaml, $dir/rules/postfix.yaml]"
starts
send strict expired-cert.test selfsigned.test wrongname-cert.test
settle strict
awaits 'another cause has its entry' 30 eval '[[ $(entry selfsigned.test) == encrypt && $(entry wrongname-cert.test) == encrypt ]]'
awaits 'and its mail' 30 eval '[[ $(arrived user@selfsigned.test) != waits && $(arrived user@wrongname-cert.test) != waits ]]'
explained() {
	ladder explain expired-cert.test
}
awaits 'what expired waits by the rule' 30 eval '[[ $(explained) == *rule-waits* ]]'
retry_all strict
settle strict
is 'and goes on to' "$(entry expired-cert.test) $(arrived user@expired-cert.test)" '- waits'
matches 'until when it was good is said' "$(explained)" \
	'mx\.expired-cert\.test expired at .*: its certificate has expired; it was good until 20[0-9-]+'
has 'with the hint of the rule' "$(grep alert: "$dir/daemon.err" | grep expired-cert.test)" 'its owner has only to renew it'
matches 'and in the alert' "$(grep alert: "$dir/daemon.err" | grep expired-cert.test)" \
	'cause: expired at mx\.expired-cert\.test, its certificate was good until 20'
stops
finish
