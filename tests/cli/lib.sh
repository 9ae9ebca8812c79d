# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# The program from outside: real files, no root, no network. To be sourced by bash, with
# srcdir and builddir in the environment. Prints TAP, a sentence an assertion.
set -uo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
srcdir=$(cd -- "${srcdir:-$here/../..}" && pwd)
builddir=$(cd -- "${builddir:-.}" && pwd)
program=$builddir/tlsladder
# The tests compare texts, and times in local time.
unset NO_COLOR TLSLADDER_NOW_OFFSET
export LC_ALL=C.UTF-8 TZ=UTC

. "$here/../tap.sh"

# run COMMAND...: sets out, err and status.
run() {
	"$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	out=$(<"$dir/out")
	err=$(<"$dir/err")
}

# ladder ARGUMENT...: the program with the configuration of configure(), as run does.
ladder() {
	run "$program" -c "$dir/tlsladder.yaml" "$@"
}

# configure [LINE]...: a configuration that stays within $dir and never meets a Postfix.
# A LINE replaces the section that it names.
configure() {
	local lines
	printf -v lines '%s\n' "$@"
	{
		[[ $lines == *state:* ]] || echo "state: $dir/state.db"
		[[ $lines == *rules:* ]] || echo "rules: $srcdir/rules/postfix.yaml"
		[[ $lines == *map:* ]] || echo "map: {file: $dir/tls_policy, type: none}"
		[[ $lines == *postfix:* ]] || echo "postfix: {command: [$fakes], default_level: verify}"
		# No server answers there.
		[[ $lines == *dns:* ]] || echo 'dns: {resolver: 127.0.0.1@1, tries: 1, timeout: 100ms}'
		printf '%s' "$lines"
	} >"$dir/tlsladder.yaml"
}

# postconf_says [LINE]...: the settings of this Postfix, with the LINEs behind those that every
# test has.
postconf_says() {
	printf '%s\n' 'mail_version = 3.7.11' 'smtp_tls_security_level = verify' \
		'default_database_type = hash' "$@" >"$dir/postconf.out"
}

# start: the daemon, with the configuration of configure(). It ends with the test.
daemon=''
start() {
	: >"$dir/run.err"
	"$program" -c "$dir/tlsladder.yaml" run </dev/null >"$dir/run.out" 2>"$dir/run.err" 9>&- &
	daemon=$!
}

# said REGEX: the daemon did, since it was started.
said() {
	grep -q -- "$1" "$dir/run.err"
}

# stop [SIGNAL]: ends the daemon, by SIGTERM; sets status.
stop() {
	kill "-${1:-TERM}" "$daemon"
	wait "$daemon"
	status=$?
	daemon=''
}

# needs_python: python3 -c CODE [ARGUMENT]... costs a call of a function from here on. One
# process runs them all, one after the other: two of a pipeline would wait for each other.
python=''
needs_python() {
	command -v python3 >/dev/null || skip_all 'needs python3'
	mkfifo "$dir/asked" "$dir/answers"
	command python3 -SE "$here/python.py" <"$dir/asked" >"$dir/answers" 9>&- &
	python=$!
	exec {python_asked}>"$dir/asked" {python_answers}<"$dir/answers"
	rm "$dir/asked" "$dir/answers"
	python3() {
		local answer output
		if [[ $1 != -c ]]; then
			command python3 "$@"
			return
		fi
		shift
		exec {output}>&1 # its own number: that of printf is the pipe
		printf '%s\0' "$BASHPID" "$output" $# "$@" >&"$python_asked"
		read -ru "$python_answers" answer
		exec {output}>&-
		return "$answer"
	}
}

# json EXPRESSION: of the objects in standard output of what was run, a list named d.
json() {
	python3 -c '
import json, sys
def once(members):
    assert len(dict(members)) == len(members), "twice in one object: %s" % [name for name, _ in members]
    return dict(members)
d = [json.loads(line, object_pairs_hook=once) for line in open(sys.argv[1], encoding="utf-8")]
print(eval(sys.argv[2]))' "$dir/out" "$1"
}

# on_terminal COLUMNS ARGUMENT...: what the program prints on a terminal so wide, into out.
on_terminal() {
	local columns=$1
	shift
	# shellcheck disable=SC2086
	"$builddir/tests/tools/terminal" $columns "$program" -c "$dir/tlsladder.yaml" "$@" \
		</dev/null >"$dir/out"
	out=$(<"$dir/out")
}
# complains_on_terminal COLUMNS ARGUMENT...: the same of what it complains of.
complains_on_terminal() {
	on_terminal "-e $1" "${@:2}"
}
# widest: columns of the widest line of out, colours left out
widest() {
	python3 -c '
import re, sys, unicodedata
def width(c):
    return 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
print(max(sum(map(width, re.sub("\033\\[[0-9;]*[mK]", "", line))) for line in sys.stdin.read().split("\n")))' <<<"$out"
}

# start_dns: a name server on loopback that says what $dir/dns scripts (tests/dns/server.h);
# its address is in resolver. It ends with the test.
start_dns() {
	local dnsd=$builddir/tests/dns/dnsd
	[[ -x $dnsd ]] || skip_all "$dnsd is not built"
	mkfifo "$dir/hold"
	: >"$dir/dnsd.out"
	"$dnsd" 127.0.0.1 0 "$dir/dns" <"$dir/hold" >"$dir/dnsd.out" 9>&- &
	exec 9>"$dir/hold" # it ends when this is closed
	if ! await 10 test -s "$dir/dnsd.out" >/dev/null; then
		echo 'Bail out! the name server does not start'
		exit 1
	fi
	resolver=$(<"$dir/dnsd.out")
}

# The last line of every test.
finish() {
	echo "1..$number"
	[[ $failed -eq 0 ]]
	exit
}

[[ -x $program ]] || {
	echo "Bail out! $program is not built"
	exit 1
}
dir=$(mktemp -d "${TMPDIR:-/tmp}/ladder.XXXXXX") || exit 1
# The words before a command of Postfix that have tests/fake/tool.c play it; it notes what it is
# asked in $dir.
fakes="$builddir/tests/fake/tool, $dir"
trap '[[ -z $daemon ]] || kill -KILL "$daemon"; [[ -z $python ]] || kill "$python"; rm -rf -- "$dir"' EXIT
