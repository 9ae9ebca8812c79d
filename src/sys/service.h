/* SPDX-License-Identifier: BSD-2-Clause */
/* Notes to the service manager: sd_notify(3) as one datagram, no libsystemd. */
#ifndef SYS_SERVICE_H
#define SYS_SERVICE_H

/* "READY=1", "STOPPING=1", "STATUS=...", several lines in one. Without NOTIFY_SOCKET
 * nothing happens. Failure is ignored, as it could not be reported anywhere. */
void service_notify(const char *state);

#endif
