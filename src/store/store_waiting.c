/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that wait for a decision, or for being retried. */
#include "store/store_impl.h"

static bool
add_one(struct store *store, int64_t id, const struct waiting_mail *mail, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_WAITING_ADD, err, "isissiiii", id, mail->queue_id,
	        mail->time_ms, mail->domain, mail->rule, mail->reason.len,
	        (int64_t)mail->reason.hash, (int64_t)mail->reason.cut, mail->arrival_ms),
	    err);
}

static struct waiting_mail
read_mail(sqlite3_stmt *stmt)
{
	return (struct waiting_mail){
	    .queue_id = store_column(stmt, 0).p,
	    .domain = store_column(stmt, 1).p,
	    .rule = store_column(stmt, 2).p,
	    .reason = {sqlite3_column_int64(stmt, 3),
	        (uint64_t)sqlite3_column_int64(stmt, 4),
	        sqlite3_column_int64(stmt, 5) != 0},
	    .time_ms = sqlite3_column_int64(stmt, 6),
	    .absences = (int)sqlite3_column_int64(stmt, 7),
	    .arrival_ms = sqlite3_column_int64(stmt, 8),
	};
}

void
store_node_of(const char *queue_id, char node[STORE_NODE_SIZE])
{
	struct str rest = str_of(queue_id), name = STR("");

	if (rest.len > 0 && rest.p[0] != STORE_WAITING_OTHERS &&
	    memchr(rest.p, '/', rest.len) != NULL)
		str_cut(&rest, '/', &name);
	name.len += name.len > 0; /* with its slash */
	if (!str_copy(name, node, STORE_NODE_SIZE))
		node[0] = '\0';
}

const char *
store_id_at_node(const char *queue_id)
{
	char node[STORE_NODE_SIZE];

	store_node_of(queue_id, node);
	return queue_id + strlen(node);
}

/* Before its messages come: of those that have none yet, one more waits. */
static bool
begin_wait(struct store *store, int64_t id, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_WAITING_BEGINS, err, "i", id), err);
}

static bool
add_unkept(
    struct store *store, int64_t id, const struct waiting_mail *mail, struct err *err)
{
	char node[STORE_NODE_SIZE];

	store_node_of(mail->queue_id, node);
	return store_finish(store,
	    store_bind(store, SQL_WAITING_UNKEPT, err, "iissiiiis", id, mail->time_ms,
	        mail->domain, mail->rule, mail->reason.len, (int64_t)mail->reason.hash,
	        (int64_t)mail->reason.cut, mail->arrival_ms, node),
	    err);
}

bool
store_waiting_unkept(
    struct store *store, int64_t id, const struct waiting_mail *mail, struct err *err)
{
	return begin_wait(store, id, err) && add_unkept(store, id, mail, err);
}

/* --- as many as are kept ------------------------------------------------------------ */

/* The messages of a destination that make room, the first one first: those that the last
 * listing did not show, then the oldest of those that none showed yet. They are sorted,
 * so all were read before the first of them came; one may have come anew since. */
struct room {
	struct store *store;
	int64_t id;
	sqlite3_stmt *oldest; /* NULL: not begun, or over */
};

/* The next one is no message of its own any more. *made: there was one. */
static bool
make_room(struct room *room, bool *made, struct err *err)
{
	struct store *store = room->store;
	bool failed = false;

	*made = false;
	if (room->oldest == NULL)
		room->oldest = store_bind(store, SQL_WAITING_OLDEST, err, "i", room->id);
	if (room->oldest == NULL)
		return false;
	while (!*made && store_step_row(store, room->oldest, &failed, err)) {
		struct waiting_mail mail = read_mail(room->oldest);

		if (!store_finish(store,
		        store_bind(store, SQL_WAITING_DROP, err, "isi", room->id,
		            mail.queue_id, mail.time_ms),
		        err))
			return false;
		*made = sqlite3_changes(store->db) > 0;
		if (*made && !add_unkept(store, room->id, &mail, err))
			return false;
	}
	if (!*made)
		room->oldest = NULL;
	return !failed;
}

