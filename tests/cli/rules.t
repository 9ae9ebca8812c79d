#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# rules: good files and broken ones.
. "$(dirname -- "$0")/lib.sh"

configure
ladder rules
is 'the shipped rules are good' $status 0
count=$(grep -c '^  - name:' "$srcdir/rules/postfix.yaml")
is 'and counted' "$out" "$count rules in 1 file, all examples as they should be"

ladder rules "$srcdir/rules/strict.yaml" "$srcdir/rules/postfix.yaml"
is 'with the strict ones before them' $status 0
has 'both are counted' "$out" ' rules in 2 files'
configure "rules: [$srcdir/rules/strict.yaml, $srcdir/rules/postfix.yaml]"
ladder rules
has 'the files of the configuration are those' "$out" ' rules in 2 files'

# broken PLACE COMPLAINT, the file on standard input: exit status 78, and it is reported.
broken() {
	cat >"$dir/rules.yaml"
	ladder rules "$dir/rules.yaml"
	is "$2: exit status 78" $status 78
	has "$2: with its place" "$err" "rules.yaml:$1: "
	has "$2: in words" "$err" "$2"
	is "$2: nothing on standard output" "$out" ''
}

broken 5:16 'not matched by its rule "one"' <<'END'
rules:
  - name: one
    reason: '^one$'
    fallback: encrypt
    examples: ['two']
END
broken 6:23 'counterexamples' <<'END'
rules:
  - name: one
    reason: '^one'
    fallback: encrypt
    examples: ['one']
    counterexamples: ['one more']
END
broken 2:5 'a rule without examples' <<'END'
rules:
  - name: one
    reason: '^one$'
    fallback: encrypt
END
broken 3:13 'does not begin with ^' <<'END'
rules:
  - name: one
    reason: 'one'
    fallback: encrypt
    examples: ['one']
END
broken 3:13 'missing closing parenthesis' <<'END'
rules:
  - name: one
    reason: '^(one$'
    fallback: encrypt
    examples: ['one']
END
broken 4:15 '"strong" is no fallback' <<'END'
rules:
  - name: one
    reason: '^one$'
    fallback: strong
    examples: ['one']
END
broken 3:12 '"one" is taken by the rule in ' <<'END'
rules:
  - {name: one, reason: '^one$', fallback: may, examples: [one]}
  - {name: one, reason: '^two$', fallback: may, examples: [two]}
END
broken 3:60 'taken by the rule "any-o"' <<'END'
rules:
  - {name: any-o, reason: '^o', fallback: may, examples: [o]}
  - {name: one, reason: '^one$', fallback: may, examples: [one]}
END
broken 1:8 'no rules' <<'END'
rules: {}
END
broken 4:1 'is missing' <<'END'
rules:
  - {name: one, reason: '^one$', fallback: may, examples: [one]

END

: >"$dir/rules.yaml"
ladder rules "$dir/rules.yaml"
is 'an empty file is broken' $status 78
ladder rules "$dir/none.yaml"
is 'a file that is missing is an error of the configuration' $status 78
has 'and is named' "$err" "$dir/none.yaml"

# Several mistakes, in several files, all at once.
cat >"$dir/first.yaml" <<'END'
rules:
  - {name: one, reason: '^one$', fallback: strong, examples: [one]}
  - {name: two, reason: 'two', fallback: may, examples: [two]}
END
cat >"$dir/second.yaml" <<'END'
rules:
  - {name: three, reason: '^three$', fallback: may, colour: green, examples: [three]}
END
ladder rules "$dir/first.yaml" "$dir/second.yaml"
for place in first.yaml:2:44 first.yaml:3:25 second.yaml:2:53; do
	has "all mistakes of all files: $place" "$err" "$place: "
done

# A pattern that backtracks without end is no match, and that is reported.
cat >"$dir/slow.yaml" <<'END'
rules:
  - {name: slow, reason: '^(a+)+$', fallback: may, examples: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab]}
END
cp "$dir/slow.yaml" "$dir/rules.yaml"
ladder rules "$dir/rules.yaml"
is 'a pattern that gives up on an example: exit status 78' $status 78
has 'and that is reported' "$err" 'a pattern gave up on this text'
configure "rules: $dir/slow.yaml"
printf 'Nov 24 07:00:00 mail postfix/smtp[1]: 4jYQBx3n2tz1bYNB: to=<a@x.test>, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (%s)\n' \
	aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab >"$dir/slow.log"
for command in match scan; do
	ladder $command "$dir/slow.log"
	has "$command: a pattern that gives up is reported" "$err" 'ran into its limit'
done

# As the README has it: a rule of one's own, before the shipped ones.
cat >"$dir/own.yaml" <<'END'
rules:
  - name: not-verified-by-us
    reason: '^Server certificate not verified$'
    fallback: wait
    examples: ['Server certificate not verified']
    counterexamples: ['host mx.test[192.0.2.1] said: Server certificate not verified']
END
configure "rules: [$dir/own.yaml, $srcdir/rules/postfix.yaml]"
ladder match "$srcdir/tests/logs/corpus/verify-maillog.log"
has 'an own rule before the shipped ones wins' "$out" '	not-verified-by-us'
hasnt 'and theirs is not reached' "$out" '	certificate-not-verified'

# Rules of one's own that take the place of shipped ones, or switch them off.
cat >"$dir/own.yaml" <<'END'
disable: [tls-not-offered]
rules:
  - name: not-verified-by-us
    override: certificate-not-verified
    reason: '^Server certificate not (?:verified|trusted)$'
    fallback: wait
    hint: 'ask them'
    examples: ['Server certificate not verified']
END
ladder rules
is 'a shipped rule is overridden, another is off' "$status$err" 0
is 'and that is shown' "$(sed "s|$dir/||; s|$srcdir/rules/||; s/line [0-9]*/line N/" <<<"$out")" \
	"$((count - 1)) rules in 2 files, all examples as they should be
own.yaml:4: \"not-verified-by-us\" takes the place of \"certificate-not-verified\" (postfix.yaml, line N)
own.yaml:1: \"tls-not-offered\" (postfix.yaml, line N) is off"
ladder match "$srcdir/tests/logs/corpus/verify-maillog.log"
has 'the own rule matches' "$out" '	not-verified-by-us'
hasnt 'what is off does not' "$out" '	tls-not-offered'
sed -i 's/override: certificate-not-verified/override: certificate-not-verifed/' "$dir/own.yaml"
ladder rules
is 'a name that is none: exit status 78' $status 78
has 'with its place, and what was meant' "$err" \
	'own.yaml:4:15: override: there is no rule "certificate-not-verifed"; did you mean "certificate-not-verified"?'
sed -i 's/override: certificate-not-verifed/override: expired/' "$dir/own.yaml"
ladder rules
has 'one that is like no other: where the names are' "$err" \
	"own.yaml:4:15: override: there is no rule \"expired\"; the names are in $srcdir/rules/postfix.yaml"
ladder rules "$dir/own.yaml"
has 'and where there is no other file: what names them' "$err" \
	'there is no rule "expired"; no other rule file is read: rules: of the configuration lists them'

finish
