/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * assert.c -- the last words of the process
 */
#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"

static const char *die_name = "libvmem"; /* set once, at the library's start */

void
die_set_name(const char *name)
{
	die_name = name;
}

void
die(const char *fmt, ...)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "Error (%s): ", die_name);
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	size_t len = strlen(text);
	text[len++] = '\n';
	/* a cancelled thread would end in write, and the process live on */
	(void)os_cancel_off();
	os_write(STDERR_FILENO, text, len);
	abort();
}
