/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buffer.h -- bytes that come in at one end and go out at the other
 *
 * Used for what a connection has sent and for what it is to receive.  Plain
 * heap memory; not thread-safe.
 */
#ifndef CACHE_BUFFER_H
#define CACHE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *memory;
	size_t start;    /* of the first byte that is there */
	size_t size;     /* bytes that are there */
	size_t capacity; /* of memory */
};

/* buffer_data -- the first byte; valid until the next call on the buffer */
static inline const char *
buffer_data(const struct buffer *buffer)
{
	return buffer->memory + buffer->start;
}

/* buffer_room -- room for `size` more bytes at the end; NULL: no memory */
char *buffer_room(struct buffer *buffer, size_t size);

/* buffer_added -- so many bytes were written where buffer_room() said */
void buffer_added(struct buffer *buffer, size_t size);

/* buffer_append -- false: no memory, and nothing was added */
bool buffer_append(struct buffer *buffer, const void *data, size_t size);

/* buffer_drop -- forget the first `size` bytes; an empty one keeps little */
void buffer_drop(struct buffer *buffer, size_t size);

void buffer_fini(struct buffer *buffer);

#endif /* CACHE_BUFFER_H */
