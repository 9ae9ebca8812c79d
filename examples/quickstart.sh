#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Shows tlsladder at work, on a Debian 12 as root: installs what is missing, builds, starts a
# Postfix at smtp_tls_security_level = verify in a network of its own with some seventy mail
# domains in it (tests/sandbox), sends each of those below a message, and shows what became of
# it. Exit status 0 if that is what should have. Nothing is left running, nothing left behind.
set -euo pipefail

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
sandbox=$top/tests/sandbox/sandbox
deadline=120 # seconds, for all mail to end as expected

# DESTINATION  ENTRY  WHY  MAIL
#   ENTRY, WHY  as `tlsladder list` has them; "-": none
#   MAIL        "tls" or "clear": delivered so; "waits": on purpose; "later": for another reason
destinations='
valid-ca.test          -          -              tls
dane-ok.test           dane-only  dane           tls
dane-ta.test           dane-only  dane           tls
dane-roll.test         dane-only  dane           tls
dane-multi-2nd.test    dane-only  dane           tls
dane-bad.test          dane-only  dane-not-met   waits
dane-notls.test        dane-only  dane-not-met   waits
dane-servfail.test     -          dns-unsure     waits
dane-pkix-only.test    encrypt    not-authentic  tls
dane-pkix-notls.test   -          tlsa-unusable  waits
insecure-mx.test       encrypt    not-authentic  tls
signed-no-tlsa.test    encrypt    not-authentic  tls
selfsigned.test        encrypt    not-authentic  tls
expired-cert.test      encrypt    not-authentic  tls
wrongname-cert.test    encrypt    not-authentic  tls
tls10-only.test        encrypt    not-authentic  tls
plain.test             dane       not-encrypted  clear
starttls-refused.test  dane       not-encrypted  clear
starttls-hostile.test  dane       not-encrypted  clear
victim.test            -          -              tls
greylist.test          -          -              later
tempfail2.test         -          -              later
'
destinations=$(grep . <<<"$destinations")

[[ $# -eq 0 ]] || {
	echo 'usage: examples/quickstart.sh' >&2
	exit 64
}
[[ $EUID -eq 0 ]] || {
	echo 'quickstart: only root can make a network of its own' >&2
	exit 77
}

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR-} ]]; then
	bold=$'\e[1m' plain=$'\e[0m'
fi

step() {
	printf '%s%s%s\n' "$bold" "$*" "$plain"
}

# quietly WHAT COMMAND...: its output is shown where it fails.
quietly() {
	local what=$1
	shift
	if ! "$@" >"$work/out" 2>&1 </dev/null; then
		tail -n 50 "$work/out" >&2
		echo "quickstart: $what failed" >&2
		exit 1
	fi
}

clean_up() {
	trap - EXIT INT TERM HUP
	[[ -z $daemon ]] || kill -TERM "$daemon" 2>/dev/null || true
	"$sandbox" down "$work/net" 2>/dev/null || true
	rm -rf -- "$work"
}

work=$(mktemp -d /tmp/tlsladder.XXXXXX)
chmod 755 "$work" # for the daemon's user
daemon=''
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- build and install

step '1. Packages, build, installation into a temporary directory'
quietly 'the installation of packages' "$top/tests/packages" build
quietly 'the installation of packages' "$sandbox" install
build() {
	"$top/tests/copy" "$work/source" && mkdir "$work/build" && cd "$work/build" &&
		../source/configure -q --prefix="$work/usr" --sysconfdir="$work/etc" \
			--localstatedir="$work/var" &&
		make -s -j"$(nproc)" && make -s install
}
quietly 'the build' build

# --- a network, a Postfix, the daemon

step '2. A network with a signed root, a validating resolver and its mail servers'
quietly 'the network' "$sandbox" up "$work/net" owner=$$

step '3. tlsladder, as a user without privileges, on the log of that Postfix'
log=$work/net/sender/mail.log
map=$work/var/lib/tlsladder/tls_policy
mkdir -p "$work/etc/tlsladder" "${map%/*}"
chown nobody:nogroup "${map%/*}"
chmod 750 "${map%/*}"
cat >"$work/etc/tlsladder/tlsladder.yaml" <<END
log: {file: $log}
postfix: {config_directory: $work/net/sender/config}
ladder: {may_after: {attempts: 1}}
END
sed 's/^/   /' "$work/etc/tlsladder/tlsladder.yaml"
echo '   (may_after: here one failed attempt is enough for cleartext, by default it takes'
echo '   two and ten minutes)'

"$sandbox" sender "$work/net" sender smtp_tls_security_level=verify \
	"smtp_tls_policy_maps=hash:$map"
chgrp adm "$log"
chmod 640 "$log"

# As examples/tlsladder.service has it: adm to read the log, postdrop for postqueue.
tlsladder() {
	"$sandbox" exec "$work/net" -- setpriv --no-new-privs --reuid=nobody --regid=nogroup \
		--groups=adm,postdrop "$work/usr/bin/tlsladder" "$@"
}
tlsladder -v run </dev/null >"$work/daemon.log" 2>&1 &
daemon=$!
"$sandbox" wait "$work/net" true test -e "$map.db" || {
	cat "$work/daemon.log" >&2
	exit 1
}

step "4. A message to each of $(grep -c . <<<"$destinations") destinations"
while read -r domain _; do
	echo "$domain $(date +%s.%N)" >>"$work/sent"
	"$sandbox" send "$work/net" sender postmaster@sender.test "user@$domain" </dev/null
done <<<"$destinations"

step '5. What becomes of it'
echo "$destinations" >"$work/expected"
status=0
/usr/bin/python3 -E -s -B "$top/examples/quickstart.py" "$work" "$sandbox" "$log" "$deadline" || status=$?
if [[ ! -e /etc/postfix/main.cf ]]; then
	echo
	echo 'Postfix was installed for this, without a main.cf, and does not run. For mail of this'
	echo 'machine: dpkg-reconfigure postfix. To take it away again: apt-get purge postfix'
fi
exit $status
