#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two tlsladders with one table: one leads, the other stands by, and goes on where that one is
# stopped, hangs or is killed. No entry is another than if there were one. With each database; the
# times are printed.
. "$(dirname -- "$0")/lib.sh"
. "$(dirname -- "$0")/two.sh"
program=$builddir/tlsladder
command -v sqlite3 >/dev/null || skip_all 'needs sqlite3'
: >"$dir/mail.log"

agrees() {
	[[ $(entries "$1") == "$(rows)" ]]
}

# took SENTENCE: since begun; 30 s are the lease, where it is waited for.
took() {
	local ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
	comment "$name: $1: $ms ms${whole:+ (wanted: 35 s)}"
}

# lease_ends: where whole is empty our clock is not asked: the lease is over.
lease_ends() {
	[[ -n $whole ]] || says "UPDATE tlsladder_lease SET expires = '2001-01-01'"
}

# two DATABASE: says SQL is its administrator; away has it gone, back there again. whole: each
# lease is waited for.
two() {
	local name=$1 before begun
	two_begin "$name"

	# --- one leads

	ladder a set pinned.test encrypt
	is "$name: an entry that is set is a row" "$status $(rows)" '0 pinned.test encrypt'
	begin a
	awaits "$name: the first one leads" 15 said a 'this tlsladder leads'
	begin b
	awaits "$name: the second one stands by" 15 said b 'leads: this tlsladder follows the log'
	decide a one.test=encrypt two.test=may three.test=dane-only
	awaits "$name: what the leader decides is in the table" 15 agrees a
	ladder b set other.test may
	matches "$name: ... and nothing that the other one has" "$status $out" 'leads, and writes to this table'
	ladder b unset other.test
	is "$name: ... which is not written" "$(rows | grep -c other)" 0
	ladder b status
	matches "$name: ... and says so" "$out" 'stands by'

	# --- stopped

	decide b two.test=encrypt stale.test=may # of a time when it led
	before=$(rows)
	end a TERM
	begun=${EPOCHREALTIME/./}
	awaits "$name: a leader that is stopped is followed" 120 said b 'did not renew its lease'
	is "$name: ... with the same entries" "$(entries b)" "$before"
	ladder b list two.test
	matches "$name: ... which are known as taken over" "$out" 'two.test +cleartext \(may\) +taken-over +'"$(date +%F)"
	ladder b explain two.test
	matches "$name: ... since when it leads" "$out" 'taken over from the table, where the tlsladder that led before put it'
	ladder b list --why taken-over --count
	is "$name: ... as are all rows that it had not or otherwise" "$out" 3
	ladder b list --why pinned --count pinned.test
	is "$name: ... and a pin is a pin" "$out" 1
	decide b four.test=encrypt two.test=none
	awaits "$name: ... and writes its own" 15 agrees b
	took 'from the end of the leader to a row of the other'

	# --- hangs

	begin a
	awaits "$name: the old one stands by when it comes back" 15 said a 'leads: this tlsladder follows the log'
	kill -STOP "${daemon[b]}"
	begun=${EPOCHREALTIME/./}
	decide b five.test=may one.test=none # what it was about to write
	lease_ends
	awaits "$name: a leader that hangs is followed" 120 said a 'did not renew its lease'
	decide a six.test=secure one.test=encrypt
	awaits "$name: ... by one that writes" 15 agrees a
	took 'from a leader that hangs to a row of the other'
	before=$(rows)
	: >"$dir/b.err"
	kill -CONT "${daemon[b]}"
	awaits "$name: ... and finds that out when it goes on" 15 said b 'leads: this tlsladder follows the log'
	is "$name: ... having written nothing" "$(rows)" "$before"
	ladder b set seven.test may
	is "$name: ... and its commands write nothing either" "$(rows)" "$before"
	ladder b unset seven.test

	# --- killed

	: >"$dir/b.err"
	end a KILL
	begun=${EPOCHREALTIME/./}
	lease_ends
	awaits "$name: a leader that is killed is followed" 120 said b 'did not renew its lease'
	is "$name: ... with the same entries, whatever it had thought of" "$(entries b)" "$before"
	decide b eight.test=encrypt
	awaits "$name: ... and writes its own" 15 agrees b
	took 'from a leader that is killed to a row of the other'
	matches "$name: the lease names who has it" "$(holder)" "^$(hostname):[0-9a-f]+\$"

	# --- the database is away

	: >"$dir/b.err"
	begun=${EPOCHREALTIME/./}
	away
	awaits "$name: without the database nobody leads for long" 60 said b 'may be another'
	comment "$name: without the database it led for $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
	decide b nine.test=encrypt
	back
	begun=${EPOCHREALTIME/./}
	awaits "$name: ... and who led leads again" 30 said b 'this tlsladder leads: it has the lease'
	awaits "$name: ... and writes what was decided meanwhile" 40 agrees b
	comment "$name: from the return of the database to a row: $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
	end b TERM
}

tried=0
if [[ -x $builddir/tlsladder-mariadb ]] && command -v mariadbd >/dev/null; then
	tried=1
	start_own_mariadb "$dir/login"
	away() {
		kill -KILL "${server[db]}"
		wait "${server[db]}" 2>/dev/null
	}
	back() {
		start_mariadb db 3306
	}
	whole=yes
	two mariadb
fi
if [[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]]; then
	tried=1
	start_pgsql pg 5432
	pgsql_says "CREATE USER tlsladder PASSWORD 'secret'"
	says() {
		pgsql_says "$1"
	}
	write_login "$dir/login" "host = $pgsql_socket" 'user = tlsladder' 'password = secret' 'dbname = postgres'
	away() {
		kill -STOP "${server[pg]}"
	}
	back() {
		kill -CONT "${server[pg]}"
	}
	whole=''
	two postgresql
fi
[[ $tried -eq 1 ]] || skip_all 'needs MariaDB or PostgreSQL, and its helper'
finish
