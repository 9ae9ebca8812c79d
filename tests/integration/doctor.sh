# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# doctor: every fault that it knows is made, and found; then its advice is typed as printed,
# and mends it. To be sourced after lib.sh by the tests of that, each of which has some checks.

# The checks of doctor-world.t; doctor.t has the others.
world='(log|authorities|dns|postfix-dns|clock|rules|user|hold|canary|pin|reload|settings)'

up strict
inside mkdir -p /run/systemd/system # by which a machine has systemd
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

pkill_daemon() {
	local pid
	# Ours alone: the one that holds this lock.
	for pid in $(inside fuser "$dir/state/state.db.lock" 2>/dev/null); do
		inside kill "$pid"
	done
}
# every_fault_was_made CHECKS: what the source says of faults and warnings, and no result of this
# test was. Those of a damaged state or map are made by tests/cli/damage.t, those of the tables of
# publish by tests/cli/tables.t, and those of several nodes by tests/cli/nodes.t.
every_fault_was_made() {
	is 'every fault that it knows was made' "$(python3 - "$dir/seen.json" "$1" "$here"/../../src/cmd/doctor*.c <<'END_OF_KNOWN'
import json, re, sys
seen = {(d["result"], d["check"], d["text"]) for d in map(json.loads, open(sys.argv[1]))}
say = re.compile(r'doctor_say\(\s*d,\s*DOCTOR_(FAULT|WARNING),\s*"([a-z-]+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+)[,)]')
for path in sys.argv[3:]:
    if path.endswith(("doctor_state.c", "doctor_tables.c", "doctor_nodes.c")):
        continue
    for result, check, text in say.findall(open(path).read()):
        text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))
        pattern = re.compile(".*".join(map(re.escape, re.split(r"%[0-9.*]*(?:z|ll?)?[a-z]", text))), re.S)
        if re.fullmatch(sys.argv[2], check) and not any(s[:2] == (result.lower(), check) and pattern.fullmatch(s[2]) for s in seen):
            print(f"{result.lower()} {check}: {text}")
END_OF_KNOWN
)" ''
}
