/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * walk.c -- vmem_walk() sees each live object once, and nothing else
 */
#include "harness/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/options.h"
#include "harness/threads.h"

#define NTHREADS 4

/* what a walk has seen */
struct seen {
	VMEM *vmp;
	size_t n;
	const void *last;
	struct {
		const void *ptr;
		size_t usable;
	} v[100000];
};

static int
see(void *ptr, size_t usable, void *arg)
{
	struct seen *seen = arg;

	must((uintptr_t)ptr > (uintptr_t)seen->last);
	must(seen->n < NELEM(seen->v));
	seen->last = ptr;
	seen->v[seen->n].ptr = ptr;
	seen->v[seen->n].usable = usable;
	seen->n++;
	return 0;
}

static struct seen *
walk(VMEM *vmp)
{
	static struct seen seen;

	seen.n = 0;
	seen.last = NULL;
	errno = E2BIG;
	must(vmem_walk(vmp, see, &seen) == 0);
	must(errno == E2BIG);
	return &seen;
}

static int
compare(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return (x->ptr > y->ptr) - (x->ptr < y->ptr);
}

/* take -- the objects of a set are among those that were seen: cross them out
 */
static size_t
take(struct objects *set, struct seen *seen)
{
	size_t at = 0;

	qsort(set->v, set->n, sizeof(*set->v), compare);
	for (size_t i = 0; i < set->n; i++) {
		while (at < seen->n && seen->v[at].ptr != set->v[i].ptr)
			at++;
		must(at < seen->n);
		must(seen->v[at].usable ==
			vmem_malloc_usable_size(set->vmp, set->v[i].ptr));
	}
	return set->n;
}

static void
walk__empty_pool__nothing(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	(void)state;
	assert_int_equal(walk(vmp)->n, 0);
	vmem_free(vmp, vmem_malloc(vmp, 100));
	vmem_free(vmp, vmem_malloc(vmp, 100 * KIB));
	assert_int_equal(walk(vmp)->n, 0); /* the thread keeps both */
	vmem_delete(vmp);
}

static void
walk__sizes__usable_as_said(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, "walk");
	objects_init(&set, vmp);
	for (size_t size = 0; size < 4 * MIB; size = size * 3 / 2 + 1)
		must(objects_add(&set, size));
	objects_keep(&set, vmem_aligned_alloc(vmp, MIB, 10), 10);
	assert_int_equal(take(&set, walk(vmp)), walk(vmp)->n);
	objects_fini(&set);
	assert_int_equal(walk(vmp)->n, 0);
	vmem_delete(vmp);
}

/* threads that work, and stop for each walk */
struct world {
	VMEM *vmp;
	pthread_barrier_t barrier;
	struct objects sets[NTHREADS];
	/* what one thread gives the next one to free */
	void *gifts[NTHREADS][50];
};

static void
work(size_t idx, struct rng *rng, void *arg)
{
	struct world *world = arg;
	struct objects *set = &world->sets[idx];

	for (unsigned round = 0; round < (TEST_TSAN ? 4 : 10); round++) {
		void **gifts = world->gifts[(idx + 1) % NTHREADS];

		objects_churn(set, rng, 400, round % 2 == 0 ? 1000 : 60000);
		/* frees into another thread's slabs */
		for (size_t i = 0; i < NELEM(world->gifts[0]); i++)
			vmem_free(world->vmp, gifts[i]);
		pthread_barrier_wait(&world->barrier);
		for (size_t i = 0; i < NELEM(world->gifts[0]); i++)
			world->gifts[idx][i] = vmem_malloc(
				world->vmp, rng_between(rng, 1, 500));
		pthread_barrier_wait(&world->barrier);
		if (idx == 0) {
			struct seen *seen = walk(world->vmp);
			size_t n = 0;

			for (size_t i = 0; i < NTHREADS; i++) {
				n += take(&world->sets[i], seen);
				for (size_t j = 0; j < NELEM(world->gifts[0]);
					j++)
					n += world->gifts[i][j] != NULL;
			}
			must(seen->n == n);
		}
		pthread_barrier_wait(&world->barrier);
	}
}

static void
try_level(int level)
{
	struct world world = {
		.vmp = create_level(level, (level == 0 ? 16 : 64) * MIB)};

	must(pthread_barrier_init(&world.barrier, NULL, NTHREADS) == 0);
	for (size_t i = 0; i < NTHREADS; i++)
		objects_init(&world.sets[i], world.vmp);
	threads_run(NTHREADS, work, &world, "walk");
	size_t n = NTHREADS * NELEM(world.gifts[0]);
	for (size_t i = 0; i < NTHREADS; i++) /* now that they have ended */
		n += take(&world.sets[i], walk(world.vmp));
	assert_int_equal(walk(world.vmp)->n, n);
	for (size_t i = 0; i < NTHREADS; i++) {
		objects_fini(&world.sets[i]);
		for (size_t j = 0; j < NELEM(world.gifts[0]); j++)
			vmem_free(world.vmp, world.gifts[i][j]);
	}
	assert_int_equal(walk(world.vmp)->n, 0);
	vmem_delete(world.vmp);
}

