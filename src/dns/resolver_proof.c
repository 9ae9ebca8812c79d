/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/resolver_proof.h"

#include <stdio.h>
#include <string.h>

#include "sys/clock.h"

#define KNOWN_FOR_MAX_S 3600

/* Questions for the sake of proof in one gathering. Hosts share most of them. */
#define BUDGET 600

#define CHECK_EVERY_MS    60000
#define PERMISSIVE_FOR_MS 3600000

static const char permissive_text[] =
    "the resolver passes on answers that a signed zone cannot have: permissive mode or a "
    "negative trust anchor";

/* --- what is known ----------------------------------------------------------------- */

static const struct proof_reply *
recall(const struct prover *prover, const char *name, enum rr_type type, int64_t now_ms)
{
	for (unsigned i = 0; i < PROVER_KNOWN_MAX; i++) {
		const struct known *known = &prover->known[i];

		if (known->until_ms > now_ms && known->type == type &&
		    strcmp(known->name, name) == 0)
			return &known->reply;
	}
	return NULL;
}

static void
forget_all(struct prover *prover)
{
	for (unsigned i = 0; i < PROVER_KNOWN_MAX; i++)
		prover->known[i].until_ms = 0;
}

static void
remember(struct prover *prover, const struct question *question,
    const struct proof_reply *reply, int64_t now_ms)
{
	struct known *known = &prover->known[prover->next_known];
	uint32_t ttl_s = question->reply.ttl_s;

	if (reply->kind == PROOF_ERROR || ttl_s == UINT32_MAX ||
	    (question->type != RR_SOA && question->type != RR_DS))
		return;
	/* That a zone is signed is asked for each time: an old answer and a zone that has
	 * just become unsigned would look like a resolver in permissive mode. */
	if (reply->kind == PROOF_DATA && reply->ad && question->type == RR_DS)
		return;
	if (ttl_s > KNOWN_FOR_MAX_S)
		ttl_s = KNOWN_FOR_MAX_S;
	*known = (struct known){.type = question->type,
	    .until_ms = now_ms + (int64_t)ttl_s * 1000,
	    .reply = *reply};
	memcpy(known->name, question->name, sizeof(known->name));
	prover->next_known = (prover->next_known + 1) % PROVER_KNOWN_MAX;
}

/* --- questions and replies --------------------------------------------------------- */

static struct proof_reply
reply_of(const struct question *question)
{
	struct proof_reply reply = question->reply.proof;

	if (question->answer == DNS_ERROR)
		return (struct proof_reply){.kind = PROOF_ERROR};
	reply.ad = question->answer == DNS_SECURE || question->answer == DNS_NONE_SECURE;
	if (question->alias)
		reply.kind = PROOF_ALIAS;
	return reply;
}

static enum rr_type
type_of(const struct proof_job *job)
{
	switch (job->proof.ask) {
	case PROOF_ASK_CNAME:
		return RR_CNAME;
	case PROOF_ASK_SOA:
		return RR_SOA;
	case PROOF_ASK_DS:
		return RR_DS;
	case PROOF_ASK_SAME:
		break;
	}
	return job->question->type;
}

/* Put its question into the wave, once for all that ask the same. False: it is full. */
static bool
join_wave(struct prover *prover, struct proof_job *job, unsigned *count)
{
	enum rr_type type = type_of(job);

	for (unsigned i = 0; i < *count; i++) {
		if (prover->wave[i].type == type &&
		    strcmp(prover->wave[i].name, job->proof.name) == 0) {
			job->waits_for = i;
			return true;
		}
	}
	if (*count == PROVER_WAVE_MAX)
		return false;
	prover->wave[*count] = (struct question){.type = type};
	memcpy(prover->wave[*count].name, job->proof.name, NEXTHOP_HOST_SIZE);
	job->waits_for = (*count)++;
	return true;
}

static void
take(struct proof_job *job, const struct question *question)
{
	struct proof_reply reply = reply_of(question);

	proof_take(&job->proof, &reply);
	if (question->answer == DNS_ERROR)
		memcpy(job->trouble, question->trouble, sizeof(job->trouble));
}

