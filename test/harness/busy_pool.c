/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * busy_pool.c -- a pool with everything in it
 */
#include "harness/busy_pool.h"
#include "harness/threads.h"

#include <pthread.h>

#define NTHREADS 3
#define NOBJECTS 1024 /* of each thread: several slabs */

static VMEM *pool; /* set before any thread starts */
static pthread_barrier_t barrier;

static void *
malloc_or_die(size_t size)
{
	void *p = vmem_malloc(pool, size);

	must(p != NULL);
	return p;
}

static void *objects[NTHREADS][NOBJECTS];

/* live -- a thread that has a heap of its own and stays */
static void *
live(void *arg)
{
	void **o = arg;

	for (unsigned i = 0; i < 70; i++)
		(void)malloc_or_die(i * 30);
	for (unsigned i = 0; i < NOBJECTS; i++)
		o[i] = malloc_or_die(80);
	(void)malloc_or_die(50000);
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_barrier_wait(&barrier);
	return NULL;
}

/* passing -- one that leaves its heap behind */
static void *
passing(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 300; i++)
		(void)malloc_or_die(i * 40);
	return NULL;
}

/* guest -- one that uses the shared heap, and frees what others allocated */
static void *
guest(void *arg)
{
	void **o = arg;

	for (unsigned i = 0; i < 40; i++)
		(void)malloc_or_die(200);
	for (unsigned i = 0; i < 20; i++)
		vmem_free(pool, o[i * 7]);
	return NULL;
}

void
busy_pool_fill(VMEM *vmp, struct rng *rng)
{
	static void *o[3000];
	void *large[6];
	static pthread_t t[NTHREADS];

	pool = vmp;
	(void)malloc_or_die(1);
	must(pthread_barrier_init(&barrier, NULL, NTHREADS + 1) == 0);
	for (size_t i = 0; i < NTHREADS; i++)
		must(pthread_create(&t[i], NULL, live, objects[i]) == 0);
	(void)pthread_barrier_wait(&barrier);
	in_thread(passing, NULL);
	in_thread(guest, objects[0]);
	for (size_t i = 0; i < NELEM(o); i++)
		o[i] = malloc_or_die(rng_between(rng, 1, 1500));
	for (size_t i = 0; i < NELEM(o); i++)
		if (rng_between(rng, 0, 2) == 0)
			vmem_free(pool, o[i]);
	for (size_t i = 0; i < 800; i++)
		o[i] = malloc_or_die(96);
	for (size_t i = 0; i < 800; i++)
		vmem_free(pool, o[i]);
	for (size_t i = 0; i < 9; i++)
		o[i] = malloc_or_die(500);
	for (size_t i = 0; i < 3; i++)
		vmem_free(pool, o[i]);
	for (size_t i = 0; i < NELEM(large); i++)
		large[i] = malloc_or_die(40000 + i * 8192);
	for (size_t i = 0; i < 3; i++)
		vmem_free(pool, large[i]);
	/* of a cached run the rest stays, with one of some new descriptors */
	(void)malloc_or_die(50000);
	for (size_t i = 3; i < 20; i++)
		vmem_free(pool, objects[1][i * 9]);
	must(vmem_check(pool) == 1);
}
