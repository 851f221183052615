/* SPDX-License-Identifier: BSD-3-Clause */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN ((size_t)4096)

/* more than this is given back when the buffer is empty */
#define CAPACITY_KEPT ((size_t)64 * 1024)

char *
buffer_room(struct buffer *buffer, size_t size)
{
	size_t capacity = buffer->capacity;
	char *memory;

	if (buffer->start + buffer->size + size <= capacity)
		return buffer->memory + buffer->start + buffer->size;
	if (buffer->start > 0) {
		memmove(buffer->memory, buffer_data(buffer), buffer->size);
		buffer->start = 0;
	}
	if (capacity == 0)
		capacity = CAPACITY_MIN;
	while (capacity < buffer->size + size)
		capacity *= 2;
	if (capacity > buffer->capacity) {
		memory = realloc(buffer->memory, capacity);
		if (memory == NULL)
			return NULL;
		buffer->memory = memory;
		buffer->capacity = capacity;
	}
	return buffer->memory + buffer->size;
}

void
buffer_added(struct buffer *buffer, size_t size)
{
	buffer->size += size;
}

bool
buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	char *room = buffer_room(buffer, size);

	if (room == NULL)
		return false;
	memcpy(room, data, size);
	buffer_added(buffer, size);
	return true;
}

void
buffer_drop(struct buffer *buffer, size_t size)
{
	buffer->start += size;
	buffer->size -= size;
	if (buffer->size > 0)
		return;
	buffer->start = 0;
	if (buffer->capacity > CAPACITY_KEPT)
		buffer_fini(buffer);
}

void
buffer_fini(struct buffer *buffer)
{
	free(buffer->memory);
	*buffer = (struct buffer){0};
}
