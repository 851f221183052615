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
#define DECIMAL          10

/* what may be set, and to what */
static const struct setting {
	const char *name;
	size_t offset; /* of the int in struct config */
	int least, most;
} settings[] = {
	{"hardening", offsetof(struct config, hardening), 0,
		CONFIG_MAX_HARDENING},
	{"decay", offsetof(struct config, decay_ms), -1, INT_MAX},
	{"sparse", offsetof(struct config, sparse), 0, 1},
	{"prefault", offsetof(struct config, prefault), 0, 1},
	{"huge", offsetof(struct config, huge), -1, 1},
};

#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

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
set(struct config *c, const char *text, size_t n)
{
	for (size_t i = 0; i < NSETTINGS; i++) {
		const struct setting *s = &settings[i];
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

void
config_parse(struct config *c, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, ",");
		if (n > 0 && !set(c, text, n))
			(void)fail(EINVAL,
				OPTIONS_VARIABLE ": \"%.*s\" ignored", (int)n,
				text);
		text += n;
		text += *text == ',';
	}
}

void
config_read(struct config *c)
{
	config_parse(c, os_getenv(OPTIONS_VARIABLE));
}
