#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the daemon cannot do for a while: write its state, write the map, run postmap,
# lock its database. It says so once, loses nothing, and goes on by itself.
. "$(dirname -- "$0")/lib.sh"

look=(inside)
map_file=$dir/maps/tls_policy
log=$dir/strict/mail.log

"$sandbox" up "$dir" owner=$$ || { not_ok 'the sandbox comes up'; finish; }
mkdir "$dir/state" "$dir/maps"
inside mount -t tmpfs -o size=8m,mode=755,uid=65534,gid=65534 none "$dir/state"
inside mount -t tmpfs -o size=256k,mode=755,uid=65534,gid=65534 none "$dir/maps"
sender strict
cat >"$dir/wrapper" <<'SH'
#!/bin/sh
# In front of every command of Postfix.
case $1 in *postmap) [ ! -e "${0%/*}/no-postmap" ] || exit 127 ;; esac
exec "$@"
SH
chmod 755 "$dir/wrapper"
configure strict 'ladder: {may_after: {attempts: 1}}' \
	"postfix: {config_directory: $dir/strict/config, command: [$dir/wrapper]}"
starts

# fill DIRECTORY: to the last octet; it is empty again after free.
fill() {
	inside sh -c "dd if=/dev/zero of='$dir/$1/filler' bs=4k 2>/dev/null; dd if=/dev/zero of='$dir/$1/filler2' bs=1 2>/dev/null"
	is "$outage: the file system is full" "$(inside df --output=avail "$dir/$1" | tail -n 1 | tr -d ' ')" 0
}

free() {
	inside rm -f "$dir/$1/filler" "$dir/$1/filler2"
}

# begin OUTAGE: from here on "says" counts, and the time.
begin() {
	outage=$1
	said=$(wc -l <"$dir/daemon.err")
	begun=$(now)
}

lines() {
	tail -n "+$((said + 1))" "$dir/daemon.err"
}

says() {
	lines | grep -q -- "$1"
}

arrives() {
	grep -q "user@$1	" "$dir/delivered.tsv"
}

# ends DOMAIN...: the outage is over; each message arrives, and each line was counted once.
ends() {
	local domain over
	over=$(now)
	for domain; do
		awaits "$outage: over, mail to $domain is delivered" 70 arrives "$domain"
	done
	comment "$outage: lasted $(bc <<<"$over - $begun") s, all mail delivered $(bc <<<"$(now) - $over") s after it"
	settle strict
	for domain; do
		is "$outage: every deferral of $domain was counted once" \
			"$(sql "SELECT sum(count) FROM tally WHERE what LIKE 'deferred:%'
				AND destination = (SELECT id FROM destination WHERE key = '$domain')")" \
			"$(grep "to=<user@$domain>" "$log" | grep -c 'status=deferred')"
	done
	is "$outage: it is still the same process" "$(daemon_pid)" "$first_pid"
	is "$outage: it was reported once" "$(lines | grep -c ': error: cannot ')" 1
	is "$outage: and that it is over" "$(lines | grep -c ': info: can .* again')" 1
}

# What has an entry flows meanwhile.
flows_meanwhile() {
	local count
	count=$(grep -c 'user@selfsigned.test	' "$dir/delivered.tsv")
	send strict selfsigned.test
	awaits "$outage: mail under an older entry flows meanwhile" 10 \
		eval "[[ \$(grep -c 'user@selfsigned.test	' '$dir/delivered.tsv') -gt $count ]]"
}

first_pid=$(daemon_pid)
send strict selfsigned.test
awaits 'before: mail flows' 15 arrives selfsigned.test
settle strict

# --- no space for the state

begin 'no space for the state'
fill state
send strict expired-cert.test dane-ok.test plain.test
awaits "$outage: it says so" 15 says 'error: cannot store .*full'
flows_meanwhile
is "$outage: nothing is decided" "$(in_map expired-cert.test)$(in_map dane-ok.test)$(in_map plain.test)" ''
check "$outage: commands that only read work" ladder list
free state
ends expired-cert.test dane-ok.test plain.test

# --- no space for the map

begin 'no space for the map'
fill maps
send strict wrongname-cert.test dane-roll.test
awaits "$outage: it says so" 15 says 'error: cannot export the map.*\(No space\|space\)'
flows_meanwhile
is "$outage: the old map stays whole" \
	"$(in_map selfsigned.test) $(in_map dane-ok.test) $(in_map plain.test) $(in_map wrongname-cert.test)" \
	'encrypt dane-only dane '
free maps
ends wrongname-cert.test dane-roll.test

# --- postmap is missing

begin 'no postmap'
touch "$dir/no-postmap"
send strict nomx.test dane-mixed.test
awaits "$outage: it says so" 15 says 'error: cannot export the map.*postmap'
flows_meanwhile
rm "$dir/no-postmap"
ends nomx.test dane-mixed.test

# --- the database is locked

begin 'a locked database'
mkfifo "$dir/unlock"
inside python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[2], "w").close()
open(sys.argv[3]).close() # until the test opens it too
db.execute("COMMIT")' "$dir/state/state.db" "$dir/locked" "$dir/unlock" &
locker=$!
await 10 test -e "$dir/locked" >/dev/null
send strict hostile-cn.test dane-ta.test
awaits "$outage: it says so" 15 says 'error: cannot store .*locked'
flows_meanwhile
check "$outage: commands that only read work" ladder list
# It is met again and again meanwhile.
flows_meanwhile
flows_meanwhile
: >"$dir/unlock"
wait $locker
ends hostile-cn.test dane-ta.test

is 'in the end every entry is there' "$(entries | wc -l)" 10
stops
finish
