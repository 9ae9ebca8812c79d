#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# smtp_tls_security_level = verify, every destination of the sandbox at once: which entry
# it gets, and whether its mail flows by it without anybody's help. The log is Postfix's
# own, in whole seconds.
. "$(dirname -- "$0")/lib.sh"

rows=$(rows_under verify)
mapfile -t domains < <(awk '{ print $1 }' <<<"$rows")

up strict 'transport_maps=inline:{port.test=smtp:[mx.dane-port.test]:587, other-port.test=smtp:[mx.dane-port.test]:2525}'
configure strict 'ladder: {may_after: {attempts: 1}}'
starts
begun=$(now)
send strict "${domains[@]}"

is 'no destination of the sandbox is forgotten' "$(forgotten "$rows")" ''

settle strict
comment "everything settled $(bc <<<"$(now) - $begun") s after the first message"

# Its second attempt is the retry after the change, its third comes by itself as well.
awaits 'a retry that met greylisting is made once more' 20 \
	grep -q 'user@dane-greylist.test	' "$dir/delivered.tsv"
settle strict

table_holds strict "$rows"

for domain in dane-refuse-554.test starttls-refused-554.test; do
	matches "$domain: the administrator is alerted of the mail that is lost" \
		"$(grep "alert: $domain: mail was bounced" "$dir/daemon.err")" 'Postfix said: TLS is required, but host'
done

# Over DANE, and not only over TLS: smtp(8) says of no other session that it is verified.
for domain in dane-ok.test dane-ta.test dane-cname.test; do
	check "$domain: the session was verified" \
		grep -Eq "Verified TLS connection established to mx\.$domain\[" "$dir/strict/mail.log"
done

comment "from the first deferral to the delivery under the entry: $(delays strict | figures)"
is 'all of that within 30 s' "$(delays strict | awk '$1 > 30')" ''

# --- one word for each decision, wherever it stands

words() {
	ladder list --json | python3 -c '
import json, re, subprocess, sys
def explained(key):
    return json.loads(subprocess.run(sys.argv[3:] + ["explain", "--json", key], stdout=subprocess.PIPE, check=True).stdout)
log, comments, last = {}, {}, ""
for line in open(sys.argv[1], encoding="utf-8"):
    if m := re.search(r"domain=(\S+) action=set .* why=(\S+)", line):
        log[m[1]] = m[2]
for line in open(sys.argv[2], encoding="utf-8"):
    if not line.startswith("#"):
        comments[line.split("\t")[0]] = last.lstrip("# ").split(":")[0]
    last = line
for e in map(json.loads, sys.stdin):
    d, x = e["destination"], explained(e["destination"])
    words = {e["why"], log[d], comments[d], x["entry_why"], x["decisions"][-1]["why"] if x["decisions"][-1]["action"] == "set" else e["why"]}
    print(d, *sorted(words)) if len(words) > 1 else None
print("compared", len(comments))' "$dir/daemon.err" "$dir/state/tls_policy" \
		"$sandbox" exec "$dir" -- "${user[@]}" "$program" -c "$dir/tlsladder.yaml"
}
is 'list, explain, the log and the comments of the map have the same word for each entry' \
	"$(words)" "compared $(entries | wc -l)"

matches 'explain says what the servers were measured to do' "$(ladder explain selfsigned.test)" \
	'mx\.selfsigned\.test answer=tls meets=encrypt cause=self-signed'
matches 'explain --json too' "$(ladder explain --json plain.test)" \
	'"servers":\{"time":"[^"]*","hosts":\["mx\.plain\.test answer=plain meets=cleartext cause=not-offered"\]'

# --- what has to wait does so, at every attempt

before=$(entries)
postfix_tool postqueue strict -f
awaits 'greylist.test: mail is taken at the second attempt' 20 \
	grep -q 'user@greylist.test	' "$dir/delivered.tsv"
settle strict
is 'a second attempt of all that waits changes no entry' "$(entries)" "$before"
stops
finish
