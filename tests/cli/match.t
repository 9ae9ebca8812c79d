#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# match over genuine logs, against tables that were made without it (tests/logs/README.md).
. "$(dirname -- "$0")/lib.sh"
needs_python

configure
logs=$srcdir/tests/logs

# as_table TABLE: JSON on standard input as rows with the columns of TABLE that match knows;
# what is null is empty.
as_table() {
	python3 -c '
import json, sys
with open(sys.argv[1], encoding="utf-8") as table:
    columns = table.readline().rstrip("\n").split("\t")
for record in sys.stdin:
    record = json.loads(record)
    print("\t".join("" if record[name] is None else str(record[name]) for name in columns))' "$1"
}

for name in verify-maillog verify-syslog dane-only-rfc3339; do
	log=$logs/corpus/$name.log
	wanted=$logs/corpus/$name.expected.tsv

	ladder match --all --json "$log"
	is "$name: match --all ends well" "$status $err" '0 '
	got=$(as_table "$wanted" <"$dir/out")
	is "$name: every status line, every field, no other line" "$got" "$(tail -n +2 "$wanted")"

	ladder match --json "$log"
	got=$(as_table "$wanted" <"$dir/out")
	is "$name: without --all those with a rule" "$got" \
		"$(awk -F '\t' 'NR > 1 && $9 != ""' "$wanted")"

	ladder match --all "$log"
	is "$name: as text, - for nothing" "$out" \
		"$(awk -F '\t' 'NR > 1 { for (i = 1; i <= 9; i++) printf "%s%s", $i == "" ? "-" : $i, i < 9 ? "\t" : "\n" }' "$wanted")"
done

