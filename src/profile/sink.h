/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sink.h -- bytes on their way to a file, plain or in a gzip wrapping
 *
 * The wrapping is gzip's with stored blocks: readers of compressed files take
 * it, and nothing has to be compressed.  An error is kept, and told at the end.
 *
 * Source  RFC 1951 (deflate), RFC 1952 (gzip).
 */
#ifndef PROFILE_SINK_H
#define PROFILE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define SINK_BYTES ((size_t)8192) /* under 65536, the most of a block */

struct sink {
	int fd;
	int err; /* 0, or the first negative errno */
	bool gzip;
	uint32_t crc;   /* of all so far, complemented */
	uint32_t bytes; /* of all so far, modulo 2^32 */
	size_t n;
	unsigned char buffer[SINK_BYTES];
};

void sink_open(struct sink *s, int fd, bool gzip);
void sink_put(struct sink *s, const void *bytes, size_t n);
/* sink_print -- a short text */
void sink_print(struct sink *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* sink_close -- write the rest; returns 0 or a negative errno */
int sink_close(struct sink *s);

#endif
