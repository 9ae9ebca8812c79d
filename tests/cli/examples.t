#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The files in examples/ are accepted by the programs that they are for.
. "$(dirname -- "$0")/lib.sh"

examples=$srcdir/examples
configure

run "$program" -c "$examples/tlsladder.yaml" rules "$srcdir/rules/postfix.yaml"
is 'tlsladder.yaml: accepted' "$status$err" 0

run "$program" -c "$examples/mailcow/tlsladder.yaml" rules "$srcdir/rules/postfix.yaml"
is 'mailcow/tlsladder.yaml: accepted' "$status$err" 0
for example in mailcow fleet; do
	is "$example/README: one page" "$(awk 'length > 104 { long = 1 } END { print (NR <= 80 && !long) }' "$examples/$example/README")" 1
done

# unit: what systemd says of the unit, with the built program in place of the installed one.
if command -v systemd-analyze >/dev/null; then
	sed "s,/usr/bin/tlsladder,$program," "$examples/tlsladder.service" >"$dir/tlsladder.service"
	run systemd-analyze verify --man=no "$dir/tlsladder.service"
	is 'tlsladder.service: systemd has nothing to say' "$status$out$err" 0
	run systemd-analyze security --offline=yes --threshold=20 "$dir/tlsladder.service"
	is 'tlsladder.service: an exposure of 2.0 or less' $status 0
	sed "s,/usr/bin/tlsladder,$program," "$examples/mailcow/tlsladder-mailcow.service" >"$dir/tlsladder-mailcow.service"
	run systemd-analyze verify --man=no "$dir/tlsladder-mailcow.service"
	is 'mailcow/tlsladder-mailcow.service: systemd has nothing to say' "$status$out$err" 0
	run systemd-analyze security --offline=yes --threshold=20 "$dir/tlsladder-mailcow.service"
	is 'mailcow/tlsladder-mailcow.service: an exposure of 2.0 or less' $status 0
else
	echo "ok $((number += 1)) - tlsladder.service # SKIP no systemd-analyze"
fi

if [[ -x /usr/sbin/postconf ]]; then
	mkdir "$dir/postfix"
	cp "$examples/main.cf.example" "$dir/postfix/main.cf"
	: >"$dir/postfix/master.cf"
	run /usr/sbin/postconf -c "$dir/postfix" -n
	is 'main.cf.example: no complaint of Postfix' "$status$err" 0
	for line in 'smtp_tls_security_level = verify' 'smtp_dns_support_level = dnssec' \
		'smtp_tls_policy_maps = hash:/var/lib/tlsladder/tls_policy' 'smtp_tls_loglevel = 1'; do
		has "main.cf.example: $line" "$out" "$line"
	done
else
	echo "ok $((number += 1)) - main.cf.example # SKIP no Postfix"
fi

if [[ -x /usr/sbin/rsyslogd ]]; then
	run /usr/sbin/rsyslogd -N1 -f "$examples/rsyslog.conf"
	is 'rsyslog.conf: accepted' $status 0
	hasnt 'rsyslog.conf: without a warning' "$err" warning
else
	echo "ok $((number += 1)) - rsyslog.conf # SKIP no rsyslog"
fi

finish
