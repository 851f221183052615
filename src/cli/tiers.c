/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tiers.c -- the text of VMMALLOC_TIERS
 */
#include "cli/tiers.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "cli/command.h"
#include "cli/size.h"

#define NAME_CHARACTERS                                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* check_tier -- KIND or KIND:SIZE, of `len` characters */
static int
check_tier(const char *item, int item_len, const char *kind, size_t len)
{
	const char *colon = memrchr(kind, ':', len);
	size_t size;

	if (len == 0 || colon == kind)
		return refuse(STATUS_USAGE,
			"tiers: '%.*s' says no kind of memory", item_len, item);
	if (colon == NULL)
		return 0;
	len -= (size_t)(colon + 1 - kind);
	/* the library knows the letters alone */
	if (!size_parse(colon + 1, len, &size) || size == 0 ||
		colon[len] == 'B')
		return refuse(STATUS_USAGE,
			"tiers: '%.*s' is no size in '%.*s'", (int)len,
			colon + 1, item_len, item);
	return 0;
}

/* check_item -- a tier or a setting; counts the tiers */
static int
check_item(const char *item, size_t len, size_t *ntiers)
{
	size_t name_len = strspn(item, NAME_CHARACTERS);
	const char *rest = item + name_len + 1;
	char mark = item[name_len];

	if (name_len == 0 || name_len >= len || (mark != ':' && mark != '='))
		return refuse(STATUS_USAGE,
			"tiers: '%.*s' is neither NAME:KIND[:SIZE] nor "
			"KEY=VALUE",
			(int)len, item);
	len -= name_len + 1;
	if (mark == ':') {
		++*ntiers;
		return check_tier(item, (int)(name_len + 1 + len), rest, len);
	}
	if (len == 0)
		return refuse(STATUS_USAGE, "tiers: '%.*s' has no value",
			(int)name_len + 1, item);
	return 0;
}

int
tiers_check(const char *list)
{
	size_t ntiers = 0;
	int status = 0;

	for (const char *item = list; status == 0;) {
		size_t len = strcspn(item, ",");

		status = check_item(item, len, &ntiers);
		if (item[len] == '\0')
			break;
		item += len + 1;
	}
	if (status == 0 && ntiers == 0)
		return refuse(STATUS_USAGE, "tiers: '%s' names no tier", list);
	return status;
}
