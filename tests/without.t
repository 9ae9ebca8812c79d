#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make check on a machine whose Postfix has no lmdb (postfix-lmdb is a package of its own): what
# needs the type is left out and says why, the rest passes.
. "$(dirname -- "$0")/cli/lib.sh"

[[ -x $builddir/tests/unit/test_textmap ]] || skip_all 'the unit tests are not built'
[[ -x /usr/sbin/postmap ]] || skip_all 'Postfix is not installed'
cd "$dir" || exit 1

# As Postfix itself says it.
cat >lacks <<'END'
#!/bin/sh
case "$*" in
*lmdb:*)
	echo "${1##*/}: fatal: unsupported dictionary type: lmdb. Is the postfix-lmdb package installed?" >&2
	exit 1
	;;
*postconf*-m*) "$@" | grep -v '^lmdb$' ;;
*) exec "$@" ;;
esac
END
chmod +x lacks

while read -r name skips; do
	run env REAL_POSTFIX="$dir/lacks" "$builddir/tests/unit/$name"
	is "$name without lmdb: nothing fails" "$status $(grep '^not ok' <<<"$out")" '0 '
	check 'what is left out says why' test "$(grep -c '# SKIP this Postfix has no such map type' "$dir/out")" -ge "$skips"
	check 'and the rest runs' test "$(grep -c '^ok' <<<"$out")" -gt "$skips"
done <<'END'
test_textmap 3
test_textmap_update 1
test_target_map 0
test_target 0
END
finish
