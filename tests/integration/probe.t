#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every server of the sandbox asked by posttls-finger, address by address: what it does at
# each level, and why not. Then addresses of one host that differ, and faults of our own.
. "$(dirname -- "$0")/lib.sh"

finger=$builddir/tests/tools/finger
[[ -x $finger ]] || skip_all "$finger is not built: make check builds it"

# DESTINATION  HOST  ADDRESS[,ADDRESS]  PORT  dane|-  WHAT IT DOES
#   dane          TLSA is the question
#   WHAT IT DOES  how far it went; e v s d: encrypt, verify, secure, dane-only are met, "?" could not be told; why not
table='
dane-ok.test               mx.dane-ok.test              10.53.1.1   25   dane  tls e d self-signed
dane-ta.test               mx.dane-ta.test              10.53.1.2   25   dane  tls e d issuer
dane-ca.test               mx.dane-ca.test              10.53.1.3   25   dane  tls e v s d
dane-roll.test             mx.dane-roll.test            10.53.1.4   25   dane  tls e d self-signed
dane-mixed.test            mx.dane-mixed.test           10.53.1.57  25   dane  tls e d self-signed
dane-nsec3.test            mx.dane-nsec3.test           10.53.1.63  25   dane  tls e d self-signed
dane-v6.test               mx.dane-v6.test              fd53::1:24  25   dane  tls e d self-signed
dane-nomx.test             dane-nomx.test               10.53.1.53  25   dane  tls e d self-signed
dane-greylist.test         mx.dane-greylist.test        10.53.1.26  25   dane  tls e d self-signed
dane-bad.test              mx.dane-bad.test             10.53.1.5   25   dane  tls e tlsa
dane-bad-ca.test           mx.dane-bad-ca.test          10.53.1.6   25   dane  tls e v s tlsa
dane-agility.test          mx.dane-agility.test         10.53.1.56  25   dane  tls e tlsa
dane-notls.test            mx.dane-notls.test           10.53.1.7   25   dane  plain not-offered
dane-refuse.test           mx.dane-refuse.test          10.53.1.8   25   dane  refused refused
dane-refuse-554.test       mx.dane-refuse-554.test      10.53.1.59  25   dane  refused refused
dane-broken.test           mx.dane-broken.test          10.53.1.60  25   dane  broken handshake
dane-down.test             mx.dane-down.test            10.53.1.9   25   dane  silent
dane-pkix-only.test        mx.dane-pkix-only.test       10.53.1.10  25   dane  tls e self-signed
dane-pkix-ca.test          mx.dane-pkix-ca.test         10.53.1.11  25   dane  tls e v s
dane-pkix-notls.test       mx.dane-pkix-notls.test      10.53.1.12  25   dane  plain not-offered
dane-junk.test             mx.dane-junk.test            10.53.1.13  25   dane  tls e tlsa
dane-expired-sig.test      mx.dane-expired-sig.test     10.53.1.14  25   dane  tls e d? self-signed
dane-bogus-mx.test         mx.dane-bogus-mx.test        10.53.1.62  25   dane  tls e d self-signed
dane-servfail.test         mx.dane-servfail.test        10.53.1.15  25   dane  tls e d? self-signed
dane-timeout.test          mx.dane-timeout.test         10.53.1.61  25   dane  tls e d? self-signed
dane-multi.test            mx.dane-multi.test           10.53.1.16  25   dane  tls e d self-signed
dane-multi.test            mx2.dane-multi.test          10.53.1.17  25   -     tls e self-signed
dane-multi-2nd.test        mx.dane-multi-2nd.test       10.53.1.18  25   -     tls e self-signed
dane-multi-2nd.test        mx2.dane-multi-2nd.test      10.53.1.19  25   dane  tls e d self-signed
dane-multi-down.test       mx.dane-multi-down.test      10.53.1.20  25   dane  silent
dane-multi-down.test       mx2.dane-multi-down.test     10.53.1.21  25   -     tls e self-signed
dane-multi-error.test      mx2.dane-multi-error.test    10.53.1.65  25   -     tls e self-signed
dane-cname.test            mx.dane-cname.test           10.53.1.22  25   dane  tls e d self-signed
dane-mxcname.test          mx.dane-mxcname.test         10.53.1.23  25   dane  tls e d self-signed
dane-mxcname-name.test     mx.dane-mxcname-name.test    10.53.1.66  25   dane  tls e d self-signed
signed-no-tlsa.test        mx.signed-no-tlsa.test       10.53.1.27  25   -     tls e self-signed
signed-no-tlsa-ca.test     mx.signed-no-tlsa-ca.test    10.53.1.28  25   -     tls e v s
unsigned-tlsa.test         mx.unsigned-tlsa.test        10.53.1.29  25   dane  tls e self-signed
valid-ca.test              mx.valid-ca.test             10.53.1.37  25   -     tls e v s
victim.test                mx.victim.test               10.53.1.38  25   -     tls e v s
selfsigned.test            mx.selfsigned.test           10.53.1.33  25   -     tls e self-signed
selfsigned-v6.test         mx.selfsigned-v6.test        fd53::1:34  25   -     tls e self-signed
nomx.test                  nomx.test                    10.53.1.54  25   -     tls e self-signed
expired-cert.test          mx.expired-cert.test         10.53.1.35  25   -     tls e expired
wrongname-cert.test        mx.wrongname-cert.test       10.53.1.36  25   -     tls e name
hostile-cn.test            mx.hostile-cn.test           10.53.1.39  25   -     tls e self-signed
hostile-issuer.test        mx.hostile-issuer.test       10.53.1.64  25   -     tls e issuer
xn--bcher-kva.test         mx.xn--bcher-kva.test        10.53.1.51  25   -     tls e self-signed
plain.test                 mx.plain.test                10.53.1.32  25   -     plain not-offered
starttls-refused.test      mx.starttls-refused.test     10.53.1.41  25   -     refused refused
starttls-refused-554.test  mx.starttls-refused-554.test 10.53.1.44  25   -     refused refused
starttls-hostile.test      mx.starttls-hostile.test     10.53.1.42  25   -     refused refused
starttls-broken.test       mx.starttls-broken.test      10.53.1.40  25   -     broken handshake
tls10-only.test            mx.tls10-only.test           10.53.1.43  25   -     broken e handshake
greylist.test              mx.greylist.test             10.53.1.48  25   -     tls e v s
tempfail.test              mx.tempfail.test             10.53.1.46  25   -     tls e v s
tempfail2.test             mx.tempfail2.test            10.53.1.47  25   -     tls e v s
tempfail3.test             mx.tempfail3.test            10.53.1.58  25   -     tls e v s
drop.test                  mx.drop.test                 10.53.1.49  25   -     silent
down.test                  mx.down.test                 10.53.1.50  25   -     silent
island.test                mx.island.test               10.53.1.67  25   dane  tls e self-signed
unknown.test               mx.unknown.test              10.53.1.68  25   -     tls e self-signed
opt-out.test               mx.opt-out.test              10.53.1.69  25   -     tls e self-signed
opt-out-dane.test          mx.opt-out-dane.test         10.53.1.70  25   dane  tls e d self-signed
child.opt-out.test         mx.child.opt-out.test        10.53.1.71  25   -     tls e self-signed
child.dane-nsec3.test      mx.child.dane-nsec3.test     10.53.1.80  25   -     tls e self-signed
signed.opt-out.test        mx.signed.opt-out.test       10.53.1.72  25   dane  tls e d self-signed
signed.valid-ca.test       mx.signed.valid-ca.test      10.53.1.73  25   dane  tls e self-signed
unsigned.valid-ca.test     mx.unsigned.valid-ca.test    10.53.1.74  25   -     tls e self-signed
opt-out-wild.test          mx.opt-out-wild.test         10.53.1.75  25   -     tls e self-signed
stripped.test              mx.stripped.test             10.53.1.76  25   -     tls e self-signed
with-lame.test             mx.with-lame.test            10.53.1.77  25   -     tls e self-signed
with-lame-ds.test          mx.with-lame-ds.test         10.53.1.78  25   -     tls e self-signed
with-lame-below.test       mx.with-lame-below.test      10.53.1.79  25   -     tls e self-signed
dane-port.test             mx.dane-port.test            10.53.1.55  25   dane  tls e self-signed
hosted.test                mx.valid-ca.test             10.53.1.37  25   -     tls e v name
insecure-mx.test           mx.dane-ok.test              10.53.1.1   25   dane  tls e d self-signed
mx-address.test            10.53.1.33                   10.53.1.33  25   -     tls e self-signed
dane-port.test             mx.dane-port.test            10.53.1.55  587  dane  tls e d self-signed
selfsigned.test            mx.selfsigned.test           10.53.1.33  2525 -     tls e self-signed
selfsigned.test            mx.selfsigned.test           10.53.1.33  2526 -     silent
elsewhere.test             mx.x.test                    10.53.1.36  25   -     tls e s name
'

