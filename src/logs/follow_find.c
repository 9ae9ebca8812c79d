/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/follow_find.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define READINGS_MAX 8

/* What a log's name is made of: "/var/log/", "mail", ".log". */
struct pattern {
	struct str dir;
	struct str base;      /* "mail.log" */
	struct str stem;      /* "mail" */
	struct str extension; /* ".log"; may be empty */
};

static struct pattern
pattern_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str base = str_of(slash != NULL ? slash + 1 : path);
	struct pattern p = {{path, (size_t)(base.p - path)}, base, base, STR("")};
	const char *dot = base.len > 0 ? memrchr(base.p, '.', base.len) : NULL;

	if (dot != NULL && dot != base.p) {
		p.stem.len = (size_t)(dot - base.p);
		p.extension = str_skip(base, p.stem.len);
	}
	return p;
}

/* What rotation added to the name: ".1", "-20261124". False: not of this log. */
static bool
find_tag(const struct pattern *p, struct str name, struct str *tag)
{
	*tag = name;
	if (str_eat(tag, p->base))
		return tag->len > 1 && strchr(".-_", tag->p[0]) != NULL;
	*tag = name; /* logrotate's `extension .log` */
	return p->extension.len > 0 && str_eat(tag, p->stem) &&
	    str_eat_end(tag, p->extension) && tag->len > 1 &&
	    strchr(".-_", tag->p[0]) != NULL;
}

static void
eat_compressor(struct sibling *sibling, struct str *name)
{
	static const char *const foreign[] = {
	    ".bz2", ".xz", ".zst", ".lz4", ".lzma", ".Z", ".lzo", ".zip", ".7z"};

	sibling->is_gzip = str_eat_end(name, STR(".gz"));
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (!sibling->is_gzip && !sibling->is_foreign)
			sibling->is_foreign = str_eat_end(name, str_of(foreign[i]));
}

/* Digits in groups, at least six of them: a date or a time in seconds. */
static bool
is_date(struct str text)
{
	size_t digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (ascii_is_digit(text.p[i]))
			digits++;
		else if (strchr("-_.:T", text.p[i]) == NULL)
			return false;
	}
	return digits >= 6;
}

static void
classify(struct sibling *sibling, struct str tag)
{
	uint64_t number;

	sibling->tag = tag.p;
	sibling->tag_len = tag.len;
	if (str_number(str_skip(tag, 1), 99999, &number)) {
		sibling->kind = SIBLING_NUMBERED;
		sibling->number = (unsigned long)number;
	} else if (is_date(str_skip(tag, 1))) {
		sibling->kind = SIBLING_DATED;
	}
}

static void
add(struct siblings *siblings, const struct pattern *p, const char *name)
{
	struct sibling sibling = {0};
	struct buf path = {0};
	struct str rest, tag;

	buf_add_str(&path, p->dir);
	buf_add_str(&path, str_of(name));
	rest = str_skip((struct str){path.data, path.len}, p->dir.len);
	eat_compressor(&sibling, &rest);
	if (str_equal(rest, p->base) || !find_tag(p, rest, &tag) ||
	    facts_of_path(path.data, &sibling.facts) != 0 || !sibling.facts.is_regular ||
	    siblings_find(siblings, &sibling.facts.id) != NULL) {
		buf_clear(&path);
		return;
	}
	classify(&sibling, tag);
	sibling.path = buf_take(&path);
	siblings->items =
	    mem_array(siblings->items, siblings->count + 1, sizeof(*siblings->items));
	siblings->items[siblings->count++] = sibling;
}

void
siblings_clear(struct siblings *siblings)
{
	for (size_t i = 0; i < siblings->count; i++)
		free(siblings->items[i].path);
	free(siblings->items);
	*siblings = (struct siblings){0};
}

/* A symbolic link leads to a file that may have the name of a rotated one. */
static void
drop_live(struct siblings *siblings)
{
	size_t kept = 0;

	for (size_t i = 0; i < siblings->count; i++) {
		if (identity_equal(&siblings->items[i].facts.id, &siblings->live.id))
			free(siblings->items[i].path);
		else
			siblings->items[kept++] = siblings->items[i];
	}
	siblings->count = kept;
}

