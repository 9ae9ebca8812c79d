#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The packages that make deb builds, on a new Debian with Postfix and rsyslog: installed as README
# says, to decided mail; upgraded, removed and purged, with and without a Postfix that still reads
# the map. systemd is real, so is apt: only the archive is at hand beforehand, and the Internet is
# the sandbox's.
. "$(dirname -- "$0")/lib.sh"
. "$here/guest.sh"

for program_needed in dpkg-buildpackage dh lintian; do
	command -v $program_needed >/dev/null || skip_all "needs $program_needed: run tests/packages test"
done
top=$(cd -- "$here/../.." && pwd)
readme=$top/README
state=/var/lib/tlsladder
map=hash:$state/tls_policy

# The indented lines of README below "As a package" (0) or of a step of "Set up".
step() {
	awk -v step="$1" '/^Set up/ { inside = 1 } /^Upgrade/ { inside = 0 }
		inside && /^[0-9]\. / { at = $1 + 0 }
		inside && at + 0 == step && /^       / { print substr($0, 8) }' "$readme"
}

# follow NAME: the commands on standard input, typed by root.
typed=0
follow() {
	local lines
	lines=$(cat)
	typed=$((typed + $(grep -vc '\\$' <<<"$lines")))
	in_guest bash -ec "cd /root; $lines" >"$dir/typed.out" 2>&1 </dev/null
	local status=$?
	# apt runs dpkg on a terminal.
	tr -d '\r' <"$dir/typed.out" >"$dir/answer"
	if [[ $status -eq 0 ]]; then
		ok "$1"
	else
		not_ok "$1" "$lines" "$(tail -n 40 "$dir/answer")" "$(in_guest journalctl -n 20 --no-pager)"
		finish
	fi
}

mail_to() {
	local domain
	for domain; do
		in_guest sendmail -i -f sender@sender.test "user@$domain" <<<"Subject: $domain"
	done
}

delivered() {
	[[ $(grep -c "user@$1	" "$dir/delivered.tsv") -ge ${2:-1} ]]
}

# What tlsladder's packages left: names, names in what others wrote, owners that are gone.
left_behind() {
	in_guest sh -c '
		find / -xdev -iname "*tlsladder*" ! -path "/root/*" ! -path "/var/log/*"
		find / -xdev "(" -nouser -o -nogroup ")"
		grep -rlI tlsladder /etc /usr/lib/systemd /usr/lib/sysusers.d /var/lib /var/spool \
			--exclude="passwd-" --exclude="group-" --exclude="shadow-" --exclude="gshadow-" \
			--exclude="status-old" --exclude-dir=apt --exclude=available
		systemctl list-units --all --plain --no-legend "tlsladder*"' 2>/dev/null
}

named_by_nobody() {
	in_guest postconf -h smtp_tls_policy_maps | grep -vq "$state"
}

entries_are() {
	in_guest tlsladder list | awk 'NR > 1 { print $1, $2 }' | paste -sd ';'
}

up

# --- built, while the machine is made, which mostly waits

begun=$SECONDS
(
	export DEBFULLNAME='Jane & Doe' DEBEMAIL=jane@sender.test
	export XZ_OPT=-0 # of the releases that both are made of: quickly packed
	make -s -C "$builddir" deb-source DEB_DIR="$dir/source" || exit
	DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" make -s -C "$builddir" deb DEB_DIR="$dir/debs"
	status=$?
	echo "built in $((SECONDS - begun)) s"
	exit $status
) >"$dir/deb.out" 2>&1 &
build=$!
make_guest systemd-sysv postfix rsyslog >"$dir/debootstrap.out" 2>&1
made=$?
comment "Debian in $((SECONDS - begun)) s"
wait $build
built=$?
[[ $made -eq 0 ]] || skip_all "needs Debian's archive: $(tail -n 1 "$dir/debootstrap.out")"
is 'make deb' "$built$([[ $built -eq 0 ]] || tail -n 40 "$dir/deb.out")" 0
[[ $built -eq 0 ]] || finish
comment "$(tail -n 1 "$dir/deb.out")"
version=$(dpkg-deb -f "$dir"/debs/tlsladder_*.deb Version)
is 'three packages' "$(cd "$dir/debs" && printf '%s\n' *.deb | sed 's/_.*//' | LC_ALL=C sort | paste -sd ' ')" \
	'tlsladder tlsladder-mariadb tlsladder-pgsql'
is 'lintian has nothing to say' "$(lintian --no-cfg --tag-display-limit 0 "$dir"/debs/*.deb 2>/dev/null; echo $?)" 0

