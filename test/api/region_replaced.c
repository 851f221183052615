/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * region_replaced.c -- a region that the program has mapped anew, without
 * vmem_delete(): what looks at a whole pool finds out
 */
#include "harness/test.h"

#include <sys/mman.h>

static int
ignore(void *ptr, size_t size, void *arg)
{
	(void)ptr;
	(void)size;
	(void)arg;
	return 0;
}

/* one function; what it returns for such a pool, with errno set */
static int
stats_get(VMEM *vmp)
{
	struct vmem_stats s;

	return vmem_stats_get(vmp, &s, sizeof(s));
}

static int
stats_print(VMEM *vmp)
{
	vmem_stats_print(vmp, NULL);
	vmem_stats_print(vmp, "J");
	return -1;
}

static int
walk(VMEM *vmp)
{
	return vmem_walk(vmp, ignore, NULL);
}

static int
trim(VMEM *vmp)
{
	return vmem_trim(vmp, 0);
}

static int
reset(VMEM *vmp)
{
	return vmem_reset(vmp);
}

struct call {
	const char *name;
	int (*call)(VMEM *vmp);
	bool sets_errno;
};

static struct call calls[] = {
	{"stats_get", stats_get, true},
	{"stats_print", stats_print, false},
	{"walk", walk, true},
	{"trim", trim, true},
	{"reset", reset, true},
};

static int
call_after(void *arg)
{
	const struct call *c = arg;
	size_t size = VMEM_MIN_POOL;
	int prot = PROT_READ | PROT_WRITE;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *mem = mmap(NULL, size, prot, flags, -1, 0);
	VMEM *vmp;

	must(mem != MAP_FAILED);
	vmp = vmem_create_in_region(mem, size);
	must(vmp != NULL && vmem_malloc(vmp, 10) != NULL);
	must(mmap(mem, size, prot, flags | MAP_FIXED, -1, 0) == mem);
	errno = 0;
	must(c->call(vmp) == -1);
	must(!c->sets_errno || errno == EINVAL);
	must(vmem_check(vmp) == 0);
	return 0;
}

static void
call__region_mapped_anew__is_refused(void **state)
{
	assert_int_equal(test_child(call_after, *state), 0);
}

int
main(void)
{
	struct CMUnitTest tests[NELEM(calls)];

	for (size_t i = 0; i < NELEM(calls); i++)
		tests[i] = (struct CMUnitTest){.name = calls[i].name,
			.test_func = call__region_mapped_anew__is_refused,
			.initial_state = &calls[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
