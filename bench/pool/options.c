/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include "clock.h"

#include <argp.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEFAULT_ROUNDS = 15,
	DEFAULT_SLICE = 8,
	QUICK_SLICE = 8,
	QUICK_ROUNDS = 7,
	DEFAULT_PROCESSES = 3,
	SLICE_MAX = 10000,
};

enum {
	KEY_TMPFS = 256,
	KEY_HUGE,
	KEY_SLOW,
	KEY_PLOTS,
	KEY_RESUME,
	KEY_REPORT,
	KEY_TABLE,
	KEY_PROGRAMS,
	KEY_PART,
	KEY_FIRST_WORD
};

static const struct argp_option known[] = {
	{"works", 'w', "LIST", 0,
		"Works with these names; * and ? are patterns", 0},
	{"contenders", 'c', "LIST", 0, "These allocators, and vmem", 0},
	{"memory", 'm', "LIST", 0, "On these kinds: tmpfs, region, huge, slow",
		0},
	{"rounds", 'r', "N", 0, "Rounds (default: 15)", 0},
	{"processes", 'p', "N", 0,
		"Processes that share the rounds of a work (default: 3)", 0},
	{"part", KEY_PART, "FD", OPTION_HIDDEN, NULL, 0},
	{"slice", 's', "MS", 0,
		"Milliseconds of each contender in a round (default: 8)", 0},
	{"first-word", KEY_FIRST_WORD, NULL, 0,
		"Let works that leave objects alone write their first words",
		0},
	{"quick", 'q', NULL, 0, "A few works, shorter: two minutes", 0},
	{"json", 'j', "FILE", 0, "Write the figures there, after each work", 0},
	{"resume", KEY_RESUME, NULL, 0,
		"Leave out works that are in the JSON file already", 0},
	{"plots", KEY_PLOTS, "DIR", 0, "Draw the figures there (gnuplot)", 0},
	{"programs", KEY_PROGRAMS, "FILE", 0,
		"Figures of bench/programs, for the table of targets", 0},
	{"report", KEY_REPORT, "FILE", 0,
		"Measure nothing: print the figures of a JSON file", 0},
	{"table", KEY_TABLE, "NAME", 0,
		"With --report: one table alone, of times, latencies, memory, "
		"faults, left-out, threads, "
		"behind, machine, targets",
		0},
	{"list", 'l', NULL, 0, "List works, contenders and memory", 0},
	{"tmpfs", KEY_TMPFS, "DIR", 0, "A folder on tmpfs (/dev/shm)", 0},
	{"huge", KEY_HUGE, "DIR", 0, "A folder on hugetlbfs", 0},
	{"slow", KEY_SLOW, "DIR", 0, "A folder on a block device", 0},
	{0},
};

/* next_name -- of a list by commas; its length, and the list goes on behind */
static size_t
next_name(const char **list, const char **ret_name)
{
	size_t length = strcspn(*list, ",");

	*ret_name = *list;
	*list += length;
	*list += **list == ',';
	return length;
}

static void
parse_contenders(
	struct options *options, const char *list, struct argp_state *state)
{
	struct plan *plan = &options->plan;

	plan->contenders[0] = contenders[0];
	plan->ncontenders = 1;
	while (*list != '\0') {
		const char *name;
		size_t length = next_name(&list, &name);
		const struct contender *who = contender_find(name, length);

		if (who == NULL)
			argp_error(
				state, "no contender %.*s", (int)length, name);
		else if (who != contenders[0] &&
			 plan->ncontenders < CONTENDERS_MAX)
			plan->contenders[plan->ncontenders++] = who;
	}
}

static void
parse_memory(
	struct options *options, const char *list, struct argp_state *state)
{
	while (*list != '\0') {
		const char *name;
		size_t length = next_name(&list, &name);
		size_t i = 0;

		while (i < MEMORY_KINDS &&
			(strlen(options->memories[i].name) != length ||
				memcmp(options->memories[i].name, name,
					length) != 0))
			i++;
		if (i == MEMORY_KINDS)
			argp_error(state, "no kind of memory %.*s", (int)length,
				name);
		else
			options->wanted[i] = true;
	}
}

static size_t
parse_count(const char *arg, size_t most, const char *what,
	struct argp_state *state)
{
	char *end;
	unsigned long value = strtoul(arg, &end, 10);

