#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# doctor: every fault that it knows is made, and found; then its advice is typed as
# printed, and mends it.
. "$(dirname -- "$0")/lib.sh"

up strict
configure strict
config=$dir/strict/config
map=$dir/state/tls_policy

# What a machine has and the sandbox has not: programs that advice may name.
mkdir -p "$dir/bin" "$dir/tools" "$dir/saved"
cat >"$dir/bin/systemctl" <<END
#!/bin/bash
case \$* in
	'restart unbound') exec $dir/world/bin/unbound -c $dir/world/dns/unbound.conf ;;
	'reload tlsladder') exec kill -HUP \$(fuser $dir/state/state.db.lock 2>/dev/null) ;;
	'restart tlsladder')
		holder=\$(fuser $dir/state/state.db.lock 2>/dev/null) || exit 0
		kill \$holder
		flock -w 10 $dir/state/state.db.lock true
		;;
	'enable --now tlsladder') ;;
	*) exit 1 ;;
esac
${user[*]} $program -c $dir/tlsladder.yaml run </dev/null >/dev/null 2>&1 &
for ((i = 0; i < 500; i++)); do
	flock -n $dir/state/state.db.lock true 2>/dev/null || break
	read -rt 0.02 <> <(:)
done
exit 0
END
cat >"$dir/bin/apt-get" <<END
#!/bin/bash
case \$* in
	'install postfix-lmdb') cp -a $dir/saved/dynamicmaps.cf /etc/postfix/dynamicmaps.cf ;;
	'install rsyslog') install -m 644 /dev/null $dir/elsewhere/mail.log ;;