up strict

# ask DESTINATION HOST ADDRESSES PORT DANE: "WHAT IT DOES<tab>FOUND<tab>MILLISECONDS ms"
ask() {
	local dane=()
	[[ $5 == - ]] || dane=(dane)
	inside "$finger" "$dir/strict/config" "$dir/ca.pem" "${dane[@]}" "$1" "$4" "$2" ${3//,/ }
}

# Side by side: what takes time is waiting.
begun=$(now)
row=0
while read -r destination host addresses port dane wanted; do
	[[ -n $destination ]] || continue
	ask "$destination" "$host" "$addresses" "$port" "$dane" >"$dir/answer.$row" &
	row=$((row + 1))
	((row % 4 > 0)) || wait $(jobs -p | grep -vxF "${daemon:-none}")
done <<<"$table"
wait $(jobs -p)
comment "$row hosts, four at a time: $(bc <<<"$(now) - $begun") s"

row=0
while read -r destination host addresses port dane wanted; do
	[[ -n $destination ]] || continue
	is "$destination: $host:$port: $wanted" "$(cut -f1 "$dir/answer.$row")" "$wanted"
	row=$((row + 1))
done <<<"$table"
comment "one host, its connections together: $(cut -f3 "$dir"/answer.* |
	awk '{ print $1 / 1000 }' | figures)"

