/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dax_list_none.c -- in the place of dax_list.c where there is no libdaxctl
 */
#include "cli/holders.h"

int
dax_list(struct holders *all)
{
	all->missing[HOLDER_DAX] = "not known: built without libdaxctl";
	return 0;
}
