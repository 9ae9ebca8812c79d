/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon, as another process sees it. */
#ifndef CMD_DAEMON_H
#define CMD_DAEMON_H

#include "base/answer.h"
#include "conf/config.h"

/* Does one run on this database? It holds a lock as long as it does. UNSURE: whoever asks
 * may not look. */
enum answer daemon_runs(const struct config *config);

/*
 * Let it see at once what was stored. It watches the directory of its map; where whoever
 * asks may not write there, it sees it in its own time, within a minute.
 */
void daemon_wake(const struct config *config);

#endif
