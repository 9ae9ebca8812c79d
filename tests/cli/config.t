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

printf 'log: {file: "/var/log/\xff.log"}\n' >"$dir/bytes.yaml"
run "$program" -c "$dir/bytes.yaml" list
is 'bytes that are not UTF-8: 78' $status 78

printf 'state: "/tmp/\\e[31m"\nlog: {file: "a\\e[31mb"}\n' >"$dir/escape.yaml"
run "$program" -c "$dir/escape.yaml" list
is 'an escape in a value: 78' $status 78
hasnt 'an escape in a value does not reach the terminal' "$err" $'\e'

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