/* One question of each job that has one left. False: nothing is left to ask. */
static bool
ask_wave(
    struct prover *prover, struct link *link, struct proof_job *jobs, unsigned jobs_count)
{
	int64_t now_ms = clock_monotonic_ms();
	unsigned count = 0;

	for (unsigned i = 0; i < jobs_count; i++) {
		struct proof_job *job = &jobs[i];
		const struct proof_reply *known;

		job->waits_for = UINT32_MAX;
		while (job->proof.verdict == PROOF_OPEN &&
		    (known = recall(prover, job->proof.name, type_of(job), now_ms)) !=
		        NULL)
			proof_take(&job->proof, known);
		if (job->proof.verdict == PROOF_OPEN &&
		    !dns_name_is_valid(str_of(job->proof.name)))
			job->proof.verdict = PROOF_UNSURE;
		if (job->proof.verdict == PROOF_OPEN)
			join_wave(prover, job, &count);
	}
	if (count == 0 || count > prover->budget)
		return false;
	prover->budget -= count;
	link_ask(link, prover->wave, count);
	now_ms = clock_monotonic_ms();
	for (unsigned i = 0; i < count; i++) {
		struct proof_reply reply = reply_of(&prover->wave[i]);

		remember(prover, &prover->wave[i], &reply, now_ms);
	}
	for (unsigned i = 0; i < jobs_count; i++)
		if (jobs[i].proof.verdict == PROOF_OPEN && jobs[i].waits_for < count)
			take(&jobs[i], &prover->wave[jobs[i].waits_for]);
	return true;
}

/* --- verdicts ---------------------------------------------------------------------- */

static void
note_permissive(struct prover *prover, const struct question *question)
{
	/* The earlier answers may have been forged. */
	if (!prover->permissive)
		forget_all(prover);
	prover->permissive = true;
	prover->seen_type = question->type;
	memcpy(prover->seen_name, question->name, sizeof(prover->seen_name));
	prover->seen_ms = prover->checked_ms = clock_monotonic_ms();
}

static void
conclude(struct prover *prover, struct proof_job *job)
{
	const struct question *question = job->question;

	if (job->proof.verdict == PROOF_OPEN)
		job->proof.verdict = PROOF_UNSURE;
	if (job->proof.verdict == PROOF_PERMISSIVE) {
		snprintf(job->trouble, sizeof(job->trouble), "%s", permissive_text);
		/* Opt-out that does not count is no new evidence of permissive mode. */
		if (!job->proof.rests_on_opt_out)
			note_permissive(prover, question);
	} else if (question->answer == DNS_ERROR) {
		memcpy(job->trouble, question->trouble, sizeof(job->trouble));
	} else if (job->trouble[0] == '\0') {
		snprintf(job->trouble, sizeof(job->trouble),
		    "%.60s %s: not validated, and not proven to be unsigned",
		    question->name, rr_type_name(question->type));
	}
}

void
prover_begin(struct prover *prover, struct link *link)
{
	struct question again = {.type = prover->seen_type};
	int64_t now_ms = clock_monotonic_ms();

	prover->budget = BUDGET;
	if (!prover->permissive || now_ms - prover->checked_ms < CHECK_EVERY_MS)
		return;
	prover->checked_ms = now_ms;
	memcpy(again.name, prover->seen_name, sizeof(again.name));
	link_ask(link, &again, 1);
	if (again.answer == DNS_INSECURE || again.answer == DNS_NONE_INSECURE)
		prover->seen_ms = now_ms;
	/* That it validates now may be due to the zone, but that it is refused is not. */
	if ((again.answer == DNS_ERROR && again.reply.kind == REPLY_REFUSE) ||
	    now_ms - prover->seen_ms >= PERMISSIVE_FOR_MS) {
		prover->permissive = false;
		forget_all(prover);
	}
}

void
prover_judge(
    struct prover *prover, struct link *link, struct proof_job *jobs, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct proof_reply reply = reply_of(jobs[i].question);

		proof_start(
		    &jobs[i].proof, jobs[i].question->name, &reply, prover->permissive);
	}
	while (ask_wave(prover, link, jobs, count))
		;
	for (unsigned i = 0; i < count; i++)
		conclude(prover, &jobs[i]);
}
