#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Whatever src/conf and src/cmd complain of, they say what would be right: behind a semicolon,
# a colon with the words to choose from, or a command in backquotes.
. "$(dirname -- "$0")/cli/lib.sh"
needs_python

# complaints: FILE:LINE TEXT of each.
complaints() {
	python3 - "$srcdir/src" <<'PYTHON'
import glob, re, sys
called = re.compile(r"\b(err_set|err_set_errno|errs_add|doc_complain|doc_complain_at|doc_complain_value|cmd_fail|cmd_warn|"
                    r"word_of|buf_printf\s*\(\s*why|buf_printf\s*\(\s*out, \"is no)")
for name in sorted(glob.glob(sys.argv[1] + "/conf/*.c") + glob.glob(sys.argv[1] + "/cmd/*.c")):
    source = open(name, encoding="utf-8").read()
    if "/doctor" in name: # it has its advice
        continue
    for match in called.finditer(source):
        at, depth = source.index("(", match.start()), 0
        while True: # to the end of the call
            if source[at] == '"':
                at = re.compile(r'"(?:\\.|[^"\\])*"').match(source, at).end()
                continue
            depth += (source[at] == "(") - (source[at] == ")")
            at += 1
            if depth == 0:
                break
        call = re.sub(r"/\*.*?\*/", "", source[match.start():at], flags=re.S)
        text = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', re.sub(r'"\s+(?:PRI[a-z0-9]+)\s*', '"', call)))
        # what only wraps another sentence is none of its own
        if not re.search(r"\bnotes\b", call) and re.search(r"\w \w", text) and " " in re.sub(r"%\w+", "", text).strip():
            print("%s:%d %s" % (name[len(sys.argv[1]) + 1:], source.count("\n", 0, match.start()) + 1, text))
PYTHON
}

# Those that have none: the system's own words follow, or nobody can do anything,
# or they name all that there is.
known='out of memory
cannot create %s
cannot write %s
cannot read standard input
cannot read
is no domain, [host] or [host]:port
has a port that services(5) does not know
is no attribute of smtp_tls_policy_maps'

all=$(complaints)
check 'most are found' test "$(wc -l <<<"$all")" -gt 100
without=$(grep -vE '; |: [^%]|`|did you mean|\(8\)' <<<"$all" | while read -r place text; do
	grep -qxF -- "$text" <<<"$known" || echo "$place $text"
done)
is 'each says what would be right' "$without" ''
finish
