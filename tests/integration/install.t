#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The README's "Set up", done: its commands as they stand there, in a sandbox whose /usr and
# /var/lib are copies on write. systemd is not there; what the unit says is done by hand.
. "$(dirname -- "$0")/lib.sh"

top=$(cd -- "$here/../.." && pwd)
readme=$top/README

# The indented commands of one step, continuation lines joined.
step() {
	awk -v step="$1" '/^Set up/ { inside = 1 } /^How it is made/ { inside = 0 }
		inside && /^[0-9]\. / { at = $1 + 0 }
		inside && at == step && /^       / { sub(/^ */, ""); print }' "$readme"
}

# follow STEP: its commands succeed, one assertion each.
follow() {
	local line output
	while IFS= read -r line; do
		if output=$(inside bash -c "cd '$dir/source' && MAKEFLAGS='-s -j$(nproc)' $line" 2>&1 </dev/null); then
			ok "step $1: $line"
		else
			not_ok "step $1: $line" "$output"
			finish
		fi
	done < <(step "$1" | grep -v '^systemctl')
}

"$sandbox" up "$dir" owner=$$ || { not_ok 'the sandbox comes up'; finish; }
inside bash -ec '
mkdir /run/overlay
mount -t tmpfs overlay /run/overlay
for path in usr var/lib; do
	mkdir -p "/run/overlay/$path/upper" "/run/overlay/$path/work"
	mount -t overlay overlay -o \
		"lowerdir=/$path,upperdir=/run/overlay/$path/upper,workdir=/run/overlay/$path/work" "/$path"
done' 2>/dev/null || skip_all 'needs overlay file systems'
check 'a copy of the tree' "$top/tests/copy" "$dir/source"
"$sandbox" sender "$dir" strict default=yes || { not_ok 'a sender starts'; finish; }
chgrp adm "$dir/strict/mail.log"
chmod 640 "$dir/strict/mail.log"

is 'six steps' "$(awk '/^Set up/ { i = 1 } /^How it/ { i = 0 } i && /^[0-9]\. / { n++ } END { print n }' "$readme")" 6
follow 1
check 'the program is there' inside tlsladder --version
check 'its rules are there' inside tlsladder -c /etc/tlsladder/tlsladder.yaml rules
check 'its manual is there' inside test -e /usr/share/man/man8/tlsladder.8
inside sed -i "s,/var/log/mail.log,$dir/strict/mail.log," /etc/tlsladder/tlsladder.yaml
follow 2
is 'the user has the groups of the unit' "$(inside id -nG tlsladder)" "tlsladder $(
	sed -n 's/^SupplementaryGroups=//p' "$top/examples/tlsladder.service")"
is 'step 3 is the resolver alone' "$(step 3)" 'apt-get install unbound'
is 'step 4 needs no command' "$(step 4)" ''
follow 5

# systemctl enable --now tlsladder
unit=/etc/systemd/system/tlsladder.service
check 'the unit is in place' inside test -e $unit
command=$(inside sed -n 's/^ExecStart=//p' $unit)
inside install -d -o tlsladder -g tlsladder -m 750 /var/lib/tlsladder
read -ra words <<<"$command"
"$sandbox" exec "$dir" -- setpriv --no-new-privs --reuid=tlsladder --regid=tlsladder \
	--init-groups "${words[@]}" </dev/null >"$dir/daemon.out" 2>"$dir/daemon.err" &
daemon=$!
awaits 'the daemon makes the first map' 10 inside test -e /var/lib/tlsladder/tls_policy.db

# Step 6
# Postfix warns of parameters that stand twice; those of the sandbox go.
inside sed -i '/^smtp_tls_\|^smtp_dns_/d' /etc/postfix/main.cf
grep -v '^#' "$top/examples/main.cf.example" | sed "s,/etc/ssl/certs/ca-certificates.crt,$dir/ca.pem," |
	inside bash -c 'cat >>/etc/postfix/main.cf && touch -d "1 minute ago" /etc/postfix/main.cf'
follow 6

send strict selfsigned.test dane-ok.test valid-ca.test
for domain in selfsigned.test dane-ok.test valid-ca.test; do
	awaits "$domain: its mail arrives" 20 grep -q "user@$domain	" "$dir/delivered.tsv"
done
is 'tlsladder list: the entries' "$(inside tlsladder list | awk 'NR > 1 { print $1, $2 }')" \
	'dane-ok.test dane-only
selfsigned.test encrypt'
matches 'tlsladder explain: the story' "$(inside tlsladder explain selfsigned.test)" 'not-authentic'
stops
finish
