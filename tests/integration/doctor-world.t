#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# doctor: what everything rests on: the log, the clock, authorities, resolvers, the daemon.
. "$(dirname -- "$0")/lib.sh"
. "$(dirname -- "$0")/doctor.sh"

heal
examine configuration >/dev/null
cp "$dir/doctor.json" "$dir/healthy.json"

# --- the log

ill 'a log that may not be read' log fault typed chmod 600 "$dir/strict/mail.log"
matches 'whoever gets into a group is started anew in it' "$(grep -h usermod "$dir/seen.json")" \
	'usermod -aG [a-z]+ [a-z]+.u000asystemctl restart tlsladder'
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
# What this machine logs is not ours.
inside mount -t tmpfs -o mode=755 log /var/log
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
usual_file() {
	no_file
	inside cp -p "$dir/strict/mail.log" /var/log/maillog
}
ill 'a log of another name' log fault typed usual_file
has 'it is named' "$(grep -h '"check":"log","result":"fault"' "$dir/seen.json" | tail -n 1)" 'lines of Postfix are in /var/log/maillog'
inside rm /var/log/maillog
# A second instance: what it calls itself is in no setting of ours.
heal
sed -n '/ status=deferred /{s|postfix/|postfix-out/|p;q}' "$dir/strict/mail.log" >>"$dir/strict/mail.log"
is 'lines of a second instance are no fault' "$(examine log)" ok
has 'and are told' "$(<"$dir/doctor.json")" 'lines of another Postfix, postfix-out, are passed over'
# What follows has logs that no Postfix writes.
no_postfix() {
	set_main 'maillog_file ='
	echo 'Nov 24 07:12:01 host kernel: something else' >"$dir/other.log"
	yaml log "{file: $dir/other.log}"
}
ill 'a log without Postfix' log warning said no_postfix
strange_form() {
	set_main 'maillog_file ='
	echo 'set 10 07:12:01 host postfix/smtp[417]: A1B2C3D4E5: to=<u@a.test>, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)' >"$dir/other.log"
	yaml log "{file: $dir/other.log}"
}
ill 'a log in a form that is not read' log warning said strange_form
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

# A daemon that may not read the log, asked about by who may.
heal
mine=("${user[@]}")
user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
start
user=("${mine[@]}")
daemon=''
is 'a log that the daemon may not read: fault' "$(examine log)" fault
matches 'its process is named' "$(grep '"check":"log"' "$dir/doctor.json")" 'the daemon, process [0-9]+ of nobody, may not read'
type_advice
is 'its advice mends it' "$(examine log)" ok
pkill_daemon
# Nobody writes the log any more, and mail goes on failing.
heal
starts
daemon=''
set_main 'maillog_file ='
inside postfix -c "$config" stop >/dev/null 2>&1
inside postfix -c "$config" start >/dev/null 2>&1
send strict expired-cert.test
stands_still() {
	[[ $(examine log) == fault ]]
}
awaits 'a log that stands still while mail is deferred: fault' 40 stands_still
matches 'it says since when' "$(grep '"check":"log","result":"fault"' "$dir/doctor.json")" \
	'nothing was written to .* since [0-9]{4}-.* is deferred: nobody writes it'
has 'and what to restart' "$(<"$dir/advice")" rsyslog
pkill_daemon
heal
inside postfix -c "$config" stop >/dev/null 2>&1
inside postfix -c "$config" start >/dev/null 2>&1
send strict valid-ca.test
awaits 'it is written again' 20 eval '[[ $(examine log) == ok ]]'

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
# What Debian copies into the chroot when Postfix starts is what there was then.
copied_too_early() {
	local name jail=$dir/strict/queue$dir/elsewhere
	for name in 62742064.0 5a7722fb.0 02265526.0; do touch "$dir/elsewhere/$name"; done
	mkdir -p "$jail"
	for name; do touch "$jail/$name"; done
	inside postconf -c "$config" -F smtp/unix/chroot=y
	set_main 'smtp_tls_CAfile =' "smtp_tls_CApath = $dir/elsewhere"
}
ill 'a chroot with few of the certificates' authorities fault typed copied_too_early 62742064.0
ill 'a chroot without one of the certificates' authorities warning typed copied_too_early 62742064.0 5a7722fb.0
heal
set_main 'smtp_tls_CAfile =' 'tls_append_default_CA = yes'
is 'those of the system count beside a setting alone' "$(examine authorities)" fault
heal

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
		inside rmdir /run/systemd/system
		examine dns >/dev/null
		is 'without systemd it is started by service' "$(<"$dir/advice")" 'service unbound restart'
		inside mkdir /run/systemd/system
		examine dns >/dev/null
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

# --- the daemon, behind the times

heal
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
matches '... which are named, with the hour at which they were read' "$(<"$dir/doctor.json")" \
	'rests on the settings that Postfix has: by default verify, read at 20[0-9-]+ [0-9:]+'
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

# as USER: doctor, asked by that one; its exit status in status.
as() {
	local who=$1
	shift
	inside setpriv "--reuid=$who" --regid=games --clear-groups "$program" -c "$dir/tlsladder.yaml" doctor "$@" --json \
		>"$dir/doctor.json"
	status=$?
	cat "$dir/doctor.json" >>"$dir/seen.json"
}
for runs in stopped running; do
	heal
	[[ $runs == stopped ]] || starts
	as games
	is "the daemon $runs, asked by another user: exit status 77" $status 77
	is "the daemon $runs: that is the only fault" "$(grep -c '"result":"fault"' "$dir/doctor.json")" 1
	python3 -c '
import json, sys
print(next(d["advice"] for d in map(json.loads, open(sys.argv[1])) if d["check"] == "user"))' \
		"$dir/doctor.json" >"$dir/advice"
	is "the daemon $runs: and nothing else is advised" "$(sed '/^$/d' "$dir/advice")" \
		"runuser -u nobody -- tlsladder -c $dir/tlsladder.yaml doctor"
done
# The harm of before: the directory was given to whoever asked. It is the daemon's again.
chown games "$dir/state" "$dir"/state/state.db*
daemon=''
as games
is 'who was given the state is not the user of a daemon that runs' $status 77
inside "$program" -c "$dir/tlsladder.yaml" doctor --json >"$dir/doctor.json"
cat "$dir/doctor.json" >>"$dir/seen.json"
has 'root is told whom the daemon runs as' "$(<"$dir/doctor.json")" "chown nobody $dir/state"
hasnt 'and gives nothing to another' "$(<"$dir/doctor.json")" 'chown games'
chown nobody "$dir/state" "$dir"/state/state.db*
pkill_daemon

heal
chown -R root "$dir/state"
as games
is 'where all is root'"'"'s whoever asks is given none of it' "$status $(grep -c '"result":"fault"' "$dir/doctor.json")" '77 1'
has 'root is to ask' "$(<"$dir/doctor.json")" "\"advice\":\"tlsladder -c $dir/tlsladder.yaml doctor\\u000a"

heal
ladder doctor --json | diff - "$dir/healthy.json" >/dev/null
is 'doctor left everything as it was' "$(find "$dir/state" "$config" -newer "$dir/healthy.json" -type f)" ''

every_fault_was_made "$world"
finish
