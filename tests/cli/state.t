#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# set, unset, list, explain and export on a state that is made by them.
. "$(dirname -- "$0")/lib.sh"
needs_python

# What the fakes of Postfix say of it.
postconf_says
configure

for command in list 'explain a.test' export; do
	# shellcheck disable=SC2086
	ladder $command
	is "$command without a state: exit status 66" $status 66
	has "$command without a state: what to do" "$err" 'has `tlsladder run` run?'
done

# --- pins

ladder set Example.TEST encrypt
is 'set ends well' "$status$err" 0
is 'and says what it did' "$out" 'example.test: none -> encrypt, pinned'
ladder list --json
is 'the key is folded as Postfix folds it' "$(json 'd[0]["destination"]')" example.test
is 'it is pinned' "$(json 'd[0]["level"], d[0]["why"], d[0]["pinned"]')" "('encrypt', 'pinned', True)"
has 'it is in the map' "$(<"$dir/tls_policy")" '
example.test	encrypt'
has 'with its why' "$(<"$dir/tls_policy")" 'pinned: the administrator set this level'

ladder set example.test secure match=.example.test servername=mx.example.test --note 'as agreed, ticket 7'
is 'set again, with attributes and a note' "$status$err" 0
ladder list --json
is 'the new level is there alone' "$(json 'len(d), d[0]["level"]')" "(1, 'secure')"
is 'with its attributes' "$(json 'd[0]["attributes"]')" 'match=.example.test servername=mx.example.test'
is 'with its note' "$(json 'd[0]["note"]')" 'as agreed, ticket 7'
has 'they are in the map' "$(<"$dir/tls_policy")" '
example.test	secure match=.example.test servername=mx.example.test'
ladder set attributes.test verify 'protocols=!SSLv2:!SSLv3:>=TLSv1.2' ciphers=HIGH exclude=RC4:MD5 \
	match=hostname match=.a.test tafile=/etc/a.pem servername=hostname connection_reuse=no
is 'every attribute that this Postfix knows' "$status$err" 0
ladder unset attributes.test
ladder set other.test secure enable_rpk=yes
is 'an attribute that this Postfix does not know is refused' $status 64
has 'and is named' "$err" '"enable_rpk=yes" is not known to the installed Postfix'

ladder set '[mx.example.test]:587' may --for 7d
is 'a next-hop with a port' "$status$err" 0
ladder set '[192.0.2.1]' dane-only
ladder set bücher.test verify
ladder set xn--bcher-kva.test encrypt
ladder list --json
is 'next-hops are kept as Postfix looks them up, in order' "$(json '[e["destination"] for e in d]')" \
	"['[192.0.2.1]', '[mx.example.test]:587', 'bücher.test', 'example.test', 'xn--bcher-kva.test']"
is '--for ends a pin in time' "$(json 'd[1]["look_again"] > d[1]["since"]')" True
is 'without --for it has no end' "$(json 'd[0]["look_again"]')" None
ladder list
is 'list: a line each, and a head' "$(wc -l <<<"$out")" 6
is 'list: destination, level, why' "$(awk '$1 == "[192.0.2.1]" { print $2, $3 }' <<<"$out")" 'dane-only pinned'

# --- export

ladder export
is 'export: the map is what stands in the file' "$(grep -v '^#' <<<"$out")" "$(grep -v '^#' "$dir/tls_policy")"
ladder export --format postmap
is 'export --format postmap: the same' "$(grep -v '^#' <<<"$out")" "$(grep -v '^#' "$dir/tls_policy")"
ladder export --format json
is 'export --format json: an object a line' "$(json 'len(d)')" 5
is 'export --format json: the fields' "$(json 'sorted(d[0])')" \
	"['attributes', 'destination', 'level', 'look_again', 'note', 'pinned', 'since', 'why']"
