#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every test, on a Debian 12 as root: installs what is missing, builds a copy of this tree with
# gcc and with clang and its sanitizers, and runs the tests of both. Touches nothing but a
# directory of its own, which is removed. The last line is "N passed, N failed".
# usage: run.sh [--quick] [--keep]
set -uo pipefail

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
longest=(ownfaults attack doctor canary month doctor-world dane-only guards witness) # beside Postfix
stage_deadline=2700 # seconds, for a group of tests; one has TEST_DEADLINE of the Makefile
leaks_deadline=900
shown_lines=80 # of a failed test's output
shown_longest=12 # tests of a stage, with their times
jobs=$(nproc)
waiting_jobs=$((2 * jobs)) # of tests whose scripts wait half of their time
sandbox_jobs=$((3 * jobs)) # a test there computes less than a quarter of its time
quick=false
keep=false
passed=0 failed=0 skipped=0

usage() {
	cat <<END
usage: tests/run.sh [--quick] [--keep]

  --quick  what \`make check\` runs, with gcc: unit and command line tests, without the slow
           ones; no sandbox, no clang, no valgrind
  --keep   leave the build directories and logs where they are, and say where
END
}

for word; do
	case $word in
		--quick) quick=true ;;
		--keep) keep=true ;;
		-h | --help)
			usage
			exit
			;;
		*)
			usage >&2
			exit 64
			;;
	esac
done

say() {
	printf '%s\n' "$*"
}

heading() {
	printf '\n== %s (%d s)\n' "$*" "$SECONDS"
}

# count NAME OK: one more test, which is no TAP line.
count() {
	if [[ $2 -eq 0 ]]; then
		passed=$((passed + 1))
		say "ok - $1"
	else
		failed=$((failed + 1))
		say "not ok - $1"
	fi
}

totals() {
	local line="$passed passed, $failed failed"
	[[ $skipped -eq 0 ]] || line+=", $skipped skipped"
	printf '\n%s\n' "$line"
}

stop() {
	say "run.sh: $*" >&2
	failed=$((failed + 1))
	totals
	exit 1
}

finish() {
	trap - EXIT INT TERM HUP
	exec {alive}>&-
	local groups=(${running:+"-$running"} ${running_beside:+"-$running_beside"})
	if [[ ${#groups[@]} -gt 0 ]] && kill -TERM -- "${groups[@]}" 2>/dev/null; then
		# Tests take down their sandboxes, and must not write where we remove. The pipe ends
		# when nobody holds it any more.
		read -rt 10 -u "$ended"
		kill -KILL -- "${groups[@]}" 2>/dev/null
	fi
	if $keep; then
		say "run.sh: everything is in $work" >&2
	else
		rm -rf -- "$work"
	fi
}

# in_group COMMAND...: in a process group of its own, which ends with this script.
in_group() {
	set -m
	"$@" </dev/null &
	running=$!
	set +m
	wait "$running"
	local status=$?
	running=
	return $status
}

# beside COMMAND...: the same while this script goes on; ends_beside waits for it.
beside() {
	set -m
	"$@" </dev/null &
	running_beside=$!
	set +m
}

ends_beside() {
	wait "$running_beside"
	local status=$?
	running_beside=
	return $status
}

# --- builds and their tests

compile() {
	timeout --foreground "$stage_deadline" make -s -j"$jobs" "$@"
}

# build NAME CONFIGURE-ARGUMENT...
build() {
	local name=$1
	shift
	in_group make_build "$name" "$@" >"$work/$name.out" 2>&1
	count_build "$name" $?
}

make_build() {
	local name=$1
	shift
	mkdir "$work/$name"
	cd "$work/$name" && ../source/configure -q --enable-werror "$@" && compile all &&
		compile check TESTS=
}

# count_build NAME STATUS
count_build() {
	[[ $2 -eq 0 ]] || grep -E -m "$shown_lines" 'error|warning|undefined|\*\*\*' "$work/$1.out"
	count "$1: builds without a warning" "$2"
	return "$2"
}

# Shows each test program once when its first result comes, and what fails.
show_progress() {
	awk '
		/^(PASS|SKIP|FAIL|ERROR|XPASS): / && !seen[$2]++ { print "  " $2 }
		/^(FAIL|ERROR|XPASS): / { print "    not ok: " $0 }
		{ fflush() }'
}

# run_tests NAME JOBS [TEST...]: the tests of a build; without TEST what make check runs.
run_tests() {
	local name=$1 parallel=$2
	shift 2
	local more=()
	[[ $# -eq 0 ]] || more=("TESTS=$*")
	in_group timeout "$stage_deadline" make -C "$work/$name" -k -j"$parallel" check \
		"${more[@]}" > >(tee "$work/$name.out" | show_progress) 2>&1
	local status=$?
	wait $! 2>/dev/null
	if [[ $status -ne 0 && $status -ne 124 ]]; then
		run_alone "$name"
		status=$?
	fi
	count_results "$name" "$status"
}

# run_alone NAME: what failed once more, one after the other: a deadline that was missed because
# two tests shared the processors is no fault of the program. Their new results count.
run_alone() {
	local name=$1 trs again=()
	while read -r trs; do
		trs=${trs#"$work/$name/"}
		if [[ -e $work/source/${trs%.trs}.t ]]; then
			again+=("${trs%.trs}.t")
		else
			again+=("${trs%.trs}")
		fi
	done < <(find "$work/$name" -name '*.trs' \
		-exec grep -lE '^:test-result: (FAIL|ERROR|XPASS)' {} +)
	[[ ${#again[@]} -gt 0 ]] || return 1
	say "  once more, alone: ${again[*]}"
	in_group timeout "$stage_deadline" make -C "$work/$name" -k -j1 check \
		TESTS="${again[*]}" > >(tee -a "$work/$name.out" | show_progress) 2>&1
	local status=$?
	wait $! 2>/dev/null
	return $status
}

# The results of the .trs files; one that is written only when its test has ended.
count_results() {
	local name=$1 status=$2 results log
	results=$(find "$work/$name" -name '*.trs' -exec cat {} +)
	local p f s
	p=$(grep -c '^:test-result: PASS' <<<"$results")
	s=$(grep -c '^:test-result: SKIP' <<<"$results")
	f=$(grep -cE '^:test-result: (FAIL|ERROR|XPASS)' <<<"$results")
	# Tests that never began have no results.
	if [[ $status -eq 124 ]]; then
		say "not ok - the tests end within $stage_deadline s"
		f=$((f + 1))
	elif [[ $status -ne 0 && $f -eq 0 ]]; then
		tail -n "$shown_lines" "$work/$name.out"
		f=1
	fi
	while read -r log; do
		say "--- ${log#"$work/"}"
		grep -vE '^(ok|PASS:|FAIL:)' "${log%.trs}.log" | tail -n "$shown_lines"
	done < <(find "$work/$name" -name '*.trs' \
		-exec grep -lE '^:test-result: (FAIL|ERROR|XPASS)' {} +)
	find "$work/$name" -name '*.trs' | while read -r log; do
		log=${log%.trs}
		sed -n "s|^# took \([0-9]* s\),.*|\1  ${log#"$work/$name/"}|p" "$log.log"
	done | sort -rn | head -n "$shown_longest" | sed '1s/^/  the longest: /; 1!s/^/               /'
	find "$work/$name" -name '*.trs' -delete
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	say "  $p passed, $f failed, $s skipped"
}

# --- what is no test of make check

# The tests of a whole scan once more, under valgrind: nothing is lost, and nothing is read that
# was not written.
check_leaks() {
	local build=$work/valgrind
	mkdir -p "$build"
	ln -s "$work/gcc/tests" "$build/tests"
	cat >"$build/tlsladder" <<END
#!/bin/sh
exec valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect \\
    --suppressions="$work/source/tests/valgrind.supp" "$work/gcc/tlsladder" "\$@"
END
	chmod 755 "$build/tlsladder"
	env builddir="$build" srcdir="$work/source" \
		timeout --foreground "$leaks_deadline" "$work/source/tests/cli/scan.t" >"$work/valgrind.out" 2>&1
}

# What goes on beside other tests, a file each for how it ended. What only computes and has no
# deadline to meet takes the processor time that these tests leave.
compute() {
	check_leaks
	echo $? >"$work/valgrind.status"
	renice -n 19 "$BASHPID" >/dev/null
	timeout --foreground "$stage_deadline" make -s -C "$work/gcc" lint >"$work/lint.out" 2>&1
	echo $? >"$work/lint.status"
	timeout --foreground "$stage_deadline" make -s -C "$work/gcc" fuzz-some >"$work/fuzz.out" 2>&1
	echo $? >"$work/fuzz.status"
	make_build clang CC=clang --enable-sanitizers >"$work/clang.out" 2>&1
	echo $? >"$work/clang.status"
}

# computed NAME: how that ended; not at all: it failed.
computed() {
	local status
	read -r status 2>/dev/null <"$work/$1.status" || status=1
	return "$status"
}

# --- all of it

work=$(mktemp -d "${TMPDIR:-/tmp}/tlsladder.XXXXXX") || exit 1
chmod 755 "$work" # some tests run the program as another user
running=
running_beside=
# All that we start holds it open.
mkfifo "$work/alive"
exec {alive}<>"$work/alive" {ended}<"$work/alive"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

heading 'packages'
kind='test'
$quick && kind=check
"$top/tests/packages" "$kind" || stop 'the packages cannot be installed'

heading 'gcc'
"$top/tests/copy" "$work/source" >"$work/copy.out" 2>&1 || {
	cat "$work/copy.out"
	stop 'the tree cannot be copied'
}
build gcc CC=gcc || stop 'no program to test'
if $quick; then
	run_tests gcc "$waiting_jobs"
else
	run_tests gcc "$waiting_jobs" '$(ALL_TESTS)'
	# What came of thousands of days, whoever did what.
	grep -hE '^# ' "$work"/gcc/tests/unit/days.log |
		sed -n '/^# [0-9]* days, /p; /^# weakest result/,/lasted two to four weeks/p'
	heading 'with a real Postfix, in the sandbox, and real databases; beside it valgrind, lint and a build with clang'
	beside compute
	# Each has a sandbox of its own. The longest first, and then the largest, which mostly take
	# longer: none is then left to run alone.
	mapfile -t integration < <(cd "$work/source" && {
		printf 'tests/integration/%s.t\n' "${longest[@]}"
		ls -S tests/integration/*.t tests/sql/*.t
	} | awk '!seen[$0]++')
	run_tests gcc "$sandbox_jobs" "${integration[@]}"
	grep -hE '^# .* (median|maximum|in one burst: in) ' \
		"$work"/gcc/tests/integration/*.log | sort -u
	ends_beside
	computed valgrind || grep -v '^ok' "$work/valgrind.out" | tail -n "$shown_lines"
	computed valgrind
	count 'valgrind finds nothing in a scan' $?
	computed lint || tail -n "$shown_lines" "$work/lint.out"
	computed lint
	count 'clang-tidy, cppcheck and shellcheck find nothing' $?
	computed fuzz || tail -n "$shown_lines" "$work/fuzz.out"
	computed fuzz
	count 'a while of libFuzzer finds nothing in the readers' $?
	heading 'clang with sanitizers'
	computed clang
	if count_build clang $?; then
		run_tests clang "$waiting_jobs" '$(SANITIZED_TESTS)'
		run_tests clang "$sandbox_jobs" tests/integration/verify.t tests/sql/mariadb.t tests/sql/pgsql.t
	fi
fi
totals
[[ $failed -eq 0 ]]