static void
walk__random_operations_of_threads__exact(void **state)
{
	(void)state;
	for (int level = 0; level <= 2; level++)
		try_level(level);
}

/* others work meanwhile: a walk sees no more than they can have */
struct busy {
	VMEM *vmp;
	struct deadline end;
	uint64_t nwalks;
};

/* count -- what is in the object may be being written just now */
static int
count(void *ptr, size_t usable, void *arg)
{
	must(ptr != NULL && usable > 0);
	(*(size_t *)arg)++;
	return 0;
}

static void
churn_or_walk(size_t idx, struct rng *rng, void *arg)
{
	struct busy *busy = arg;
	void *ptrs[200] = {NULL};

	while (!deadline_is_over(busy->end)) {
		size_t n = 0;

		if (idx == 0) {
			must(vmem_walk(busy->vmp, count, &n) == 0);
			must(n <= NTHREADS * NELEM(ptrs));
			busy->nwalks++;
		}
		for (unsigned i = 0; i < 300; i++) {
			size_t at = rng_between(rng, 0, NELEM(ptrs) - 1);

			vmem_free(busy->vmp, ptrs[at]);
			ptrs[at] = vmem_malloc(busy->vmp,
				rng_between(rng, 1, i % 8 == 0 ? 70000 : 600));
		}
	}
	for (size_t i = 0; i < NELEM(ptrs); i++)
		vmem_free(busy->vmp, ptrs[i]);
}

static void
walk__while_others_work__each_moment_is_one(void **state)
{
	struct busy busy = {
		.vmp = test_file_pool(VMEM_MIN_POOL), .end = deadline_in(700)};

	(void)state;
	threads_run(NTHREADS, churn_or_walk, &busy, "walk busy");
	print_message("%" PRIu64 " walks\n", busy.nwalks);
	assert_true(busy.nwalks > 0);
	assert_int_equal(walk(busy.vmp)->n, 0);
	assert_int_equal(vmem_check(busy.vmp), 1);
	vmem_delete(busy.vmp);
}

static int
stop_at(void *ptr, size_t usable, void *arg)
{
	size_t *left = arg;

	(void)ptr;
	(void)usable;
	return --*left == 0 ? 42 : 0;
}

static void
walk__callback_returns_other_than_0__ends(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t i = 0; i < 300; i++)
		must(vmem_malloc(vmp, i * 200) != NULL);
	for (size_t i = 1; i <= 300; i++) {
		size_t left = i;

		assert_int_equal(vmem_walk(vmp, stop_at, &left), 42);
		assert_int_equal(left, 0);
	}
	vmem_delete(vmp);
}

static int
never(void *ptr, size_t usable, void *arg)
{
	(void)ptr;
	(void)usable;
	(void)arg;
	must(false);
	return 0;
}

static void
walk__no_pool_or_callback__is_refused(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	(void)state;
	must(vmem_malloc(vmp, 1) != NULL);
	assert_int_equal(vmem_walk(vmp, NULL, NULL), -1);
	assert_error(EINVAL, "invalid (NULL) callback");
	vmem_delete(vmp);
	assert_int_equal(vmem_walk(vmp, never, NULL), -1);
	assert_bad_handle(vmp);
	assert_int_equal(vmem_walk(NULL, never, NULL), -1);
	assert_bad_handle(NULL);
}

/* what a callback does with the pool that it is called for, and another one */
struct inside {
	VMEM *vmp, *other;
	size_t calls;
};

#define REFUSED(call)                                                          \
	do {                                                                   \
		errno = 0;                                                     \
		must((call) && errno == EDEADLK);                              \
		must(strstr(vmem_errormsg(), "walk") != NULL);                 \
	} while (0)

