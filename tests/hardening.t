#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The program is built with what makes an overflow hard to use. HARDENING has the flags that
# configure found.
. "$(dirname -- "$0")/cli/lib.sh"
command -v readelf >/dev/null || skip_all 'needs readelf'
[[ -n ${HARDENING-} ]] || skip_all 'HARDENING is not set: run it by make check'
[[ $HARDENING == *-fstack-protector* ]] || skip_all 'built with --disable-hardening'

for program in "$program" "$builddir"/tlsladder-{fetch,mariadb,pgsql}; do
	[[ -x $program ]] || continue # its library may be missing
	name=${program##*/}
	headers=$(readelf -W -h -l "$program")
	dynamic=$(readelf -W -d "$program")
	symbols=$(readelf -W --dyn-syms "$program")

	if [[ $HARDENING == *-pie* ]]; then
		check "$name: it is loaded anywhere (PIE)" grep -qE '^ *Type: +DYN' <<<"$headers"
		check "$name: and says so" grep -qE 'FLAGS_1.*\bPIE\b' <<<"$dynamic"
	fi
	if [[ $HARDENING == *-z,relro*-z,now* ]]; then
		check "$name: the tables of the linker are read-only" grep -q 'GNU_RELRO' <<<"$headers"
		check "$name: all of them, from the start (BIND_NOW)" grep -qE 'BIND_NOW|FLAGS_1.*\bNOW\b' <<<"$dynamic"
	fi
	check "$name: its stack is not executable" grep -qE 'GNU_STACK .* RW ' <<<"$headers"
	is "$name: nothing of it is both written and executed" "$(grep -E 'LOAD .* RWE ' <<<"$headers")" ''
	check "$name: functions with arrays have a canary" grep -q '__stack_chk_fail' <<<"$symbols"
	if [[ $HARDENING == *_FORTIFY_SOURCE* ]]; then
		check "$name: copies are checked against the size of their target (FORTIFY)" \
			grep -qE '__(memcpy|snprintf|vsnprintf|strcpy|memset|read|fgets|realpath|printf|fprintf)_chk' <<<"$symbols"
	fi
done
finish
