#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The driver of make check (tests/tools/driver.c): what a test comes to by what it prints, how it
# ends, and when.
set -uo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
. "$here/tap.sh"
driver=${builddir:-.}/tests/tools/driver
[[ -x $driver ]] || skip_all "$driver is not built"
dir=$(mktemp -d "${TMPDIR:-/tmp}/ladder.XXXXXX") || exit 1
trap 'rm -rf -- "$dir"' EXIT
# Who reads it waits until this test ends, which alone writes there.
mkfifo "$dir/never" || exit 1
exec 9<>"$dir/never"

# drive SECONDS COMMAND...: sets said and trs, the results in one line.
drive() {
	local seconds=$1
	shift
	"$driver" --test-name a.t --log-file "$dir/log" --trs-file "$dir/trs" --color-tests no \
		--enable-hard-errors yes --expect-failure no --deadline "$seconds" -- "$@" >"$dir/out" 2>"$dir/err" 9>&-
	said=$(<"$dir/out")
	trs=$(<"$dir/trs")
	trs=${trs//$'\n'/ }
	trs=${trs//:test-result: /}
}

# comes_to SENTENCE OUTPUT RESULT RESULTS [SAID]: of a test that prints OUTPUT and ends well.
comes_to() {
	local again=no copied=no results
	printf '%b' "$2" >"$dir/printed"
	drive 60 cat "$dir/printed"
	[[ $3 == PASS || $3 == SKIP ]] || again=yes
	results=${4//PASS/}
	[[ -z ${results// /} ]] || copied=yes
	is "$1" "$trs" ":global-test-result: $3 :recheck: $again :copy-in-global-log: $copied${4:+ $4}"
	[[ $# -lt 5 ]] || is "... and says so" "$said" "$5"
}

comes_to 'a test that passes' 'ok 1 - a\nok 2 - b\n1..2\n' PASS 'PASS PASS' \
	$'PASS: a.t 1 - a\nPASS: a.t 2 - b'
comes_to 'a plan in front' '1..2\nok\nok\n' PASS 'PASS PASS' $'PASS: a.t 1\nPASS: a.t 2'
comes_to 'other lines' '# ok 7\nokay\nnot okay\nok1\n  1..9\n1..x\nok 1 - a\n1..1\n' PASS PASS 'PASS: a.t 1 - a'
comes_to 'no end of the last line' '1..1\nok 1 - a' PASS PASS 'PASS: a.t 1 - a'
comes_to 'a NUL' '1..1\nok 1 - a\0b\n' PASS PASS 'PASS: a.t 1 - a b'
comes_to 'one of two fails' 'ok 1 - a\nnot ok 2 - b\n1..2\n' FAIL 'PASS FAIL' \
	$'PASS: a.t 1 - a\nFAIL: a.t 2 - b'
comes_to 'one is skipped' 'ok 1 - a # SKIP no b\nok 2 - c\n1..2\n' PASS 'SKIP PASS' \
	$'SKIP: a.t 1 - a # SKIP no b\nPASS: a.t 2 - c'
comes_to 'as cmocka says it' '1..2\nok 1 # skip a\nnot ok 2 # SKIP b\n' FAIL 'SKIP FAIL'
comes_to 'what is no directive' 'ok 1 - # skipped\nok 2 - \\# SKIP\nok 3 - #\n1..3\n' PASS 'PASS PASS PASS'
comes_to 'what is to be done' 'not ok 1 - a # TODO b\n1..1\n' PASS XFAIL
comes_to 'what was to be done' 'ok 1 - a # TODO b\n1..1\n' FAIL XPASS
comes_to 'all is skipped' '1..0 # SKIP needs root\n' SKIP SKIP 'SKIP: a.t - needs root'
comes_to 'nothing is planned' '1..0\n' SKIP SKIP 'SKIP: a.t'
comes_to 'no plan' 'ok 1 - a\n' ERROR 'PASS ERROR' $'PASS: a.t 1 - a\nERROR: a.t - missing test plan'
comes_to 'nothing at all' '' ERROR ERROR 'ERROR: a.t - missing test plan'
comes_to 'too few' '1..3\nok 1\nok 2\n' ERROR 'PASS PASS ERROR' \
	$'PASS: a.t 1\nPASS: a.t 2\nERROR: a.t - too few tests run (expected 3, got 2)'
comes_to 'too many' '1..1\nok 1\nok 2\n' ERROR 'PASS ERROR ERROR'
comes_to 'one behind the plan' 'ok 1\n1..1\nok 2 - b\n' ERROR 'PASS ERROR ERROR' \
	$'PASS: a.t 1\nERROR: a.t 2 - b # UNPLANNED\nERROR: a.t - too many tests run (expected 1, got 2)'
comes_to 'two plans' '1..1\nok 1\n1..1\n' ERROR 'PASS ERROR' \
	$'PASS: a.t 1\nERROR: a.t - multiple test plans'
comes_to 'a number that is missing' 'ok 2 - b\n1..1\n' ERROR ERROR \
	'ERROR: a.t 2 - b # OUT-OF-ORDER (expecting 1)'
comes_to 'one that gives up' 'ok 1 - a\nBail out! no b\nnot ok 2 - c\n' ERROR 'PASS ERROR' \
	$'PASS: a.t 1 - a\nERROR: a.t - Bail out! no b'
printf 'ok %s - so many that they come in more than one piece\n' {1..3000} 1..3000 >"$dir/printed"
drive 60 sed 's/^ok \(1\.\.[0-9]*\) .*/\1/' "$dir/printed"
has 'a lot' "$trs" ':global-test-result: PASS :recheck: no :copy-in-global-log: no PASS'
is '... all of it' "$(grep -c '^PASS: ' "$dir/out")" 3000

drive 60 sh -c 'echo ok 1 - a; echo 1..1; exit 3'
is 'an exit status' "$said" $'PASS: a.t 1 - a\nERROR: a.t - exited with status 3'
drive 60 sh -c 'echo ok 1 - a; echo 1..1; kill -9 $$'
is 'a signal' "$said" $'PASS: a.t 1 - a\nERROR: a.t - ended by signal 9'
drive 60 "$dir/none"
has 'no such test' "$said" 'ERROR: a.t - exited with status 127 (command not found?)'
drive 60 sh -c 'echo complaint >&2; echo ok 1 - a; cat; echo 1..1; echo more >&2'
is 'the log has all that was printed, and what it came to' "$(grep -v '^# took' "$dir/log" | sort)" \
	$'1..1\nPASS: a.t 1 - a\ncomplaint\nmore\nok 1 - a'
matches 'and how long it took' "$(tail -n 1 "$dir/log")" '^# took [0-9]+ s, [0-9]+\.[0-9] s of processor time$'

# What it started outlives nothing, and what it ignores does not help it.
drive 1 sh -c 'cat "$1" & wait' - "$dir/never"
is 'a test that hangs is ended' "$said" 'ERROR: a.t - stopped after 1 seconds'
drive 1 sh -c 'cat "$1" &' - "$dir/never"
is 'and so is what it left, which holds its output' "$said" 'ERROR: a.t - stopped after 1 seconds'
sh -c 'exec "$@" >/dev/null' - "$driver" --test-name a.t --log-file "$dir/log" --trs-file "$dir/trs" \
	--deadline 300 -- sh -c 'echo begun >"$1"; cat "$2" & wait' - "$dir/begun" "$dir/never" 9>&- &
await 60 test -s "$dir/begun" || not_ok 'the test begins'
kill -INT $!
wait $!
trs=$(<"$dir/trs")
has 'a driver that is interrupted ends its test' "$trs" ':global-test-result: ERROR'
"$driver" --test-name a.t -- true 2>"$dir/err"
is 'without what it needs it says how it is called' $? 64

echo "1..$number"
[[ $failed -eq 0 ]]