# Published lines. Some are refused for what stands before the record of Postfix; see refused.txt.
refused=$(grep -v '^#' "$logs/wild/refused.txt" | cut -d ' ' -f 1)
ladder match --all --json "$logs/wild/lines.log"
got=$(python3 -c '
import json, sys
for record in sys.stdin:
    record = json.loads(record)
    print(record["line"], record["domain"], record["dsn"], record["status"], record["reason"], sep="\t")' <"$dir/out")
is 'published lines: domain, dsn, status and reason of every status line' "$got" \
	"$(awk -F '\t' -v refused="$refused" '
		BEGIN { split(refused, list, "\n"); for (i in list) is_refused[list[i]] = 1 }
		NR > 1 && $3 != "not-a-status-line" && !($1 in is_refused) { print $1 "\t" $4 "\t" $5 "\t" $6 "\t" $7 }
	' "$logs/wild/lines.tsv")"
got=$(as_table "$logs/wild/rules.tsv" <"$dir/out")
is 'published lines: their rules' "$got" "$(tail -n +2 "$logs/wild/rules.tsv" | grep -vE "^($(tr '\n' '|' <<<"$refused" | sed 's/|$//'))	")"
for line in $refused; do
	hasnt "published line $line is refused for its header" "
$out" "
{\"line\":$line,"
done

# --- where lines come from

log=$logs/corpus/verify-maillog.log
ladder match --json "$log"
all=$out
run "$program" -c "$dir/tlsladder.yaml" match --json - <"$log"
"$program" -c "$dir/tlsladder.yaml" match --json <"$log" >"$dir/out"
is 'without FILE standard input is read' "$(<"$dir/out")" "$all"
"$program" -c "$dir/tlsladder.yaml" match --json - <"$log" >"$dir/out"
is '- is standard input' "$(<"$dir/out")" "$all"
cat "$log" | "$program" -c "$dir/tlsladder.yaml" match --json >"$dir/out"
is 'a pipe is read' "$(<"$dir/out")" "$all"
gzip -c "$log" >"$dir/mail.log.gz"
ladder match --json "$dir/mail.log.gz"
is 'a compressed log is read' "$out" "$all"
cat "$dir/mail.log.gz" | "$program" -c "$dir/tlsladder.yaml" match --json >"$dir/out" 2>"$dir/err"
is 'a compressed one from a pipe as well' "$(<"$dir/out")" "$all"
{ head -c 1 "$dir/mail.log.gz"; read -rt 0.1 <> <(:); tail -c +2 "$dir/mail.log.gz"; } |
	"$program" -c "$dir/tlsladder.yaml" match --json >"$dir/out"
is 'also from one that gives its first byte alone' "$? $(<"$dir/out")" "0 $all"
head -c 20000 "$dir/mail.log.gz" | head -c 5000 >"$dir/cut.gz"
ladder match --json "$dir/cut.gz"
is 'a cut compressed log is an error' $status 74
has 'what could be read of it is there' "$all" "$(head -n 1 "$dir/out")"
for packer in xz bzip2 zstd; do
	command -v $packer >/dev/null || continue
	$packer -qc <"$log" >"$dir/foreign"
	ladder match --all "$dir/foreign" "$log"
	is "a log compressed with $packer: exit status 74" $status 74
	has "a log compressed with $packer: that is reported" "$err" "it is compressed with $packer"
	is "a log compressed with $packer: the others are read all the same" "$(cut -f 1 <<<"$out" | head -n 1)" \
		"$("$program" -c "$dir/tlsladder.yaml" match --all "$log" | cut -f 1 | head -n 1)"
	{ head -c 1 "$dir/foreign"; read -rt 0.1 <> <(:); tail -c +2 "$dir/foreign"; } |
		"$program" -c "$dir/tlsladder.yaml" match >"$dir/out" 2>"$dir/err"
	is "a log compressed with $packer: a pipe as well" "$? $(grep -c "compressed with $packer" "$dir/err")" '74 1'
done
ladder match --json "$log" "$log"
is 'several files: one after the other, lines counted in each' "$out" "$all
$all"
ladder match --json "$dir/none.log" "$log"
is 'a file that is missing is an error' $status 66
has 'and is named' "$err" "$dir/none.log"
is 'the others are read all the same' "$out" "$all"
# Where somebody types nothing but its end.
for command in match scan "set --from -"; do
	python3 -c '
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
os.write(terminal, b"\4")
try:
    while text := os.read(terminal, 4096):
        sys.stdout.buffer.write(text)
except OSError:
    pass
os.waitpid(pid, 0)' "$program" -c "$dir/tlsladder.yaml" $command >"$dir/out" 2>"$dir/err"
	has "$command without FILE on a terminal: what it waits for is said" "$(<"$dir/out")" 'reads standard input'
done
for command in match scan 'set --from'; do
	# shellcheck disable=SC2086
	ladder $command ''
	is "$command: an empty name is no file" "$status" 66
	has "$command: which can be seen" "$err" 'cannot read "": No such file'
done
ladder match "$dir"
is 'a directory is no log' $status 66
# A line without its end, at the end of a file that is not written to any more.
grep -m 1 'status=deferred (Server certificate not verified)' "$log" | head -c -1 >"$dir/unended.log"
ladder match --json "$dir/unended.log"
is 'a last line without an end counts' "$(grep -c . <<<"$out")" 1
: >"$dir/empty.log"
ladder match --all "$dir/empty.log"
is 'an empty log: nothing, well' "$status$out$err" 0

# --- hostile bytes

header='Nov 24 07:00:00 mail postfix/smtp[1]: 4jYQBx3n2tz1bYNB:'
tail=', relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)'
printf '%s to=<"a\e[31m\x9b\xff\u0085\u2028"@x.test>%s\n' "$header" "$tail" >"$dir/hostile.log"
ladder match --all "$dir/hostile.log"
is 'hostile bytes: the line is read' "$(cut -f 4,9 <<<"$out")" $'x.test\tcertificate-not-verified'
check 'hostile bytes: nothing raw in text' \
	python3 -c '
import sys
text = open(sys.argv[1], "rb").read().decode("utf-8")
sys.exit(any(ord(c) < 32 and c not in "\t\n" or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in text))' "$dir/out"
ladder match --all --json "$dir/hostile.log"
check 'hostile bytes: JSON is UTF-8 and JSON' python3 -c '
import json, sys
record = json.loads(open(sys.argv[1], "rb").read().decode("utf-8"))
assert record["domain"] == "x.test" and "\x1b" in record["recipient"]' "$dir/out"
hasnt 'hostile bytes: JSON has no raw escape' "$out" $'\e'

# A reason that a server wrote into its reply.
printf '%s to=<u@x.test>, relay=h.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (host h.test[192.0.2.1] said: 450 4.7.5 Server certificate not verified (in reply to RCPT TO command))\n' "$header" >"$dir/said.log"
ladder match "$dir/said.log"
is 'the words of a server are no rule of ours' "$status$out" 0

# One line over the limit does not hide the next.
{
	printf '%s to=<u@x.test>, relay=none, %070000d\n' "$header" 0
	printf '%s to=<u@y.test>%s\n' "$header" "$tail"
} >"$dir/long.log"
ladder match --json "$dir/long.log"
has 'a line over 64 KiB is reported' "$err" 'lines over 64 KiB skipped'
has 'and the next is read' "$out" '"line":2,'
printf 'x\0y\n%s to=<u@y.test>%s\n' "$header" "$tail" >"$dir/nul.log"
ladder match --json "$dir/nul.log"
has 'after a line with a NUL the next is read' "$out" '"line":2,'

# --- forms of a line

record='A1B2C3D4E5: to=<u@x.test>, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server certificate not verified)'
while IFS='|' read -r name form; do
	form=${form//!/|}
	printf '%b%s\n' "${form%_} " "$record" >"$dir/form.log"
	ladder match --json "$dir/form.log"
	is "$name is read" "$err$(grep -o '"domain":"[^"]*"' "$dir/out")" '"domain":"x.test"'
done <<'END'
RFC 5424|<22>1 2026-09-10T13:18:46.685309+02:00 mx postfix/smtp 417 - -_
docker logs -t|2026-09-10T13:18:46.685309102Z Sep 10 13:18:46 mx postfix/smtp[417]:_
a coloured prefix of docker compose|\e[36mpostfix-1  !\e[0m Sep 10 13:18:46 mx postfix/smtp[417]:_
a coloured prefix, the blank before the colour|\e[36mpostfix-1  ! \e[0mSep 10 13:18:46 mx postfix/smtp[417]:_
busybox with its priority|Nov 26 10:00:00 host mail.info postfix/smtp[417]:_
END

# What could be read in two ways is not: it is counted, and shown.
while IFS='|' read -r name form; do
	printf '%b%s\n' "${form%_} " "$record" >"$dir/form.log"
	ladder match --json "$dir/form.log"
	is "$name is refused" "$out" ''
	has "$name: which is said" "$err" '1 line like Postfix'
done <<'END'
a month in Italian|set 10 13:18:46 mx postfix/smtp[417]:_
a month in German|M\xc3\xa4r 10 13:18:46 mx postfix/smtp[417]:_
s6-log, with no host|2026-09-10 13:18:46.685309102  mail.info: Sep 10 13:18:46 postfix/smtp[417]:_
json-file of docker|{"log":"Sep 10 13:18:46 mx postfix/smtp[417]:_
END

nested="Sep 10 13:18:46 srv mailu-smtp[40]: Sep 10 13:18:46 mx postfix/smtp[417]: $record"
{
	printf '%s\n' "$nested"
	printf '{"log":"\e[31m%s"}\n' "$record"
	printf 'Sep 10 13:18:46 mx dovecot: done, status=deferred\n'
} >"$dir/strange.log"
ladder match --all "$dir/strange.log"
is 'lines that are not understood: no record' "$status$out" 0
has 'they are counted' "$err" "strange.log: 2 lines like Postfix's are in a form that is not read"
has 'one is shown' "$err" '{"log":"'
hasnt 'what is shown has visible characters alone' "$err" $'\e'
is 'and it is bounded' "$((${#err} < 400))" 1
cp "$dir/tlsladder.yaml" "$dir/plain.yaml"
configure 'log: {nested: mailu-smtp}'
ladder match --all "$dir/strange.log"
is 'log.nested: the text of that program is read' "$(cut -f 4 <<<"$out")" x.test
has 'and of no other' "$err" '1 line like'
printf '%s\n' "${nested/mailu-smtp/evil}" >"$dir/evil.log"
ladder match --all "$dir/evil.log"
is 'another program writes no line' "$status$out" 0
cp "$dir/plain.yaml" "$dir/tlsladder.yaml"

# --- lines that a recipient writes, where addresses are logged as they are

forged='relay=none, delay=1, delays=0/0/1/0, dsn=4.7.4, status=deferred (TLS is required, but host m[192.0.2.1] refused to start TLS: x)'
end='relay=none, delay=1, delays=0/0/0/0, dsn=5.1.1, status=bounced (unknown user)'
{
	printf '%s to=<a@victim.test>, %s y@evil.test>, %s\n' "$header" "$forged" "$end"
	printf '%s to=<"a"@victim.test>, %s y@evil.test>, %s\n' "$header" "$forged" "$end"
	printf '%s to=<"a@evil.test>, relay=none, delay=1, delays=0/0/0/0, dsn=5.1.1, status=bounced (host said: 550 "@victim.test>, %s)\n' "$header" "$forged"
	printf '%s to=<a@victim.test>, orig_to=<"y@evil.test>, relay=none, delay=1, delays=0/0/0/0, dsn=5.1.1, status=bounced (host said: 550 "x>, %s)\n' "$header" "$forged"
	printf '%s to=<a@victim.test>, %s\n' "$header" "${forged/: x)/: $(printf '%01900d' 0))}"
	printf '%s to=<a@fine.test>, %s\n' "$header" "$forged"
} >"$dir/forged.log"
started='Nov 24 06:00:00 mail postfix/master[1]: daemon started -- version 3.%s, configuration /etc/postfix\n'
ladder match --all "$dir/forged.log"
is 'another log that tells no version: they are left out' "$(cut -f 4 <<<"$out")" fine.test
has 'that is said' "$err" 'forged.log: 5 lines left out'
ladder scan "$dir/forged.log"
has 'scan says it, too' "$err" 'forged.log: 5 lines left out'
printf "$started" 4.23 | cat - "$dir/forged.log" >"$dir/version.log"
ladder match --all "$dir/version.log"
is 'a version before 3.5: the same' "$(cut -f 4 <<<"$out")" fine.test
{ cat "$dir/forged.log"; printf "$started" 7.11; } >"$dir/version.log"
ladder match --all "$dir/version.log"
is 'a version that quotes: a server wrote them' "$(cut -f 4 <<<"$out" | sort | uniq -c | tr -s ' \n' ' ')" ' 1 fine.test 5 victim.test '
{ printf "$started" 7.11; cat "$dir/forged.log"; } | "$program" -c "$dir/tlsladder.yaml" match --all 2>/dev/null >"$dir/out"
is 'the same of a pipe' "$(wc -l <"$dir/out")" 6
# Each Postfix of a file by itself: by its host, and by what its name begins with.
{
	printf "$started" 7.11
	sed 's/ mail postfix/ other postfix/' "$dir/forged.log"
	sed 's, mail postfix/, mail postfix-out/,' "$dir/forged.log"
	sed 's, mail postfix/, mail postfix/relay/,' "$dir/forged.log"
} >"$dir/version.log"
ladder match --all "$dir/version.log"
is 'another host, or another name, is another Postfix; a service is none' \
	"$(cut -f 4 <<<"$out" | sort | uniq -c | tr -s ' \n' ' ')" ' 3 fine.test 5 victim.test '
has 'what is left out is said' "$err" 'version.log: 10 lines left out'
cp "$dir/version.log" "$dir/several.log"
printf "${started/ mail / other }" 4.23 >>"$dir/version.log"
printf "$started" 7.11 | sed 's, postfix/, postfix-out/,' >>"$dir/version.log"
ladder match --all "$dir/version.log"
is 'one that quotes beside one that does not' \
	"$(cut -f 4 <<<"$out" | sort | uniq -c | tr -s ' \n' ' ')" ' 3 fine.test 10 victim.test '
for format in internal external; do
	configure "log: {file: $dir/forged.log}"
	printf 'mail_version = 3.7.11\ninfo_log_address_format = %s\n' $format >"$dir/postconf.out"
	ladder match --all "$dir/forged.log"
	is "its own log is read as Postfix says: $format" "$(wc -l <"$dir/out")" $([[ $format == internal ]] && echo 1 || echo 6)
done
cp "$dir/forged.log" "$dir/elsewhere"
ladder match --all "$dir/elsewhere"
is 'another log is not its own' "$(wc -l <"$dir/out")" 1
ladder scan "$dir/several.log"
has 'scan as well asks each Postfix by itself' "$err" 'several.log: 10 lines left out'
rm "$dir/postconf.out"
cp "$dir/plain.yaml" "$dir/tlsladder.yaml"

"$program" -c "$dir/tlsladder.yaml" match --all "$log" >/dev/full 2>"$dir/err"
is 'a full disk under the output is an error' $? 74
yes "$(head -n 20 "$log")" | head -n 200000 | "$program" -c "$dir/tlsladder.yaml" match --all 2>"$dir/err" |
	head -n 1 >/dev/null
is 'a reader that goes away ends it' "${PIPESTATUS[2]}" 141

finish
