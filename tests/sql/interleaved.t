#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mailcow's table, 10,000 destinations, and two who change it at once, at random: the administrator
# his rows and ours, tlsladder its entries. The database itself notes who wrote each row last:
# nothing of his is ever changed or taken away.
# INTERLEAVED_SEED (1) can be set.
. "$(dirname -- "$0")/lib.sh"
program=$builddir/tlsladder
helper=$builddir/tlsladder-mariadb
[[ -x $helper ]] || skip_all 'built without libmariadb'
command -v mariadbd >/dev/null || skip_all 'needs mariadb-server'
command -v sqlite3 >/dev/null || skip_all 'needs sqlite3'

seed=${INTERLEAVED_SEED:-1}
rounds=19 # so that more than 10,000 changes meet
count=10000
comment "$count destinations, $rounds rounds, seed $seed"

start_mariadb db 3306
make_mailcow
login=$dir/login
write_login "$login" "socket = $mariadb_socket" 'user = tlsladder' 'password = secret' 'database = mailcow'
cat >"$dir/tlsladder.yaml" <<END
state: $dir/state.db
map: {file: $dir/map, type: none}
rules: $srcdir/rules/postfix.yaml
postfix: {config_directory: /nonexistent, default_level: verify}
publish: [{sql: mariadb, login: $login, schema: mailcow}]
END

ladder() {
	"$program" -c "$dir/tlsladder.yaml" "$@" >"$dir/out" 2>"$dir/err"
	status=$?
	err=$(<"$dir/err")
}

# --- who wrote a row last

# A change that leaves all as it was is none, as MariaDB has it (modified stays).
mariadb --no-defaults --socket="$mariadb_socket" -uroot mailcow <<'SQL'
CREATE USER admin IDENTIFIED BY 'his';
GRANT ALL ON mailcow.* TO admin;
CREATE TABLE writer (id INT PRIMARY KEY, who VARCHAR(32) NOT NULL) ENGINE = InnoDB;
CREATE TABLE foul (dest VARCHAR(255), what VARCHAR(32)) ENGINE = InnoDB;
CREATE TABLE tally (who VARCHAR(32), what VARCHAR(32), n INT, PRIMARY KEY (who, what)) ENGINE = InnoDB;
DELIMITER //
CREATE TRIGGER made AFTER INSERT ON tls_policy_override FOR EACH ROW
BEGIN
	INSERT INTO writer VALUES (NEW.id, SUBSTRING_INDEX(USER(), '@', 1));
END//
CREATE TRIGGER changed AFTER UPDATE ON tls_policy_override FOR EACH ROW
BEGIN
	DECLARE me VARCHAR(32) DEFAULT SUBSTRING_INDEX(USER(), '@', 1);
	IF me = 'tlsladder' AND EXISTS (SELECT 1 FROM writer WHERE id = OLD.id AND who <> me) THEN
		INSERT INTO foul VALUES (OLD.dest, CONCAT(OLD.policy, ' to ', NEW.policy));
	END IF;
	IF NOT (OLD.policy <=> NEW.policy AND OLD.parameters <=> NEW.parameters AND OLD.active <=> NEW.active
		AND BINARY OLD.dest = NEW.dest) THEN
		UPDATE writer SET who = me WHERE id = OLD.id;
	END IF;
END//
CREATE TRIGGER dropped AFTER DELETE ON tls_policy_override FOR EACH ROW
BEGIN
	DECLARE me VARCHAR(32) DEFAULT SUBSTRING_INDEX(USER(), '@', 1);
	IF me = 'tlsladder' AND EXISTS (SELECT 1 FROM writer WHERE id = OLD.id AND who <> me) THEN
		INSERT INTO foul VALUES (OLD.dest, CONCAT(OLD.policy, ' dropped'));
	END IF;
	DELETE FROM writer WHERE id = OLD.id;
END//
DELIMITER ;
SQL

# --- the game

