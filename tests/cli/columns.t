#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every command on a terminal of 80 columns, with the longest words, a domain of 200
# characters and one beyond ASCII: no line is longer, and of no domain a character is lost.
. "$(dirname -- "$0")/lib.sh"
needs_python

log=$dir/mail.log
label() {
	printf "$1%.0s" $(seq "$2")
}
long=$(label a 63).$(label b 63).$(label c 63).examples
umlaut=noch-mehr-bücher-für-alle.öffentlich-überall.test
short=short.test
is 'a domain of 200 characters' "${#long}" 200
domains=("$long" "$umlaut" "$short")

digest=cb75e267a8ae9e63c8b81e186371cf263a89024e1337eee6c895c99c703ec6d2
ascii() {
	python3 -c 'import sys; print(sys.argv[1].encode("idna").decode())' "$1"
}
for domain in "${domains[@]}"; do
	name=$(ascii "$domain")
	printf '%s MX secure\n\t%s. 300 IN MX 10 mx.%s.\n' "$name" "$name" "$name"
	printf 'mx.%s A secure\n\tmx.%s. 300 IN A 192.0.2.1\n' "$name" "$name"
	printf '_25._tcp.mx.%s TLSA secure\n\t_25._tcp.mx.%s. 300 IN TLSA 3 1 1 %s\n' "$name" "$name" "$digest"
done >"$dir/dns"
start_dns
postconf_says 'smtp_dns_support_level = dnssec' 'smtp_host_lookup = dns' \
	'ignore_mx_lookup_error = no' 'maximal_queue_lifetime = 5d'
configure "log: {file: $log, from: start, learn: 0}" "dns: {resolver: '$resolver', trust: ad, tries: 1}"
n=0
for domain in "${domains[@]}"; do
	for reason in 'Server certificate not verified' \
		"TLS is required, but was not offered by host mx.$(ascii "$domain")[192.0.2.1]"; do
		n=$((n + 1))
		echo "$(date -u -d "-$((600 - n)) seconds" +%Y-%m-%dT%H:%M:%S.%6N+00:00) mail postfix/smtp[77]:" \
			"4jYQBx3n2tz1bYN$n: to=<user@$domain>, relay=mx.$(ascii "$domain")[192.0.2.1]:25, delay=9," \
			"delays=8.1$n/0/0.03/0.02, dsn=4.7.5, status=deferred ($reason)"
	done
done >"$log"
n=-1
for domain in "${domains[@]}"; do
	n=$((n + 2))
	printf '{"queue_name": "deferred", "queue_id": "4jYQBx3n2tz1bYN%s", "arrival_time": %s, "recipients": [{"address": "user@%s", "delay_reason": "Server certificate not verified"}]}\n' \
		"$n" "$(date -d -1hour +%s)" "$domain"
done >"$dir/postqueue.out"

