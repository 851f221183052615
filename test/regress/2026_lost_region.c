/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_lost_region.c -- regions that were unmapped without vmem_delete()
 *
 * A new pool at a part of those addresses was refused with ENOMEM, since the
 * old one's first page could not be opened; where somebody else had that page
 * meanwhile, it was made writable.  And the check of a pool that vmem_create()
 * made there said 0 for good.
 */
#include "harness/test.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define MAP_BYTES ((size_t)64 * MIB)

static char *
map(void *at, size_t size, int prot)
{
	int fixed = at != NULL ? MAP_FIXED : 0;
	char *mem = mmap(at, size, prot,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);

	must(mem != MAP_FAILED);
	return mem;
}

/* lose -- a pool at the beginning of addresses that are free again */
static char *
lose(void)
{
	char *mem = map(NULL, MAP_BYTES, PROT_READ | PROT_WRITE);

	must(vmem_create_in_region(mem, VMEM_MIN_POOL) != NULL);
	must(munmap(mem, MAP_BYTES) == 0);
	return mem;
}

static void
use(VMEM *vmp)
{
	void *ptr = vmem_malloc(vmp, 12 * MIB);

	must(ptr != NULL);
	memset(ptr, 1, 12 * MIB);
	vmem_free(vmp, ptr);
}

static int
region_over_its_end(void *arg)
{
	char *mem = lose() + 4 * MIB;
	VMEM *vmp;

	(void)arg;
	(void)map(mem, VMEM_MIN_POOL, PROT_READ | PROT_WRITE);
	vmp = vmem_create_in_region(mem, VMEM_MIN_POOL);
	must(vmp != NULL);
	use(vmp);
	vmem_delete(vmp);
	return 0;
}

static void
create_in_region__over_the_end_of_a_lost_one__works(void **state)
{
	(void)state;
	assert_int_equal(test_child(region_over_its_end, NULL), 0);
}

static sigjmp_buf touched;

static void
on_fault(int sig)
{
	(void)sig;
	siglongjmp(touched, 1);
}

/* is_writable -- can a byte be written? */
static bool
is_writable(volatile char *byte)
{
	struct sigaction act = {.sa_handler = on_fault}, old;
	volatile bool done = false;

	must(sigaction(SIGSEGV, &act, &old) == 0);
	if (sigsetjmp(touched, 1) == 0) {
		*byte = 1;
		done = true;
	}
	must(sigaction(SIGSEGV, &old, NULL) == 0);
	return done;
}

static int
its_first_page_is_anothers(void *arg)
{
	char *page = map(lose(), 4096, PROT_READ), *mem = page + 4 * MIB;

	(void)arg;
	(void)map(mem, VMEM_MIN_POOL, PROT_READ | PROT_WRITE);
	must(vmem_create_in_region(mem, VMEM_MIN_POOL) != NULL);
	must(!is_writable(page));
	return 0;
}

static void
create_in_region__others_have_the_first_page__leaves_it_alone(void **state)
{
	(void)state;
	assert_int_equal(test_child(its_first_page_is_anothers, NULL), 0);
}

/* all free places but the lost ones are taken, so that the pool comes there */
static int
mapping_of_its_own(void *arg)
{
	char *mem = map(NULL, MAP_BYTES, PROT_READ | PROT_WRITE);
	unsigned nover = 0;

	(void)arg;
	for (size_t off = 0; off < MAP_BYTES; off += 16 * MIB)
		must(vmem_create_in_region(mem + off, VMEM_MIN_POOL) != NULL);
	must(munmap(mem, MAP_BYTES) == 0);
	for (unsigned i = 0; i < 8; i++) {
		VMEM *vmp = vmem_create("/dev/shm", VMEM_MIN_POOL);

		must(vmp != NULL);
		nover += (char *)vmp >= mem && (char *)vmp < mem + MAP_BYTES;
		use(vmp);
		must(vmem_check(vmp) == 1);
	}
	print_message("%u of 8 pools lie there\n", nover);
	return 0;
}

static void
check__own_mapping_over_lost_regions__is_consistent(void **state)
{
	(void)state;
	assert_int_equal(test_child(mapping_of_its_own, NULL), 0);
}

/* the lost one is forgotten, and what was made over another part of it lives */
static int
another_over_its_end(void *arg)
{
	char *mem = map(NULL, MAP_BYTES, PROT_READ | PROT_WRITE), *at;
	VMEM *last;
	unsigned nover = 0;

	(void)arg;
	must(vmem_create_in_region(mem, MAP_BYTES) != NULL);
	must(munmap(mem, MAP_BYTES) == 0);
	at = map(mem + MAP_BYTES - VMEM_MIN_POOL, VMEM_MIN_POOL,
		PROT_READ | PROT_WRITE);
	last = vmem_create_in_region(at, VMEM_MIN_POOL);
	must(last != NULL);
	for (unsigned i = 0; i < 8; i++) {
		VMEM *vmp = vmem_create("/dev/shm", VMEM_MIN_POOL);

		must(vmp != NULL);
		nover += (char *)vmp >= mem && (char *)vmp < at;
		use(vmp);
	}
	print_message("%u of 8 pools lie there\n", nover);
	use(last);
	must(nover == 0 || vmem_check(last) == 1);
	return 0;
}

static void
create__own_mapping_over_a_lost_region__others_over_it_live(void **state)
{
	(void)state;
	assert_int_equal(test_child(another_over_its_end, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			create_in_region__over_the_end_of_a_lost_one__works),
		cmocka_unit_test(
			create_in_region__others_have_the_first_page__leaves_it_alone),
		cmocka_unit_test(
			check__own_mapping_over_lost_regions__is_consistent),
		cmocka_unit_test(
			create__own_mapping_over_a_lost_region__others_over_it_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
