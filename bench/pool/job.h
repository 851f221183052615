/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job.h -- one contender doing one work on one kind of memory
 *
 * One thread drives it.  A work of several threads has a crew that waits
 * between runs; a work of one thread is done by the driver.
 */
#ifndef BENCH_JOB_H
#define BENCH_JOB_H

#include "clock.h"
#include "contender.h"
#include "loops.h"
#include "numbers.h"
#include "samples.h"
#include "work.h"

#include <stdint.h>
#include <sys/resource.h>

struct crew;

struct job {
	const struct work *work;
	const struct contender *who;
	struct pool pool;
	struct heap plain[THREADS_MAX]; /* of each thread */
	struct sampled_heap sampled[THREADS_MAX];
	bool sampling;         /* threads use the sampled heaps */
	size_t nthreads;       /* of the crew; 1: there is none */
	struct crew *crew;     /* NULL: none */
	const uint32_t *sizes; /* SIZES of them, used in a circle */
	void *state;           /* the shape's */
	bool failed;           /* atomic: an allocation gave NULL */
	size_t done;           /* operations of the last run */
	struct rusage before;  /* when the last run began */
};

/* what a thread of a job does; `nops` are its own operations */
typedef void job_task(struct job *job, size_t thread, size_t nops);

/*
 * job_begin -- pool, threads, heaps and the shape's beginning
 *
 * Sizes are drawn by job_sizes().  Returns NULL, or why it cannot be.
 */
const char *job_begin(struct job *job, const struct work *work,
	const struct contender *who, const struct memory *memory,
	const uint32_t *sizes);

/* job_end -- free all objects; the pool and the heaps stay */
void job_end(struct job *job);

/* job_trim -- all that can be is given back, by every thread */
void job_trim(struct job *job);

/* job_close -- threads leave, and the pool goes */
void job_close(struct job *job);

/* job_sizes -- SIZES sizes of a work */
void job_sizes(const struct work *work, uint32_t *ret_sizes);

/* job_heap -- the heap that a thread uses now */
struct heap job_heap(struct job *job, size_t thread);

/*
 * job_run -- let all threads do a task at once
 *
 * Returns nanoseconds from the first one's start to the last one's end; of one
 * thread those by job_clock().
 */
double job_run(struct job *job, job_task *task, size_t nops);

/* job_open_pool, job_close_pool -- for shapes that make pools: the job's pool,
 * with a heap of thread 0 in it */
const char *job_open_pool(struct job *job, size_t size);
void job_close_pool(struct job *job);

/* job_mark -- the run begins here: what was done before was not part of it */
static inline void
job_mark(struct job *job)
{
	(void)getrusage(RUSAGE_SELF, &job->before);
}

/* job_fail -- an allocation gave NULL */
static inline void
job_fail(struct job *job)
{
	__atomic_store_n(&job->failed, true, __ATOMIC_RELAXED);
}

/*
 * job_clock -- nanoseconds: of the thread, so that what else runs on the
 * machine matters little; where memory is read from a disk, all that pass
 */
static inline double
job_clock(const struct job *job)
{
	return job->pool.memory->kind == MEMORY_SLOW ? clock_ns()
						     : clock_cpu_ns();
}

/* job_time -- the end of a run: nanoseconds an operation, or below 0 */
static inline double
job_time(struct job *job, double ns, size_t nops)
{
	job->done = nops;
	return __atomic_load_n(&job->failed, __ATOMIC_RELAXED)
		       ? -1
		       : ns / (double)nops;
}

/* job_hand_of, job_hand -- what a thread takes objects from: of a heap, or of
 * the one that it uses now */
static inline struct hand
job_hand_of(struct job *job, struct heap heap)
{
	return (struct hand){heap, job->sizes, &job->failed, job->work->call,
		job->work->use};
}

static inline struct hand
job_hand(struct job *job, size_t thread)
{
	return job_hand_of(job, job_heap(job, thread));
}

/* job_take, job_give -- one object, by the heap's pointers */
static inline void *
job_take(struct job *job, const struct heap *heap, size_t size)
{
	struct hand hand = job_hand_of(job, *heap);

	return hand_take(&hand, size);
}

static inline void
job_give(struct job *job, const struct heap *heap, void *object)
{
	struct hand hand = job_hand_of(job, *heap);

	hand_give(&hand, object);
}

#endif
