#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What others say of an address, a program of Postfix or a line that is not read, is passed
# on without its local part.
. "$(dirname -- "$0")/lib.sh"

log=$dir/mail.log
postconf_says 'info_log_address_format = external' 'transport_maps = pgsql:/x' 'relayhost ='
configure "log: {file: $log, from: start, learn: 0}"

line() { # LINE...: of smtp(8), with the time of now
	printf "$(date -u +%FT%TZ) mx postfix/smtp[9]: %s\n" "$@"
}
rest='relay=mx.d.test[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.7.5, status=deferred (Server certificate not verified)'

says_none() { # COMMAND...: neither its output nor what it complains about has a local part
	ladder "$@"
	is "$1: no local part" "$(cat "$dir/out" "$dir/err" | grep -i secret)" ''
}

# --- a program that fails

cat >"$dir/postmap.sh" <<'END'
read -r key
echo "postmap: warning: pgsql query failed: LINE 1: SELECT nexthop FROM t WHERE r = '$key'" >&2
echo 'postmap: fatal: table pgsql:/x: query error: Unknown error' >&2
exit 1
END
cat >"$dir/postqueue.out" <<'END'
{"queue_name": "deferred", "queue_id": "A1", "arrival_time": 1795938956, "message_size": 1, "sender": "", "recipients": [{"address": "secret@d.test", "delay_reason": "Server certificate not verified"}]}
END
line "A1: to=<secret@d.test>, $rest" >"$log"
for command in scan queue; do
	says_none "$command" $([[ $command = queue ]] || echo "$log")
	matches "$command: the rest of it is told" "$err" "WHERE r = '\\*@d\\.test': postmap: fatal"
done

# %u of a query is the local part alone.
cat >"$dir/postmap.sh" <<'END'
read -r key
user=${key%@*}
echo "postmap: warning: pgsql query failed: LINE 1: SELECT x FROM t WHERE u = '$user' AND d = 'd.test'" >&2
echo 'postmap: fatal: table pgsql:/x: query error: Unknown error' >&2
exit 1
END
says_none queue
has 'queue: nor where it is alone' "$err" "WHERE u = '*' AND d = 'd.test': postmap: fatal"

# --- a line that is not read

rm "$dir/postmap.sh"
strange() { # WHAT LINE
	printf '%s\n' "$2" >"$log"
	for command in scan match doctor; do
		says_none "$command" $([[ $command = doctor ]] || echo "$log")
		has "$command: $1" "$out$err" " to=<*@"
	done
}
address="to=<secret@d.test>, orig_to=<secret@d.test>, $rest"
strange 'in JSON of an unknown kind' "{\"msg\":\"postfix/smtp[9]: A1: $address\"}"
strange 'with a time of another form' "on 29.11. mx postfix/smtp[9]: A1: $address"
strange 'with names in quotes' "on 29.11. mx postfix/smtp[9]: A1: ${address//secret/\"secret name\"}"
strange 'with names without quotes' "on 29.11. mx postfix/smtp[9]: A1: ${address//secret/a secret}"
for len in 120 140 490; do # what is shown, and what is kept of it, ends in a name
	printf 'on 29.11. mx postfix/smtp[9]: A1: to=<%s@d.test>, %s\n' "$(printf '%*s' $len secret | tr ' ' x)" "$rest" >"$log"
	for command in scan match doctor; do
		says_none "$command" $([[ $command = doctor ]] || echo "$log")
	done
done

finish
