#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# doctor against a Postfix that a script plays: what it prints, and how it quotes.
# tests/integration/doctor.t makes every fault with a real one.
. "$(dirname -- "$0")/lib.sh"
needs_python
command -v openssl >/dev/null || skip_all 'needs openssl'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/ca.key" -out "$dir/ca.pem" \
	-days 7 -subj /CN=ca 2>/dev/null || exit 1

# What main.cf says, as "name = value" lines in $dir/main.cf.
cat >"$dir/postconf.sh" <<'END'
for last; do :; done
case " $* " in
*' -m '*) printf 'hash\nlmdb\n' ;;
*' -Px '*) exec cat "$FAKE_DIR/master.cf" ;;
*' -M '*) echo 'smtp unix - - n - - smtp' ;;
*' -h '*)
	while IFS= read -r line; do
		case $line in "$last = "*) printf '%s\n' "${line#"$last = "}" ;; esac
	done <"$FAKE_DIR/main.cf" ;;
*) exec cat "$FAKE_DIR/main.cf" ;;
esac
END
: >"$dir/master.cf"
main_cf() {
	printf '%s\n' 'mail_version = 3.7.11' 'default_database_type = hash' 'smtp_tls_loglevel = 1' \
		'smtp_dns_support_level = dnssec' 'smtp_host_lookup = dns' 'ignore_mx_lookup_error = no' \
		"smtp_tls_CAfile = $dir/ca.pem" "$@" >"$dir/main.cf"
}
ladder_json() {
	ladder doctor --json
	cp "$dir/out" "$dir/json"
}
# of CHECK MEMBER: what the worst result of a check has as text, result or advice.
of() {
	python3 -c '
import json, sys
results = ["ok", "warning", "fault"]
found = [d for d in map(json.loads, open(sys.argv[1], encoding="utf-8")) if d["check"] == sys.argv[2]]
print(max(found, key=lambda d: results.index(d["result"]))[sys.argv[3]])' "$dir/json" "$1" "$2"
}

configure "map: {file: $dir/tls_policy, type: hash}"
main_cf 'smtp_tls_security_level = verify' "smtp_tls_policy_maps = hash:$dir/tls_policy"
ladder_json
is 'level: ok' "$(of level result)" ok
is 'policy-maps: ok' "$(of policy-maps result)" ok
is 'map-type: ok' "$(of map-type result)" ok
is 'authorities: ok' "$(of authorities result)" ok
is 'no map yet: fault' "$(of map result)" fault
is 'no server answers DNS: fault' "$(of dns result)" fault
is 'a fault: exit status 78' $status 78
if [[ -e /run/systemd/system ]]; then
	starts='systemctl enable --now tlsladder'
else
	starts='# start tlsladder run, by what supervises it here'
fi
is 'the daemon is started as this machine starts what it has' "$(of daemon advice)" "$starts"

main_cf 'smtp_tls_security_level = may' 'smtp_tls_policy_maps ='
ladder_json
is 'our map is not named' "$(of policy-maps result)" fault
matches 'nor is it to be before it is there' "$(of policy-maps advice)" "^test -e $dir/tls_policy\.db && [^
]* && [^
]* postfix reload\$"
echo built >"$dir/tls_policy.db"
echo built >"$dir/tls_policy"
ladder_json
is 'how Postfix is reached is part of the advice' "$(of policy-maps advice)" \
	"$builddir/tests/fake/tool $dir postconf -e 'smtp_tls_policy_maps = hash:$dir/tls_policy'
$builddir/tests/fake/tool $dir postfix reload"
ladder doctor
has 'people get it below the fault' "$out" "
fault   policy-maps     smtp_tls_policy_maps does not name $dir/tls_policy
        $builddir/tests/fake/tool $dir "
has 'and the number of faults' "$out" ' faults, '
hasnt 'no colour but on a terminal' "$out" $'\e'

# A name with everything that a shell would take for something else.
main_cf 'smtp_tls_security_level = verify' "smtp_tls_policy_maps = inline:{it's\$(id)\`id\`;=encrypt}"
ladder_json
of policy-maps advice | sed -n '1s/.* postconf -e/printf %s/p' >"$dir/typed"
is 'advice is quoted for a shell' "$(sh "$dir/typed")" \
	"smtp_tls_policy_maps = inline:{it's\$(id)\`id\`;=encrypt}, hash:$dir/tls_policy"

main_cf 'smtp_tls_security_level = verify' $'smtp_tls_policy_maps = hash:/a\e[31m\x9b\xff'
ladder doctor
check 'nothing raw on a terminal' python3 -c '
import sys
text = open(sys.argv[1], "rb").read().decode("utf-8")
sys.exit(any(ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160 for c in text))' "$dir/out"
ladder_json
is 'nor does it break JSON' "$(of policy-maps result)" fault

# --- our own configuration: a command is printed only where it is sure to be right

