#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A month of mail (tests/unit/test_month.c): the figures of the report and of the digests are
# those of the log, each event is told once, and no local part of an address is anywhere.
. "$(dirname -- "$0")/lib.sh"
needs_python

month=$builddir/tests/unit/test_month
[[ -x $month ]] || skip_all "$month is not built"
mkdir "$dir/month"
"$month" "$dir/month" >"$dir/month.out" 2>"$dir/run.err"
is 'a month passes' $? 0
log=$dir/month/mail.log
mails=$dir/month/mails
cp "$dir/month/state.db" "$dir/state.db"
configure "log: {file: $log}"
export TLSLADDER_NOW_OFFSET=$(($(date -ud '2027-01-01 05:00' +%s) - $(date +%s)))

# --- the figures

# Of the log, by what Postfix says there: a session belongs to the next line of its process.
# dane.test alone has TLSA records, by which its certificate verifies.
counted() {
	awk -v process=3 -v month=2026-12 -v dane=dane.test -v until="${1:-9}" -v dir="$dir" \
		-f "$srcdir/tests/cli/protection.awk" "$log"
}
counted
ladder report --month 2026-12 --json
cp "$dir/out" "$dir/report.json"
is 'the report of the month' "$status$err" 0
is 'messages by protection are those of the log' "$(json '"\n".join(sorted("%s %d" % (o["protection"], o["messages"])
	for o in d if o["record"] == "protection" and o["month"] == "2026-12" and o["messages"]))')" "$(sort "$dir/kinds")"
is 'and those of each destination' "$(json '"\n".join(sorted("%s %s %d" % (o["destination"], name, o[name])
	for o in d if o["record"] == "destination"
	for name in ("dane", "mta-sts", "verified", "encrypted", "cleartext") if o[name]))')" "$(sort "$dir/domains")"

# --- the digests

digests() {
	python3 "$here/digests.py" "$@"
}
digests told <"$mails" >"$dir/digests"

is 'each day is in one digest at most' "$(digests days <"$dir/digests")" '0 2026-12-01'
counted "$(digests after <"$dir/digests")"
is 'what went in cleartext is told of each message once' \
	"$(awk '$3 == "total" { n += $4 } END { print "cleartext", n }' "$dir/digests")" "$(grep cleartext "$dir/kinds")"
is 'and to whom' "$(awk '$3 == "cleartext" { n[$4] += $5 } END { for (d in n) print d, "cleartext", n[d] }' "$dir/digests" | sort)" \
	"$(grep ' cleartext ' "$dir/domains" | sort)"
# What the database has of each destination and day, taken together.
is 'each entry that came or went is told once' "$(awk '$3 ~ /came|went|changed|passed/ { print $3, $4 }' "$dir/digests" | sort)" \
	"$(digests changes "$dir/state.db" | sort)"
check 'there is one for a third of the days or fewer' test "$(cut -d' ' -f1 "$dir/digests" | sort -u | wc -l)" -le 11

# --- the alerts

grep -o 'alert: [^;]*; mail waits since\|alert: [^:]*: [^:;]*' "$dir/run.err" | sort >"$dir/alerts"
is 'each alert is told once' "$(uniq -d "$dir/alerts")" ''
is 'of the month these' "$(sed -n 's/^alert: \([^;]*\)$/\1/p' "$dir/alerts")" 'breaks.test: hold
lost.test: rule-waits
plain0.test: not-encrypted
plain1.test: not-encrypted
strips.test: hold
strips.test: not-encrypted
tlsa.test: rule-waits'
is 'and once more before mail comes back' "$(grep -c '; mail waits since' "$dir/alerts")" 1
is 'each is mailed, and its subject names it' "$(sed -n 's/^Subject: tlsladder: \([^:]*\.test: .*\)/\1/p' "$mails" | sort)" \
	"$(sed 's/^alert: //; s/: the rule for.*//' "$dir/alerts" | sort)"
is 'each mail ends in a command' "$(grep -B1 '^--$' "$mails" | grep -vc -e '^--$' -e 'next: tlsladder [a-z]')" 0

# --- no local part

check 'there are some in the log' grep -q 'to=<secret' "$log"
for command in 'report' 'report --lang de' 'list' 'list --json' 'list --waiting' 'status' 'status --json' 'metrics' \
	'export --format json' 'export --format csv' 'explain lost.test' 'explain full.test breaks.test' 'explain --json full.test' 'policy'; do
	# shellcheck disable=SC2086
	ladder $command
	is "tlsladder $command: none" "$(grep -ci secret "$dir/out" "$dir/err" | cut -d: -f2 | paste -sd' ')" '0 0'
done
ladder report --html "$dir/month/report.html"
is 'none in the database, the mails, the page, what the daemon logs' \
	"$(grep -lia secret "$dir/month/state.db" "$mails" "$dir/month/report.html" "$dir/report.json" "$dir/run.err")" ''

finish
