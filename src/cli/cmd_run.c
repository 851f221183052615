/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmd_run.c -- `vmem run`: a program with its heap in a pool
 *
 * Everything that can be known beforehand is looked at; then the environment
 * of the preload library is set, and this process becomes the program.
 */
#include <argp.h>
#include <libvmem.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/place.h"
#include "cli/preload.h"
#include "cli/program.h"
#include "cli/settings.h"
#include "cli/size.h"
#include "cli/tiers.h"

#define DEFAULT_DIR       "/tmp"
#define SIZE_NUMBER_LIMIT 24 /* digits of a size_t and its end */

/* what the command line says; NULL where it says nothing */
struct options {
	const char *dir;
	const char *device;
	const char *size;
	const char *fork;
	const char *tiers;
	const char *log_file;
	const char *profile;
	bool stats;
	char **program; /* with its arguments */
};

/* options without a letter */
enum {
	KEY_DEVICE = 256,
	KEY_FORK,
	KEY_TIERS,
	KEY_STATS,
	KEY_LOG_FILE,
	KEY_PROFILE
};

static const struct argp_option known[] = {
	{"dir", 'd', "DIR", 0,
		"Pool in a file without a name in DIR (default: "
		"$VMMALLOC_POOL_DIR, $TMPDIR or /tmp)",
		0},
	{"device", KEY_DEVICE, "NODE", 0,
		"Pool on a device DAX node, such as /dev/dax0.0: all of it", 0},
	{"size", 's', "SIZE", 0,
		"Size of the pool, with suffix K, M, G or T (default: "
		"$VMMALLOC_POOL_SIZE, or an eighth of the free space and at "
		"most 4G)",
		0},
	{"fork", KEY_FORK, "MODE", 0,
		"What a forked child gets: none (0), private (1), copy (2), "
		"copy-or-private (3)",
		0},
	{"tiers", KEY_TIERS, "LIST", 0,
		"Several kinds of memory: NAME:KIND[:SIZE] and KEY=VALUE, "
		"separated by commas",
		0},
	{"stats", KEY_STATS, NULL, 0,
		"Print the pool's statistics when the program ends", 0},
	{"profile", KEY_PROFILE, "MEAN[:FILE]", 0,
		"Sample one byte in MEAN (suffix K, M or G) of what is "
		"allocated, for 'vmem profile', and write what lives at the "
		"end to FILE; %p in its name is the process id",
		0},
	{"log-file", KEY_LOG_FILE, "FILE", 0,
		"Log and statistics go to FILE; with '-' at its end the "
		"process id is appended",
		0},
	{0},
};

static error_t
/* NOLINTNEXTLINE(readability-non-const-parameter) argp's type */
parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->dir = arg;
		break;
	case KEY_DEVICE:
		options->device = arg;
		break;
	case 's':
		options->size = arg;
		break;
	case KEY_FORK:
		options->fork = arg;
		break;
	case KEY_TIERS:
		options->tiers = arg;
		break;
	case KEY_STATS:
		options->stats = true;
		break;
	case KEY_PROFILE:
		options->profile = arg;
		break;
	case KEY_LOG_FILE:
		options->log_file = arg;
		break;
	case ARGP_KEY_ARG:
		options->program = state->argv + state->next - 1;
		state->next = state->argc;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {.options = known,
	.parser = parse,
	.args_doc = "[--] PROGRAM [ARG...]",
	.doc = "Run a program with its heap in a memory pool, by preloading "
	       "libvmmalloc.\v"
	       "Exit status: that of the program; 2 the command line is wrong; "
	       "125 the pool cannot be had; 126 the program cannot be run; 127 "
	       "there is no such program."};

/* variable -- of the environment; NULL also when it is empty */
static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

static int
set_size(size_t size)
{
	char text[SIZE_NUMBER_LIMIT];

	(void)snprintf(text, sizeof(text), "%zu", size);
	return setting_set("VMMALLOC_POOL_SIZE", text);
}

