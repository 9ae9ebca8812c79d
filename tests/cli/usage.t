#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What a person meets first: help, the version, and the report of a wrong command line.
. "$(dirname -- "$0")/lib.sh"

configure

run "$program" --help
is '--help ends well' $status 0
is '--help says nothing on standard error' "$err" ''
has '--help names the configuration file' "$out" '--config FILE'
help=$out
commands=$(sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$help")
for command in run scan queue match rules check status list explain set unset undo again policy report export doctor help; do
	has "--help lists $command" "
$commands
" "
$command
"
done

for command in '' $commands; do
	# shellcheck disable=SC2086
	run "$program" help $command
	is "help $command fits 80 columns" "$(awk 'length($0) > 80' <<<"$out")" ''
done
run "$program" list -x
is 'the usage of an error as well' "$(awk 'length($0) > 80' <<<"$err")" ''

version=$(sed -n 's/^AC_INIT(\[tlsladder\], \[\(.*\)\])$/\1/p' "$srcdir/configure.ac")
run "$program" --version
is '--version is that of the release' "$out" "tlsladder $version"

for command in $commands; do
	for option in --help -h; do
		run "$program" "$command" $option
		is "$command $option ends well" $status 0
		has "$command $option shows its usage" "$out" "usage: tlsladder [-c FILE] [-v] $command"
	done
done

# WORDS|WHAT IS SAID
while IFS='|' read -r words said; do
	# shellcheck disable=SC2086
	ladder $words
	is "\"tlsladder $words\" is a usage error" $status 64
	is "\"tlsladder $words\" prints nothing on standard output" "$out" ''
	has "\"tlsladder $words\": $said" "$err" "$said"
done <<'END'
|no command
frobnicate|no command "frobnicate"
--frobnicate|there is no option "--frobnicate"
-c|option "-c" wants a value
list a..test|"a..test" is no domain
list --level verfy|did you mean "verify"?
list --level strong|"strong" is no level: none, cleartext (may or dane), encrypt, verify, secure or dane-only
list --level none|add --waiting or DOMAIN
list --why because|"because" is no why
list --why pined|did you mean "pinned"?
status extra|no argument is expected
status --frobnicate|there is no option "--frobnicate"
again|either domains or --all is needed
policy --refresh --drop a.test|one of --refresh, --drop and --json alone
policy --drop|a domain is needed for --drop
policy a..test|"a..test" is no domain
again --all a.test|either domains or --all is needed
again a..test|"a..test" is no domain
list --frobnicate|there is no option "--frobnicate"
list -x|there is no option "-x"
list --json=yes|option "--json=yes" takes no value
run extra|no argument is expected
queue extra|no argument is expected
scan --frobnicate|there is no option
scan --as|option "--as" wants a value
scan --as may|--as: "may" is none of encrypt, dane, verify, secure and dane-only
scan --as verfy|is none of encrypt, dane, verify, secure and dane-only
scan --probe|--probe is for a forecast: --as LEVEL
queue --as verify|there is no option "--as"
queue --probe|there is no option "--probe"
match --frobnicate|there is no option
check|a domain is needed
check --probe|a domain is needed
check --frobnicate a.test|there is no option "--frobnicate"
check a.test b..test|"b..test" is no domain
explain|a domain is needed
explain a.test b..test|"b..test" is no domain
explain *.a.test|"*.a.test" is no domain, [host] or [host]:port; ".a.test" is all that is below it
explain a..test|"a..test" is no domain
explain [mx.a.test]:nobody|"[mx.a.test]:nobody" has a port that services(5) does not know
check a.test:nobody|"a.test:nobody" has a port that services(5) does not know
set a.test:nobody may|"a.test:nobody" has a port that services(5) does not know
doctor extra|no argument is expected
doctor --frobnicate|there is no option "--frobnicate"
export extra|no argument is expected
export --format xml|formats are
export --json --format csv|one format is written: json or csv
export --format csv --format postmap|one format is written: csv or postmap
export -o|option "-o" wants a value
export --output=|-o wants the name of a file
set|a domain and a level are needed
set a.test|a domain and a level are needed
set a.test strong|"strong" is no level
set a.test none|"none" is no level: may, encrypt, dane, verify, secure or dane-only; `tlsladder unset` takes a pin back
set a.test fingerprint|"fingerprint" is no level
set a..test may|"a..test" is no domain
set a.test may --for|option "--for" wants a value
set a.test may --for soon|--for wants a time
set a.test may --for 0s|--for wants a time
set a.test may --for 10|--for wants a time
set a.test encrypt match=.a.test|is for verify and secure alone
set a.test secure frobnicate=1|is no attribute
set a.test secure match|is not ATTR=VALUE
set a.test secure match=|is not ATTR=VALUE
set a.test may ciphers=strong|"ciphers=strong" is no cipher grade
set a.test may ciphers=high ciphers=high|"ciphers=high" is of an attribute that may stand there once
set a.test may Exclude=MD5 exclude=RC4|"exclude=RC4" is of an attribute that may stand there once
set a.test may protocols=SSLv9|"protocols=SSLv9" is no list of protocols
set a.test may protocols=TLSv1.2:|"protocols=TLSv1.2:" is no list of protocols
set a.test may protocols=TLSv1.2,TLSv1.3|has a blank, a comma
set a.test may connection_reuse=perhaps|"connection_reuse=perhaps" is neither yes nor no
set a.test may servername=-bad-|"servername=-bad-" names no host
set a.test may servername=[mx.a.test]|"servername=[mx.a.test]" names no host
set a.test verify tafile=ca.pem|"tafile=ca.pem" is no absolute path
set a.test stron|"stron" is no level
set a.test secur|did you mean "secure"?
set a.test cleartext|did you mean "may"?
set a.test b.test ciphers=high|"b.test" is no level
set a.test ciphers=high|a level is needed before the attributes
set a.test a.test may|a.test is named twice
set a.test A.test. may|a.test is named twice
set a.test secure macht=b.test|is no attribute of smtp_tls_policy_maps; did you mean "match"?
set a.test secure match=a.test,b.test|put ":" between several values
set --from|option "--from" wants a value
set --from - a.test may|with --from no destination is expected
set a.test may --frm -|did you mean "--from"?
unset|a domain is needed
unset a.test a.test|a.test is named twice
undo|a domain is needed
undo a.test a.test|a.test is named twice
lst|no command "lst"; did you mean "list"?
LIST|did you mean "list"?
stat|did you mean "status"?
scn|did you mean "scan"?
help frobnicate|no command "frobnicate"
help list extra|one command is expected
list --jsno|there is no option "--jsno"; did you mean "--json"?
--jsno list|did you mean "--json"?
--verbos=1 list|option "--verbos=1" takes no value
list --config|option "--config" wants a value
undo --frobnicate|there is no option "--frobnicate"
rules --frobnicate|there is no option "--frobnicate"
rules -x|there is no option "-x"
run --frobnicate|there is no option "--frobnicate"
set a.test. strong|"strong" is no level
unset a.test --for 1d|there is no option
END

# Options may stand behind what they are about; "--" ends them.
log=$srcdir/tests/logs/corpus/verify-maillog.log
ladder match --json "$log"
wanted=$out
ladder match "$log" --json
is 'an option behind a file is an option' "$status $out" "0 $wanted"
ladder match --json -- "$log"
is 'a file behind "--" is a file' "$status $out" "0 $wanted"
ladder match -- --json
is 'and an option is none there' "$status" 66
ladder rules -- "$srcdir/rules/postfix.yaml"
is 'rules: a file behind "--" is a file' "$status$err" 0

# Options of every command, and those of the command, stand where they like.
ladder list --json
wanted="$status $out$err"
config=$dir/tlsladder.yaml
for words in "-c $config --json list" "--config=$config list --json" "list -c $config --json" \
	"list --json --config $config -v" "-v list --json -c$config" "list -vc $config --js" \
	"--verbose -c $config -- list --json"; do
	# shellcheck disable=SC2086
	run "$program" $words
	is "\"${words//$dir/.}\" is list --json" "$status $out$err" "$wanted"
done
ladder set note.test may --note -v
is 'what stands behind an option that wants a value is one' "$(grep -c '(-v)$' "$dir/tls_policy")" 1
rm -f "$dir"/state.db* "$dir"/tls_policy*
run "$program" --format csv -c "$config" export
is 'an option with a value before its command' "$status $(grep -c 'no state' <<<"$err")" '66 1'
ladder report --lang de
wanted="$status $out"
ladder --lang de report
is 'and one whose value is of a few words' "$status $out" "$wanted"
# With the configuration of this test: there may be an installed one.
ladder match -- -c
is 'behind "--" there are no options' "$status $(grep -c 'option "-c"' <<<"$err")" '66 0'
run "$program" help
is 'help is --help' "$status $out" "0 $help"
run "$program" list --version
is '--version behind a command' "$out" "tlsladder $version"
run "$program" help set
has 'help COMMAND is COMMAND --help' "$out" "$("$program" set --help)"
is 'and ends well' $status 0

# A stranger's domain is shown as it is written, and the dot of DNS at its end is none.
ladder explain 'bücher..test'
has 'a U-label is shown as it is' "$err" '"bücher..test" is no domain'
ladder explain a.test..
is 'one dot at the end is left away, not two' $status 64

check 'a wrong command line leaves no state behind' test ! -e "$dir/state.db"

# An argument comes back visible, whatever it holds.
ladder explain $'a\e[31m.test'
hasnt 'an escape in an argument does not reach the terminal' "$err" $'\e'
ladder $'fro\e[31m'
hasnt 'nor one in the command' "$err" $'\e'
ladder set a.test $'ma\ey'
hasnt 'nor one in the level' "$err" $'\e'
ladder set a.test secure $'match=\e[31m'
hasnt 'nor one in an attribute' "$err" $'\e'
ladder export --format $'\e[31m'
hasnt 'nor one in the format' "$err" $'\e'
ladder --$'\e[31m'
hasnt 'nor one in an option' "$err" $'\e'

# Closed standard files are never mistaken for what is opened next.
for redirection in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	rm -f "$dir"/state.db* "$dir"/tls_policy*
	bash -c "'$program' -c '$dir/tlsladder.yaml' set a.test secure match=b.test $redirection"
	is "set $redirection: exit status 0" $? 0
	is "set $redirection: the map is as ever" "$(grep -v '^#' "$dir/tls_policy")" 'a.test	secure match=b.test'
	is "set $redirection: and the lock is empty" "$(cat "$dir/tls_policy.lock")" ''
done
rm -f "$dir"/state.db* "$dir"/tls_policy*
bash -c "'$program' --help >&-" 2>"$dir/err"
is 'a closed standard output is an error' $? 74

"$program" --help >/dev/full 2>"$dir/err"
is 'a full disk under the output is an error' $? 74

finish
