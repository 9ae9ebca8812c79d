#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Who includes whom. The listing of src/ is the order in which data flows; includes point
# back only. Each foreign library has one place. The core is pure: see the end.
. "$(dirname -- "$0")/cli/lib.sh"

cd "$srcdir/src" || exit 1

# FOLDER  WHAT IT MAY INCLUDE
while read -r folder allowed; do
	wrong=$(grep -n '^#include "' "$folder"/*.[ch] |
		grep -vE "\"(${allowed// /|})/" | grep -vE "^[^:]*:[0-9]+:#include \"$folder/")
	is "$folder/ includes ${allowed:-nothing of ours} alone" "$wrong" ''
done <<'END'
base base
core base
sys base core
conf base core sys
logs base core sys
dns base core sys
postfix base core sys
measure base core sys dns postfix
store base core sys
publish base core sys conf postfix store
engine base core sys conf logs postfix measure store publish
fetch base core sys
sql base core sys
cmd base core sys conf logs dns postfix measure store publish engine
END
is 'main.c includes cmd/, sys/ and base/ alone' \
	"$(grep -n '^#include "' main.c | grep -vE '"(cmd|sys|base)/')" ''
is 'sys/ knows of core/ only what the time of a log line is' \
	"$(grep -h '^#include "core/' sys/*.[ch] | sort -u)" '#include "core/logline.h"'
is 'only its source knows of follow, and lines of its limits' \
	"$(grep -l '^#include "logs/follow.h"' */*.[ch] | grep -vE '^logs/(follow[a-z_]*|lines)\.[ch]$')" logs/source_file.c

# HEADER  THE FILES THAT MAY INCLUDE IT
while read -r header files; do
	wrong=$(grep -lE "^ *# *include <$header>" ./*.c */*.[ch] | sed 's,^\./,,' | grep -vE "^($files)$")
	is "<$header> is included by $files alone" "$wrong" ''
	check "<$header> is included there" grep -rqE "^ *# *include <$header>" .
done <<'END'
pcre2.h core/rules[a-z_]*\.[ch]
sqlite3.h store/[a-z_]*\.[ch]
yaml.h conf/yaml\.c
ldns/.*.h dns/resolver[a-z_]*\.[ch]
idn2.h [a-z]*/[a-z_]*\.c
unicase.h core/nexthop\.c
unistr.h core/nexthop\.c
uninorm.h dns/idn\.c
zlib.h logs/gzip\.c
jansson.h postfix/queue\.c
spawn.h sys/child\.c
curl/curl.h fetch/transfer\.c
openssl/.*.h fetch/transfer\.c
linux/seccomp.h (fetch|sql)/confine\.c
mysql.h sql/mariadb\.c
libpq-fe.h sql/pgsql\.c
END
for header in idn2.h zlib.h; do
	is "<$header> has one place" "$(grep -lE "^ *# *include <$header>" */*.[ch] | wc -l)" 1
done

# What has a path of the installation in it is compiled anew where that is another.
is 'objects with paths depend on them' \
	"$(cd "$srcdir" && grep -lE '(SYSCONF|STATE|RULES|LIBEXEC|DOC)DIR' src/*.c src/*/*.c tests/*/*.c | sed 's/c$/$(OBJEXT)/' | sort)" \
	"$(sed -n '/^PATH_OBJECTS/,/[^\\]$/p' "$srcdir/Makefile.am" | grep -oE '(src|tests)/[^ ]*' | sort)"

# A destination changes in core/destination*.c alone, and where the store loads one. A copy
# of its header says const to everybody else, so that the compiler finds who assigns a
# field, or hands one out to be written.
mkdir -p "$dir/const/core"
sed '/^struct destination {$/,/^};$/s/^\t\([a-z]\)/\tconst \1/' core/destination.h >"$dir/const/core/destination.h"
is 'struct destination is found in its header' \
	"$(grep -c '^	const ' "$dir/const/core/destination.h")" "$(sed -n '/^struct destination {$/,/^};$/p' core/destination.h | grep -c '^	')"