# cure LINE...: dns as the lines say it. No server answers there, and what is advised of our
# own configuration is typed, where it is a command.
cure() {
	configure "map: {file: $dir/tls_policy, type: hash}" "$@"
	ladder_json
	advice=$(of dns advice | grep -F "$dir/tlsladder.yaml")
	grep -v '^#' <<<"$advice" >"$dir/typed"
	sh -e "$dir/typed"
}
# stays SENTENCE PLACE LINE...: no command fits that, and the place is told in words.
stays() {
	local sentence=$1 place=$2
	shift 2
	cure "$@"
	is "$sentence: the place is printed, and what to write" "$advice" "# $dir/tlsladder.yaml:$place"
}
for lines in 'dns: {resolver: 127.0.0.1@1}' 'dns: {tries: 1, resolver: 127.0.0.1@1, timeout: 1s}' \
	'dns: {resolver: [127.0.0.1@1]}' $'dns:\n  resolver: 127.0.0.1@1 # that is it\n  tries: 1' \
	$'dns:\n    # resolver: no\n    resolver: "127.0.0.1@1"'; do
	cure "$lines"
	is "a command mends $lines" "$(grep -cE 'resolver: 127\.0\.0\.1( |,|}|$)' "$dir/tlsladder.yaml")" 1
	ladder rules
	is 'and what it makes is a configuration' $status 0
done
resolver='resolver: 127.0.0.1'
instead='in place of resolver: and its value'
stays 'a list in lines' "6: write $resolver $instead" $'dns:\n  resolver:\n    - 127.0.0.1@1\n  tries: 1'
stays 'a list in lines, at the key' "6: write $resolver $instead" $'dns:\n  resolver:\n  - 127.0.0.1@1\n  - 127.0.0.2@1'
stays 'a list of several' "5: write $resolver $instead" 'dns: {resolver: [127.0.0.1@1, 127.0.0.2@1]}'
stays 'a quoted section' "6: write $resolver $instead" '# dns:' "'dns': {resolver: 127.0.0.1@1}"
stays 'a quoted key' "6: write $resolver $instead" $'dns:\n  "resolver": 127.0.0.1@1'
stays 'a quoted key in braces' "5: write $resolver $instead" "dns: {'resolver': 127.0.0.1@1}"
stays 'a text that goes on' "6: write $resolver $instead" $'dns:\n  resolver: "127.0.0.1@\\\n    1"'
stays 'a section in several lines' "6: write $resolver $instead" $'dns: {\n  resolver: 127.0.0.1@1\n  }'
configure 'dns: {resolver: 127.0.0.1@1}'
{
	echo '{'
	sed 's/.*/  &,/' "$dir/tlsladder.yaml"
	echo '}'
} >"$dir/braces.yaml"
run "$program" -c "$dir/braces.yaml" doctor --json
cp "$dir/out" "$dir/json"
is 'one mapping in braces: nothing is added below it' "$(of dns advice | grep -F "$dir/braces.yaml")" \
	"# $dir/braces.yaml:6: write $resolver $instead"
configure "map: {file: $dir/tls_policy, type: hash}"

printf 'relay/unix/smtp_tls_security_level = may\n' >"$dir/master.cf"
main_cf 'smtp_tls_security_level = verify' "smtp_tls_policy_maps = hash:$dir/tls_policy"
ladder_json
is 'a service with a level of its own is named' "$(of service-level text)" \
	'relay of master.cf has the level may: nothing to climb down from there'

main_cf 'smtp_tls_security_level = verify' "smtp_tls_policy_maps = hash:$dir/tls_policy"
sed -i 's/^mail_version.*/mail_version = 2.10.9/' "$dir/main.cf"
ladder_json
is 'a Postfix that is too old' "$(of postfix text)" 'version 2.10.9 is older than 2.11'

# FORM|RESULT|TEXT: one line of the log, and what is said of it
good='postfix/smtp[417]: A1B2C3D4E5: to=<u@a.test>, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)'
while IFS='|' read -r head nested result text; do
	{
		echo "2026-11-22T07:00:00.5+00:00 mx $good"
		echo "$head $good"
	} >"$dir/mail.log"
	configure "map: {file: $dir/tls_policy, type: hash}" "log: {file: $dir/mail.log${nested:+, nested: $nested}}"
	ladder_json
	is "a line that begins with \"$head\"${nested:+, log.nested}: $result" "$(of log result)" "$result"
	matches 'and what it is' "$(of log text)" "$text"
done <<'END'
2026-11-22T07:00:01.5+00:00 mx||ok|mail\.log$
set 10 13:18:46 mx||warning|1 of the last 2 lines is like Postfix's and not understood: set 10 13:18:46 mx
2026-11-22T07:00:01.5+00:00 mx docker/5f[9]: Nov 22 07:00:01 mx|docker|ok|mail\.log$
END
configure "map: {file: $dir/tls_policy, type: hash}"

echo 1 >"$dir/postconf.status"
echo 'exit 1' >"$dir/postconf.sh"
ladder_json
is 'Postfix cannot be asked: fault' "$(of postfix result)" fault
is 'and what depends on it is not guessed' "$(grep -c '"check":"level"' "$dir/json")" 0