static int
read_directory(const struct pattern *p, struct siblings *siblings)
{
	char *dir_path =
	    mem_strndup(p->dir.len > 0 ? p->dir.p : ".", p->dir.len > 0 ? p->dir.len : 1);
	DIR *dir = opendir(dir_path);
	int errnum = dir == NULL ? errno : 0;
	struct dirent *entry;

	free(dir_path);
	if (dir == NULL)
		return errnum;
	while (errno = 0, (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' || p->base.p[0] == '.')
			add(siblings, p, entry->d_name);
	errnum = errno;
	closedir(dir);
	return errnum;
}

/* Where a symbolic link at path leads, be there something or not; empty: it is none. */
static void
read_link(const char *path, const struct pattern *p, struct buf *target)
{
	char text[PATH_MAX];
	ssize_t len = readlink(path, text, sizeof(text));

	if (len <= 0 || (size_t)len == sizeof(text))
		return;
	if (text[0] != '/')
		buf_add_str(target, p->dir);
	buf_add(target, text, (size_t)len);
}

/* Beside the path, and where it is a symbolic link, beside the file as well. */
static int
read_once(const char *path, const struct pattern *p, struct siblings *siblings)
{
	struct buf target = {0};
	int errnum;

	*siblings = (struct siblings){0};
	errnum = read_directory(p, siblings);
	read_link(path, p, &target);
	if (errnum == 0 && target.len > 0) {
		struct pattern there = pattern_of(buf_text(&target));

		if (there.base.len > 0)
			errnum = read_directory(&there, siblings);
		if (errnum == ENOENT || errnum == ENOTDIR)
			errnum = 0; /* it dangles */
	}
	buf_clear(&target);
	siblings->live_errnum = facts_of_path(path, &siblings->live);
	if (siblings->live_errnum == 0)
		drop_live(siblings);
	if (errnum != 0)
		siblings_clear(siblings);
	return errnum;
}

/* Like strcmp() for a and b, by what says most about their age. */
static int
compare_times(const struct sibling *a, const struct sibling *b)
{
	if (a->facts.mtime_ns != b->facts.mtime_ns)
		return a->facts.mtime_ns < b->facts.mtime_ns ? -1 : 1;
	return strcmp(a->path, b->path);
}

static int
compare_numbers(const struct sibling *a, const struct sibling *b)
{
	if (a->kind == SIBLING_OTHER || b->kind == SIBLING_OTHER)
		return (a->kind != SIBLING_OTHER) - (b->kind != SIBLING_OTHER);
	if (a->number != b->number)
		return a->number > b->number ? -1 : 1;
	return strcmp(a->path, b->path);
}

static int
compare_dates(const struct sibling *a, const struct sibling *b)
{
	size_t len = a->tag_len < b->tag_len ? a->tag_len : b->tag_len;
	int order;

	if (a->kind == SIBLING_OTHER || b->kind == SIBLING_OTHER)
		return (a->kind != SIBLING_OTHER) - (b->kind != SIBLING_OTHER);
	order = memcmp(a->tag + 1, b->tag + 1, len - 1); /* not its '-' or '.' */
	if (order != 0)
		return order;
	return a->tag_len < b->tag_len ? -1 : a->tag_len > b->tag_len;
}

/* Does a date in a name sort as text: year first, or seconds since the epoch? */
static bool
date_sorts(const struct sibling *sibling)
{
	char digits[10] = "";
	size_t count = 0;
	uint64_t year, month, day;

	for (size_t i = 0; i < sibling->tag_len; i++)
		if (ascii_is_digit(sibling->tag[i]) && count++ < sizeof(digits))
			digits[count - 1] = sibling->tag[i];
	if (count == 10 && (digits[0] == '1' || digits[0] == '2'))
		return true;
	return count >= 8 && str_number((struct str){digits, 4}, 2199, &year) &&
	    str_number((struct str){digits + 4, 2}, 12, &month) &&
	    str_number((struct str){digits + 6, 2}, 31, &day) && year >= 1970 &&
	    month > 0 && day > 0;
}

static int
by_times(const void *a, const void *b)
{
	return compare_times(a, b);
}

static int
by_numbers(const void *a, const void *b)
{
	return compare_numbers(a, b);
}

static int
by_dates(const void *a, const void *b)
{
	return compare_dates(a, b);
}

/* Names tell the order better than times, unless two schemes are mixed. */
static void
sort(struct siblings *siblings)
{
	bool numbered = true, dated = true;

	for (size_t i = 0; i < siblings->count; i++) {
		const struct sibling *sibling = &siblings->items[i];

		if (sibling->kind == SIBLING_NUMBERED)
			dated = false;
		if (sibling->kind == SIBLING_DATED) {
			numbered = false;
			dated = dated && date_sorts(sibling);
		}
	}
	if (siblings->count > 0)
		qsort(siblings->items, siblings->count, sizeof(*siblings->items),
		    numbered    ? by_numbers
		        : dated ? by_dates
		                : by_times);
}

static struct str
up_to_tag(const struct sibling *sibling)
{
	return (struct str){
	    sibling->path, (size_t)(sibling->tag - sibling->path) + sibling->tag_len};
}

/* mail.log.1 and mail.log.1.gz: compressing is under way, and the former is whole. */
static bool
has_plain_twin(const struct siblings *siblings, const struct sibling *packed)
{
	for (size_t i = 0; i < siblings->count; i++) {
		const struct sibling *other = &siblings->items[i];

		if (!other->is_gzip && !other->is_foreign &&
		    str_equal(up_to_tag(other), up_to_tag(packed)))
			return true;
	}
	return false;
}

static void
drop_twins(struct siblings *siblings)
{
	size_t kept = 0;

	for (size_t i = 0; i < siblings->count; i++) {
		struct sibling *sibling = &siblings->items[i];

		if ((sibling->is_gzip || sibling->is_foreign) &&
		    has_plain_twin(siblings, sibling)) {
			free(sibling->path);
			sibling->path = NULL;
		}
	}
	for (size_t i = 0; i < siblings->count; i++)
		if (siblings->items[i].path != NULL)
			siblings->items[kept++] = siblings->items[i];
	siblings->count = kept;
}

bool
siblings_same(const struct siblings *a, const struct siblings *b)
{
	if (a->count != b->count || a->live_errnum != b->live_errnum ||
	    (a->live_errnum == 0 && !identity_equal(&a->live.id, &b->live.id)))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i].path, b->items[i].path) != 0 ||
		    !identity_equal(&a->items[i].facts.id, &b->items[i].facts.id))
			return false;
	return true;
}

