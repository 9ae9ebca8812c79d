# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# The integration tests: tlsladder beside a real Postfix in a sandbox (tests/sandbox).
# To be sourced by bash. Needs root, and in the environment srcdir and builddir.
#
# Every test prints TAP, one line an assertion, each a sentence; what was measured is a
# comment. Nothing waits but for an event with a deadline.

set -uo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
sandbox=$(cd -- "$here/../sandbox" && pwd)/sandbox
rules=$(cd -- "$here/../../rules" && pwd)
builddir=$(cd -- "${builddir:-.}" && pwd)
program=$builddir/tlsladder
# Not root: as it is installed, in group adm for the log. The map's directory is its own.
user=(setpriv --reuid=nobody --regid=nogroup --groups=adm)

. "$here/../tap.sh"

# --- TAP

comment() {
	printf '# %s\n' "$@"
}

# The last line of every test: the daemon's log, if something was wrong.
finish() {
	local log
	if [[ $failed -gt 0 ]]; then
		for log in "$dir"/*.err; do
			[[ ! -s $log ]] || { echo "# ${log##*/}:"; tail -n 200 "$log" | sed 's/^/#   /'; }
		done
	fi
	echo "1..$number"
	[[ $failed -eq 0 ]]
	exit
}

# --- the clock

# Seconds with milliseconds, for what is measured.
now() {
	date +%s.%3N
}

# Of the numbers on standard input: "median M, maximum X of N".
figures() {
	sort -n | awk '{ v[NR] = $1 }
		END {
			if (NR == 0) { print "nothing was measured"; exit }
			m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
			printf "median %.2f s, maximum %.2f s, of %d\n", m, v[NR], NR
		}'
}

# --- the sandbox

for program_needed in postfix nsd unbound ldns-signzone sqlite3 python3 setpriv; do
	PATH=$PATH:/usr/sbin:/sbin command -v $program_needed >/dev/null ||
		skip_all "needs $program_needed: run tests/sandbox/sandbox install"
done
[[ $EUID -eq 0 ]] || skip_all 'needs root'
[[ -x $program ]] || skip_all "$program is not built"

dir=$(mktemp -d /tmp/ladder.XXXXXX)
map_file=$dir/state/tls_policy
# In front of commands that read state and map: "inside", where only the sandbox sees them.
look=()
daemon=''

clean_up() {
	[[ -z $daemon ]] || kill -KILL "$daemon" 2>/dev/null
	"$sandbox" down "$dir"
}
trap clean_up EXIT

