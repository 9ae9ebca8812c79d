/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/fold_items.h"

#include <stdlib.h>

#include "base/masked.h"
#include "base/mem.h"
#include "base/span.h"

#define SLOTS_FIRST 1024
#define SLOTS_KEPT  65536 /* 1 MiB: what one large batch needed beyond is given back */

#define WAITING_STEP 8 /* room for so many more at a time */

/* Of an item, and of a server of one, what a line touches that tells nothing new. */
#define EXPECTED         (offsetof(struct fold_item, key) + 32)
#define EXPECTED_HOST    offsetof(struct fold_host, plain)
#define EXPECTED_TALLIES (5 * sizeof(struct fold_tally)) /* those of most lines */

/* Hash and length of the item's key: others are passed over without reading them. */
struct slot {
	uint32_t hash;
	uint32_t len;
	struct fold_item *item;
};

void
fold_items_init(struct fold_items *all)
{
	*all = (struct fold_items){.slot_count = SLOTS_FIRST};
	all->slots = mem_new(all->slot_count, sizeof(*all->slots));
	all->last = &all->first;
}

static void
item_free(struct fold_item *item)
{
	for (size_t i = 0; i < item->waiting_count; i++)
		free(item->waiting[i].texts);
	free(item->waiting);
	for (size_t i = 0; i < item->unkept_count; i++)
		free(item->unkept[i].texts);
	free(item->unkept);
	for (size_t i = 0; i < item->host_count; i++)
		free(item->hosts[i].name);
	free(item->hosts);
	free(item->lost_reason);
	free(item->deferral);
	free(item->others);
	free(item->refused);
	if (item->tallies != item->few)
		free(item->tallies);
	free(item);
}

void
fold_items_empty(struct fold_items *all)
{
	struct fold_item *item = all->first;

	while (item != NULL) {
		struct fold_item *next = item->next;

		item_free(item);
		item = next;
	}
	for (size_t i = 0; i < all->ended_count; i++) {
		free(all->ended[i].queue_id);
		free(all->ended[i].domain);
	}
	free(all->ended);
	all->ended = NULL;
	all->ended_count = 0;
	if (all->slot_count > SLOTS_KEPT) {
		free(all->slots);
		fold_items_init(all);
		return;
	}
	memset(all->slots, 0, all->slot_count * sizeof(*all->slots));
	all->size = 0;
	all->first = NULL;
	all->last = &all->first;
}

void
fold_items_clear(struct fold_items *all)
{
	fold_items_empty(all);
	free(all->slots);
	*all = (struct fold_items){0};
}

static uint64_t
load_8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

uint32_t
fold_items_hash(struct str key)
{
	const uint64_t small = UINT64_C(0x2020202020202020);
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = key.len, last = 0;

	for (size_t at = 0; at + 8 < key.len; at += 8) {
		h = (h ^ (load_8(key.p + at) | small)) * odd;
		h ^= h >> 29;
	}
	if (key.len >= 8)
		last = load_8(key.p + key.len - 8);
	for (size_t i = 0; key.len < 8 && i < key.len; i++)
		last = last << 8 | (unsigned char)key.p[i];
	h = (h ^ (last | small)) * odd;
	return (uint32_t)(h >> 32);
}

static bool
is_slot_of(const struct slot *slot, struct str key, uint32_t h)
{
	struct str own = {slot->item->key, slot->len};

	return slot->hash == h && slot->len == key.len &&
	    (memcmp(own.p, key.p, key.len) == 0 || str_equal_nocase(own, key));
}

/* Where the item of that key is, in whatever case, or belongs. */
static struct slot *
find_slot(const struct fold_items *all, struct str key, uint32_t h)
{
	size_t at = h & (all->slot_count - 1);

	while (all->slots[at].item != NULL && !is_slot_of(&all->slots[at], key, h))
		at = (at + 1) & (all->slot_count - 1);
	return &all->slots[at];
}

struct fold_item *
fold_items_find(const struct fold_items *all, struct str key, uint32_t hash)
{
	return find_slot(all, key, hash)->item;
}

void
fold_items_expect_slot(const struct fold_items *all, uint32_t hash)
{
	__builtin_prefetch(&all->slots[hash & (all->slot_count - 1)]);
}

/* The first item of that hash, or NULL. */
static struct fold_item *
expected(const struct fold_items *all, uint32_t hash)
{
	size_t at = hash & (all->slot_count - 1);

	while (all->slots[at].item != NULL && all->slots[at].hash != hash)
		at = (at + 1) & (all->slot_count - 1);
	return all->slots[at].item;
}