# Both are made beforehand: what either does in round N is in $dir/N.ours (set --from), $dir/N.gone
# (unset) and $dir/N.his (SQL, a transaction a line).
/usr/bin/python3 -ISB - "$seed" "$rounds" "$count" "$dir" <<'END'
import random, sys
seed, rounds, count = (int(a) for a in sys.argv[1:4])
draw = random.Random(seed)
keys = ["k%d.test" % i for i in range(count)]
# Mailboxes may enforce TLS: what is below the table's lowest, encrypt, is no row.
entries = ["may", "encrypt", "verify", "secure", "secure match=mx.a.test", "dane-only"]
known = set()
both = edits = 0
for r in range(rounds):
    # Few changes go one by one, many have all compared.
    some = draw.sample(keys, draw.choice([300, 900, 5000, count]))
    gone = draw.sample(sorted(known), min(len(known), draw.choice([0, 100, 2000])))
    some = [k for k in some if k not in set(gone)]
    known |= set(some)
    known -= set(gone)
    with open("%s/%d.ours" % (sys.argv[4], r), "w") as f:
        f.writelines("%s %s\n" % (k, draw.choice(entries)) for k in some)
    with open("%s/%d.gone" % (sys.argv[4], r), "w") as f:
        f.write(" ".join(gone))
    # A stamp has whole seconds: a row that he changes twice within one may look as it did. So he
    # touches no row twice in a round, which takes longer than that.
    his = draw.sample(keys, draw.choice([500, 2000]))
    edits += len(his)
    both += len(set(his) & (set(some) | set(gone)))
    with open("%s/%d.his" % (sys.argv[4], r), "w") as f:
        while his:
            part, his = his[:20], his[20:]
            f.write("DO SLEEP(%.3f);\n" % draw.uniform(0, 0.06))
            names = ",".join("'%s'" % k for k in part)
            policy = draw.choice(["none", "may", "encrypt", "verify", "secure"])
            what = draw.randrange(5)
            if what == 0:
                f.write("DELETE FROM tls_policy_override WHERE dest IN (%s);\n" % names)
            elif what == 1:
                f.write("UPDATE tls_policy_override SET active = 1 - active WHERE dest IN (%s);\n" % names)
            elif what == 2:
                f.write("UPDATE tls_policy_override SET policy = '%s' WHERE dest IN (%s);\n" % (policy, names))
            elif what == 3:
                f.write("UPDATE tls_policy_override SET parameters = 'match=his.test' WHERE dest IN (%s);\n" % names)
            else:
                f.write("INSERT IGNORE INTO tls_policy_override (dest, policy, active) VALUES %s;\n"
                    % ",".join("('%s', '%s', %d)" % (k, policy, draw.randrange(4) > 0) for k in part))
print("# %d edits of his, %d of them of a row that we change in the same seconds" % (edits, both))
END

# His statements come all the while.
he_plays() {
	mariadb --no-defaults --socket="$mariadb_socket" -uadmin -phis --force mailcow <"$1" 2>>"$dir/his.err"
}

busy=0
failures=0
for ((round = 0; round < rounds; round++)); do
	begun=$SECONDS began=${EPOCHREALTIME/./}
	he_plays "$dir/$round.his" &
	his=$!
	ladder set --from "$dir/$round.ours"
	[[ $status -eq 0 || $err == *'locked by others'* ]] || {
		failures=$((failures + 1))
		comment "set: $status $err" | head -n 5
	}
	[[ $status -eq 0 ]] || busy=$((busy + 1))
	if [[ -s $dir/$round.gone ]]; then
		# shellcheck disable=SC2046
		ladder unset $(<"$dir/$round.gone")
		[[ $status -eq 0 || $err == *'locked by others'* ]] || failures=$((failures + 1))
	fi
	comment "round $round: $(wc -l <"$dir/$round.ours") set in $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
	wait "$his"
	[[ $((SECONDS - begun)) -ge 2 ]] || await 3 test "$SECONDS" -ge $((begun + 2)) >/dev/null
