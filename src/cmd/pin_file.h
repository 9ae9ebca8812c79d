/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins as words: of the command line, and of a file for `set --from`. */
#ifndef CMD_PIN_FILE_H
#define CMD_PIN_FILE_H

#include "cmd/pin.h"

/* The level of a pin. False: it is none, and why says so, to stand behind the word. */
bool pin_read_level(const char *word, enum level *level, struct buf *why);

/*
 * Attributes, parted by blanks, into out. version: mail_version of Postfix, NULL:
 * unknown. False: why is a sentence that begins with the wrong one.
 */
bool pin_read_attributes(char *const *words, size_t count, enum level level,
    const char *version, struct buf *out, struct buf *why);

/*
 * Lines of DOMAIN LEVEL [ATTR=VALUE]..., with comments behind a #, of a file or (-) of
 * standard input, into pins. 0, or the exit status after every complaint was printed as
 * FILE:LINE.
 */
int pin_read_file(const char *path, const char *version, struct pins *pins);

#endif