/* read_size -- the size of the pool that `what` asks for */
static int
read_size(const char *what, const char *text, size_t *ret_size)
{
	if (!size_parse(text, strlen(text), ret_size))
		return refuse(STATUS_USAGE, "%s: '%s' is no number of bytes",
			what, text);
	if (*ret_size < VMEM_MIN_POOL)
		return refuse(STATUS_USAGE,
			"%s: '%s' is less than a pool can have (%zu)", what,
			text, VMEM_MIN_POOL);
	return 0;
}

/* find_place -- where and how large, from the command line and variables */
static int
find_place(const struct options *options, struct place *ret_place)
{
	const char *dir = options->dir, *device = options->device;
	const char *what = "--size", *text = options->size;
	size_t size = 0;
	int status = 0;

	if (dir == NULL && device == NULL) {
		dir = getenv("VMMALLOC_POOL_DIR");
		if (dir != NULL && *dir == '\0')
			return refuse(STATUS_USAGE,
				"VMMALLOC_POOL_DIR: it is set, and empty");
		if (dir != NULL && place_is_device(dir))
			device = dir;
	}
	if (dir == NULL)
		dir = variable("TMPDIR");
	if (dir == NULL)
		dir = DEFAULT_DIR;
	if (text == NULL && device == NULL) {
		what = "VMMALLOC_POOL_SIZE";
		text = variable(what);
	}
	if (text != NULL)
		status = read_size(what, text, &size);
	if (status != 0)
		return status;
	return device != NULL ? place_on_device("", device, size, ret_place)
			      : place_in_dir("", dir, size, ret_place);
}

static int
set_place(const struct options *options)
{
	struct place place;
	int status = find_place(options, &place);

	if (status == 0)
		status = setting_set("VMMALLOC_POOL_DIR", place.path);
	return status != 0 ? status : set_size(place.size);
}

/*
 * set_pool -- where the heap will be
 *
 * Tiers say that by themselves, and then only what the command line asks for
 * besides is set; a directory or a device there overrides tiers of the
 * environment.
 */
static int
set_pool(const struct options *options)
{
	bool placed = options->dir != NULL || options->device != NULL;
	const char *tiers = options->tiers;
	size_t size;
	int status;

	if (tiers == NULL && placed)
		(void)unsetenv("VMMALLOC_TIERS");
	else if (tiers == NULL)
		tiers = variable("VMMALLOC_TIERS");
	if (tiers == NULL)
		return set_place(options);
	status = tiers_check(tiers);
	if (status == 0)
		status = setting_set("VMMALLOC_TIERS", tiers);
	if (status == 0 && placed)
		return set_place(options);
	if (status == 0 && options->size != NULL) {
		status = read_size("--size", options->size, &size);
		if (status == 0)
			status = set_size(size);
	}
	return status;
}

/* set_all -- the environment of the preload library */
static int
set_all(const struct options *options)
{
	int status;

	if (options->dir != NULL && options->device != NULL)
		return refuse(STATUS_USAGE,
			"--dir and --device cannot both be given");
	status = setting_fork(options->fork);
	if (status == 0)
		status = set_pool(options);
	if (status == 0)
		status = setting_log_file(options->log_file);
	if (status == 0 && options->stats)
		status = setting_set("VMMALLOC_LOG_STATS", "1");
	if (status == 0)
		status = setting_profile(options->profile);
	return status;
}

int
cmd_run(int argc, char **argv)
{
	struct options options = {0};
	char path[PATH_MAX];
	int status;

	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options) != 0)
		return STATUS_USAGE;
	if (options.program == NULL)
		return refuse(STATUS_USAGE, "a program is missing");
	status = set_all(&options);
	if (status == 0)
		status = program_find(options.program[0], path);
	if (status == 0)
		status = preload_set();
	if (status == 0 && options.profile != NULL)
		status = preload_unwinder();
	if (status == 0)
		status = program_exec(path, options.program);
	return status;
}
