# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Assertions of the tests that are scripts: TAP, a sentence each. To be sourced by bash.

number=0
failed=0
# The system's own programs first: a python3 of pyenv takes ten times as long to start.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

ok() {
	number=$((number + 1))
	echo "ok $number - $1"
}

# not_ok SENTENCE [LINE]...
not_ok() {
	number=$((number + 1))
	failed=$((failed + 1))
	echo "not ok $number - $1"
	shift
	[[ $# -eq 0 ]] || printf '%s\n' "$@" | head -n 60 | cat -v | sed 's/^/#   /'
}

# is SENTENCE GOT WANTED
is() {
	if [[ $2 == "$3" ]]; then
		ok "$1"
	else
		not_ok "$1" 'got:' "$2" 'wanted:' "$3"
	fi
}

# check SENTENCE COMMAND...: it succeeds.
check() {
	local sentence=$1 output
	shift
	# This changes nothing and needs no process of its own.
	if [[ $1 == test ]] && "$@" 2>/dev/null; then
		ok "$sentence"
	elif output=$("$@" 2>&1); then
		ok "$sentence"
	else
		not_ok "$sentence" "$*" "$output"
	fi
}

# has SENTENCE TEXT PART: the text contains the part, as it is.
has() {
	if [[ $2 == *"$3"* ]]; then
		ok "$1"
	else
		not_ok "$1" 'got:' "$2" 'wanted in it:' "$3"
	fi
}

# hasnt SENTENCE TEXT PART
hasnt() {
	if [[ $2 != *"$3"* ]]; then
		ok "$1"
	else
		not_ok "$1" 'got:' "$2" 'not wanted in it:' "$3"
	fi
}

# matches SENTENCE TEXT REGEX: an extended regular expression.
matches() {
	if [[ $2 =~ $3 ]]; then
		ok "$1"
	else
		not_ok "$1" 'got:' "$2" 'wanted to match:' "$3"
	fi
}

# pause SECONDS: starts no process, not even a subshell. Nothing ever comes from that pipe.
exec {pause_fd}<> <(:)
pause() {
	read -rt "$1" -u "$pause_fd"
}

# await SECONDS COMMAND...: until it succeeds; false when the time is over. Prints what the
# command printed last. It runs in a subshell: variables that it sets are lost. Asking costs
# processor time, which what is waited for needs: the pause grows with the time that was waited.
await() {
	local end=$((SECONDS + $1 + 1)) output pause begun=${EPOCHREALTIME//[^0-9]/}
	shift
	until output=$("$@" 2>&1); do
		if ((SECONDS >= end)); then
			printf '%s\n' "waited in vain for: $*" "$output"
			return 1
		fi
		# a twentieth of it, in microseconds, from 0.02 to 0.25 s
		pause=$(((${EPOCHREALTIME//[^0-9]/} - begun) / 20))
		pause=$((pause < 20000 ? 20000 : pause > 250000 ? 250000 : pause))
		printf -v pause '0.%06d' "$pause"
		pause "$pause"
	done
	[[ -z $output ]] || printf '%s\n' "$output"
}

# awaits SENTENCE SECONDS COMMAND...: an assertion.
awaits() {
	local sentence=$1 output
	shift
	if output=$(await "$@"); then
		ok "$sentence"
	else
		not_ok "$sentence" "$output"
	fi
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}
