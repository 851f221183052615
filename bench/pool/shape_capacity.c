/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_capacity.c -- how much a pool holds
 *
 * It is filled until malloc gives NULL; then param times a random half is freed
 * and it is filled again.  What was asked for counts, as a part of the pool.
 * Objects are not written to: the sizes are what counts.
 */
#include "job.h"

#include <stdlib.h>

struct object {
	void *ptr;
	size_t size;
};

struct fill {
	struct job *job;
	struct object *objects;
	size_t n;
	size_t payload;
	uint64_t random;
};

static const char *
begin(struct job *job)
{
	/* what has no bounds cannot be full */
	return job->pool.bounded ? NULL : "a pool without bounds";
}

static void
fill_up(struct fill *fill)
{
	const struct work *work = fill->job->work;
	const struct heap *heap = &fill->job->plain[0];

	for (;;) {
		size_t size = work->size_min +
			      numbers_below(&fill->random,
				      work->size_max - work->size_min + 1);
		void *ptr = heap->alloc(heap->ctx, size);

		if (ptr == NULL || fill->payload > work->pool_size)
			return;
		fill->objects[fill->n++] = (struct object){ptr, size};
		fill->payload += size;
	}
}

/* empty -- free each object with a chance of one in `part` */
static void
empty(struct fill *fill, size_t part)
{
	const struct heap *heap = &fill->job->plain[0];
	size_t nkept = 0;

	for (size_t i = 0; i < fill->n; i++) {
		struct object object = fill->objects[i];

		if (numbers_below(&fill->random, part) != 0) {
			fill->objects[nkept++] = object;
			continue;
		}
		heap->free(heap->ctx, object.ptr);
		fill->payload -= object.size;
	}
	fill->n = nkept;
}

static double
run(struct job *job, size_t nops)
{
	const struct work *work = job->work;
	struct fill fill = {.job = job, .random = NUMBERS_SEED};
	double percent;

	(void)nops;
	fill.objects = calloc(
		work->pool_size / work->size_min + 1, sizeof(struct object));
	if (fill.objects == NULL)
		return -1;
	fill_up(&fill);
	for (size_t i = 0; i < work->param; i++) {
		empty(&fill, 2);
		fill_up(&fill);
	}
	percent = 100 * (double)fill.payload / (double)work->pool_size;
	empty(&fill, 1);
	free(fill.objects);
	return percent;
}

static void
end(struct job *job)
{
	(void)job;
}

const struct shape shape_capacity = {
	.unit = UNIT_PERCENT,
	.op = "payload of the pool when it is full",
	.whole = true,
	.begin = begin,
	.run = run,
	.end = end,
};
