#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The manual and the README say what the program does: every command, option, why and exit
# status is in tlsladder(8), and their examples are run.
. "$(dirname -- "$0")/lib.sh"
command -v mandoc >/dev/null || skip_all 'needs mandoc'

configure
manual=$srcdir/src/tlsladder.8
# One blank between words, and none of the bold and underlined letters of a terminal.
squash() {
	sed 's/.\x08//g' | tr -s ' \n\t' ' '
}
section() {
	mandoc -T utf8 -O width=1000 "$1" | sed 's/.\x08//g' |
		awk -v name="$2" '/^[A-Z]/ { inside = $0 == name; next } inside'
}
text=$(mandoc -T utf8 -O width=1000 "$manual" | squash)

for page in "$manual" "$srcdir/src/tlsladder.yaml.5"; do
	is "${page##*/}: mandoc has nothing to say" \
		"$(mandoc -T lint "$page" 2>/dev/null | grep -v 'referenced manual not found')" ''
done

commands=$(section "$manual" COMMANDS)
commands_of_manual=$(squash <<<"$commands")
run "$program" --help
help=$out
for command in $(sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$help"); do
	run "$program" "$command" --help
	usage=$(sed -n 's/^usage: tlsladder \[-c FILE\] \[-v\] //p' <<<"$out")
	has "the manual has the command $command" "$commands" "
     $command "
	is "and $command once" "$(grep -cE "^     $command( |\$)" <<<"$commands")" 1
	help+=$'\n'$out
	# Its arguments in the manual's spelling.
	first=$(cut -d ' ' -f 1 <<<"$usage")
	is "the usage of $command begins with its name" "$first" "$command"
done
for option in $(grep -oE -- '(^|[^a-z-])--[a-z]+' <<<"$help" | grep -oE -- '--[a-z]+' | sort -u); do
	has "the manual has the option $option" "$text" "$option"
done
for option in $(grep -oE -- '--[a-z]+' <<<"$commands_of_manual" | sort -u); do
	has "the option $option of the manual is in --help" "$help" "$option"
done

# Slug and sentence of the rows of why.h, however their lines are broken.
pairs=$(tr -s '\\\n\t ' ' ' <"$srcdir/src/core/why.h" | grep -oE ' W\([A-Z_]+, "[a-z-]+", "[^"]*",' |
	sed 's/^[^"]*"//; s/", *"/\t/; s/",$//')
why=$(section "$manual" WHY | squash)
is 'why.h has words and sentences' "$(($(wc -l <<<"$pairs") > 30))" 1
while IFS=$'\t' read -r slug sentence; do
	has "the manual has the why $slug, with its sentence" "$why " " $slug $sentence "
done <<<"$pairs"
is 'the manual has no other why' "$(grep -c '^\.It Sy' < <(sed -n '/^\.Sh WHY/,/^\.El/p' "$manual"))" \
	"$(wc -l <<<"$pairs")"
ladder_of_manual=$(section "$manual" 'THE LADDER' | squash)
for slug in $(cut -f 1 <<<"$pairs" | grep -vxE 'none|undone'); do
	matches "THE LADDER says where $slug stands" "$ladder_of_manual" "(^|[^a-z-])$slug([^a-z-]|\$)"
done

words=" $(sed -n '/^\.Sh WORDS/,/^\.El/s/^\.It //p' "$manual" | tr -s ' ,\n' ' ')"
for word in rung lease pin hold held echo freeze alarm witness canary past floor; do
	has "WORDS says what $word is" "$words" " $word "
done
for command in status doctor 'list --waiting' match explain again set; do
	has "MAIL STILL WAITS leads to $command" "$(section "$manual" 'MAIL STILL WAITS' | squash)" "tlsladder $command"
done
# Where a word holds mail, mail that flows makes something of it.
holding=$(tr -s '\\\n\t ' ' ' <"$srcdir/src/core/why.h" |
	grep -oE ' W\([A-Z_]+, "[a-z-]+", "[^"]*", [A-Z]+, [A-Z_]+, (OVER|PINNED|DANE|POLICY),' | cut -d '"' -f 2)
check 'there are words that hold mail' test "$(wc -l <<<"$holding")" -gt 20
for slug in $holding echo; do
	matches "MAIL STILL WAITS says what to do about $slug" "$(section "$manual" 'MAIL STILL WAITS' | squash)" "(^|[^a-z-])${slug}[, ]"
done
has 'the manual has the spellings of a domain beyond ASCII' "$(section "$manual" DESCRIPTION | squash)" 'xn--bcher-kva.example'
has 'tlsladder.yaml(5) says that examples are required' "$(squash <"$srcdir/src/tlsladder.yaml.5" | grep -o 'It Cm examples .*It Cm counterexamples')" \
	'Required by .Nm tlsladder Cm rules'

# Members of JSON, as the sources name them.
json_of_manual=" $(section "$manual" JSON | squash | tr -c 'a-z0-9_\n-' ' ') "
for file in cmd/check_print cmd/check_policy cmd/doctor cmd/explain cmd/explain_policy cmd/list cmd/match cmd/policy cmd/scan cmd/scan_forecast cmd/status measure/measure \
	measure/measure_credentials measure/measure_dns measure/measure_hosts measure/measure_maps measure/measure_policy \
	measure/measure_servers publish/export publish/report_json; do
	members=$(tr -s '\n\t ' ' ' <"$srcdir/src/$file.c" |
		grep -oE '\\"[a-z_0-9]+\\":|(json_text|add_member|add_time_member)\( ?&?[a-z>.-]+, "[a-z_0-9]+"|member = "[a-z_]+"' |
		grep -oE '[a-z_0-9]+(\\":|")$' | tr -d '":\\' | sort -u)
	check "src/$file.c has members of JSON" test -n "$members"
	for member in $members; do
		has "the manual has the member $member of src/$file.c" "$json_of_manual" " $member "
	done
done

# The numbers of sysexits.h.
statuses=$(section "$manual" 'EXIT STATUS' | awk '/^ +[0-9]+ / { print $1 }')
names=$(grep -ohE '\bEX_[A-Z]+\b' "$srcdir"/src/cmd/*.c "$srcdir/src/main.c" | sort -u)
while read -r name number_of; do
	has "the manual has the exit status $number_of ($name)" " ${statuses//$'\n'/ } " " $number_of "
done < <({ echo '#include <sysexits.h>'; sed 's/.*/wanted "&" &/' <<<"$names"; } |
	${CC:-cc} -E -P -x c - | sed -n 's/^wanted "\(.*\)"/\1/p')

keys=$'\n'$(grep '^\.It Cm ' "$srcdir/src/tlsladder.yaml.5")$'\n'
for key in $(grep -oE '^ *[a-z_]+:' "$srcdir/examples/tlsladder.yaml" | tr -d ' :' | sort -u); do
	matches "tlsladder.yaml(5) has the key $key" "$keys" $'\n'"\\.It Cm ([a-z_]+\\.)*$key( |\\.|"$'\n)'
done

# --- examples

# The log and the program of this test instead of the installed ones.
postconf_says 'smtp_tls_policy_maps ='
cat >"$dir/dns" <<'END'
example.org MX insecure
	example.org. 300 IN MX 10 mx.example.org.
mx.example.org A insecure
	mx.example.org. 300 IN A 192.0.2.1
END
start_dns
configure "dns: {resolver: '$resolver', trust: ad, tries: 1}"
log=$srcdir/tests/logs/corpus/verify-maillog.log
tlsladder() {
	"$program" -c "$dir/tlsladder.yaml" "$@"
}
# run_examples WHERE: command lines on standard input.
run_examples() {
	local where=$1 line
	while IFS= read -r line; do
		line=${line/report.html/$dir/report.html}
		run eval "${line//\/var\/log\/mail.log/$log}"
		is "$where: $line" "$status$(grep 'error:' <<<"$err")" 0
	done
}
run_examples 'the manual' < <(section "$manual" EXAMPLES | sed -n 's/^ *\$ //p')
is 'the manual has examples' "$(($(section "$manual" EXAMPLES | grep -c '^ *\$ ') >= 8))" 1

readme=$srcdir/README
run_examples 'the README' < <(sed -n 's/^    \(tlsladder [a-z].*\)/\1/p' "$readme")
for path in $(grep -oE '\b(src|tests|examples|rules)/[A-Za-z0-9_./-]*[a-z0-9/]' "$readme" | sort -u); do
	check "the README speaks of $path, which is there" test -e "$srcdir/$path"
done
for path in $(grep -oE '\b(src|tests|examples|rules)/[A-Za-z0-9_./-]*[A-Za-z0-9]' "$srcdir/src/HACKING" | sort -u); do
	check "HACKING speaks of $path, which is there" test -e "$srcdir/$path"
done
for package in $(sed -n '/apt-get install build/,/^ *autoreconf/p' "$readme" | tr ' ' '\n' | grep -E '^lib.*-dev$'); do
	check "the README's package $package is one of tests/packages" grep -qw -- "$package" "$srcdir/tests/packages"
done
for word in $(sed -n 's/^build=(//p; s/^\t\(lib.*\))$/\1/p' "$srcdir/tests/packages"); do
	check "tests/packages' $word is in the README" grep -qw -- "$word" "$readme"
done
# Those of tlsladder.yaml(5), each a file: what of a configuration, rules, a rule's examples, a mail.
mkdir "$dir/yaml"
awk -v dir="$dir/yaml" '/^\.Bd -literal/ { file = sprintf("%s/%02d", dir, ++n); next } /^\.Ed/ { file = "" }
	file { print >file }' "$srcdir/src/tlsladder.yaml.5"
shipped=$srcdir/rules/postfix.yaml
for example in "$dir"/yaml/*; do
	begins=$(sed -n '1s/:.*//p' "$example")
	printf 'rules: [%s]\n' "$shipped" >"$dir/example.yaml"
	rules=()
	case $begins in
		disable) printf 'rules: [%s, %s]\n' "$example" "$shipped" >"$dir/example.yaml" ;;
		rules) rules=("$example") ;;
		examples)
			{
				printf '%s\n' 'rules:' '  - name: a-rule' '    fallback: wait' \
					"    reason: '^Server certificate not verified|^no TLSA records found'"
				sed 's/^/    /' "$example"
			} >"$dir/examples.yaml"
			rules=("$dir/examples.yaml")
			;;
		Subject) printf 'notify: {to: postmaster@example.org, template: %s}\n' "$example" >>"$dir/example.yaml" ;;
		*) cat "$example" >>"$dir/example.yaml" ;;
	esac
	run "$program" -c "$dir/example.yaml" rules "${rules[@]}"
	is "tlsladder.yaml(5): the example that begins with $begins is accepted" "$status$err" 0
