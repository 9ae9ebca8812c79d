/* SPDX-License-Identifier: BSD-2-Clause */
/* What a service manager wants to hear: sd_notify(3) as one datagram, no libsystemd. */
#ifndef SYS_SERVICE_H
#define SYS_SERVICE_H

/* "READY=1", "STOPPING=1", "STATUS=...", several lines in one. Without NOTIFY_SOCKET
 * nothing happens. Failure is ignored: nobody could be told. */
void service_notify(const char *state);

#endif
