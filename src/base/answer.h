/* SPDX-License-Identifier: BSD-2-Clause */
/* Three answers, never two. */
#ifndef BASE_ANSWER_H
#define BASE_ANSWER_H

enum answer {
	ANSWER_UNSURE, /* could not tell */
	ANSWER_NO,
	ANSWER_YES,
};

#endif
