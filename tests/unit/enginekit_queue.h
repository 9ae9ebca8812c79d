/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of the scripted Postfix, for enginekit: as engine/world.h has it, and the
 * lines by which it changes. Nodes have one each.
 */
#ifndef ENGINEKIT_QUEUE_H
#define ENGINEKIT_QUEUE_H

#include "enginekit.h"

/* It is done once more, and fails where it is to. */
bool kit_does(struct world_work *work, struct err *err);
/* ... on a node, which may be away. */
bool kit_does_at(const struct postfix *postfix, struct world_work *work, struct err *err);
/* The host of a node, "" of the only Postfix. */
const char *kit_host_of(const struct postfix *postfix);

/* The queue is changed before the line is written. */
void kit_note_mail(const char *host, const char *text);

bool kit_read_queue(const struct postfix *postfix,
    void (*fn)(void *context, const struct queued *queued), void *context,
    struct queue_refused *refused, struct err *err);
bool kit_retry_mail(const struct postfix *postfix, const char *const *queue_ids,
    size_t count, struct err *err);
bool kit_flush_mail(const struct postfix *postfix, struct err *err);

#endif