int
siblings_read(const char *path, struct siblings *siblings)
{
	struct pattern pattern = pattern_of(path);
	struct siblings before = {0};
	int errnum = 0;

	for (int i = 0; i < READINGS_MAX; i++) {
		bool same;

		errnum = read_once(path, &pattern, siblings);
		if (errnum != 0)
			break;
		drop_twins(siblings);
		sort(siblings);
		same = i > 0 && siblings_same(&before, siblings);
		siblings_clear(&before);
		if (same)
			return 0;
		before = *siblings;
		errnum = EAGAIN;
	}
	siblings_clear(&before);
	*siblings = (struct siblings){0};
	return errnum;
}

const struct sibling *
siblings_find(const struct siblings *siblings, const struct identity *id)
{
	for (size_t i = 0; i < siblings->count; i++)
		if (identity_equal(&siblings->items[i].facts.id, id))
			return &siblings->items[i];
	return NULL;
}

bool
sibling_is_newer(const struct sibling *sibling, const struct sibling *found,
    const struct file_facts *last)
{
	if (sibling->kind == SIBLING_OTHER)
		return false;
	if (found != NULL && found->kind != SIBLING_OTHER)
		return sibling > found; /* in the same array, oldest first */
	return sibling->facts.mtime_ns > last->mtime_ns;
}
