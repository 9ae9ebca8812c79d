#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# set and unset while the daemon runs and mail flows; keys of every shape that Postfix
# looks up.
. "$(dirname -- "$0")/lib.sh"

up strict 'transport_maps=inline:{port.test=smtp:[mx.dane-port.test]:587, other-port.test=smtp:[mx.dane-port.test]:2525}'
configure strict 'ladder: {may_after: {attempts: 1}}'
starts

# set_now SENTENCE KEY LEVEL [ARGUMENT]...: and it is in the map when the command is over.
set_now() {
	local sentence=$1 output status
	shift
	output=$(ladder set "$@" 2>&1)
	status=$?
	if [[ $status -eq 0 ]]; then
		is "$sentence: in the map at once" "$(in_map "$1")" "$2"
	else
		not_ok "$sentence: in the map at once" "exit status $status" "$output"
	fi
}

# flows SENTENCE ADDRESS SERVER TLS: a new message is not deferred, but delivered so.
flows() {
	local got
	send strict "$2"
	await 10 grep -qF "to=<$2>" "$dir/strict/mail.log" >/dev/null
	got=$(arrived "$2")
	is "$1" "${got/TLSv1.[23]/tls}; $(grep -F "to=<$2>" "$dir/strict/mail.log" | grep -c deferred) deferred" \
		"$3 $4; 0 deferred"
}

# deferred ADDRESS COUNT
deferred() {
	[[ $(grep -F "to=<$1>" "$dir/strict/mail.log" | grep -c status=deferred) -ge $2 ]]
}

# --- before any mail

set_now 'a level for a server with a certificate of its own' selfsigned.test encrypt
flows 'mail to it is not deferred' user@selfsigned.test mx.selfsigned.test tls
set_now 'a level that the ladder would not choose' dane-ok.test encrypt --note 'test of J. Doe, ticket 7'
flows 'mail by it flows' user@dane-ok.test mx.dane-ok.test tls
matches 'the note is in the list' "$(ladder list --json | grep dane-ok.test)" '"pinned":true,"note":"test of J\. Doe, ticket 7"'
matches 'and in what explains it' "$(ladder explain dane-ok.test)" 'test of J\. Doe, ticket 7'
matches 'and in the map' "$(grep -B 1 '^dane-ok' "$dir/state/tls_policy")" 'ticket 7'

# --- never changed

set_now 'a level that cannot work' plain.test verify
set_now 'another' dane-ta.test verify
set_now 'one in capital letters beyond ASCII' BÜCHER.test verify
send strict plain.test dane-ta.test pinned@bücher.test
awaits 'mail to the same in small letters waits' 10 deferred pinned@bücher.test 1
awaits 'mail to plain.test waits' 10 deferred user@plain.test 1
postfix_tool postqueue strict -f
awaits 'also at the second attempt' 10 deferred user@plain.test 2
settle strict
is 'both stay' "$(in_map plain.test) $(in_map dane-ta.test)" 'verify verify'
matches 'the reason of it' "$(ladder list --json | grep plain.test)" '"why":"pinned"'

is 'no mail undoes it, in either spelling' \
	"$(in_map BÜCHER.test) $(in_map bücher.test) $(ladder list --json | grep -c '"destination":"bücher.test","level":"verify".*"pinned":true')" \
	'verify verify 1'
check 'unset it' ladder unset bücher.test
awaits 'the ladder decides then' 45 grep -q 'pinned@bücher.test	mx.xn--bcher-kva.test	TLS' "$dir/delivered.tsv"

# --- given back

check 'unset plain.test' ladder unset plain.test
check 'unset dane-ta.test' ladder unset dane-ta.test
awaits 'plain.test: the ladder decides, and the mail that waited is delivered' 15 \
	grep -q 'user@plain.test	mx.plain.test	-' "$dir/delivered.tsv"
awaits 'dane-ta.test likewise' 15 grep -q 'user@dane-ta.test	mx.dane-ta.test	TLS' "$dir/delivered.tsv"
settle strict
is 'with its own levels' "$(entry plain.test) $(entry dane-ta.test)" 'dane dane-only'
check "an entry of the ladder's own can be taken away" ladder unset plain.test
is 'it is away at once' "$(in_map plain.test)" ''
send strict plain.test
# The server was asked before that mail came: it is asked anew, once in 30 seconds.
awaits 'and comes back with the next mail' 60 \
	eval '[[ $(grep -c "user@plain.test	mx.plain.test	-" "$dir/delivered.tsv") == 2 ]]'

# --- for a time

