#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What Tab offers in bash is what the program takes: every command, every option, and for what
# they want the words that are allowed there.
. "$(dirname -- "$0")/lib.sh"

configure
run "$program" help
commands=$(sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$out")
general='--config --verbose --help --version'

# In a shell of its own, as it would be typed: offered WORD...: what is offered for the last one.
offered() {
	bash -uc '
		. "$1"
		shift
		compopt() { echo "compopt $*"; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		eval "$(complete -p tlsladder | sed "s/^complete -F //; s/ tlsladder\$//")"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$srcdir/examples/bash-completion/tlsladder" \
		"$program" "$@" 2>&1 | paste -sd ' '
}

is 'the commands' "$(offered '')" "$(paste -sd ' ' <<<"$commands")"
is 'the options of every command' "$(offered --)" "$general"
for command in $commands; do
	run "$program" help "$command"
	usage=$(sed '/^$/,$d; s/^usage: tlsladder \[-c FILE\] \[-v\] //' <<<"$out")
	wanted=$(grep -oE -- '--[a-z]+' <<<"$usage" | paste -sd ' ')
	is "the options of $command" "$(offered "$command" --)" "${wanted:+$wanted }$general"
	for option in ${wanted//--/}; do
		run "$program" "$command" "--$option=" --no-such-option
		hasnt "$command takes --$option" "$err" "no option \"--$option"
	done
done

is 'a command that has begun' "$(offered st)" status
is 'a command behind options' "$(offered -v -c list li)" list
is 'behind a command is no other' "$(offered status '')" ''
is 'the command that help wants' "$(offered help un)" 'unset undo unpublish'

# Each word that is offered is one that the program takes.
# taken BEHIND...: what is offered behind these words, after each was tried.
taken() {
	local word
	for word in $(offered "$@" ''); do
		ladder "$@" "$word"
		[[ $status -ne 64 ]] || echo "refused: $word: $err"
	done
	offered "$@" ''
}
is 'the levels of list' "$(taken list --waiting --level)" 'may encrypt dane verify secure dane-only cleartext none'
is 'the levels of set' "$(taken set a.test)" 'may encrypt dane verify secure dane-only'
is 'the levels of a forecast' "$(taken scan --as)" 'encrypt dane verify secure dane-only'
is 'the formats of export' "$(taken export --format)" 'postmap json csv'
is 'the languages of report' "$(taken report --lang)" 'en de'
is 'the databases of schema' "$(taken schema)" 'mariadb postgresql'
is 'behind a value that is free nothing is offered' "$(offered set --for '')" ''

ladder set '[mail.foo.test]:587' encrypt
is 'a key with a port: its colon parts words' "$(offered -c "$dir/tlsladder.yaml" explain '[mail.foo.test]' : 5)" 587
is '... behind the colon' "$(offered -c "$dir/tlsladder.yaml" explain '[mail.foo.test]' :)" 587
ladder unset '[mail.foo.test]:587'

mkdir "$dir/logs"
touch "$dir/logs/mail.log" "$dir/logs/mail.log.1"
is 'files, as names of files' "$(offered scan "$dir/logs/m")" \
	"compopt -o filenames $dir/logs/mail.log $dir/logs/mail.log.1"
is 'the file that an option wants' "$(offered export -o "$dir/logs/mail.log.")" \
	"compopt -o filenames $dir/logs/mail.log.1"
is 'the configuration' "$(offered -c "$dir/tlsl")" "compopt -o filenames $dir/tlsladder.yaml"

ladder unset a.test
ladder set one.test two.test '[mx.one.test]:587' may
is 'destinations, of the configuration that is named' \
	"$(offered -c "$dir/tlsladder.yaml" explain '' | tr ' ' '\n' | sort | paste -sd ' ')" '[mx.one.test]:587 one.test two.test'
is 'one that has begun' "$(offered -c "$dir/tlsladder.yaml" unset t)" two.test
is 'without a state none, and no complaint' "$(offered -c "$dir/none.yaml" explain '')" ''
finish
