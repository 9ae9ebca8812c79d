#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# doctor: Postfix, our map and what stands beside it, the state.
. "$(dirname -- "$0")/lib.sh"
. "$(dirname -- "$0")/doctor.sh"

# --- nothing is wrong

heal
examine configuration >/dev/null
is 'a good installation has no fault' "$(grep -v '"result":"ok"' "$dir/doctor.json" | grep -v '"check":"daemon"')" ''
is 'and exit status 0' "$(<"$dir/status")" 0
cp "$dir/doctor.json" "$dir/healthy.json"
is 'it says one line a check to people' "$(ladder doctor | grep -c '^ok ')" "$(grep -c '"result":"ok"' "$dir/doctor.json")"

# --- Postfix

ill 'no level to climb down from' level warning typed set_main 'smtp_tls_security_level = may'
ill 'a level that is none' level fault typed set_main 'smtp_tls_security_level = strong'
ill 'a level that differs from ours' level warning typed yaml postfix "{config_directory: $config, default_level: secure}"
ill 'no level at all' level warning typed set_main 'smtp_tls_security_level ='
ill 'sessions are not logged' loglevel warning typed set_main 'smtp_tls_loglevel = 0'
ill 'no DNSSEC' dane fault typed set_main 'smtp_dns_support_level ='
ill 'no DNS' dane fault typed set_main 'smtp_host_lookup = native'
ill 'errors of MX are ignored' dane fault typed set_main 'ignore_mx_lookup_error = yes'
ill 'options of the resolver' dane fault typed set_main 'smtp_dns_resolver_options = res_defnames'
ill 'mail is deferred by its transport' delivery warning typed set_main 'defer_transports = local smtp,relay'
is 'that of the others stays so' "$(inside postconf -c "$config" -h defer_transports)" 'local, relay'
ill 'no server speaks like that' delivery warning typed set_main 'smtp_tls_wrappermode = yes'
ill 'a relayhost may' delivery ok typed set_main 'smtp_tls_wrappermode = yes' 'relayhost = [relay.test]:465'
set_main 'relayhost ='
ill 'Postfix asks no DNS' delivery warning typed set_main 'disable_dns_lookups = yes'
for protocols in TLSv1 'SSLv3, TLSv1, TLSv1.1' '<=TLSv1.1'; do
	ill "TLS is $protocols" delivery warning typed set_main "smtp_tls_mandatory_protocols = $protocols"
done
for protocols in '!SSLv2, !SSLv3' '>=TLSv1' TLSv1.2 'TLSv1, TLSv1.3' '>=TLSv1, <=TLSv1.2'; do
	ill "TLS is $protocols" delivery ok typed set_main "smtp_tls_mandatory_protocols = $protocols"
done
ill 'the queue may not be listed' queue fault typed set_main 'authorized_mailq_users = root'
ill 'mail may not be retried' queue fault typed set_main 'authorized_flush_users = root'
no_retry() {
	set_main 'authorized_flush_users = root'
	yaml postfix "{config_directory: $config, retry: false}"
}
heal
no_retry
is 'who does not retry need not be allowed to' "$(examine queue)" ok
ill 'no Postfix there' postfix fault said yaml postfix '{config_directory: /nonexistent}'
# In front of every command of Postfix, as of another Postfix.
cat >"$dir/old" <<'END'
#!/bin/sh
"$@" | sed 's/^mail_version = .*/mail_version = 2.10.9/'
END
cat >"$dir/no-types" <<'END'
#!/bin/sh
case $1.$* in postconf.*' -m') echo 'no types today' >&2; exit 1 ;; esac
exec "$@"
END
chmod 755 "$dir/old" "$dir/no-types"
ill 'a Postfix without dane-only' postfix fault said yaml postfix "{config_directory: $config, command: [$dir/old]}"
heal
yaml postfix "{config_directory: $config, command: [$dir/no-types]}"
is 'a Postfix that does not tell its map types: warning' "$(examine map-type)" warning
no_finger() {
	for tool in postconf postmap postqueue postfix cat ls test; do
		ln -sf "$(PATH=$PATH:/usr/sbin type -P $tool)" "$dir/tools/$tool"
	done
	yaml postfix "{config_directory: $config, command: [env, PATH=$dir/tools, /usr/bin/env]}"
}
ill 'no posttls-finger' posttls-finger warning said no_finger
told() {
	yaml notify '{to: postmaster}'
	set_main 'sendmail_path = /nonexistent'
}
ill 'no sendmail' notify fault typed told
ill 'an address that sendmail must not see' notify fault said yaml notify '{to: "a|b@sender.test"}'
ill 'no recipient of alerts' notify ok said true

