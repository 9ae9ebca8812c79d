#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The README, followed to the letter: the commands of "Set up", as they stand there, beside a
# Postfix as Debian configures it (chrooted, logging through rsyslog), in a sandbox whose /usr
# and /var are copies on write. Then its commands to remove all of it.
#
# What stands for the world outside: apt-get finds installed what it is asked for; systemctl
# does what the units say; the resolver is the sandbox's, which has another root.
. "$(dirname -- "$0")/lib.sh"

top=$(cd -- "$here/../.." && pwd)
readme=$top/README
unit=/etc/systemd/system/tlsladder.service

# The indented commands of one step.
step() {
	awk -v step="$1" '/^Set up/ { inside = 1 } /^Upgrade/ { inside = 0 }
		inside && /^[0-9]\. / { at = $1 + 0 }
		inside && at == step && /^       / { print substr($0, 8) }' "$readme"
}

# The commands below the paragraph of README that has those words, up to the next one.
below() {
	awk -v words="$1" 'index($0, words) { at = 1 } !at { next }
		/^    / { print substr($0, 5); printed = 1; next } printed { exit }' "$readme"
}

removal() {
	awk '/^Remove:/ { inside = 1 } /^A fault/ { inside = 0 } inside && /^    / { print substr($0, 5) }' "$readme"
}

# of all programs that tests need, as make reads it
tools='tests/tools/driver\ tests/tools/terminal\ tests/fake/tool'

