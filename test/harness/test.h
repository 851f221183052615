/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test.h -- what the test programs of the public functions share
 *
 * Include it first: it chooses the features of the system's headers and puts
 * those that cmocka wants before cmocka.  Assertions of cmocka jump, so they
 * belong to the main thread of the test; in other threads, in children and in
 * the harness `must` is used, which ends the program.
 */
#ifndef HARNESS_TEST_H
#define HARNESS_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include <libvmem.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/* the address of a pool that has one is a multiple of this */
#define POOL_ALIGNMENT (4 * MIB)

#if defined(__SANITIZE_ADDRESS__)
#define TEST_ASAN 1
#else
#define TEST_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__)
#define TEST_TSAN 1
#else
#define TEST_TSAN 0
#endif
/* the library yields at random, see base/yield.h */
#if defined(VMEM_YIELD)
#define TEST_YIELD 1
#else
#define TEST_YIELD 0
#endif
#define TEST_SANITIZED (TEST_ASAN || TEST_TSAN)

/* what CTest takes for "skipped" */
#define TEST_EXIT_SKIPPED 77

#define NELEM(array) (sizeof(array) / sizeof((array)[0]))

/* must -- end the program unless `cond` holds; errno is not used */
#define must(cond) ((cond) ? (void)0 : test_die(__FILE__, __LINE__, #cond))
_Noreturn void test_die(const char *file, int line, const char *what);

/* test_skip -- leave the test case, and say why it cannot run here */
#define test_skip(why)                                                         \
	do {                                                                   \
		print_message("skipped: %s\n", (why));                         \
		skip();                                                        \
	} while (0)

/*
 * assert_error -- the last call failed with errno `err` and this message, made
 * of the format and its arguments.  Nothing may come between call and assert.
 */
#define assert_error(err, ...)                                                 \
	test_assert_error(errno, (err), __FILE__, __LINE__, __VA_ARGS__)
void test_assert_error(int found, int err, const char *file, int line,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* assert_bad_handle -- the last call refused the handle */
#define assert_bad_handle(vmp)                                                 \
	assert_error(                                                          \
		EINVAL, "invalid pool handle: 0x%" PRIxPTR, (uintptr_t)(vmp))

/*
 * A generator of random numbers.  rng_init prints the seed; the environment
 * variable VMEM_TEST_SEED gives the one of an earlier run.
 */
struct rng {
	uint64_t state;
};

void rng_init(struct rng *rng, const char *name);
void rng_init_from(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
/* rng_between -- `low` to `high`, both may come */
size_t rng_between(struct rng *rng, size_t low, size_t high);
void rng_fill(struct rng *rng, void *buf, size_t size);

/*
 * test_child -- run fn(arg) in a forked child whose signals are at their
 * default, for at most `TEST_CHILD_SECONDS`; returns the value of fn, or
 * TEST_SIGNAL(number of the signal that ended it).  No exit functions run.
 */
#define TEST_CHILD_SECONDS  120
#define TEST_SIGNAL(signum) (128 + (signum))
int test_child(int (*fn)(void *arg), void *arg);

/*
 * test_child_output -- as test_child; `out`, of `size` bytes, gets what the
 * child wrote to the standard streams, as a string
 */
int test_child_output(int (*fn)(void *arg), void *arg, char *out, size_t size);

/* test_dir -- an empty directory of this process, removed at its end */
const char *test_dir(void);

/* test_read_file -- the text of a file, cut to size - 1; its length */
size_t test_read_file(const char *path, char *buf, size_t size);

/* what the process holds at the moment */
size_t test_nthreads(void);
size_t test_vm_size(void);
/* bytes of [addr, addr + size) that have a page in memory */
size_t test_resident(const void *addr, size_t size);

/*
 * test_mapping -- the line of /proc/self/maps that holds addr, if any; the
 * range goes to ret_start and ret_end
 */
bool test_mapping(const void *addr, uintptr_t *ret_start, uintptr_t *ret_end,
	char *line, size_t size);

/* test_ms -- milliseconds of the monotonic clock */
uint64_t test_ms(void);

/* test_pool, test_file_pool -- a pool that is there, or the program ends */
VMEM *test_pool(size_t size);
VMEM *test_file_pool(size_t size);
/* test_pool_delete -- delete what test_pool gave, with its memory */
void test_pool_delete(VMEM *vmp, size_t size);

/* test_fill, test_holds -- a pattern of bytes that depends on tag */
void test_fill(void *ptr, size_t size, uint64_t tag);
bool test_holds(const void *ptr, size_t size, uint64_t tag);

#endif
