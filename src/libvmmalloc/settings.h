/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings.h -- what the environment asks of the preload library
 */
#ifndef LIBVMMALLOC_SETTINGS_H
#define LIBVMMALLOC_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "libvmmalloc/tiers.h"
#include "pool/pool.h"

struct settings {
	struct tier_plan plan; /* one tier, unless VMMALLOC_TIERS has more */
	enum pool_fork fork;
	bool stats; /* print them when the program ends */
};

/*
 * settings_read -- all of it; ends the process with a line that says what is
 * wrong, as the program has asked for something that cannot be had
 */
void settings_read(struct settings *ret);

/*
 * parse_size -- bytes, with a suffix K, M, G or T (powers of 1024) or none
 * Stops at the first character that is no part of it, *end.  Returns false for
 * what is no number or does not fit.
 */
bool parse_size(const char *text, const char **end, size_t *ret);

#endif
