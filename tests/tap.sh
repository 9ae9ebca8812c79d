# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Assertions of the tests that are scripts: TAP, a sentence each. To be sourced by bash.

number=0
failed=0

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
	if output=$("$@" 2>&1); then
		ok "$sentence"
	else
		not_ok "$sentence" "$*" "$output"
	fi
}

# await SECONDS COMMAND...: until it succeeds.
await() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[[ $SECONDS -lt $end ]] || return 1
		read -rt 0.02 <> <(:) # a pause that starts no program
	done
	return 0
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}
