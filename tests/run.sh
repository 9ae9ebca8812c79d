#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every test, on a Debian 12 as root: installs what is missing, builds a copy of this tree with
# gcc and with clang and its sanitizers, and runs the tests of both. Touches nothing but a
# directory of its own, which is removed. The last line is "N passed, N failed".
# usage: run.sh [--quick] [--keep]
set -uo pipefail

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# With Postfix; what else there is, by its size.
longest=(ownfaults package canary attack install guards large-queue flap evidence burst tables
	one-of-several doctor doctor-world month dane-only witness)
again_clang=(tests/integration/verify.t tests/sql/{mariadb,pgsql}.t) # with sanitizers, in the sandbox
stage_deadline=7200 # seconds, for a group of tests
test_deadline=1800  # of one, which gets a part of the processors
leaks_deadline=1800
shown_lines=80 # of a failed test's output
shown_longest=12 # tests of a group, with their times
jobs=$(nproc)
waiting_jobs=$((2 * jobs)) # of tests whose scripts wait half of their time
sandbox_jobs=$((3 * jobs)) # a test there computes less than a quarter of its time
# What goes on beside the tests in the sandbox takes what these leave: first the other tests, and
# then what only computes and has no deadline to meet.
tests_nice=10
compute_nice=19
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
	if [[ ${#running[@]} -gt 0 ]] && kill -TERM -- "${running[@]/#/-}" 2>/dev/null; then
		# Tests take down their sandboxes, and must not write where we remove. The pipe ends
		# when nobody holds it any more.
		read -rt 10 -u "$ended"
		kill -KILL -- "${running[@]/#/-}" 2>/dev/null
	fi
	if $keep; then
		say "run.sh: everything is in $work" >&2
	else
		rm -rf -- "$work"
	fi
}

# beside COMMAND...: while this script goes on, in a process group of its own, which ends with it.
beside() {
	set -m
	"$@" </dev/null &
	running+=($!)
	set +m
}

# All that goes on beside. The status is that of the last.
ends_beside() {
	local status=0 group
	for group in "${running[@]}"; do
		wait "$group"
		status=$?
	done
	running=()
	return $status
}

in_group() {
	beside "$@"
	ends_beside
}

# --- builds and their tests

# ended NAME: how it did; not at all: it failed.
ended() {
	local status
	read -r status 2>/dev/null <"$work/$1.status" || status=1
	echo "$status"
}

# step NAME COMMAND...: in $work/NAME.out what it says, in NAME.status how it ended.
step() {
	local name=$1
	shift
	"$@" >"$work/$name.out" 2>&1
	echo $? >"$work/$name.status"
}

compile() {
	timeout --foreground "$stage_deadline" make -s -j"$jobs" "$@"
}

# build NAME CONFIGURE-ARGUMENT...
build() {
	local name=$1
	shift
	in_group step "$name-build" make_build "$name" "$@"
	count_build "$name"
}

make_build() {
	local name=$1
	shift
	mkdir "$work/$name"
	cd "$work/$name" && ../source/configure -q --enable-werror "$@" && compile all &&
		compile check TESTS=
}

# count_build NAME: whether that has ended well.
count_build() {
	local status
	status=$(ended "$1-build")
	[[ $status -eq 0 ]] || grep -E -m "$shown_lines" 'error|warning|undefined|\*\*\*' "$work/$1-build.out"
	count "$1: builds without a warning" "$status"
	return "$status"
}

# show_progress PREFIX: each test program once when its first result comes, and what fails.
show_progress() {
	awk -v prefix="$1" '
		/^(PASS|SKIP|FAIL|ERROR|XPASS): / && !seen[$2]++ { print "  " prefix $2 }
		/^(FAIL|ERROR|XPASS): / { print "    not ok: " prefix $0 }
		{ fflush() }'
}

# build_of GROUP: the name of the build whose tests they are.
build_of() {
	[[ $1 == sandbox ]] && echo gcc || echo "$1"
}

# results_of GROUP: the files of its results; one is written only when its test has ended.
results_of() {
	local dir sandbox=('(' -path '*/tests/integration/*' -o -path '*/tests/sql/*' ')')
	dir=$work/$(build_of "$1")
	case $1 in
		gcc) find "$dir" -name '*.trs' ! "${sandbox[@]}" ;;
		sandbox) find "$dir" -name '*.trs' "${sandbox[@]}" ;;
		*) find "$dir" -name '*.trs' ;;
	esac
}

failed_of() {
	results_of "$1" | xargs -r grep -lE '^:test-result: (FAIL|ERROR|XPASS)'
}

# make_check GROUP JOBS TESTS: in $work/GROUP.out what they say, in GROUP.status how that ended.
# Two groups of one build have a summary each.
make_check() {
	local group=$1 prefix=
	[[ $group != clang ]] || prefix='sanitized: '
	timeout --foreground "$stage_deadline" make -C "$work/$(build_of "$group")" -k -j"$2" check \
		TEST_DEADLINE="$test_deadline" TEST_SUITE_LOG="$group-suite.log" TESTS="$3" \
		> >(tee -a "$work/$group.out" | show_progress "$prefix") 2>&1
	local status=$?
	wait $! 2>/dev/null
	echo $status >"$work/$group.status"
	return $status
}

