#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# undo: the entry becomes what it was before the last decision, a pin for as long as it stood,
# everything else for a day.
. "$(dirname -- "$0")/lib.sh"
needs_python

configure

# Of one destination, as explain has it: "LEVEL PINNED ENTRY-WHY SECONDS-TO-THE-END-OF-THE-PIN"
standing() {
	ladder explain --json "$1"
	python3 -c '
import datetime, json, sys
d = json.loads(sys.stdin.read())
end = d["look_again"]
if end is not None:
    end = datetime.datetime.fromisoformat(end.replace("Z", "+00:00"))
    end = round((end - datetime.datetime.now(datetime.timezone.utc)).total_seconds(), -2)
print(d["level"], d["pinned"], d["entry_why"] or "-", end)' <<<"$out"
}

# The last record: "ACTION BEFORE AFTER WHY"
last_record() {
	ladder explain --json "$1"
	python3 -c '
import json, sys
d = json.loads(sys.stdin.read())["decisions"][-1]
print(d["action"], d["before"], d["after"], d["why"], d["attributes"])' <<<"$out"
}

in_map() {
	sed -n "s/^$1	//p" "$dir/tls_policy"
}

ladder undo a.test
is 'without a state: no input' $status 66

ladder set a.test verify
ladder set a.test may --note 'for a while'
ladder undo a.test
is 'a weaker pin is taken back' $status 0
is 'and that is reported' "$out" 'a.test: may -> verify, pinned'
is 'the pin from before is back, without an end' "$(standing a.test)" 'verify True pinned None'
is 'the record says so' "$(last_record a.test)" 'undo may verify pinned '
is 'the map has it' "$(in_map a.test)" 'verify'
hasnt 'the note of what was taken back is gone' "$(<"$dir/tls_policy")" 'for a while'

ladder undo a.test
is 'undo takes an undo back' "$out" 'a.test: verify -> may, pinned'
is 'with its note' "$(standing a.test) $(sed -n 's/.*(\(.*\))$/\1/p' "$dir/tls_policy")" \
	'may True pinned None for a while'
has 'that cleartext is back is a warning' "$err" 'warning: mail to a.test may go in cleartext again'

ladder set short.test verify --for 10m
ladder undo short.test
ladder set short.test secure --for 10m
ladder undo short.test
matches 'what no entry was before is no pin' "$out" '^short\.test: secure -> none until [-0-9]+ [:0-9]+ UTC$'

ladder set pin.test verify --for 6h --note 'until they moved'
ladder set pin.test secure
ladder undo pin.test
matches 'a pin comes back with its end' "$out" '^pin\.test: secure -> verify, pinned until [-0-9]+ [:0-9]+ UTC$'
is 'which is the one it had' "$(standing pin.test)" 'verify True pinned 21600.0'
ladder explain --json pin.test
is 'and with its note' "$(json 'd[0]["note"]')" 'until they moved'
ladder unset pin.test
ladder undo pin.test
is 'what unset took away comes back as well' "$(standing pin.test)" 'verify True pinned 21600.0'
is 'an authenticated level is no reason for a warning' "$err" ''
ladder unset pin.test
TLSLADDER_NOW_OFFSET=86400 ladder undo pin.test
is 'a pin that is over by then stands for a day' "$out" 'pin.test: none -> verify for a day'

# Several, all or none.
ladder set one.test two.test encrypt
ladder undo one.test never.test two.test
is 'one that cannot be: none is taken back' "$status $(in_map one.test)" '66 encrypt'
is 'and nothing is said to be done' "$out" ''
ladder undo one.test two.test
is 'several at once' "$status $out" '0 one.test: encrypt -> none for a day
two.test: encrypt -> none for a day'

ladder set b.test encrypt
ladder undo b.test
is 'before the first decision there was no entry' "$out" 'b.test: encrypt -> none for a day'
is 'the default level is pinned for a day' "$(standing b.test)" 'None True - 86400.0'
is 'the map has no entry' "$(in_map b.test)" ''
ladder unset b.test
is 'unset ends that earlier' "$(standing b.test)" 'None False - None'

ladder set c.test encrypt
ladder set c.test encrypt --note 'the same level again'
ladder undo c.test
is 'a decision that left the level alone is not the one' "$out" 'c.test: encrypt -> none for a day'

ladder set d.test secure match=.d.test ciphers=high
ladder set d.test encrypt
ladder undo d.test
is 'a level comes back with its attributes' "$(in_map d.test)" 'secure match=.d.test ciphers=high'
is 'which is reported' "$out" 'd.test: encrypt -> secure match=.d.test ciphers=high, pinned'
is 'the record says so' "$(last_record d.test)" 'undo encrypt secure pinned match=.d.test ciphers=high'
ladder undo d.test
is 'and goes without them' "$(in_map d.test)" 'encrypt'

