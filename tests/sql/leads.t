#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two tlsladders with one table: what the one that takes over must know, and what it must not keep.
. "$(dirname -- "$0")/lib.sh"
. "$(dirname -- "$0")/two.sh"
program=$builddir/tlsladder
command -v sqlite3 >/dev/null || skip_all 'needs sqlite3'
: >"$dir/mail.log"

# --- a state that cannot be written

full() {
	local name=$1
	two_begin "$name"
	mount -t tmpfs -o size=4m tmpfs "$dir/a.d" || skip_all 'needs tmpfs'
	begin a
	awaits "$name: the first one leads" 15 said a 'this tlsladder leads'
	begin b
	awaits "$name: the second one stands by" 15 said b 'leads: this tlsladder follows'
	# What its log of changes has room for would be written all the same.
	dd if=/dev/zero of="$dir/a.d/fill" bs=4k 2>/dev/null
	sqlite3 -cmd '.timeout 5000' "$dir/a.d/state.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	dd if=/dev/zero of="$dir/a.d/more" bs=4k 2>/dev/null
	awaits "$name: one that cannot write its state keeps the lease from nobody" 45 said b 'did not renew its lease'
	end b TERM
	end a TERM
	umount "$dir/a.d"
}

# --- pins

pins_of() {
	state "$1" "SELECT key, entry FROM destination WHERE pinned <> 0 ORDER BY key" | tr '\n' ';'
}

# fails_over FROM TO: the leader is killed, the other one leads.
fails_over() {
	: >"$dir/$2.err"
	end "$1" KILL
	says "UPDATE tlsladder_lease SET expires = '2001-01-01'"
	awaits "$name: $2 leads instead of $1" 20 said "$2" 'did not renew its lease'
}

begin_as() {
	: >"$dir/$1.err"
	begin "$1"
	awaits "$name: $1 $2" 15 said "$1" "$3"
}

pins() {
	local name=$1
	two_begin "$name"
	begin_as a leads 'this tlsladder leads'
	begin_as b 'stands by' 'leads: this tlsladder follows'
	ladder a set pinned.test encrypt --note 'a contract'
	ladder a set strict.test secure match=mx.strict.test
	ladder a set ends.test encrypt --for 10d
	decide a free.test=may
	awaits "$name: pins are rows that say so" 15 row_is "SELECT dest, owner FROM tlsladder_policy ORDER BY dest" \
		'^ends.test tlsladder pinned until 20[-0-9]*T[0-9:]*Z free.test tlsladder pinned.test tlsladder pinned strict.test tlsladder pinned $'
	ladder b set here.test may # where nobody leads
	fails_over a b
	is "$name: ... and pins of whoever leads next" "$(pins_of b)" \
		'ends.test encrypt;here.test may;pinned.test encrypt;strict.test secure;'
	matches "$name: ... with their end" "$(state b "SELECT (pin_until_ms - $(date +%s)000) / 3600000 FROM destination WHERE key = 'ends.test'")" '^(239|240)$'
	awaits "$name: one that was set where nobody led is a row then" 15 row_is \
		"SELECT policy, owner FROM tlsladder_policy WHERE dest = 'here.test'" '^may tlsladder pinned $'

	ladder b set pinned.test dane-only
	ladder b unset strict.test
	ladder b set late.test encrypt
	awaits "$name: what is said there" 15 row_is \
		"SELECT dest, policy FROM tlsladder_policy ORDER BY dest" \
		'^ends.test encrypt free.test may here.test may late.test encrypt pinned.test dane-only $'
	begin_as a 'stands by' 'leads: this tlsladder follows'
	fails_over b a
	is "$name: ... is not undone by older pins" "$(pins_of a)" \
		'ends.test encrypt;here.test may;late.test encrypt;pinned.test dane-only;'
	is "$name: ... nor in the table" "$(rows | tr '\n' ';')" \
		'ends.test encrypt;free.test may;here.test may;late.test encrypt;pinned.test dane-only;'
	ladder a unset late.test
	ladder a set free.test may
	awaits "$name: an entry that is set, with the same words, is a pin there" 15 row_is \
		"SELECT dest, owner FROM tlsladder_policy WHERE dest IN ('free.test', 'late.test')" '^free.test tlsladder pinned $'
	end a TERM
}

# row_is SQL REGEX: its rows, in one line.
row_is() {
	[[ $(says "$1" | tr '\t\n' '  ') =~ $2 ]]
}

tried=0
if [[ -x $builddir/tlsladder-mariadb ]] && command -v mariadbd >/dev/null; then
	tried=1
	start_own_mariadb "$dir/login"
	[[ -n ${QUICK-} ]] || full mariadb
	pins mariadb
fi
if [[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]]; then
	tried=1
	start_pgsql pg 5432
	pgsql_says "CREATE USER tlsladder PASSWORD 'secret'"
	says() {
		pgsql_says "$1"
	}
	write_login "$dir/login" "host = $pgsql_socket" 'user = tlsladder' 'password = secret' 'dbname = postgres'
	pins postgresql
fi
[[ $tried -eq 1 ]] || skip_all 'needs MariaDB, and its helper'
finish