static void
expect(const void *what, size_t size)
{
	for (size_t at = 0; what != NULL && at < size; at += 64)
		__builtin_prefetch((const char *)what + at, 1);
}

const struct fold_item *
fold_items_expect(const struct fold_items *all, uint32_t hash)
{
	const struct fold_item *item = expected(all, hash);

	expect(item, EXPECTED);
	return item;
}

void
fold_item_expect_host(const struct fold_item *item)
{
	if (item == NULL)
		return;
	expect(item->hosts, EXPECTED_HOST);
	if (item->tallies != item->few)
		expect(item->tallies, EXPECTED_TALLIES);
}

void
fold_item_expect_name(const struct fold_item *item)
{
	if (item != NULL && item->host_count > 0)
		expect(item->hosts->name, 1);
}

static void
grow(struct fold_items *all)
{
	struct slot *old = all->slots;
	size_t old_count = all->slot_count;

	all->slot_count *= 2;
	all->slots = mem_new(all->slot_count, sizeof(*all->slots));
	for (size_t i = 0; i < old_count; i++)
		if (old[i].item != NULL)
			*find_slot(all, (struct str){old[i].item->key, old[i].len},
			    old[i].hash) = old[i];
	free(old);
}

struct fold_item *
fold_items_get(struct fold_items *all, const char *key)
{
	struct str text = str_of(key);
	uint32_t h = fold_items_hash(text);
	struct slot *slot = find_slot(all, text, h);
	struct fold_item *item = slot->item;

	if (item == NULL) {
		item = mem_new(1, sizeof(*item));
		memcpy(item->key, key, text.len + 1);
		item->tallies = item->few;
		*slot = (struct slot){h, (uint32_t)text.len, item};
		*all->last = item;
		all->last = &item->next;
		if (++all->size * 2 > all->slot_count)
			grow(all);
	}
	return item;
}

/* Room for one more than there are; no longer in the item itself. */
static void
more_tallies(struct fold_item *item)
{
	struct fold_tally *old = item->tallies != item->few ? item->tallies : NULL;

	item->tallies = mem_array(old, item->tally_count + 1, sizeof(*item->tallies));
	if (old == NULL)
		memcpy(item->tallies, item->few, sizeof(item->few));
}

void
fold_item_tally(struct fold_item *item, int64_t time_ms, unsigned what, unsigned node)
{
	int64_t day = time_ms / SPAN_DAY_MS;

	for (size_t i = 0; i < item->tally_count; i++) {
		struct fold_tally *t = &item->tallies[i];

		if (t->day == day && t->what == what && t->node == node) {
			t->count++;
			return;
		}
	}
	if (item->tally_count >= FOLD_FEW_TALLIES)
		more_tallies(item);
	item->tallies[item->tally_count++] = (struct fold_tally){day, what, node, 1};
}

void
fold_item_lost(struct fold_item *item, struct str reason, int64_t time_ms)
{
	char cut[sizeof(item->deferral->reason)];

	fold_item_tally(item, time_ms, FOLD_BOUNCED, 0);
	masked_copy(reason, cut, sizeof(cut));
	free(item->lost_reason);
	item->lost_reason = mem_strdup(cut);
	item->lost++;
}

static char *
lower(struct str domain)
{
	char *text = mem_strndup(domain.p, domain.len);

	for (char *p = text; *p != '\0'; p++)
		*p = ascii_lower(*p);
	return text;
}

void
fold_items_end(
    struct fold_items *all, struct str queue_id, struct str domain, int64_t begun_ms)
{
	if (all->ended_count >= FOLD_ENDED_MAX)
		return;
	all->ended = mem_array(all->ended, all->ended_count + 1, sizeof(*all->ended));
	all->ended[all->ended_count++] = (struct fold_ended){
	    mem_strndup(queue_id.p, queue_id.len), lower(domain), begun_ms};
}

/* What tells of those of that node that were not kept, new perhaps. */
static struct fold_waiting *
find_unkept(struct fold_item *item, const char *node, bool *is_new)
{
	size_t i = 0;

	while (i < item->unkept_count && strcmp(item->unkept[i].queue_id, node) != 0)
		i++;
	*is_new = i == item->unkept_count;
	if (*is_new)
		item->unkept =
		    mem_array(item->unkept, ++item->unkept_count, sizeof(*item->unkept));
	return &item->unkept[i];
}

