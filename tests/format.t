#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# .clang-format decides how C looks here, in the version that formatted the tree: others
# differ. `make format` does it.
. "$(dirname -- "$0")/cli/lib.sh"

for formatter in clang-format-14 clang-format none; do
	[[ $("$formatter" --version 2>/dev/null) != *' version 14.'* ]] || break
done
[[ $formatter != none ]] || skip_all 'needs clang-format 14'

cd "$srcdir" || exit 1
mapfile -t files < <(find src tests -name '*.[ch]' | LC_ALL=C sort)
check 'there are files to check' test ${#files[@]} -gt 150
is 'every C file is as .clang-format wants it: make format' \
	"$(printf '%s\0' "${files[@]}" | xargs -0 -n 40 "$formatter" --style=file --dry-run 2>&1 | grep -oE '^[^: ]+:[0-9]+' | head -n 20)" ''
is 'no file of src/ has more than 600 lines' \
	"$(find src -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" && $1 > 600')" ''

# --- scripts

# What stands between quotes or is a document of another language has its own habits.
is 'scripts indent by tabs, as .editorconfig says' "$(
	mapfile -t scripts < <(find tests examples -type f \( -name '*.t' -o -name '*.sh' \))
	grep -lE '^ +(local .*|fi|done|esac)$' "${scripts[@]}" \
		tests/copy tests/coverage tests/lint tests/packages tests/sandbox/sandbox \
		tests/bench/endure)" ''
finish
