/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "harness/proc.h"
#include "harness/test.h"

#define ODD_ERRNO 12345 /* that no call sets */

static void
page_size__called__gives_the_mapping_unit(void **state)
{
	size_t page = os_page_size();

	(void)state;
	assert_true(page >= 4096);
	assert_int_equal(page & (page - 1), 0);
	assert_int_equal(page, getauxval(AT_PAGESZ));
}

static void
ncpus__called__gives_what_the_process_may_use(void **state)
{
	cpu_set_t set[8];

	(void)state;
	errno = ODD_ERRNO;
	assert_true(os_ncpus() >= 1);
	assert_int_equal(os_ncpus(), os_ncpus());
	assert_int_equal(errno, ODD_ERRNO);
	if (sched_getaffinity(0, sizeof(set), set) == 0)
		assert_int_equal(os_ncpus(), CPU_COUNT_S(sizeof(set), set));
}

static void
memory_size__called__gives_what_the_machine_has(void **state)
{
	size_t pages = (size_t)sysconf(_SC_PHYS_PAGES);

	(void)state;
	errno = ODD_ERRNO;
	assert_true(os_memory_size() >= pages * os_page_size());
	assert_true(os_memory_size() < SIZE_MAX);
	assert_int_equal(errno, ODD_ERRNO);
}

static void
map__of_a_size__gives_zero_private_memory(void **state)
{
	const size_t size = 3 * os_page_size();
	unsigned char *p;

	(void)state;
	errno = ODD_ERRNO;
	p = os_map(size);
	assert_non_null(p);
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(p[i], 0);
		p[i] = 1;
	}
	os_unmap(p, size);
	assert_int_equal(errno, ODD_ERRNO);
}

static void
map__more_than_there_is__gives_null(void **state)
{
	(void)state;
	errno = ODD_ERRNO;
	assert_null(os_map(SIZE_MAX - 2 * os_page_size()));
	assert_int_equal(errno, ODD_ERRNO);
}

static void
barrier__registered__keeps_errno(void **state)
{
	(void)state;
	errno = ODD_ERRNO;
	if (!os_barrier_init()) {
		print_message("skip: the kernel has no private membarrier\n");
		skip();
	}
	assert_true(os_barrier_init()); /* again */
	for (int i = 0; i < 100; i++)
		os_barrier();
	assert_int_equal(errno, ODD_ERRNO);
}

static int
child_barrier(void *arg)
{
	(void)arg;
	errno = ODD_ERRNO;
	os_barrier();
	return errno == ODD_ERRNO ? 0 : 1;
}

static void
barrier__in_a_forked_child__works(void **state)
{
	(void)state;
	if (!os_barrier_init()) {
		print_message("skip: the kernel has no private membarrier\n");
		skip();
	}
	assert_int_equal(proc_run_child(child_barrier, NULL), 0);
}

/* a filter comes when the library counts on the barrier already */
static int
child_denied_barrier(void *arg)
{
	uint64_t before;

	(void)arg;
	if (!proc_deny_syscall(__NR_membarrier, 0, 0, EPERM))
		return TEST_EXIT_SKIPPED;
	before = test_ms();
	errno = ODD_ERRNO;
	os_barrier();
	must(errno == ODD_ERRNO);
	return test_ms() - before >= 5 ? 0 : 1;
}

static void
barrier__denied_since__waits_instead(void **state)
{
	int code;

	(void)state;
	if (!os_barrier_init())
		test_skip("the kernel has no private membarrier");
	code = proc_run_child(child_denied_barrier, NULL);
	if (code == TEST_EXIT_SKIPPED)
		test_skip("no seccomp filters here");
	assert_int_equal(code, 0);
}

/*
 * Store-load reordering: each side writes its word and reads the other's.  One
 * side has only a compiler fence; the other's os_barrier() must be enough, or
 * both read 0 at some time.
 */
struct dekker {
	unsigned fast, slow; /* atomic; relaxed: the barrier orders them */
	unsigned round;      /* atomic; acquire and release */
	unsigned fast_saw;   /* atomic; published by `done` */
	unsigned done;       /* atomic; acquire and release */
};

