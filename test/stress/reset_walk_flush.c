/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reset_walk_flush.c -- pools emptied, walked over and flushed at any moment of
 * other threads' calls, with forks and threads that end in between
 *
 * Who works in a pool holds a lock to read, who empties it to write, as only so
 * the objects of before are not used afterwards.  All else comes at any time.
 *
 * ctest: timeout=300
 */
#include "harness/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>

#include "harness/fs.h"
#include "harness/options.h"
#include "harness/threads.h"

#define NWORKERS 4 /* and one that does all else */
#define NPHASES  11

struct world {
	VMEM *vmp;
	pthread_rwlock_t lock;
	struct deadline end;
	unsigned epoch;  /* resets so far; lock */
	unsigned nsteps; /* of all workers; atomic */
	bool forks, child_uses;
	unsigned nwalks, nresets, nforks, nobjects;
};

/* work -- until the pool was emptied once, with a model of what is in it */
static void
work(struct world *w, struct rng *rng)
{
	struct objects set;
	unsigned epoch;

	must(pthread_rwlock_rdlock(&w->lock) == 0);
	epoch = w->epoch;
	must(pthread_rwlock_unlock(&w->lock) == 0);
	objects_init(&set, w->vmp);
	for (unsigned i = 0; i < 30 && !deadline_is_over(w->end); i++) {
		must(pthread_rwlock_rdlock(&w->lock) == 0);
		if (w->epoch != epoch) {
			must(pthread_rwlock_unlock(&w->lock) == 0);
			objects_abandon(&set);
			return;
		}
		objects_churn(&set, rng, 20, i % 7 == 0 ? 60 * KIB : 1000);
		if (set.n > 0) {
			struct object *o = &set.v[--set.n];

			set.bytes -= o->size;
			must(test_holds(o->ptr, o->size, o->tag));
			vmem_free_sized(w->vmp, o->ptr, o->size);
		}
		if (rng_between(rng, 0, 3) == 0)
			must(vmem_thread_flush(i % 2 == 0 ? NULL : w->vmp) ==
				0);
		must(pthread_rwlock_unlock(&w->lock) == 0);
		(void)__atomic_fetch_add(&w->nsteps, 1, __ATOMIC_RELAXED);
	}
	must(pthread_rwlock_rdlock(&w->lock) == 0);
	if (w->epoch == epoch)
		objects_drop_all(&set);
	must(pthread_rwlock_unlock(&w->lock) == 0);
	objects_abandon(&set);
}

struct helper {
	struct world *world;
	uint64_t seed;
};

static void *
work_once(void *arg)
{
	struct helper *helper = arg;
	struct rng rng;

	rng_init_from(&rng, helper->seed);
	work(helper->world, &rng);
	return NULL;
}

static int
count(void *ptr, size_t usable, void *arg)
{
	unsigned *n = arg;

	must(ptr != NULL && usable > 0);
	++*n;
	return *n == 5000 ? 1 : 0; /* some walks end early */
}

/* in_child -- what was inherited can be used, and its end harms nobody */
static int
in_child(void *arg)
{
	struct world *w = arg;
	unsigned n = 0;

	if (!w->child_uses)
		return 0;
	vmem_free(w->vmp, vmem_malloc(w->vmp, 1000));
	must(vmem_walk(w->vmp, count, &n) >= 0);
	must(vmem_thread_flush(NULL) == 0);
	must(vmem_reset(w->vmp) == 0);
	must(vmem_check(w->vmp) == 1);
	return 0;
}

/* let_work -- one freeze after the other would let nobody in */
static void
let_work(const struct world *w, unsigned nsteps)
{
	unsigned from = __atomic_load_n(&w->nsteps, __ATOMIC_RELAXED);

	while (__atomic_load_n(&w->nsteps, __ATOMIC_RELAXED) - from < nsteps &&
		!deadline_is_over(w->end))
		(void)sched_yield();
}

