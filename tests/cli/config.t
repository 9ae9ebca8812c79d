#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A configuration with mistakes: nothing starts on it, and every mistake is reported at once,
# with its place.
. "$(dirname -- "$0")/lib.sh"

cat >"$dir/bad.yaml" <<'END'
log:
  file: mail.log
  form: end
ladder:
  lowest: dane
  may_after: {attempts: 0}
dns: {timeout: 3}
colour: green
map: [hash]
END
# LINE:COLUMN  PART OF THE COMPLAINT
complaints='
2:9   mail.log
3:3   form
5:11  dane
6:25  0
7:16  3
8:1   colour
9:6   keys must stand here
'
while read -r place part; do
	run "$program" -c "$dir/bad.yaml" list
	line=$(grep -F "bad.yaml:$place: " <<<"$err")
	has "a mistake at $place is reported" "$line" "$part"
done < <(grep . <<<"$complaints")
is 'no mistake is reported twice, none is made up' "$(wc -l <"$dir/err")" 7
is 'nothing is printed on standard output' "$out" ''

for command in run scan queue match rules list 'explain a.test' 'set a.test may' 'unset a.test' \
	export; do
	# shellcheck disable=SC2086
	run "$program" -c "$dir/bad.yaml" $command
	is "$command: exit status 78" $status 78
	is "$command: all seven mistakes" "$(grep -c 'bad.yaml:' <<<"$err")" 7
done

run "$program" -c "$dir/none.yaml" list
is 'a configuration that is named and missing: 78' $status 78
has 'and is named' "$err" "$dir/none.yaml"
typed=$(sed -n 's/.*: `\(install .*\)`.*/\1/p' <<<"$err")
has 'and how to get one, as README has it' "$typed" 'install -D -m 644 '
(cd "$srcdir" && $typed)
run "$program" -c "$dir/none.yaml" rules "$srcdir/rules/postfix.yaml"
is 'which, typed, is a good one' "$status" 0
: >"$dir/closed.yaml"
chmod 0 "$dir/closed.yaml"
if [[ ! -r $dir/closed.yaml ]]; then
	run "$program" -c "$dir/closed.yaml" list
	has 'one that may not be read: as whom' "$err" 'Permission denied; read it as root'
fi

printf 'log: {file: "/var/log/\xff.log"}\n' >"$dir/bytes.yaml"
run "$program" -c "$dir/bytes.yaml" list
is 'bytes that are not UTF-8: 78' $status 78

printf 'state: "/tmp/\\e[31m"\nlog: {file: "a\\e[31mb"}\n' >"$dir/escape.yaml"
run "$program" -c "$dir/escape.yaml" list
is 'an escape in a value: 78' $status 78
hasnt 'an escape in a value does not reach the terminal' "$err" $'\e'

# What was meant. CONFIGURATION|LINE:COLUMN|WHAT IS SAID
while IFS='|' read -r text place said; do
	printf '%b\n' "$text" >"$dir/meant.yaml"
	run "$program" -c "$dir/meant.yaml" list
	is "$text: 78, and one complaint" "$status $(wc -l <"$dir/err")" '78 1'
	has "$text: $said" "$err" "meant.yaml:$place: $said"