# up [SENDER [PARAMETER]...]: a sandbox, and a sender whose map is ours. $more_destinations: a
# file of more lines of the table.
up() {
	"$sandbox" up "$dir" owner=$$ ${more_destinations:+"more=$more_destinations"} || { not_ok 'the sandbox comes up'; finish; }
	mkdir "$dir/state"
	chown nobody:nogroup "$dir/state"
	[[ $# -eq 0 ]] || sender "$@"
}

# sender NAME [PARAMETER]...: a Postfix, by default with our map.
sender() {
	local name=$1 maps=("smtp_tls_policy_maps=${map_type:-hash}:$map_file")
	shift
	[[ " $*" != *' smtp_tls_policy_maps='* ]] || maps=()
	"$sandbox" sender "$dir" "$name" "${maps[@]}" enable_long_queue_ids=yes "$@" ||
		{ not_ok "the sender $name starts"; finish; }
	chgrp adm "$dir/$name/mail.log"
	chmod 640 "$dir/$name/mail.log"
}

# As "sandbox exec", for what needs no signals: these are many, and it takes a sixth of the
# time.
inside() {
	local holder
	read -r holder _ <"$dir/world/holder"
	nsenter -t "$holder" -m -u -i -n -p --wdns="$PWD" -- setpriv --pdeathsig KILL "$@"
}

# send SENDER TO...: one message each, to the domains or addresses, in one go.
send() {
	local name=$1
	shift
	inside bash -s "$dir/$name/config" "$@" <<'END_OF_SEND'
config=$1
shift
for to in "$@"; do
	[[ $to == *@* ]] || to=user@$to
	sendmail -C "$config" -i -f sender@sender.test -- "$to" <<<"Subject: $to"
done
END_OF_SEND
}

postfix_tool() {
	inside "$1" -c "$dir/$2/config" "${@:3}"
}

# set_postfix SENDER PARAMETER=VALUE...: in main.cf, and Postfix reads it again. What it
# says then, tlsladder asks for again after a minute, or after SIGHUP.
set_postfix() {
	local name=$1
	shift
	inside postconf -c "$dir/$name/config" -e "$@"
	# Postfix waits while a configuration file is younger than two seconds.
	touch -d '1 minute ago' "$dir/$name/config/main.cf"
	inside sh -c "kill -HUP \$(cat '$dir/$name/queue/pid/master.pid')"
}

# What Postfix finds for a key in the map as it is now; nothing without an entry.
in_map() {
	inside postmap -q "$1" "${map_type:-hash}:$map_file" || true
}

# --- tlsladder

# configure SENDER [LINE]...: its configuration; further lines of YAML, "ladder: {...}".
# What is set here can be set again by the lines: sections are not merged.
configure() {
	local name=$1 lines
	shift
	lines=$(printf '%s\n' "$@")
	{
		[[ $lines == *log:* ]] || echo "log: {file: $dir/$name/mail.log}"
		[[ $lines == *state:* ]] || echo "state: $dir/state/state.db"
		[[ $lines == *rules:* ]] || echo "rules: $rules/postfix.yaml"
		[[ $lines == *map:* ]] || echo "map: {file: $map_file, type: ${map_type:-hash}}"
		[[ $lines == *postfix:* ]] || echo "postfix: {config_directory: $dir/$name/config}"
		printf '%s\n' "$lines"
	} >"$dir/tlsladder.yaml"
}

# A command of tlsladder, as the daemon's user.
ladder() {
	inside "${user[@]}" "$program" -c "$dir/tlsladder.yaml" "$@"
}

started() {
	[[ $(grep -c ' follows ' "$dir/daemon.err" 2>/dev/null) -gt $1 ]]
}

# start [VARIABLE=VALUE]...: the daemon; true when it follows the log and the map is there.
start() {
	local before
	before=$(grep -cs ' follows ' "$dir/daemon.err")
	"$sandbox" exec "$dir" -- env "$@" "${user[@]}" "$program" -v -c "$dir/tlsladder.yaml" run \
		</dev/null >>"$dir/daemon.out" 2>>"$dir/daemon.err" &
	daemon=$!
	await 10 started "${before:-0}" >/dev/null && await 10 map_is_there >/dev/null
}

# starts [VARIABLE=VALUE]..., stops: the same as assertions.
starts() {
	if start "$@"; then
		ok 'the daemon starts'
	else
		not_ok 'the daemon starts'
		finish
	fi
}

stops() {
	stop
	is 'the daemon ends when asked to' $? 0
}

map_is_there() {
	"${look[@]}" find "${map_file%/*}" -size +0 |
		grep -q "^$map_file$( [[ ${map_type:-hash} == texthash ]] || echo '\.\(db\|lmdb\|cdb\)')\$"
}

# stop: the daemon ends by itself after SIGTERM; its exit status.
stop() {
	local status
	kill -TERM "$daemon"
	wait "$daemon"
	status=$?
	daemon=''
	return $status
}

# Its process as the kernel knows it, not the one that entered the sandbox.
daemon_pid() {
	pgrep -o -f "^$program .*-c $dir/tlsladder.yaml run"
}

# kill -9; it is gone when this returns.
kill_daemon() {
	local pid
	pid=$(await 5 daemon_pid) && kill -KILL "$pid"
	wait "$daemon" 2>/dev/null
	daemon=''
}

# reload: SIGHUP; true when it is done.
reload() {
	local before
	before=$(grep -c ': reloaded: ' "$dir/daemon.err")
	kill -HUP "$daemon"
	await 10 reloaded "$before" >/dev/null
}

reloaded() {
	[[ $(grep -c ': reloaded: ' "$dir/daemon.err") -gt $1 ]]
}

# SQL on its state, rows with | between the columns.
sql() {
	"${look[@]}" sqlite3 -cmd '.timeout 5000' "$dir/state/state.db" "$1"
}

# No message of a sender is new or on its way: checked in the order in which one moves.
idle() {
	local queue
	for queue in maildrop incoming active; do
		! compgen -G "$dir/$1/queue/$queue/*" >/dev/null || return
	done
}

# Every message was tried, every line read, every destination judged, the map in place
# and the mail retried, as far as that is due now (a waiting message of version -2 was
# retried, and will be once more if it should still wait then).
settled() {
	local log=$dir/$1/mail.log due position
	idle "$1" || return
	IFS='|' read -r due position < <(sql "SELECT (SELECT count(*) FROM destination WHERE pending <> 0)
			+ (SELECT count(*) FROM waiting WHERE version > 0 OR version = -1)
			+ (SELECT (SELECT value FROM counter WHERE name = 'map-version') -
				(SELECT version FROM target WHERE name = 'map')),
			(SELECT place + 0 FROM log_place WHERE log = '$log')")
	[[ $due == 0 ]] &&
		# Last: postlogd(8) may write what was delivered a moment after it has left the queue.
		[[ $(stat -c %s "$log") == "$position" ]]
}

# A server is asked anew 30 seconds after it was asked before.
settle() {
	local output
	output=$(await "${2:-75}" settled "$1") || comment "not settled: $output" \
		"$(sql "SELECT key, pending, rule, reason FROM destination WHERE pending <> 0")" \
		"$(sql "SELECT * FROM waiting")" "$(sql 'SELECT * FROM counter')"
}

# "KEY LEVEL ATTRIBUTES" of all entries, as `list --json` has them.
entries() {
	ladder list --json | python3 -c '
import json, sys
for line in sys.stdin:
    e = json.loads(line)
    print(e["destination"], e["level"], e["attributes"])' | sed 's/ *$//'
}

# The level of one destination, "-" for no entry.
entry() {
	local level
	level=$(entries | awk -v key="$1" '$1 == key { print $2 }')
	echo "${level:--}"
}

# "SERVER TLS" of the first message that arrived for an address, "waits" if none did.
# TLS: the protocol, or "clear".
arrived() {
	awk -F '\t' -v to="$1" '
		$2 == to { print $3, $4 == "-" ? "clear" : $4; found = 1; exit }
		END { if (!found) print "waits" }' "$dir/delivered.tsv"
}

# retry_all SENDER: every message that waits is tried once more, and what that leads to.
# (Right after a flush the queue manager is as idle as before it.)
retry_all() {
	local name=$1 from ids
	from=$(wc -l <"$dir/$name/mail.log")
	ids=$(inside postqueue -c "$dir/$name/config" -j | sed 's/.*"queue_id": "\([^"]*\)".*/\1/')
	inside postqueue -c "$dir/$name/config" -f
	await 30 were_tried "$name" "$from" "$ids" >/dev/null ||
		comment "not every message was tried again"
	settle "$name"
}

were_tried() {
	[[ -z $(comm -23 <(sort -u <<<"$3") \
		<(tail -n "+$(($2 + 1))" "$dir/$1/mail.log" | sed -n 's/.*\]: \([^ ]*\): to=<.*/\1/p' | sort -u)) ]]
}

# What explains a destination, for diagnostics.
story() {
	ladder explain "$1" 2>&1
	"${look[@]}" sqlite3 -line "$dir/state/state.db" "SELECT force_ms, attempt_ms, attempts, pending, lost, suspended, trial
		FROM destination WHERE key = '$1'" | tr -s ' \n' ' '
	echo
	grep -hF "@$1>" "$dir"/*/mail.log | tail -n 5
}

# not_ok with that, for the first few: one cause may have many effects.
not_ok_of() {
	if [[ $failed -lt 10 ]]; then
		not_ok "$2" "${@:3}" "$(story "$1")"
	else
		not_ok "$2" "${@:3}"
	fi
}

# --- a table of destinations

# table_holds SENDER ROWS: what every row says, and no other entry. A row:
#
#   DOMAIN  KEY  ENTRY  SERVER  TLS
#
#   KEY     "=": the domain
#   ENTRY   "-": none
#   SERVER  who took the message; "waits": none, "bounced": it went back. "=": mx.DOMAIN
#   TLS     "clear", or the protocol; "tls": 1.2 or 1.3
table_holds() {
	local sender=$1 rows=$2 domain key level server tls got wanted
	local -A found=()
	entries >"$dir/entries"
	# One process for all of them.
	while IFS=$'\t' read -r key got; do
		found[$key]=$got
	done < <(awk '{ print $2 == "=" ? $1 : $2 }' <<<"$rows" |
		inside postmap -q - "${map_type:-hash}:$map_file")
	while read -r domain key level server tls; do
		[[ $key != = ]] || key=$domain
		[[ $server != = ]] || server=mx.$domain
		got=$(awk -v key="$key" '$1 == key { print $2 }' "$dir/entries")
		if [[ ${got:--} == "$level" ]]; then
			ok "$key: entry $level"
		else
			not_ok_of "$key" "$key: entry $level" "got: ${got:--}"
		fi
		is "$key: Postfix finds that" "${found[$key]:-}" "${level#-}"

		got=$(arrived "user@$domain")
		[[ $tls != tls ]] || got=${got/TLSv1.[23]/tls}
		case $server in
			waits) wanted=waits ;;
			bounced)
				wanted=bounced
				got=$(grep -Eq "to=<user@$domain>.*status=bounced" "$dir/$sender/mail.log" && echo bounced)
				;;
			*) wanted="$server $tls" ;;
		esac
		if [[ $got == "$wanted" ]]; then
			ok "$domain: mail $wanted"
		else
			not_ok_of "$domain" "$domain: mail $wanted" "got: $got"
		fi
	done <<<"$rows"
	is 'no entry for anything else' "$(awk '{ print $1 }' "$dir/entries" | sort)" \
		"$(awk '$3 != "-" { print $2 == "=" ? $1 : $2 }' <<<"$rows" | sort)"
}

# rows_under LEVEL: the rows of levels.table for the default level verify or dane-only.
rows_under() {
	awk -v level="$1" '/^[^#]/ { print $1, $2, (level == "verify" ? $3 " " $4 " " $5 : $6 " " $7 " " $8) }' \
		"$here/levels.table"
}

# forgotten ROWS: destinations of the sandbox that are in no row. "many-" are for load.
forgotten() {
	awk '/^[a-z]/ && !/^(sender|many-.*)\.test/ { print $1 }' "$dir/destinations" |
		grep -vxFf <(awk '{ print $1 }' <<<"$1")
}

# From each message's first deferral to its delivery: the difference of their delay=.
# Greylisting is left out.
delays() {
	awk '
		match($0, /[0-9A-Za-z]+: to=</) && match($0, /delay=[0-9.]+/) {
			delay = substr($0, RSTART + 6, RLENGTH - 6) + 0
			match($0, /to=<[^>]*>/); to = substr($0, RSTART, RLENGTH)
			if (/status=deferred/ && !(to in first)) first[to] = delay
			if (/status=sent/ && (to in first) && !/greylist/) print delay - first[to]
		}' "$dir/$1/mail.log"
}