static void
disturb(struct world *w, struct rng *rng)
{
	unsigned n = 0;

	let_work(w, (unsigned)rng_between(rng, 0, 3));

	switch (rng_between(rng, 0, w->forks ? 6 : 5)) {
	case 0:
		must(pthread_rwlock_wrlock(&w->lock) == 0);
		must(vmem_reset(w->vmp) == 0);
		w->epoch++;
		w->nresets++;
		must(pthread_rwlock_unlock(&w->lock) == 0);
		break;
	case 1:
		must(vmem_check(w->vmp) == 1);
		break;
	case 2:
		must(vmem_trim(w->vmp, 0) >= 0);
		break;
	case 3:
		must(vmem_thread_flush(w->vmp) == 0);
		break;
	case 6:
		w->nforks++;
		must(test_child(in_child, w) == 0);
		break;
	default:
		must(vmem_walk(w->vmp, count, &n) >= 0);
		w->nwalks++;
		w->nobjects += n;
		break;
	}
}

static void
work_or_disturb(size_t idx, struct rng *rng, void *arg)
{
	struct world *w = arg;

	while (!deadline_is_over(w->end)) {
		struct helper helper = {w, rng_next(rng)};
		pthread_t thread;

		if (idx == NWORKERS) {
			disturb(w, rng);
		} else if (idx == 0) { /* its threads end again and again */
			must(pthread_create(
				     &thread, NULL, work_once, &helper) == 0);
			must(pthread_join(thread, NULL) == 0);
		} else {
			work(w, rng);
		}
	}
}

static void
try_pool(VMEM *vmp, const char *name, bool forks, bool child_uses)
{
	struct world w = {.vmp = vmp,
		.lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP,
		.end = deadline_in(stress_phase_ms(NPHASES)),
		.forks = forks,
		.child_uses = child_uses};
	struct vmem_stats s;

	threads_run(NWORKERS + 1, work_or_disturb, &w, name);
	print_message("%s: %u resets, %u walks over %u objects, %u forks\n",
		name, w.nresets, w.nwalks, w.nobjects, w.nforks);
	assert_int_equal(vmem_check(vmp), 1);
	s = stats_of(vmp);
	assert_int_equal(s.allocated, 0);
	assert_int_equal(s.refused, 0);
}

static void
try_options(struct vmem_options *o, const char *name)
{
	for (int level = 0; level <= 2; level++) {
		char full[64];
		VMEM *vmp;

		o->hardening = level;
		(void)snprintf(full, sizeof(full), "%s, level %d", name, level);
		vmp = create(o);
		try_pool(vmp, full, false, false);
		vmem_delete(vmp);
	}
}

static void
at_any_moment__smallest_pool__sound(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);

	(void)state;
	o.size = VMEM_MIN_POOL;
	try_options(&o, "smallest");
}

static void
at_any_moment__sparse_pool_that_grows__sound(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);

	(void)state;
	o.max_size = 64 * MIB;
	o.sparse = 1;
	o.decay_ms = 1;
	try_options(&o, "grows");
}

static void
at_any_moment__huge_pages__sound(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PATH);
	struct fs fs;

	(void)state;
	fs_mount_or_skip(&fs, FS_HUGETLBFS, 48);
	o.path = fs.path;
	o.max_size = 32 * MIB;
	o.sparse = 1;
	o.decay_ms = 0;
	try_options(&o, "huge pages");
	assert_true(fs_unmount(&fs));
}

static void
at_any_moment__with_forks__sound(void **state)
{
	VMEM *file = test_file_pool(VMEM_MIN_POOL);
	VMEM *region = test_pool(VMEM_MIN_POOL);

	(void)state;
	if (TEST_TSAN)
		test_skip("the sanitizer has no forks among threads");
	try_pool(file, "forks", true, false);
	try_pool(region, "forks, private", true, true);
	vmem_delete(file);
	test_pool_delete(region, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_any_moment__smallest_pool__sound),
		cmocka_unit_test(at_any_moment__sparse_pool_that_grows__sound),
		cmocka_unit_test(at_any_moment__huge_pages__sound),
		cmocka_unit_test(at_any_moment__with_forks__sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
