# SPDX-License-Identifier: BSD-2-Clause
# For tests of a log that is made line by line: sourced behind lib.sh, once the sandbox is up.
# shellcheck shell=bash
log=$dir/generated.log
: >"$log"
chmod 644 "$log"

# all_decided COUNT: so many destinations have the entry encrypt, and the map knows.
all_decided() {
	[[ $(sql "SELECT (SELECT count(*) FROM destination WHERE entry = 'encrypt')
		|| ' ' || (SELECT count(*) FROM counter a JOIN target b WHERE a.name = 'map-version'
		AND b.name = 'map' AND a.value = b.version)") == "$1 1" ]]
}

counted_other() {
	[[ $(sql "SELECT count FROM tally JOIN destination ON id = destination WHERE key = 'other$1.nowhere.test' AND what = 'sent'") == 1 ]]
}

# Lines of others come in meanwhile: each is counted before the next is written.
others_come_in() {
	local i
	for i in 1 2 3 4 5; do
		printf '%s mail postfix/smtp[7]: R%d: to=<u@other%d.nowhere.test>, relay=mx.nowhere.test[192.0.2.1]:25, delay=0.1, delays=0.02/0/0.05/0.03, dsn=2.0.0, status=sent (250 Ok)\n' \
			"$(date '+%b %e %T')" $i $i >>"$log"
		awaits "line $i that comes in meanwhile is counted" 5 counted_other $i
	done
}
