#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# metrics: what the log has, counted apart with awk; and the file that the daemon writes.
. "$(dirname -- "$0")/lib.sh"

log=$dir/mail.log
corpus=$srcdir/tests/logs/corpus/verify-syslog.log
: >"$log"
postconf_says 'mail_version = 3.10.2'
configure "log: {file: $log, from: start}" "metrics: {textfile: $dir/tlsladder.prom}"

ladder metrics
is 'without a state: exit status 66' $status 66
ladder metrics here
is 'an argument is one too many' $status 64

# value NAME [LABELS]: of the last output.
value() {
	awk -v name="tlsladder_$1" '$1 == name { print $2 }' <<<"$out"
}

start
check 'the daemon starts' await 20 said "follows $log"
cat "$corpus" >>"$log"
is_read() {
	ladder metrics
	[[ $(value "lag_bytes{log=\"$log\"}") == 0 && $(value lines_total) -gt 0 ]]
}
awaits 'it reads a log' 30 is_read
ladder metrics

# What a rule recognises, as match tells it of the same log.
"$program" -c "$dir/tlsladder.yaml" match --json "$corpus" >"$dir/matched" 2>/dev/null
is 'lines are counted: of mail that was sent, or waits' "$(($(value lines_total) + $(value ambiguous_total)))" \
	"$(grep -cE ' postfix/[^ ]*: [0-9A-Za-z]+: to=<.*, status=(sent|deferred)' "$corpus")"
rules=$(grep -o '"rule":"[^"]*"' "$dir/matched" | cut -d '"' -f 4 | sort | uniq -c | awk '{ print $2, $1 }')
check 'rules recognise some' test -n "$rules"
is 'deferrals, by rule' \
	"$(awk -F '"' '/^tlsladder_deferrals_total/ { sub(/^} /, "", $3); if ($3 > 0) print $2, $3 }' <<<"$out" | sort)" "$rules"
is 'each rule has its line' "$(grep -c '^tlsladder_deferrals_total{' <<<"$out")" \
	"$(grep -cE '^ *- name: ' "$srcdir/rules/postfix.yaml")"
is 'no other label than these' "$(grep -oE '[{,][a-z]+=' <<<"$out" | tr -d '{,=' | sort -u | paste -sd' ')" \
	'level log result rule version why'
is 'the version' "$(value "build_info{version=\"$("$program" --version | cut -d ' ' -f 2)\"}")" 1
is "Postfix's default level" "$(value 'default_level_info{level="verify"}')" 1
check 'DNS could not be asked, and that is counted' test "$(value 'dns_answers_total{result="unsure"}')" -ge 0
check 'what waits is there by why' grep -q '^tlsladder_waiting{why="hold"} 0$' <<<"$out"
is 'each metric has one type and one help' "$(grep -c '^# TYPE' <<<"$out") $(grep '^# TYPE' <<<"$out" | sort -u | wc -l)" \
	"$(grep -c '^# HELP' <<<"$out") $(grep -c '^# HELP' <<<"$out")"
is 'what only grows ends in _total' \
	"$(awk '$2 == "TYPE" && ($3 ~ /_total$/) != ($4 == "counter") { print $3 }' <<<"$out")" ''

# --- the file

has_file() {
	[[ -s $dir/tlsladder.prom ]]
}
awaits 'the daemon has written the file' 20 has_file
is 'it is the same metrics' "$(grep '^# TYPE' "$dir/tlsladder.prom")" "$(grep '^# TYPE' <<<"$out")"
is 'nothing is left beside it' "$(ls "$dir" | grep -c 'prom\.')" 0
stop
ladder metrics
exports=$(value exports_total)
check "what was counted is stored at the end: $exports exports" test "$exports" -ge 1
ladder metrics --textfile "$dir/other.prom"
is 'a file of another name' "$status $(grep '^# TYPE' "$dir/other.prom" | md5sum)" "0 $(grep '^# TYPE' "$dir/tlsladder.prom" | md5sum)"
ladder metrics --textfile "$dir/state.db"
is 'not over the state' "$status $(head -c 15 "$dir/state.db")" '64 SQLite format 3'
if command -v promtool >/dev/null; then
	promtool check metrics <"$dir/other.prom" >"$dir/promtool" 2>&1
	is 'promtool finds nothing to complain of' "$? $(<"$dir/promtool")" '0 '
else
	echo '# promtool is not there: its check is in tests/run.sh'
fi

# --- the examples: alerts and a dashboard name metrics that there are

names() {
	grep -oE 'tlsladder_[a-z_]+' "$srcdir/examples/$1" | sort -u
}
known=$(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$dir/other.prom" | sort)
for example in prometheus-rules.yaml grafana.json; do
	is "$example: each metric is one of ours" "$(comm -23 <(names "$example") <(echo "$known"))" ''
	check "$example: there are some" test "$(names "$example" | wc -l)" -gt 4
done
words=$(sed -n 's/^tlsladder_waiting{why="\(.*\)"}.*/\1/p' "$dir/other.prom")
is 'each why of an alert is a word' \
	"$(grep -oE 'why="[^"]*"' "$srcdir/examples/prometheus-rules.yaml" | cut -d '"' -f 2 | grep -vxF "$words")" ''
check 'the dashboard is JSON' python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$srcdir/examples/grafana.json"
if command -v promtool >/dev/null; then
	check 'promtool finds the alerts right' promtool check rules "$srcdir/examples/prometheus-rules.yaml"
fi

# --- what others put where it is written

mkfifo "$dir/planted.prom.new"
configure "log: {file: $log}" "metrics: {textfile: $dir/planted.prom}"
start
has_planted() {
	[[ -f $dir/planted.prom && ! -e $dir/planted.prom.new ]]
}
awaits 'a FIFO where the new file comes keeps it from nothing' 20 has_planted
stop
mkdir "$dir/directory.prom"
configure "log: {file: $log}" "metrics: {textfile: $dir/directory.prom}"
start
awaits 'a directory is told' 20 said "cannot write the metrics, will try again: $dir/directory.prom is no regular file"
stop
check 'and nothing is left beside it' test ! -e "$dir/directory.prom.new"

# --- the configuration

configure "log: {file: $log}" "metrics: {textfile: $dir/state.db}"
ladder metrics
is 'the state is no textfile' $status 78
has 'and it says which' "$err" 'metrics.textfile is a file of the state'
configure "log: {file: $log}" "metrics: {textfile: $dir/tls_policy.db}"
ladder metrics
has 'nor is the map' "$err" 'metrics.textfile is a file of the map'
configure "log: {file: $log}" "metrics: {textfile: $dir/tlsladder.yaml}"
ladder metrics
has 'nor is the configuration itself' "$err" 'tlsladder.yaml:7:21: metrics.textfile is this file; give it a name of its own'

finish
