#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# examples/mailcow, typed command by command as its README has them, beside a real MariaDB and a
# Postfix as mailcow has it: its table, its query by proxymap(8), the level dane, and mailboxes that
# enforce TLS. What stands for Docker runs the commands as they are.
. "$(dirname -- "$0")/lib.sh"

[[ -x $builddir/tlsladder-mariadb ]] || skip_all 'built without libmariadb'
command -v mariadbd >/dev/null || skip_all 'needs mariadb-server'
[[ -e /usr/lib/postfix/postfix-mysql.so ]] || skip_all 'needs postfix-mysql'
example=$(cd -- "$here/../../examples/mailcow" && pwd)

"$sandbox" up "$dir" owner=$$ || { not_ok 'the sandbox comes up'; finish; }
. "$here/mailcow.sh"

# --- mailcow

cow=/opt/mailcow-dockerized
query=/opt/postfix/conf/sql/mysql_tls_policy_override_maps.cf
inside mount -t tmpfs none /opt
start_db --bind-address=127.0.0.1 --port=13306
make_mailcow
mailcow_query "$dir/query.cf"
inside mkdir -p "$cow/data/conf/postfix" "${query%/*}"
inside cp -p "$dir/query.cf" "$query"
printf '%s\n' 'DBNAME=mailcow' 'DBROOT=root' 'SQL_PORT=127.0.0.1:13306' 'TZ=Etc/UTC' |
	inside tee "$cow/mailcow.conf" >/dev/null
inside groupadd --system docker
sender strict default=yes smtp_tls_security_level=dane smtputf8_enable=no "smtp_tls_policy_maps=proxy:mysql:$query" \
	"proxy_read_maps=proxy:mysql:$query" \
	'sender_dependent_default_transport_maps=inline:{enforced@sender.test=smtp_enforced_tls:}'
cat >>"$dir/strict/config/master.cf" <<END
smtp_enforced_tls unix - - n - - smtp
    -o smtp_tls_security_level=encrypt
    -o syslog_name=enforced-tls-smtp
    -o smtp_delivery_status_filter=regexp:$dir/dsn_filter
END
echo '/^4(\.7\.[0-9]+ .*TLS.*)/ 5$1' >"$dir/dsn_filter"
set_postfix strict smtp_tls_loglevel=1
chmod 644 "$dir/strict/mail.log" # Docker reads it as root
# His rows, one of each kind.
db "INSERT INTO tls_policy_override (dest, policy, parameters, active) VALUES ('expired-cert.test', 'encrypt', '', 1),
	('his-off.test', 'may', '', 0), ('.parent.test', 'secure', 'match=mx.parent.test', 1)"
his_rows() {
	db "SELECT id, dest, policy, parameters, active, created, modified FROM tls_policy_override
		WHERE dest IN ('expired-cert.test', 'his-off.test', '.parent.test') ORDER BY id"
}
his=$(his_rows)

# --- what is typed

mkdir "$dir/bin" "$dir/state"
cat >"$dir/bin/docker" <<END
#!/bin/bash
# Stands for Docker: its containers are this machine.
postfix=mailcowdockerized-postfix-mailcow-1
case "\$*" in
	"exec -i \$postfix "*) exec "\${@:4}" ;;
	"exec -i -e MYSQL_PWD=root mailcowdockerized-mysql-mailcow-1 mysql -uroot")
		exec mariadb --no-defaults --socket=$dir/db/s -uroot ;;
	"logs --follow --since 24h \$postfix") exec tail -n +1 -F $dir/strict/mail.log ;;
	"logs \$postfix") exec cat $dir/strict/mail.log ;;
	"restart \$postfix")
		cat $cow/data/conf/postfix/extra.cf >>$dir/strict/config/main.cf
		touch -d '1 minute ago' $dir/strict/config/main.cf
		kill -HUP "\$(tr -d ' ' <$dir/strict/queue/pid/master.pid)" ;;
	*) echo "docker: \$*: is not known here" >&2; exit 1 ;;
