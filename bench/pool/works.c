/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * works.c -- the list of works
 */
#include "work.h"

#include <math.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* the memory that a work is done on by default */
#define T       (1u << MEMORY_TMPFS)
#define R       (1u << MEMORY_REGION)
#define H       (1u << MEMORY_HUGE)
#define S       (1u << MEMORY_SLOW)
#define NOWHERE 0u

enum { PIPE = 0, RING = 1, CHURNS = 5, LIFE = 20000 };

#define PAIR(n, size)                                                          \
	.name = (n), .shape = &shape_pair, .size_min = (size),                 \
	.size_max = (size)
#define SET(n, live)                                                           \
	.name = (n), .shape = &shape_replace, .size_min = 16,                  \
	.size_max = 4096, .nlive = (live)
#define QUEUE(n, kind, threads)                                                \
	.name = (n), .shape = &shape_queue, .param = (kind),                   \
	.nthreads = (threads)
#define SERVER(n, threads)                                                     \
	.name = (n), .shape = &shape_server, .nthreads = (threads),            \
	.param = LIFE, .pool_size = 256 * MIB, .size_min = 16,                 \
	.size_max = 1024
#define BURST(n, live, how)                                                    \
	.name = (n), .shape = &shape_burst, .nlive = (live), .order = (how)
#define CAPACITY(n, size, low, high, rounds)                                   \
	.name = (n), .shape = &shape_capacity, .pool_size = (size),            \
	.size_min = (low), .size_max = (high), .param = (rounds), .on = R

