#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Genuine logs, cut at any line, the pieces read in any order, a command each. What differs from
# the whole log is this and nothing else, and the manual says so (scan):
#  - a session whose line stands in one piece, and what was sent in it in another, is not counted
#    as a session of its destination;
#  - a deferral whose next-hop Postfix names in a line of its own, in another piece, is one of the
#    recipient's domain;
#  - in a log that is not ours, a line that a recipient may have written is left out where no line
#    of its piece tells that this Postfix quotes addresses; scan says how many.
# PIECES_SEED and PIECES_ROUNDS can be set.
. "$(dirname -- "$0")/lib.sh"
needs_python

log=$dir/mail.log
: >"$log"
postconf_says 'info_log_address_format = external' 'smtp_tls_loglevel = 1'
printf 'none.test MX insecure\n' >"$dir/dns" # it says at once that it has nothing
start_dns
configure "log: {file: $log, from: start, learn: 0}" "dns: {resolver: '$resolver', tries: 1}"

cat >"$dir/pieces.py" <<'END_PYTHON'
import random, re, sqlite3, sys

def lines_of(path):
    return open(path, "rb").read().decode("latin-1").split("\n")[:-1]

def together(lines):
    """Status lines of which another line of their process tells more: its session, and the
    look-up that names the next-hop."""
    session_of, lookup_of, sessions, lookups = {}, {}, 0, 0
    for line in lines:
        found = re.search(r" postfix/(?:[a-z]+/)?smtp\[(\d+)\]: (.*)", line)
        if not found:
            continue
        pid, text = found.groups()
        session = re.match(r"(?:Verified|Trusted|Untrusted|Anonymous) TLS connection (?:established|reused) to (\S+\[[^]]*\])", text)
        lookup = re.match(r"warning: TLS policy lookup for (?:\S+): (.*)", text)
        status = re.match(r"([0-9A-Za-z]+): to=<.*>,(?: orig_to=<.*>,)? relay=([^ ]+), .* status=\w+ \((.*)\)$", text)
        if session:
            session_of[pid] = [session[1], None]
        elif lookup:
            lookup_of[pid] = lookup[1]
        elif status:
            lookups += status[2] == "none" and lookup_of.get(pid) == status[3]
            if pid in session_of and session_of[pid][1] not in (None, status[1]):
                del session_of[pid]
            if pid in session_of:
                session_of[pid][1] = status[1]
                sessions += status[2].startswith(session_of[pid][0])
    return sessions, lookups

def cut(path, seed, base):
    random.seed(seed)
    lines = lines_of(path)
    cuts = [0] + sorted(random.sample(range(1, len(lines)), random.choice([1, 1, 2, 3]))) + [len(lines)]
    pieces = [lines[a:b] for a, b in zip(cuts, cuts[1:])]
    names = []
    for i, piece in enumerate(pieces):
        names.append("%s%d" % (base, i))
        with open(names[-1], "wb") as file:
            file.write("".join(line + "\n" for line in piece).encode("latin-1"))
    random.shuffle(names)
    # What the cuts part, and the files in their order.
    whole, parts = together(lines), list(map(together, pieces))
    print(*(whole[i] - sum(part[i] for part in parts) for i in (0, 1)), *names)

def figures(state):
    db = sqlite3.connect("file:%s?mode=ro" % state, uri=True)
    for row in db.execute("SELECT d.key, what, SUM(t.count) FROM tally t JOIN destination d"
                          " ON d.id = t.destination GROUP BY 1, 2 ORDER BY 1, 2"):
        print(*row)
    for row in db.execute("SELECT name, value FROM counter WHERE name IN ('status-lines', 'recognised') ORDER BY name"):
        print(*row)

