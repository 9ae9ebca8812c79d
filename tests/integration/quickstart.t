#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The first command of README: it builds, and all that it shows ends as it says.
. "$(dirname -- "$0")/../tap.sh"

top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
out=$("$top/examples/quickstart.sh" </dev/null 2>&1)
is 'all 22 destinations end as expected' "$?" 0
hasnt 'and none is marked otherwise' "$out" 'not as expected'
has 'what it shows last is where mail went' "$out" 'DELIVERED AFTER'
# On a machine whose Postfix is there for this alone, it says so at its end.
if [[ -e /etc/postfix/main.cf ]]; then
	hasnt 'nothing is said of a Postfix that was there' "$out" 'without a main.cf'
else
	has 'it says that Postfix has no main.cf, and what to type' "$(tail -n 2 <<<"$out")" \
		'without a main.cf, and does not run. For mail of this
machine: dpkg-reconfigure postfix. To take it away again: apt-get purge postfix'
fi
echo "1..$number"
[[ $failed -eq 0 ]]
