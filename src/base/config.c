/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.c -- settings from the environment
 */
#include "base/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/os.h"

#define OPTIONS_VARIABLE "VMEM_OPTIONS"
#define DECIMAL          10u

/* parse_number -- the decimal number that a text of n bytes is, to `most` */
static bool
parse_number(const char *text, size_t n, unsigned most, unsigned *ret)
{
	unsigned value = 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * DECIMAL + (unsigned)(text[i] - '0');
		if (value > most)
			return false;
	}
	if (n > 0)
		*ret = value;
	return n > 0;
}

struct config
config_parse(const char *text)
{
	static const char name[] = "hardening=";
	struct config c = {CONFIG_DEFAULT_HARDENING};
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, ",");
		size_t skip = sizeof(name) - 1;
		if (n > skip && strncmp(text, name, skip) == 0)
			(void)parse_number(text + skip, n - skip,
				CONFIG_MAX_HARDENING, &c.hardening);
		text += n;
		text += *text == ',';
	}
	return c;
}

struct config
config_read(void)
{
	return config_parse(os_getenv(OPTIONS_VARIABLE));
}
