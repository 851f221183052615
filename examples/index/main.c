/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vmem-index -- an inverted index of a tree of texts, held in a memory pool
 *
 * The order of things: make a pool; build the index in it with several
 * threads; answer queries; verify the pool; free everything object by object
 * and verify again; delete the pool.  With --drop the index goes with the
 * pool in one call instead, which is what a real program would do.
 *
 * Read index.h first: the data structure, and why one would want it in a pool.
 */
#include "answer.h"
#include "corpus.h"
#include "index.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BYTES_IN_MIB (1024.0 * 1024.0)

enum status { STATUS_FINE = 0, STATUS_DAMAGED = 1, STATUS_FAILED = 2 };

/* to_stdout -- statistics go where the rest of the output goes */
static void
to_stdout(const char *text)
{
	fputs(text, stdout);
}

static double
mib(size_t bytes)
{
	return (double)bytes / BYTES_IN_MIB;
}

static bool
is_device(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

static void
report(const struct index *ix, const struct corpus_report *done,
	const struct mem *mem, const struct options *options)
{
	if (done->nfull > 0) {
		fprintf(stderr,
			"vmem-index: the pool is too small: %s%zu documents "
			"are not in the index (%s)\n",
			done->gave_up ? "at least " : "", done->nfull,
			done->full_reason);
		fprintf(stderr,
			"vmem-index: the index holds the other %zu; a larger "
			"--size takes more\n",
			done->ndocs);
	}
	if (options->list)
		return;
	printf("indexed:  %zu documents, %.1f MiB of text, by %zu threads in "
	       "%.1f s\n",
		done->ndocs, mib(done->nbytes), options->nthreads,
		done->seconds);
	printf("skipped:  %zu not text, %zu unreadable\n", done->nnontext,
		done->nunreadable);
	printf("index:    %zu words, %zu postings\n", index_nwords(ix),
		index_npostings(ix));
	printf("pool use: %.1f MiB asked for, in %zu objects", mib(mem->bytes),
		mem->objects);
	if (!is_device(options->dir))
		printf(": %.1f %% of the pool",
			100.0 * (double)mem->bytes / (double)options->size);
	printf("\n");
}

/* check -- verify the pool and say how it is; true: all is well */
static bool
check(VMEM *pool, const char *when, const struct options *options)
{
	double start = seconds_now();
	int result = vmem_check(pool);

	if (result != 1) {
		fprintf(stderr, "vmem-index: check %s: %s: %s\n", when,
			result == 0 ? "the pool is damaged" : "not possible",
			vmem_errormsg());
		return false;
	}
	if (!options->list)
		printf("check %s: the pool is consistent (%.1f ms)\n", when,
			(seconds_now() - start) * 1e3);
	return true;
}

/* destroy -- free all objects one by one; true: none is left by our count */
static bool
destroy(struct index *ix, struct mem *mem, const struct options *options)
{
	double start = seconds_now();
	size_t nobjects = mem->objects;

	index_destroy(ix, mem);
	if (!options->list)
		printf("freed:    %zu objects one by one in %.2f s\n", nobjects,
			seconds_now() - start);
	if (mem->objects == 0 && mem->bytes == 0)
		return true;
	fprintf(stderr, "vmem-index: %zu objects, %zu bytes were not freed\n",
		mem->objects, mem->bytes);
	return false;
}

/* run -- everything between the making of the pool and its end */
static enum status
run(VMEM *pool, const struct options *options)
{
	struct mem mem = {.pool = pool};
	struct corpus_report done;
	bool fine = true;
	struct index *ix = index_create(&mem);

	if (ix == NULL) {
		fprintf(stderr, "vmem-index: no room for an empty index: %s\n",
			vmem_errormsg());
		return STATUS_FAILED;
	}
	if (corpus_index(ix, pool, options->folders, options->nthreads,
		    options->quiet, &done) != 0) {
		fprintf(stderr, "vmem-index: cannot index: %s\n",
			strerror(errno));
		return STATUS_FAILED;
	}
	mem_fold(&mem, &done.mem);
	index_trim(ix, &mem);
	report(ix, &done, &mem, options);
	fine = answer_queries(ix, &mem, options) == 0 && fine;
	if (options->interactive)
		fine = answer_input(ix, &mem, options) == 0 && fine;
	if (!options->list)
		printf("\n");
	if (options->stats != NULL)
		vmem_stats_print(pool, options->stats);
	fine = check(pool, "of the full index", options) && fine;
	if (!options->drop) {
		fine = destroy(ix, &mem, options) && fine;
		fine = check(pool, "after freeing", options) && fine;
	}
	return fine ? STATUS_FINE : STATUS_DAMAGED;
}

int
main(int argc, char **argv)
{
	struct options options;
	const char *wrong =
		vmem_check_version(VMEM_MAJOR_VERSION, VMEM_MINOR_VERSION);

	if (wrong != NULL) {
		fprintf(stderr, "vmem-index: %s\n", wrong);
		return STATUS_FAILED;
	}
	options_parse(argc, argv, &options);
	vmem_set_funcs(NULL, NULL, NULL, NULL, to_stdout);
	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* in order with stderr */
	VMEM *pool = vmem_create(options.dir, options.size);

	if (pool == NULL) {
		fprintf(stderr,
			"vmem-index: cannot make a pool of %.1f MiB in %s: "
			"%s\n",
			mib(options.size), options.dir, vmem_errormsg());
		return STATUS_FAILED;
	}
	if (!options.list)
		printf("pool:     %.1f MiB in %s\n", mib(options.size),
			options.dir);
	enum status status = run(pool, &options);
	double start = seconds_now();

	vmem_delete(pool);
	if (!options.list)
		printf("deleted:  the pool%s, in %.2f ms\n",
			options.drop ? " and all that was in it" : "",
			(seconds_now() - start) * 1e3);
	return (int)status;
}
