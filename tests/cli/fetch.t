#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tlsladder-fetch against policy hosts over HTTPS on this machine: tests/cases/fetch.cases.
. "$(dirname -- "$0")/lib.sh"

fetcher=$builddir/tlsladder-fetch
[[ -x $fetcher ]] || skip_all 'built without libcurl'
command -v openssl >/dev/null || skip_all 'needs openssl'
python3 -c 'import ssl' 2>/dev/null || skip_all 'needs python3'

certificates=$dir/certificates
mkdir "$certificates"
"$srcdir/tests/fetch/certificates.sh" "$certificates" || skip_all 'openssl made no certificates'

table=$srcdir/tests/cases/fetch.cases
# rows: the lines of the table, fields parted by |
rows() {
	grep -v '^#' "$table" | sed -E '/^$/d; s/ {2,}/|/g'
}

mapfile -t kinds < <(rows | cut -d'|' -f2 | sort -u)
"$srcdir/tests/fetch/policyd.py" "$certificates" "$dir/asked" "${kinds[@]}" >"$dir/ports" 2>"$dir/policyd.err" &
policyd=$!
daemon=$policyd # it ends with the test
disown "$policyd"
awaits 'the policy hosts listen' 20 grep -qx ready "$dir/ports"

declare -A ports
while read -r kind port; do
	ports[$kind]=$port
done <"$dir/ports"

