#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Real rotations of a log that is written all the time: logrotate in the ways in which it
# is configured, and what `postfix logrotate` does, with the reader running, stopped, down,
# and killed again and again. The oracle: lines 0, 1, 2 and so on, each once, in order.
# shellcheck disable=SC2317 # scenarios are called by their names
set -uo pipefail

builddir=$(cd -- "${builddir:-.}" && pwd)
tool=$builddir/tests/faults/logtool
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C.UTF-8
. "$(dirname -- "$0")/../tap.sh"

if ! command -v logrotate >/dev/null || ! command -v gzip >/dev/null; then
	skip_all 'needs logrotate and gzip'
fi

top=$(mktemp -d)
trap 'rm -rf -- "$top"' EXIT

# --- what a scenario is made of; each runs in a shell and a directory of its own

has_come() {
	[[ $("$tool" count "$journal") -ge $1 ]]
}

# acknowledged WORD NUMBER
acknowledged() {
	[[ $(cat "$ack" 2>/dev/null) == "$1 $2" ]]
}

start_reader() {
	"$tool" read "$log" "$journal" 2>>"$dir/notes" &
	reader=$!
}

# end_reader SIGNAL
end_reader() {
	kill "-$1" "$reader"
	wait "$reader" 2>/dev/null
	reader=''
}

start() {
	dir=$(mktemp -d "$top/XXXXXX")
	log=$dir/mail.log journal=$dir/journal ack=$dir/ack opened=0
	trap 'kill -KILL $writer $reader 2>/dev/null' EXIT
	"$tool" write "$log" "$ack" &
	writer=$!
	start_reader
	await 20 has_come 1
}

# until_more: until some more lines were written, so that each file has its own.
until_more() {
	local size
	size=$(stat -c %s "$log" 2>/dev/null || echo 0)
	is_longer() { [[ $(stat -c %s "$log" 2>/dev/null || echo 0) -gt $size ]]; }
	await 20 is_longer
}

# finish [some]: no more is written; is all read? some: lines may be missing, none twice.
finish() {
	local total told
	until_more
	kill -TERM "$writer"
	wait "$writer"
	writer=''
	total=$(sed -n 's/^wrote //p' "$ack")
	[[ -n $reader ]] || start_reader
	if [[ ${1-} == some ]]; then
		await 5 has_come "$total" || true # then the rest is lost
	else
		await 20 has_come "$total"
	fi
	end_reader TERM
	if told=$("$tool" check "$journal" "${1:-$total}"); then
		echo "ok - $name"
	else
		echo "not ok - $name"
		{ echo "$told"; ls -li "$dir"; cat "$dir/notes"; } | sed 's/^/#   /'
	fi
	echo "# $("$tool" count "$journal") of $total lines"
}

# configure OPTION...
configure() {
	cat >"$dir/logrotate.conf" <<-END
		$log {
			rotate 9
			missingok
			$(printf '%s\n' "$@")
			postrotate
				kill -HUP $writer
			endscript
		}
	END
	chmod 600 "$dir/logrotate.conf"
}

a_second_later() {
	local second
	printf -v second '%(%s)T' -1
	is_over() {
		local now
		printf -v now '%(%s)T' -1
		[[ $now != "$second" ]]
	}
	await 5 is_over
}

rotate() {
	# names with a second in them: no two rotations within one
	grep -q dateformat "$dir/logrotate.conf" && a_second_later
	logrotate -f -s "$dir/state" "$dir/logrotate.conf" >>"$dir/notes" 2>&1 ||
		echo "# logrotate failed"
	opened=$((opened + 1))
	await 20 acknowledged opened "$opened" || echo "# the log was not opened anew"
	until_more
}

# The same while the writer is silent, until it opens the log anew.
rotate_in_silence() {
	kill -USR1 "$writer"
	await 20 acknowledged waits "$opened" || echo "# the writer does not wait"
	rotate
}

# What postfix-script does: mv, reload, a second, gzip. The old postlogd ends with the
# reload; the file at the path comes with its successor's first line.
postfix_logrotate() {
	local to
	a_second_later
	printf -v to '%s.%(%Y%m%d-%H%M%S)T' "$log" -1
	mv "$log" "$to"
	kill -HUP "$writer"
	opened=$((opened + 1))
	a_second_later
	await 20 acknowledged opened "$opened" || echo "# the log was not opened anew"
	gzip "$to"
}

# --- scenarios: NAME HOW ACTION OPTION...

# Three rotations while the reader is running, stopped or down.
three_times() {
	local how=$1 action=$2
	name="${3}, reader $how"
	shift 3
	start
	configure "$@"
	case $how in
	stopped) kill -STOP "$reader" ;;
	down) end_reader KILL ;;
	esac
	"$action"
	"$action"
	"$action"
	[[ $how != stopped ]] || kill -CONT "$reader"
	finish "${oracle-}"
}

# Killed at any moment, while the log is rotated and compressed.
killed() {
	local i kills=0
	name='logrotate, delaycompress, reader killed again and again'
	start
	configure create compress delaycompress
	for i in 1 2 3 4 5; do
		for ((kills += 4, i = 0; i < 4; i++)); do
			end_reader KILL
			start_reader
			pause "0.0$((RANDOM % 90 + 10))"
		done
		rotate
	done
	finish
	echo "# killed $kills times"
}

inexact() {
	oracle=some
	three_times running rotate \
		'logrotate, copytruncate while lines are written (inexact: none twice)' copytruncate
}

# --- all of them, some at a time

scenarios=()
add() {
	local arguments
	printf -v arguments '%q ' "$@"
	scenarios+=("$arguments")
}

dated=(dateext 'dateformat -%Y%m%d-%s')
for how in running stopped down; do
	add three_times $how rotate 'logrotate, not compressed' create
	add three_times $how rotate 'logrotate, delaycompress' create compress delaycompress
	add three_times $how rotate 'logrotate, dateext' create compress delaycompress "${dated[@]}"
	add three_times $how rotate 'logrotate, nocreate' nocreate
	add three_times $how postfix_logrotate 'postfix logrotate'
	# copytruncate loses what is written between the copy and the cut, for everybody
	add three_times $how rotate_in_silence 'logrotate, copytruncate in a silent moment' \
		copytruncate
done
# Without delaycompress gzip may miss the writer's last words: who holds the file has them.
add three_times running rotate 'logrotate, compress' create compress
add three_times stopped rotate 'logrotate, compress' create compress
add three_times down rotate_in_silence 'logrotate, compress in a silent moment' create compress
add killed
add inexact

echo "1..${#scenarios[@]}"
for i in "${!scenarios[@]}"; do
	while [[ $(jobs -rp | wc -l) -ge 6 ]]; do
		wait -n
	done
	(
		writer='' reader=''
		eval "${scenarios[i]}"
	) >"$top/out.$i" 2>"$top/err.$i" &
done
wait

failed=0
for i in "${!scenarios[@]}"; do
	grep -q '^ok' "$top/out.$i" || failed=$((failed + 1))
	grep -q 'ok' "$top/out.$i" || echo "not ok - ${scenarios[i]}" >>"$top/out.$i"
	sed "s/^\(ok\|not ok\) /\1 $((i + 1)) /" "$top/out.$i"
	sed 's/^/# /' "$top/err.$i"
done
exit $((failed > 0))