# --- smtp_tls_policy_maps

ill 'our map is not named' policy-maps fault typed set_main 'smtp_tls_policy_maps ='
ill 'another map is named alone' policy-maps fault typed set_main 'smtp_tls_policy_maps = inline:{a.test=encrypt}'
is 'the other map stays, before ours' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" \
	"inline:{a.test=encrypt}, hash:$map"
ill 'our map is named as another type' policy-maps fault typed set_main "smtp_tls_policy_maps = lmdb:$map, inline:{a.test=encrypt}"
is 'the order stays' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" \
	"hash:$map, inline:{a.test=encrypt}"
ill 'the index of our map is named' policy-maps fault typed set_main "smtp_tls_policy_maps = inline:{a.test=encrypt}, hash:$map.db"
is 'our map stands in its place' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" \
	"inline:{a.test=encrypt}, hash:$map"
is 'and nothing was built of the index' "$(find "$dir/state" -name '*.db.db')" ''
ill 'the index of our map is named beside it' policy-maps fault typed set_main "smtp_tls_policy_maps = proxy:hash:$map.db, hash:$map"
is 'once is enough' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" "hash:$map"
ill 'our map is named twice' policy-maps warning typed set_main "smtp_tls_policy_maps = hash:$map, inline:{a.test=encrypt}, hash:$map"
ill 'a map that answers for everything' other-map warning typed set_main "smtp_tls_policy_maps = static:encrypt, inline:{a.test=encrypt}, hash:$map"
is 'the rest stays' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" "inline:{a.test=encrypt}, hash:$map"
others="$dir/elsewhere/exceptions"
# shellcheck disable=SC2120 # typed gives it the type
other_map() {
	set_main "smtp_tls_policy_maps = inline:{a.test=encrypt}, ${1:-hash}:$others, hash:$map"
}
ill 'a map that is not there' other-map fault typed other_map
is 'it keeps its place' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" \
	"inline:{a.test=encrypt}, hash:$others, hash:$map"
not_built() {
	other_map
	echo 'a.test may' >"$others"
}
ill 'a map that was not built' other-map fault typed not_built
is 'it has what its text says' "$(inside postmap -q a.test "hash:$others")" may
ill 'a text that is not there' other-map fault typed other_map texthash
ill 'a map that is behind proxymap and not there' other-map fault typed other_map proxy:hash
not_ours_to_read() {
	not_built
	inside postmap "hash:$others"
	chmod 600 "$others" "$others.db"
}
ill 'a map that we may not read' other-map fault typed not_ours_to_read
matches 'the permission is named' "$(grep -h '"check":"other-map"' "$dir/seen.json")" 'Permission denied'
routes() {
	echo 'a.test :[b.test]' >"$others"
	inside postmap "hash:$others"
	chmod 600 "$others" "$others.db"
	set_main "transport_maps = proxy:hash:$others"
}
ill 'transport maps that we may not read' transport-maps fault typed routes
no_type() {
	set_main "smtp_tls_policy_maps = proxy:nosuch:/etc/postfix/tls.cf, hash:$map"
}
ill 'a type that only the Postfix of a container has' other-map fault said no_type
has 'it is told to ask there' "$(<"$dir/advice")" 'postfix: {command: [docker, exec, -i, NAME]}'
inside_path() {
	set_main "smtp_tls_policy_maps = hash:/opt/container/conf/exceptions, hash:$map"
}
ill 'a file that only a container has' other-map fault said inside_path
has 'it is told to ask there' "$(<"$dir/advice")" '/opt/container/conf/exceptions is not of this machine'
hasnt 'and none is made here' "$(<"$dir/advice")" touch
has 'and what it means meanwhile' "$(grep -h '"check":"other-map"' "$dir/doctor.json")" \
	'may have an entry for any destination: there will be none of ours (other-map-unsure)'
down() {
	set_main "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8642:QUERY, hash:$map"
}
ill 'a map whose program is down' other-map fault said down
is 'it is not dropped' "$(grep -c postconf "$dir/advice")" 0
has 'what to start is named' "$(<"$dir/advice")" 'start what serves socketmap:inet:127.0.0.1:8642:QUERY'
ill 'a map after ours' other-map warning typed set_main "smtp_tls_policy_maps = hash:$map, inline:{a.test=encrypt}"
is 'it stands before ours then' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" \
	"inline:{a.test=encrypt}, hash:$map"
heal
set_main "smtp_tls_policy_maps = static:may, lmdb:$map, static:encrypt"
examine other-map >/dev/null
python3 -c '
import json, sys
for d in map(json.loads, open(sys.argv[1])):
    if d["check"] in ("policy-maps", "other-map"):
        print(d["advice"] or "", end="")' "$dir/doctor.json" >"$dir/advice"
