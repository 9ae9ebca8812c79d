#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The daemon confined as examples/tlsladder.service confines it: an own user, its groups,
# no new privileges, nothing writable but its state, Postfix's maildrop and where metrics go, no
# memory that is writable and executable. It must still decide, export, retry and send mail.
. "$(dirname -- "$0")/lib.sh"

unit=$here/../../examples/tlsladder.service
setting() {
	sed -n "s/^$1=-\?//p" "$unit"
}

is 'the unit: no new privileges' "$(setting NoNewPrivileges)" yes
is 'the unit: what is written to' "$(setting ReadWritePaths)" $'/var/spool/postfix/maildrop\n/var/lib/prometheus/node-exporter'
is 'the unit: nothing else' "$(setting ProtectSystem)" strict
# The user's, where README makes it: the unit names none.
groups=$(grep -o -- '--groups [a-z,]*' "$here/../../README" | cut -d ' ' -f 2)
is 'README: the groups of the user' "$groups" adm,postdrop
is 'the unit adds none' "$(setting SupplementaryGroups)" ''

up strict
chmod "$(setting StateDirectoryMode)" "$dir/state"
configure strict 'ladder: {may_after: {attempts: 1}}' \
	'notify: {to: admin@valid-ca.test, from: tlsladder@sender.test}'

# The daemon's user sees the file system read only.
user=(unshare -m bash -c '
umask "$1"
mount --make-rprivate /
for path in "$2/state" "$2/strict/queue/maildrop"; do mount --bind "$path" "$path"; done
mount -o remount,bind,ro /
groups=$3
shift 3
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all \
	--reuid=nobody --regid=nogroup --groups="$groups" \
	/usr/bin/python3 -I -S -c "
import ctypes, os, sys
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) # PR_SET_MDWE; an old kernel does not know it
os.execv(sys.argv[1], sys.argv[1:])" "$@"
' bash "$(setting UMask)" "$dir" "$groups")

check 'so confined, it can write its state' ladder set pinned.test may
is 'nothing else is writable' \
	"$(inside "${user[@]}" /usr/bin/touch "$dir/elsewhere" 2>&1 | grep -o 'Read-only file system')" \
	'Read-only file system'
starts
send strict selfsigned.test plain.test dane-ok.test dane-bad.test
settle strict
is 'selfsigned.test: an entry' "$(entry selfsigned.test)" encrypt
is 'selfsigned.test: its mail was retried' "$(arrived user@selfsigned.test)" 'mx.selfsigned.test TLSv1.3'
is 'plain.test: an entry' "$(entry plain.test)" dane
is 'plain.test: its mail was retried' "$(arrived user@plain.test)" 'mx.plain.test clear'
is 'dane-ok.test: an entry' "$(entry dane-ok.test)" dane-only
is 'dane-ok.test: its mail was retried' "$(arrived user@dane-ok.test)" 'mx.dane-ok.test TLSv1.3'
is 'Postfix reads the map' "$(in_map plain.test)" dane
check 'the queue can be read' ladder queue
stops
awaits 'the mail to the administrator arrives' 20 grep -q 'admin@valid-ca.test' "$dir/delivered.tsv"
is 'no complaint of a command of Postfix' "$(grep -iE 'permission|read-only|denied|cannot' "$dir/daemon.err")" ''

# Without the group, postqueue is refused: that is why the user is in it.
matches 'postqueue needs the group postdrop' \
	"$(inside setpriv --no-new-privs --reuid=nobody --regid=nogroup --groups=adm \
		postqueue -c "$dir/strict/config" -f 2>&1)" 'Permission denied'
finish
