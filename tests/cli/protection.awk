# SPDX-License-Identifier: BSD-2-Clause
# Mail that was sent, counted from the log itself: by protection into DIR/kinds, by domain and protection
# into DIR/domains. -v process=N: the field of the process (3, or 5 of traditional stamps); dane: the
# domain whose certificate verifies by TLSA records; month, and until: the day before which.
function day() {
	return process == 3 ? substr($1, 1, 10) : month "-" $2
}
{ split($process, part, /[][]/); pid = part[2] }
/ TLS connection established / { grade[pid] = $(process + 1); next }
/ postfix\/smtp\[.* status=sent / && substr(day(), 1, 7) == month && day() < until {
	domain = $(process + 2); sub(/^to=<[^@]*@/, "", domain); sub(/>,$/, "", domain)
	word = grade[pid]
	kind = word == "" ? "cleartext" : word != "Verified" ? "encrypted" : domain == dane ? "dane" : "verified"
	count[kind]++
	of[domain " " kind]++
}
/ status=/ { grade[pid] = "" }
END {
	for (kind in count) print kind, count[kind] > (dir "/kinds")
	for (d in of) print d, of[d] > (dir "/domains")
}
