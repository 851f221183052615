/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * findings.h -- what a consistency check has found
 *
 * The first finding becomes the thread's message; all are logged from level 1.
 */
#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct findings {
	size_t count;
	bool quiet;                                /* count, and say nothing */
	void (*tell)(void *arg, const char *text); /* of each; or NULL */
	void *arg;
};

/* finding -- note one; returns false, so that a check can return it */
bool finding(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3) COLD;

#endif
