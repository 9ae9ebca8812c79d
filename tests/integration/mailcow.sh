# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# mailcow's database, for tests of tables. To be sourced behind lib.sh, in a sandbox that is up.

# start_db [OPTION]...: MariaDB in $dir/db, with the socket $dir/db/s; the first time it is made.
# shellcheck disable=SC2120 # mailcow.t gives options
start_db() {
	if [[ ! -d $dir/db ]]; then
		mkdir "$dir/db"
		chown mysql: "$dir/db"
		chmod 755 "$dir/db"
		mariadb-install-db --no-defaults --datadir="$dir/db" --user=mysql --skip-test-db \
			--auth-root-authentication-method=normal --innodb-log-file-size=8M >"$dir/install.err" 2>&1 ||
			skip_all 'mariadb-install-db made no database'
		db_options=("${@:---skip-networking}")
	fi
	"$sandbox" exec "$dir" -- mariadbd --no-defaults --datadir="$dir/db" --socket="$dir/db/s" \
		--pid-file="$dir/db/pid" --user=mysql --innodb-buffer-pool-size=32M --innodb-log-file-size=8M \
		--skip-log-bin --skip-name-resolve "${db_options[@]}" >>"$dir/db.log" 2>&1 &
	await 60 db 'SELECT 1' '' >/dev/null || { not_ok 'MariaDB starts' "$(tail -n 5 "$dir/db.log")"; finish; }
}

db() {
	mariadb --no-defaults --socket="$dir/db/s" -uroot -N -B -e "$1" "${2-mailcow}"
}

stop_db() {
	db SHUTDOWN ''
	await 30 db_is_gone >/dev/null
}
db_is_gone() {
	! db 'SELECT 1' '' 2>/dev/null
}

# The table of mailcow, and who asks it for Postfix.
make_mailcow() {
	db "$(<"$here/../sql/mailcow.sql")
		CREATE USER postfix IDENTIFIED BY 'other';
		GRANT SELECT ON mailcow.tls_policy_override TO postfix" ''
}

# mailcow_query FILE: how Postfix asks. It holds a password, which nobody else may read.
mailcow_query() {
	cat >"$1" <<END
hosts = unix:$dir/db/s
user = postfix
password = other
dbname = mailcow
query = SELECT CONCAT(policy, ' ', parameters) FROM tls_policy_override WHERE active = '1' AND dest = '%s'
END
	chown root:postfix "$1"
	chmod 640 "$1"
}

# row KEY: level and parameters; a row that is not active has its number behind it.
row() {
	db "SELECT policy, parameters, active FROM tls_policy_override WHERE dest = '$1'" | tr '\t' ' ' | sed 's/ *1$//'
}
has_row() {
	[[ -n $(row "$1") ]]
}

# The database with its table, $dir/login of a tlsladder that may write there, and $dir/query.cf of Postfix.
start_mailcow() {
	start_db
	make_mailcow
	db "CREATE USER tlsladder IDENTIFIED BY 'secret';
		GRANT SELECT, INSERT, DELETE, UPDATE (policy, parameters, active)
			ON mailcow.tls_policy_override TO tlsladder" ''
	printf '%s\n' '[tlsladder]' "socket = $dir/db/s" 'user = tlsladder' 'password = secret' \
		'database = mailcow' >"$dir/login"
	chown nobody: "$dir/login"
	chmod 600 "$dir/login"
	mailcow_query "$dir/query.cf"
}