# --- a container that docker reaches by a variable

cat >"$dir/docker" <<'END'
#!/bin/bash
if [[ ${DOCKER_HOST:-} != unix:///run/user/7/docker.sock ]]; then
	echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2
	exit 1
fi
shift 3 # exec -i NAME
exec "$TOOL" "$FAKE" "$@"
END
chmod 755 "$dir/docker"
rm "$dir/postconf.status"
sed -i 's/^mail_version.*/mail_version = 3.7.11/' "$dir/main.cf"
printf 'exec cat "%s/main.cf"\n' "$dir" >"$dir/postconf.sh"
sed -i "s,\$TOOL,$builddir/tests/fake/tool,; s,\$FAKE,$dir," "$dir/docker"
configure "postfix: {command: [$dir/docker, exec, -i, mail]}" "map: {file: $dir/tls_policy, type: hash}"
unset DOCKER_HOST
ladder_json
is 'docker without its variable: fault' "$(of postfix result)" fault
hasnt '... which nobody has set' "$(of postfix advice)" environment
export DOCKER_HOST=unix:///run/user/7/docker.sock
ladder_json
is 'a variable that the command does not get: fault' "$(of postfix result)" fault
has '... with what docker says' "$(of postfix text)" 'Cannot connect to the Docker daemon'
has '... and that the unit needs it' "$(of postfix advice)" 'Environment='
bash -c "$(of postfix advice | grep '^sed')"
has 'the advice names it in the configuration' "$(<"$dir/tlsladder.yaml")" 'environment: DOCKER_HOST'
ladder_json
is '... which has the command reach it' "$(of postfix result)" ok

# Another map is asked where Postfix is, and what is not to be had here does not count.
postmap_says() { # STATUS TEXT
	printf 'echo "%s" >&2\nexit %s\n' "$2" "$1" >"$dir/postmap.sh"
}
main_cf 'smtp_tls_security_level = verify' "smtp_tls_policy_maps = proxy:mysql:/opt/postfix/conf/sql/tls.cf, hash:$dir/tls_policy"
printf 'exit 1\n' >"$dir/postmap.sh"
: >"$dir/postmap.calls"
ladder_json
is 'a map that only the container has is asked there' "$(of other-map result) $(grep -c 'mysql:/opt/postfix/conf/sql/tls.cf' "$dir/postmap.calls")" 'ok 1'
postmap_says 1 'postmap: fatal: open /opt/postfix/conf/sql/tls.cf: Permission denied'
ladder_json
has 'where it may not: the command is named' "$(of other-map advice)" \
	"docker exec -i mail postmap -q doctor.tlsladder.invalid mysql:/opt/postfix/conf/sql/tls.cf"
hasnt '... and no file of this machine' "$(of other-map advice)" chmod
postmap_says 1 'postmap: fatal: unsupported dictionary type: mysql'
ladder_json
has 'a type that is not there either' "$(of other-map advice)" '# mysql must be one of the types that this lists: '
hasnt '... for which nothing is installed here' "$(of other-map advice)" apt-get
has '... and what that means' "$(of other-map text)" 'there will be none of ours (other-map-unsure)'
rm "$dir/postmap.sh"

unset DOCKER_HOST
ladder_json
is '... and not where it is not set' "$(of postfix result)" fault
DOCKER_CONTEXT=x DOCKER_HOST='' ladder_json
has 'one that is missing joins those that are there' "$(of postfix advice)" 'environment: [DOCKER_HOST, DOCKER_CONTEXT]'

configure 'colour: red'
ladder doctor
is 'a wrong configuration ends it' $status 78
has 'as in every command' "$err" 'unknown key "colour"'

# --- a directory of others

mkdir -p "$dir/theirs" "$dir/own"
: >"$dir/theirs/main.cf"
chmod 777 "$dir/theirs"
for which in map state; do
	if [[ $which == map ]]; then
		configure "state: $dir/own/state.db" "map: {file: $dir/theirs/tls_policy, type: hash}"
	else
		configure "state: $dir/theirs/state.db" "map: {file: $dir/own/tls_policy, type: hash}"
	fi
	ladder_json
	is "the $which where others have files: a fault" "$(of $which-directory result)" fault
	hasnt "their directory does not become ours: $which" "$(of $which-directory advice)" 'chown'
	hasnt "nor is its mode changed: $which" "$(of $which-directory advice)" 'chmod'
	bash -c "$(of $which-directory advice | grep '^sed')"
	ladder_json
	hasnt "the advice moves the $which" "$(of $which-directory text)" "$dir/theirs"
	has "beside the other: $which" "$(<"$dir/tlsladder.yaml")" \
		"$dir/own/$([[ $which == map ]] && echo tls_policy || echo state.db)"
done
configure "state: $dir/theirs/state.db" "map: {file: $dir/theirs/tls_policy, type: hash}"
ladder_json
has 'neither has a directory of its own: there is one' "$(of map-directory advice)" 'install -d -m 750'

finish
