/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * walk_fork.c -- fork() while another thread walks over a pool, and uses other
 * pools from within
 *
 * A fork waits for walks to end, so a walk must not wait for a fork, neither
 * itself nor by way of a thread that its callback waits for.
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "harness/threads.h"

#define SECONDS   100 /* what is tested here is that nobody waits for ever */
#define NWALKERS  8
#define NSTEPPERS 6
#define SOON_US   30000 /* until what was begun waits, most often */

static atomic_uint nforks_begun; /* handlers that precede the library's */

static void
fork_begins(void)
{
	atomic_fetch_add(&nforks_begun, 1);
}

static int
do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int
count(void *ptr, size_t usable, void *arg)
{
	must(ptr != NULL && usable > 0);
	++*(size_t *)arg;
	return 0;
}

/* what a callback does with a pool that it is not called for */
typedef void use_func(VMEM *vmp);

static void
use_small(VMEM *vmp)
{
	void *p = vmem_malloc(vmp, 100);

	must(p != NULL);
	vmem_free(vmp, p);
}

static void
use_check(VMEM *vmp)
{
	must(vmem_check(vmp) == 1);
}

static void
use_until_full(VMEM *vmp)
{
	while (vmem_malloc(vmp, 100 * KIB) != NULL)
		;
	must(errno == ENOMEM);
}

static void
use_trim(VMEM *vmp)
{
	must(vmem_trim(vmp, 0) >= 0);
}

static void
use_reset(VMEM *vmp)
{
	must(vmem_reset(vmp) == 0);
}

static void
use_stats(VMEM *vmp)
{
	struct vmem_stats s;

	must(vmem_stats_get(vmp, &s, sizeof(s)) == 0);
}

static void
use_flush(VMEM *vmp)
{
	must(vmem_thread_flush(vmp) == 0);
}

static void
use_profile(VMEM *vmp)
{
	must(vmem_profile_start(vmp, KIB) == 0);
	use_small(vmp);
	must(vmem_profile_stop(vmp) == 0);
}

static void
use_walk(VMEM *vmp)
{
	size_t n = 0;

	must(vmem_malloc(vmp, 10) != NULL);
	must(vmem_walk(vmp, count, &n) == 0 && n > 0);
}

static void
use_new_pool(VMEM *vmp)
{
	VMEM *fresh = test_file_pool(VMEM_MIN_POOL);

	use_walk(fresh);
	use_small(fresh);
	use_small(vmp);
	vmem_delete(fresh);
}

static use_func *const uses[] = {use_small, use_check, use_until_full, use_trim,
	use_reset, use_stats, use_flush, use_profile, use_walk, use_new_pool};

/* how a callback comes to it */
enum way {
	WAY_FIRST,   /* the thread does not know the other pool yet */
	WAY_KNOWN,   /* it does */
	WAY_INNER,   /* in a walk that was begun from within another */
	WAY_ANOTHER, /* another thread does it, for which the callback waits */
	NWAYS
};

struct walk {
	VMEM *outer, *vmp, *other;
	use_func *use;
	enum way way;
	atomic_bool is_in, forked;
};

static void *
use_in_thread(void *arg)
{
	struct walk *w = arg;

	w->use(w->other);
	return NULL;
}

/* use_in_walk -- while a fork waits for the walk */
static int
use_in_walk(void *ptr, size_t usable, void *arg)
{
	struct walk *w = arg;
	unsigned before = atomic_load(&nforks_begun);

	(void)ptr;
	(void)usable;
	atomic_store(&w->is_in, true);
	while (atomic_load(&nforks_begun) == before)
		usleep(100);
	usleep(SOON_US);
	if (w->way != WAY_ANOTHER) {
		w->use(w->other);
		return 0;
	}
	in_thread(use_in_thread, w);
	return 0;
}

/* walk_within -- begin the walk in the callback of another */
static int
walk_within(void *ptr, size_t usable, void *arg)
{
	struct walk *w = arg;

	(void)ptr;
	(void)usable;
	return vmem_walk(w->vmp, use_in_walk, w);
}

static void *
walk_and_use(void *arg)
{
	struct walk *w = arg;

	if (w->way == WAY_KNOWN)
		use_small(w->other);
	if (w->way == WAY_INNER)
		must(vmem_walk(w->outer, walk_within, w) == 0);
	else
		must(vmem_walk(w->vmp, use_in_walk, w) == 0);
	/* the thread sanitizer calls it lost in a child that has its end */
	while (!atomic_load(&w->forked))
		usleep(100);
	return NULL;
}

static VMEM *
pool_with_object(void)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	must(vmem_malloc(vmp, 10) != NULL);
	return vmp;
}

