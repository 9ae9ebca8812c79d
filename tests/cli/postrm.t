#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the package leaves when it is purged: the map while a Postfix reads it, however it names
# it, and nothing else; and that it ends well whatever is gone already.
. "$(dirname -- "$0")/lib.sh"
command -v postconf >/dev/null || skip_all 'needs postconf'

state=$dir/lib/tlsladder
# The script for directories of the test; nobody is taken out of the machine's users.
sed -e "s|^state=.*|state=$state|; s|/etc/postfix|$dir/postfix|g; s|root:root|$(id -u):$(id -g)|" \
	-e 's|getent passwd tlsladder|false|' "$srcdir/examples/debian/tlsladder.postrm" >"$dir/postrm"

# purges SENTENCE LEFT FILE...: of these in its directory, LEFT stay. main.cf and master.cf are
# those of the test.
purges() {
	local sentence=$1 left=$2
	shift 2
	rm -rf "${state:?}"
	mkdir -p "$state/within"
	(cd "$state" && touch state.db state.db-wal within/other "$@")
	run sh "$dir/postrm" purge
	is "$sentence: exit status, complaints" "$status$err" 0
	is "$sentence: what is left" "$(cd "$state" 2>/dev/null && echo *)" "$left"
}
config() {
	mkdir -p "$dir/postfix"
	printf '%s\n' "$1" >"$dir/postfix/main.cf"
	printf '%s\n' "${2:-}" >"$dir/postfix/master.cf"
}

config 'relayhost ='
purges 'no Postfix reads it' '' tls_policy tls_policy.db
check '... nor is the directory' test ! -e "$state"
config "smtp_tls_policy_maps = hash:$state/tls_policy"
purges 'main.cf names it' 'tls_policy tls_policy.db' tls_policy tls_policy.db tls_policy.old
has '... what is left is told' "$out" "rm -r $state"
config "smtp_tls_policy_maps = hash:/etc/other, lmdb:$state/policy"
purges 'a map of another name' 'policy policy.lmdb' policy policy.lmdb tls_policy
config "ladder = $state
smtp_tls_policy_maps = hash:\$ladder/tls_policy"
purges 'by a variable' 'tls_policy tls_policy.db' tls_policy tls_policy.db
config 'relayhost =' "relay unix - - y - - smtp
  -o smtp_tls_policy_maps=hash:$state/tls_policy"
purges 'in master.cf alone' 'tls_policy tls_policy.db' tls_policy tls_policy.db
config "lmtp_tls_policy_maps = hash:$state/tls_policy"
purges 'for lmtp(8)' 'tls_policy tls_policy.db' tls_policy tls_policy.db
config "# smtp_tls_policy_maps = hash:$state/tls_policy"
purges 'in a comment' '' tls_policy tls_policy.db

config "smtp_tls_policy_maps = hash:$state/tls_policy"
purges 'the map is gone already' '*'
rm -rf "${state:?}"
run sh "$dir/postrm" purge
is 'its directory is gone already: exit status, complaints' "$status$err" 0
finish