#define DEKKER_NROUNDS 2000u

static void *
dekker_fast(void *arg)
{
	struct dekker *d = arg;

	for (unsigned r = 1; r <= DEKKER_NROUNDS; r++) {
		while (load_acquire(&d->round) != r)
			sched_yield();
		store_relaxed(&d->fast, 1u);
		compiler_fence();
		store_relaxed(&d->fast_saw, load_relaxed(&d->slow));
		store_release(&d->done, r);
	}
	return NULL;
}

static void
barrier__against_a_plain_store_and_load__orders_them(void **state)
{
	struct dekker d = {0};
	unsigned nmissed = 0;
	pthread_t thread;

	(void)state;
	if (!os_barrier_init()) {
		print_message("skip: the kernel has no private membarrier\n");
		skip();
	}
	assert_int_equal(pthread_create(&thread, NULL, dekker_fast, &d), 0);
	for (unsigned r = 1; r <= DEKKER_NROUNDS; r++) {
		unsigned saw;

		store_relaxed(&d.fast, 0u);
		store_relaxed(&d.slow, 0u);
		store_release(&d.round, r);
		store_relaxed(&d.slow, 1u);
		os_barrier();
		saw = load_relaxed(&d.fast);
		while (load_acquire(&d.done) != r)
			sched_yield();
		if (saw == 0 && load_relaxed(&d.fast_saw) == 0)
			nmissed++;
	}
	pthread_join(thread, NULL);
	assert_int_equal(nmissed, 0);
}

static void
futex_wait__value_differs__returns_at_once(void **state)
{
	uint32_t word = 1;

	(void)state;
	errno = ODD_ERRNO;
	os_futex_wait(&word, 2);
	os_futex_wake(&word, 1);
	os_futex_wake(&word, INT_MAX);
	assert_int_equal(errno, ODD_ERRNO);
}

/* ping_pong -- wait for the word to have the value, then give it the next */
static void
ping_pong(uint32_t *word, uint32_t first)
{
	for (uint32_t turn = first; turn < 1000; turn += 2) {
		uint32_t now;

		while ((now = load_acquire(word)) != turn)
			os_futex_wait(word, now);
		store_release(word, turn + 1);
		os_futex_wake(word, 1);
	}
}

static void
futex__on_memory_shared_by_two_processes__wakes(void **state)
{
	uint32_t *word;
	int status;
	pid_t pid;

	(void)state;
	word = mmap(NULL, os_page_size(), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(word, MAP_FAILED);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60); /* ends it, should it wait for ever */
		ping_pong(word, 1);
		_exit(0);
	}
	ping_pong(word, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	munmap(word, os_page_size());
}

static void
yield__any_round__returns_soon(void **state)
{
	static const unsigned rounds[] = {
		0, 1, 15, 16, 17, 25, 26, 27, 47, 48, 1000, UINT_MAX};
	struct timespec from, to;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	errno = ODD_ERRNO;
	for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++)
		os_yield(rounds[i]);
	assert_int_equal(errno, ODD_ERRNO);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 30);
}

static void *
yield_cancelled(void *arg)
{
	(void)arg;
	pthread_cancel(pthread_self());
	for (unsigned round = 0; round < 30; round++)
		os_yield(round);
	/* not reached when one of them was a cancellation point */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return arg;
}

static void
yield__in_a_cancelled_thread__goes_on(void **state)
{
	int token;
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(
		pthread_create(&thread, NULL, yield_cancelled, &token), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &token);
}

static void
getenv__set_and_not_set__gives_the_text_or_null(void **state)
{
	(void)state;
	assert_int_equal(setenv("VMEM_TEST_OS", "a text", 1), 0);
	assert_string_equal(os_getenv("VMEM_TEST_OS"), "a text");
	assert_int_equal(unsetenv("VMEM_TEST_OS"), 0);
	assert_null(os_getenv("VMEM_TEST_OS"));
}

static int
dup_where_few_are_allowed(void *arg)
{
	static const struct rlimit few = {64, 64};
	int fd;

	(void)arg;
	must(setrlimit(RLIMIT_NOFILE, &few) == 0);
	must(close(STDIN_FILENO) == 0);
	fd = os_dup_high(STDERR_FILENO);
	return fd > STDERR_FILENO && fd < 64 ? 0 : 1;
}