esac
END
chmod +x "$dir/bin"/*

# A destination is known, the map is there, and no daemon is running.
starts
send strict selfsigned.test
settle strict
stops
cp -a "$config" "$dir/saved/config"
cp -a "$dir/state" "$dir/saved/state"
cp -a "$dir/ca.pem" "$dir/tlsladder.yaml" "$dir/saved"
inside cp -a /etc/resolv.conf /etc/postfix/dynamicmaps.cf "$dir/saved"

heal() {
	rm -rf "$dir/state" "$dir/elsewhere" "$dir/nowhere" "$config"/passwords*
	cp -a "$dir/saved/state" "$dir/state"
	cp -a "$dir/saved/config/." "$config"
	cp -a "$dir/saved/ca.pem" "$dir/saved/tlsladder.yaml" "$dir"
	chmod 640 "$dir/strict/mail.log"
	inside cp -a "$dir/saved/resolv.conf" /etc/resolv.conf
	inside cp -a "$dir/saved/dynamicmaps.cf" /etc/postfix/dynamicmaps.cf
	mkdir "$dir/elsewhere"
	rm -rf "$dir/strict/queue/etc"
}

# Postfix programs wait while a configuration file is younger than two seconds.
settings_are_old() {
	touch -d '1 minute ago' "$config/main.cf" "$config/master.cf"
}

# examine CHECK: the worst result of that check, and its advice in $dir/advice.
examine() {
	settings_are_old
	ladder doctor --json >"$dir/doctor.json" 2>"$dir/doctor.err"
	echo $? >"$dir/status"
	cat "$dir/doctor.json" >>"$dir/seen.json"
	python3 -c '
import json, sys
results = ["ok", "warning", "fault"]
found = [d for d in map(json.loads, open(sys.argv[1])) if d["check"] == sys.argv[2]]
worst = max(found, key=lambda d: results.index(d["result"]), default={"result": "-", "advice": ""})
open(sys.argv[3], "w").write(worst["advice"] or "")
print(worst["result"])' "$dir/doctor.json" "$1" "$dir/advice"
}

# As root types it, line by line, with a # before what no command can do.
type_advice() {
	local line
	while IFS= read -r line; do
		inside env "PATH=$dir/bin:$builddir:$PATH:/usr/sbin" sh -c "$line" </dev/null
		settings_are_old
	done <"$dir/advice" >"$dir/typed" 2>&1
}

seen() {
	echo "doctor says: $(grep -F "\"check\":\"$1\"" "$dir/doctor.json")" "typed: $(<"$dir/typed")"
}

# ill SENTENCE CHECK RESULT WHAT-MENDS COMMAND...: the command makes the fault.
#   WHAT-MENDS  typed: the advice; said: it says what to do, and no command does it
ill() {
	local sentence=$1 check=$2 result=$3 mends=$4
	shift 4
	heal
	: >"$dir/typed"
	"$@" >/dev/null 2>&1
	is "$sentence: $result" "$(examine "$check")" "$result"
	[[ $result != fault ]] || is "$sentence: exit status 78" "$(<"$dir/status")" 78
	if [[ $mends == said ]]; then
		check "$sentence: it says what to do" grep -q '^# ..' "$dir/advice"
		return
	fi
	type_advice
	if [[ $(examine "$check") == @(ok|-) ]]; then
		ok "$sentence: its advice mends it"
	else
		not_ok "$sentence: its advice mends it" "$(seen "$check")"
	fi
}

set_main() {
	inside postconf -c "$config" -e "$@"
}

# yaml SECTION LINE: another section in our configuration, none for an empty line.
yaml() {
	sed -i "/^$1:/d" "$dir/tlsladder.yaml"
	[[ -z $2 ]] || echo "$1: $2" >>"$dir/tlsladder.yaml"
}

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
ill 'our map is named twice' policy-maps warning typed set_main "smtp_tls_policy_maps = hash:$map, inline:{a.test=encrypt}, hash:$map"
ill 'a map that answers for everything' other-map warning typed set_main "smtp_tls_policy_maps = static:encrypt, inline:{a.test=encrypt}, hash:$map"
is 'the rest stays' "$(inside postconf -c "$config" -h smtp_tls_policy_maps)" "inline:{a.test=encrypt}, hash:$map"
others="$dir/elsewhere/exceptions"
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
ill 'a directory of another owner' map-directory fault typed chown root "$dir/state"
ill 'a directory that others may write to' map-directory fault typed chmod o+w "$dir/state"

# --- the state

ill 'no directory for the state' state-directory fault typed yaml state "$dir/nowhere/state.db"
ill 'a state that root made' state fault typed chown root "$dir/state/state.db"
ill 'a state that may not be written' state fault typed chmod 440 "$dir/state/state.db"
damaged() {
	rm -f "$dir"/state/state.db*
	echo 'this is no database, but long enough to look like a file of something else' >"$dir/state/state.db"
	chown nobody "$dir/state/state.db"
}
ill 'a state that is damaged' state fault typed damaged
newer() {
	sqlite3 "$dir/state/state.db" 'PRAGMA user_version = 99'
}
ill 'a state of a newer tlsladder' state fault typed newer
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
pkill_daemon() {
	local pid
	# Ours alone: the one that holds this lock.
	for pid in $(inside fuser "$dir/state/state.db.lock" 2>/dev/null); do
		inside kill "$pid"
	done
}
pkill_daemon

# --- the log

ill 'a log that may not be read' log fault typed chmod 600 "$dir/strict/mail.log"
ill 'Postfix writes to another file' log fault typed yaml log "{from: end, file: $dir/other.log}"
ill 'Postfix writes to another file than the usual one' log fault typed yaml log ''
blocks() {
	yaml log ''
	printf 'log:\n  # a comment\n  file: %s  # that is it\n  from: end\n' "$dir/other.log" >>"$dir/tlsladder.yaml"
}
ill 'the same in lines of their own' log fault typed blocks
blocks_without() {
	yaml log ''
	printf 'log:\n    from: end\n' >>"$dir/tlsladder.yaml"
}
ill 'the same where no file is named' log fault typed blocks_without
no_syslog() {
	set_main 'maillog_file ='
	yaml log "{file: $dir/elsewhere/mail.log}"
	inside mount --bind /dev/null /usr/sbin/rsyslogd
}
ill 'nothing writes a log' log fault typed no_syslog
has 'what writes one is named' "$(grep -h '"check":"log","result":"fault"' "$dir/seen.json" | tail -n 1)" 'apt-get install rsyslog'
inside umount /usr/sbin/rsyslogd
no_file() {
	set_main 'maillog_file ='
	yaml log "{file: $dir/elsewhere/mail.log}"
}
ill 'no log' log fault said no_file
# What follows has logs that no Postfix writes.
no_postfix() {
	set_main 'maillog_file ='
	echo 'Nov 24 07:12:01 host kernel: something else' >"$dir/other.log"
	yaml log "{file: $dir/other.log}"
}
ill 'a log without Postfix' log warning said no_postfix
directory() {
	set_main 'maillog_file ='
	yaml log "{file: $dir/state}"
}
ill 'a log that is a directory' log fault said directory
fine_stamps() {
	set_main 'maillog_file ='
	echo '2026-11-24T07:12:01.123456+01:00 host postfix/smtp[1]: x' >"$dir/other.log"
	yaml log "{file: $dir/other.log}"
}
heal
fine_stamps
examine log >/dev/null
is 'stamps with a fraction of a second need no advice' "$(<"$dir/advice")" ''

# --- what everything trusts

authorities() {
	printf '%s\n' "$@" >"$dir/ca.pem"
}
expired=(-----BEGIN\ CERTIFICATE-----
	MIIBBTCBq6ADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAWIwHhcNMjAw
	MTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAMMQowCAYDVQQDDAFiMFkwEwYHKoZI
	zj0CAQYIKoZIzj0DAQcDQgAEmJwVJaoboj3ieEUxZBezxfT5x0RSnkgdzJSQ5mgw
	Ms5bW/aQdY4ji+YzKh3Az+HaSYK00ouAFvPp0c1XZlM5YzAKBggqhkjOPQQDAgNJ
	ADBGAiEAwuTlrQ7bIn3tEqkQAimikAPB9EEqVHNMaWcEbyHYZ7ICIQDtIRi+LVAZ
	KgJFrpuqwrXjnbKzl8oy0ulGE+BmeVSG9w==
	-----END\ CERTIFICATE-----)
ill 'no CA file' authorities fault typed set_main 'smtp_tls_CAfile ='
ill 'a CA file that is not there' authorities fault typed set_main 'smtp_tls_CAfile = /nonexistent'
ill 'an empty CA file' authorities fault typed truncate -s 0 "$dir/ca.pem"
ill 'authorities that have expired' authorities fault typed authorities "${expired[@]}"
ill 'a CA file that is cut' authorities fault typed authorities "${expired[@]:0:3}"
half() {
	printf '%s\n' "${expired[@]:0:3}" >>"$dir/ca.pem"
}
ill 'a CA file that is cut at its end' authorities warning typed half
ill 'a CA file that may not be read' authorities fault typed chmod 600 "$dir/ca.pem"
empty_directory() {
	set_main 'smtp_tls_CAfile =' "smtp_tls_CApath = $dir/elsewhere"
}
ill 'a CA directory without certificates' authorities fault typed empty_directory
heal
set_main 'smtp_tls_CAfile =' 'tls_append_default_CA = yes'
is 'the authorities of the system are enough' "$(examine authorities)" ok

resolv_conf() {
	printf "$1" | inside tee /etc/resolv.conf
}
ill 'a resolver that is not there (Postfix)' postfix-dns fault typed resolv_conf 'nameserver 10.53.1.9\n'
ill 'a resolver that is not there (ours)' dns fault typed resolv_conf 'nameserver 10.53.1.9\n'
ill 'no resolv.conf' postfix-dns fault typed inside rm /etc/resolv.conf
ill 'a resolver that is no address' postfix-dns warning typed resolv_conf 'nameserver localhost\n'
jail() {
	inside postconf -c "$config" -F smtp/unix/chroot=y
	mkdir -p "$dir/strict/queue/etc"
	echo 'nameserver 10.53.1.9' >"$dir/strict/queue/etc/resolv.conf"
}
ill 'an old resolv.conf in the jail of smtp(8)' postfix-dns fault typed jail
# pass_on ADDRESS: it passes on what the resolver says; its process id in remote.
pass_on() {
	: >"$dir/remote.out"
	inside python3 -c '
import socket, socketserver, sys, threading
class Pass(socketserver.BaseRequestHandler):
    def handle(self):
        with socket.create_connection(("127.0.0.1", 53)) as there:
            threading.Thread(target=self.copy, args=(there, self.request), daemon=True).start()
            self.copy(self.request, there)
    def copy(self, a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
socketserver.ThreadingTCPServer.allow_reuse_address = True
server = socketserver.ThreadingTCPServer((sys.argv[1], 53), Pass)
print("ready", flush=True)
server.serve_forever()' "$1" >"$dir/remote.out" &
	remote=$!
	await 10 grep -q ready "$dir/remote.out" >/dev/null
}
# Validated, but on another machine.
pass_on 127.0.0.53
ill 'a resolver that only forwards (Postfix)' postfix-dns warning typed resolv_conf 'nameserver 127.0.0.53\n'
ill 'a resolver that only forwards (ours)' dns warning typed resolv_conf 'nameserver 127.0.0.53\n'
ill 'one that is asked where the first fails' dns warning typed \
	resolv_conf 'nameserver 127.0.0.1\nnameserver 127.0.0.53\n'
heal
resolv_conf 'nameserver 127.0.0.53\n'
matches 'it is named' "$(ladder doctor)" 'warning dns +127\.0\.0\.53@53 is systemd-resolved, which only passes on'
kill "$remote"
wait "$remote" 2>/dev/null
# A validator that passes on what is bogus.
permissive() {
	inside sh -c 'mkdir -p /etc/unbound; printf "server:\\n    val-permissive-mode: yes\\n" >/etc/unbound/unbound.conf'
}
ill 'a resolver in permissive mode' dns fault said permissive
inside rm /etc/unbound/unbound.conf
# Reachable by another address than loopback, and validating.
pass_on 10.53.1.9
ill 'a resolver elsewhere (Postfix)' postfix-dns warning typed resolv_conf 'nameserver 10.53.1.9\n'
ill 'a resolver elsewhere (ours)' dns fault typed resolv_conf 'nameserver 10.53.1.9\n'
ill 'a resolver elsewhere that our configuration names' dns fault said yaml dns '{resolver: 10.53.1.9}'
heal
yaml dns '{resolver: 10.53.1.9, trust: ad}'
is 'a resolver elsewhere that is to be believed' "$(examine dns)" ok
kill "$remote"
wait "$remote" 2>/dev/null
for word in novalidate stop; do
	heal
	"$sandbox" resolver "$dir" $word
	is "resolver $word: a fault of Postfix's" "$(examine postfix-dns)" fault
	is "resolver $word: a fault of ours" "$(examine dns)" fault
	if [[ $word == stop ]]; then
		is 'what is as it should be is not written again' "$(<"$dir/advice")" 'systemctl restart unbound'
		type_advice
	else
		hasnt 'one that runs is not started' "$(<"$dir/advice")" $'\nsystemctl'
		"$sandbox" resolver "$dir" start
	fi
	is "resolver $word: healed" "$(examine dns) $(examine postfix-dns)" 'ok ok'
done

# --- what the ladder rests on

short_lived() {
	set_main 'maximal_queue_lifetime = 6h'
}
ill 'holds that outlast the queue' hold warning typed short_lived
ill 'a hold that outlasts the queue' hold warning said yaml ladder '{hold: {may: 10d}}'
ill 'a canary that verifies' canary ok typed yaml probe '{canaries: [mx.valid-ca.test]}'
is 'it was asked' "$(grep -c 'mx.valid-ca.test verifies' "$dir/doctor.json")" 1
ill 'a canary that does not' canary warning said yaml probe '{canaries: [mx.selfsigned.test]}'
ill 'a canary that is not there' canary warning said yaml probe '{canaries: [mx.nowhere.test]}'
pinned() {
	printf '[relay.example.test]:587 user:secret\n' >"$config/passwords"
	inside postmap "hash:$config/passwords"
	set_main 'smtp_sasl_auth_enable = yes' "smtp_sasl_password_maps = hash:$config/passwords"
	ladder set '[relay.example.test]:587' encrypt
	ladder set 'other.test' encrypt
}
ill 'a pin by which a password goes to anybody' pin warning typed pinned
is 'the other pin stays' "$(in_map other.test)" encrypt

# --- Postfix stopped, the daemon behind the times

stopped() {
	inside postfix -c "$config" stop
}
ill 'Postfix does not run' queue fault typed stopped
heal
send strict valid-ca.test
awaits 'mail flows again' 20 grep -q 'user@valid-ca.test	' "$dir/delivered.tsv"

examined() {
	[[ $(examine "$1") == "$2" ]]
}
is_running() {
	! flock -n "$dir/state/state.db.lock" true
}
cp "$rules/postfix.yaml" "$dir/rules.yaml"
yaml rules "$dir/rules.yaml"
starts
daemon=''
is 'the daemon works by these files' "$(examine reload)" ok
awaits 'and by the settings of Postfix' 20 examined settings ok
echo '# edited' >>"$dir/tlsladder.yaml"
is 'a configuration that was edited: warning' "$(examine reload)" warning
type_advice
awaits 'its advice mends it' 20 examined reload ok
echo '# edited' >>"$dir/rules.yaml"
is 'rules that were edited: warning' "$(examine reload)" warning
type_advice
awaits 'a reload mends it' 20 examined reload ok
echo '# edited' | tee -a "$dir/rules.yaml" >>"$dir/tlsladder.yaml"
is 'both: warning' "$(examine reload)" warning
awaits 'the settings are those of Postfix' 20 examined settings ok
set_main 'smtp_tls_security_level = secure'
is 'settings that the daemon has not read: warning' "$(examine settings)" warning
type_advice
awaits 'its advice mends that' 20 examined settings ok
pkill_daemon

heal
inside env TLSLADDER_NOW_OFFSET=-500000000 "${user[@]}" "$program" -c "$dir/tlsladder.yaml" doctor --json \
	>"$dir/doctor.json"
is 'a clock of long ago is a fault' "$(grep -c '"check":"clock","result":"fault"' "$dir/doctor.json")" 1
cat "$dir/doctor.json" >>"$dir/seen.json"
bad_rules() {
	printf 'rules:\n  - {name: a, reason: "^x$", fallback: encrypt, examples: [y]}\n' >"$dir/bad.yaml"
	yaml rules "$dir/bad.yaml"
}
heal
bad_rules
is 'a rule whose example does not match' "$(examine rules)" fault
matches 'is named with its place' "$(grep '"check":"rules"' "$dir/doctor.json")" 'bad\.yaml:2'
heal
yaml colour red
settings_are_old
ladder doctor >/dev/null 2>"$dir/doctor.err"
is 'a configuration that cannot be read ends it' $? 78

# --- all at once

# Nothing of what is typed undoes what was typed before.
heal
set_main 'smtp_tls_security_level = may' 'smtp_tls_loglevel = 0' 'smtp_tls_CAfile =' 'smtp_dns_support_level ='
set_main "smtp_tls_policy_maps = texthash:$dir/elsewhere/others, lmdb:$map, inline:{a.test=encrypt}"
inside postconf -c "$config" -P 'smtp/unix/smtp_tls_security_level=may' \
	'smtp/unix/smtp_tls_policy_maps=inline:{a.test=encrypt}'
yaml log "{file: $dir/other.log}"
chmod 600 "$dir/strict/mail.log"
rm -f "$map" "$map.db"
resolv_conf 'nameserver 10.53.1.9\n'
inside postfix -c "$config" stop >/dev/null 2>&1
"$sandbox" resolver "$dir" stop
examine configuration >/dev/null
comment "$(grep -c '"result":"fault"' "$dir/doctor.json") faults"
python3 -c '
import json, sys
for line in open(sys.argv[1]):
    sys.stdout.write(json.loads(line)["advice"] or "")' "$dir/doctor.json" >"$dir/advice"
type_advice
examine configuration >/dev/null
is 'all that was typed in order mends all' "$(grep -v '"result":"ok"' "$dir/doctor.json")" ''
pkill_daemon

# --- who runs it

heal
inside "$program" -c "$dir/tlsladder.yaml" doctor --json >"$dir/doctor.json"
cat "$dir/doctor.json" >>"$dir/seen.json"
python3 -c '
import json, sys
print(next(d["advice"] for d in map(json.loads, open(sys.argv[1])) if d["check"] == "user"))' \
	"$dir/doctor.json" >"$dir/advice"
type_advice
matches 'run as root it says how to run it' "$(<"$dir/typed")" 'ok +user +runs as nobody'

heal
ladder doctor --json | diff - "$dir/healthy.json" >/dev/null
is 'doctor left everything as it was' "$(find "$dir/state" "$config" -newer "$dir/healthy.json" -type f)" ''

# --- all of them

# What the source says of faults and warnings, and no result of this test was.
is 'every fault that it knows was made' "$(python3 - "$dir/seen.json" "$here"/../../src/cmd/doctor*.c <<'END_OF_KNOWN'
import json, re, sys
seen = {(d["result"], d["check"], d["text"]) for d in map(json.loads, open(sys.argv[1]))}
say = re.compile(r'doctor_say\(\s*d,\s*DOCTOR_(FAULT|WARNING),\s*"([a-z-]+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+)[,)]')
for path in sys.argv[2:]:
    for result, check, text in say.findall(open(path).read()):
        text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))
        pattern = re.compile(".*".join(map(re.escape, re.split(r"%[0-9.*]*z?[a-z]", text))), re.S)
        if not any(s[:2] == (result.lower(), check) and pattern.fullmatch(s[2]) for s in seen):
            print(f"{result.lower()} {check}: {text}")
END_OF_KNOWN
)" ''

finish
