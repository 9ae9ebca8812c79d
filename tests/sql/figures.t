#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What publish takes, beside real databases: 10,000 entries that are new, and that all change, until
# they were read back; and what the daemon holds at its start and at rest. It passes by the rows and
# by what is held; no time decides.
. "$(dirname -- "$0")/lib.sh"
program=$builddir/tlsladder
command -v sqlite3 >/dev/null || skip_all 'needs sqlite3'
! grep -qaE '__(asan|tsan|msan)_init' "$program" || skip_all 'a sanitizer has memory of its own'
limit_kb=$((12 * 1024)) # resident, at rest
: >"$dir/mail.log"

# Stands for Postfix: a daemon that cannot ask one is never at rest.
cat >"$dir/postfix" <<'END'
#!/bin/sh
[ "$1" = postconf ] && printf '%s\n' 'mail_version = 3.7.11' 'default_database_type = hash' \
	'default_transport = smtp' 'info_log_address_format = external' 'smtp_tls_loglevel = 1' \
	'smtp_tls_security_level = verify' 'smtp_host_lookup = dns'
exit 0
END
chmod 755 "$dir/postfix"

# configure DATABASE SCHEMA
configure() {
	cat >"$dir/tlsladder.yaml" <<END
log: {file: $dir/mail.log}
state: $dir/state.db
map: {file: $dir/map, type: none}
rules: $srcdir/rules/postfix.yaml
postfix: {command: [$dir/postfix], default_level: verify, retry: no}
dns: {resolver: [127.0.0.1@9], tries: 1}
publish: [{sql: $1, login: $login, schema: $2}]
END
}
state() {
	sqlite3 -separator ' ' -cmd '.timeout 5000' "$dir/state.db" "$1"
}
is_published() {
	echo >>"$dir/mail.log" # and the daemon looks whether another changed something
	[[ $(state "SELECT version = (SELECT value FROM counter WHERE name = 'map-version')
		FROM target WHERE name LIKE 'sql %'") == 1 ]]
}

# The database is written to, so that the daemon looks whether it has something to do.
resident() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status"
}
is_small() {
	state 'UPDATE counter SET value = value WHERE 0'
	echo >>"$dir/mail.log"
	[[ $(resident) -lt $limit_kb ]]
}

# takes SENTENCE BEGUN SECONDS
takes() {
	await 120 is_published >/dev/null
	comment "$1: $(((${EPOCHREALTIME/./} - $2) / 1000)) ms (wanted: $3 s)"
}

# measure DATABASE SCHEMA TABLE SECONDS
measure() {
	local begun
	rm -f "$dir"/state.db* "$dir"/map*
	configure "$1" "$2"
	"$program" -c "$dir/tlsladder.yaml" run </dev/null >>"$dir/daemon.err" 2>&1 &
	daemon=$!
	started+=("$daemon")
	await 20 is_published >/dev/null
	awaits "$1, $2: the daemon has less than 12 MiB at its start" 60 is_small
	comment "$1, $2: resident at its start: $(resident) kB"
	begun=${EPOCHREALTIME/./}
	state "BEGIN IMMEDIATE;
		INSERT INTO destination(key, entry, attributes, why, entry_why, force_ms, since_ms, lease_ms, lease_end_ms, map_version)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
			SELECT 'k' || i || '.test', 'encrypt', '', 'only-encrypt', 'only-encrypt', 9223372036854775807, 1, 604800000,
				9000000000000, 1 + (SELECT value FROM counter WHERE name = 'map-version') FROM n;
		UPDATE counter SET value = value + 1 WHERE name = 'map-version'; COMMIT"
	takes "$1, $2: 10,000 new entries" "$begun" "$4"
	is "$1, $2: they are rows" "$(says "SELECT COUNT(*) FROM $3 WHERE policy = 'encrypt'")" 10000
	begun=${EPOCHREALTIME/./}
	state "BEGIN IMMEDIATE; UPDATE counter SET value = value + 1 WHERE name = 'map-version';
		UPDATE destination SET entry = 'verify', map_version = (SELECT value FROM counter WHERE name = 'map-version');
		COMMIT"
	takes "$1, $2: 10,000 changes" "$begun" "$4"
	is "$1, $2: all of them are changed" "$(says "SELECT COUNT(*) FROM $3 WHERE policy = 'verify'")" 10000
	begun=${EPOCHREALTIME/./}
	state "BEGIN IMMEDIATE; UPDATE counter SET value = value + 1 WHERE name = 'map-version';
		UPDATE destination SET entry = 'encrypt', map_version = (SELECT value FROM counter WHERE name = 'map-version')
			WHERE key = 'k1.test'; COMMIT"
	takes "$1, $2: one change" "$begun" 1
	awaits "$1, $2: and when it rests again" 60 is_small
	comment "$1, $2: resident at rest: $(resident) kB"
	kill -TERM "$daemon"
	wait "$daemon"
	is "$1, $2: it ends" $? 0
}

tried=0
if [[ -x $builddir/tlsladder-mariadb ]] && command -v mariadbd >/dev/null; then
	tried=1
	start_mariadb db 3306
	make_mailcow
	login=$dir/mailcow.login
	write_login "$login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = mailcow'
	says() {
		sql "$1"
	}
	measure mariadb mailcow tls_policy_override 3
	mariadb_says 'CREATE DATABASE own'
	mariadb_database=own
	says "$("$program" -c "$dir/tlsladder.yaml" schema mariadb)
		GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder;
		GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder"
	login=$dir/mariadb.login
	write_login "$login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = own'
	measure mariadb own tlsladder_policy 3
	kill -TERM "${server[db]}"
	wait "${server[db]}"
fi
if [[ -x $builddir/tlsladder-pgsql && -n $pgsql_programs ]]; then
	tried=1
	start_pgsql pg 5432
	pgsql_says "CREATE USER tlsladder PASSWORD 'secret'"
	says() {
		pgsql_says "$1"
	}
	says "$("$program" -c "$dir/tlsladder.yaml" schema postgresql)
		GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder;
		GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder"
	login=$dir/pgsql.login
	write_login "$login" "host = $pgsql_socket" "port = $pgsql_port" 'user = tlsladder' 'dbname = postgres'
	measure postgresql own tlsladder_policy 5
fi
[[ $tried -gt 0 ]] || skip_all 'there is no database with its helper'
finish
