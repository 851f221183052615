/* SPDX-License-Identifier: BSD-3-Clause */
#include "work.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define SEED    UINT64_C(0x9e3779b97f4a7c15)
#define NSIZES  (1u << 16) /* drawn; used in a circle */
#define QUEUE   1024       /* objects on their way to the other thread */
#define NO_ROOM (-1.0)

static uint32_t *sizes;  /* NSIZES */
static uint32_t *places; /* nlive for bursts, nops for sets: what comes next */
static void **slots;     /* nlive objects */

static uint64_t
random_next(uint64_t *state)
{
	/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's
	 * xorshift generators, scrambled" */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * UINT64_C(0x2545f4914f6cdd1d)) >> 32;
}

static double
now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* take -- allocate an object and write to it */
static inline void *
take(const struct contender *who, size_t size)
{
	size_t *object = who->alloc(who->pool, size);

	if (object != NULL)
		*object = size;
	return object;
}

static inline void
give(const struct contender *who, void *object)
{
	who->free(who->pool, object);
}

/* give_all -- give back what is in the slots; the clock does not run */
static void
give_all(const struct work *work, const struct contender *who)
{
	for (size_t i = 0; i < work->nlive; i++) {
		give(who, slots[i]);
		slots[i] = NULL;
	}
}

/* run_pairs -- malloc and free at once, beside `nlive` objects that stay */
static double
run_pairs(const struct work *work, const struct contender *who)
{
	bool no_room = false;
	double start;

	for (size_t i = 0; i < work->nlive; i++)
		slots[i] = take(who, sizes[i % NSIZES]);
	start = now();
	for (size_t i = 0; i < work->nops && !no_room; i++) {
		void *object = take(who, sizes[i % NSIZES]);

		no_room = object == NULL;
		give(who, object);
	}
	start = now() - start;
	give_all(work, who);
	return no_room ? NO_ROOM : start;
}

/* run_set -- `nlive` objects, one after the other replaced by a new one */
static double
run_set(const struct work *work, const struct contender *who)
{
	double start;

	for (size_t i = 0; i < work->nlive; i++)
		slots[i] = take(who, sizes[i % NSIZES]);
	start = now();
	for (size_t i = 0; i < work->nops; i++) {
		void **slot = &slots[places[i]];

		give(who, *slot);
		*slot = take(who, sizes[(i + work->nlive) % NSIZES]);
		if (*slot == NULL) {
			give_all(work, who);
			return NO_ROOM;
		}
	}
	start = now() - start;
	give_all(work, who);
	return start;
}

/* run_bursts -- many allocations, then as many frees, and again */
static double
run_bursts(const struct work *work, const struct contender *who)
{
	double start = now();

	for (size_t done = 0; done < work->nops; done += work->nlive) {
		for (size_t i = 0; i < work->nlive; i++) {
			slots[i] = take(who, sizes[i % NSIZES]);
			if (slots[i] == NULL) {
				give_all(work, who);
				return NO_ROOM;
			}
		}
		for (size_t i = 0; i < work->nlive; i++)
			give(who, slots[places[i]]);
	}
	start = now() - start;
	for (size_t i = 0; i < work->nlive; i++)
		slots[i] = NULL;
	return start;
}

/* from the thread that allocates to the one that frees; each end has a line */
struct queue {
	_Alignas(64) atomic_size_t npushed;
	_Alignas(64) atomic_size_t npopped;
	const struct contender *who; /* of the consumer, as is nops */
	size_t nops;
	void *objects[QUEUE];
};

static void *
consume(void *arg)
{
	struct queue *queue = arg;
	size_t npopped = 0;

	while (npopped < queue->nops) {
		size_t npushed = atomic_load_explicit(
			&queue->npushed, memory_order_acquire);

		if (npopped == npushed)
			(void)sched_yield();
		while (npopped < npushed)
			give(queue->who, queue->objects[npopped++ % QUEUE]);
		atomic_store_explicit(
			&queue->npopped, npopped, memory_order_release);
	}
	return NULL;
}

