/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE 1 /* clock_gettime(), pread(), PATH_MAX */

#include "corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_SIZE    4096 /* of a file, looked at to see if it is text */
#define GIVE_UP      64   /* files in a row without room for them */
#define TICK_TTY     0.1  /* seconds between two progress lines */
#define TICK_FILE    5.0
#define BYTES_IN_MIB (1024.0 * 1024.0)

struct corpus {
	struct index *index;
	VMEM *pool;
	pthread_mutex_t lock; /* protects the fields below */
	FTS *walk;            /* its own state is in the ordinary heap */
	struct corpus_report report;
	size_t nfull_row; /* files without room since the last that had it */
	double start;
	double tick; /* when the next progress line is due */
	bool quiet;
	bool tty;
};

/* what became of a file */
enum outcome { INDEXED, NONTEXT, UNREADABLE, FULL };

double
seconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
progress(struct corpus *corpus, bool last)
{
	const struct corpus_report *report = &corpus->report;
	double now = seconds_now();

	if (corpus->quiet || (!last && now < corpus->tick))
		return;
	corpus->tick = now + (corpus->tty ? TICK_TTY : TICK_FILE);
	fprintf(stderr,
		"%sindexing: %zu documents, %.1f MiB of text, "
		"%.1f MiB of pool asked for, %.1f s%s",
		corpus->tty ? "\r\033[K" : "", report->ndocs,
		(double)report->nbytes / BYTES_IN_MIB,
		(double)report->mem.bytes / BYTES_IN_MIB, now - corpus->start,
		corpus->tty && !last ? "" : "\n");
}

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name);
	size_t suffix_len = strlen(suffix);

	return len >= suffix_len &&
	       strcmp(name + len - suffix_len, suffix) == 0;
}

/* next_file -- the next regular file of the walk; false at its end */
static bool
next_file(struct corpus *corpus, char path[PATH_MAX])
{
	bool found = false;

	pthread_mutex_lock(&corpus->lock);
	while (!found && !corpus->report.gave_up) {
		FTSENT *entry = fts_read(corpus->walk);

		if (entry == NULL)
			break;
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
			entry->fts_info == FTS_NS) {
			fprintf(stderr, "vmem-index: %s: %s\n", entry->fts_path,
				strerror(entry->fts_errno));
			corpus->report.nunreadable++;
		}
		if (entry->fts_info != FTS_F || entry->fts_pathlen >= PATH_MAX)
			continue;
		memcpy(path, entry->fts_path, entry->fts_pathlen + 1u);
		found = true;
	}
	pthread_mutex_unlock(&corpus->lock);
	return found;
}

/* note -- count what became of a file */
static void
note(struct corpus *corpus, struct mem *mem, enum outcome outcome,
	size_t nbytes)
{
	struct corpus_report *report = &corpus->report;

	pthread_mutex_lock(&corpus->lock);
	mem_fold(&report->mem, mem);
	switch (outcome) {
	case INDEXED:
		report->ndocs++;
		report->nbytes += nbytes;
		corpus->nfull_row = 0;
		break;
	case NONTEXT:
		report->nnontext++;
		break;
	case UNREADABLE:
		report->nunreadable++;
		break;
	case FULL:
		if (report->nfull++ == 0)
			(void)snprintf(report->full_reason,
				sizeof(report->full_reason), "%s",
				vmem_errormsg());
		if (++corpus->nfull_row == GIVE_UP)
			report->gave_up = true;
		break;
	}
	progress(corpus, false);
	pthread_mutex_unlock(&corpus->lock);
}

/* read_all -- as read(2), until `size` bytes or the end of the file */
static ssize_t
read_all(int fd, char *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, buffer + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* add_text -- read an open text file into the pool and index it */
static enum outcome
add_text(struct corpus *corpus, struct mem *mem, const char *path, int fd,
	size_t size)
{
	char *text = mem_alloc(mem, size);
	enum outcome outcome = INDEXED;
	ssize_t n;

	if (text == NULL)
		return FULL;
	n = read_all(fd, text, size);
	if (n < 0)
		outcome = UNREADABLE;
	else if (index_add(corpus->index, mem, path, text, (size_t)n) != 0)
		outcome = FULL;
	mem_release(mem, text, size);
	return outcome;
}

static enum outcome
add_file(struct corpus *corpus, struct mem *mem, const char *path,
	size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char head[HEAD_SIZE];
	struct stat st;
	ssize_t nhead;
	enum outcome outcome;

	if (fd < 0)
		return UNREADABLE;
	nhead = pread(fd, head, sizeof(head), 0);
	if (nhead < 0 || fstat(fd, &st) != 0)
		outcome = UNREADABLE;
	else if (nhead == 0 || memchr(head, '\0', (size_t)nhead) != NULL)
		outcome = NONTEXT;
	else
		outcome = add_text(corpus, mem, path, fd, (size_t)st.st_size);
	(void)close(fd);
	if (outcome == INDEXED)
		*ret_size = (size_t)st.st_size;
	return outcome;
}

/* worker -- what each thread does */
static void *
worker(void *arg)
{
	struct corpus *corpus = arg;
	struct mem mem = {.pool = corpus->pool};
	char path[PATH_MAX];

	while (next_file(corpus, path)) {
		enum outcome outcome = NONTEXT;
		size_t size = 0;

		if (!has_suffix(path, ".gz"))
			outcome = add_file(corpus, &mem, path, &size);
		note(corpus, &mem, outcome, size);
	}
	return NULL;
}

int
corpus_index(struct index *ix, VMEM *pool, char *const *folders,
	size_t nthreads, bool quiet, struct corpus_report *ret_report)
{
	struct corpus corpus = {.index = ix, .pool = pool, .quiet = quiet};
	pthread_t threads[THREADS_MAX];
	size_t nstarted = 0;
	int error = 0;

	corpus.walk = fts_open(folders, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (corpus.walk == NULL)
		return -1;
	(void)pthread_mutex_init(&corpus.lock, NULL);
	corpus.start = seconds_now();
	corpus.tty = isatty(STDERR_FILENO) != 0;
	corpus.tick = corpus.start + (corpus.tty ? TICK_TTY : TICK_FILE);
	while (error == 0 && nstarted < nthreads && nstarted < THREADS_MAX) {
		error = pthread_create(
			&threads[nstarted], NULL, worker, &corpus);
		if (error == 0)
			nstarted++;
	}
	for (size_t i = 0; i < nstarted; i++)
		(void)pthread_join(threads[i], NULL);
	progress(&corpus, true);
	corpus.report.seconds = seconds_now() - corpus.start;
	(void)fts_close(corpus.walk);
	(void)pthread_mutex_destroy(&corpus.lock);
	*ret_report = corpus.report;
	if (nstarted > 0)
		return 0; /* fewer threads than asked for do as well */
	errno = error;
	return -1;
}