esac
END
# The unit's command, as its user.
cat >"$dir/bin/systemctl" <<END
#!/bin/bash
case "\$*" in
	daemon-reload) ;;
	'enable --now tlsladder-mailcow')
		line=\$(sed -n 's/^ExecStart=//p' /etc/systemd/system/tlsladder-mailcow.service)
		chown -R tlsladder: $dir/state
		setsid setpriv --reuid=tlsladder --regid=tlsladder --init-groups sh -c "exec \$line" \\
			</dev/null >>$dir/daemon.out 2>>$dir/daemon.err &
		echo \$! >$dir/unit.pid ;;
	'disable --now tlsladder-mailcow') kill -TERM "\$(<$dir/unit.pid)" ;;
	*) echo "systemctl: \$*" >&2; exit 1 ;;
esac
END
printf '#!/bin/sh\nexec %s -c /etc/tlsladder/tlsladder.yaml "$@"\n' "$program" >"$dir/bin/tlsladder"
chmod 755 "$dir"/bin/*
inside mount -t overlay overlay -o "lowerdir=$dir/bin:/usr/bin" /usr/bin || skip_all 'needs overlayfs'

# step BEGIN: the commands below the paragraph of README that begins so.
step() {
	awk -v begin="$1" '
		/^       [^ ]/ || /^           / { if (on) print substr($0, 8); next }
		/^[^ ]/ { on = index($0, begin) == 1 }' "$example/README"
}
# typed BEGIN: they are typed, in the directory of the example.
typed() {
	step "$1" >"$dir/typed"
	(cd "$example" && inside bash -e -o pipefail "$dir/typed") >"$dir/typed.out" 2>"$dir/typed.err" ||
		{ not_ok "README: $1" "$(cat "$dir/typed" "$dir/typed.out" "$dir/typed.err")"; finish; }
	ok "README: $1 ($(grep -vc '^ ' "$dir/typed") commands)"
}
ladder() {
	inside runuser -u tlsladder -- tlsladder "$@"
}
runs() {
	await 20 started "$1" >/dev/null
}

typed 1.
typed 2.
is 'the login file is for tlsladder alone' "$(inside stat -c '%U:%G %a' /etc/tlsladder/mailcow.cnf)" 'root:tlsladder 640'
matches 'its user may do what it must' "$(db 'SHOW GRANTS FOR tlsladder' '')" \
	'GRANT SELECT, INSERT, UPDATE \(.*\), DELETE ON .mailcow.\..tls_policy_override.'
typed 3.
# Of this machine, not of mailcow's.
yaml=/etc/tlsladder/tlsladder.yaml
inside sed -i -e "1i state: $dir/state/state.db\nrules: $rules/postfix.yaml" \
	-e "s,^  type: none.*,  type: none\n  file: $dir/state/tls_policy," -e '/^dns:/,/^$/d' \
	-e 's/^  lowest: encrypt/&\n  may_after: {attempts: 1, time: 0s}/' "$yaml"
typed 4.
check 'the daemon runs' runs 0
matches 'doctor says that the table answers' "$(<"$dir/typed.out")" 'the table of /etc/tlsladder/mailcow.cnf answers'
is 'doctor finds no fault' "$(ladder doctor --json | grep '"result":"fault"')" ''
typed 5.
has 'the forecast is one' "$(<"$dir/typed.out")" 'verify'
is 'the default level is strict' "$(inside postconf -h smtp_tls_security_level 2>/dev/null)" verify
sees_level() {
	ladder status | grep -qi 'default.*verify'
}
awaits 'and tlsladder knows it' 90 sees_level

# --- mail

arrives() {
	grep -q "user@$1	" "$dir/delivered.tsv"
}
tls_of() {
	arrived "user@$1" | sed 's/TLSv1.[23]/tls/'
}
send strict valid-ca.test selfsigned.test wrongname-cert.test dane-ok.test dane-bad.test expired-cert.test plain.test 2>"$dir/sendmail.err"
for domain in valid-ca.test selfsigned.test wrongname-cert.test dane-ok.test expired-cert.test; do
	awaits "$domain: mail flows" 60 arrives "$domain"
	is "$domain: with TLS" "$(tls_of "$domain")" "mx.$domain tls"
done
for pair in valid-ca.test: selfsigned.test:encrypt wrongname-cert.test:encrypt dane-ok.test:dane-only dane-bad.test:dane-only; do
	is_row() {
		[[ $(row "${pair%%:*}") == "${pair#*:}" ]]
	}
	awaits "${pair%%:*}: the row is '${pair#*:}', as the entry of a map would be" 60 is_row
done
is 'TLSA that are not met: mail waits' "$(tls_of dane-bad.test)" waits
plain_waits() {
	ladder explain plain.test | grep -q 'lowest'
}
awaits 'no STARTTLS, and users who enforce TLS: it waits, and explain says why' 90 plain_waits
is 'there is no row' "$(row plain.test)" ''

# --- mailboxes that enforce TLS

enforce() {
	inside sendmail -i -f enforced@sender.test -- "enforced@$1" <<<"Subject: enforced" 2>"$dir/sendmail.err"
}
enforced() {
	grep -q "enforced-tls-smtp/smtp.*to=<enforced@$1>.*status=$2" "$dir/strict/mail.log"
}
for domain in plain.test selfsigned.test wrongname-cert.test; do
	enforce "$domain"
done
awaits 'enforced: self-signed is encrypted, and sent' 30 enforced selfsigned.test sent
awaits 'enforced: so is another name' 30 enforced wrongname-cert.test sent
awaits 'enforced: without STARTTLS it is bounced' 60 enforced plain.test bounced
inside postqueue -f 2>/dev/null
settled_plain() {
	[[ $(grep -c 'to=<user@plain.test>.*status=deferred' "$dir/strict/mail.log") -ge 2 ]]
}
await 60 settled_plain >/dev/null
is 'nothing of it was ever in cleartext' "$(awk -F '\t' '$4 == "-"' "$dir/delivered.tsv")" ''
is 'its bounces are no reason for a row' "$(row plain.test)" ''

# --- his rows

is 'his rows are as he has them' "$(his_rows)" "$his"
db "UPDATE tls_policy_override SET policy = 'may', active = 0 WHERE dest = 'selfsigned.test';
	DELETE FROM tls_policy_override WHERE dest = 'wrongname-cert.test'"
ladder again selfsigned.test wrongname-cert.test >/dev/null
is 'ours that he edited is his' "$(row selfsigned.test)" 'may  0'
is 'ours that he deleted stays away' "$(row wrongname-cert.test)" ''

# --- the container's log ends, and is read anew

# What was counted of those of whom no mail waits.
tally() {
	sqlite3 -cmd '.timeout 5000' "$dir/state/state.db" "SELECT key, what, sum(count) FROM tally
		JOIN destination ON id = destination WHERE key IN ('valid-ca.test', 'selfsigned.test', 'dane-ok.test',
			'expired-cert.test') GROUP BY key, what ORDER BY key, what"
}
tail_pid() {
	inside pgrep -o -x tail
}
inside kill -TERM "$(tail_pid)"
is_over() {
	! inside test -d "/proc/$(<"$dir/unit.pid")"
}
awaits 'the daemon ends when the log does, and what was begun is done' 90 is_over
send strict dane-ta.test 2>"$dir/sendmail.err"
await 30 grep -q 'to=<user@dane-ta.test>' "$dir/strict/mail.log" >/dev/null
before=$(tally)
was=$(grep -c ' follows ' "$dir/daemon.err")
inside systemctl enable --now tlsladder-mailcow
check 'it is started anew, and reads all again' runs "$was"
awaits 'what was logged meanwhile is not lost' 60 has_row dane-ta.test
awaits 'and flows' 60 arrives dane-ta.test
is 'no line is counted twice' "$(tally)" "$before"
matches 'and all were counted' "$before" 'selfsigned.test.sent.2'

# --- cleartext, where no mailbox enforces TLS

inside sed -i 's/lowest: encrypt/lowest: may/' "$yaml"
inside pkill -HUP -x tlsladder
awaits 'lowest is read anew' 20 grep -q ': reloaded: ' "$dir/daemon.err"
inside postqueue -f 2>/dev/null # the next attempt
awaits 'with lowest: may there is a row' 90 has_row plain.test
awaits 'and mail flows' 60 arrives plain.test
is 'in cleartext' "$(tls_of plain.test)" 'mx.plain.test clear'

# --- removed

typed 'To remove it'
is 'rows of ours are gone, and his stay' "$(db 'SELECT dest FROM tls_policy_override ORDER BY dest' | tr '\n' ' ')" \
	'.parent.test expired-cert.test his-off.test selfsigned.test '
is 'to the letter' "$(his_rows)" "$his"
stop_db
finish
