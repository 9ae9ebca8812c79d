#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tlsladder-mariadb and a table of our own, with the lease of several writers.
. "$(dirname -- "$0")/lib.sh"
. "$here/own.sh"
helper=$builddir/tlsladder-mariadb
[[ -x $helper ]] || skip_all 'built without libmariadb'
command -v mariadbd >/dev/null || skip_all 'needs mariadb-server'

start_mariadb db 3306
mariadb_database=ladder
mariadb_says "CREATE DATABASE ladder CHARACTER SET utf8mb4; CREATE USER tlsladder IDENTIFIED BY 'secret'"
helper "$dir/none" own schema
is 'the schema is printed without a login file' "$status" 0
check '... and makes the tables' sql "$out"
sql 'GRANT SELECT, INSERT, DELETE, UPDATE (policy, parameters) ON tlsladder_policy TO tlsladder;
	GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder'
login=$dir/login
write_login "$login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = ladder'

table=own
waits() {
	await 20 sql_is "SELECT COUNT(*) > 0 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'" 1
}

own_rows
# Postfix 3.7 asks in LATIN1, later ones in UTF-8.
for set in latin1 utf8mb4; do
	asked=$(mariadb --no-defaults --default-character-set=$set --socket="$mariadb_socket" -uroot -N -B ladder \
		-e "SELECT CONCAT(policy, ' ', parameters) FROM tlsladder_policy WHERE dest = LOWER('bücher.test')" 2>&1)
	is "a question for a letter beyond ASCII ($set) is no error" "$?$asked" 0
done
check 'a name with capitals is refused by the table' test -z "$(his A.test may '' 2>/dev/null)$(row A.test)"
session his mariadb --no-defaults --socket="$mariadb_socket" -uroot -N -B -n -f ladder
lock_waits() { mariadb_lock_waits; }
own_waits 1
lease_rows
end_session his

# CHECK and ENUM are the table's; that key alone is left out.
sql "ALTER TABLE tlsladder_policy ADD CONSTRAINT short CHECK (LENGTH(parameters) < 10)"
ask 'want a.test secure match=a.long.name' 'want b.test may -'
matches 'what a CHECK forbids is refused, and that key alone (4025)' "$status $out" '^0 refused a.test .*4025.*ours b.test '
sql "ALTER TABLE tlsladder_policy DROP CONSTRAINT short, MODIFY policy ENUM('may', 'encrypt') NOT NULL"
ask 'want a.test secure -' 'want c.test may -'
matches 'a level that the table does not know, too (1265)' "$status $out" '^0 refused a.test .*1265.*ours c.test '
sql "ALTER TABLE tlsladder_policy MODIFY policy ENUM('may', 'encrypt', 'dane-only', 'secure') NOT NULL"

own_speed MariaDB 3
finish