destination_writes() {
	${CC:-cc} -std=c11 -include "$builddir/config.h" -DSYSCONFDIR='""' -DSTATEDIR='""' -DRULESDIR='""' -DLIBEXECDIR='""' -DDOCDIR='""' \
		-Wall -iquote "$dir/const" -iquote . -fsyntax-only "$@" 2>&1 |
		grep -E 'read-only|discards|const-qualified'
}
is 'a destination is changed by core/destination alone' \
	"$(destination_writes $(grep -lE 'struct (destination|judged)' */*.c | grep -vE '^(core/destination[a-z_]*|store/store_destination)\.c$'))" ''
check 'that would be seen' test -n "$(destination_writes core/destination_news.c)"

# What has one place though it needs no header of its own.
while read -r function files; do
	wrong=$(grep -nE "(^|[^a-z_])$function\(" ./*.c */*.c | sed 's,^\./,,' |
		grep -vE "^($files):" | grep -vE '^[^:]*:[0-9]+:(\s*/?\*|[^"]*/\*)')
	is "$function() is called by $files alone" "$wrong" ''
done <<'END'
clock_gettime sys/clock\.c
time none
gettimeofday none
posix_spawnp? sys/child\.c
fork none
system none
popen none
strcpy none
strcat none
sprintf none
strtok none
getenv sys/[a-z]*\.c|cmd/cmd\.c
END

# A header that a built file includes first has been compiled by itself: the build has shown it.
# The others are compiled here, each in a file of its own.
mkdir "$dir/headers"
cd "$builddir" || exit 1
objects=" $(ar t libcore.a && ar t libedge.a) "
cd "$srcdir/src" || exit 1
first=' '
while IFS=: read -r file include; do
	object=${file##*/}
	[[ ${objects//$'\n'/ } != *" ${object%.c}.o "* ]] || first+="$include "
done < <(grep -H -m 1 '^#include' */*.c)
for header in */*.h; do
	[[ $first == *"#include \"$header\" "* ]] || echo "#include \"$header\"" >"$dir/headers/${header//\//-}.c"
done
is 'every header compiles by itself' "$(${CC:-cc} -std=c11 -D_GNU_SOURCE -iquote . -fsyntax-only \
	"$dir"/headers/*.c 2>&1 | grep -v 'pcre2\|PCRE2')" ''
check 'and most of them are the first that a file includes' test "$(grep -o '#include' <<<"$first" | wc -l)" -gt 100

# --- what grows unseen

fields=$(sed -n '/^struct engine {/,/^};/p' "$srcdir/src/engine/engine_impl.h" | grep -cP '^\t\w.*;')
check "the engine has fewer than 25 fields: $fields" test "$fields" -gt 15 -a "$fields" -lt 25

# --- every test is run

# tests/integration and tests/sql are taken as they are.
is 'make check or make check-slow knows every script' "$(cd "$srcdir" && ls tests/*.t tests/*/*.t |
	grep -vE '^tests/(integration|sql)/' | grep -vxFf <(sed -n '/^[A-Z_]*_TESTS += /s/.*= //p
		/^[A-Z_]*_TESTS = /,/[^\\]$/s/^\t\([^ ]*\).*/\1/p' Makefile.am))" ''

# --- the core is pure

cd "$builddir" || exit 1
is 'libcore.a asks the system for nothing' \
	"$(nm -u libcore.a | awk 'NF == 2 { print $2 }' | sort -u |
		grep -xE '(f?open(at|64)?|fdopen|read|p?read64|write|pwrite(64)?|f?printf|v?dprintf|fwrite|fputs|puts|putchar|fputc|perror|socket|connect|send(to|msg)?|recv.*|getaddrinfo|res_.*|time|clock|clock_gettime|gettimeofday|localtime.*|getenv|secure_getenv|setenv|fork|exec.*|posix_spawn.*|system|popen|sleep|usleep|nanosleep|poll|select|pthread_.*|stat|fstat|unlink|rename|mmap|syslog|rand|random|getpid)')" ''

for test in tests/unit/test_ladder tests/unit/test_dane tests/unit/test_status tests/unit/test_rules; do
	[[ -x $test ]] || continue
	is "$test links pcre2, libunistring, cmocka and libc alone" \
		"$(ldd "$test" | awk '{ print $1 }' |
			grep -vE '^(linux-vdso|libpcre2-8|libunistring|libcmocka|libc|/lib.*/ld-linux.*|librt|libasan|libubsan|libm|libgcc_s|libstdc\+\+|libpthread|libdl|libresolv)[.0-9a-z-]*' )" ''
done

finish
