# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Two tlsladders, a and b, with one table of our own. To be sourced behind lib.sh, with program;
# says SQL is the administrator of the table.

ladder() {
	local node=$1
	shift
	out=$("$program" -c "$dir/$node.yaml" "$@" 2>&1)
	status=$?
}

declare -A daemon
begin() {
	"$program" -c "$dir/$1.yaml" run </dev/null >>"$dir/$1.err" 2>&1 &
	daemon[$1]=$!
	started+=("$!")
}

end() {
	kill "-$2" "${daemon[$1]}" 2>/dev/null
	wait "${daemon[$1]}" 2>/dev/null
}

# said NODE TEXT: since it said so last.
said() {
	grep -q -- "$2" "$dir/$1.err"
}

state() {
	sqlite3 -separator ' ' -cmd '.timeout 5000' "$dir/$1.d/state.db" "$2"
}

entries() {
	state "$1" "SELECT key, trim(entry || ' ' || attributes) FROM destination WHERE entry <> 'none' ORDER BY key"
}

# In code points, as sqlite3 sorts.
rows() {
	says 'SELECT dest, policy, parameters FROM tlsladder_policy' | tr '\t' ' ' | sed 's/ *$//' | LC_ALL=C sort
}

# What the ladder of that node decides, at once: the entry of some destinations.
decide() {
	local node=$1 pair sql=''
	shift
	for pair; do
		sql+="INSERT OR IGNORE INTO destination(key) VALUES ('${pair%=*}');
			UPDATE destination SET entry = '${pair#*=}', map_version =
			(SELECT value FROM counter WHERE name = 'map-version') WHERE key = '${pair%=*}';"
	done
	state "$node" "BEGIN IMMEDIATE; UPDATE counter SET value = value + 1 WHERE name = 'map-version'; $sql COMMIT"
}

holder() {
	says 'SELECT holder FROM tlsladder_lease'
}

# two_begin DATABASE: with no state, their configurations and the empty tables.
two_begin() {
	local name=$1 node
	for node in a b; do
		rm -rf "$dir/$node".*
		mkdir -p "$dir/$node.d"
		cat >"$dir/$node.yaml" <<END
log: {file: $dir/mail.log}
state: $dir/$node.d/state.db
map: {file: $dir/$node.d/map, type: none}
rules: $srcdir/rules/postfix.yaml
postfix: {config_directory: /nonexistent, default_level: verify, retry: no}
publish: [{sql: $name, login: $dir/login, schema: own}]
END
	done
	says 'DROP TABLE IF EXISTS tlsladder_policy, tlsladder_lease' >/dev/null 2>&1
	ladder a schema "$name"
	says "$out" >/dev/null
	says 'GRANT SELECT, INSERT, UPDATE, DELETE ON tlsladder_policy TO tlsladder' >/dev/null
	says 'GRANT SELECT, INSERT, UPDATE ON tlsladder_lease TO tlsladder' >/dev/null
}