# follow NAME: the commands on standard input, typed by root into one shell.
follow() {
	local output
	cat >"$dir/typed"
	if output=$(inside env PATH="$dir/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
		MAKEFLAGS="-s -j$(nproc) -- TESTS=tests/cli/usage.t check_PROGRAMS=$tools check_LIBRARIES=" \
		bash -ec "cd '$dir/source'; $(<"$dir/typed")" 2>&1 </dev/null); then
		ok "$1"
	else
		not_ok "$1" "$(<"$dir/typed")" "$(tail -n 40 <<<"$output")"
		grep -hsA 8 '^not ok' "$dir"/source/tests/cli/*.log | sed 's/^/# /'
		tail -n 20 "$dir"/*.err 2>/dev/null | sed 's/^/# /'
		finish
	fi
	printf '%s\n' "$output" >"$dir/answer"
}

"$sandbox" up "$dir" owner=$$ || { not_ok 'the sandbox comes up'; finish; }
inside bash -ec '
mkdir /run/overlay
mount -t tmpfs overlay /run/overlay
for path in usr var/lib var/log; do
	mkdir -p "/run/overlay/$path/upper" "/run/overlay/$path/work"
	mount -t overlay overlay -o \
		"lowerdir=/$path,upperdir=/run/overlay/$path/upper,workdir=/run/overlay/$path/work" "/$path"
done
mount -t tmpfs -o mode=755 postfix /var/spool/postfix
mount -t tmpfs -o mode=755 postfix /var/lib/postfix
chown postfix: /var/lib/postfix
rm -f /var/log/mail.* /var/log/syslog' 2>/dev/null || skip_all 'needs overlay file systems'
check 'a copy of the tree' "$top/tests/copy" "$dir/source" bare

# --- the machine before

mkdir "$dir/bin"
cat >"$dir/bin/apt-get" <<'END'
#!/bin/bash
[[ $1 == install ]] || exit 1
shift
for package; do
	[[ $(dpkg-query -W -f '${Status}' "$package") == 'install ok installed' ]] || exit 1
	# As the package does, once it is there.
	[[ $package != rsyslog ]] || "${0%/*}/rsyslogd" -i /run/rsyslogd.pid || exit 1
done
END
# From a copy: where AppArmor has a profile for its path, it could not write there.
cp /usr/sbin/rsyslogd "$dir/bin/rsyslogd"
cat >"$dir/bin/systemctl" <<END
#!/bin/bash
unit=$unit
case \$* in
	daemon-reload) ;;
	'enable --now tlsladder' | 'start tlsladder')
		setting() {
			sed -n "s/^\$1=//p" \$unit
		}
		install -d -o "\$(setting User)" -g "\$(setting Group)" -m "\$(setting StateDirectoryMode)" \
			"/var/lib/\$(setting StateDirectory)" || exit
		umask "\$(setting UMask)"
		setsid setpriv --no-new-privs --reuid="\$(setting User)" --regid="\$(setting Group)" \
			--init-groups \$(setting ExecStart) </dev/null >$dir/daemon.out 2>$dir/daemon.err &
		echo \$! >/run/tlsladder.pid
		# Type=notify: it returns when the service is ready.
		for ((i = 0; i < 500; i++)); do
			! grep -q ' follows ' $dir/daemon.err || exit 0
			read -rt 0.02 <> <(:)
		done
		exit 1
		;;
	'disable --now tlsladder' | 'stop tlsladder')
		pid=\$(cat /run/tlsladder.pid)
		kill "\$pid" && timeout 20 tail -s 0.01 --pid="\$pid" -f /dev/null
		;;
	'restart tlsladder') "\$0" stop tlsladder && "\$0" start tlsladder ;;
	*) exit 1 ;;
esac
END
chmod +x "$dir/bin"/*

# As the package's questions leave it, for an "Internet Site".
inside bash -ec '
cat >/etc/postfix/main.cf <<END
compatibility_level = 3.6
smtpd_banner = \$myhostname ESMTP
biff = no
smtp_tls_CApath=/etc/ssl/certs
smtp_tls_security_level=may
smtp_tls_session_cache_database = btree:\${data_directory}/smtp_scache
myhostname = mail.sender.test
mydestination = sender.test, localhost
relayhost =
mynetworks = 127.0.0.0/8 [::1]/128
inet_interfaces = loopback-only
inet_protocols = all
END
cp /etc/postfix/master.cf.proto /etc/postfix/master.cf
touch -d "1 minute ago" /etc/postfix/*.cf
cat "$1" >>/etc/ssl/certs/ca-certificates.crt
rm -f /etc/resolv.conf
ln -s ../run/resolv.conf /etc/resolv.conf
echo "nameserver 192.0.2.53" >/run/resolv.conf
/usr/lib/postfix/configure-instance.sh - >/dev/null 2>&1 || true
postfix start' bash "$dir/ca.pem" >"$dir/postfix.out" 2>&1 ||
	{ not_ok 'Postfix starts' "$(<"$dir/postfix.out")"; finish; }
matches 'its smtp(8) is chrooted' "$(inside postconf -M smtp/unix)" 'smtp +unix +- +- +y '

# --- set up

is 'six steps' "$(awk '/^Set up/ { i = 1 } /^Upgrade/ { i = 0 } i && /^[0-9]\. / { n++ } END { print n }' "$readme")" 6
follow 'step 1: build, install' < <(step 1)
check 'the program is there' inside tlsladder --version
check 'its rules are there' inside tlsladder -c /etc/tlsladder/tlsladder.yaml rules
check 'its manual is there' inside test -e /usr/share/man/man8/tlsladder.8
follow 'step 2: the user' < <(step 2)
is 'the user has its groups' "$(inside id -nG tlsladder)" 'tlsladder adm postdrop'
follow 'step 3: the resolver' < <(step 3)
is 'smtp(8) has the same in its chroot' "$(inside cat /var/spool/postfix/etc/resolv.conf)" \
	"$(inside cat /etc/resolv.conf)"
follow 'step 4: the log' < <(step 4)
follow 'step 5: the service' < <(step 5)
check 'the unit is in place' inside test -e $unit
awaits 'the daemon makes the first map' 10 inside test -e /var/lib/tlsladder/tls_policy.db
step 6 | sed '/^postfix reload/,$d' >"$dir/step6"
follow 'step 6: Postfix' <"$dir/step6"
is 'nothing of it complains' "$(<"$dir/answer")" ''
# Postfix waits while a configuration file is younger than two seconds.
inside touch -d '1 minute ago' /etc/postfix/main.cf
follow 'step 6: doctor finds no fault' < <(step 6 | sed -n '/^postfix reload/,$p')
begun=$SECONDS
matches 'and no warning' "$(<"$dir/answer")" '0 faults, 0 warnings'

# --- the first mail

for domain in selfsigned.test dane-ok.test valid-ca.test; do
	inside sendmail -i -f sender@sender.test "user@$domain" <<<"Subject: $domain"
done
for domain in selfsigned.test dane-ok.test valid-ca.test; do
	awaits "$domain: its mail arrives" 60 grep -q "user@$domain	" "$dir/delivered.tsv"
done
comment "all $((SECONDS - begun)) s after the last step (wanted: 60 s)"
is 'tlsladder list: the entries' "$(inside tlsladder list | awk 'NR > 1 { print $1, $2 }')" \
	'dane-ok.test dane-only
selfsigned.test encrypt'
matches 'tlsladder explain: the story' "$(inside tlsladder explain selfsigned.test)" 'not-authentic'
check 'doctor is content' inside runuser -u tlsladder -- tlsladder doctor
follow 'a copy of the database' < <(grep -oE 'apt-get install sqlite3|runuser.*\.backup.*' "$readme")
check 'it can be opened' inside sqlite3 /var/lib/tlsladder/state.copy 'SELECT count(*) FROM destination'


# --- the copy put back

is 'an entry goes' "$(inside runuser -u tlsladder -- tlsladder unset selfsigned.test >/dev/null && inside tlsladder list | grep -c selfsigned)" 0
follow 'README: restore' < <(below 'To restore:')
is 'the entries are those of the copy' "$(inside tlsladder list | awk 'NR > 1 { print $1, $2 }')" \
	'dane-ok.test dane-only
selfsigned.test encrypt'
in_the_map() {
	[[ $(inside postmap -q "$1" "$(inside postconf -h default_database_type):/var/lib/tlsladder/tls_policy") == "$2" ]]
}
awaits 'and the map is made of them' 10 in_the_map selfsigned.test encrypt
check 'doctor is content with it' inside runuser -u tlsladder -- tlsladder doctor

# --- upgraded by hand, without the last line of step 1

echo '# mine' | inside tee -a /etc/tlsladder/tlsladder.yaml >/dev/null
before=$(inside cat /run/tlsladder.pid)
has 'README: what restarts it' "$(tr '\n' ' ' <"$readme")" 'step 1 without its last line and "systemctl restart tlsladder"'
follow 'README: upgrade' < <(step 1 | sed '$d'; echo 'systemctl restart tlsladder')
check 'another process serves' test "$(inside cat /run/tlsladder.pid)" != "$before"
is 'the configuration is as it was' "$(inside tail -n 1 /etc/tlsladder/tlsladder.yaml)" '# mine'
is 'the entries are kept' "$(inside tlsladder list | awk 'NR > 1 { print $1, $2 }')" \
	'dane-ok.test dane-only
selfsigned.test encrypt'
follow 'then doctor' <<<'runuser -u tlsladder -- tlsladder doctor'

# --- without systemd

inside env PATH="$dir/bin:/usr/sbin:/usr/bin:/sbin:/bin" systemctl stop tlsladder
below 'Without systemd, in place of step 5' >"$dir/supervised"
is 'two lines do without systemd' "$(wc -l <"$dir/supervised")" 2
: >"$dir/daemon.err"
inside bash -ec "$(<"$dir/supervised")" >"$dir/daemon.out" 2>"$dir/daemon.err" </dev/null 9>&- &
supervised=$!
awaits 'any supervisor starts it' 20 grep -q ' follows ' "$dir/daemon.err"
inside sendmail -i -f sender@sender.test user@hostile-cn.test <<<'Subject: hostile-cn.test'
awaits 'it decides' 60 grep -q 'user@hostile-cn.test	' "$dir/delivered.tsv"
pid=$(inside pgrep -xn tlsladder)
is 'it has the groups of its user' "$(inside awk '/^Groups:/ { print NF - 1 }' "/proc/$pid/status")" 3
inside kill -HUP "$pid"
awaits 'SIGHUP reads the configuration anew' 20 grep -q ' reloaded: ' "$dir/daemon.err"
inside kill -TERM "$pid"
wait $supervised
is 'SIGTERM ends it' "$?" 0
inside env PATH="$dir/bin:/usr/sbin:/usr/bin:/sbin:/bin" systemctl start tlsladder

# --- removed

follow 'all of it is removed' < <(removal)
is 'Postfix names no map that is gone' "$(inside postconf -h smtp_tls_policy_maps)" ''
is 'nothing is left' "$(inside sh -c 'command -v tlsladder; ls -d /etc/tlsladder /var/lib/tlsladder /usr/share/tlsladder/rules/* \
	/usr/share/man/man*/tlsladder* /etc/systemd/system/tlsladder* 2>/dev/null')" ''
check 'the user is gone' bash -c '! "$@"' bash nsenter -t "$(cut -d ' ' -f 1 "$dir/world/holder")" -m -- id tlsladder
inside touch -d '1 minute ago' /etc/postfix/main.cf
inside postfix reload 2>/dev/null
inside sendmail -i -f sender@sender.test user@plain.test <<<'Subject: after'
awaits 'mail flows' 20 grep -q 'user@plain.test	' "$dir/delivered.tsv"

# --- another prefix

inside bash -c "cd '$dir/source' && make -s sysconfdir=/elsewhere tlsladder" >/dev/null 2>&1
has 'what is built for other paths has them' "$(inside "$dir/source/tlsladder" --help)" /elsewhere/
finish
