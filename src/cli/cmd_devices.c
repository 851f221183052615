/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmd_devices.c -- `vmem devices`: what could hold a pool on this machine
 */
#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"
#include "cli/holders.h"

enum { KEY_JSON = 256 };

static const struct argp_option known[] = {
	{"json", KEY_JSON, NULL, 0, "One JSON object, with sizes in bytes", 0},
	{0},
};

static error_t
/* NOLINTNEXTLINE(readability-non-const-parameter) argp's type */
parse(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	(void)arg;
	if (key != KEY_JSON)
		return ARGP_ERR_UNKNOWN;
	*json = true;
	return 0;
}

static const struct argp argp = {.options = known,
	.parser = parse,
	.doc = "List what could hold a pool on this machine: device DAX "
	       "nodes, NUMA nodes, and directories.\v"
	       "Exit status: 0 fine; 2 the command line is wrong; 125 the list "
	       "cannot be made or not be written."};

int
cmd_devices(int argc, char **argv)
{
	struct holders all = {0};
	bool json = false;
	int status;

	if (argp_parse(&argp, argc, argv, 0, NULL, &json) != 0)
		return STATUS_USAGE;
	status = dax_list(&all);
	if (status == 0)
		status = numa_list(&all);
	if (status == 0)
		status = mount_list(&all);
	if (status == 0 && json)
		status = holders_print_json(&all);
	else if (status == 0)
		holders_print(&all);
	holders_fini(&all);
	return status;
}
