/* SPDX-License-Identifier: BSD-2-Clause */
/* What scripted servers do. */
#include "base/str.h"
#include "core/names.h"
#include "enginekit.h"

void
world_verifies(const struct finger_question *question, struct server *server)
{
	*server = (struct server){.chain = ANSWER_YES,
	    .probe = {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_NO}};
	names_add(server->names, str_of(question->host));
}

void
world_self_signed(const struct finger_question *question, struct server *server)
{
	world_verifies(question, server);
	server->chain = ANSWER_NO;
	server->probe.cause = CAUSE_SELF_SIGNED;
}

void
world_is_silent(const struct finger_question *question, struct server *server)
{
	(void)question;
	*server = (struct server){.probe = {.end = PROBE_SILENT}};
}

void
world_does_no_tls(const struct finger_question *question, struct server *server)
{
	(void)question;
	*server = (struct server){.probe = {.end = PROBE_PLAIN, .encrypt = ANSWER_NO}};
}