static bool
is_kept(struct store *store, int64_t id, const struct waiting_mail *mail, bool *kept,
    struct err *err)
{
	int64_t exists = 0;
	bool done = store_finish_int(store,
	    store_bind(store, SQL_WAITING_IS_KEPT, err, "is", id, mail->queue_id),
	    &exists, err);

	*kept = exists != 0;
	return done;
}

/* The newest stay, but no message that the queue showed makes room. */
static bool
add_to_full(struct room *room, const struct waiting_mail *mail, struct err *err)
{
	bool over = room->oldest == NULL, made;

	if (!make_room(room, &made, err))
		return false;
	/* those that came since make room for it, too */
	if (!made && !over && !make_room(room, &made, err))
		return false;
	return made ? add_one(room->store, room->id, mail, err)
	            : add_unkept(room->store, room->id, mail, err);
}

/* Where there may be too many. count: how many are kept. */
static bool
add_each(struct room *room, const struct waiting_mail *mails, size_t mail_count,
    int64_t count, struct err *err)
{
	for (size_t i = 0; i < mail_count; i++) {
		bool kept;

		if (!is_kept(room->store, room->id, &mails[i], &kept, err))
			return false;
		if (!kept && count >= STORE_WAITING_MAX) {
			if (!add_to_full(room, &mails[i], err))
				return false;
			continue;
		}
		if (!add_one(room->store, room->id, &mails[i], err))
			return false;
		count += !kept;
	}
	return true;
}

bool
store_waiting_add(struct store *store, int64_t id, const struct waiting_mail *mails,
    size_t count, struct err *err)
{
	struct room room = {.store = store, .id = id};
	int64_t kept;
	bool done;

	if (count == 0)
		return true;
	if (!begin_wait(store, id, err) ||
	    !store_finish_int(
	        store, store_bind(store, SQL_WAITING_COUNT, err, "i", id), &kept, err))
		return false;
	if (kept + (int64_t)count > STORE_WAITING_MAX) {
		done = add_each(&room, mails, count, kept, err);
		if (room.oldest != NULL)
			sqlite3_reset(room.oldest);
		return done;
	}
	for (size_t i = 0; i < count; i++)
		if (!add_one(store, id, &mails[i], err))
			return false;
	return true;
}

bool
store_waiting_first(struct store *store, int64_t id, int64_t *arrival_ms, struct err *err)
{
	return store_finish_int(
	    store, store_bind(store, SQL_WAITING_FIRST, err, "i", id), arrival_ms, err);
}

bool
store_waiting_newest(struct store *store, int64_t *arrival_ms, struct err *err)
{
	return store_finish_int(
	    store, store_bind(store, SQL_WAITING_NEWEST, err, ""), arrival_ms, err);
}

int64_t
store_bounces_ms(int64_t first_ms, int64_t lifetime_ms)
{
	return first_ms == 0 || lifetime_ms == 0 ? 0 : first_ms + lifetime_ms;
}

bool
store_waiting_bounces(struct store *store, int64_t id, int64_t lifetime_ms,
    int64_t *bounces_ms, struct err *err)
{
	int64_t first_ms = 0;

	*bounces_ms = 0;
	if (lifetime_ms == 0)
		return true;
	if (!store_waiting_first(store, id, &first_ms, err))
		return false;
	*bounces_ms = store_bounces_ms(first_ms, lifetime_ms);
	return true;
}

bool
store_each_waiting(
    struct store *store, int64_t id, waiting_fn *fn, void *context, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_WAITING_EACH, err, "i", id);
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		struct waiting_mail mail = read_mail(stmt);

		fn(context, &mail);
	}
	return !failed;
}

