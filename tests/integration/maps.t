#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every type of map that this Postfix has: what is in it, mail under it, and changes that
# follow each other within a second.
. "$(dirname -- "$0")/lib.sh"

"$sandbox" up "$dir" owner=$$ || { not_ok 'the sandbox comes up'; finish; }
types=$(inside postconf -m)

# How mail to selfsigned.test fared: the status of message N, when it has one.
outcome() {
	local id
	id=$(sed -n "s/.*smtpd*\[[0-9]*\]: //; s/.*\]: \([^ ]*\): message-id=<$1@.*/\1/p" "$dir/$map_type/mail.log")
	[[ -n $id ]] && grep -o "$id: to=<user@selfsigned.test>.*status=[a-z]*" "$dir/$map_type/mail.log" |
		grep -o '[a-z]*$' | head -n 1 | grep .
}

# Levels in quick succession, set by hand; the next message must meet the new one. A
# second's worth of them falls into one tick of the map's time stamp.
changes() {
	local i level wanted got wrong='' begun
	# A message that qmgr(8) puts off because the one before it failed meets no level.
	inside postconf -c "$dir/$map_type/config" -e default_destination_concurrency_failed_cohort_limit=1000
	inside postfix -c "$dir/$map_type/config" reload 2>/dev/null
	begun=$(now)
	for i in {1..12}; do
		if ((i % 2)); then level=verify wanted=deferred; else level=encrypt wanted=sent; fi
		if ! ladder set selfsigned.test $level >/dev/null; then
			wrong+="change $i failed; "
			continue
		fi
		"$sandbox" send "$dir" "$map_type" sender@sender.test user@selfsigned.test \
			<<<"Message-ID: <change$i@sender.test>"
		got=$(await 10 outcome "change$i")
		[[ $got == "$wanted" ]] || wrong+="$i at $level: ${got:-nothing}; "
	done
	is "$map_type: 12 changes, and the next message each time meets the new level" "$wrong" ''
	comment "$map_type: a change by hand and a message after it took $(bc <<<"scale = 3; ($(now) - $begun) / 12") s"
}

# From nothing: a state of its own for each.
begin() {
	map_type=$1
	rm -rf "$dir/state"
	mkdir "$dir/state"
	chown nobody:nogroup "$dir/state"
	sender "$map_type"
	configure "$map_type" 'ladder: {may_after: {attempts: 1}}'
	if ! start; then
		not_ok "$map_type: the daemon starts"
		return 1
	fi
	ok "$map_type: the daemon starts"
}

# Many messages at once for few destinations, while others make the map change: a retry
# in the very second of the export must see the entry.
mail_flows() {
	local domain begun others=(expired-cert wrongname-cert unsigned-tlsa signed-no-tlsa dane-ta dane-roll
		nomx hostile-cn starttls-refused insecure-mx)
	begun=$(now)
	for domain in dane-ok.test plain.test selfsigned.test; do
		inside smtp-source -s 4 -m 20 -f sender@sender.test -t "user@$domain" \
			"unix:$dir/$map_type/queue/public/submit" &
	done
	send "$map_type" "${others[@]/%/.test}"
	wait $(jobs -p | grep -vx "$daemon")
	for domain in dane-ok.test plain.test selfsigned.test; do
		if await 20 delivered_all "$domain" >/dev/null; then
			ok "$map_type: 20 messages to $domain were delivered"
		else
			not_ok "$map_type: 20 messages to $domain were delivered" "only $(delivered "$domain")" "$(story $domain)"
		fi
	done
	for domain in "${others[@]/%/.test}"; do
		awaits "$map_type: mail to $domain was delivered" 10 \
			grep -q "to=<user@$domain>.*status=sent" "$dir/$map_type/mail.log"
	done
	comment "$map_type: 70 messages to 13 destinations without entry, all delivered after $(bc <<<"$(now) - $begun") s"
}

delivered() {
	grep -c "to=<user@$1>.*status=sent" "$dir/$map_type/mail.log"
}

delivered_all() {
	[[ $(delivered "$1") == 20 ]]
}

# Postfix's view of the whole map against ours.
whole_map() {
	local listed
	settle "$map_type"
	listed=$(entries)
	is "$map_type: postmap finds every entry as listed" \
		"$(cut -d ' ' -f 1 <<<"$listed" | inside postmap -q - "$map_type:$dir/state/tls_policy" | tr '\t' ' ')" \
		"$listed"
	is "$map_type: there are 13" "$(wc -l <<<"$listed")" 13
	is "$map_type: the text says the same" \
		"$(grep -v '^#' "$dir/state/tls_policy" | tr '\t' ' ')" "$listed"
	is "$map_type: nothing is left beside them" \
		"$(ls "$dir/state" | grep -vE '^(tls_policy(\.db|\.cdb|\.lmdb|\.lock)?|state\.db.*)$')" ''
	is "$map_type: they belong to the daemon" \
		"$(stat -c %U "$dir"/state/tls_policy* | sort -u)" nobody
	is "$map_type: Postfix has no complaint" \
		"$(grep -E '(warning|error|fatal).*(tls_policy|policy)' "$dir/$map_type/mail.log")" ''
}

for type in hash lmdb btree cdb; do
	if ! grep -qx $type <<<"$types"; then
		ok "$type # SKIP this Postfix has none"
		continue
	fi
	if begin $type; then
		mail_flows
		whole_map
		changes
		stop
		is "$type: the daemon ends when asked to" $? 0
	fi
done

# --- texthash: no database; read by smtp(8) when it starts

if begin texthash; then
	send texthash selfsigned.test dane-ok.test
	settle texthash
	is 'texthash: postmap finds the entries' "$(in_map selfsigned.test) $(in_map dane-ok.test)" 'encrypt dane-only'
	stop
fi
finish