set_now 'for two seconds' expired-cert.test verify --for 2s
set_now 'for two seconds, needlessly' valid-ca.test encrypt --for 2s
set_now 'for two seconds, below its TLSA records' dane-roll.test encrypt --for 2s
send strict expired-cert.test
awaits 'mail waits under it' 10 deferred user@expired-cert.test 1
# Its server is asked anew once in 30 seconds.
awaits 'it ends by itself: the ladder decides, and the mail is delivered' 60 \
	grep -q 'user@expired-cert.test	' "$dir/delivered.tsv"
settle strict
is 'with the ladder'"'"'s level' "$(entry expired-cert.test)" encrypt
awaits 'where the default level is enough, no entry is left' 10 \
	eval '[[ $(entry valid-ca.test) == - ]]'
awaits 'where TLSA records are, dane-only follows' 10 \
	eval '[[ $(entry dane-roll.test) == dane-only ]]'
is 'the map says the same' "$(in_map expired-cert.test) $(in_map valid-ca.test) $(in_map dane-roll.test)" \
	'encrypt  dane-only'

# --- keys

set_now 'a host with a port' '[mx.dane-port.test]:2525' encrypt
flows 'Postfix finds it' user@other-port.test mx.dane-port.test tls
set_now 'an address' '[10.53.1.33]' encrypt
flows 'Postfix finds it' 'user@[10.53.1.33]' mx.selfsigned.test tls
set_now 'an IPv6 address' '[IPv6:fd53::1:34]' encrypt
flows 'Postfix finds it' 'user@[IPv6:fd53::1:34]' mx.selfsigned-v6.test tls
set_now 'a domain beyond ASCII' bücher.test encrypt
flows 'Postfix finds it' user@bücher.test mx.xn--bcher-kva.test tls
flows 'in capital letters as well' user@BÜCHER.test mx.xn--bcher-kva.test tls
is 'which are the same key' "$(in_map BÜCHER.test) $(grep -c 'cher\.test\b' "$map_file")" 'encrypt 1'
is 'its other spelling is another key' "$(in_map xn--bcher-kva.test)" ''
set_now 'the other spelling' xn--bcher-kva.test encrypt
flows 'Postfix finds that, too' user@xn--bcher-kva.test mx.xn--bcher-kva.test tls
set_now 'capital letters' SelfSigned-v6.TEST encrypt
flows 'Postfix finds it in any case' user@selfsigned-v6.test mx.selfsigned-v6.test tls
for key in '[mx.dane-port.test]:2525' '[10.53.1.33]' '[IPv6:fd53::1:34]' bücher.test xn--bcher-kva.test; do
	check "unset $key" ladder unset "$key"
	is "$key: away" "$(in_map "$key")" ''
done

# What the ladder finds by itself. Two of them share a server, which is asked anew after 30 seconds.
send strict 'user@[10.53.1.35]' 'user@[IPv6:fd53::1:34]' user@bücher.test user@xn--bcher-kva.test
for to in 'user@[10.53.1.35]' 'user@[IPv6:fd53::1:34]' user@bücher.test user@xn--bcher-kva.test; do
	awaits "the ladder finds the key of $to by itself" 60 \
		eval "[[ \$(grep -cF 'to=<$to>' <(grep status=sent '$dir/strict/mail.log')) -ge \$(grep -cF -- '$to' <<<'user@[10.53.1.35]') ]] &&
			[[ \$(in_map '${to#*@}') == encrypt ]]"
done

# --- several at once, and nonsense

pids=()
for n in {1..12}; do
	ladder set "d$n.nowhere.test" encrypt &
	pids+=($!)
done
wait "${pids[@]}"
is 'twelve at the same time: all of them are in the map' \
	"$(grep -c '^d[0-9]*\.nowhere\.test	encrypt$' "$dir/state/tls_policy")" 12
settle strict
is 'and Postfix finds as many as are listed' \
	"$(entries | cut -d ' ' -f 1 | inside postmap -q - "hash:$dir/state/tls_policy" | wc -l)" "$(entries | wc -l)"

before=$(cksum <"$dir/state/tls_policy")
# refused STATUS ARGUMENT...
refused() {
	local status=$1
	shift
	ladder "$@" >/dev/null 2>"$dir/refused"
	is "refused: ${*@Q}" $? "$status"
}
refused 64 set selfsigned.test strongest
refused 64 set selfsigned.test
refused 64 set 'two words.test' encrypt
refused 64 set $'line\nbreak.test' encrypt
refused 64 set selfsigned.test encrypt match=other.test
refused 64 set selfsigned.test encrypt speed=fast
refused 64 set selfsigned.test encrypt --for never
refused 64 unset
is 'none of that changed the map' "$(cksum <"$dir/state/tls_policy")" "$before"
stops
finish