bool
store_waiting_absent(struct store *store, int64_t id, const char *queue_id,
    int64_t time_ms, int absences, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_WAITING_ABSENT, err, "iisi", (int64_t)absences, id,
	        queue_id, time_ms),
	    err);
}

bool
store_waiting_gone(struct store *store, int64_t id, const char *queue_id, int64_t time_ms,
    struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_WAITING_GONE, err, "isi", id, queue_id, time_ms), err);
}

bool
store_waiting_end(struct store *store, const char *queue_id, const char *domain,
    int64_t *ids, size_t max, size_t *count, struct err *err)
{
	return store_finish_ids(store,
	           store_bind(store, SQL_WAITING_LAST, err, "ssi", queue_id, domain,
	               (int64_t)max),
	           ids, count, err) &&
	    store_finish(store,
	        store_bind(store, SQL_WAITING_END, err, "ss", queue_id, domain), err);
}

/* Most mail that is sent did not wait, and to look is cheaper than to change nothing. */
static bool
end_sent(struct store *store, enum sql how, const char *queue_id, const char *domain,
    int64_t begun_ms, struct err *err)
{
	int64_t waits;

	if (!store_finish_int(store,
	        store_bind(store, SQL_WAITING_HAS, err, "s", queue_id), &waits, err))
		return false;
	return waits == 0 ||
	    store_finish(store,
	        store_bind(store, how, err, "ssi", queue_id, domain, begun_ms), err);
}

bool
store_waiting_end_sent(struct store *store, const char *queue_id, const char *domain,
    int64_t begun_ms, struct err *err)
{
	return end_sent(store, SQL_WAITING_END_SENT, queue_id, domain, begun_ms, err);
}

bool
store_waiting_left(struct store *store, const char *queue_id, const char *domain,
    int64_t begun_ms, struct err *err)
{
	if (begun_ms != 0)
		return end_sent(
		    store, SQL_WAITING_LEFT_SENT, queue_id, domain, begun_ms, err);
	return store_finish(
	    store, store_bind(store, SQL_WAITING_LEFT, err, "ss", queue_id, domain), err);
}

bool
store_waiting_outlived(struct store *store, int64_t arrival_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_WAITING_OUTLIVED, err, "i", arrival_ms), err);
}

bool
store_waiting_release(struct store *store, int64_t id, int64_t version,
    int64_t not_before_ms, bool change, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_WAITING_RELEASE, err, "iiii", version, not_before_ms,
	        id, (int64_t)change),
	    err);
}

static bool
read_waiting(struct store *store, sqlite3_stmt *stmt, struct waiting *out, size_t *count,
    struct err *err)
{
	bool failed = false;

	*count = 0;
	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		struct waiting *w = &out[*count];

		w->destination = sqlite3_column_int64(stmt, 0);
		if (str_copy(store_column(stmt, 1), w->queue_id, sizeof(w->queue_id)))
			(*count)++;
	}
	return !failed;
}

bool
store_waiting_due(struct store *store, const char *node, int64_t version, int64_t now_ms,
    struct waiting *out, size_t max, size_t *count, int64_t *next_ms, int64_t *again_ms,
    struct err *err)
{
	*next_ms = 0;
	*again_ms = 0;
	return read_waiting(store,
	           store_bind(store, SQL_WAITING_DUE, err, "iisi", version, now_ms, node,
	               (int64_t)max),
	           out, count, err) &&
	    store_finish_int(store,
	        store_bind(store, SQL_WAITING_NEXT, err, "iis", version, now_ms, node),
	        next_ms, err) &&
	    store_finish_int(store, store_bind(store, SQL_WAITING_AGAIN, err, "s", node),
	        again_ms, err);
}

bool
store_waiting_due_few(struct store *store, const char *node, int64_t version,
    int64_t now_ms, size_t few, struct waiting *out, size_t max, size_t *count,
    struct err *err)
{
	return read_waiting(store,
	    store_bind(store, SQL_WAITING_DUE_FEW, err, "iisii", version, now_ms, node,
	        (int64_t)max, (int64_t)few),
	    out, count, err);
}

