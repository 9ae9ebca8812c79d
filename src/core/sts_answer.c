/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/sts_answer.h"

#include "base/masked.h"

bool
sts_type_is_plain(struct str type)
{
	struct str media;

	if (!str_cut(&type, ';', &media))
		media = type;
	return str_equal_nocase(str_trim(media), STR("text/plain"));
}

bool
sts_answer_fits(const struct sts_answer *answer)
{
	return answer->body_octets <= STS_BODY_MAX &&
	    answer->headers <= STS_HEADERS_MAX &&
	    answer->header_octets <= STS_HEADER_OCTETS_MAX;
}

static enum sts_cause
judge_size(const struct sts_answer *answer, struct buf *detail)
{
	if (answer->body_octets > STS_BODY_MAX)
		buf_printf(detail, "over %d octets", STS_BODY_MAX);
	else if (answer->headers > STS_HEADERS_MAX)
		buf_printf(detail, "over %d header lines", STS_HEADERS_MAX);
	else
		buf_printf(detail, "over %d octets of header", STS_HEADER_OCTETS_MAX);
	return STS_CAUSE_TOO_LARGE;
}

/* A header's value. */
static void
add_header(struct buf *out, const char *value)
{
	struct buf masked = {0};

	buf_add_masked(&masked, str_of(value));
	buf_add_quoted(out, (struct str){buf_text(&masked), masked.len});
	buf_clear(&masked);
}

/* A redirect is a status like others: it is not followed. */
enum sts_cause
sts_answer_judge(const struct sts_answer *answer, struct buf *detail)
{
	if (!sts_answer_fits(answer))
		return judge_size(answer, detail);
	if (answer->status == 0)
		return STS_CAUSE_BROKEN;
	if (answer->status != 200) {
		buf_printf(detail, "%u", answer->status);
		return STS_CAUSE_STATUS;
	}
	if (answer->type == NULL) {
		buf_printf(detail, "no Content-Type");
		return STS_CAUSE_TYPE;
	}
	if (!sts_type_is_plain(str_of(answer->type))) {
		add_header(detail, answer->type);
		return STS_CAUSE_TYPE;
	}
	if (answer->encoding != NULL &&
	    !str_equal_nocase(str_of(answer->encoding), STR("identity"))) {
		buf_printf(detail, "encoded as ");
		add_header(detail, answer->encoding);
		return STS_CAUSE_TYPE;
	}
	return answer->whole ? STS_CAUSE_OK : STS_CAUSE_BROKEN;
}
