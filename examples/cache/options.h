/* SPDX-License-Identifier: BSD-3-Clause */
/* options.h -- the command line of vmem-cache */
#ifndef CACHE_OPTIONS_H
#define CACHE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct options {
	const char *dir;  /* of the pool; or a device DAX node */
	size_t size;      /* of the pool, bytes */
	size_t value_max; /* bytes */
	size_t connections_max;
	uint16_t port; /* 0: any */
};

/* options_parse -- exits with a message when they are wrong */
void options_parse(int argc, char **argv, struct options *ret_options);

#endif /* CACHE_OPTIONS_H */