# As a newer Postfix had it, which reports on a policy.
ladder set older.test secure match=mx.older.test servername=hostname
ladder set older.test encrypt
python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE decision SET before_attributes = \"match=mx.older.test servername=hostname policy_type=sts policy_domain=older.test"
           " mx_host_pattern=mx.older.test { policy_string = version: STSv1 }\" WHERE before_attributes LIKE \"match=mx.older%\"")
db.commit()' "$dir/state.db"
mkdir "$dir/older"
postconf_says
mv "$dir/postconf.out" "$dir/older.out"
printf '#!/bin/sh\ncat %s\n' "$dir/older.out" >"$dir/older/postconf"
chmod +x "$dir/older/postconf"
configure "postfix: {command: [env, PATH=$dir/older:$PATH], default_level: verify}"
ladder undo older.test
is 'attributes that this Postfix does not know are not put back' "$status $(in_map older.test)" '65 encrypt'
has 'which is said' "$err" '"policy_type=sts" is not known to the installed Postfix'
sed -i 's/3\.7\.11/3.11.6/' "$dir/older.out"
ladder undo older.test
is 'one that knows them has them back' "$status" 0
has 'all of them' "$(in_map older.test)" '{ policy_string = version: STSv1 }'
configure

ladder set f.test secure match=.f.test
ladder set f.test secure match=.g.test
ladder undo f.test
is 'other attributes are a decision of their own' "$(in_map f.test)" 'secure match=.f.test'
ladder explain f.test
has 'explain shows them' "$out" 'undo secure -> secure match=.f.test'

# As many names as the policy of a very large provider has.
attributes=match=$(seq -s: -f mx-%g.mail.example 1 4000)
is 'attributes of 72 kB and more' "$((${#attributes} > 72 * 1024))" 1
ladder set long.test secure "$attributes" ciphers=high
is 'are set' "$status" 0
is 'and stand in the map' "$(in_map long.test)" "secure $attributes ciphers=high"
ladder set long.test encrypt
ladder undo long.test
is 'undo brings them back' "$(in_map long.test)" "secure $attributes ciphers=high"
is 'and says so' "$out" "long.test: encrypt -> secure $attributes ciphers=high, pinned"
is 'the record has them' "$(last_record long.test)" "undo encrypt secure pinned $attributes ciphers=high"
ladder explain --json long.test
is 'explain --json shows them' "$(json 'd[0]["attributes"]')" "$attributes ciphers=high"
ladder export --format json
is 'export has them' "$(json '[e["attributes"] for e in d if e["destination"] == "long.test"]')" \
	"['$attributes ciphers=high']"

# As the daemon writes it while a weaker step is due.
ladder set h.test encrypt
python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("INSERT INTO decision(destination, time_ms, action, before, after, why, rule, reason, dns_state)"
           " SELECT id, since_ms, \"hold\", \"encrypt\", \"may\", \"hold\", \"\", \"\", \"\" FROM destination WHERE key = \"h.test\"")
db.commit()' "$dir/state.db"
ladder undo h.test
is 'what is held was no change: the one before is taken back' "$out" 'h.test: encrypt -> none for a day'

# What is stored without its decision, as after 400 days: the entry before is not known.
ladder set e.test verify
ladder set e.test encrypt
python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("DELETE FROM decision WHERE id = (SELECT max(id) FROM decision)")
db.commit()' "$dir/state.db"
ladder undo e.test
is 'the last decision has no record: nothing is guessed' $status 65
is 'and nothing changed' "$(in_map e.test)" 'encrypt'

ladder undo never.test
is 'an unknown destination: nothing to take back' $status 66
has 'that is reported' "$err" 'nothing is known of never.test'
is 'nothing on standard output' "$out" ''

# WORDS|WHAT IS SAID
while IFS='|' read -r words said; do
	# shellcheck disable=SC2086
	ladder $words
	is "\"tlsladder $words\" is a usage error" $status 64
	has "\"tlsladder $words\": $said" "$err" "$said"
done <<'END'
undo|a domain is needed
undo a.test a.test|a.test is named twice
undo --json|there is no option "--json"
undo a..test|"a..test" is no domain
END

configure "map: {file: $dir/tls_policy, type: hash}"
echo 'postmap: fatal: no room' >"$dir/postmap.err"
echo 1 >"$dir/postmap.status"
ladder undo a.test
is 'postmap fails: exit status 73' $status 73

finish