type_advice
is 'one advice does not undo another' "$(examine policy-maps) $(examine other-map) $(
	inside postconf -c "$config" -h smtp_tls_policy_maps)" "ok - hash:$map"
ill 'a harmless map' other-map ok typed set_main "smtp_tls_policy_maps = inline:{a.test=encrypt}, hash:$map"
ill 'a service with maps of its own' service-maps warning typed \
	inside postconf -c "$config" -P 'relay/unix/smtp_tls_policy_maps=inline:{a.test=encrypt}'
is 'that service has those of main.cf again' "$(inside postconf -c "$config" -P 2>&1 | grep policy_maps)" ''
ill 'smtp(8) itself with maps of its own' service-maps fault typed \
	inside postconf -c "$config" -P 'smtp/unix/smtp_tls_policy_maps=inline:{a.test=encrypt}'
ill 'smtp(8) itself with a level that is none' service-level fault typed \
	inside postconf -c "$config" -P 'smtp/unix/smtp_tls_security_level=may'
ill 'smtp(8) itself with another level' service-level warning typed \
	inside postconf -c "$config" -P 'smtp/unix/smtp_tls_security_level=encrypt'
ill 'a service of little use' service-level warning typed \
	inside postconf -c "$config" -P 'relay/unix/smtp_tls_security_level=may'
heal
inside postconf -c "$config" -P 'relay/unix/smtp_tls_security_level=encrypt'
is 'a stricter service beside it is no fault' "$(examine service-level)" ok
ill 'our map is asked by proxymap' policy-maps warning typed set_main "smtp_tls_policy_maps = proxy:hash:$map"
is 'the plain type is better' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" "hash:$map"
both_missing() {
	set_main 'smtp_tls_policy_maps ='
	rm -f "$map" "$map.db"
}
heal
both_missing
examine policy-maps >/dev/null
type_advice
is 'a map is not named before it is there' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" ''

# --- the map

no_lmdb() {
	yaml map "{file: $map, type: lmdb}"
	inside sed -i /lmdb/d /etc/postfix/dynamicmaps.cf
}
ill 'a map type that Postfix lacks' map-type fault typed no_lmdb
ill 'the map is not there' map fault typed rm -f "$map" "$map.db"
is 'what was known is in it again' "$(in_map selfsigned.test)" encrypt
old_map() {
	printf 'selfsigned.test\tsecure\n' >"$map"
	inside postmap -c "$config" "hash:$map"
}
ill 'the map holds something else' map-entries fault typed old_map
no_map() {
	: >"$map"
	inside postmap -c "$config" "hash:$map"
}
ill 'the map is empty' map-entries fault typed no_map
bad_map() {
	echo 'this is none' >"$map.db"
}
ill 'the map is damaged' map-entries fault typed bad_map
own_lines=$'# my own exceptions\npartner.test\tsecure match=.partner.test'
own_table() {
	rm -f "$dir/state/"*
	printf '%s\n' "$own_lines" >"$map"
	inside postmap -c "$config" "hash:$map"
	chown nobody "$map" "$map.db"
	inside "$dir/bin/systemctl" enable --now tlsladder
}
nobody_runs() {
	! inside fuser -s "$dir/state/state.db.lock" "$dir/state/state.db"
}
stop_daemon() {
	pkill_daemon
	await 10 nobody_runs >/dev/null
}
ill 'the map is a table of the administrator' map-text fault typed own_table
is 'it is his as before' "$(<"$map.mine")" "$own_lines"
stop_daemon
heal
own_table
examine map-text >/dev/null
python3 -c '
import json, sys
for line in open(sys.argv[1]):
    print(json.loads(line)["advice"] or "#")' "$dir/doctor.json" >"$dir/advice"
