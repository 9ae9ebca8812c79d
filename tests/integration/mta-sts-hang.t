#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Five hundred domains announce an MTA-STS policy, and their policy hosts hang (case 88):
# one is asked at a time where they are of one owner and have one address, and what others need is
# decided meanwhile.
. "$(dirname -- "$0")/lib.sh"
[[ -x $builddir/tlsladder-fetch ]] || skip_all 'tlsladder-fetch is not built'

more_destinations=$dir.more
cat >"$more_destinations" <<'END'
many-hanging.test  unsigned  not-verified  not-dnssec  mx=mx.selfsigned.test
    + *  MX   10 mx.selfsigned.test.
    + *  A    127.0.0.9
    + *  TXT  "v=STSv1;id=1"
END
up verify log=rfc3339
rm -f "$more_destinations"
configure verify 'mta_sts: {networks: [127.0.0.0/8]}' 'ladder: {freeze: {destinations: 1000}}'
# Connections are taken by the kernel, and nobody ever speaks.
coproc HOST { "$sandbox" exec "$dir" -- python3 -c '
import socket, sys
host = socket.create_server(("127.0.0.9", 443), backlog=1024)
print("ready", flush=True)
sys.stdin.read()'; }
read -r -t 20 ready <&"${HOST[0]}"
is 'policy hosts that hang listen' "${ready-}" ready
policy_host=${HOST[1]}
starts

fetchers() {
	inside pgrep -c -x tlsladder-fetch
}
many_fetch() {
	[[ $(fetchers) -ge 1 ]]
}
to=()
for i in {1..500}; do
	to+=("user@d$i.many-hanging.test")
done
inside sendmail -C "$dir/verify/config" -i -f sender@sender.test -- "${to[@]}" <<<'Subject: crowd'
awaits 'they are asked' 60 many_fetch
announced() {
	[[ $(sql "SELECT count(*) FROM sts WHERE txt = 'valid'") == 500 ]]
}
awaits 'all five hundred announce one' 120 announced
settle verify
others=(expired-cert.test wrongname-cert.test hostile-cn.test unsigned-tlsa.test)
decided() {
	sql "SELECT time_ms FROM decision JOIN destination ON destination.id = destination
		WHERE key = '$1' AND action = 'set'"
}
most=0
# delay: of $domain, from its line in the log until it is decided, in seconds.
delay() {
	local line count
	count=$(fetchers)
	[[ $count -le $most ]] || most=$count
	entry_came() {
		[[ -n $(in_map "$domain") ]]
	}
	await 20 entry_came >/dev/null
	line=$(grep "to=<user@$domain>.*status=deferred" "$dir/verify/mail.log" | head -n 1 | cut -d ' ' -f 1)
	bc <<<"scale=3; $(decided "$domain") / 1000 - $(date -d "$line" +%s.%6N)"
}
# One whose listing of the queue has no other less than two seconds before it.
listed_long_ago() {
	local count
	count=$(grep -c 'the queue was listed' "$dir/daemon.err")
	[[ $count == "$(cat "$dir/listings" 2>/dev/null)" ]] || echo "$count" >"$dir/listings"
	[[ -z $(find "$dir/listings" -newermt '2.1 seconds ago') ]]
}
awaits 'no listing for two seconds' 30 listed_long_ago
domain=hostile-issuer.test
send verify "$domain"
delay >"$dir/alone"
comment "one that is deferred alone beside 500 that hang is decided in $(cat "$dir/alone") s"
check 'one that is deferred alone is decided in less than 1 s' \
	awk '$1 >= 1 { bad = 1 } END { exit bad }' "$dir/alone"
send verify "${others[@]}"
for domain in "${others[@]}"; do
	delay
done >"$dir/delays"
is 'the four that were deferred beside them have their entries' "$(wc -l <"$dir/delays")" 4
# Listings of the queue are two seconds apart, whatever hangs; who fails just after one began waits
# for the next.
check 'each was decided in less than 3 s' \
	awk '$1 >= 3 { bad = 1 } END { exit bad }' "$dir/delays"
comment "a deferral beside 500 that hang, until it is decided: $(figures <"$dir/delays")"
comment "at most $most fetchers"
check 'at most two fetch at one address, one for an owner' test "$most" -le 1
is 'and none of those whose policy host hangs has one' \
	"$(sql "SELECT count(*) FROM destination WHERE key LIKE '%many-hanging.test' AND entry <> 'none'")" 0
comment "resident: $(awk '/VmRSS/ { print $2, $3 }' "/proc/$(daemon_pid)/status")"
began=$(now)
stops
comment "it ended in $(bc <<<"$(now) - $began") s"
exec {policy_host}>&-
finish
