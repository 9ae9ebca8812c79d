#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The first command of README: it builds, and all that it shows ends as it says.
. "$(dirname -- "$0")/../tap.sh"

top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
out=$("$top/examples/quickstart.sh" </dev/null 2>&1)
is 'all 22 destinations end as expected' "$?" 0
hasnt 'and none is marked otherwise' "$out" 'not as expected'
has 'what it shows last is where mail went' "$out" 'DELIVERED AFTER'
echo "1..$number"
[[ $failed -eq 0 ]]
