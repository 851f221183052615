/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define DEFAULT_SIZE        ((size_t)64 * 1024 * 1024)
#define DEFAULT_VALUE_MAX   ((size_t)1024 * 1024)
#define DEFAULT_CONNECTIONS ((size_t)1000)
#define DEFAULT_PORT        11211

/* more would not fit what the protocol's requests are skipped with */
#define VALUE_MAX ((size_t)1024 * 1024 * 1024)

/* descriptors that are no connections: standard streams, sockets of ours */
#define NOTHER_FDS ((size_t)16)

static const struct argp_option known[] = {
	{"dir", 'd', "DIR", 0,
		"Directory for the values, or a device DAX node "
		"(default: $TMPDIR or /tmp)",
		0},
	{"size", 's', "SIZE", 0,
		"Size of the pool, with suffix K, M, G or T (default: 64M)", 0},
	{"port", 'p', "PORT", 0,
		"Port on 127.0.0.1; 0: any that is free (default: 11211)", 0},
	{"max-value", 'I', "SIZE", 0,
		"Largest value that is taken (default: 1M)", 0},
	{"connections", 'c', "N", 0,
		"Clients at the same time (default: 1000, or what the limit of "
		"open files allows)",
		0},
	{0},
};

/* parse_number -- up to max, with an optional suffix; exits when it is none */
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
		value > (max >> shift))
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
	case 'p':
		options->port =
			(uint16_t)parse_number(arg, false, UINT16_MAX, state);
		break;
	case 'I':
		options->value_max = parse_number(arg, true, VALUE_MAX, state);
		break;
	case 'c':
		options->connections_max =
			parse_number(arg, false, INT32_MAX, state);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is too much", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* limit_connections -- to what the limit of open files leaves room for */
static void
limit_connections(struct options *options)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
		options->connections_max + NOTHER_FDS > limit.rlim_cur)
		options->connections_max =
			limit.rlim_cur > NOTHER_FDS
				? (size_t)limit.rlim_cur - NOTHER_FDS
				: 1;
}

void
options_parse(int argc, char **argv, struct options *ret_options)
{
	static const struct argp argp = {.options = known,
		.parser = parse,
		.doc = "Keep keys and values for clients of the memcached text "
		       "protocol, the values in a memory pool.\v"
		       "Ends at SIGTERM and SIGINT.  Exit status: 0 all is "
		       "well; 1 the pool was not in order; 2 the server could "
		       "not be started."};
	const char *tmpdir = getenv("TMPDIR");

	*ret_options = (struct options){
		.dir = tmpdir != NULL && *tmpdir != '\0' ? tmpdir : "/tmp",
		.size = DEFAULT_SIZE,
		.value_max = DEFAULT_VALUE_MAX,
		.connections_max = DEFAULT_CONNECTIONS,
		.port = DEFAULT_PORT};
	argp_err_exit_status = 2;
	(void)argp_parse(&argp, argc, argv, 0, NULL, ret_options);
	limit_connections(ret_options);
}
