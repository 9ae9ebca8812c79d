#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# kill -9 of the daemon, of its helper or of the database itself, at any step of what is published,
# and then once more without: the table and the state agree, and rows of others are as they were.
# KILLED_KILLS (100) and KILLED_SEED (1) can be set.
. "$(dirname -- "$0")/lib.sh"
program=$builddir/tlsladder
helper=$builddir/tlsladder-mariadb
[[ -x $helper ]] || skip_all 'built without libmariadb'
command -v mariadbd >/dev/null || skip_all 'needs mariadb-server'
command -v sqlite3 >/dev/null || skip_all 'needs sqlite3'

kills=${KILLED_KILLS:-100}
RANDOM=${KILLED_SEED:-1}
comment "$kills kills, seed ${KILLED_SEED:-1}"

start_mariadb db 3306
make_mailcow
login=$dir/login
write_login "$login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = mailcow'
: >"$dir/mail.log"
# configure NAME [LINE]
configure() {
	cat >"$dir/$1.yaml" <<END
log: {file: $dir/mail.log}
state: $dir/state.db
map: {file: $dir/map, type: none}
rules: $srcdir/rules/postfix.yaml
postfix: {config_directory: /nonexistent, default_level: verify, retry: no}
${2-}
END
}
configure without
configure with "publish: [{sql: mariadb, login: $login, schema: mailcow}]"

# --- the parts

start_daemon() {
	"$program" -c "$dir/with.yaml" run </dev/null >>"$dir/daemon.err" 2>&1 &
	daemon=$!
	started+=("$daemon")
}

end_daemon() {
	kill -KILL "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
}

# The helper that the daemon runs now.
child_of() {
	local child
	for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
		[[ $(readlink "/proc/$child/exe" 2>/dev/null) == "$helper" ]] && echo "$child" && return
	done
	return 1
}

state() {
	sqlite3 -separator ' ' -cmd '.timeout 5000' "$dir/state.db" "$1"
}

# All is published, and compared since the daemon began.
is_published() {
	local row
	row=$(state "SELECT (SELECT value FROM counter WHERE name = 'map-version') =
			(SELECT version FROM target WHERE name LIKE 'sql %'),
		(SELECT value FROM counter WHERE name LIKE 'compared %') >= $begun_ms,
		(SELECT count(*) FROM published_intent)")
	[[ $row == '1 1 0' ]]
}

# --- what both say

# The rows that are wanted, and those of others, beside what is there.
wanted() {
	state "SELECT key, trim(entry || ' ' || attributes)
		FROM destination WHERE entry <> 'none' AND key NOT LIKE 'his%'"
	printf '%s\n' 'his1.test may' 'his2.test secure'
}
there() {
	sql "SELECT TRIM(CONCAT_WS(' ', dest, policy, parameters)) FROM tls_policy_override"
}
agree() {
	LC_ALL=C diff <(wanted | LC_ALL=C sort) <(there | LC_ALL=C sort)
}
# What is known of rows of ours.
known() {
	LC_ALL=C diff <(state "SELECT dest, id, policy, modified FROM published WHERE state = 'ours'" | LC_ALL=C sort) \
		<(sql "SELECT CONCAT_WS(' ', dest, id, policy, COALESCE(modified, ''))
			FROM tls_policy_override WHERE dest NOT LIKE 'his%'" | LC_ALL=C sort)
}

sql "INSERT INTO tls_policy_override (dest, policy) VALUES ('his1.test', 'may'), ('his2.test', 'secure')"

# --- the kills

# Entries of half of the destinations change, some of them go: as what the ladder decides, at once.
seq -f 'k%g.test encrypt' 1200 >"$dir/pins"
echo 'his1.test encrypt' >>"$dir/pins"
"$program" -c "$dir/without.yaml" set --from "$dir/pins" >/dev/null 2>"$dir/set.err"
is 'there are entries' "$? $(state "SELECT count(*) FROM destination WHERE entry = 'encrypt'")" '0 1201'
levels=(encrypt verify secure dane-only none)
change() {
	local i sql=''
	for i in {0..4}; do
		sql+="UPDATE destination SET entry = '${levels[i]}', map_version = (SELECT value FROM counter
			WHERE name = 'map-version') WHERE key LIKE 'k%' AND (id * $((RANDOM * 2 + 1)) + $RANDOM) / 7 % 10 = $i;"
	done
	state "BEGIN IMMEDIATE; UPDATE counter SET value = value + 1 WHERE name = 'map-version'; $sql COMMIT"
}

# Undisturbed: so long it takes from the start of the daemon, in us. The shortest of three: what
# else the machine does is over when it comes to the kills.
span=
begin() {
	change
	state "DELETE FROM counter WHERE name LIKE 'compared %'"
	begun=${EPOCHREALTIME/./}
	begun_ms=$((begun / 1000))
	start_daemon
}
for n in 1 2 3; do
	begin
	until is_published; do pause 0.005; done
	took=$((${EPOCHREALTIME/./} - begun))
	[[ -n $span && $span -le $took ]] || span=$took
	end_daemon
done
comment "undisturbed: $((span / 1000)) ms"

intents=0 halves=0 hits=0 faults=0
victims=(daemon helper server)
for ((n = 0; n < kills; n++)); do
	victim=${victims[n % 3]}
	begin
	# What is before the first question is half of the time.
	until_us=$((begun + span * 4 / 10 + (RANDOM * 32768 + RANDOM) % (span * 7 / 10)))
	while ((${EPOCHREALTIME/./} < until_us)); do pause 0.001; done
	case $victim in
		daemon)
			end_daemon
			# A helper whose daemon is gone may go on to its end.
			while pgrep -x -f "$helper $login mailcow" >/dev/null; do pause 0.02; done
			;;
		helper)
			for _ in {1..20}; do
				pid=$(child_of "$daemon") && kill -KILL "$pid" 2>/dev/null && break
				pause 0.002
			done
			;;
		server)
			kill -KILL "${server[db]}"
			wait "${server[db]}" 2>/dev/null
			;;
	esac
	# What else the machine does changes: the span follows it.
	if is_published; then
		span=$((span * 9 / 10))
	else
		hits=$((hits + 1))
		span=$((span * 21 / 20))
	fi
	[[ $(state 'SELECT count(*) FROM published_intent') -eq 0 ]] || intents=$((intents + 1))
	[[ $victim != server ]] || start_mariadb db 3306
	agree >/dev/null || halves=$((halves + 1))
	if [[ $victim == daemon ]]; then
		start_daemon
	fi
	output=$(await 60 is_published) || { comment "round $n, $victim: $output" "$(tail -n 3 "$dir/daemon.err")"; faults=$((faults + 1)); }
	end_daemon
	output=$(agree && known) || {
		comment "round $n, $victim: $(head -n 5 <<<"$output")"
		faults=$((faults + 1))
	}
done
comment "of $kills: before the end $hits, with intents $intents, the table behind the state $halves"
is 'after each the table and the state agree, and rows of others stay' "$faults" 0
check 'many came before the end' test "$hits" -gt $((kills / 4))
is 'nothing of ours was taken for his, nor for deleted' "$(grep -c 'takes no such row\|is left alone from now on\|was deleted by somebody' "$dir/daemon.err")" 0
finish
