#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run: how much memory the daemon has at rest, with ten thousand MTA-STS policies that it
# looks at, and that it is the same after two days of looks.
. "$(dirname -- "$0")/lib.sh"
needs_python
[[ -r /proc/self/status ]] || skip_all 'needs /proc'
! grep -qaE '__(asan|tsan|msan)_init' "$program" || skip_all 'a sanitizer has memory of its own'

policies=10000
limit_kb=$((12 * 1024)) # resident, at rest

: >"$dir/mail.log"
postconf_says
# Whoever is not in it announces nothing: a policy that is held stays.
printf 'x.test MX secure\n\tx.test. 300 IN MX 10 mx.x.test.\n' >"$dir/dns"
start_dns
configure "log: {file: $dir/mail.log}" "dns: {resolver: '$resolver', trust: ad, tries: 1}"

sql() {
	python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as db:
    for text in sys.argv[2].split(";"):
        for row in db.execute(text):
            print(*row)' "$dir/state.db" "$1"
}

# resident: in KiB
resident() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status"
}

looked_at() {
	[[ $(sql 'SELECT count(*) FROM sts WHERE txt_next_ms = 1') == 0 ]]
}

# The database is written to, so that the daemon looks whether it has something to do.
is_small() {
	sql 'UPDATE counter SET value = value WHERE 0'
	echo >>"$dir/mail.log"
	[[ $(resident) -lt $limit_kb ]]
}

start
await 20 said 'follows ' >/dev/null
stop
now=$(date +%s)000
sql "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $policies - 1)
	INSERT INTO sts SELECT 'p' || i || '.test', 'enforce', 604800, 'mx.d.test', '1', $now - 3600000,
		'valid', '1', $now - 3600000, 1, 0, 0, 'ok', 0, 0, '', 0, 0, 0, $now - 60000, 1, 'enforce', '', 0, 0 FROM n;
	INSERT INTO destination(key, entry, attributes, why, entry_why, force_ms, since_ms, lease_ms, lease_end_ms, look_ms)
		SELECT domain, 'secure', 'match=mx.d.test servername=hostname', 'policy', 'policy', 1, $now, 604800000,
			$now + 604800000, $now + 43200000 FROM sts;
	INSERT INTO sts_key SELECT d.id, d.key FROM destination d JOIN sts ON sts.domain = d.key"

start
awaits 'ten thousand policies are looked at' 60 looked_at
awaits 'the daemon has less than 12 MiB then' 90 is_small
first=$(resident)
for day in 2 3; do
	sql 'UPDATE sts SET txt_next_ms = 1, next_ms = 1'
	ladder policy --refresh p0.test # and the daemon hears of it
	awaits "they are looked at on day $day" 60 looked_at
	awaits 'it has less than 12 MiB then' 90 is_small
done
last=$(resident)
echo "# resident: $first kB after the first looks, $last kB after the third"
check 'and no more than after the first looks, but a little' test "$last" -lt $((first + 512))
stop
is 'it ends' $status 0
finish
