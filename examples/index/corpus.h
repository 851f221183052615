/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * corpus.h -- a tree of text files goes into an index, by several threads
 *
 * The threads share one walk over the tree, and each takes the next file from
 * it.  A file is read into the pool, its words are posted, and the buffer is
 * given back: the pool sees short-lived large objects between millions of
 * small long-lived ones.
 */
#ifndef INDEX_CORPUS_H
#define INDEX_CORPUS_H

#include "index.h"

#include <stdbool.h>

#define THREADS_MAX 64

struct corpus_report {
	struct mem mem;  /* what the threads asked for, summed */
	size_t ndocs;    /* in the index */
	size_t nbytes;   /* of text, in them */
	size_t nnontext; /* files passed over: not text, or compressed */
	size_t nunreadable;
	size_t nfull;          /* files that the pool had no room for */
	bool gave_up;          /* the rest of the tree was not looked at */
	char full_reason[256]; /* the library's message, of the first */
	double seconds;
};

/*
 * corpus_index -- index the files under `folders` (NULL-terminated)
 *
 * quiet   no progress on standard error
 * Returns 0; -1 with errno when the walk or a thread cannot be started.
 *         A full pool is not an error: the index keeps what fits.
 */
int corpus_index(struct index *ix, VMEM *pool, char *const *folders,
	size_t nthreads, bool quiet, struct corpus_report *ret_report);

/* seconds_now -- a clock for durations */
double seconds_now(void);

#endif /* INDEX_CORPUS_H */