wanted=$out
ladder export --json
is 'export --json: the same' "$out" "$wanted"
echo old >"$dir/entries"
ladder export --json -o "$dir/entries"
is 'export -o: the same, in a file' "$status$out$err $(<"$dir/entries")" "0 $wanted"
check 'export -o: nothing stands beside it' test ! -e "$dir/entries.new"
ladder export -o "$dir/none/entries"
is 'export -o: where there is no directory' $status 73
has 'export -o: which is named' "$err" "$dir/none/entries"
ladder export --output - --json
is 'export -o -: standard output' "$out" "$wanted"
ln -s /dev/full "$dir/full.new"
ladder export --json -o "$dir/full"
is 'export -o: a file beside it is left alone' "$status $(<"$dir/full") $(readlink "$dir/full.new")" "0 $wanted /dev/full"
rm -f "$dir/full.new" "$dir/full"
is 'export -o: a new file may be read by all' "$(stat -c %a "$dir/entries")" 644
chmod 600 "$dir/entries"
ln -s entries "$dir/link"
echo old >"$dir/entries"
ladder export --json -o "$dir/link"
is 'export -o: of a link the file is replaced, with its mode' \
	"$status $(readlink "$dir/link") $(stat -c %a "$dir/entries") $(<"$dir/entries")" "0 entries 600 $wanted"
ln -s nothing "$dir/dangling"
ladder export -o "$dir/dangling"
is 'export -o: a link to nothing is an error' "$status $(readlink "$dir/dangling")" '73 nothing'
mkfifo "$dir/pipe"
timeout 20 cat "$dir/pipe" >"$dir/piped" &
ladder export --json -o "$dir/pipe"
wait $!
is 'export -o: a pipe is written into' "$status $(test -p "$dir/pipe" && cat "$dir/piped")" "0 $wanted"
ladder export -o /dev/null
is 'export -o: so is a device' "$status$err $(test -c /dev/null && echo device)" '0 device'
ladder export -o /dev/full
is 'export -o: one that takes nothing is an error' "$status $(test -c /dev/full && echo device)" '73 device'
ladder export -o "$dir"
is 'export -o: a directory is an error' $status 73

# FILE|WHAT IT IS
ln -s state.db "$dir/state-link"
ln "$dir/tls_policy" "$dir/map-link"
touch "$dir/tls_policy.db"
grep -v '^rules:' "$dir/tlsladder.yaml" >"$dir/own.yaml"
cp "$srcdir/rules/postfix.yaml" "$dir/own-rules.yaml"
printf 'rules: [%s/own-rules.yaml]\n' "$dir" >>"$dir/own.yaml"
config=$dir/own.yaml
before=$(cat "$dir/state.db" "$dir/tls_policy" "$dir/own.yaml" "$dir/own-rules.yaml" | sha256sum)
while IFS='|' read -r file what; do
	run "$program" -c "$config" export -o "$dir/$file"
	is "export -o $file: refused" $status 64
	has "export -o $file: it is $what" "$err" "$file is $what"
done <<'END'
state.db|the state
state.db.counting|the state
state.db.table-0123abcd.lock|the state
tls_policy.news|the policy map
state.db-wal|the state
state.db-shm|the state
state.db.lock|the state
state-link|the state
./state.db|the state
tls_policy|the policy map
tls_policy.db|the policy map
map-link|the policy map
own.yaml|the configuration file
own-rules.yaml|a rule file
END
is 'and they are as they were' \
	"$(cat "$dir/state.db" "$dir/tls_policy" "$dir/own.yaml" "$dir/own-rules.yaml" | sha256sum)" "$before"
rm -f "$dir/map-link" "$dir/tls_policy.db"
ladder set csv.test may --note '=1+1,"quoted"'
ladder export --format csv
is 'export --format csv: read by a reader of CSV' "$(python3 -c '
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")))
print(len(rows), [(r["level"], r["pinned"], r["note"]) for r in rows if r["destination"] == "csv.test"])' "$dir/out")" \
	"6 [('may', 'yes', '\\'=1+1,\"quoted\"')]"

# --- explain