# run_alone GROUP: what failed once more, one after the other: a deadline that was missed because
# two tests shared the processors is no fault of the program. Their new results count.
run_alone() {
	local group=$1 dir trs again=()
	dir=$work/$(build_of "$group")
	while read -r trs; do
		trs=${trs#"$dir/"}
		if [[ -e $work/source/${trs%.trs}.t ]]; then
			again+=("${trs%.trs}.t")
		else
			again+=("${trs%.trs}")
		fi
	done < <(failed_of "$group")
	[[ ${#again[@]} -gt 0 ]] || return 0
	say "  once more, alone: ${again[*]}"
	in_group make_check "$group" 1 "${again[*]}"
}

# end_tests GROUP: when nothing else goes on any more.
end_tests() {
	local group=$1 status results trs
	status=$(ended "$group")
	if [[ $status -ne 0 && $status -ne 124 ]]; then
		run_alone "$group"
		status=$(ended "$group")
	fi
	results=$(results_of "$group" | xargs -r cat)
	local p f s
	p=$(grep -c '^:test-result: PASS' <<<"$results")
	s=$(grep -c '^:test-result: SKIP' <<<"$results")
	f=$(grep -cE '^:test-result: (FAIL|ERROR|XPASS)' <<<"$results")
	# Tests that never began have no results.
	if [[ $status -eq 124 ]]; then
		say "not ok - the tests end within $stage_deadline s"
		f=$((f + 1))
	elif [[ $status -ne 0 && $f -eq 0 ]]; then
		tail -n "$shown_lines" "$work/$group.out"
		f=1
	fi
	while read -r trs; do
		trs=${trs%.trs}
		say "--- ${trs#"$work/"}"
		grep -vE '^(ok|PASS:|FAIL:)' "$trs.log" | tail -n "$shown_lines"
	done < <(failed_of "$group")
	results_of "$group" | while read -r trs; do
		trs=${trs%.trs}
		sed -n "s|^# took \([0-9]* s\), \(.*\) of .*|\1  ${trs#"$work/"}, \2 of processor time|p" "$trs.log"
	done | sort -rn | head -n "$shown_longest" | sed '1s/^/  the longest: /; 1!s/^/               /'
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
		timeout --foreground "$leaks_deadline" "$work/source/tests/cli/scan.t"
}

make_gcc() {
	timeout --foreground "$stage_deadline" make -s -C "$work/gcc" "$1"
}

with_sandbox() {
	# Each has a sandbox of its own. The longest first, and then the largest, which mostly take
	# longer: none is then left to run alone.
	local integration
	mapfile -t integration < <(cd "$work/source" && {
		printf 'tests/integration/%s.t\n' "${longest[@]}"
		ls -S tests/integration/*.t tests/sql/*.t
	} | awk '!seen[$0]++')
	make_check sandbox "$sandbox_jobs" "${integration[*]}"
	say "  (the sandbox's have ended, $SECONDS s)"
}

without_sandbox() {
	renice -n "$tests_nice" "$BASHPID" >/dev/null
	make_check gcc "$waiting_jobs" '$(ALL_TESTS)'
	say "  (gcc's have ended, $SECONDS s)"
	read -r -u "$built"
	[[ $(ended clang-build) -ne 0 ]] || make_check clang "$waiting_jobs" "${again_clang[*]} \$(SANITIZED_TESTS)"
	say "  (the sanitized ones have ended, $SECONDS s)"
}

compute() {
	renice -n "$compute_nice" "$BASHPID" >/dev/null
	step clang-build make_build clang CC=clang --enable-sanitizers
	echo >&"$built"
	step lint make_gcc lint
	say "  (lint has ended, $SECONDS s)"
}

# On one processor.
compute_alone() {
	renice -n "$tests_nice" "$BASHPID" >/dev/null
	step valgrind check_leaks
	renice -n "$compute_nice" "$BASHPID" >/dev/null
	step fuzz make_gcc fuzz-some
	say "  (valgrind and libFuzzer have ended, $SECONDS s)"
}

# count_step NAME SENTENCE
count_step() {
	local status
	status=$(ended "$1")
	[[ $status -eq 0 ]] || grep -v '^ok' "$work/$1.out" | tail -n "$shown_lines"
	count "$2" "$status"
}

# --- all of it

work=$(mktemp -d "${TMPDIR:-/tmp}/tlsladder.XXXXXX") || exit 1
chmod 755 "$work" # some tests run the program as another user
running=()
# All that we start holds it open.
mkfifo "$work/alive"
exec {alive}<>"$work/alive" {ended}<"$work/alive"
mkfifo "$work/built" # a line is in it when clang's build has ended
exec {built}<>"$work/built"
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
	in_group make_check gcc "$waiting_jobs" '$(FAST_TESTS)'
	end_tests gcc
else
	heading 'with a real Postfix, in the sandbox, and real databases; beside it all other tests, with gcc, and with clang and its sanitizers, valgrind and lint'
	beside without_sandbox
	beside compute
	beside compute_alone
	beside with_sandbox
	ends_beside
	heading 'in the sandbox, with a real Postfix and real databases'
	end_tests sandbox
	grep -hE '^# .* (median|maximum|in one burst: in) ' \
		"$work"/gcc/tests/integration/*.log | sort -u
	heading 'gcc'
	end_tests gcc
	# What came of thousands of days, whoever did what.
	grep -hE '^# ' "$work"/gcc/tests/unit/days.log |
		sed -n '/^# [0-9]* days, /p; /^# weakest result/,/lasted two to four weeks/p'
	count_step valgrind 'valgrind finds nothing in a scan'
	count_step lint 'clang-tidy, cppcheck and shellcheck find nothing'
	count_step fuzz 'a while of libFuzzer finds nothing in the readers'
	heading 'clang with sanitizers'
	! count_build clang || end_tests clang
fi
totals
[[ $failed -eq 0 ]]
