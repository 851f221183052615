/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * size.c -- numbers of bytes as people write them
 */
#include "cli/size.h"

#include <stdint.h>
#include <string.h>

#define DECIMAL       10u
#define LG_UNIT_RATIO 10u

/* lg_unit -- the power of two that a suffix stands for; false for none */
static bool
lg_unit(const char *suffix, size_t len, unsigned *ret_lg)
{
	static const char letters[] = "KkMmGgTt";
	const char *at;

	if (len == 0) {
		*ret_lg = 0;
		return true;
	}
	at = memchr(letters, *suffix, sizeof(letters) - 1);
	if (at == NULL)
		return false;
	if (len != 1 && (len != 3 || memcmp(suffix + 1, "iB", 2) != 0))
		return false;
	*ret_lg = LG_UNIT_RATIO * (unsigned)((at - letters) / 2 + 1);
	return true;
}

bool
size_parse(const char *text, size_t len, size_t *ret_size)
{
	size_t value = 0, i = 0;
	unsigned lg;

	for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		size_t digit = (size_t)(text[i] - '0');

		if (value > (PTRDIFF_MAX - digit) / DECIMAL)
			return false;
		value = value * DECIMAL + digit;
	}
	if (i == 0 || !lg_unit(text + i, len - i, &lg))
		return false;
	if (value > (size_t)PTRDIFF_MAX >> lg)
		return false;
	*ret_size = value << lg;
	return true;
}