ladder explain example.test
is 'explain ends well' "$status$err" 0
for part in 'pin none -> encrypt  pinned: the administrator set this level' \
	'pin encrypt -> secure' 'as agreed, ticket 7' 'not asked yet' \
	'example.test	secure match=.example.test servername=mx.example.test'; do
	has "explain tells: $part" "$out" "$part"
done
has 'explain: days without mail are said to be none' "$out" '
per day
  nothing was counted
'
is 'explain ends in the line of the map' "$(sed -n '/^map$/{n;p}' <<<"$out")" \
	'  example.test	secure match=.example.test servername=mx.example.test'
ladder explain --json EXAMPLE.test
is 'explain --json: one object' "$(json 'len(d), d[0]["destination"], d[0]["level"], d[0]["pinned"]')" \
	"(1, 'example.test', 'secure', True)"
is 'explain --json: the decisions, oldest first' "$(json '[(e["action"], e["after"]) for e in d[0]["decisions"]]')" \
	"[('pin', 'encrypt'), ('pin', 'secure')]"
ladder explain --json '[mx.example.test]:587'
is 'a next-hop with a port is explained' "$(json 'd[0]["destination"]')" '[mx.example.test]:587'
ladder explain nobody.test
is 'of one that was never seen: exit status 66' $status 66
has 'and that is reported' "$err" 'nothing is known of nobody.test'

# --- unset

ladder unset EXAMPLE.test.
is 'unset ends well' "$status$err" 0
is 'and says what it did' "$out" 'example.test: secure -> none, the ladder decides'
ladder list --json
is 'the pin is gone' "$(json '"example.test" in [e["destination"] for e in d]')" False
hasnt 'from the map as well' "$(<"$dir/tls_policy")" '
example.test	'
ladder explain example.test
has 'its history stays' "$out" 'unpin secure -> none'
is 'explain: no entry' "$(sed -n '/^map$/{n;p}' <<<"$out")" '  no entry: the default level applies'
ladder unset never.test
is 'unset of one that was never seen is an error' $status 66
has 'which is named' "$err" 'there is neither pin nor entry of never.test'

# --- hostile text

ladder set hostile.test may --note $'a\e[31mb\nc\x9b\xff\u2028d'
is 'a note of any bytes is taken' "$status" 0
for command in list 'explain hostile.test' 'export --format csv' export; do
	# shellcheck disable=SC2086
	ladder $command
	check "$command: no raw control character" python3 -c '
import sys
text = open(sys.argv[1], "rb").read().decode("utf-8")
sys.exit(any(ord(c) < 32 and c not in "\r\t\n" or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in text))' "$dir/out"
done
for command in 'list --json' 'explain --json hostile.test' 'export --format json'; do
	# shellcheck disable=SC2086
	ladder $command
	hasnt "$command: no raw control character" "$out" $'\e'
	check "$command: JSON" json 'd[-1]["note"]'
done
check 'the map: a note is a comment, and one line' python3 -c '
import sys
for line in open(sys.argv[1], encoding="utf-8").read().split("\n"):
    assert line == "" or line.startswith("#") or line.split("\t")[1].split()[0] in (
        "may", "encrypt", "verify", "dane-only", "secure"), line' "$dir/tls_policy"

ladder set umlaut.test may --note 'für „Müller“'
has 'the map: a note in German is readable' "$(<"$dir/tls_policy")" '(für „Müller“)
umlaut.test	may'

# --- what cannot be done

printf '%s\n' '# of mine' 'partner.test secure match=.partner.test' >"$dir/mine"
mine=$(<"$dir/mine")
configure "map: {file: $dir/mine, type: hash}"
ladder set over.test may
is "a table that another program wrote: exit status 73" $status 73
has 'and that is reported' "$err" "$dir/mine is there, and not written by tlsladder"
is 'and it is left as it is' "$(<"$dir/mine")" "$mine"
: >"$dir/mine"
configure "map: {file: $dir/mine, type: none}"
ladder set over.test may
is 'an empty file belongs to no other program' "$status$err" 0
echo 'over.test secure' >"$dir/mine"
ladder set other.test may
is 'what was written over a map of ours does not stay' \
	"$status $(grep -c 'written by tlsladder' "$dir/mine") $(grep -c secure "$dir/mine")" '0 1 0'