static int
try_inside(void *ptr, size_t usable, void *arg)
{
	struct inside *in = arg;
	struct vmem_stats s;
	size_t n = 0;

	must(test_holds(ptr, usable, 7));
	REFUSED(vmem_malloc(in->vmp, 10) == NULL);
	REFUSED(vmem_malloc(in->vmp, MIB) == NULL);
	REFUSED(vmem_calloc(in->vmp, 1, 10) == NULL);
	REFUSED(vmem_aligned_alloc(in->vmp, 64, 10) == NULL);
	REFUSED(vmem_strdup(in->vmp, "x") == NULL);
	REFUSED(vmem_realloc(in->vmp, ptr, 2 * usable) == NULL);
	REFUSED(vmem_malloc_usable_size(in->vmp, ptr) == 0);
	REFUSED(vmem_check(in->vmp) == -1);
	REFUSED(vmem_stats_get(in->vmp, &s, sizeof(s)) == -1);
	REFUSED(vmem_trim(in->vmp, 0) == -1);
	REFUSED(vmem_decay(in->vmp, 0) == -1);
	REFUSED(vmem_reset(in->vmp) == -1);
	REFUSED(vmem_walk(in->vmp, never, NULL) == -1);
	REFUSED(vmem_thread_flush(in->vmp) == -1);
	REFUSED(vmem_profile_start(in->vmp, 1) == -1);
	REFUSED((vmem_delete(in->vmp), true));
	must(vmem_thread_flush(NULL) == 0);
	errno = E2BIG;
	vmem_free(in->vmp, ptr); /* refused */
	vmem_free_sized(in->vmp, ptr, usable);
	must(errno == E2BIG && vmem_pool_of(ptr) == in->vmp);
	must(test_holds(ptr, usable, 7));
	/* the other pool is as ever, also to another walk */
	vmem_free(in->other, vmem_malloc(in->other, 100));
	must(vmem_check(in->other) == 1);
	must(vmem_walk(in->other, count, &n) == 0 && n == 1);
	in->calls++;
	return 0;
}

static void
walk__callback_uses_the_pool__is_refused(void **state)
{
	struct inside in = {.vmp = test_file_pool(VMEM_MIN_POOL),
		.other = test_file_pool(VMEM_MIN_POOL)};

	(void)state;
	for (size_t size = 10; size < 100000; size *= 9) {
		void *p = vmem_malloc(in.vmp, size);

		test_fill(p, vmem_malloc_usable_size(in.vmp, p), 7);
	}
	must(vmem_calloc(in.other, 1, 100) != NULL);
	assert_int_equal(vmem_walk(in.vmp, try_inside, &in), 0);
	assert_int_equal(in.calls, 5);
	assert_int_equal(walk(in.vmp)->n, 5);
	/* and afterwards all goes on */
	assert_non_null(vmem_malloc(in.vmp, MIB));
	assert_int_equal(vmem_check(in.vmp), 1);
	vmem_delete(in.vmp);
	vmem_delete(in.other);
}

static int
overwrite(void *ptr, size_t usable, void *arg)
{
	(void)arg;
	memset(ptr, 0xee, usable);
	return 0;
}

static void
walk__callback_writes_all_usable_bytes__pool_is_sound(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, "walk write");
	objects_init(&set, vmp);
	objects_churn(&set, &rng, 3000, 50000);
	assert_int_equal(vmem_walk(vmp, overwrite, NULL), 0);
	assert_int_equal(vmem_check(vmp), 1);
	objects_abandon(&set);
	vmem_delete(vmp);
}

/* of a pool that a child uses too, nobody has the whole */
static int
use_in_child(void *arg)
{
	vmem_free(arg, vmem_malloc(arg, 100));
	errno = 0;
	must(vmem_walk(arg, never, NULL) == -1 && errno == EBUSY);
	return 0;
}

static void
walk__shared_with_a_child__is_refused_to_both(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	(void)state;
	must(vmem_malloc(vmp, 1) != NULL);
	assert_int_equal(walk(vmp)->n, 1);
	assert_int_equal(test_child(use_in_child, vmp), 0);
	errno = 0;
	assert_int_equal(vmem_walk(vmp, never, NULL), -1);
	assert_int_equal(errno, EBUSY);
	vmem_delete(vmp);
}

static int
walk_in_child(void *arg)
{
	struct seen *seen = walk(arg);

	must(seen->n == 2);
	must(vmem_malloc(arg, 100) != NULL);
	must(walk(arg)->n == 3);
	return 0;
}

static void
walk__private_memory_in_a_child__sees_the_copy(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	must(vmem_malloc(vmp, 1) != NULL);
	must(vmem_malloc(vmp, 100 * KIB) != NULL);
	assert_int_equal(test_child(walk_in_child, vmp), 0);
	assert_int_equal(walk(vmp)->n, 2);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk__empty_pool__nothing),
		cmocka_unit_test(walk__sizes__usable_as_said),
		cmocka_unit_test(walk__random_operations_of_threads__exact),
		cmocka_unit_test(walk__while_others_work__each_moment_is_one),
		cmocka_unit_test(walk__callback_returns_other_than_0__ends),
		cmocka_unit_test(walk__no_pool_or_callback__is_refused),
		cmocka_unit_test(walk__callback_uses_the_pool__is_refused),
		cmocka_unit_test(
			walk__callback_writes_all_usable_bytes__pool_is_sound),
		cmocka_unit_test(walk__shared_with_a_child__is_refused_to_both),
		cmocka_unit_test(
			walk__private_memory_in_a_child__sees_the_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
