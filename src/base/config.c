/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.c -- settings from the environment
 */
#include "base/config.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/os.h"

#define OPTIONS_VARIABLE "VMEM_OPTIONS"
#define GUARD_VARIABLE   "VMEM_GUARD"
#define DECIMAL          10
#define MAX_STATUS       255

/* what may be set, and to what; the last one has no name */
struct setting {
	const char *name;
	size_t offset; /* of the int in the struct */
	int least, most;
};

static const struct setting settings[] = {
	{"hardening", offsetof(struct config, hardening), 0,
		CONFIG_MAX_HARDENING},
	{"abort", offsetof(struct config, abort), 0, 1},
	{"decay", offsetof(struct config, decay_ms), -1, INT_MAX},
	{"sparse", offsetof(struct config, sparse), 0, 1},
	{"prefault", offsetof(struct config, prefault), 0, 1},
	{"huge", offsetof(struct config, huge), -1, 1},
	{"readahead", offsetof(struct config, readahead), 0, 1},
	{NULL, 0, 0, 0},
};

static const struct setting guard_settings[] = {
	{"stacks", offsetof(struct config_guard, stacks), 0, 1},
	{"leaks", offsetof(struct config_guard, leaks), 0, 1},
	{"exitcode", offsetof(struct config_guard, exitcode), 0, MAX_STATUS},
	{"quarantine", offsetof(struct config_guard, quarantine), 0, INT_MAX},
	{NULL, 0, 0, 0},
};

/* parse_number -- the decimal number that a text of n bytes is */
static bool
parse_number(const char *text, size_t n, int *ret)
{
	bool negative = n > 1 && text[0] == '-';
	int value = 0;
	for (size_t i = negative; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, DECIMAL, &value) ||
			__builtin_add_overflow(value, text[i] - '0', &value))
			return false;
	}
	*ret = negative ? -value : value;
	return n > 0;
}

/* set -- one NAME=VALUE of n bytes; false: not understood */
static bool
set(void *c, const struct setting *s, const char *text, size_t n)
{
	for (; s->name != NULL; s++) {
		size_t skip = strlen(s->name);
		int value;
		if (n <= skip || strncmp(text, s->name, skip) != 0 ||
			text[skip] != '=')
			continue;
		skip++;
		if (!parse_number(text + skip, n - skip, &value) ||
			value < s->least || value > s->most)
			return false;
		memcpy((char *)c + s->offset, &value, sizeof(value));
		return true;
	}
	return false;
}

/* parse -- a list of them, of the variable of that name */
static void
parse(void *c, const struct setting *s, const char *name, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, ",");
		if (n > 0 && !set(c, s, text, n))
			(void)fail(EINVAL, "%s: \"%.*s\" ignored", name, (int)n,
				text);
		text += n;
		text += *text == ',';
	}
}

void
config_parse(struct config *c, const char *text)
{
	parse(c, settings, OPTIONS_VARIABLE, text);
}

void
config_read(struct config *c)
{
	config_parse(c, os_getenv(OPTIONS_VARIABLE));
}

void
config_read_guard(struct config_guard *c)
{
	const char *text = os_getenv(GUARD_VARIABLE);
	*c = (struct config_guard){.stacks = 1, .quarantine = -1};
	c->off = text != NULL && text[0] == '0' && text[1] == '\0';
	if (c->off == 0)
		parse(c, guard_settings, GUARD_VARIABLE, text);
}
