#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A release can be made anew from its tag and compared: the same tree gives the same bytes,
# whoever packs it, where and when, and an unpacked release gives itself.
. "$(dirname -- "$0")/cli/lib.sh"

for tool in git autoreconf xz; do
	command -v $tool >/dev/null || skip_all "needs $tool"
done
export XZ_OPT=-0 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
unset SOURCE_DATE_EPOCH MAKEFLAGS MFLAGS MAKELEVEL
version=$(sed -n 's/^AC_INIT(\[tlsladder\], \[\(.*\)\])$/\1/p' "$srcdir/configure.ac")
archive=tlsladder-$version.tar.xz

# packed SENTENCE UMASK TREE BUILD: the archive is in the directory BUILD.
packed() {
	local sentence=$1 mask=$2 tree=$3 build=$4
	check "$sentence" bash -ec '
		umask "$1"
		[[ -e $2/configure ]] || (cd "$2" && autoreconf -fi)
		mkdir -p "$3"
		cd "$3"
		"$2/configure" -q CC="$4"
		make -s dist' bash "$mask" "$tree" "$build" "${CC:-cc}"
}

check 'a copy of the tree' "$srcdir/tests/copy" "$dir/first" bare
in_first() {
	git -C "$dir/first" -c user.name=Test -c user.email=test@example.org "$@"
}
check 'with a commit' eval 'in_first init -q && in_first add -A &&
	GIT_COMMITTER_DATE="@1790000000 +0200" in_first commit -q -m all'
check 'and a clone of that' git clone -q "$dir/first" "$dir/second-and-longer"

packed 'the first is packed, in a directory of its own' 077 "$dir/first" "$dir/build"
# What a build in the tree and its tests leave.
second=$dir/second-and-longer
mkdir -p "$second/tests/integration/__pycache__" "$second/tests/store/.deps"
touch "$second"/tests/integration/{__pycache__/lib.pyc,install.log,install.trs,x.o} "$second/tests/store/.deps/x.Po"
packed 'the second by another, after a build' 022 "$second" "$second"
check 'they are the same bytes' cmp "$dir/build/$archive" "$second/$archive"

mkdir "$dir/unpacked"
check 'it can be unpacked' tar -C "$dir/unpacked" -xf "$dir/build/$archive"
packed 'and packed again, without git' 027 "$dir/unpacked/tlsladder-$version" "$dir/again"
check 'the same once more' cmp "$dir/build/$archive" "$dir/again/$archive"

is 'its times are that of the commit' \
	"$(find "$dir/unpacked" -type f -printf '%T@\n' | sort -u)" 1790000000.0000000000
is 'nobody in particular owns it' "$(tar -tvf "$dir/build/$archive" | awk '{ print $2 }' | sort -u)" 0/0
is 'all may read it, one may write' \
	"$(tar -tvf "$dir/build/$archive" | awk '{ print $1 }' | sort -u | paste -sd ' ')" '-rw-r--r-- -rwxr-xr-x drwxr-xr-x'

# What git has is there, but for what says how git keeps it.
is 'it holds every file of the tree' \
	"$(in_first ls-files | grep -vxF .gitignore | while IFS= read -r file; do
		[[ -e $dir/unpacked/tlsladder-$version/$file ]] || echo "$file"
	done)" ''
is 'the changelog of the packages is of this version' \
	"$(sed -n '1s/^tlsladder (\(.*\)-[0-9]*) .*/\1/p' "$srcdir/examples/debian/changelog")" "$version"
finish