	if (*end != '\0' || value < 1 || value > most)
		argp_error(state, "%s: 1 to %zu", what, most);
	return value;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	struct plan *plan = &options->plan;

	switch (key) {
	case 'w':
		options->works = arg;
		break;
	case 'c':
		parse_contenders(options, arg, state);
		break;
	case 'm':
		parse_memory(options, arg, state);
		break;
	case 'r':
		plan->nrounds = parse_count(arg, ROUNDS_MAX, "rounds", state);
		break;
	case 'p':
		plan->nprocesses =
			parse_count(arg, ROUNDS_MAX, "processes", state);
		break;
	case KEY_PART:
		options->part = (int)parse_count(arg, INT_MAX, "part", state);
		break;
	case 's':
		plan->slice_ns = NS_PER_MS * (double)parse_count(arg, SLICE_MAX,
						     "slice", state);
		break;
	case KEY_FIRST_WORD:
		plan->first_word = true;
		break;
	case 'q':
		options->quick = true;
		break;
	case 'j':
		options->json = arg;
		break;
	case 'l':
		options->list = true;
		break;
	case KEY_RESUME:
		options->resume = true;
		break;
	case KEY_PLOTS:
		options->plots = arg;
		break;
	case KEY_TABLE:
		options->table = arg;
		break;
	case KEY_PROGRAMS:
		options->programs = arg;
		break;
	case KEY_REPORT:
		options->report = arg;
		break;
	case KEY_TMPFS:
		options->memories[MEMORY_TMPFS].dir = arg;
		break;
	case KEY_HUGE:
		options->memories[MEMORY_HUGE].dir = arg;
		break;
	case KEY_SLOW:
		options->memories[MEMORY_SLOW].dir = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void
options_parse(struct options *ret_options, int argc, char **argv)
{
	static const struct argp argp = {.options = known,
		.parser = parse,
		.doc = "Compare libvmem with other allocators, in turn, on the "
		       "same kind of memory."};
	struct plan *plan = &ret_options->plan;

	*ret_options =
		(struct options){.memories = {
					 {MEMORY_TMPFS, "tmpfs", "/dev/shm"},
					 {MEMORY_REGION, "region", NULL},
					 {MEMORY_HUGE, "huge", NULL},
					 {MEMORY_SLOW, "slow", NULL},
				 }};
	for (size_t i = 0; i < ncontenders; i++)
		if (!contenders[i]->optional)
			plan->contenders[plan->ncontenders++] = contenders[i];
	(void)argp_parse(&argp, argc, argv, 0, NULL, ret_options);
	if (plan->nrounds == 0)
		plan->nrounds =
			ret_options->quick ? QUICK_ROUNDS : DEFAULT_ROUNDS;
	if (plan->nprocesses == 0)
		plan->nprocesses = ret_options->quick ? 1 : DEFAULT_PROCESSES;
	if (plan->slice_ns <= 0)
		plan->slice_ns =
			NS_PER_MS *
			(ret_options->quick ? QUICK_SLICE : DEFAULT_SLICE);
}

static bool
is_named(const char *patterns, const char *name)
{
	char pattern[128];

	while (*patterns != '\0') {
		const char *from;
		size_t length = next_name(&patterns, &from);

		if (length >= sizeof(pattern))
			continue;
		memcpy(pattern, from, length);
		pattern[length] = '\0';
		if (fnmatch(pattern, name, 0) == 0)
			return true;
	}
	return false;
}

bool
options_selects(const struct options *options, const struct work *work,
	const struct memory *memory)
{
	bool by_name = false;

	if (memory->kind != MEMORY_REGION && memory->dir == NULL)
		return false;
	if (!measure_fits(work, memory))
		return false;
	for (size_t i = 0; i < MEMORY_KINDS; i++)
		by_name |= options->wanted[i];
	if (options->works != NULL && !is_named(options->works, work->name))
		return false;
	if (options->works == NULL && options->quick && !work->quick)
		return false;
	if (by_name && !options->wanted[memory->kind])
		return false;
	if (options->works == NULL || !by_name) {
		/* what is done nowhere by default wants some place */
		if (options->works != NULL && work->on == 0)
			return memory->kind == MEMORY_REGION;
		return (work->on & 1u << memory->kind) != 0;
	}
	return true;
}
