/* SPDX-License-Identifier: BSD-2-Clause */
/* What a pin does that whoever sets it should know: warnings on stderr. */
#ifndef CMD_PIN_WARN_H
#define CMD_PIN_WARN_H

#include "cmd/nodes.h"
#include "cmd/pin.h"

/* A pin stands above the guard of passwords: where one goes out at less than the default
 * level. */
void pin_warn_of_passwords(const struct cmd_nodes *nodes, const struct pins *pins);

/* The level that applies where a pin is no entry; LEVEL_UNKNOWN: settings is NULL, as
 * Postfix could not be asked, and the configuration names none. */
enum level pin_warn_standard(
    const struct config *config, const struct postfix_settings *settings);

/* DNS is asked: where usable TLSA records are left unused. What it cannot tell is not
 * reported. */
void pin_warn_of_dane(
    const struct config *config, enum level standard, const struct pins *pins);

/* Where a policy is held that the pin switches off (RFC 8461; no level but secure holds
 * to one, with names that it allows, and DANE is more), and where nothing is verified.
 * settings NULL: Postfix could not be asked. */
void pin_warn_of_policies(const struct config *config, enum level standard,
    const struct postfix_settings *settings, const struct pins *pins);

/* Where mail may go in cleartext again. */
void pin_warn_of_cleartext(
    const struct config *config, enum level standard, const struct pins *pins);

#endif