type_advice
is 'all that is advised, typed in its order, keeps it' "$(cat "$map" "$map.mine" 2>/dev/null | grep -c partner)" 1
stop_daemon
is_at_work() {
	[[ $(examine reload) == ok ]]
}
unexported() {
	inside "$dir/bin/systemctl" enable --now tlsladder
	await 20 is_at_work
	inside kill -STOP "$(inside fuser "$dir/state/state.db.lock" 2>/dev/null | tr -d ' ')"
	old_map
	sqlite3 "$dir/state/state.db" "UPDATE counter SET value = value + 1 WHERE name = 'map-version'"
}
ill 'the daemon exports later' map-entries warning said unexported
inside kill -CONT "$(inside fuser "$dir/state/state.db.lock" 2>/dev/null | tr -d ' ')"
stop_daemon
ill 'an index of another owner' map-owner warning typed chown root "$map.db"
proxied() {
	set_main "smtp_tls_policy_maps = proxy:hash:$map"
	chmod 750 "$dir/state"
}
ill 'proxymap cannot reach the map' map-mode fault typed proxied
proxied_file() {
	set_main "smtp_tls_policy_maps = proxy:hash:$map"
	chmod 640 "$map.db"
}
ill 'proxymap cannot read the map' map-mode fault typed proxied_file
ill 'no directory for the map' map-directory fault typed yaml map "{file: $dir/nowhere/tls_policy, type: hash}"
theirs() {
	mkdir -p "$dir/theirs"
	: >"$dir/theirs/main.cf"
	yaml map "{file: $dir/theirs/tls_policy, type: hash}"
}
ill 'a directory where others have files' map-directory fault typed theirs
is 'it stays theirs' "$(stat -c %u "$dir/theirs")" 0
ill 'a directory of another owner' map-directory fault typed chown root "$dir/state"
read_only() {
	inside mount --bind "$dir/state" "$dir/state"
	inside mount -o remount,ro,bind "$dir/state"
}
ill 'a directory that is read-only' map-directory fault typed read_only
is 'what is ours already is given to nobody' "$(grep -c 'chown' "$dir/advice")" 0
inside umount "$dir/state"
full() {
	inside sh -c "mkdir -p $dir/small && mount -t tmpfs -o size=1m,mode=750,uid=65534,gid=65534 small $dir/small"
	cp -a "$dir/state/." "/proc/$(holder)/root$dir/small/"
	inside dd if=/dev/zero "of=$dir/small/filler" bs=1k 2>/dev/null
	return 0
}
holder() {
	local pid
	read -r pid _ <"$dir/world/holder"
	echo "$pid"
}
full_map() {
	full
	yaml map "{file: $dir/small/tls_policy, type: hash}"
}
ill 'no space for the map' map-directory fault said full_map
inside umount "$dir/small"
ill 'a directory that others may write to' map-directory fault typed chmod o+w "$dir/state"

# --- the state

ill 'no directory for the state' state-directory fault typed yaml state "$dir/nowhere/state.db"
ill 'a state that root made' state fault typed chown root "$dir/state/state.db"
ill 'a state that may not be written' state fault typed chmod 440 "$dir/state/state.db"
foreign() {
	rm -f "$dir"/state/state.db*
	echo 'this is no database, but long enough to look like a file of something else' >"$dir/state/state.db"
	chown nobody "$dir/state/state.db"
}
# left SENTENCE: nothing that is typed moves the database away.
left() {
	is "$1: nothing is typed, it stays" "$(grep -vc '^#' "$dir/advice") $(test -s "$dir/state/state.db" && echo there)" '0 there'
}
ill 'a file of something else' state fault said foreign
left 'a file of something else'
other_database() {
	rm -f "$dir"/state/state.db*
	sqlite3 "$dir/state/state.db" 'CREATE TABLE theirs (x); PRAGMA user_version = 0'
	chown nobody "$dir/state/state.db"
}
ill 'a database of something else' state fault said other_database
left 'a database of something else'
newer() {
	sqlite3 "$dir/state/state.db" 'PRAGMA user_version = 99'
}
ill 'a state of a newer tlsladder' state fault said newer
left 'a state of a newer tlsladder'
ill 'a state on a file system that is read-only' state fault typed read_only
check 'it says that' grep -q '"check":"state","result":"fault".*Read-only file system' "$dir/seen.json"
inside umount "$dir/state"
full_state() {
	full
	yaml state "$dir/small/state.db"
}
ill 'no space for the state' state fault said full_state
has 'it says what it is' "$(grep '"check":"state"' "$dir/doctor.json")" 'No space left on device'
is 'and moves nothing away' "$(grep -vc '^#' "$dir/advice")" 0
is 'and where' "$(examine state-directory)" fault
# run waits for room, and goes on by itself.
start
waits_for_room() {
	grep -q 'No space left on device: it is waited for' "$dir/daemon.err"
}
awaits 'run waits for room' 20 waits_for_room
inside rm "$dir/small/filler"
follows_again() {
	[[ $(tail -n +"$from" "$dir/daemon.err" | grep -c ' follows ') -gt 0 ]]
}
from=1
awaits 'and goes on once there is some' 20 grep -q 'small/state.db can be used' "$dir/daemon.err"
awaits 'it follows the log' 20 follows_again
inside dd if=/dev/zero "of=$dir/small/filler" bs=1k 2>/dev/null
is 'while it runs on a full disk, doctor says so' "$(examine state)" fault
matches 'and status' "$(ladder status)" 'disk +full: no line is read'
has 'and its JSON' "$(ladder status --json)" '"disk_full":true'
inside rm "$dir/small/filler"
hasnt 'with room neither' "$(ladder status)" 'disk  '
stop
full_state >/dev/null 2>&1
start
awaits 'run waits again' 20 waits_for_room
stop
is 'it ends when asked to, as ever' $? 0
inside umount -l "$dir/small"
heal
locked() {
	coproc holder { sqlite3 "$dir/state/state.db"; }
	holding=$holder_PID # bash forgets it when the process has ended
	printf 'BEGIN IMMEDIATE;\n.print locked\n' >&"${holder[1]}"
	read -r <&"${holder[0]}"
}
ill 'a state that another process holds' state fault said locked
eval "exec ${holder[1]}>&-"
wait "$holding"
ill 'the daemon does not run' daemon warning typed true
pkill_daemon