bool
store_waiting_take(
    struct store *store, const struct waiting *taken, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!store_finish(store,
		        store_bind(store, SQL_WAITING_TAKE, err, "is",
		            taken[i].destination, taken[i].queue_id),
		        err))
			return false;
	return true;
}

bool
store_waiting_done(struct store *store, const struct waiting *done, size_t count,
    int64_t now_ms, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!store_finish(store,
		        store_bind(store, SQL_WAITING_DONE, err, "iis", now_ms,
		            done[i].destination, done[i].queue_id),
		        err))
			return false;
	return store_finish(store, store_prepare(store, SQL_WAITING_GIVE_UP, err), err);
}

bool
store_waiting_take_all(struct store *store, const char *node, int64_t version,
    int64_t now_ms, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_WAITING_TAKE_ALL, err, "iis", version, now_ms, node),
	    err);
}

bool
store_waiting_done_all(
    struct store *store, const char *node, int64_t now_ms, struct err *err)
{
	return store_finish(store,
	           store_bind(store, SQL_WAITING_DONE_ALL, err, "is", now_ms, node),
	           err) &&
	    store_finish(store, store_prepare(store, SQL_WAITING_GIVE_UP, err), err);
}

bool
store_waiting_sent(struct store *store, int64_t id, bool listed, struct err *err)
{
	int64_t waits;

	if (!store_finish_int(
	        store, store_bind(store, SQL_WAITING_HAS_ANY, err, "i", id), &waits, err))
		return false;
	return waits == 0 ||
	    (store_finish(
	         store, store_bind(store, SQL_WAITING_SENT, err, "i", id), err) &&
	        store_finish(store,
	            store_bind(
	                store, SQL_WAITING_SENT_OTHERS, err, "ii", id, (int64_t)listed),
	            err));
}

bool
store_waiting_give_back(
    struct store *store, const char *node, int64_t not_before_ms, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_WAITING_GIVE_BACK, err, "is", not_before_ms, node),
	    err);
}

bool
store_waiting_given_up(struct store *store, const char *node, int64_t after, int64_t *ids,
    size_t max, size_t *count, struct err *err)
{
	return store_finish_ids(store,
	    store_bind(
	        store, SQL_WAITING_GIVEN_UP, err, "isi", after, node, (int64_t)max),
	    ids, count, err);
}

bool
store_waiting_any(struct store *store, int64_t id, bool *any, struct err *err)
{
	int64_t waits = 0;
	bool done = store_finish_int(
	    store, store_bind(store, SQL_WAITING_HAS_ANY, err, "i", id), &waits, err);

	*any = waits != 0;
	return done;
}

bool
store_waiting_has_others(
    struct store *store, const char *node, int64_t id, bool *has, struct err *err)
{
	int64_t others = 0;
	bool done = store_finish_int(store,
	    store_bind(store, SQL_WAITING_HAS_OTHERS, err, "is", id, node), &others, err);

	*has = others != 0;
	return done;
}

bool
store_waiting_forget(
    struct store *store, const char *const *nodes, size_t count, struct err *err)
{
	char unknown[STORE_NODES_MAX][STORE_NODE_SIZE];
	sqlite3_stmt *stmt = store_prepare(store, SQL_WAITING_NODES, err);
	bool failed = false;
	size_t n = 0;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		struct str node = store_column(stmt, 0);
		size_t i = 0;

		while (i < count && !str_is(node, nodes[i]))
			i++;
		if (i == count && n < STORE_NODES_MAX &&
		    str_copy(node, unknown[n], STORE_NODE_SIZE))
			n++;
	}
	for (size_t i = 0; i < n && !failed; i++)
		failed = !store_finish(store,
		    store_bind(store, SQL_WAITING_FORGET, err, "s", unknown[i]), err);
	return !failed;
}