/* The newest are kept. */
static struct fold_waiting *
replace_oldest(struct fold_item *item)
{
	struct fold_waiting *w = &item->waiting[item->waiting_next], *unkept;
	char *slash = strchr(w->texts, '/');
	bool is_new, same;

	item->waiting_next = (item->waiting_next + 1) % FOLD_WAITING_MAX;
	/* Of its id the node is left. */
	if (slash != NULL && slash < w->domain)
		slash[1] = '\0';
	else
		w->texts[0] = '\0';
	unkept = find_unkept(item, w->texts, &is_new);
	same = is_new || strcmp(unkept->domain, w->domain) == 0;
	if (!is_new)
		free(unkept->texts);
	*unkept = *w;
	if (!same)
		unkept->domain = "";
	*w = (struct fold_waiting){0};
	return w;
}

/* That of a queue id, or room for it. */
static struct fold_waiting *
find_waiting(struct fold_item *item, struct str queue_id, uint32_t hash)
{
	uint64_t bit = UINT64_C(1) << hash % 64;
	bool known = (item->waiting_bits & bit) != 0;

	for (size_t i = 0; known && i < item->waiting_count; i++)
		if (item->waiting[i].hash == hash &&
		    str_is(queue_id, item->waiting[i].queue_id))
			return &item->waiting[i];
	item->waiting_bits |= bit;
	if (item->waiting_count >= FOLD_WAITING_MAX)
		return replace_oldest(item);
	if (item->waiting_count % WAITING_STEP == 0)
		item->waiting = mem_array(item->waiting,
		    item->waiting_count + WAITING_STEP, sizeof(*item->waiting));
	item->waiting[item->waiting_count] = (struct fold_waiting){0};
	return &item->waiting[item->waiting_count++];
}

/* A copy as a string, behind which the next one goes. */
static char *
put_text(char *to, struct str text)
{
	memcpy(to, text.p, text.len);
	to[text.len] = '\0';
	return to + text.len + 1;
}

void
fold_item_waits(struct fold_item *item, struct str id, const struct status_line *line,
    unsigned rule, struct reason_mark reason, int64_t time_ms)
{
	struct str domain = line->domain;
	uint32_t hash = fold_items_hash(id);
	struct fold_waiting *w = find_waiting(item, id, hash);
	char *texts = mem_array(NULL, id.len + domain.len + 2, 1);
	char *behind_id = put_text(texts, id), *behind = put_text(behind_id, domain);

	for (char *p = behind_id; p < behind; p++)
		*p = ascii_lower(*p);
	free(w->texts);
	*w = (struct fold_waiting){
	    .hash = hash,
	    .rule = rule,
	    .time_ms = time_ms,
	    .arrival_ms = time_ms - line->delay_us / 1000,
	    .texts = texts,
	    .queue_id = texts,
	    .domain = behind_id,
	    .reason = reason,
	};
}

static void
count_attempt(struct fold_attempts *attempts, int64_t attempt_ms, int64_t first_ms)
{
	if (attempts->count == 0 || first_ms < attempts->first_ms)
		attempts->first_ms = first_ms;
	if (attempts->count++ == 0 || attempt_ms < attempts->begun_ms)
		attempts->begun_ms = attempt_ms;
	if (attempt_ms > attempts->last_ms)
		attempts->last_ms = attempt_ms;
}

/* Whoever made the line up must not have ladder.may_after.time go by. */
static int64_t
believed_ms(int64_t attempt_ms, int64_t time_ms)
{
	return attempt_ms < time_ms - FOLD_CLAIM_MS ? time_ms - FOLD_CLAIM_MS
	                                            : attempt_ms;
}

static void
count_kind(const struct rule_source *rule, int64_t attempt_ms, int64_t time_ms,
    struct fold_attempts *plain, struct fold_attempts *broken)
{
	if (rule->fallback == FALLBACK_LEVEL && rule->level == LEVEL_MAY)
		count_attempt(plain, attempt_ms, believed_ms(attempt_ms, time_ms));
	else if (rule->fallback == FALLBACK_NEXT)
		count_attempt(broken, attempt_ms, believed_ms(attempt_ms, time_ms));
}

void
fold_item_tried(struct fold_item *item, const struct rule_source *rule,
    int64_t attempt_ms, int64_t time_ms)
{
	count_attempt(&item->tried, attempt_ms, attempt_ms);
	if (rule != NULL)
		count_kind(rule, attempt_ms, time_ms, &item->plain, &item->broken);
	for (size_t i = 0; i < item->host_count; i++) {
		struct fold_host *host = &item->hosts[i];

		count_attempt(&host->tried, attempt_ms, attempt_ms);
		if (rule != NULL)
			count_kind(
			    rule, attempt_ms, time_ms, &host->plain, &host->broken);
	}
}
