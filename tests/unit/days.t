#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# test_days takes minutes, so it is one of the slow tests; its two halves run side by side.
days=${builddir:-.}/tests/unit/test_days
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM

"$days" attacked >"$out/attacked" &
pid=$!
"$days" honest >"$out/honest"
honest=$?
wait "$pid"
attacked=$?

# What they say of themselves stays as it is; a line of ours counts each.
report()
{
	sed -e '/^1\.\.[0-9]/d' -e 's/^\(not \)\{0,1\}ok /# &/' "$out/$2"
	if [ "$3" -eq 0 ]; then
		echo "ok $1 - $2 days"
	else
		echo "not ok $1 - $2 days"
	fi
}

echo 1..2
report 1 attacked "$attacked"
report 2 honest "$honest"
[ "$attacked" -eq 0 ] && [ "$honest" -eq 0 ]