done
check 'tlsladder.yaml(5) has examples' test -e "$dir/yaml/08"
# paragraph WORDS: of README, which begins so, on one line.
paragraph() {
	awk -v words="$1" -v RS= 'index($0, words) == 1 || index($0, "\n" words) || index($0, "   " words) { gsub(/[ \n]+/, " "); print }' "$readme"
}
has 'the README says how to add a rule' "$(<"$readme")" 'A new failure phrase: a rule in rules/postfix.yaml'

for key in log.file notify.to postfix.config_directory; do
	has "the README names $key, which may need a change" "$(paragraph 'The configuration has every key')" "$key"
	matches "examples/tlsladder.yaml has it" \
		"$(sed -n "/^#* *${key%.*}:/,/^#* *[a-z_]*:$/p" "$srcdir/examples/tlsladder.yaml")" "${key#*.}:"
done
old='before Debian 12 and Ubuntu 22.04'
has 'the README says whose rsyslog needs examples/rsyslog.conf' "$(paragraph '4. The log.')" "Only $old"
has 'and the file says the same' "$(head -n 2 "$srcdir/examples/rsyslog.conf")" "$old"
has 'the README says where it is from' "$(paragraph 'On Debian 12, as root')" \
	'an unpacked release, whose signature you have checked, or a clone'
told=$(paragraph 'A fault?')
has 'the README says whom to tell of a fault' "$told" 'Tell those you have it from'
has 'what could harm others in private' "$told" 'in private'
asked=$(sed -n '/^Faults$/,$p' "$srcdir/src/HACKING")
has 'HACKING says with what' "$told $asked" 'src/HACKING'
for command in $(grep -o '"tlsladder [a-z-]*"' <<<"$asked" | cut -d ' ' -f 2 | tr -d '"'); do
	run "$program" "$command" --help
	is "tlsladder $command, which it asks for, is there" "$status" 0
done
upgrade=$(paragraph 'Upgrade: install')
has 'the README says how to upgrade by hand' "$upgrade" 'step 1 without its last line and "systemctl restart tlsladder"'

finish
