/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_check_beside.c -- vmem_check() of a pool that another process works in
 *
 * The check in a child of a pool that its parent works in, or in the parent
 * while the child does, followed what had become something else since it was
 * found to be well, and ended in a SIGSEGV.
 *
 * ctest: timeout=120 not-valgrind
 */
#include "harness/test.h"

#include <errno.h>

#include "harness/beside.h"

#define NPHASES 4

static void
check(VMEM *vmp)
{
	int rc = vmem_check(vmp);

	must(rc == 1 || (rc == -1 && errno == EBUSY));
}

static void
check__in_children_while_the_parent_works__ends(void **state)
{
	(void)state;
	beside_run(1, true, STRESS_MS / NPHASES, check);
	beside_run(3, true, STRESS_MS / NPHASES, check);
}

static void
check__in_a_parent_while_children_work__ends(void **state)
{
	(void)state;
	beside_run(1, false, STRESS_MS / NPHASES, check);
	beside_run(3, false, STRESS_MS / NPHASES, check);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			check__in_children_while_the_parent_works__ends),
		cmocka_unit_test(check__in_a_parent_while_children_work__ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
