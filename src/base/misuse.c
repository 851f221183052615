/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * misuse.c -- what the program has done wrong is said, or ends it
 */
#include "base/misuse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/error.h"

#define MISUSE_MAX 256

static bool misuse_stops; /* atomic, relaxed: stands by itself */

void
misuse_init(bool stops)
{
	if (stops)
		store_relaxed(&misuse_stops, true);
}

static void
tell(bool message, const char *fmt, va_list ap)
{
	char text[MISUSE_MAX];
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (load_relaxed(&misuse_stops))
		die("%s", text);
	if (message)
		(void)fail(EINVAL, "%s", text);
}

int
misuse(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	tell(true, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void
misuse_late(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	tell(false, fmt, ap);
	va_end(ap);
}
