#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What make check asks of the machine's own postmap and postconf leaves no line in its mail
# log. They log by syslog(3): each test runs where /dev/log is another socket.
. "$(dirname -- "$0")/../tap.sh"

top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
builddir=$(cd -- "${builddir:-.}" && pwd)
[[ $EUID -eq 0 ]] || skip_all 'needs root'
[[ -x /usr/sbin/postmap ]] || skip_all 'Postfix is not installed'
[[ -x $builddir/tests/unit/test_textmap ]] || skip_all 'the unit tests are not built'
dir=$(mktemp -d "${TMPDIR:-/tmp}/ladder.XXXXXX")
listener=''
trap '[[ -z $listener ]] || kill "$listener"; rm -rf -- "$dir"' EXIT
chmod 755 "$dir" # tests run some of it as another user

: >"$dir/lines"
python3 - "$dir/socket" "$dir/lines" <<'END' &
import os, socket, sys
taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
taken.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
with open(sys.argv[2], "ab", buffering=0) as out:
    while True:
        out.write(taken.recv(65536).rstrip(b"\0\n") + b"\n")
END
listener=$!
check 'a socket takes what is logged' await 10 test -S "$dir/socket"

# logged COMMAND...: runs it where /dev is that of the machine with this socket as /dev/log
logged() {
	# shellcheck disable=SC2016
	unshare --mount --propagation private /bin/bash -ec '
		mkdir -p "$0/dev"
		mount -t tmpfs tmpfs "$0/dev"
		for entry in /dev/*; do
			here=$0/dev/${entry##*/}
			if [[ ${entry##*/} = log ]]; then
				continue
			elif [[ -L $entry ]]; then
				cp -a "$entry" "$here"
			elif [[ -d $entry ]]; then
				mkdir "$here"
				mount --rbind "$entry" "$here"
			else
				touch "$here"
				mount --bind "$entry" "$here"
			fi
		done
		ln -s "$0/socket" "$0/dev/log"
		mount --rbind "$0/dev" /dev
		exec "$@"' "$dir" "$@" </dev/null >"$dir/out" 2>"$dir/err"
}

mkdir "$dir/config" # without a main.cf
logged /usr/sbin/postmap -c "$dir/config" "hash:$dir/map"
check 'what postmap complains of is taken' await 10 grep -q 'fatal: .*main\.cf' "$dir/lines"

export srcdir=$top builddir
mapfile -t tests < <(cd "$top/tests/unit" && grep -lE 'real_postfix|mapkit_|fake_has_' test_*.c)
check 'there are tests of Postfix'"'"'s own commands' test ${#tests[@]} -ge 6
for test in "${tests[@]%.c}"; do
	: >"$dir/lines"
	logged "$builddir/tests/unit/$test"
	is "$test: it ends well" "$? $(grep '^not ok' "$dir/out")" '0 '
	logged /usr/bin/logger -t behind it # what was logged before has come then
	check "$test: what comes behind it is taken" await 10 grep -q 'behind: it' "$dir/lines"
	is "$test: nothing is in the mail log" "$(grep -v 'behind: it' "$dir/lines")" ''
done
echo "1..$number"
[[ $failed -eq 0 ]]