done <<'END'
ladder: {hold: 2h}|1:16|ladder.hold: "2h" where keys must stand; write hold: {may: 2h}
ladder:\n  may_after: 3|2:14|ladder.may_after: "3" where keys must stand; write may_after: {attempts: 3}
ladder:\n  may_after: 10m|2:14|ladder.may_after: "10m" where keys must stand; write may_after: {time: 10m}
log: /var/log/maillog|1:6|log: "/var/log/maillog" where keys must stand; write log: {file: /var/log/maillog}
dns: 127.0.0.1|1:6|dns: "127.0.0.1" where keys must stand; write dns: {resolver: 127.0.0.1}
notify: {to: [a@a.test, b@a.test]}|1:14|notify.to: a list where a single word must be; write it like postmaster@example.org: an alias takes mail to several
dns: {trust: {auto}}|1:14|dns.trust: a mapping where a single word must be; write auto or ad
notify: nonsense here|1:9|notify: "nonsense here" where keys must stand: from, to,
ladder.lowest: encrypt|1:1|unknown key "ladder.lowest"; write "lowest:" below "ladder:"
ladder: {hold.may: 2h}|1:10|unknown key "hold.may"
ladder.hold.may: 2h|1:1|unknown key "ladder.hold.may"; write "may:" below "ladder.hold:"
rules: "/etc/\\S"|1:14|a "\" that is none of YAML's in double quotes; use single quotes
END

# The template of mails is part of the configuration. TEMPLATE|LINE:COLUMN|WHAT IS SAID
while IFS='|' read -r text place said; do
	printf '%b' "$text" >"$dir/mail.txt"
	printf 'notify: {to: postmaster, template: %s}\n' "$dir/mail.txt" >"$dir/template.yaml"
	run "$program" -c "$dir/template.yaml" run
	is "the template \"$text\": 78, and one complaint" "$status $(wc -l <"$dir/err")" '78 1'
	has "$text: $said" "$err" "mail.txt:$place: $said"
done <<'END'
Subject: {subject}\n\n{txt}{text}\n|3:1|unknown place "{txt}"; did you mean "{text}"?
Subject: {subject}\nTo: x\n{text}\n|2:1|no header but Subject can stand here; put an empty line before the text
Subject: {subject}\n\n{text\n{text}|3:1|a { without its }; write {text}, or {{ for a brace
{host}\n\n{text}|1:1|no subject; begin with a line like "Subject: tlsladder: {subject}"
END
printf 'notify: {to: [], template: %s}\n' "$dir/mail.txt" >"$dir/template.yaml"
run "$program" -c "$dir/template.yaml" run
is 'with complaints of the configuration' "$status $(grep -c 'mail.txt:\|template.yaml:' "$dir/err")" '78 2'
printf 'Subject: {subject}\n\n{text}\n' >"$dir/mail.txt"
printf 'notify: {to: postmaster, template: %s}\nrules: %s\n' "$dir/mail.txt" "$srcdir/rules/postfix.yaml" >"$dir/template.yaml"
run "$program" -c "$dir/template.yaml" rules
is 'a good one is taken' "$status$err" 0

# As some editors of Windows leave it.
printf '\xef\xbb\xbflog: {file: /var/log/mail.log}\nrules: %s\n' "$srcdir/rules/postfix.yaml" >"$dir/bom.yaml"
run "$program" -c "$dir/bom.yaml" rules
is 'a byte order mark at the beginning is skipped' "$status$err" 0
printf '\xef\xbb\xbfSubject: tlsladder: {subject}\n\n{text}\n' >"$dir/template"
printf 'notify: {template: %s}\n' "$dir/template" >"$dir/bom.yaml"
run "$program" -c "$dir/bom.yaml" list
hasnt '... and that of a template' "$err" template
printf '\xef\xbb\xbflog: {file: mail.log}\n' >"$dir/bom.yaml"
run "$program" -c "$dir/bom.yaml" list
has 'and counts as no column' "$err" 'bom.yaml:1:13: '

configure 'rules: [/nonexistent/rules.yaml]'
for command in run scan match rules; do
	ladder $command
	is "$command: rules that are missing: exit status 78" $status 78
	has "$command: and are named" "$err" /nonexistent/rules.yaml
done

: >"$dir/empty.yaml"
run "$program" -c "$dir/empty.yaml" rules "$srcdir/rules/postfix.yaml"
is 'an empty configuration is a good one' $status 0
run "$program" -c "$srcdir/examples/tlsladder.yaml" rules "$srcdir/rules/postfix.yaml"
is 'the example is a good one' $status 0

finish
