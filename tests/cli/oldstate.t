#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A database of every schema version that was ever released: it opens, and list and explain
# say the same of it as they did (tests/store/README). They may report more than then.
. "$(dirname -- "$0")/lib.sh"
needs_python

old=$srcdir/tests/store/old
newest=$(ls "$old"/*.sql | sed 's,.*/,,; s/\.sql//' | sort -n | tail -n 1)
configure

# restore VERSION: the database as it was.
restore() {
	rm -f "$dir"/state.db*
	python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript(open(sys.argv[2], encoding="utf-8").read())' "$dir/state.db" "$old/$1.sql"
}

version_of() {
	python3 -c '
import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version").fetchone())' "$dir/state.db"
}

# differences VERSION EVERY: where the output now differs from the output then. The sentence of a why is
# wording, no state: the manual has it, and docs.t compares. Of EVERY destinations one is explained.
differences() {
	python3 -c '
import json, subprocess, sys
program, config, wanted, every = sys.argv[1:]
def say(*words):
    out = subprocess.run([program, "-c", config, *words], stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]
def missing(then, now, path):
    if isinstance(then, dict) and isinstance(now, dict):
        for key in then:
            if key == "sentence":
                continue
            if key not in now:
                print(path, key, "is gone")
            else:
                missing(then[key], now[key], path + " " + key)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for a, b in zip(then, now):
            missing(a, b, path)
    elif then != now:
        print(path, "was", json.dumps(then), "is", json.dumps(now))
then = [json.loads(line) for line in open(wanted, encoding="utf-8")]
entries = [d for d in then if "days" not in d]
stories = [d for d in then if "days" in d]
assert len(entries) > 20 and len(stories) > 40
now = say("list", "--json")
if [d["destination"] for d in now] != [d["destination"] for d in entries]:
    print("list has other destinations:", [d["destination"] for d in now])
for a, b in zip(entries, now):
    missing(a, b, "list " + a["destination"])
for a in stories[::int(every)]:
    missing(a, say("explain", "--json", a["destination"])[0], "explain " + a["destination"])' \
		"$program" "$dir/tlsladder.yaml" "$old/$1.json" "$2" 2>&1
}

for ((version = 1; version <= newest; version++)); do
	restore $version
	is "version $version: it is one" "$(version_of)" $version
	is "version $version: list and explain say what they said" "$(differences $version 1)" ''
	# What writes brings it to the newest version, and changes nothing else.
	ladder set added.test encrypt
	is "version $version: it can be written" "$status" 0
	ladder unset added.test
	is "version $version: and says the same afterwards" "$(differences $version 9)" ''
done

# Decisions of version 1 were recorded without attributes.
restore 1
ladder undo '[mx.example]:2525'
is 'version 1: a decision on an entry with attributes can be taken back' \
	"$status $out" '0 [mx.example]:2525: secure -> encrypt for a day'

# Steps that were not released yet can still change. A release brings a fixture (src/HACKING).
released=5
check 'every schema version that was released has a fixture: see tests/store/README' \
	test "$newest" -ge $released
check 'no step of a release is gone' test "$(version_of)" -ge $released
finish
