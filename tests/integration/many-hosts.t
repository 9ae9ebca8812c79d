#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Many new destinations at many MX hosts fail in one burst: all are probed, decided and
# exported within a minute, lines are read meanwhile, and no host is connected to twice.
. "$(dirname -- "$0")/lib.sh"

crowd=${BURST_CROWD:-10000}
hosts=500

# One domain a host: h1.test and all below it receive at mx.h1.test.
more_destinations=$dir.more
trap 'clean_up; rm -f -- "$more_destinations"' EXIT
for ((i = 1; i <= hosts; i++)); do
	cat <<END
h$i.test unsigned not-verified not-dnssec mx=mx.h$i.test
    + * MX 10 mx.h$i.test.
    + mx A 10.53.1.33
END
done >"$more_destinations"

up strict
. "${0%/*}/generated.sh"

# The queue as the log has it.
cat >"$dir/listed" <<'END'
#!/bin/bash
[[ $* != *' -j' ]] || exec sed -n 's/.* \(Q[0-9]*\): to=<\([^>]*\)>.* status=deferred (\(.*\))$/{"queue_name": "deferred", "queue_id": "\1", "arrival_time": 1700000000, "recipients": [{"address": "\2", "delay_reason": "\3"}]}/p' "${0%/*}/generated.log"
[[ $* != *' -i Q'* ]] || exit 0
exec "$@"
END
chmod 755 "$dir/listed"

# burst: a message each for so many destinations that are new.
burst() {
	seq "$crowd" | awk -v stamp="$(date '+%b %e %T')" -v hosts=$hosts '{
		host = $1 % hosts + 1
		printf "%s mail postfix/smtp[%d]: Q%07d: to=<u@d%d.h%d.test>, relay=mx.h%d.test[10.53.1.33]:25, delay=0.1, delays=0.02/0/0.05/0.03, dsn=4.7.5, status=deferred (Server certificate not verified)\n", \
			stamp, 100 + $1 % 100, $1, $1, host, host
	}'
}

asked() {
	grep -oE 'asked mx\.h[0-9]+\.test' "$dir/daemon.err"
}

configure strict "log: {file: $log}" "postfix: {config_directory: $dir/strict/config, command: [$dir/listed]}"
starts
begun=$(now)
burst >>"$log"
others_come_in
awaits "$crowd new destinations are probed, decided and exported" 300 all_decided "$crowd"
grep -o 'the queue was listed .*' "$dir/daemon.err" | sed 's/^/# /'
comment "$crowd new destinations at $hosts MX hosts in one burst: in $(bc <<<"$(now) - $begun") s"
is 'every host was asked' "$(asked | sort -u | wc -l)" $hosts
is 'none of them twice' "$(asked | sort | uniq -d)" ''
is 'Postfix finds the first and the last' \
	"$(in_map d1.h2.test) $(in_map "d$crowd.h$((crowd % hosts + 1)).test")" 'encrypt encrypt'
stops
finish
