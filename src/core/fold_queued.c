/* SPDX-License-Identifier: BSD-2-Clause */
/* What the queue has of a message, read as the status line that it came from. */
#include "base/buf.h"
#include "base/masked.h"
#include "base/span.h"
#include "core/fold_impl.h"

bool
fold_is_policy_refused(const struct trouble *trouble)
{
	return str_is(trouble->reason, "client TLS configuration problem");
}

/* The queue's words as the status line that they came from, which is as good as text. */
static bool
parse_queued(struct buf *text, struct str queue_id, struct str recipient,
    struct str reason, int64_t age_s, struct parsed *line)
{
	/* It would write a line of its own. */
	if (memchr(recipient.p, '>', recipient.len) != NULL)
		return false;
	/* qmgr(8) repeats, for a message that was not tried, the reason of one that
	 * was. */
	str_eat(&reason, STR("delivery temporarily suspended: "));
	buf_add_str(text, queue_id);
	buf_printf(text, ": to=<");
	buf_add_str(text, recipient);
	buf_printf(text, ">, relay=none, delay=%lld, delays=0/0/0/0, status=deferred (",
	    (long long)(age_s > 0 && age_s < INT32_MAX ? age_s : 0));
	buf_add_str(text, reason);
	buf_printf(text, ")");
	return parsed_from_status(
	    (struct str){buf_text(text), text->len}, STR("smtp"), line);
}

void
fold_queued(struct fold *fold, struct str queue_id, struct str recipient,
    struct str reason, int64_t arrival_s, int64_t now_ms)
{
	int64_t age_s = arrival_s > 0 ? now_ms / SPAN_SECOND_MS - arrival_s : 0;
	struct buf text = {0};
	struct parsed line;

	if (parse_queued(&text, queue_id, recipient, reason, age_s, &line)) {
		line.time_ms = now_ms;
		fold_status(fold, NULL, NULL, &line, true);
	}
	buf_clear(&text);
}

bool
fold_recognises_queued(const struct rules *rules, struct rules_matcher *matcher,
    struct str queue_id, struct str recipient, struct str reason)
{
	struct buf text = {0};
	struct parsed line;
	unsigned ignored = 0; /* they are counted where it is folded */
	bool known = parse_queued(&text, queue_id, recipient, reason, 0, &line) &&
	    trouble_of(rules, matcher, &line.status, line.service, NULL, NULL, &ignored)
	            .rule >= 0;

	buf_clear(&text);
	return known;
}

bool
fold_shown(struct fold *fold, struct str queue_id, struct str recipient,
    struct str reason, struct fold_shown *out)
{
	struct trouble trouble = {.rule = -1};
	struct buf text = {0};
	struct parsed line;

	if (parse_queued(&text, queue_id, recipient, reason, 0, &line))
		trouble = fold_trouble(fold, &line, NULL, NULL);
	if (trouble.rule >= 0) {
		*out = (struct fold_shown){
		    .rule = (unsigned)trouble.rule,
		    .mark = marks_of(&fold->marks, line.status.own_reason),
		    .policy_refused = fold_is_policy_refused(&trouble),
		    .cause = trouble.cause,
		};
		masked_copy(trouble.reason, out->reason, sizeof(out->reason));
		trouble_copy_server(&trouble, out->relay, sizeof(out->relay));
	}
	buf_clear(&text);
	return trouble.rule >= 0;
}