# request KIND [ADDRESS|WORD]...: on standard output.
request() {
	local kind=$1 word ms=10000 networks=(127.0.0.0/8 ::1/128) addresses=() prefixes=()
	shift
	for word; do
		case $word in
			-) ;;
			no-network) networks=() ;;
			nat64=*) prefixes+=("${word#*=}") ;;
			ms=*) ms=${word#ms=} ;;
			*) addresses+=("$word") ;;
		esac
	done
	printf '%s\n' 'host mta-sts.d.test' "ca-file $certificates/ca.pem" "port ${ports[$kind]}" \
		"time-ms $ms" "connect-ms 3000"
	[[ ${#networks[@]} -eq 0 ]] || printf 'network %s\n' "${networks[@]}"
	[[ ${#prefixes[@]} -eq 0 ]] || printf 'nat64 %s\n' "${prefixes[@]}"
	[[ ${#addresses[@]} -eq 0 ]] || printf 'address %s\n' "${addresses[@]}"
	echo
}

# ask FILE KIND [WORD]...: its answer into FILE, how it ended into FILE.ended.
ask() {
	local file=$1
	shift
	request "$@" | timeout 20 "$fetcher" >"$file" 2>"$file.err"
	echo "${PIPESTATUS[1]}" >"$file.ended"
}

# take FILE: sets cause, detail, confined and body, and ended.
take() {
	local answer line
	cause='' detail='' confined='' body=''
	ended=$(<"$1.ended")
	# Octets of no text are in no answer that is wanted.
	mapfile -t answer < <(tr -d '\000' <"$1")
	for line in "${answer[@]:1:6}"; do
		case $line in
			'cause '*) cause=${line#cause } ;;
			'detail '*) detail=${line#detail } ;;
			'confined '*) confined=${line#confined } ;;
		esac
	done
	printf -v body '%s\n' "${answer[@]:8}"
}

fetch() {
	ask "$dir/answer" "$@"
	take "$dir/answer"
}

has_v6=yes
grep -q . /proc/net/if_inet6 2>/dev/null || has_v6=no

# Some at a time, as the daemon has them: many of them only wait.
running=0 row=0
while IFS='|' read -r _ kind asked _; do
	row=$((row + 1))
	# shellcheck disable=SC2086
	ask "$dir/answer.$row" "$kind" $asked &
	running=$((running + 1))
	[[ $running -lt 6 ]] || wait -n
done < <(rows)
wait

row=0
while IFS='|' read -r _ _ asked cause_wanted detail_wanted what; do
	row=$((row + 1))
	if [[ $asked == *::1* && $has_v6 == no ]]; then
		ok "$what: # SKIP no IPv6"
		continue
	fi
	take "$dir/answer.$row"
	[[ $detail_wanted != - ]] || detail_wanted=''
	# shellcheck disable=SC2053
	if [[ $ended -eq 0 && $cause == "$cause_wanted" && $detail == $detail_wanted ]]; then
		ok "$what: $cause"
	else
		not_ok "$what: $cause_wanted" "ended with $ended" "$(head -8 "$dir/answer.$row")" \
			"$(<"$dir/answer.$row.err")"
	fi
done < <(rows)

# --- what it asked

asked_of() {
	grep -F -- "$1 " "$dir/asked"
}
is 'a redirect is one request' "$(asked_of good/301 | wc -l)" 1
is 'the policy host is named to TLS, and nothing but the policy is asked for' \
	"$(asked_of good/404 | sed 's/|User-Agent: [^|]*//')" \
	'good/404 mta-sts.d.test GET /.well-known/mta-sts.txt HTTP/1.1|Host: mta-sts.d.test|Accept: text/plain'
fetch good/ok 127.0.0.1
is 'the policy is handed on as it is' "$body" \
	$'version: STSv1\nmode: enforce\nmx: mx.d.test\nmax_age: 604800\n'
fetch good/gzip 127.0.0.1
is 'of what is refused nothing is' "${body//$'\n'/}" ''

# --- case 35: nothing of the environment counts

home=$dir/home
mkdir "$home"
echo 'machine mta-sts.d.test login a password b' >"$home/.netrc"
printf 'proxy = "127.0.0.1:1"\ninsecure\n' >"$home/.curlrc"
chmod 600 "$home"/.*rc
: >"$dir/asked"
(
	export HOME=$home CURL_HOME=$home NETRC=$home/.netrc https_proxy=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 \
		all_proxy=socks5://127.0.0.1:1 ALL_PROXY=socks5://127.0.0.1:1 SSL_CERT_FILE=$certificates/stranger.crt \
		SSL_CERT_DIR=$dir CURL_CA_BUNDLE=$certificates/stranger.crt OPENSSL_CONF=$dir/none SSLKEYLOGFILE=$dir/keys
	fetch good/ok 127.0.0.1
	echo "$cause"
	fetch unknown/ok 127.0.0.1
	echo "$cause"
) >"$dir/causes"
is 'proxies and authorities of the environment do not count' "$(<"$dir/causes")" $'ok\ntls-ca'
hasnt 'nor do passwords' "$(<"$dir/asked")" Authorization
check 'and no keys are written down' test ! -e "$dir/keys"

# --- how it is held

fetch good/ok 127.0.0.1
if grep -q '^Seccomp:' /proc/self/status && [[ $(uname -m) == @(x86_64|aarch64|riscv64|ppc64le) ]]; then
	has 'the kernel holds it while strangers are read' " $confined " ' seccomp '
else
	ok 'the kernel holds it # SKIP no seccomp here'
fi

# --- requests that are none

# refused SENTENCE LINE...
refused() {
	local sentence=$1
	shift
	printf '%s\n' "$@" | timeout 20 "$fetcher" >"$dir/out" 2>"$dir/err"
	is "$sentence" "${PIPESTATUS[1]} $(wc -c <"$dir/out")" '64 0'
}
good=('host mta-sts.d.test' "ca-file $certificates/ca.pem" 'address 127.0.0.1')
refused 'a request that breaks off' "${good[@]}"
refused 'one that goes on' "${good[@]}" '' x
refused 'one of another host' 'host www.d.test' "${good[@]:1}" ''
refused 'one that names no host' 'host mta-sts.d.test/x' "${good[@]:1}" ''
refused 'a file of no absolute path' 'host mta-sts.d.test' 'ca-file ca.pem' ''
refused 'another word' "${good[@]}" 'proxy x' ''
refused 'a port that is none' "${good[@]}" 'port 65536' ''
refused 'an address that is none' "${good[@]}" 'address d.test' ''

# answers LINE...: the cause and detail of a request.
answers() {
	printf '%s\n' "$@" '' | timeout 20 "$fetcher" | sed -n 's/^cause //p;s/^detail //p' | paste -sd ' '
}
is 'authorities that cannot be read are our own fault' \
	"$(answers 'host mta-sts.d.test' "ca-file $dir/none" 'address 127.0.0.1')" \
	"fetcher cannot read the certification authorities: $dir/none: No such file or directory"
: >"$dir/empty"
has '... and so are none' "$(answers 'host mta-sts.d.test' "ca-file $dir/empty" 'network 127.0.0.0/8' \
	"port ${ports[good/ok]}" 'address 127.0.0.1')" 'fetcher '
finish