is 'nor of the source package' "$(lintian --no-cfg --tag-display-limit 0 "$dir"/source/*.dsc 2>/dev/null; echo $?)" 0
check 'which dpkg-source unpacks' dpkg-source -q --no-check -x "$dir"/source/*.dsc "$dir/source/tree"
maintainer='Jane & Doe <jane@sender.test>'
is 'whoever builds is the maintainer' "$(dpkg-deb -f "$dir"/debs/tlsladder_*.deb Maintainer)" "$maintainer"
is '... and who changed it' "$(dpkg-parsechangelog -l "$dir/source/tree/debian/changelog" -S Maintainer)" "$maintainer"

# The same with a lower number, for an upgrade.
check 'the version before' bash -ec 'mkdir "$1/before"
	cd "$1/before"
	dpkg-deb -R "$1"/debs/tlsladder_*.deb tree
	sed -i "s/^Version: .*/Version: 0.0.9-1/" tree/DEBIAN/control
	dpkg-deb -b tree "tlsladder_0.0.9-1_$(dpkg --print-architecture).deb" >/dev/null
	rm -r tree' bash "$dir"

# --- the machine before

cp -r "$dir/debs" "$dir/before" "$guest/root"
# The answer of whoever reads what apt asks.
printf '%s\n' 'APT::Get::Assume-Yes "true";' 'Binary::apt::APT::Keep-Downloaded-Packages "true";' \
	>"$guest/etc/apt/apt.conf.d/90answers"
