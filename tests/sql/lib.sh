# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# The helpers for SQL tables beside real servers, which are started here, on a socket in a
# directory of their own and on a loopback port. To be sourced by bash, by root, with srcdir and
# builddir in the environment. Everything runs in a network and with mounts of its own: nothing
# listens elsewhere.
set -uo pipefail

[[ $EUID -eq 0 ]] || {
	echo '1..0 # SKIP needs root'
	exit 0
}
if [[ ${SQL_NETWORK-} != own ]]; then
	SQL_NETWORK=own exec unshare --net --mount -- "$BASH" "$0" "$@"
fi
ip link set lo up
ip address add 192.0.2.1/32 dev lo

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
srcdir=$(cd -- "${srcdir:-$here/../..}" && pwd)
builddir=$(cd -- "${builddir:-.}" && pwd)
export LC_ALL=C.UTF-8 TZ=UTC

. "$here/../tap.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/ladder.XXXXXX") || exit 1
chmod 755 "$dir"
started=() # processes that end with the test
postgres=() # the same; they give their shared memory back
end_all() {
	local pid
	for pid in "${postgres[@]}"; do
		kill -CONT "$pid" 2>/dev/null && kill -QUIT "$pid" && await 10 is_gone "$pid" >/dev/null
	done
	# What hangs hears nothing but this.
	for pid in "${started[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf -- "$dir"
}
is_gone() {
	! kill -0 "$1" 2>/dev/null
}
trap end_all EXIT
trap 'exit 143' TERM INT HUP

comment() {
	printf '# %s\n' "$@"
}

# bail SENTENCE LOG: what is there does not work.
bail() {
	tail -n 30 "$2" | sed 's/^/# /'
	echo "Bail out! $1"
	exit 1
}

# The last line of every test.
finish() {
	if [[ $failed -gt 0 ]]; then
		tail -n 20 "$dir"/db*.log 2>/dev/null | sed 's/^/# /'
	fi
	echo "1..$number"
	[[ $failed -eq 0 ]]
	exit
}

# --- the helper

