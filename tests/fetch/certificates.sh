#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# usage: certificates.sh DIRECTORY
# Makes the certificates of policyd.py there, each with its key in NAME.pem, and ca.pem,
# whom they are of.
set -euo pipefail
cd -- "$1"

cat >ca.cnf <<'END'
[ca]
default_ca = here
[here]
dir = .
database = ./index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
email_in_dn = no
[any]
commonName = supplied
END
: >index

# authority NAME
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.crt" \
		-days 30 -subj "/CN=authority $1" -addext 'basicConstraints=critical,CA:true' \
		-addext 'keyUsage=critical,keyCertSign'
}

# request NAME COMMON-NAME [DNS-NAME]...
request() {
	local name=$1 common=$2 names=()
	shift 2
	[[ $# -eq 0 ]] || names=(-addext "subjectAltName=$(printf 'DNS:%s,' "$@" | sed 's/,$//')")
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.csr" \
		-subj "/CN=$common" "${names[@]}"
}

# sign NAME AUTHORITY [OPTION]...
sign() {
	local name=$1 authority=$2
	shift 2
	[[ $# -gt 0 ]] || set -- -days 7
	openssl ca -batch -config ca.cnf -notext -cert "$authority.crt" -keyfile "$authority.key" -in "$name.csr" \
		-out "$name.crt" "$@"
	cat "$name.key" "$name.crt" >"$name.pem"
}

{
	authority ca
	authority stranger
	request good mta-sts.d.test mta-sts.d.test
	sign good ca
	request upper mta-sts.d.test MTA-STS.D.test
	sign upper ca
	request expired mta-sts.d.test mta-sts.d.test
	sign expired ca -startdate 20200101000000Z -enddate 20210101000000Z
	request future mta-sts.d.test mta-sts.d.test
	sign future ca -startdate 20400101000000Z -enddate 20410101000000Z
	request unknown mta-sts.d.test mta-sts.d.test
	sign unknown stranger
	request www mta-sts.d.test www.d.test
	sign www ca
	request domain mta-sts.d.test d.test
	sign domain ca
	request other policies.provider.test policies.provider.test
	sign other ca
	request wild '*.d.test' '*.d.test'
	sign wild ca
	request partial 'mta-*.d.test' 'mta-*.d.test'
	sign partial ca
	request cn mta-sts.d.test
	sign cn ca
	request both mta-sts.d.test x.test mta-sts.d.test
	sign both ca
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key -out self.crt -days 7 \
		-subj /CN=mta-sts.d.test -addext 'subjectAltName=DNS:mta-sts.d.test'
	cat self.key self.crt >self.pem
	cp ca.crt ca.pem
} 2>openssl.log