/* run_handover -- this thread allocates, another one frees */
static double
run_handover(const struct work *work, const struct contender *who)
{
	static struct queue queue;
	pthread_t consumer;
	size_t npushed = 0;
	bool no_room = false;
	double start;

	atomic_store(&queue.npushed, 0);
	atomic_store(&queue.npopped, 0);
	queue.who = who;
	queue.nops = work->nops;
	if (pthread_create(&consumer, NULL, consume, &queue) != 0)
		return NO_ROOM;
	start = now();
	while (npushed < work->nops) {
		size_t room = QUEUE + atomic_load_explicit(&queue.npopped,
					      memory_order_acquire);

		if (npushed == room)
			(void)sched_yield();
		for (; npushed < room && npushed < work->nops; npushed++) {
			void *object = take(who, sizes[npushed % NSIZES]);

			no_room |= object == NULL;
			queue.objects[npushed % QUEUE] = object;
			atomic_store_explicit(&queue.npushed, npushed + 1,
				memory_order_release);
		}
	}
	(void)pthread_join(consumer, NULL);
	return no_room ? NO_ROOM : now() - start;
}

#define KIB ((size_t)1024)

const struct work works[] = {
	{"pair-64", "malloc and free of 64 bytes, 100 others live", run_pairs,
		64, 64, 100, 4000000, IN_ORDER},
	{"pair-16-1024", "the same, 16-1024 bytes, 1,000 others live",
		run_pairs, 16, 1024, 1000, 2000000, IN_ORDER},
	{"set-500", "500 live objects of 16-4096, a random one replaced",
		run_set, 16, 4096, 500, 1000000, IN_ORDER},
	{"set-20k", "the same with 20,000", run_set, 16, 4096, 20000, 500000,
		IN_ORDER},
	{"set-400k", "the same with 400,000 of 16-1024", run_set, 16, 1024,
		400000, 400000, IN_ORDER},
	{"burst-order", "1,000 of 64 bytes, freed in order", run_bursts, 64, 64,
		1000, 2000000, IN_ORDER},
	{"burst-reversed", "1,000 of 64 bytes, last freed first", run_bursts,
		64, 64, 1000, 2000000, REVERSED},
	{"burst-shuffled", "1,000 of 64 bytes, freed in random order",
		run_bursts, 64, 64, 1000, 2000000, SHUFFLED},
	{"handover-64", "64 bytes, freed by another thread", run_handover, 64,
		64, 0, 1000000, IN_ORDER},
	{"handover-16-1024", "random sizes, freed by another thread",
		run_handover, 16, 1024, 0, 500000, IN_ORDER},
	{"large", "32 live objects of 64 KiB-1 MiB, a random one replaced",
		run_set, 64 * KIB, 1024 * KIB, 32, 50000, IN_ORDER},
};
const size_t nworks = sizeof(works) / sizeof(works[0]);

static void
draw_sizes(const struct work *work, uint64_t *state)
{
	double low = log((double)work->size_min);
	double span = log((double)work->size_max) - low;

	for (size_t i = 0; i < NSIZES; i++) {
		double unit = (double)random_next(state) / 0x1p32;

		sizes[i] = (uint32_t)lround(exp(low + span * unit));
	}
}

/* draw_places -- for sets any slot; for bursts each slot once */
static void
draw_places(const struct work *work, uint64_t *state)
{
	if (work->run == run_set) {
		for (size_t i = 0; i < work->nops; i++)
			places[i] =
				(uint32_t)(random_next(state) % work->nlive);
		return;
	}
	for (size_t i = 0; i < work->nlive; i++)
		places[i] =
			(uint32_t)(work->order == REVERSED ? work->nlive - 1 - i
							   : i);
	if (work->order != SHUFFLED)
		return;
	for (size_t i = work->nlive; i-- > 1;) {
		size_t j = (size_t)random_next(state) % (i + 1);
		uint32_t place = places[i];

		places[i] = places[j];
		places[j] = place;
	}
}

int
work_prepare(const struct work *work)
{
	size_t nplaces = work->run == run_set ? work->nops : work->nlive;
	uint64_t state = SEED;

	work_fini();
	sizes = calloc(NSIZES, sizeof(*sizes));
	places = calloc(nplaces + 1, sizeof(*places));
	slots = calloc(work->nlive + 1, sizeof(*slots));
	if (sizes == NULL || places == NULL || slots == NULL)
		return -1;
	draw_sizes(work, &state);
	draw_places(work, &state);
	return 0;
}

double
work_run(const struct work *work, const struct contender *who)
{
	double time = work->run(work, who);

	return time < 0 ? NO_ROOM : time / (double)work->nops;
}

void
work_fini(void)
{
	free(sizes);
	free(places);
	free(slots);
	sizes = NULL;
	places = NULL;
	slots = NULL;
}