def differ(whole, pieces, lookups):
    """By how many sessions and status lines the pieces have less, and what else differs."""
    def read(path):
        return {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in open(path)}
    a, b = read(whole), read(pieces)
    less = {key: a.get(key, 0) - b.get(key, 0) for key in a.keys() | b.keys()}
    more = sum(-n for key, n in less.items() if n < 0 and " deferred:" in key)
    # Mail whose session stands on the other side of a cut counts as sent, but otherwise protected.
    sent = {}
    for key in [key for key in less if " sent:" in key]:
        base = key.split(" sent:")[0]
        sent[base] = sent.get(base, 0) + less.pop(key)
    other = sorted(key for key, n in less.items() if n and not re.search(" (session|deferred):", key) and key != "status-lines"
                   or n < 0 and " deferred:" not in key)
    other += sorted(key for key, n in sent.items() if n)
    deferred = sum(n for key, n in less.items() if " deferred:" in key)
    print("sessions", sum(n for key, n in less.items() if " session:" in key), "lines", less.get("status-lines", 0),
          "deferred", deferred, "moved", "as told" if more <= int(lookups) else more, "other", other)

{"cut": lambda: cut(sys.argv[2], int(sys.argv[3]), sys.argv[4]), "figures": lambda: figures(sys.argv[2]),
 "differ": lambda: differ(*sys.argv[2:])}[sys.argv[1]]()
END_PYTHON
pieces() {
	python3 "$dir/pieces.py" "$@"
}

# read_all FILE...: a command each, of a state that is new; sets left_out.
read_all() {
	rm -f "$dir"/state.db*
	left_out=0
	local file n
	for file; do
		ladder scan --apply "$file"
		[[ $status -eq 0 ]] || echo "# scan $file: $status $err"
		while read -r n; do
			left_out=$((left_out + n))
		done < <(sed -n 's/.*: \([0-9]*\) lines* left out: .*/\1/p' <<<"$err")
	done
}

parted=0 named=0 all_out=0
seed=${PIECES_SEED:-1}
for name in dane-only-rfc3339 verify-maillog; do
	genuine=$srcdir/tests/logs/corpus/$name.log
	read_all "$genuine"
	pieces figures "$dir/state.db" >"$dir/whole"
	is "$name: of the whole log no line is left out" "$left_out" 0
	for ((round = seed; round < seed + ${PIECES_ROUNDS:-2}; round++)); do
		# as rotations of our log, of whose Postfix it is known that it quotes
		read -r open lookups files < <(pieces cut "$genuine" "$round" "$log.")
		# shellcheck disable=SC2086
		read_all $files
		pieces figures "$dir/state.db" >"$dir/cut"
		is "$name, cut by $round, our own: what a cut parts, and nothing else" \
			"$(pieces differ "$dir/whole" "$dir/cut" "$lookups")" "sessions $open lines 0 deferred 0 moved as told other []"
		parted=$((parted + open)) named=$((named + lookups))
		rm -f "$log".*

		read -r open lookups files < <(pieces cut "$genuine" "$round" "$dir/other.")
		# shellcheck disable=SC2086
		read_all $files
		pieces figures "$dir/state.db" >"$dir/cut"
		has "$name, cut by $round, another's: lines that are left out are told, each" \
			"$(pieces differ "$dir/whole" "$dir/cut" "$lookups")" " lines $left_out deferred "
		all_out=$((all_out + left_out))
		rm -f "$dir"/other.*
	done
done
check "a cut parts something: $parted sessions, $named look-ups, $all_out lines left out" \
	test $((parted + named)) -gt 0 -a $all_out -gt 0

# Together, in one command, there is no cut.
read -r open lookups files < <(pieces cut "$genuine" 12 "$log.")
rm -f "$dir"/state.db*
# shellcheck disable=SC2086
ladder scan --apply $files
pieces figures "$dir/state.db" >"$dir/cut"
is 'in one command, in any order, pieces of ours are as the whole log' \
	"$(pieces differ "$dir/whole" "$dir/cut" "$lookups")" 'sessions 0 lines 0 deferred 0 moved as told other []'
finish
