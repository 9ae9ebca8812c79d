/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/sts.h"

#include <assert.h>

#define LABEL_MAX       63
#define NAME_MAX_LENGTH 253

static const char *const modes[] = {
    [STS_MODE_NONE] = "none",
    [STS_MODE_TESTING] = "testing",
    [STS_MODE_ENFORCE] = "enforce",
};

static const struct {
	const char *word, *sentence, *result;
} causes[] = {
#define CAUSE_ROW(name, word, sentence, result) {word, sentence, result},
    STS_CAUSES(CAUSE_ROW)
#undef CAUSE_ROW
};

const char *
sts_mode_name(enum sts_mode mode)
{
	assert(mode < STS_MODE_COUNT);
	return modes[mode];
}

bool
sts_mode_parse(struct str name, enum sts_mode *mode)
{
	for (unsigned i = 0; i < STS_MODE_COUNT; i++) {
		if (str_is(name, modes[i])) {
			*mode = (enum sts_mode)i;
			return true;
		}
	}
	return false;
}

const char *
sts_cause_name(enum sts_cause cause)
{
	assert(cause < STS_CAUSE_COUNT);
	return causes[cause].word;
}

const char *
sts_cause_sentence(enum sts_cause cause)
{
	assert(cause < STS_CAUSE_COUNT);
	return causes[cause].sentence;
}

const char *
sts_cause_result(enum sts_cause cause)
{
	assert(cause < STS_CAUSE_COUNT);
	return causes[cause].result;
}

bool
sts_cause_parse(struct str name, enum sts_cause *cause)
{
	for (unsigned i = 0; i < STS_CAUSE_COUNT; i++) {
		if (str_is(name, causes[i].word)) {
			*cause = (enum sts_cause)i;
			return true;
		}
	}
	return false;
}

static bool
is_label(struct str label, bool *digits)
{
	if (label.len == 0 || label.len > LABEL_MAX || label.p[0] == '-' ||
	    label.p[label.len - 1] == '-')
		return false;
	*digits = true;
	for (size_t i = 0; i < label.len; i++) {
		char c = label.p[i];

		if (!ascii_is_alnum(c) && c != '-' && c != '_')
			return false;
		*digits = *digits && ascii_is_digit(c);
	}
	return true;
}

bool
sts_is_host_name(struct str name)
{
	struct str label;
	bool digits;

	if (name.len > NAME_MAX_LENGTH)
		return false;
	while (str_cut(&name, '.', &label))
		if (!is_label(label, &digits))
			return false;
	return is_label(name, &digits) && !digits;
}

bool
sts_policy_domain(const struct nexthop *nexthop, char out[NEXTHOP_HOST_SIZE])
{
	struct str host = str_of(nexthop->host);

	out[0] = '\0';
	if (nexthop->literal || !sts_is_host_name(host) ||
	    host.len + sizeof("mta-sts.") - 1 > NAME_MAX_LENGTH)
		return false;
	for (size_t i = 0; i <= host.len; i++)
		out[i] = ascii_lower(nexthop->host[i]);
	return true;
}