static void
try_use(use_func *use, enum way way)
{
	struct walk w = {.outer = pool_with_object(),
		.vmp = pool_with_object(),
		.other = test_file_pool(VMEM_MIN_POOL),
		.use = use,
		.way = way};
	pthread_t walker;

	must(pthread_create(&walker, NULL, walk_and_use, &w) == 0);
	while (!atomic_load(&w.is_in))
		usleep(100);
	must(test_child(do_nothing, NULL) == 0);
	atomic_store(&w.forked, true);
	must(pthread_join(walker, NULL) == 0);
	/* nothing is left closed */
	use_small(w.vmp);
	use_reset(w.other);
	use_walk(w.other);
	vmem_delete(w.outer);
	vmem_delete(w.vmp);
	vmem_delete(w.other);
}

static void
fork__callback_uses_another_pool__both_go_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(uses); i++)
		for (int way = 0; way < NWAYS; way++)
			/* who begins a walk waits for forks */
			if (way != WAY_ANOTHER ||
				(uses[i] != use_walk &&
					uses[i] != use_new_pool))
				try_use(uses[i], (enum way)way);
}

static int
sleep_once(void *ptr, size_t usable, void *arg)
{
	(void)ptr;
	(void)usable;
	(void)arg;
	usleep(5000);
	return 0;
}

/* threads that walk or check one after the other: some pool is always frozen */
static void *
walk_on(void *arg)
{
	VMEM *vmp = pool_with_object();

	while (!atomic_load((atomic_bool *)arg))
		must(vmem_walk(vmp, sleep_once, NULL) == 0);
	vmem_delete(vmp);
	return NULL;
}

static void *
check_on(void *arg)
{
	VMEM *vmp = pool_with_object();

	while (!atomic_load((atomic_bool *)arg))
		use_check(vmp);
	vmem_delete(vmp);
	return NULL;
}

static void
fork__others_walk_without_end__gets_its_turn(void **state)
{
	pthread_t threads[2 * NWALKERS];
	atomic_bool stop = false;

	(void)state;
	for (size_t i = 0; i < NELEM(threads); i++)
		must(pthread_create(&threads[i], NULL,
			     i < NWALKERS ? walk_on : check_on, &stop) == 0);
	usleep(SOON_US);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(test_child(do_nothing, NULL), 0);
	atomic_store(&stop, true);
	for (size_t i = 0; i < NELEM(threads); i++)
		must(pthread_join(threads[i], NULL) == 0);
}

/* walks over pools in a row, each in the callback of the one before */
struct world {
	VMEM *pools[4];
	struct deadline end;
	pthread_barrier_t forked; /* as above */
	atomic_uint nwalks;
};

struct step {
	struct world *world;
	struct rng *rng;
	size_t at;
};

static int
take_step(void *ptr, size_t usable, void *arg)
{
	const struct step *from = arg;
	struct step step = *from;
	size_t what = rng_between(step.rng, 0, 9);
	VMEM *vmp;

	(void)ptr;
	(void)usable;
	/* only pools behind this one: so no two threads wait for each other */
	step.at = rng_between(step.rng, step.at + 1, NELEM(step.world->pools));
	if (step.at == NELEM(step.world->pools))
		return 0;
	vmp = step.world->pools[step.at];
	if (what < 5)
		must(vmem_walk(vmp, take_step, &step) == 0);
	else if (what < 8)
		use_small(vmp);
	else
		uses[what == 8 ? 1 : 3](vmp);
	return 0;
}

static void
take_steps(size_t idx, struct rng *rng, void *arg)
{
	struct world *world = arg;
	unsigned nforks = 0;

	while (!deadline_is_over(world->end)) {
		struct step step = {.world = world, .rng = rng};

		if (idx < 2) {
			must(test_child(do_nothing, NULL) == 0);
			nforks++;
			usleep((useconds_t)rng_between(rng, 0, 2000));
			continue;
		}
		step.at = rng_between(rng, 0, NELEM(world->pools) - 1);
		must(vmem_walk(world->pools[step.at], take_step, &step) == 0);
		use_check(world->pools[step.at]);
		atomic_fetch_add(&world->nwalks, 1);
	}
	pthread_barrier_wait(&world->forked);
	must(idx >= 2 || nforks > 0);
}

static void
fork__while_others_walk_in_walks__all_go_on(void **state)
{
	struct world world = {.end = deadline_in(700)};

	(void)state;
	for (size_t i = 0; i < NELEM(world.pools); i++)
		world.pools[i] = pool_with_object();
	must(pthread_barrier_init(&world.forked, NULL, NSTEPPERS) == 0);
	threads_run(NSTEPPERS, take_steps, &world, "walk fork");
	print_message("%u walks\n", atomic_load(&world.nwalks));
	assert_true(atomic_load(&world.nwalks) > 0);
	for (size_t i = 0; i < NELEM(world.pools); i++) {
		use_check(world.pools[i]);
		vmem_delete(world.pools[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork__callback_uses_another_pool__both_go_on),
		cmocka_unit_test(fork__others_walk_without_end__gets_its_turn),
		cmocka_unit_test(fork__while_others_walk_in_walks__all_go_on),
	};

	/* the library's handler is there already, and runs after this one */
	must(pthread_atfork(fork_begins, NULL, NULL) == 0);
	alarm(SECONDS);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