# --- what fetches policies

mkdir "$dir/alone"
cp "$program" "$dir/alone"
beside=$program
program=$dir/alone/tlsladder
ill 'no program that fetches policies' mta-sts warning said true
ill 'no authority that a policy could be enforced by' mta-sts warning said set_main 'smtp_tls_CAfile ='
printf '#!/bin/sh\nexit 1\n' >"$dir/alone/tlsladder-fetch"
chmod 755 "$dir/alone/tlsladder-fetch"
ill 'one that fails' mta-sts fault said true
program=$beside
ill 'authorities of policy hosts that are not there' mta-sts fault typed yaml mta_sts '{ca_file: /nonexistent}'
hasnt 'the program is not to blame' "$(<"$dir/advice")" 'install'
no_reading() {
	cp "$dir/ca.pem" "$dir/elsewhere/authorities"
	chmod 600 "$dir/elsewhere/authorities"
	yaml mta_sts "{ca_file: $dir/elsewhere/authorities}"
}
ill 'authorities of policy hosts that may not be read' mta-sts fault typed no_reading

# --- what the daemon has, which doctor may have as well

# As in our unit, with a user that is not in group postdrop.
heal
without=("${user[@]}")
user=(setpriv --no-new-privs "${user[@]:1}")
starts
user=("${without[@]}")
daemon=''
send strict wrongname-cert.test
waits_by() {
	ladder list --waiting | grep -q " $1 "
}
awaits 'the daemon cannot see the queue' 30 waits_by queue-unread
is 'and doctor, which can, says so: fault' "$(examine queue)" fault
cp "$dir/advice" "$dir/queue-advice"
is 'it says what mail waits for' "$(examine waits)" warning
is 'and what to type for that' "$(grep -vc '^#' "$dir/advice")" 1
cp "$dir/queue-advice" "$dir/advice"
type_advice
is 'its advice mends it' "$(examine queue)" ok
inside "${user[@]}" sh -c "$program -c $dir/tlsladder.yaml again --all" >/dev/null
waits_for_nothing() {
	[[ $(examine waits) == - ]]
}
awaits 'and then mail waits for it no more' 40 waits_for_nothing
pkill_daemon

# --- the file of metrics

metrics_in() {
	mkdir "$dir/elsewhere/prom"
	chown "$1" "$dir/elsewhere/prom"
	yaml metrics "{textfile: $dir/elsewhere/prom/ladder.prom}"
}
ill 'no directory for the metrics' metrics warning typed yaml metrics "{textfile: $dir/elsewhere/none/ladder.prom}"
ill 'a directory of another for the metrics' metrics warning typed metrics_in root
# As a unit with ProtectSystem=strict sees it.
kept_out() {
	metrics_in "$(stat -c %U "$dir/state")"
	inside unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"' - \
		"$dir/elsewhere/prom" "${user[@]}" "$program" -c "$dir/tlsladder.yaml" run </dev/null &
	await 10 has_daemon
}
has_daemon() {
	! flock -n "$dir/state/state.db.lock" true
}
ill 'the unit keeps the daemon from the metrics' metrics warning typed kept_out
awaits 'and then they are written' 80 test -s "$dir/elsewhere/prom/ladder.prom"
stop_daemon

# --- Postfix, stopped

stopped() {
	inside postfix -c "$config" stop
}
ill 'Postfix does not run' queue fault typed stopped
heal
send strict valid-ca.test
awaits 'mail flows again' 20 grep -q 'user@valid-ca.test	' "$dir/delivered.tsv"

every_fault_was_made "(?!$world\$).*"
finish
