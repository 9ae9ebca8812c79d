#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SIGHUP, SIGTERM, and a second daemon.
. "$(dirname -- "$0")/lib.sh"

up strict
# Readable by the daemon's user, writable by the administrator alone.
mkdir "$dir/rules"
# The shipped ones but one.
sed '/^ *- name: handshake-failure$/,/^$/d' "$rules/postfix.yaml" >"$dir/rules/postfix.yaml"
configured() {
	configure strict "rules: [$dir/rules/mine.yaml, $dir/rules/postfix.yaml]" "$@"
}
configured 'ladder: {may_after: {attempts: 1}, hold: {encrypt: 0s}}'

# Which lines of the daemon are new since the last call.
said_lines=0
said() {
	tail -n "+$((said_lines + 1))" "$dir/daemon.err"
}
heard() {
	said_lines=$(wc -l <"$dir/daemon.err")
}
says() {
	said | grep -q -- "$1"
}

# reload SENTENCE REGEX: SIGHUP, and the daemon says so.
reload() {
	heard
	kill -HUP "$daemon"
	awaits "$1" 10 says "$2"
}

cat >"$dir/rules/mine.yaml" <<'YAML'
rules:
  - name: nothing-yet
    reason: '^this is said by nobody$'
    fallback: wait
YAML
starts
count=$(grep -o 'with [0-9]* rules' "$dir/daemon.err" | tr -dc 0-9)

# --- a rule by hand

# At first nobody knows that reason.
send strict tls10-only.test
settle strict
is 'an unknown reason: no entry without a rule' "$(entry tls10-only.test)" -
cat >"$dir/rules/mine.yaml" <<'YAML'
rules:
  - name: by-hand
    reason: '^Cannot start TLS: handshake failure$'
    fallback: encrypt
  - name: nothing-yet
    reason: '^this is said by nobody$'
    fallback: wait
YAML
reload 'a rule that was added by hand is taken' "reloaded: $((count + 1)) rules"
postfix_tool postqueue strict -f
awaits 'and is in force for the next line' 10 \
	grep -q '^tls10-only\.test	encrypt' "$dir/state/tls_policy"
is 'its name is known' "$(sql "SELECT rule FROM destination WHERE key = 'tls10-only.test'")" by-hand

# --- broken rules

# broken WHAT LINE:COLUMN TEXT
broken() {
	local name=mine.yaml
	cat >"$dir/rules/mine.yaml"
	reload "$1: refused" 'not reloaded: the old configuration and rules stay in force'
	matches "$1: the place is reported" "$(said)" "$dir/rules/$name:$2: "
	matches "$1: and what is wrong" "$(said)" "$3"
}
broken 'a pattern that is none' 3:13 'reason|pattern|missing|paren' <<'YAML'
rules:
  - name: broken
    reason: '^(unclosed$'
    fallback: encrypt
YAML
broken 'a level that is none' 4:15 'strongest' <<'YAML'
rules:
  - name: broken
    reason: '^x$'
    fallback: strongest
YAML
broken 'a pattern without anchor' 3:13 '\^' <<'YAML'
rules:
  - name: broken
    reason: 'Server certificate not verified'
    fallback: encrypt
YAML
broken 'no YAML' '[0-9]+:[0-9]+' 'rules/mine.yaml' <<'YAML'
rules: [
YAML
is 'the daemon still runs' "$(kill -0 "$daemon" && echo yes)" yes
postfix_tool postqueue strict -f
send strict selfsigned.test
awaits 'the old rules are in force' 10 grep -q '^selfsigned\.test	encrypt' "$dir/state/tls_policy"
is 'and the one by hand' "$(entry tls10-only.test)" encrypt
ladder rules >"$dir/rules.out" 2>&1
is 'the command "rules" refuses the same file' $(($? != 0)) 1

# --- the configuration

cat >"$dir/rules/mine.yaml" <<'YAML'
rules:
  - name: nothing-yet
    reason: '^this is said by nobody$'
    fallback: wait
YAML
configured 'ladder: {may_after: {attempts: 1}, lowest: sometimes}' 'speed: fast'
heard
kill -HUP "$daemon"
awaits 'a broken configuration is refused' 10 says 'not reloaded'
matches 'the place of the first mistake is reported' "$(said)" "$dir/tlsladder.yaml:[0-9]+:[0-9]+: .*sometimes|$dir/tlsladder.yaml:[0-9]+:[0-9]+:.*lowest"
matches 'and of the second' "$(said)" "$dir/tlsladder.yaml:[0-9]+:[0-9]+:.*speed"
send strict starttls-refused.test
awaits 'the old configuration is in force' 10 grep -q '^starttls-refused\.test	dane' "$dir/state/tls_policy"

configured 'ladder: {may_after: {attempts: 1}, lowest: encrypt}'
reload 'a new configuration is taken' 'reloaded: '
send strict plain.test expired-cert.test
settle strict
is 'it is in force: nothing weaker than encrypt' "$(entry plain.test) $(entry expired-cert.test)" '- encrypt'
awaits 'nor does what was decided before stay below it' 10 \
	eval '[[ $(in_map starttls-refused.test) == encrypt ]]'
is 'for that reason, and nothing else changes' \
	"$(sql "SELECT entry_why FROM destination WHERE key = 'starttls-refused.test'") $(entry tls10-only.test)" 'lowest encrypt'

# While mail flows, nothing is lost.
for i in {1..10}; do
	kill -HUP "$daemon"
	send strict selfsigned.test dane-ok.test
done
settle strict
is 'ten reloads while mail flows lose none of it' \
	"$(grep -c 'user@\(selfsigned\|dane-ok\)\.test	' "$dir/delivered.tsv")" 21

# --- a second one, and the end

begun=$(now)
second=$(ladder run 2>&1)
is 'a second daemon is refused' $? 69
comment "after $(bc <<<"$(now) - $begun") s"
matches 'it says why' "$second" 'another tlsladder'
is 'the first one does not mind' "$(kill -0 "$daemon" && echo yes)" yes

begun=$(now)
stops
took=$(bc <<<"$(now) - $begun")
comment "it ended $took s after SIGTERM (wanted: 2 s)"
matches 'it says so' "$(tail -n 1 "$dir/daemon.err")" 'stopped'
is 'it has read the log to its end' "$(sql "SELECT place + 0 FROM log_place")" "$(stat -c %s "$dir/strict/mail.log")"

start
kill -INT "$daemon"
wait "$daemon"
is 'an interrupt from the keyboard ends it as well' $? 0
# In the middle of a question to DNS.
start
"$sandbox" resolver "$dir" freeze
send strict wrongname-cert.test
await 10 grep -q 'wrongname-cert.test.*deferred' "$dir/strict/mail.log" >/dev/null
begun=$(now)
stops
took=$(bc <<<"$(now) - $begun")
comment "it ended $took s after SIGTERM, while it waited for DNS (wanted: 2 s)"
finish
