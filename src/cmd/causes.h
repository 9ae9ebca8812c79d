/* SPDX-License-Identifier: BSD-2-Clause */
/* Why TLS failed last at the MX hosts of a destination, for explain and check. */
#ifndef CMD_CAUSES_H
#define CMD_CAUSES_H

#include "base/buf.h"
#include "core/destination.h"
#include "store/store.h"

/* Of each host of it that has a cause, a line of text below a heading; none: nothing. */
bool causes_print(
    struct store *store, const struct destination *d, struct buf *out, struct err *err);

/* ,"causes":[{"host":..., "cause":..., "time":..., "until":..., "over":...}, ...] */
bool causes_print_json(
    struct store *store, const struct destination *d, struct buf *out, struct err *err);

/* "expired at TIME: its certificate has expired; it was good until TIME"; time is printed
 * as by buf_add_time(). Only where there is a cause. */
void causes_describe(const struct host_cause *cause, struct buf *out);

/* The members of an object: ,"cause":..., "time":..., "until":..., "over":... */
void causes_describe_json(const struct host_cause *cause, struct buf *out);

#endif