done
comment "rounds in which rows were locked: $busy"
is 'no command fails by anything but rows that are locked' "$failures" 0

# Nobody disturbs any more, and all is compared once.
sqlite3 "$dir/state.db" "DELETE FROM counter WHERE name LIKE 'compared%'"
printf 'last.test encrypt\n' >"$dir/last"
ladder set --from "$dir/last"
is 'in the end all is published' "$status" 0

# --- what became of it

is 'nothing of his was ever changed or taken away' "$(sql 'SELECT dest, what FROM foul')" ''
comment "$(sql "SELECT CONCAT(COUNT(*), ' rows, ', SUM(who = 'admin'), ' of them his') FROM writer")"
check 'both have many rows' test "$(sql "SELECT LEAST(SUM(who = 'admin'), SUM(who = 'tlsladder')) FROM writer")" -gt 500
is 'no row is of a name that is not its own' "$(sql "SELECT COUNT(*) FROM tls_policy_override WHERE dest NOT REGEXP '^(k[0-9]+|last)[.]test$'")" 0

# What we know of it, and what there is.
sqlite3 -separator ' ' "$dir/state.db" "SELECT dest, id, policy, parameters FROM published
	WHERE state = 'ours' AND policy <> '' ORDER BY dest" >"$dir/known"
sql "SELECT CONCAT_WS(' ', dest, t.id, policy, parameters) FROM tls_policy_override t
	JOIN writer USING (id) WHERE who = 'tlsladder'" | LC_ALL=C sort >"$dir/ours"
LC_ALL=C sort -o "$dir/known" "$dir/known"
is 'every row that we wrote last is known as ours, as it is, and no other' "$(diff "$dir/known" "$dir/ours" | head -n 5)" ''

# Each entry is a row of ours that says the same, or there is a row of his, or his veto.
ladder export
tr '\t' ' ' <"$dir/out" | grep -v '^#' | sed 's/ *$//' | LC_ALL=C sort >"$dir/entries"
cut -d ' ' -f 1,3- "$dir/ours" | sed 's/ *$//' | LC_ALL=C sort >"$dir/rows"
{
	sql "SELECT dest FROM tls_policy_override JOIN writer USING (id) WHERE who = 'admin'"
	sqlite3 "$dir/state.db" "SELECT dest FROM published WHERE state = 'vetoed'"
} | LC_ALL=C sort -u >"$dir/his"
is 'no row of ours is below encrypt, for mailboxes that enforce TLS' \
	"$(sql "SELECT dest, policy FROM tls_policy_override JOIN writer USING (id)
		WHERE who = 'tlsladder' AND policy IN ('none', 'may', 'dane')" | head -n 5)" ''
check 'though there are such entries' grep -q ' \(may\|dane\)$' "$dir/entries"
is 'no row of ours says what no entry does' "$(LC_ALL=C comm -13 "$dir/entries" "$dir/rows" | head -n 5)" ''
is 'each entry that may be a row is one, but where he has one or deleted ours' \
	"$(grep -v ' \(may\|dane\)$' "$dir/entries" | LC_ALL=C comm -23 - "$dir/rows" | cut -d ' ' -f 1 | LC_ALL=C comm -23 - "$dir/his" | head -n 5)" ''
sql "INSERT INTO tls_policy_override (dest, policy) VALUES ('last.his.test', 'may')"
mariadb --no-defaults --socket="$mariadb_socket" -utlsladder -psecret mailcow \
	-e "UPDATE tls_policy_override SET policy = 'encrypt' WHERE dest = 'last.his.test'"
is 'and it would have been seen' "$(sql 'SELECT dest, what FROM foul')" $'last.his.test\tmay to encrypt'
comment "entries: $(wc -l <"$dir/entries"), rows of ours: $(wc -l <"$dir/rows"), his or vetoed: $(wc -l <"$dir/his")"
finish
