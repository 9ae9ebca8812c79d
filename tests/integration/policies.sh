# SPDX-License-Identifier: BSD-2-Clause
# For tests of MTA-STS: policy hosts over HTTPS, sourced behind lib.sh once the sandbox is up.
# shellcheck shell=bash
policies=$dir/state/policies
policy_address=127.0.0.9
policy_settings="mta_sts: {ca_file: $dir/state/policy-ca.pem, networks: [127.0.0.0/8]}"
declare -A announced=()

# policy_hosts DOMAIN...: listen, and have a certificate for these.
policy_hosts() {
	mkdir -p "$policies"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/state/key.pem" \
		-out "$dir/state/policy-ca.pem" -days 7 -subj /CN=policies \
		-addext "subjectAltName=$(printf 'DNS:mta-sts.%s\n' "$@" | paste -sd ,)" 2>/dev/null
	cat "$dir/state/key.pem" "$dir/state/policy-ca.pem" >"$dir/state/policyhost.pem"
	chmod 644 "$dir/state/policy-ca.pem"
	coproc HOST { "$sandbox" exec "$dir" -- python3 "$here/../sandbox/lib/policyhost.py" "$policy_address" \
		"$dir/state/policyhost.pem" "$policies" 2>"$dir/policyhost.err"; }
	policy_host=${HOST[1]}
	read -r -t 20 ready <&"${HOST[0]}"
	is 'the policy hosts listen' "${ready-}" ready
}

policy_hosts_end() {
	exec {policy_host}>&-
}

# publish DOMAIN MODE MX: at its policy host, not in DNS.
publish() {
	printf 'version: STSv1\nmode: %s\nmx: %s\nmax_age: 604800\n' "$2" "$3" >"$policies/$1"
}

# policy DOMAIN ID MODE MX [ZONE]: published, and announced by a TXT record with that id. ZONE:
# the table's domain that DOMAIN is a name of.
policy() {
	local before=${announced[$1]-} zone=${5:-$1} label=''
	publish "$1" "$3" "$4"
	[[ $zone == "$1" ]] || label=.${1%".$zone"}
	if [[ -z $before ]]; then
		"$sandbox" zone "$dir" add "$zone" "mta-sts$label" A "$policy_address"
	else
		"$sandbox" zone "$dir" remove "$zone" "_mta-sts$label" TXT "\"v=STSv1;id=$before\""
	fi
	"$sandbox" zone "$dir" add "$zone" "_mta-sts$label" TXT "\"v=STSv1;id=$2\""
	announced[$1]=$2
}

# How often the policy of a domain was asked for.
fetches() {
	grep -cx "$1" "$policies/asked" 2>/dev/null || true
}

arrives() {
	[[ $(arrived "$1") != waits ]]
}
