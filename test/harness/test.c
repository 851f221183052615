/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test.c -- errors, random numbers, patterns, pools
 */
#include "harness/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 1024

_Noreturn void
test_die(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s (last message: %s)\n", file,
		line, what, vmem_errormsg());
	abort();
}

void
test_assert_error(
	int found, int err, const char *file, int line, const char *format, ...)
{
	char expected[MESSAGE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(expected, sizeof(expected), format, ap);
	va_end(ap);
	_assert_string_equal(vmem_errormsg(), expected, file, line);
	_assert_int_equal((LargestIntegralType)found, (LargestIntegralType)err,
		file, line);
}

/* splitmix64; Steele, Lea and Flood, OOPSLA 2014 */
uint64_t
rng_next(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
rng_init_from(struct rng *rng, uint64_t seed)
{
	rng->state = seed;
}

void
rng_init(struct rng *rng, const char *name)
{
	const char *given = getenv("VMEM_TEST_SEED");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	rng->state = (uint64_t)now.tv_sec * UINT64_C(1000000007) +
		     (uint64_t)now.tv_nsec;
	if (given != NULL)
		rng->state = strtoull(given, NULL, 0);
	print_message("%s: VMEM_TEST_SEED=0x%" PRIx64 "\n", name, rng->state);
}

size_t
rng_between(struct rng *rng, size_t low, size_t high)
{
	return low + (size_t)(rng_next(rng) % (high - low + 1));
}

void
rng_fill(struct rng *rng, void *buf, size_t size)
{
	unsigned char *p = buf;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word)) {
		word = rng_next(rng);
		memcpy(p, &word, sizeof(word));
		p += sizeof(word);
	}
	word = rng_next(rng);
	memcpy(p, &word, size);
}

/*
 * The pattern: the tag itself, as far as there is room, and then a byte that
 * depends on it.  What is left of an object that was cut has the pattern, too.
 */
static unsigned char
tag_byte(uint64_t tag)
{
	struct rng rng = {tag};

	return (unsigned char)rng_next(&rng);
}

static size_t
tag_size(size_t size)
{
	return size < sizeof(uint64_t) ? size : sizeof(uint64_t);
}

void
test_fill(void *ptr, size_t size, uint64_t tag)
{
	memset(ptr, tag_byte(tag), size);
	memcpy(ptr, &tag, tag_size(size));
}

bool
test_holds(const void *ptr, size_t size, uint64_t tag)
{
	const unsigned char *p = ptr;

	if (memcmp(p, &tag, tag_size(size)) != 0)
		return false;
	p += tag_size(size);
	size -= tag_size(size);
	if (size == 0)
		return true;
	return p[0] == tag_byte(tag) && memcmp(p, p + 1, size - 1) == 0;
}

uint64_t
test_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

VMEM *
test_pool(size_t size)
{
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	VMEM *vmp;

	must(addr != MAP_FAILED);
	vmp = vmem_create_in_region(addr, size);
	must(vmp != NULL);
	return vmp;
}

void
test_pool_delete(VMEM *vmp, size_t size)
{
	vmem_delete(vmp);
	must(munmap((void *)vmp, size) == 0);
}

VMEM *
test_file_pool(size_t size)
{
	VMEM *vmp = vmem_create(test_dir(), size);

	must(vmp != NULL);
	return vmp;
}
