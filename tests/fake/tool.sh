#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Stands for a command of Postfix, under whose name it is started: notes what it was
# asked and plays what the test laid out, for faults that a real Postfix cannot be made
# to show. In $FAKE_DIR, by the command's name:
#   NAME.calls   gets a line a call: "NAME [argument] [argument] ..."
#   NAME.input   gets its standard input, all calls one after the other
#   NAME.sh      where there, is run instead of what follows
#   NAME.out, NAME.err, NAME.status   what it prints and its exit status
name=${0##*/}
line=$name
for argument; do
	line="$line [$argument]"
done
printf '%s\n' "$line" >>"$FAKE_DIR/$name.calls"
if [ -f "$FAKE_DIR/$name.sh" ]; then
	. "$FAKE_DIR/$name.sh"
	exit
fi
# Most calls have no input: these start no program. Every shell of Debian knows -ef.
# shellcheck disable=SC3013
if [ /dev/stdin -ef /dev/null ]; then
	: >>"$FAKE_DIR/$name.input"
else
	cat >>"$FAKE_DIR/$name.input"
fi
if [ ! -f "$FAKE_DIR/$name.err" ] && [ ! -f "$FAKE_DIR/$name.status" ]; then
	[ -f "$FAKE_DIR/$name.out" ] || exit 0
	exec cat "$FAKE_DIR/$name.out"
fi
[ ! -f "$FAKE_DIR/$name.out" ] || cat "$FAKE_DIR/$name.out"
[ ! -f "$FAKE_DIR/$name.err" ] || cat "$FAKE_DIR/$name.err" >&2
[ ! -f "$FAKE_DIR/$name.status" ] || exit "$(cat "$FAKE_DIR/$name.status")"
