/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * holders_json_none.c -- in the place of holders_json.c without jansson
 */
#include "cli/command.h"
#include "cli/holders.h"

int
holders_print_json(const struct holders *all)
{
	(void)all;
	return refuse(STATUS_FAILED, "--json: built without jansson");
}
