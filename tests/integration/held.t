#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A lost state beside a damaged map, for every type of database that tlsladder keeps beside a
# text, with Postfix's own postmap: nothing is exported over it, mail goes on as the database
# says, and the commands that are named, typed by root, give back what can be had.
. "$(dirname -- "$0")/lib.sh"

up
types=$(inside postconf -m)
keys='bank.test [mx.verified.test]:2525 dane-ok.test'

# in_database: what Postfix finds for each key.
in_database() {
	local key
	for key in $keys; do
		printf '%s: %s\n' "$key" "$(inside postmap -q "$key" "$map_type:$map_file" 2>&1)"
	done
}

entries() {
	inside grep -v '^#' "$map_file" | sort
}

# lose: the state is gone, its map as it was kept.
lose() {
	rm -rf "$dir/state"
	cp -a "$dir/kept" "$dir/state"
	rm -f "$dir"/state/state.db*
}

# held NAME TEXT: nothing is exported.
held() {
	local before status
	before=$(in_database)
	err=$(ladder set q.test may 2>&1)
	status=$?
	is "$map_type, $1: set ends with 73" "$status" 73
	has "$map_type, $1: it says so" "$err" "$2"
	start
	check "$map_type, $1: so does run" await 10 grep -q "alert: .*nothing is exported over it" "$dir/daemon.err"
	stops
	: >"$dir/daemon.err"
	is "$map_type, $1: Postfix finds what it did" "$(in_database)" "$before"
	err=$(ladder list 2>&1)
}

# type_named WORDS: the command that list named and begins with them, by root.
type_named() {
	local line
	line=$(grep -o "$1[^\`]*" <<<"$err" | head -n 1)
	check "$map_type: typed: $1 ..." inside bash -ec "$line"
}

for map_type in hash lmdb cdb; do
	[[ " ${types//$'\n'/ } " == *" $map_type "* ]] || {
		comment "no $map_type here"
		continue
	}
	rm -rf "$dir/state" "$dir/kept"
	mkdir "$dir/state"
	chown nobody:nogroup "$dir/state"
	sender "$map_type" default=yes
	configure "$map_type" 'postfix: {retry: false}'
	ladder set bank.test secure match=.bank.test --note contract >/dev/null 2>&1
	# shellcheck disable=SC2086
	ladder set ${keys#* } encrypt >/dev/null 2>&1
	cp -a "$dir/state" "$dir/kept"
	all=$(entries)
	is "$map_type: three entries" "$(wc -l <<<"$all") $(in_database | grep -c ': [es]')" '3 3'

	lose
	sed -i '/^dane-ok/d' "$map_file"
	held 'a text that was cut' 'its first line says 3 entries, 2 are read'
	type_named "sed -i '1c"
	ladder set new.test verify >/dev/null 2>&1
	is "$map_type: what is left is taken over" "$(entries)" \
		"$(printf '%s\nnew.test\tverify\n' "$(grep -v ^dane-ok <<<"$all")" | sort)"
	is "$map_type: and in force" "$(in_database | tail -n 1)$(in_map new.test)" 'dane-ok.test: verify'

	for how in gone empty; do
		lose
		rm -f "$map_file"
		[[ $how == gone ]] || inside "${user[@]}" touch "$map_file"
		held "a text that is $how" "is $how, but its database"
		if [[ $map_type == cdb ]]; then
			hasnt "$map_type cannot be listed: nobody says so" "$err" 'postmap -s'
		else
			type_named '{ echo'
			ladder set new.test verify >/dev/null 2>&1
			is "$map_type, $how: all of it comes back" "$(entries)" "$(printf '%s\nnew.test\tverify\n' "$all" | sort)"
			is "$map_type, $how: and is in force" "$(in_database | grep -c ': [es]') $(in_map new.test)" '3 verify'
			lose
			rm -f "$map_file"
			err=$(ladder list 2>&1)
		fi
		type_named 'rm -f'
		ladder set new.test verify >/dev/null 2>&1
		is "$map_type, $how: given up on purpose: it begins anew" "$(entries)" 'new.test	verify'
	done
done
finish
