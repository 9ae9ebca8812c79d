#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Pages for people: all moments of a page are of one zone, which it names, wherever it is
# read. It is late at night in UTC here, and another day where it is read.
. "$(dirname -- "$0")/lib.sh"
needs_python

log=$dir/mail.log
: >"$log"
{
	printf 'p.test MX insecure\n\tp.test. 300 IN MX 10 mx.p.test.\n'
	printf 'mx.p.test A insecure\n\tmx.p.test. 300 IN A 192.0.2.1\n'
	printf 'away.test MX insecure\n\taway.test. 300 IN MX 10 mx.away.test.\n'
	printf 'mx.away.test A insecure\n\tmx.away.test. 300 IN A 192.0.2.1\n'
} >"$dir/dns"
start_dns
postconf_says 'smtp_dns_support_level = dnssec' 'smtp_host_lookup = dns' \
	'ignore_mx_lookup_error = no' 'maximal_queue_lifetime = 5d'
configure "log: {file: $log}" "dns: {resolver: '$resolver', trust: ad, tries: 1}" \
	"postfix: {command: [$fakes]}" 'mta_sts: {enable: true}'
export TLSLADDER_NOW_OFFSET=$(($(date -ud '2026-11-20 23:35' +%s) - $(date +%s)))
# A quarter of an hour is in no other test: five hours and three quarters before UTC.
export TZ=NPT-5:45

# logs TEXT: a line of smtp(8) of this moment, which the daemon moves with its clock
logs() {
	echo "$(date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00) mail postfix/smtp[77]: $1" >>"$log"
}
says() {
	"$program" -c "$dir/tlsladder.yaml" explain --json "$2" 2>/dev/null | grep -q "\"why\":\"$1\",\"sentence"
}
sent_is_known() {
	"$program" -c "$dir/tlsladder.yaml" explain --json p.test 2>/dev/null | grep -q '"last_verified":"2'
}

ladder set pin.test secure match=.pin.test --for 7d --note 'as agreed'
start
check 'the daemon starts' await 20 said "follows $log"
logs 'Verified TLS connection established to mx.p.test[192.0.2.1]:25: TLSv1.3 with cipher X (256/256 bits)'
logs '4jYQBx3n2tz1bYNE: to=<user@p.test>, relay=mx.p.test[192.0.2.1]:25, delay=9, delays=8/0/0.03/0.02, dsn=2.0.0, status=sent (250 2.0.0 Ok)'
printf '{"queue_name": "deferred", "queue_id": "4jYQBx3n2tz1bYNC", "arrival_time": %d, "recipients": [{"address": "user@away.test", "delay_reason": "Server certificate not verified"}]}\n' \
	"$EPOCHSECONDS" >"$dir/postqueue.out"
logs '4jYQBx3n2tz1bYNC: to=<user@away.test>, relay=mx.other.test[192.0.2.1]:25, delay=9, delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (Server certificate not verified)'
check 'mail waits' await 20 says elsewhere away.test
check 'mail was sent' await 20 sent_is_known
python3 - "$dir/state.db" <<'END'
import sqlite3, sys
now = 1795217700000  # 2026-11-20 23:35 UTC
with sqlite3.connect(sys.argv[1]) as db:
    columns = [row[1] for row in db.execute("PRAGMA table_info(sts)")]
    row = dict.fromkeys(columns, 0)
    row.update(domain="p.test", mode="enforce", max_age_s=604800, mx="mx.p.test", id="1", fetched_ms=now, txt="valid",
               txt_id="1", txt_ms=now, txt_next_ms=now + 86400000, cause="tls-name", tried_ms=now, failing_ms=now,
               failed_id="", next_ms=now + 86400000, applied="enforce", detail="")
    db.execute("INSERT OR REPLACE INTO sts(%s) VALUES (%s)" % (", ".join(row), ", ".join("?" * len(row))), list(row.values()))
    (id,), = db.execute("SELECT id FROM destination WHERE key = 'p.test'")
    db.execute("INSERT OR REPLACE INTO sts_key VALUES (?, 'p.test')", (id,))
END
stop

# page NAMES COMMAND...: its moments are those of this half hour, of some day, in UTC, and the zone
# is named NAMES times: once at the head of a page, or behind each moment.
page() {
	local names=$1 found
	shift
	ladder "$@"
	found=$(python3 -c '
import re, sys
clocks = re.findall(r"\b20\d\d-\d\d-\d\d (\d\d:\d\d)", sys.argv[1])
days = set(re.findall(r"\b20\d\d-\d\d-\d\d\b", sys.argv[1]))
print(len(days) > 0, [clock for clock in clocks if not "23:30" <= clock <= "23:59"],
      sorted(days - {"2026-11-%d" % day for day in (20, 21, 25, 27)}))' "$out")
	is "$*: it has moments, all of UTC" "$found" 'True [] []'
	is "$*: which is named" "$(grep -o 'UTC' <<<"$out" | wc -l)" "$names"
	hasnt "$*: and no other zone" "$(grep -cE '[0-9] ?(NPT|[+-][0-9]{2}:?[0-9]{2}|Z)\b' <<<"$out")" '[1-9]'
}
for name in pin.test away.test p.test; do
	page 1 explain $name
done
page 1 list
page 1 list --waiting
page 1 list away.test pin.test
page 1 status
page 1 check p.test
page 1 policy
page 6 policy p.test
# and once in the sentence that says what a day is
page 2 report
page 1 doctor

ladder set .pin.test verify --for 7d
ladder unset .pin.test
page 1 undo .pin.test
finish