static void
dup_high__any_descriptor__gives_a_high_one(void **state)
{
	int fd;

	(void)state;
	errno = ODD_ERRNO;
	fd = os_dup_high(STDERR_FILENO);
	assert_true(fd >= 200);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(close(fd), 0);
	assert_int_equal(os_dup_high(-1), -EBADF);
	assert_int_equal(errno, ODD_ERRNO);
	assert_int_equal(test_child(dup_where_few_are_allowed, NULL), 0);
}

static void
write__pipe_and_nothing__writes_all_or_gives_up(void **state)
{
	char text[8];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	errno = ODD_ERRNO;
	os_write(ends[1], "abcdef", 3);
	assert_int_equal(read(ends[0], text, sizeof(text)), 3);
	assert_memory_equal(text, "abc", 3);
	os_write(ends[0], "abc", 3); /* not open for that */
	os_write(-1, "abc", 3);
	assert_int_equal(errno, ODD_ERRNO);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
}

static void
is_readable__pages_of_each_kind__asks_without_a_signal(void **state)
{
	size_t page = os_page_size();
	char *p = os_map(3 * page);
	sigset_t before, after;

	(void)state;
	assert_non_null(p);
	memset(p, 0xff, page);
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
	assert_int_equal(mprotect(p + page, page, PROT_NONE), 0);
	assert_int_equal(munmap(p + 2 * page, page), 0);
	errno = ODD_ERRNO;
	assert_true(os_is_readable(p));
	assert_true(os_is_readable(p + page - 8));
	/* an emulator does not look at the set */
	if (os_is_readable(p + page))
		print_message("it cannot be known here\n");
	else
		assert_false(os_is_readable(p + 2 * page));
	assert_int_equal(errno, ODD_ERRNO);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
	os_unmap(p, 2 * page);
}

static void
is_mapped__with_a_hole__is_not(void **state)
{
	size_t page = os_page_size();
	char *p = os_map(3 * page);

	(void)state;
	assert_non_null(p);
	assert_int_equal(mprotect(p, page, PROT_NONE), 0);
	errno = ODD_ERRNO;
	assert_true(os_is_mapped(p + 5, 3 * page - 5));
	assert_int_equal(munmap(p + page, page), 0);
	/* of one page without access emulators say that it is none */
	assert_true(os_is_mapped(p + 2 * page, page));
	assert_false(os_is_mapped(p, page + 1));
	assert_false(os_is_mapped(p + page, 1));
	assert_false(os_is_mapped(p + 2 * page - 1, 2));
	assert_int_equal(errno, ODD_ERRNO);
	os_unmap(p, 3 * page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_size__called__gives_the_mapping_unit),
		cmocka_unit_test(ncpus__called__gives_what_the_process_may_use),
		cmocka_unit_test(
			memory_size__called__gives_what_the_machine_has),
		cmocka_unit_test(map__of_a_size__gives_zero_private_memory),
		cmocka_unit_test(map__more_than_there_is__gives_null),
		cmocka_unit_test(barrier__registered__keeps_errno),
		cmocka_unit_test(barrier__in_a_forked_child__works),
		cmocka_unit_test(barrier__denied_since__waits_instead),
		cmocka_unit_test(
			barrier__against_a_plain_store_and_load__orders_them),
		cmocka_unit_test(futex_wait__value_differs__returns_at_once),
		cmocka_unit_test(
			futex__on_memory_shared_by_two_processes__wakes),
		cmocka_unit_test(yield__any_round__returns_soon),
		cmocka_unit_test(yield__in_a_cancelled_thread__goes_on),
		cmocka_unit_test(
			getenv__set_and_not_set__gives_the_text_or_null),
		cmocka_unit_test(dup_high__any_descriptor__gives_a_high_one),
		cmocka_unit_test(
			write__pipe_and_nothing__writes_all_or_gives_up),
		cmocka_unit_test(
			is_readable__pages_of_each_kind__asks_without_a_signal),
		cmocka_unit_test(is_mapped__with_a_hole__is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
