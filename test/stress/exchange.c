/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exchange.c -- objects that one thread makes and another one frees
 *
 * ctest: long timeout=300 threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/threads.h"

#define POOL_BYTES (64 * MIB)
#define NTHREADS   4
#define NSLOTS     4096
#define RING_SLOTS 1024

/* an object says itself what it is: size and tag come first */
struct item {
	size_t size; /* of it all */
	uint64_t tag;
	unsigned char payload[];
};

static struct item *
item_new(VMEM *vmp, struct rng *rng, size_t high)
{
	size_t size = rng_between(rng, sizeof(struct item), high);
	struct item *item = vmem_malloc(vmp, size);

	if (item == NULL) {
		must(errno == ENOMEM);
		return NULL;
	}
	item->size = size;
	item->tag = rng_next(rng);
	test_fill(item->payload, size - sizeof(*item), item->tag);
	return item;
}

static void
item_verify(const struct item *item)
{
	must(test_holds(item->payload, item->size - sizeof(*item), item->tag));
}

static void
item_free(VMEM *vmp, struct item *item)
{
	if (item == NULL)
		return;
	item_verify(item);
	vmem_free(vmp, item);
}

struct exchange {
	VMEM *vmp;
	size_t high; /* largest object */
	struct deadline end;
	_Atomic(struct item *) slots[NSLOTS];
};

/* put a new object into a slot, and free what was in it */
static void
exchange_slots(size_t idx, struct rng *rng, void *arg)
{
	struct exchange *x = arg;

	(void)idx;
	while (!deadline_is_over(x->end)) {
		for (unsigned i = 0; i < 256; i++) {
			struct item *item = item_new(x->vmp, rng, x->high);
			size_t slot = rng_between(rng, 0, NSLOTS - 1);

			item = atomic_exchange(&x->slots[slot], item);
			if (item != NULL && rng_between(rng, 0, 15) == 0) {
				size_t size = rng_between(
					rng, sizeof(*item), item->size);

				item_verify(item);
				item = vmem_realloc(x->vmp, item, size);
				must(item != NULL);
				item->size = size;
			}
			item_free(x->vmp, item);
		}
	}
}

static void
run_exchange(size_t nthreads, size_t pool_size, size_t high, const char *name)
{
	static struct exchange x;

	memset(&x, 0, sizeof(x));
	x.vmp = test_pool(pool_size);
	x.high = high;
	x.end = deadline_in(STRESS_MS);
	threads_run(nthreads, exchange_slots, &x, name);
	assert_int_equal(vmem_check(x.vmp), 1);
	for (size_t i = 0; i < NSLOTS; i++)
		item_free(x.vmp, x.slots[i]);
	assert_int_equal(vmem_check(x.vmp), 1);
	assert_non_null(vmem_malloc(x.vmp, pool_size / 14 * 12));
	test_pool_delete(x.vmp, pool_size);
}

static void
exchange__small_objects__keep_contents(void **state)
{
	(void)state;
	run_exchange(NTHREADS, POOL_BYTES, 300, __func__);
}

static void
exchange__objects_of_all_sizes__keep_contents(void **state)
{
	(void)state;
	run_exchange(NTHREADS, POOL_BYTES, 30000, __func__);
}

/* there is no room for all slots: every path of a full pool is taken */
static void
exchange__pool_is_full_all_the_time__keeps_contents(void **state)
{
	(void)state;
	run_exchange(NTHREADS, VMEM_MIN_POOL, 9000, __func__);
}

static void
exchange__many_threads__keep_contents(void **state)
{
	(void)state;
	run_exchange(32, VMEM_MIN_POOL, 4000, __func__);
}

/* a ring between a producer and a consumer */
struct ring {
	atomic_size_t head, tail;
	struct item *items[RING_SLOTS];
};

struct pipeline {
	VMEM *vmp;
	struct deadline end;
	size_t nstages;
	struct ring rings[NTHREADS];
	atomic_size_t nfreed;
};

static bool
ring_push(struct ring *ring, struct item *item)
{
	size_t head = atomic_load(&ring->head);

	if (head - atomic_load(&ring->tail) == RING_SLOTS)
		return false;
	ring->items[head % RING_SLOTS] = item;
	atomic_store(&ring->head, head + 1);
	return true;
}

static struct item *
ring_pop(struct ring *ring)
{
	size_t tail = atomic_load(&ring->tail);
	struct item *item;

	if (tail == atomic_load(&ring->head))
		return NULL;
	item = ring->items[tail % RING_SLOTS];
	atomic_store(&ring->tail, tail + 1);
	return item;
}

/* the first stage makes, those between pass on, the last one frees */
static void
run_stage(size_t idx, struct rng *rng, void *arg)
{
	struct pipeline *p = arg;
	struct ring *in = idx == 0 ? NULL : &p->rings[idx - 1];
	struct ring *out = idx + 1 == p->nstages ? NULL : &p->rings[idx];
	struct item *item = NULL;

	for (unsigned i = 0; i % 256 != 0 || !deadline_is_over(p->end); i++) {
		if (item == NULL)
			item = in == NULL ? item_new(p->vmp, rng, 2000)
					  : ring_pop(in);
		if (item == NULL)
			continue;
		if (out == NULL) {
			item_free(p->vmp, item);
			atomic_fetch_add(&p->nfreed, 1);
			item = NULL;
		} else if (ring_push(out, item)) {
			item = NULL;
		}
	}
	item_free(p->vmp, item);
}

static void
run_pipeline(size_t nstages, const char *name)
{
	static struct pipeline p;

	memset(&p, 0, sizeof(p));
	p.vmp = test_pool(VMEM_MIN_POOL);
	p.nstages = nstages;
	p.end = deadline_in(STRESS_MS);
	threads_run(nstages, run_stage, &p, name);
	print_message("%zu objects passed\n", atomic_load(&p.nfreed));
	assert_true(p.nfreed > 0);
	for (size_t i = 0; i < nstages; i++) {
		struct item *item;

		while ((item = ring_pop(&p.rings[i])) != NULL)
			item_free(p.vmp, item);
	}
	assert_int_equal(vmem_check(p.vmp), 1);
	assert_non_null(vmem_malloc(p.vmp, 12 * MIB));
	test_pool_delete(p.vmp, VMEM_MIN_POOL);
}

static void
pipeline__producer_and_consumer__keep_contents(void **state)
{
	(void)state;
	run_pipeline(2, __func__);
}

static void
pipeline__of_four_threads__keeps_contents(void **state)
{
	(void)state;
	run_pipeline(4, __func__);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchange__small_objects__keep_contents),
		cmocka_unit_test(exchange__objects_of_all_sizes__keep_contents),
		cmocka_unit_test(
			exchange__pool_is_full_all_the_time__keeps_contents),
		cmocka_unit_test(exchange__many_threads__keep_contents),
		cmocka_unit_test(
			pipeline__producer_and_consumer__keep_contents),
		cmocka_unit_test(pipeline__of_four_threads__keeps_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
