/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/page.h"

#include <stdio.h>
#include <unistd.h>

#include "base/width.h"
#include "cmd/cmd.h"
#include "sys/terminal.h"

size_t
page_columns(void)
{
	return terminal_columns(STDOUT_FILENO);
}

void
page_print(const struct buf *text)
{
	struct str rest = {buf_text(text), text->len}, line;
	size_t columns = page_columns();
	struct buf out = {0};

	while (columns > 0 && str_cut(&rest, '\n', &line))
		width_cut(line, columns, &out);
	fwrite(buf_text(&out), 1, out.len, stdout);
	fwrite(rest.p, 1, rest.len, stdout);
	buf_clear(&out);
}

void
page_print_whole(const struct buf *text)
{
	struct str rest = {buf_text(text), text->len}, line;
	size_t columns = page_columns();
	struct buf out = {0};

	while (columns > 0 && str_cut(&rest, '\n', &line))
		width_wrap(line, columns, "    ", "", &out);
	fwrite(buf_text(&out), 1, out.len, stdout);
	fwrite(rest.p, 1, rest.len, stdout);
	buf_clear(&out);
}

void
page_wrap(const char *text, const char *indent, const char *more, struct buf *out)
{
	width_wrap(str_of(text), page_columns(), indent, more, out);
}

void
page_add_key(struct buf *out, const char *key, size_t width)
{
	struct buf text = {0};
	size_t used;

	buf_add_visible(&text, str_of(key));
	used = width_of(str_of(buf_text(&text)));
	buf_printf(out, "%s", buf_text(&text));
	buf_clear(&text);
	if (used > width && page_columns() > 0) {
		buf_add_char(out, '\n');
		used = 0;
	}
	buf_printf(out, "%*s  ", used < width ? (int)(width - used) : 0, "");
}

static void
add_time(struct buf *buf, int64_t ms, size_t len)
{
	struct buf time = {0};

	buf_add_time(&time, ms);
	buf_add(buf, buf_text(&time), time.len < len ? time.len : len);
	buf_clear(&time);
}

void
page_add_minute(struct buf *buf, int64_t ms)
{
	add_time(buf, ms, sizeof("2026-11-24 07:12") - 1);
}

void
page_add_day(struct buf *buf, int64_t ms)
{
	add_time(buf, ms, sizeof("2026-11-24") - 1);
}

void
page_add_moment(struct buf *buf, int64_t ms)
{
	buf_add_time(buf, ms);
	buf_printf(buf, " %s", PAGE_ZONE);
}