tried=' run '
# shown COMMAND...: no line is longer, but by one word that is; the domains named in $names are whole.
shown() {
	local what=${*//$long/LONG} domain lost='' whole
	on_terminal 80 "$@"
	whole=$out
	what=${what//$dir\//}
	tried+="$1 "
	check "$what: prints something" test -n "$out"
	for domain in $names; do
		[[ $out == *"$domain"* ]] || lost+=" ${domain:0:20}"
	done
	is "$what: the domains are whole" "$lost" ''
	for domain in "$(ascii "$long")" "$(ascii "$umlaut")" "$match"; do
		out=${out//$domain/}
	done
	check "$what: no more than 80 columns" test "$(widest)" -le 80
	out=$whole
}

match=match=$(printf 'mx%s.example.test:' {1..20})end
all="$long $umlaut $short"
names=$all
shown scan "$log"
shown queue
shown match "$log"
shown match --all "$log"
has 'match: its rule is there, too' "$out" tls-not-offered
# shellcheck disable=SC2086
shown check $all
shown scan --apply "$log"
is 'a domain of 200 characters is decided as every other' "$("$program" -c "$dir/tlsladder.yaml" list --json |
	sed 's/.*"destination":"\([^"]*\)","level":"\([^"]*\)".*/\1 \2/' | sort)" \
	"$(printf '%s dane-only\n' "${domains[@]}" | sort)"
shown list
shown list --waiting
note='a note that is long enough to need more than one line of eighty columns, and then one more'
# shellcheck disable=SC2086
shown set $all secure "$match" --for 1w --note "$note"
has 'set: what it set is whole' "$out" mx20.example.test:end
shown list
for names in $all; do
	shown explain "$names"
done
names=$long
shown undo "$long"
shown list "$long"
names=$all
# shellcheck disable=SC2086
shown again $all
names=$long
python3 - "$dir/state.db" "$long" <<'END'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("INSERT INTO sts VALUES (?, 'enforce', 604800, 'mx.a.test', '1', 1, 'valid', '1', 1, 1, 0, 0, 'tls-name',"
               " 1, 1, '1', 1, 0, 0, 1, 0, 'enforce', 'www.a.test', 0, 0)", (sys.argv[2],))
END
shown policy
shown policy "$long"
shown policy --refresh "$long"
shown policy --drop "$long"
names=$all
# shellcheck disable=SC2086
shown unset $all

# The longest words there are.
python3 - "$dir/state.db" "$srcdir/src/core/why.h" <<'END'
import re, sqlite3, sys
words = sorted(re.findall(r'W\(\w+, "([a-z-]+)"', open(sys.argv[2]).read()), key=len)
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE destination SET why = ?, entry_why = ?, entry = 'dane-only', look_ms = since_ms", (words[-1], words[-2]))
db.execute("UPDATE destination SET pinned = 0, reason = 'Cannot start TLS: ' || ?", ("日本語 " * 30,))
# A message each, as the queue shows it.
db.execute("INSERT OR IGNORE INTO waiting(destination, queue_id, time_ms, arrival_ms) SELECT id, 'X' || id, since_ms, since_ms FROM destination")
db.execute("DELETE FROM waits_count")
db.execute("INSERT INTO waits_count SELECT entry, entry_why, why, count(*) FROM destination GROUP BY 1, 2, 3")
db.commit()
END
shown list
shown list --waiting
for names in $all; do
	shown explain "$names"
	shown list "$names"
done
names=''
shown list --count "$long"

# Whose mail bounces first is named.
shown status
has "status: the domain is whole" "$out" "$long"
names=$all
shown report
shown report --lang de
for what in '' scan queue match rules check status list explain set unset undo again policy report export metrics notice schema adopt unpublish doctor help run; do
	names=''
	# shellcheck disable=SC2086
	shown help $what
done
shown rules
on_terminal 80 doctor
tried+='doctor '
out=$(sed "s|${dir}[^ ]*||g; s|/usr/local/[^ ]*||g" <<<"$out")
check 'doctor: no more than 80 columns, but for a path' test "$(widest)" -le 80

# --- what complains

# complains COMMAND...: as shown, of errors and warnings; where nobody looks at them each is
# a line. What it says there is in complaint.
complains() {
	local what=${*//$long/LONG} words
	what=${what//$none/OTHER}
	what=${what//$dir\//}
	complains_on_terminal 80 "$@"
	complaint=$out
	words=$(tr -s '\n ' ' ' <<<"${out//\`/}")
	out=$(sed "s|$long|LONG|g; s|$none|OTHER|g; s|${dir}[^ ]*|FILE|g; /^usage: /,\$d" <<<"$out")
	check "$what: complains in no more than 80 columns" test "$(widest)" -le 80
	ladder "$@"
	matches "$what: where stderr is no terminal a line each" "$err" \
		$'^(((tlsladder: (error|warning|note): |/[^ ]*:[0-9]+:[0-9]+: |usage: |           )[^\n]*)\n?)+$'
	is "$what: and the same words" "$words" "$(tr -s '\n ' ' ' <<<"${err//\`/}")"
}

none=other.${long#*.}
complains list "$none"
has 'the domain is whole' "$complaint" "$none"
complains set "$long" encript
has 'and what is wrong' "$complaint" encript
complains undo "$short" "$long"
complains list --why entrusted
complains notice "$long" # no server answers here
tried+='notice '
cp "$dir/tlsladder.yaml" "$dir/right.yaml"
printf 'ladder: {lowest: everything-there-is, hold: 2h, recheck: soon, may_after: {attempts: none}}\n' >>"$dir/tlsladder.yaml"
complains list
has 'file, line and column are whole' "$complaint" "$dir/tlsladder.yaml:7:18:"
mv "$dir/right.yaml" "$dir/tlsladder.yaml"
mv "$dir/state.db" "$dir/kept.db"
complains list
has 'a command to be typed is whole' "$complaint" 'tlsladder run'
mv "$dir/kept.db" "$dir/state.db"
complains_on_terminal 0 list "$none"
out=${out//$none/}
check 'where the width is not known it is 80' test "$(widest)" -le 80

# What programs read is the same on a terminal as in a file.
# shellcheck disable=SC2086
while read -r command; do
	command=${command//ALL/$all}
	command=${command//LOG/$log}
	on_terminal 80 $command
	is "${command//$long/LONG} is the same on a terminal" "$out" "$("$program" -c "$dir/tlsladder.yaml" $command 2>/dev/null </dev/null)"
done <<END
export --format csv
export --json
metrics
report --json
list --json
list --waiting --json
explain --json ALL
match --json LOG
END
tried+='export metrics '

# --- tables beside the map; tests/fake/table.c stands for one

mkdir "$dir/bin"
cp "$builddir/tlsladder" "$builddir/tests/unit/tlsladder-mariadb" "$dir/bin"
alone=$program
program=$dir/bin/tlsladder
cp "$dir/tlsladder.yaml" "$dir/right.yaml"
complains adopt
echo "publish: [{sql: mariadb, login: $dir/t, schema: mailcow}]" >>"$dir/tlsladder.yaml"
"$program" -c "$dir/tlsladder.yaml" set "${domains[@]}" verify >/dev/null 2>&1
printf '9\n%s\t7\tencrypt\t-\t1\t0\n%s\t8\tverify\t-\t1\t0\n' "$long" "$short" >"$dir/t"
names=$all
# It is said once: what is somebody else's row by then is no news.
# shellcheck disable=SC2086
complains_on_terminal 80 set $all encrypt
has 'set: whose row is left alone is told' "$(tr -s '\n ' ' ' <<<"$out")" 'our row was changed by somebody else'
has 'set: the domain is whole' "$out" "$long"
out=$(sed "s|$long|LONG|g; s|${dir}[^ ]*|FILE|g" <<<"$out")
check 'set: no more than 80 columns' test "$(widest)" -le 80
shown list
for names in $all; do
	shown explain "$names"
done
python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute("DELETE FROM published"); c.commit()' \
	"$dir/state.db"
names=$long
shown adopt --yes # else it asks the terminal
complains unpublish
echo outage >"$dir/t.does"
complains adopt
complains set "$short" verify
rm "$dir/t.does"
mv "$dir/right.yaml" "$dir/tlsladder.yaml"
names=''
shown unpublish
shown schema mariadb
complains schema sqlite
"$program" -c "$dir/tlsladder.yaml" unset "${domains[@]}" >/dev/null 2>&1
program=$alone

# --- the daemon, on somebody's terminal

mkdir "$dir/daemon"
sed -i "s|^state: .*|state: $dir/daemon/state.db|" "$dir/tlsladder.yaml"
# shellcheck disable=SC2016
"$builddir/tests/tools/terminal" -e 80 /bin/bash -c 'echo $$ >"$1"; exec "$2" -c "$3" run' \
	bash "$dir/pid" "$program" "$dir/tlsladder.yaml" </dev/null >"$dir/run.err" 9>&- &
terminal=$!
decided() {
	"$program" -c "$dir/tlsladder.yaml" list --json 2>/dev/null | grep -c dane-only | grep -qx 3
}
awaits 'run: on a terminal' 20 decided
read -r daemon <"$dir/pid"
kill "$daemon"
wait "$terminal"
daemon=''
out=$(<"$dir/run.err")
has 'run: the domain is whole' "$out" "$long"
for domain in "$(ascii "$long")" "$long" "$(ascii "$umlaut")"; do
	out=${out//$domain/}
done
out=$(sed "s|${dir}[^ ]*||g" <<<"$out")
check 'run: no more than 80 columns' test "$(widest)" -le 80

# Every command was here.
while read -r command; do
	has "$command was tried" "$tried" " $command "
done < <("$program" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
finish
