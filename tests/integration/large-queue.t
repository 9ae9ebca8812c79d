#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A queue of 1,000,000 messages from a program in postqueue's place, then a genuine one of
# 100,000, as showq(8) lists it: one listing for all alarms of a burst, the next one ten times
# as long after it as it took, and no memory that grows with the queue.
. "$(dirname -- "$0")/lib.sh"

genuine=${LARGE_QUEUE:-100000}
stand_in=${LARGE_LISTING:-1000000}
burst=20
grows_kb=4096 # at most; a listing of 100,000 messages has 26 MB

# So many files are made in memory.
base=$dir
gone() {
	clean_up
	umount "$base" && rmdir "$base"
}
trap gone EXIT
mount -t tmpfs -o size=4g,mode=755 ladder "$base" || { not_ok 'there is a file system in memory'; finish; }
dir=$base/sandbox
# shellcheck disable=SC2034 # lib.sh reads it
map_file=$dir/state/tls_policy
mkdir "$dir"

up strict
log=$dir/strict/mail.log

# Every listing is written down: when it began and how long it took, in milliseconds.
cat >"$dir/noted" <<'END'
#!/bin/bash
dir=${0%/*}
case "$*" in
	*' -j') ;;
	*' -f') exit ;; # all of them would be tried
	*) exec "$@" ;;
esac
begun=${EPOCHREALTIME//[^0-9]/}
[[ ! -e $dir/listing ]] || cat "$dir/listing"
"$@"
status=$?
echo "$((begun / 1000)) $(((${EPOCHREALTIME//[^0-9]/} - begun) / 1000))" >>"$dir/state/listings"
exit $status
END
chmod 755 "$dir/noted"
configure strict 'ladder: {may_after: {attempts: 1}}' "postfix: {config_directory: $dir/strict/config, command: [$dir/noted]}"

# The most memory of the daemon, in KiB.
peak() {
	awk '$1 == "VmHWM:" { print $2 }' "/proc/$(daemon_pid)/status"
}

deferred() {
	[[ $(grep -cE "to=<user@$1[0-9]+\.many-selfsigned\.test>.*status=deferred" "$log") -ge $burst ]]
}

decided() {
	[[ $(sql "SELECT count(*) FROM destination WHERE key LIKE '$1%.many-selfsigned.test' AND entry = 'encrypt'") == "$burst" ]]
}

# alarms NAME: so many destinations fail while the daemon stands still: it reads all at once.
alarms() {
	local pid i names=()
	for ((i = 1; i <= burst; i++)); do
		names+=("$1$i.many-selfsigned.test")
	done
	pid=$(daemon_pid)
	kill -STOP "$pid"
	send strict "${names[@]}"
	awaits "$1: $burst destinations fail" 60 deferred "$1"
	kill -CONT "$pid"
	awaits "$1: all of them are decided" 180 decided "$1"
}

listings() {
	grep -c . "$dir/state/listings"
}

# What began before ten times what the one before took was over: a line each.
too_early() {
	awk 'NR > 1 && $1 < before + 10 * took { print $1 - before " ms behind one of " took }
		{ before = $1; took = $2 }' "$dir/state/listings"
}

touch "$dir/state/listings"
chown nobody: "$dir/state/listings"

# --- a message that waits for no TLS

starts
send strict down.test
awaits 'a message waits' 20 grep -q 'to=<user@down.test>.*status=deferred' "$log"
alarms few
before=$(peak)

# --- a stand-in of a million

awk -v n="$stand_in" 'BEGIN {
	for (i = 0; i < n; i++)
		printf "{\"queue_name\": \"deferred\", \"queue_id\": \"4XYZ%07dz1\", \"arrival_time\": 1700000000, \"message_size\": 320, \"forced_expire\": false, \"sender\": \"sender@sender.test\", \"recipients\": [{\"address\": \"user@d%d.example\", \"delay_reason\": \"connect to mx.d%d.example[192.0.2.1]:25: Connection timed out\"}]}\n", i, i, i
}' </dev/null >"$dir/making"
mv "$dir/making" "$dir/listing"
from=$(listings)
alarms million
# Two, where DNS takes its time for some.
check "one listing of $stand_in messages serves all of them" [ $(($(listings) - from)) -le 2 ]
rm "$dir/listing"

# --- a genuine queue

# Short queue ids, as Postfix makes them of microseconds and the number of the file: their
# first digit is their directory. Each is due tomorrow.
python3 -B - "$dir/strict/queue" "$genuine" <<'END'
import glob, os, sys
queue, count = sys.argv[1], int(sys.argv[2])
message = glob.glob(queue + "/deferred/*/*")[0]
texts = {"deferred": open(message, "rb").read(),
         "defer": open(message.replace("/deferred/", "/defer/"), "rb").read()}
owner = os.stat(message)
for number in range(count):
    name = f"{number:05X}"[::-1] + "ABCDEF"
    for kind, text in texts.items():
        place = f"{queue}/{kind}/{name[0]}"
        if number < 16:
            os.makedirs(place, 0o700, exist_ok=True)
            os.chown(place, owner.st_uid, owner.st_gid)
        file = os.open(f"{place}/{name}", os.O_WRONLY | os.O_CREAT,
                       0o700 if kind == "deferred" else 0o600)
        os.write(file, text)
        os.fchown(file, owner.st_uid, owner.st_gid)
        os.close(file)
        if kind == "deferred":
            os.utime(f"{place}/{name}", (owner.st_mtime + 86400,) * 2)
END
waiting=$(inside postqueue -c "$dir/strict/config" -j | grep -c .)
check "showq(8) lists $genuine messages and those of before: $waiting" [ "$waiting" -gt "$genuine" ]
from=$(listings)
alarms genuine
check "one listing of $waiting messages serves all of them" [ $(($(listings) - from)) -le 2 ]

is 'each began ten times as long after the one before as that took' "$(too_early)" ''
after=$(peak)
comment "listings (begun, took; ms): $(paste -sd';' "$dir/state/listings")" "the daemon: $before KiB at most before, $after after"
check "the daemon grew by no more than $grows_kb KiB" [ $((after - before)) -le $grows_kb ]
stops
finish
