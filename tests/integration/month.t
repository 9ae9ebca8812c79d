#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A month of mail beside a real Postfix, whose clock (libfaketime) and ours are moved from day to
# day: servers that lose and find their certificates, STARTTLS and TLSA records, mail that comes
# back after five days, a log that is rotated, a daemon that is started anew each day. The figures
# of the report and the digests are those of the log and of the servers; each event is told once;
# no local part of an address is anywhere but in the log and the queue.
. "$(dirname -- "$0")/lib.sh"

faketime=$(compgen -G '/usr/lib/*/faketime/libfaketime.so.1') ||
	skip_all 'needs libfaketime: run tests/packages test'

begun=$(date +%s)
month=$(date -ud "$(date -u +%Y-%m-01) + 1 month" +%Y-%m)
first=$(date -ud "$month-01" +%s)
days=$(date -ud "$month-01 + 1 month - 1 day" +%d)

up
echo +0 >"$dir/time"
# Every program of Postfix has the moved clock; it goes on by itself as that of the machine.
moved=(MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME
	LD_PRELOAD="$faketime" FAKETIME_TIMESTAMP_FILE="$dir/time" FAKETIME_NO_CACHE=1
	FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1)
sender mail "import_environment=${moved[*]}"
configure mail "notify: {command: [sh, -c, 'f=\$(mktemp $dir/state/mail.XXXXXX); cat >\$f; mv \$f \$f.done']}"
log=$dir/mail/mail.log

# --- the days

user+=(env LD_PRELOAD="${faketime/.so/MT.so}" FAKETIME_TIMESTAMP_FILE="$dir/time" FAKETIME_NO_CACHE=1)

# clock DAY HOUR: the clocks are set, and what is due then is done.
clock() {
	day=$1
	offset=$((first + (day - 1) * 86400 + $2 * 3600 - begun))
	set_clocks
	[[ -z $daemon ]] || { flush && settles; }
}

set_clocks() {
	echo "+$offset" >"$dir/time.new"
	mv "$dir/time.new" "$dir/time"
}

# Done is what is due. What waits for the clock alone, as a server is asked anew after half a minute,
# gets that.
settles() {
	local minute
	for minute in 1 2 3; do
		! await 3 settled mail >/dev/null || return 0
		await 20 nobody_is_asked >/dev/null
		offset=$((offset + minute * 60))
		set_clocks
		flush
	done
	settle mail
}

nobody_is_asked() {
	! inside pgrep -x posttls-finger >/dev/null
}

# Mail that waits is tried.
flush() {
	local from ids
	from=$(wc -l <"$log")
	ids=$(inside postqueue -c "$dir/mail/config" -j | sed 's/.*"queue_id": "\([^"]*\)".*/\1/')
	inside postqueue -c "$dir/mail/config" -f
	await 10 were_tried mail "$from" "$ids" >/dev/null || comment "day $day: not every message was tried"
}

# mail DOMAIN...: a message to each, by SMTP: sendmail(1) is given no other clock.
mail() {
	inside python3 -c '
import smtplib, socket, sys

class Submit(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        s = socket.socket(socket.AF_UNIX)
        s.connect(host)
        return s

day = sys.argv[2]
smtp = Submit(sys.argv[1], 25, "mail.sender.test")
for n, domain in enumerate(sys.argv[3:]):
    smtp.sendmail("secret-sender@sender.test", [f"secret-{day}-{n}@{domain}"], f"Subject: day {day}\n")
smtp.quit()' "$dir/mail/queue/public/submit" "$day" "$@"
	await 30 idle mail >/dev/null
	settles
}

# comes DOMAIN WHY: that is decided, at once or when a server that was asked just now may be asked anew.
comes() {
	awaits "day $day: $1: $2" 60 why_is "$@"
}

why_is() {
	[[ $(sql "SELECT why FROM destination WHERE key = '$1'") == "$2" ]]
}

server() {
	"$sandbox" "$1" "$dir" "${@:2}" || not_ok "day $day: $*"
}

# The log is rotated: what is written goes on into the old file until Postfix opens the new one.
rotate() {
	mv "$log" "$log.$day"
	install -g adm -m 640 /dev/null "$log"
	inside postfix -c "$dir/mail/config" reload 2>/dev/null
	await 10 grep -q 'reload -- version' "$log" "$log.$day" >/dev/null || not_ok "day $day: the log is rotated"
}

day=1
clock 1 7
starts
for ((d = 1; d <= 10#$days; d++)); do
	to=(valid-ca.test valid-ca.test dane-ok.test selfsigned.test plain.test victim.test signed-no-tlsa-ca.test)
	day=$d
	case $d in
		5) server cert mx.victim.test selfsigned ;;
		7) server cert mx.victim.test good ;;
		10) server cert mx.wrongname-cert.test good ;;
		14) server behave mx.signed-no-tlsa-ca.test plain ;;
		18) server cert mx.dane-ok.test selfsigned newkey ;;
		20) server zone tlsa mx.dane-ok.test 3-1-1 ;;
	esac
	clock "$d" 8
	case $d in
		2) to+=(dane-bad.test) ;;
		3 | 11 | 17 | 25) to+=(wrongname-cert.test expired-cert.test dane-ca.test hosted.test) ;;
		12 | 22) rotate ;;
	esac
	mail "${to[@]}"
	case $d in
		1)
			clock 1 9
			comes plain.test not-encrypted
			;;
		2) comes dane-bad.test dane-not-met ;;
		5 | 14) comes "$([[ $d == 5 ]] && echo victim.test || echo signed-no-tlsa-ca.test)" hold ;;
		6)
			comes victim.test not-authentic
			clock 6 22 # 12 hours before the message to dane-bad.test comes back
			;;
		15)
			clock 15 9
			comes signed-no-tlsa-ca.test not-encrypted
			;;
		18) comes dane-ok.test dane-not-met ;;
	esac