mkfifo "$dir/pipe"
configure "map: {file: $dir/pipe, type: none}"
ladder set over.test may
is "a map that is no file: exit status 73" $status 73
has 'and why' "$err" "$dir/pipe is no file"
check 'and it is what it was' test -p "$dir/pipe"
configure
ladder unset over.test

ladder set long.test may --note "$(printf '%01000d' 0)"
is 'a note that is too long is refused' $status 64
configure "map: {file: $dir/tls_policy, type: hash}"
echo 'postmap: fatal: no room' >"$dir/postmap.err"
echo 1 >"$dir/postmap.status"
before=$(<"$dir/tls_policy")
ladder set late.test may
is 'postmap fails: exit status 73' $status 73
has 'postmap fails: its message' "$err" 'postmap: fatal: no room'
has 'postmap fails: what is so all the same' "$err" 'the entry is stored, but the map is not exported'
is 'postmap fails: the map in force is untouched' "$(<"$dir/tls_policy")" "$before"
configure
rm -f "$dir"/postmap.*
ladder set later.test may
has 'with the next command it is exported' "$(<"$dir/tls_policy")" '
late.test	may'

echo 'this is no database, but long enough to look like a file of something else' >"$dir/other.db"
configure "state: $dir/other.db"
ladder list
is 'a state that is none is refused' $status 74
has 'and is named' "$err" "$dir/other.db"
ladder scan -
is 'by scan as well' $status 74
has 'and why is reported' "$err" 'file is not a database'
is 'and left as it is' "$(<"$dir/other.db")" 'this is no database, but long enough to look like a file of something else'

# A command that root ran must leave nothing that the daemon cannot use.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
if [[ $EUID -eq 0 ]] && as_nobody test -x "$program" 2>/dev/null; then
	chmod 711 "$dir"
	mkdir "$dir/theirs"
	chown 65534:65534 "$dir/theirs"
	configure "state: $dir/theirs/state.db" "map: {file: $dir/theirs/tls_policy, type: none}"
	run sh -c "umask 077; exec '$program' -c '$dir/tlsladder.yaml' set root.test may"
	is 'root sets' "$status$err" 0
	run as_nobody "$program" -c "$dir/tlsladder.yaml" set nobody.test may
	is 'and the owner of the directory sets after that' "$status$err" 0
	run setpriv --reuid=65533 --regid=65533 --clear-groups "$program" -c "$dir/tlsladder.yaml" list
	has 'a user who may not is told whose it is' "$err" \
		"run it as the user of the daemon: runuser -u $(id -nu 65534) -- tlsladder ..."
	chmod 700 "$dir/theirs"
	chown 0:0 "$dir/theirs"
	for command in list 'set a.test may' run 'scan -'; do
		# shellcheck disable=SC2086
		run as_nobody "$program" -c "$dir/tlsladder.yaml" $command
		is "$command as a user who may not: exit status 74" $status 74
		has "$command as a user who may not: and why" "$err" 'Permission denied'
		[[ $command == run ]] || has "$command as a user who may not: and what to do" "$err" 'run it as the user of the daemon'
	done
	chmod 755 "$dir/theirs"
	chmod 644 "$dir/theirs"/*
	for command in list 'set a.test may' 'scan --apply /dev/null'; do
		# shellcheck disable=SC2086
		run as_nobody "$program" -c "$dir/tlsladder.yaml" $command
		is "$command as a user who may only read: exit status 74" $status 74
		has "$command as a user who may only read: and why" "$err" 'Permission denied: run it as the user of the daemon'
	done
	configure
fi

"$program" -c "$dir/tlsladder.yaml" list >/dev/full 2>/dev/null
configure
"$program" -c "$dir/tlsladder.yaml" list >/dev/full 2>"$dir/err"
is 'a full disk under the output is an error' $? 74

finish
