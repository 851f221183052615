/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * findings.c -- what a consistency check has found
 */
#include "base/findings.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"

#define FINDING_MAX 256

bool
finding(struct findings *f, const char *fmt, ...)
{
	char text[FINDING_MAX];
	va_list ap;
	if (f->quiet) {
		f->count++;
		return false;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (f->tell != NULL)
		f->tell(f->arg, text);
	if (f->count++ == 0)
		(void)fail(0, "pool is inconsistent: %s", text);
	else
		LOG(1, "pool is inconsistent: %s", text);
	return false;
}
