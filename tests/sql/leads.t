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
	dd if=/dev/zero of="$dir/a.d/fill" bs=4k 2>/dev/null
	awaits "$name: one that cannot write its state keeps the lease from nobody" 45 said b 'did not renew its lease'
	end b TERM
	end a TERM
	umount "$dir/a.d"
}

tried=0
if [[ -x $builddir/tlsladder-mariadb ]] && command -v mariadbd >/dev/null; then
	tried=1
	start_own_mariadb "$dir/login"
	full mariadb
fi
[[ $tried -eq 1 ]] || skip_all 'needs MariaDB, and its helper'
finish
