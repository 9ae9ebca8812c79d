/* SPDX-License-Identifier: BSD-2-Clause */
/* The MTA-STS policy that is kept of a destination's domain, for explain. */
#ifndef CMD_EXPLAIN_POLICY_H
#define CMD_EXPLAIN_POLICY_H

#include "base/buf.h"
#include "core/destination.h"
#include "store/store.h"

/* Its mode and end, and each MX host against it; below a heading, where there is one.
 * Without one that is live: nothing. enable: mta_sts.enable; else that is said. */
bool explain_policy(const struct destination *d, struct store *store, bool enable,
    struct buf *out, struct err *err);

/* ,"policy":{"mode":..., "until":..., "hosts":[{"host":..., "allowed":...}, ...]}, or
 * null. */
bool explain_policy_json(
    const struct destination *d, struct store *store, struct buf *out, struct err *err);

#endif
