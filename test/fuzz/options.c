/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c -- what VMEM_OPTIONS may hold, compared with another reading of it
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/config.h"
#include "fuzz/kit/fuzz.h"

/* set -- one item, if it is understood */
static void
set(struct config *c, const char *item)
{
	const struct {
		const char *name;
		int *at;
		long least, most;
	} known[] = {
		{"hardening", &c->hardening, 0, 3},
		{"decay", &c->decay_ms, -1, INT_MAX},
		{"sparse", &c->sparse, 0, 1},
		{"prefault", &c->prefault, 0, 1},
		{"huge", &c->huge, -1, 1},
		{"abort", &c->abort, 0, 1},
		{"readahead", &c->readahead, 0, 1},
	};
	const char *value = strchr(item, '=');
	if (value == NULL)
		return;
	size_t n = (size_t)(value++ - item);
	/* what strtol() would take as well: a plus, blanks */
	size_t digits = *value == '-';
	digits += strspn(value + digits, "0123456789");
	char *end;
	errno = 0;
	long number = strtol(value, &end, 10);
	if (errno != 0 || *end != '\0' || end == value || end != value + digits)
		return;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == n &&
			strncmp(item, known[i].name, n) == 0 &&
			number >= known[i].least && number <= known[i].most)
			*known[i].at = (int)number;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	char *text = input_text(&in), *rest = text;
	struct config mine = {1, 10000, 0, 0, 0, 0, 0}, theirs = mine;

	config_parse(&theirs, text);
	for (char *item; (item = strsep(&rest, ",")) != NULL;)
		set(&mine, item);
	must(memcmp(&mine, &theirs, sizeof(mine)) == 0);
	free(text);
	return 0;
}