is 'no host of the sandbox is forgotten' "$(awk '
	/^[a-z]/ { domain = $1 }
	/^ +[^+ ]/ && !/^ *many/ { print ($1 == "@" ? "" : $1 ".") domain }' "$dir/destinations" |
	sed 's/^real\./mx./' | grep -vxFf <(awk '{ print $2 }' <<<"$table"))" ''

# --- addresses of one host that differ

while read -r addresses wanted; do
	is "addresses $addresses: $wanted" \
		"$(ask valid-ca.test mx.valid-ca.test "$addresses" 25 - | cut -f1)" "$wanted"
done <<'END'
10.53.1.37,10.53.1.37 tls e v s
10.53.1.50,10.53.1.37 tls e v s
10.53.1.37,10.53.1.32 tls e? v? s? not-offered
10.53.1.37,10.53.1.33 tls e v? s? self-signed
10.53.1.33,10.53.1.32 tls e? self-signed
10.53.1.32,10.53.1.41 refused not-offered
10.53.1.43,10.53.1.40 broken e? handshake
END

# --- a server that changes

"$sandbox" behave "$dir" mx.valid-ca.test plain
is 'STARTTLS is not offered any more' \
	"$(ask valid-ca.test mx.valid-ca.test 10.53.1.37 25 - | cut -f1)" 'plain not-offered'
"$sandbox" behave "$dir" mx.valid-ca.test tls
"$sandbox" cert "$dir" mx.valid-ca.test wrong-name
is 'another certificate' \
	"$(ask valid-ca.test mx.valid-ca.test 10.53.1.37 25 - | cut -f1)" 'tls e name'
"$sandbox" cert "$dir" mx.valid-ca.test expired
is 'one that has expired' \
	"$(ask valid-ca.test mx.valid-ca.test 10.53.1.37 25 - | cut -f1)" 'tls e expired'
is '... nor does a name that does not match hide it' \
	"$(ask x.test mx.x.test 10.53.1.37 25 - | cut -f1)" 'tls e expired'
"$sandbox" cert "$dir" mx.valid-ca.test good
is 'the first kind again' \
	"$(ask valid-ca.test mx.valid-ca.test 10.53.1.37 25 - | cut -f1)" 'tls e v s'

# --- a server whose answer to EHLO has no end

"$sandbox" behave "$dir" mx.valid-ca.test endless-ehlo
# The most memory, in KiB, of whoever asks; and that nobody asks any longer.
asked() {
	inside python3 -c '
import resource, subprocess, sys
print(subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True).stdout.strip(),
    resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, sep="\t")' \
		"$finger" "$dir/strict/config" "$dir/ca.pem" valid-ca.test 25 mx.valid-ca.test 10.53.1.37
}
IFS=$'\t' read -r does why took kib < <(asked)
is 'an answer to EHLO without an end tells nothing' "$does" silent
comment "$why, after $took (wanted: 5 s), $kib KiB at most"
check '... it is not kept' test "$kib" -lt 65536
is '... and posttls-finger has ended' "$(inside pgrep -cx posttls-finger)" 0
"$sandbox" behave "$dir" mx.valid-ca.test tls
is 'and what it does when it is well' "$(ask valid-ca.test mx.valid-ca.test 10.53.1.37 25 - | cut -f1)" 'tls e v s'

# --- faults of our own

for file in "$dir/nothing.pem" /etc/hostname; do
	is "CA file $file: no verdict" "$(inside "$finger" "$dir/strict/config" "$file" valid-ca.test 25 \
		mx.valid-ca.test 10.53.1.37 | cut -f1,2)" 'ours	the CA file cannot be used'
done
is 'a directory of CAs that is not there: no verdict' "$(inside env FINGER_CA_PATH="$dir/nothing" "$finger" \
	"$dir/strict/config" "$dir/ca.pem" valid-ca.test 25 mx.valid-ca.test 10.53.1.37 | cut -f1)" ours
is 'protocols that are none: no verdict' "$(inside env FINGER_PROTOCOLS=bogus "$finger" \
	"$dir/strict/config" "$dir/ca.pem" valid-ca.test 25 mx.valid-ca.test 10.53.1.37 | cut -f1)" ours
is 'no configuration: no verdict' "$(inside "$finger" "$dir/nothing" "$dir/ca.pem" valid-ca.test 25 \
	mx.valid-ca.test 10.53.1.37 | cut -f1)" ours
is 'protocols are asked for' "$(inside env FINGER_PROTOCOLS='>=TLSv1.3' "$finger" "$dir/strict/config" \
	"$dir/ca.pem" tls10-only.test 25 mx.tls10-only.test 10.53.1.43 | cut -f1)" 'broken handshake'

is 'as the user of the daemon it is the same' "$(inside "${user[@]}" "$finger" "$dir/strict/config" \
	"$dir/ca.pem" valid-ca.test 25 mx.valid-ca.test 10.53.1.37 | cut -f1)" 'tls e v s'

finish
