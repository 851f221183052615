/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.c -- how a command speaks to the user
 */
#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* say -- a line on stderr that begins with the command's name */
static void
say(const char *kind, const char *fmt, va_list args)
{
	fprintf(stderr, "%s: %s", program_invocation_short_name, kind);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

int
refuse(int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("", fmt, args);
	va_end(args);
	return status;
}

void
warn_user(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("warning: ", fmt, args);
	va_end(args);
}
