#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Ways to configure that are not everybody's: hardened by default, --disable-hardening, a machine
# without cmocka.
. "$(dirname -- "$0")/cli/lib.sh"

for tool in autoreconf pkg-config readelf; do
	command -v $tool >/dev/null || skip_all "needs $tool"
done
unset MAKEFLAGS MFLAGS MAKELEVEL
check 'a copy of the tree' "$srcdir/tests/copy" "$dir/source"

# accepts FLAG...: the compiler makes a program with it.
accepts() {
	echo 'int main(void) { return 0; }' >"$dir/try.c"
	# shellcheck disable=SC2086
	${CC:-cc} -Werror -O2 "$@" "$dir/try.c" -o "$dir/try" 2>/dev/null
}

# --- hardened, whatever is not said

mkdir "$dir/usual"
check 'configure' eval 'cd "$dir/usual" && ../source/configure -q CC="${CC:-cc}" 2>/dev/null'
flags=$(sed -n 's/^HARDEN_[CLD]*FLAGS = //p' "$dir/usual/Makefile" | tr '\n' ' ')
for flag in -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2 -Wl,-z,relro -Wl,-z,now; do
	accepts "$flag" || { ok "$flag: not with this compiler"; continue; }
	has "$flag without being asked for" " $flags " " $flag "
done

# --- neither hardened nor with cmocka

cat >"$dir/pkg-config" <<'END'
#!/bin/sh
case "$*" in *cmocka*) exit 1 ;; esac
exec pkg-config "$@"
END
chmod +x "$dir/pkg-config"
mkdir "$dir/build"
run bash -c 'cd "$1/build" && ../source/configure -q --disable-hardening CC="$2" CFLAGS=-O0 PKG_CONFIG="$1/pkg-config"' \
	bash "$dir" "${CC:-cc}"
is 'configure --disable-hardening, without cmocka' "$status" 0
has 'it warns that make check will fail' "$err" 'no cmocka (libcmocka-dev)'
run make -s -C "$dir/build" -j2
is 'it builds' "$status" 0
run make -s -k -C "$dir/build" -j2 check TESTS='tests/cli/usage.t tests/hardening.t'
check 'make check fails, as the unit tests are missing' test "$status" -ne 0
has 'and says what to install' "$err" 'apt-get install libcmocka-dev, and ./configure again'
hasnt 'before anything is linked in vain' "$out$err" 'undefined reference'
matches 'what needs none of it passes' "$(<"$dir/build/tests/cli/usage.log")" 'ok [0-9]+ - '
hasnt 'all of it' "$(<"$dir/build/tests/cli/usage.log")" 'not ok'
has 'hardening is not looked for' "$(<"$dir/build/tests/hardening.log")" 'built with --disable-hardening'
symbols=$(readelf -W --dyn-syms -d "$dir/build/tlsladder")
hasnt '--disable-hardening: no canaries' "$symbols" __stack_chk_fail
hasnt 'no BIND_NOW of ours' "$(sed -n 's/^HARDEN_LDFLAGS = //p' "$dir/build/Makefile")" now
run "$dir/build/tlsladder" --version
has 'it runs' "$out" 'tlsladder '
finish
