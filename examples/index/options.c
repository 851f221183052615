/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"
#include "corpus.h"

#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SIZE ((size_t)256 * 1024 * 1024)
#define DEFAULT_TOP  5

/* options without a letter */
enum { KEY_DROP = 256, KEY_STATS };

static const struct argp_option known[] = {
	{"dir", 'd', "DIR", 0,
		"Directory for the pool, or a device DAX node "
		"(default: $TMPDIR or /tmp)",
		0},
	{"size", 's', "SIZE", 0,
		"Size of the pool, with suffix K, M, G or T (default: 256M)",
		0},
	{"threads", 't', "N", 0,
		"Threads that index and that answer queries (default: 2)", 0},
	{"query", 'q', "WORDS", 0,
		"Show the documents that have all of these words; may be given "
		"several times",
		0},
	{"interactive", 'i', NULL, 0, "Read queries from standard input", 0},
	{"top", 'n', "N", 0, "Documents shown of each query (default: 5)", 0},
	{"list", 'l', NULL, 0,
		"Print the names of all documents found, and nothing else", 0},
	{"stats", KEY_STATS, "LETTERS", OPTION_ARG_OPTIONAL,
		"Print the pool's statistics; LETTERS leave parts out: see "
		"vmem_stats_print(3)",
		0},
	{"drop", KEY_DROP, NULL, 0,
		"Delete the pool at the end without freeing what is in it", 0},
	{"quiet", 'Q', NULL, 0, "No progress while indexing", 0},
	{0},
};

/* parse_number -- a number with an optional suffix; exits when it is none */
static size_t
parse_number(const char *arg, bool suffix, size_t max, struct argp_state *state)
{
	static const char suffixes[] = "kmgt";
	char *end;
	unsigned long long value;
	unsigned shift = 0;

	errno = 0;
	value = strtoull(arg, &end, 10);
	if (suffix && *end != '\0') {
		const char *at = strchr(suffixes, *end | ('a' - 'A'));

		if (at != NULL && *at != '\0') {
			shift = 10u * (unsigned)(at - suffixes + 1);
			end++;
		}
	}
	if (errno != 0 || end == arg || *end != '\0' || *arg == '-' ||
		value == 0 || value > (max >> shift))
		argp_error(state, "'%s' is no number in range", arg);
	return (size_t)value << shift;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->dir = arg;
		break;
	case 's':
		options->size = parse_number(arg, true, PTRDIFF_MAX, state);
		break;
	case 't':
		options->nthreads =
			parse_number(arg, false, THREADS_MAX, state);
		break;
	case 'n':
		options->ntop = parse_number(arg, false, SIZE_MAX, state);
		break;
	case 'q':
		if (options->nqueries == QUERIES_MAX)
			argp_error(state, "too many queries");
		options->queries[options->nqueries++] = arg;
		break;
	case 'i':
		options->interactive = true;
		break;
	case 'l':
		options->list = true;
		break;
	case 'Q':
		options->quiet = true;
		break;
	case KEY_DROP:
		options->drop = true;
		break;
	case KEY_STATS:
		options->stats = arg != NULL ? arg : "";
		break;
	case ARGP_KEY_ARG:
		if (options->nfolders == FOLDERS_MAX)
			argp_error(state, "too many folders");
		options->folders[options->nfolders++] = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void
options_parse(int argc, char **argv, struct options *ret_options)
{
	static char includes[] = "/usr/include";
	static char documents[] = "/usr/share/doc";
	static const struct argp argp = {.options = known,
		.parser = parse,
		.args_doc = "[FOLDER...]",
		.doc = "Index the text files under some folders (default: "
		       "/usr/include and /usr/share/doc) in a memory pool, "
		       "and look words up.\v"
		       "Exit status: 0 all is well; 1 the pool or the index "
		       "is not in order; 2 it could not be made."};
	const char *tmpdir = getenv("TMPDIR");

	*ret_options = (struct options){
		.dir = tmpdir != NULL && *tmpdir != '\0' ? tmpdir : "/tmp",
		.size = DEFAULT_SIZE,
		.nthreads = 2,
		.ntop = DEFAULT_TOP};
	argp_err_exit_status = 2;
	(void)argp_parse(&argp, argc, argv, 0, NULL, ret_options);
	if (ret_options->nfolders == 0) {
		ret_options->folders[0] = includes;
		ret_options->folders[1] = documents;
		ret_options->nfolders = 2;
	}
}