done
clock $((10#$days + 1)) 5
no_text() {
	! compgen -G "$dir/state/mail.??????" >/dev/null
}
await 10 no_text
stops
comment "$days days in $(($(date +%s) - begun)) s"
cat "$log".?* "$log" >"$dir/log"
for text in "$dir"/state/mail.*.done; do cat "$text" && echo --; done >"$dir/mails"

# --- the figures

# Of the log, before a day, by what Postfix says there: a session belongs to the next line of its
# process. dane-ok.test alone has an entry dane-only that its servers meet.
counted() {
	awk -v process=5 -v month="$month" -v dane=dane-ok.test -v until="${1:-9}" -v dir="$dir" \
		-f "$here/../cli/protection.awk" "$dir/log"
}
counted
ladder report --month "$month" --json >"$dir/report.json"
is 'the report of the month' $? 0
# of RECORD EXPRESSION
of() {
	python3 -c '
import json, sys
names = ("dane", "mta-sts", "verified", "encrypted", "cleartext")
for d in map(json.loads, open(sys.argv[1])):
    if d["record"] == sys.argv[2]:
        for name in names:
            eval(sys.argv[3])' "$dir/report.json" "$@" | sort
}
is 'messages by protection are those of the log' "$(of protection \
	'd["month"] == "'"$month"'" and d["protection"] == name and d["messages"] and print(name, d["messages"])')" "$(sort "$dir/kinds")"
is 'and those of each destination' "$(of destination 'd[name] and print(d["destination"], name, d[name])')" "$(sort "$dir/domains")"
comment "$(paste -sd ' ' "$dir/kinds")"
is 'the servers count as many, and in cleartext as many' \
	"$(awk -F '\t' '{ n[$4 == "-"]++ } END { print n[0] + n[1], n[1] + 0 }' "$dir/delivered.tsv")" \
	"$(awk '{ n += $2 } $1 == "cleartext" { clear = $2 } END { print n, clear + 0 }' "$dir/kinds")"

# --- the digests

digests() {
	python3 "$here/../cli/digests.py" "$@"
}
digests told <"$dir/mails" >"$dir/digests"
is 'each day is in one digest at most' "$(digests days <"$dir/digests")" "0 $month-01"
# What goes in cleartext as it did before is told once a week.
after=$(digests after <"$dir/digests")
check 'the last one is of the last week' test "$(((first + 10#$days * 86400 - $(date -ud "$after" +%s)) / 86400))" -lt 7
counted "$after"
is 'what went in cleartext is told of each message once' \
	"$(awk '$3 == "total" { n += $4 } END { print "cleartext", n }' "$dir/digests")" "$(grep cleartext "$dir/kinds")"
is 'and to whom' "$(awk '$3 == "cleartext" { n[$4] += $5 } END { for (d in n) print d, "cleartext", n[d] }' "$dir/digests" | sort)" \
	"$(grep ' cleartext ' "$dir/domains" | sort)"
is 'each entry that came or went is told once' "$(awk '$3 ~ /came|went|changed|passed/ { print $3, $4 }' "$dir/digests" | sort)" \
	"$(digests changes "$dir/state/state.db" "$after" | sort)"

# --- the alerts

sed -n 's/.*warning: alert: \([^:]*: [^:;]*\).*; mail waits since.*/\1 again/p; t
	s/.*warning: alert: \([^:]*: [^:;]*\).*/\1/p' "$dir/daemon.err" | sort >"$dir/alerts"
is 'the alerts, each once' "$(<"$dir/alerts")" 'dane-bad.test: dane-not-met
dane-bad.test: dane-not-met again
dane-ok.test: dane-not-met
plain.test: not-encrypted
signed-no-tlsa-ca.test: hold
signed-no-tlsa-ca.test: not-encrypted
victim.test: hold'
is 'each is mailed, and its subject names it' "$(sed -n 's/^tlsladder: \([^ :]*\.test: [^ ]*\)$/\1/p' "$dir/mails" | sort)" \
	"$(sed 's/ again$//' "$dir/alerts")"
is 'what came back is what was told' "$(sed -n 's/.*qmgr.*\]: \([^:]*\): .*status=expired.*/\1/p' "$dir/log" |
	while read -r id; do grep -m 1 -o "$id: to=<[^>]*" "$dir/log"; done | sed 's/.*@//')" dane-bad.test

# --- no local part

check 'there are some in the log' grep -q 'to=<secret' "$dir/log"
{
	ladder report
	ladder report --lang de
	for command in list status metrics policy 'explain dane-bad.test victim.test plain.test'; do
		# shellcheck disable=SC2086
		ladder $command
		# shellcheck disable=SC2086
		ladder $command --json
	done
	ladder list --waiting
	ladder export --format csv
	ladder notice plain.test
	ladder report --html "$dir/state/report.html"
} >"$dir/outputs" 2>&1
check 'the commands have something to say' test "$(wc -l <"$dir/outputs")" -gt 100
is 'nothing of them is in an output, database, map, mail or what the daemon logs' \
	"$(grep -lia secret "$dir"/state/* "$dir/outputs" "$dir/mails" "$dir/report.json" "$dir/daemon.err")" ''
finish
