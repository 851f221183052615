/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crew.c -- threads that come and go, and exchange objects of all sizes
 */
#include "soak/soak.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define BATCH   16u
#define BEAT_MS 20u   /* from one part of a member's work to the next */
#define LATE_MS 1000u /* what is not made good when the machine is busy */

/* share -- of a hundred, sizes up to `most` */
static const struct {
	size_t share, most;
} sizes[] = {{70, 512}, {20, 8 * KIB}, {8, 64 * KIB}, {2, MIB}};

static size_t
random_size(struct rng *rng)
{
	size_t at = rng_between(rng, 0, 99), least = sizeof(struct item);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		if (at < sizes[i].share)
			return rng_between(rng, least, sizes[i].most);
		at -= sizes[i].share;
		least = sizes[i].most;
	}
	return least;
}

/* item_fill -- make an object known that is new or has another size */
static struct item *
item_fill(struct soak *s, struct rng *rng, struct item *item, size_t size)
{
	if (item == NULL) {
		must(errno == ENOMEM);
		return NULL;
	}
	item->size = size;
	item->tag = rng_next(rng);
	test_fill(item->payload, size - sizeof(*item), item->tag);
	atomic_fetch_add(&s->asked, size);
	return item;
}

static void
item_verify(const struct item *item)
{
	must(test_holds(item->payload, item->size - sizeof(*item), item->tag));
}

struct item *
item_new(struct soak *s, VMEM *vmp, struct rng *rng)
{
	size_t size = random_size(rng);
	void *p;

	switch (rng_between(rng, 0, 9)) {
	case 0:
		p = vmem_calloc(vmp, 1, size);
		break;
	case 1:
		p = vmem_aligned_alloc(
			vmp, (size_t)16 << rng_between(rng, 0, 9), size);
		break;
	default:
		p = vmem_malloc(vmp, size);
	}
	return item_fill(s, rng, p, size);
}

void
item_free(struct soak *s, VMEM *vmp, struct item *item)
{
	if (item == NULL)
		return;
	item_verify(item);
	atomic_fetch_sub(&s->asked, item->size);
	vmem_free(vmp, item);
}

/* resize -- the object, or NULL when it could not be kept */
static struct item *
resize(struct soak *s, VMEM *vmp, struct rng *rng, struct item *item)
{
	size_t size = random_size(rng), was = item->size;
	struct item *moved;

	item_verify(item);
	moved = vmem_realloc(vmp, item, size);
	if (moved == NULL) {
		must(errno == ENOMEM && size > was);
		return item;
	}
	must(moved->size == was);
	atomic_fetch_sub(&s->asked, was);
	return item_fill(s, rng, moved, size);
}

/* is_low_tide -- is it a time at which objects are not replaced? */
static bool
is_low_tide(const struct soak *s)
{
	uint64_t at = (test_ms() - s->start_ms) % SOAK_TIDE_MS;

	return at > SOAK_TIDE_MS / 2;
}

static void
exchange(struct soak *s, struct rng *rng)
{
	struct station *at = &s->at[rng_between(rng, 0, SOAK_POOLS - 1)];
	bool low = is_low_tide(s);

	for (unsigned i = 0; i < 64; i++) {
		size_t slot = rng_between(rng, 0, SOAK_SLOTS - 1);
		struct item *item = NULL, *old;

		/* a half of the slots stays as it is at low tide */
		if (!low || slot % 2 == 0)
			item = item_new(s, at->vmp, rng);
		old = atomic_exchange(&at->slots[slot], item);
		if (old != NULL && rng_between(rng, 0, 15) == 0)
			old = resize(s, at->vmp, rng, old);
		item_free(s, at->vmp, old);
	}
	atomic_fetch_add(&s->noperations, 128);
}

static void
batch(struct soak *s, struct rng *rng)
{
	VMEM *vmp = s->at[rng_between(rng, 0, SOAK_POOLS - 1)].vmp;
	size_t size = rng_between(rng, 1, 2000), n;
	void *ptrs[BATCH];

	n = vmem_malloc_batch(vmp, size, BATCH, ptrs);
	for (size_t i = 0; i < n; i++)
		test_fill(ptrs[i], size, i);
	for (size_t i = 0; i < n; i++)
		must(test_holds(ptrs[i], size, i));
	vmem_free_batch(vmp, ptrs, n);
	atomic_fetch_add(&s->noperations, 2 * n);
}

struct member {
	struct soak *soak;
	uint64_t seed;
};

/*
 * keep_pace -- wait for the next beat: how much is done in a tide, and so how
 * much memory it takes, must not depend on what else the machine does
 */
static void
keep_pace(uint64_t *next)
{
	uint64_t now = test_ms();

	*next += BEAT_MS;
	if (now < *next)
		(void)usleep((useconds_t)(*next - now) * 1000);
	else if (now > *next + LATE_MS)
		*next = now;
}

static void *
work_for_a_while(void *arg)
{
	struct member *m = arg;
	struct rng rng;
	struct deadline leave;
	uint64_t next;

	rng_init_from(&rng, m->seed);
	leave = deadline_in(rng_between(&rng, 10, 3000));
	next = test_ms();
	while (!deadline_is_over(leave) && !deadline_is_over(m->soak->end)) {
		exchange(m->soak, &rng);
		batch(m->soak, &rng);
		keep_pace(&next);
	}
	return NULL;
}

void
crew_run(size_t idx, struct rng *rng, struct soak *s)
{
	(void)idx;
	while (!deadline_is_over(s->end)) {
		struct member m = {s, rng_next(rng)};
		pthread_t thread;

		must(pthread_create(&thread, NULL, work_for_a_while, &m) == 0);
		must(pthread_join(thread, NULL) == 0);
	}
}