const struct work works[] = {
	/* the last object first */
	{PAIR("pair-16", 16), .what = "malloc and free of 16 bytes",
		.on = T | R},
	{PAIR("pair-64", 64), .what = "of 64 bytes", .on = T | R | H,
		.quick = true},
	{PAIR("pair-256", 256), .what = "of 256 bytes", .on = T | R},
	{PAIR("pair-1k", KIB), .what = "of 1 KiB", .on = T | R},
	{PAIR("pair-4k", 4 * KIB), .what = "of 4 KiB", .on = T | R},
	{PAIR("pair-16k", 16 * KIB), .what = "of 16 KiB", .on = T | R},
	{.name = "pair-mix",
		.shape = &shape_pair,
		.size_min = 16,
		.size_max = KIB,
		.what = "of 16-1024 bytes",
		.on = T | R | H,
		.quick = true},
	{PAIR("pair-64-touch", 64), .use = USE_ALL,
		.what = "stacks of objects of 64 bytes", .on = T | R},
	{PAIR("pair-1k-touch", KIB), .use = USE_ALL,
		.what = "stacks of objects of 1 KiB", .on = T | R},

	/* working sets */
	{SET("set-500", 500), .what = "500 objects of 16-4096 bytes",
		.on = T | R | H, .quick = true},
	{SET("set-1k", 1000), .what = "1,000 objects", .on = T | R | H},
	{SET("set-10k", 10000), .what = "10,000 objects", .on = T | R | H | S},
	{SET("set-20k", 20000), .what = "20,000 objects", .on = T | R,
		.quick = true},
	{.name = "set-400k",
		.shape = &shape_replace,
		.size_min = 16,
		.size_max = KIB,
		.nlive = 400000,
		.what = "400,000 objects of 16-1024 bytes",
		.on = T | R},
	{SET("set-1m", 1000000), .what = "1,000,000 objects", .on = R},
	{SET("set-1k-2t", 1000), .nthreads = 2, .what = "1,000, 2 threads",
		.on = T | R, .quick = true},
	{SET("set-1k-4t", 1000), .nthreads = 4, .what = "1,000, 4 threads",
		.on = R},
	{SET("set-1k-8t", 1000), .nthreads = 8, .what = "1,000, 8 threads",
		.on = T | R},
	{SET("set-10k-2t", 10000), .nthreads = 2, .what = "10,000, 2 threads",
		.on = T | R},
	{SET("set-10k-4t", 10000), .nthreads = 4, .what = "10,000, 4 threads",
		.on = R},
	{SET("set-10k-8t", 10000), .nthreads = 8, .what = "10,000, 8 threads",
		.on = T | R},
	{SET("set-1m-2t", 1000000), .nthreads = 2,
		.what = "1,000,000, 2 threads", .on = NOWHERE},
	{SET("set-1m-4t", 1000000), .nthreads = 4,
		.what = "1,000,000, 4 threads", .on = NOWHERE},
	{SET("set-1m-8t", 1000000), .nthreads = 8,
		.what = "1,000,000, 8 threads", .on = NOWHERE},
	{SET("set-touch", 0), .use = USE_ALL, .what = "all of 16-4096 bytes",
		.on = T | R | H | S, .quick = true},
	{SET("set-touch-2t", 0), .use = USE_ALL, .nthreads = 2,
		.what = "the same, 2 threads", .on = R},

	/* from thread to thread */
	{QUEUE("pipe-64", PIPE, 2), .size_min = 64, .size_max = 64,
		.what = "64 bytes, one thread to another", .on = T | R,
		.quick = true},
	{QUEUE("pipe-mix", PIPE, 2), .size_min = 16, .size_max = KIB,
		.what = "16-1024 bytes, one thread to another", .on = T | R,
		.quick = true},
	{QUEUE("pipe-mix-8t", PIPE, 8), .size_min = 16, .size_max = KIB,
		.what = "the same, four pairs", .on = R},
	{QUEUE("pipe-touch", PIPE, 2), .size_min = 16, .size_max = KIB,
		.use = USE_ALL, .what = "16-1024 bytes, to another", .on = R},
	{QUEUE("ring-2t", RING, 2), .size_min = 16, .size_max = KIB,
		.what = "16-1024 bytes, to each other", .on = T | R},
	{QUEUE("ring-4t", RING, 4), .size_min = 16, .size_max = KIB,
		.what = "16-1024 bytes, four threads round", .on = R},
	{QUEUE("ring-8t", RING, 8), .size_min = 16, .size_max = KIB,
		.what = "16-1024 bytes, eight threads round", .on = R},

	{QUEUE("ring-touch", RING, 2), .size_min = 16, .size_max = KIB,
		.use = USE_ALL, .what = "16-1024 bytes, to each other",
		.on = R},

	/* objects that outlive the thread that made them */
	{SERVER("server-1", 1), .nlive = 1000, .what = "1 client", .on = R},
	{SERVER("server-2", 2), .nlive = 2000, .what = "2 clients", .on = T | R,
		.quick = true},
	{SERVER("server-8", 8), .nlive = 8000, .what = "8 clients", .on = R},
	{.name = "threads",
		.shape = &shape_server,
		.nthreads = 2,
		.param = 100,
		.nlive = 200,
		.size_min = 16,
		.size_max = 1024,
		.pool_size = 256 * MIB,
		.what = "2 clients, each for 100 objects only",
		.on = R},
	{SERVER("server-touch", 2), .use = USE_ALL, .what = "2 clients",
		.on = R},

	/* bursts */
	{BURST("burst-order", 1000, IN_ORDER), .size_min = 64, .size_max = 64,
		.what = "1,000 of 64 bytes, freed in order", .on = T | R | H,
		.quick = true},
	{BURST("burst-reverse", 1000, REVERSED), .size_min = 64, .size_max = 64,
		.what = "the last first", .on = T | R},
	{BURST("burst-shuffle", 1000, SHUFFLED), .size_min = 64, .size_max = 64,
		.what = "shuffled", .on = T | R},
	{BURST("burst-mix", 1000, SHUFFLED), .size_min = 16, .size_max = 4096,
		.what = "1,000 of 16-4096 bytes, shuffled", .on = T | R},
	{BURST("burst-400k", 400000, SHUFFLED), .size_min = 16, .size_max = 256,
		.what = "400,000 of 16-256 bytes, shuffled", .on = R},
	{BURST("burst-order-touch", 0, IN_ORDER), .size_min = 64,
		.size_max = 64, .use = USE_ALL, .what = "64 bytes, in order",
		.on = R},
	{BURST("burst-shuffle-touch", 0, SHUFFLED), .size_min = 64,
		.size_max = 64, .use = USE_ALL, .what = "64 bytes, shuffled",
		.on = T | R},
	{BURST("burst-mix-touch", 0, SHUFFLED), .size_min = 16,
		.size_max = 4096, .use = USE_ALL,
		.what = "16-4096 bytes, shuffled", .on = R},

	/* other calls, other sizes */
	{SET("calloc", 1000), .call = CALL_CALLOC,
		.what = "1,000 objects of 16-4096 bytes by calloc",
		.on = T | R},
	{.name = "calloc-large",
		.shape = &shape_replace,
		.call = CALL_CALLOC,
		.nlive = 16,
		.size_min = 64 * KIB,
		.size_max = 4 * MIB,
		.pool_size = 512 * MIB,
		.use = USE_WORD,
		.what = "16 objects of 64 KiB-4 MiB by calloc",
		.on = T | R},
	{SET("calloc-touch", 0), .call = CALL_CALLOC, .use = USE_ALL,
		.what = "16-4096 bytes by calloc", .on = NOWHERE},
	{SET("aligned-touch", 0), .call = CALL_ALIGNED, .use = USE_ALL,
		.what = "16-4096 bytes, aligned to 64-4096", .on = NOWHERE},
	{SET("aligned", 1000), .call = CALL_ALIGNED,
		.what = "1,000 of 16-4096, aligned to 64-4096", .on = T | R},
	{.name = "large",
		.shape = &shape_replace,
		.nlive = 16,
		.size_min = 64 * KIB,
		.size_max = 16 * MIB,
		.pool_size = 512 * MIB,
		.use = USE_WORD,
		.what = "16 objects of 64 KiB-16 MiB",
		.on = T | R | H,
		.quick = true},
	{.name = "large-2t",
		.shape = &shape_replace,
		.nlive = 16,
		.size_min = 64 * KIB,
		.size_max = 16 * MIB,
		.nthreads = 2,
		.pool_size = 512 * MIB,
		.use = USE_WORD,
		.what = "the same, 2 threads",
		.on = R},
	{.name = "large-touch",
		.shape = &shape_replace,
		.size_min = 64 * KIB,
		.size_max = 16 * MIB,
		.pool_size = 512 * MIB,
		.use = USE_ALL,
		.what = "objects of 64 KiB-16 MiB",
		.on = R},
	{.name = "grow",
		.shape = &shape_grow,
		.size_min = 16,
		.size_max = 32 * MIB,
		.pool_size = 256 * MIB,
		.what = "16 bytes to 32 MiB by realloc, a quarter more each",
		.on = T | R | H,
		.quick = true},
	{.name = "grow-step",
		.shape = &shape_grow,
		.size_min = 64 * KIB,
		.size_max = 32 * MIB,
		.pool_size = 256 * MIB,
		.param = 64 * KIB,
		.what = "64 KiB to 32 MiB by realloc, 64 KiB more each",
		.on = T | R},

	{.name = "grow-touch",
		.shape = &shape_grow,
		.size_min = 16,
		.size_max = 64 * MIB,
		.pool_size = 512 * MIB,
		.use = USE_ALL,
		.what = "16 bytes to 64 MiB by realloc, all written and read",
		.on = NOWHERE},

	/* pools */
	{.name = "pool",
		.shape = &shape_pool,
		.size_min = 16,
		.size_max = KIB,
		.pool_size = 16 * MIB,
		.use = USE_WORD,
		.what = "a pool of 16 MiB made, used, deleted",
		.on = T | R,
		.quick = true},
	{.name = "pool-turn",
		.shape = &shape_turn,
		.size_min = 16,
		.size_max = KIB,
		.pool_size = 16 * MIB,
		.nthreads = 4,
		.param = 1000,
		.use = USE_WORD,
		.what = "1,000 pools in turn, 4 threads",
		.on = R},
	{.name = "pool-turn-100",
		.shape = &shape_turn,
		.size_min = 16,
		.size_max = KIB,
		.pool_size = 16 * MIB,
		.nthreads = 4,
		.param = 100,
		.use = USE_WORD,
		.what = "100 pools in turn, 4 threads",
		.on = R},
	{.name = "fill",
		.shape = &shape_fill,
		.size_min = 16,
		.size_max = 4096,
		.pool_size = 384 * MIB,
		.use = USE_ALL,
		.param = 256 * MIB,
		.what = "first fill with 256 MiB",
		.on = T | R,
		.quick = true},

	/* what they hold */
	{CAPACITY("hold-14m", 14 * MIB, 16, 4096, 0),
		.what = "14 MiB with 16-4096 bytes, first fill"},
	{CAPACITY("hold-14m-churn", 14 * MIB, 16, 4096, CHURNS),
		.what = "after half was freed and filled, 5 times"},
	{CAPACITY("hold-64m", 64 * MIB, 16, 4096, 0),
		.what = "64 MiB, first fill"},
	{CAPACITY("hold-64m-churn", 64 * MIB, 16, 4096, CHURNS),
		.what = "after half was freed and filled, 5 times"},
	{CAPACITY("hold-64m-32k", 64 * MIB, 8 * KIB, 32 * KIB, CHURNS),
		.what = "the same with 8-32 KiB"},
	{CAPACITY("hold-256m", 256 * MIB, 16, 4096, 0),
		.what = "256 MiB, first fill", .quick = true},
	{CAPACITY("hold-256m-churn", 256 * MIB, 16, 4096, CHURNS),
		.what = "after half was freed and filled, 5 times",
		.quick = true},

	/* objects whose memory is not at hand */
	{.name = "cold-free",
		.shape = &shape_cold,
		.nlive = 100000,
		.size_min = 16,
		.size_max = 4096,
		.pool_size = 256 * MIB,
		.use = USE_WORD,
		.what = "100,000 of 16-4096 bytes freed",
		.on = S,
		.only = S},
	{.name = "cold-free-read",
		.shape = &shape_cold,
		.nlive = 100000,
		.size_min = 16,
		.size_max = 4096,
		.pool_size = 256 * MIB,
		.use = USE_ALL,
		.what = "the same, read before",
		.on = S,
		.only = S},
};
const size_t nworks = sizeof(works) / sizeof(works[0]);

size_t
work_threads(const struct work *work)
{
	return work->nthreads > 0 ? work->nthreads : 1;
}

/* mean_size -- of log-uniform sizes */
static double
mean_size(const struct work *work)
{
	double low = (double)work->size_min;
	double high = (double)work->size_max;

	return high > low ? (high - low) / log(high / low) : low;
}

size_t
work_live(const struct work *work)
{
	if (work->nlive > 0 || work->use != USE_ALL)
		return work->nlive;
	return (size_t)(2 * (double)memory_cache_size() / mean_size(work)) +
	       (size_t)2 * THREADS_MAX;
}

size_t
work_pool_size(const struct work *work)
{
	double payload = (double)work_live(work) * mean_size(work);
	size_t size = 64 * MIB;

	if (work->pool_size > 0)
		return work->pool_size;
	while ((double)size < 2 * payload && size < 64 * GIB)
		size *= 2;
	return size;
}
