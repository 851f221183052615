/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numa_list_none.c -- in the place of numa_list.c where there is no libnuma
 */
#include "cli/holders.h"

int
numa_list(struct holders *all)
{
	all->missing[HOLDER_NODE] = "not known: built without libnuma";
	return 0;
}
