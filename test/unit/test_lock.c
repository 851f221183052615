/* SPDX-License-Identifier: BSD-3-Clause */
/* ctest: threads */
#include "base/lock.h"

#include "base/atomic.h"
#include "base/os.h"
#include "harness/threads.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NTHREADS 8
#define NROUNDS  (TEST_SANITIZED ? 3000u : 30000u)

#ifdef VMEM_DEBUG
#define RANKS_WATCHED 1
#else
#define RANKS_WATCHED 0
#endif

struct shared {
	struct lock lock;
	uint64_t a, b;   /* lock: equal while nobody holds it */
	uint32_t inside; /* atomic, relaxed: holders at the moment */
};

/* hold -- one turn; now and then long enough for the others to go to sleep */
static void
hold(struct shared *s, bool long_one)
{
	lock_acquire(&s->lock, RANK_RUN);
	must(fetch_add_relaxed(&s->inside, 1u) == 0);
	must(s->a == s->b);
	s->a++;
	if (long_one)
		os_yield(16);
	s->b++;
	must(fetch_add_relaxed(&s->inside, -1u) == 1);
	lock_release(&s->lock, RANK_RUN);
}

static void
take_turns(size_t idx, struct rng *rng, void *arg)
{
	(void)idx;
	for (unsigned i = 0; i < NROUNDS; i++)
		hold(arg, rng_between(rng, 0, 2000) == 0);
}

static void
acquire__by_many_threads__lets_one_in(void **state)
{
	struct shared s = {{0}, 0, 0, 0};

	(void)state;
	threads_run(NTHREADS, take_turns, &s, "lock");
	assert_int_equal(s.a, NTHREADS * (uint64_t)NROUNDS);
	assert_int_equal(s.b, s.a);
	assert_int_equal(s.lock.word, 0);
}

static void
turns(struct shared *s)
{
	for (unsigned i = 0; i < NROUNDS / 10; i++)
		hold(s, i % 500 == 0);
}

static void
acquire__by_two_processes__lets_one_in(void **state)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	(void)state;
	must(s != MAP_FAILED);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		alarm(TEST_CHILD_SECONDS);
		turns(s);
		_exit(0);
	}
	turns(s);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(s->a, 2 * (uint64_t)(NROUNDS / 10));
	assert_int_equal(s->b, s->a);
	assert_int_equal(s->lock.word, 0);
	assert_int_equal(munmap(s, sizeof(*s)), 0);
}

static void
acquire__alone__is_held_and_free_again(void **state)
{
	struct lock l = {0};

	(void)state;
	for (int rank = RANK_REGISTRY; rank < RANK_COUNT; rank++) {
		lock_acquire(&l, (enum lock_rank)rank);
		assert_int_equal(l.word, 1);
		lock_release(&l, (enum lock_rank)rank);
		assert_int_equal(l.word, 0);
	}
}

static void
acquire__with_growing_rank__is_allowed(void **state)
{
	struct lock l[RANK_COUNT] = {{0}};

	(void)state;
	for (int rank = RANK_REGISTRY; rank < RANK_COUNT; rank++)
		lock_acquire(&l[rank], (enum lock_rank)rank);
	for (int rank = RANK_REGISTRY; rank < RANK_COUNT; rank++)
		lock_release(&l[rank], (enum lock_rank)rank);
}

static void
reset__of_a_held_lock__is_free(void **state)
{
	struct lock l = {0};

	(void)state;
	for (uint32_t word = 0; word <= 2; word++) {
		l.word = word;
		lock_reset(&l);
		assert_int_equal(l.word, 0);
	}
	lock_acquire(&l, RANK_RUN);
	lock_reset(&l);
	lock_forget_ranks();
	lock_acquire(&l, RANK_RUN);
	lock_release(&l, RANK_RUN);
}

/* out_of_order -- 0 where the ranks are not watched */
static int
out_of_order(void *arg)
{
	static struct lock low, high;
	const enum lock_rank *second = arg;

	lock_acquire(&high, RANK_ADMIN);
	lock_acquire(&low, *second);
	return 0;
}

static void
acquire__with_a_lower_or_equal_rank__ends_the_debug_flavour(void **state)
{
	static const enum lock_rank ranks[] = {RANK_REGISTRY, RANK_ADMIN};

	(void)state;
	for (size_t i = 0; i < NELEM(ranks); i++) {
		char out[512];
		int code = test_child_output(out_of_order,
			(void *)(uintptr_t)&ranks[i], out, sizeof(out));

		assert_int_equal(
			code, RANKS_WATCHED ? TEST_SIGNAL(SIGABRT) : 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acquire__alone__is_held_and_free_again),
		cmocka_unit_test(acquire__with_growing_rank__is_allowed),
		cmocka_unit_test(reset__of_a_held_lock__is_free),
		cmocka_unit_test(
			acquire__with_a_lower_or_equal_rank__ends_the_debug_flavour),
		cmocka_unit_test(acquire__by_many_threads__lets_one_in),
		cmocka_unit_test(acquire__by_two_processes__lets_one_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