# helper LOGIN TABLE [LINE]...: one run with those lines as its request, and "end"; fields are
# written with blanks, which become tabs, and a blank within one as "~". Sets out, with its tabs
# as blanks, err and status.
helper() {
	local login=$1 table=$2
	shift 2
	{
		[[ $# -eq 0 ]] || printf '%s\n' "$@" | tr ' ~' '\t '
		echo end
	} >"$dir/request"
	"$helper" "$login" "$table" <"$dir/request" >"$dir/out" 2>"$dir/err"
	status=$?
	out=$(tr '\t' ' ' <"$dir/out")
	err=$(<"$dir/err")
}

# begin_helper NAME LOGIN TABLE [LINE]...: the same in the background; its process id is in
# asked_pid. end_helper NAME sets out and status.
begin_helper() {
	local name=$1 login=$2 table=$3
	shift 3
	{
		printf '%s\n' "$@" | tr ' ~' '\t '
		echo end
	} >"$dir/$name.request"
	"$helper" "$login" "$table" <"$dir/$name.request" >"$dir/$name.out" 2>"$dir/$name.err" &
	asked_pid=$!
	asked[$name]=$asked_pid
	started+=("$asked_pid")
}
declare -A asked

end_helper() {
	wait "${asked[$1]}"
	status=$?
	out=$(tr '\t' ' ' <"$dir/$1.out")
}

# answers SENTENCE ANSWER STATUS: of what was run; of a failure the text is left out.
answers() {
	is "$1" "$status $(sed -E 's/^((failed|unsure) [^ ]+) .*/\1/; s/^(refused [^ ]+) .*/\1/' <<<"$out")" "$3 $2"
}

# --- MariaDB

# A server of the name NAME in $dir/NAME, with the socket $dir/NAME/s and the port PORT.
# start_mariadb NAME PORT [OPTION]...; the first makes the tables that all others copy.
declare -A server
start_mariadb() {
	local name=$1 port=$2
	shift 2
	if [[ ! -d $dir/mariadb.new ]]; then
		mkdir "$dir/mariadb.new"
		chown mysql: "$dir/mariadb.new"
		mariadb-install-db --no-defaults --datadir="$dir/mariadb.new" --user=mysql --skip-test-db \
			--auth-root-authentication-method=normal --innodb-log-file-size=8M --innodb-use-native-aio=0 \
			>"$dir/install.log" 2>&1 || bail 'mariadb-install-db made no database' "$dir/install.log"
	fi
	[[ -d $dir/$name ]] || cp -a "$dir/mariadb.new" "$dir/$name"
	# By io_uring, what a server began that is killed may be written after another one begins.
	mariadbd --no-defaults --datadir="$dir/$name" --socket="$dir/$name/s" --port="$port" \
		--innodb-use-native-aio=0 \
		--pid-file="$dir/$name/pid" --user=mysql --innodb-buffer-pool-size=32M \
		--innodb-log-file-size=8M --skip-log-bin --skip-name-resolve "$@" \
		>>"$dir/$name.log" 2>&1 &
	server[$name]=$!
	started+=("$!")
	mariadb_socket=$dir/$name/s
	await 60 mariadb_says 'SELECT 1' >/dev/null || bail 'MariaDB does not start' "$dir/$name.log"
}

# mariadb_says SQL: as root, over the socket of mariadb_socket; without headings.
mariadb_says() {
	mariadb --no-defaults --socket="$mariadb_socket" -uroot -N -B -e "$1"
}

# So many locks were waited for by now; to ask without waiting is not counted.
mariadb_lock_waits() {
	mariadb_says "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'" | cut -f 2
}

# --- PostgreSQL

pgsql_programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)

as_postgres=(env -C / setpriv --reuid=postgres --regid=postgres --clear-groups --)

# start_pgsql NAME PORT [LINE OF postgresql.conf]...: the directory of its socket is $dir/NAME.s.
start_pgsql() {
	local name=$1 port=$2
	shift 2
	if [[ ! -d $dir/$name ]]; then
		mkdir "$dir/$name" "$dir/$name.s"
		chown postgres: "$dir/$name" "$dir/$name.s"
		"${as_postgres[@]}" "$pgsql_programs/initdb" -D "$dir/$name" -A trust -E UTF8 --locale=C.UTF-8 \
			>"$dir/initdb.log" 2>&1 || bail 'initdb made no database' "$dir/initdb.log"
		printf '%s\n' "unix_socket_directories = '$dir/$name.s'" 'shared_buffers = 16MB' \
			"listen_addresses = '127.0.0.1'" 'max_connections = 40' >>"$dir/$name/postgresql.conf"
	fi
	printf '%s\n' "port = $port" "$@" >>"$dir/$name/postgresql.conf"
	"${as_postgres[@]}" "$pgsql_programs/postgres" -D "$dir/$name" >>"$dir/$name.log" 2>&1 &
	server[$name]=$!
	started+=("$!")
	postgres+=("$!")
	pgsql_socket=$dir/$name.s pgsql_port=$port
	await 60 pgsql_says 'SELECT 1' >/dev/null || bail 'PostgreSQL does not start' "$dir/$name.log"
}

# pgsql_says SQL: as the superuser; without headings.
pgsql_says() {
	"$pgsql_programs/psql" -X -q -A -t -F ' ' -v ON_ERROR_STOP=1 -h "$pgsql_socket" -p "$pgsql_port" \
		-U postgres -c "$1" "${pgsql_database:-postgres}"
}

# --- a session of somebody else

# session NAME COMMAND...: a client that reads statements from say and stays; what it prints is in
# $dir/NAME.said. say NAME SQL does not wait; said NAME TEXT does.
declare -A session_fd
session() {
	local name=$1 fd
	shift
	mkfifo "$dir/$name.fifo"
	"$@" <"$dir/$name.fifo" >"$dir/$name.said" 2>&1 &
	started+=("$!")
	exec {fd}>"$dir/$name.fifo"
	session_fd[$name]=$fd
}

say() {
	printf '%s\n' "$2" >&"${session_fd[$1]}"
}

# does NAME SQL: and waits until it is done.
does_count=0
does() {
	does_count=$((does_count + 1))
	say "$1" "$2;"
	say "$1" "SELECT 'did $does_count';"
	await 20 grep -q "did $does_count" "$dir/$1.said"
}

end_session() {
	local fd=${session_fd[$1]}
	exec {fd}>&-
}

# raced SENTENCE REGEX CLEAN BEGIN END LINE...: the session his says BEGIN, the helper waits for
# that lock, and he says END. What it answers, behind its status, matches. It waits for 2 s alone:
# where this machine took longer it is tried anew, after the statement CLEAN.
raced() {
	local sentence=$1 regex=$2 clean=$3 begin_sql=$4 end_sql=$5 n
	shift 5
	for n in 1 2 3 4 5; do
		does his "$begin_sql"
		begin_helper one "$login" "$table" "$@"
		waits
		does his "$end_sql"
		end_helper one
		[[ ! "$status $out" =~ $regex && $n -lt 5 ]] || break
		does his ROLLBACK
		sql "$clean"
	done
	matches "$sentence" "$status $out" "$regex"
}

# --- the tables

# sql SQL: in the database of the tables, as its administrator.
sql() {
	mariadb --no-defaults --socket="$mariadb_socket" -uroot -N -B -e "$1" "${mariadb_database:-mailcow}"
}

# The table of mailcow, and the rights that tlsladder needs there.
make_mailcow() {
	mariadb_says "$(<"$srcdir/tests/sql/mailcow.sql")
		CREATE USER tlsladder IDENTIFIED BY 'secret';
		GRANT SELECT, INSERT, DELETE, UPDATE (policy, parameters, active)
			ON mailcow.tls_policy_override TO tlsladder"
}

# write_login FILE [LINE]...
write_login() {
	local file=$1
	shift
	printf '%s\n' '[tlsladder]' "$@" >"$file"
	chmod 600 "$file"
}

# --- what it takes

# ten_thousand SENTENCE TABLE FORMAT SECONDS [LINE]...: the lines, or 10,000 that printf makes of
# FORMAT, in batches of 500. The time is printed; nothing passes or fails by it.
ten_thousand() {
	local sentence=$1 table=$2 format=$3 seconds=$4 batch=0 status=0 begun lines
	shift 4
	lines=("$@")
	[[ $# -gt 0 ]] || mapfile -t lines < <(printf "$format\n" {1..10000})
	while [[ $((batch * 500)) -lt ${#lines[@]} ]]; do
		{
			printf '%s\n' "${lines[@]:batch * 500:500}" | tr ' ~' '\t '
			echo end
		} >"$dir/batch.$batch"
		batch=$((batch + 1))
	done
	begun=${EPOCHREALTIME/./}
	for ((batch = 0; batch * 500 < ${#lines[@]}; batch++)); do
		"$helper" "$login" "$table" <"$dir/batch.$batch" >"$dir/batch.out" || status=$?
		[[ $(grep -c '^ours' "$dir/batch.out") -eq 500 ]] || status=1
	done
	comment "$sentence: $(((${EPOCHREALTIME/./} - begun) / 1000)) ms, in $batch batches (wanted: $seconds s)"
	is "$sentence: all of it is done" "$status" 0
}

# --- who is who

# run_helper [ARGUMENT]...: with no request.
run_helper() {
	"$helper" "$@" </dev/null >"$dir/out" 2>"$dir/err"
	status=$?
	out=$(<"$dir/out")
}

# rogue KIND PORT: rogue.py there; $dir/KIND.seen has what it is told.
rogue() {
	/usr/bin/python3 -ISB "$here/rogue.py" "$1" "$2" "$dir/$1.seen" 2>"$dir/$1.err" &
	started+=("$!")
	await 20 grep -q ready "$dir/$1.seen" >/dev/null
}

# certificates PREFIX: an authority, PREFIX.ca, and of it a certificate and key of db.test. $dir/hosts
# has its address, that of other.test as well.
certificates() {
	printf '127.0.0.1 localhost\n192.0.2.1 db.test other.test\n' >"$dir/hosts"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=authority ${1##*/}" \
		-keyout "$1.ca.key" -out "$1.ca" 2>"$dir/openssl.err" &&
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=db.test \
			-keyout "$1.key" -out "$1.csr" 2>>"$dir/openssl.err" &&
		openssl x509 -req -in "$1.csr" -CA "$1.ca" -CAkey "$1.ca.key" -CAcreateserial -days 30 \
			-extfile <(echo subjectAltName=DNS:db.test) -out "$1.crt" 2>>"$dir/openssl.err" ||
		skip_all 'openssl made no certificates'
	chmod 644 "$1.ca" "$1.crt"
	chmod 600 "$1.key"
	if id mysql >/dev/null 2>&1; then chown mysql: "$1.key"; fi
}

# start_own_mariadb LOGIN: one with a database "own" that has no table, and the login of its user.
start_own_mariadb() {
	start_mariadb db 3306
	mariadb_says "CREATE DATABASE own; CREATE USER tlsladder IDENTIFIED BY 'secret'"
	mariadb_database=own
	says() {
		sql "$1"
	}
	write_login "$1" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = own'
}