check 'what the packages need is in the archive' in_root sh -c 'apt-get -q update &&
	apt-get -q --download-only install /root/debs/*.deb'

# The Internet: its root servers and their key, its authority for certificates.
"$sandbox" resolver "$dir" stop
cp "$dir/world/dns/root.hints" "$dir/world/dns/root.anchor" "$guest/root"
check 'its Internet is the sandbox' in_root sh -ec '
	mkdir -p /etc/unbound/unbound.conf.d /usr/local/share/ca-certificates
	mv /root/root.hints /root/root.anchor /etc/unbound
	dpkg-divert --quiet --add --rename --divert /root/anchor.conf \
		/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf
	cat >/etc/unbound/unbound.conf.d/sandbox.conf
	postconf -e "myhostname = mail.sender.test" "mydestination = sender.test, localhost" \
		"inet_interfaces = loopback-only"
	rm -f /etc/resolv.conf
	echo "nameserver 192.0.2.53" >/etc/resolv.conf' <<'END'
server:
    do-ip6: no
    root-hints: "/etc/unbound/root.hints"
    trust-anchor-file: "/etc/unbound/root.anchor"
    trust-anchor-signaling: no
    local-zone: "test." nodefault
    cache-max-negative-ttl: 1
    val-bogus-ttl: 1
    aggressive-nsec: no
    infra-host-ttl: 1
END
cp "$dir/ca.pem" "$guest/usr/local/share/ca-certificates/sandbox.crt"
start_guest || { not_ok 'the machine starts' "$(tail -n 20 "$dir/guest.out")"; finish; }
ok 'the machine starts'
is 'Postfix and rsyslog run' "$(in_guest systemctl is-active postfix rsyslog | paste -sd ' ')" 'active active'
left_behind >"$dir/left.before"

# --- installed, as README says

# Of what is below "As a package" that which is not about building.
installed=$(step 0 | grep '^apt install')
begun=$SECONDS
typed=0
follow 'README: the package is installed' <<<"cd before; $installed"
is 'the service runs' "$(in_guest systemctl is-active tlsladder)" active
is 'and is started with the machine' "$(in_guest systemctl is-enabled tlsladder)" enabled
check 'the map is there' in_guest test -s $state/tls_policy.db
is 'the user has its groups' "$(in_guest id -nG tlsladder)" 'tlsladder adm postdrop'
is 'its configuration is a conffile' "$(in_guest dpkg-query -W -f '${Conffiles}' tlsladder | awk '{ print $1 }')" \
	/etc/tlsladder/tlsladder.yaml
follow 'README: the resolver' < <(step 3 | grep -v '^apt-get')
step 6 | sed '/^postfix reload/,$d' >"$dir/step6"
follow 'README: Postfix' <"$dir/step6"
# Postfix waits while a configuration file is younger than two seconds.
in_guest touch -d '1 minute ago' /etc/postfix/main.cf
follow 'README: doctor finds no fault' < <(step 6 | sed -n '/^postfix reload/,$p')
# The daemon reads the settings of Postfix anew when the log says that it reloaded.
finds_nothing() {
	in_guest runuser -u tlsladder -- tlsladder doctor | grep -q '0 faults, 0 warnings'
}
awaits 'and no warning, once the daemon has read the settings' 70 finds_nothing
mail_to selfsigned.test dane-ok.test valid-ca.test
for domain in selfsigned.test dane-ok.test valid-ca.test; do
	awaits "$domain: its mail arrives" 60 delivered $domain
done
comment "from nothing to decided mail: $((SECONDS - begun)) s, $typed lines typed"
entries='dane-ok.test dane-only;selfsigned.test encrypt'
is 'the entries' "$(entries_are)" "$entries"
has 'Tab completes' "$(in_guest ls /usr/share/bash-completion/completions)" tlsladder

# --- upgraded

in_guest sh -c 'echo "# of the administrator" >>/etc/tlsladder/tlsladder.yaml'
pid=$(in_guest systemctl show -P MainPID tlsladder)
follow 'the next version' <<<"cd debs; $installed"
is 'is installed' "$(in_guest dpkg-query -W -f '${Version}' tlsladder)" "$version"
is 'the service runs' "$(in_guest systemctl is-active tlsladder)" active
check 'and is another' test "$(in_guest systemctl show -P MainPID tlsladder)" != "$pid"
is 'the entries are kept' "$(entries_are)" "$entries"
check 'the configuration as well' in_guest grep -q 'of the administrator' /etc/tlsladder/tlsladder.yaml
mail_to expired-cert.test
awaits 'mail is decided' 60 delivered expired-cert.test
entries=$(entries_are)
has 'and has its entry' "$entries" 'expired-cert.test encrypt'

# tables SQL: what doctor says of a table there.
tables() {
	in_guest sh -c '
		umask 077
		echo "[client]" >/root/login
		sed "s|^publish:.*|publish: [{sql: $1, login: /root/login, schema: own}]|" \
			/etc/tlsladder/tlsladder.yaml >/root/tables.yaml
		tlsladder -c /root/tables.yaml doctor --json' sh "$1" | grep '"check":"table"'
}
for sql in mariadb pgsql; do
	has "doctor names the package for tables: $sql" "$(tables ${sql/pgsql/postgresql})" "apt-get install tlsladder-$sql"
	follow "it is installed: $sql" <<<"apt install ./debs/tlsladder-${sql}_*.deb"
	hasnt "doctor finds it: $sql" "$(tables ${sql/pgsql/postgresql})" 'is not installed'
done
follow 'both are removed' <<<'apt-get purge tlsladder-mariadb tlsladder-pgsql'

# --- removed, purged, while Postfix reads the map

follow 'removed' <<<'apt-get remove tlsladder'
cp "$dir/answer" "$dir/removed"
answer=$(<"$dir/answer")
has 'it says that the map stays' "$answer" 'Postfix still reads the map'
is 'the program is gone' "$(in_guest sh -c 'command -v tlsladder')" ''
is 'the map answers' "$(in_guest postmap -q selfsigned.test $map)" encrypt
mail_to selfsigned.test
awaits 'mail flows by it' 30 delivered selfsigned.test 2
follow 'installed again' <<<"cd debs; $installed"
is 'it has its entries' "$(entries_are)" "$entries"

follow 'purged' <<<'apt-get purge tlsladder'
has 'it says what to type' "$(<"$dir/answer")" "rm -r $state"
is 'but for the map nothing is left' "$(in_guest ls $state | paste -sd ' ')" 'tls_policy tls_policy.db'
is 'it answers' "$(in_guest postmap -q selfsigned.test $map)" encrypt
is 'it is owned by somebody' "$(in_guest find $state ! -user root)" ''
mail_to selfsigned.test
awaits 'mail flows by it, too' 30 delivered selfsigned.test 3
follow 'installed once more' <<<"cd debs; $installed"
is 'it takes the entries from the map' "$(entries_are)" "$entries"
is 'the service runs' "$(in_guest systemctl is-active tlsladder)" active

# --- taken out of main.cf by what was printed, and purged

advice=$(sed -n '/^  postconf /,/^  postfix reload/p' "$dir/removed")
matches 'what is to be typed' "$advice" 'smtp_tls_policy_maps.*smtp_tls_security_level = dane.*postfix reload'
follow 'it can be typed' <<<"$advice"
check 'Postfix reads it no longer' named_by_nobody
follow 'purged for good' <<<'apt-get purge tlsladder'
hasnt 'there is nothing to type' "$(<"$dir/answer")" 'tlsladder: '
is 'nothing is left behind' "$(left_behind)" "$(<"$dir/left.before")"
check 'the user is gone' bash -c '! "$@"' bash nsenter -a -t "$guest_init" id tlsladder
in_guest touch -d '1 minute ago' /etc/postfix/main.cf
in_guest postfix reload 2>/dev/null
mail_to plain.test
awaits 'mail flows' 30 delivered plain.test

# --- where no service may be started

in_guest sh -c 'printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d'
follow 'installed without a start' <<<"cd debs; $installed"
is 'the service does not run' "$(in_guest systemctl is-active tlsladder)" inactive
check 'the map is there nevertheless' in_guest runuser -u tlsladder -- sh -c "test -O $state/tls_policy.db -a -O $state/tls_policy"
is 'and can be asked' "$(in_guest postmap -q selfsigned.test $map)" ''
check 'the service takes it as it is' in_guest systemctl start tlsladder
in_guest rm /usr/sbin/policy-rc.d
follow 'purged' <<<'apt-get purge tlsladder'
is 'nothing is left behind then' "$(left_behind)" "$(<"$dir/left.before")"
finish
