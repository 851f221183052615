/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c -- verify a pool of another process, or of a core file
 *
 * The pool must be copied while nobody is inside it.  In its own process that
 * takes a freeze; from outside, all threads are stopped and the words are read
 * that a freeze looks at, too: each thread's busy word, which names the pool
 * that it is inside, and the marks and locks of those who change a pool without
 * a busy word.  Only the threads that are inside are let run on, in short
 * slices; all others wait, so that the number of those inside shrinks.  No more
 * of them at a time than there are processors: one that gets none in its slice
 * only costs the time until it has stopped again, and has done nothing.  (Not
 * step by step: the trap of a step that is interrupted in a system call comes
 * later, and ends the program when we are gone by then.)  When they wait for
 * one of the others, everybody runs for a while.
 */
#include <errno.h>
#include <libvmem.h>
#include <string.h>

#include "base/error.h"
#include "base/os.h"
#include "inspect/snapshot.h"
#include "inspect/stop.h"

#define DEADLINE_NS   UINT64_C(5000000000) /* until nobody is inside */
#define STOP_NS       UINT64_C(2000000000) /* until all threads stand still */
#define SLICE_NS      20000L /* that a busy thread runs; doubled */
#define SLICES        40u    /* before everybody runs */
#define LG_SLICE_MOST 5u
#define BREATH_NS     500000L /* that everybody runs; doubled */
#define BREATHS       8u

/* who is inside the pool */
enum inside {
	INSIDE_NOBODY,
	INSIDE_THREADS, /* those whose busy word says so */
	INSIDE_SOMEBODY /* a lock is held, or the pool is frozen */
};

struct look {
	struct source *s;
	struct stopped stopped;
	const struct seen_pool *pool;
	const struct libraries *libraries;
	struct registry registry;
	struct record rec;
	uint64_t deadline_ns;
	unsigned rounds;
};

/*
 * is_inside -- is the thread with that storage inside the pool, or does it hold
 * it frozen?
 */
static bool
is_inside(const struct look *l, uint64_t thread_pointer)
{
	const uint64_t freezes_off = offsetof(struct thread_hot, freezes) -
				     offsetof(struct thread_hot, busy);
	uint64_t at = thread_pointer + (uint64_t)l->registry.busy_off;
	uint64_t busy = 0;
	uint32_t freezes = 0;
	/* a thread that has no storage yet has not begun */
	if (thread_pointer == 0 ||
		source_read(l->s, at, &busy, sizeof(busy)) != 0 ||
		source_read(
			l->s, at + freezes_off, &freezes, sizeof(freezes)) != 0)
		return false;
	return busy == l->pool->base || (l->rec.frozen && freezes > 0);
}

static bool
is_inside_thread(const struct look *l, size_t i)
{
	const struct tracee *t = &l->stopped.threads[i];
	return !t->gone && is_inside(l, t->thread_pointer);
}

/* is_held -- does somebody hold what those hold who change pools? */
static int
is_held(struct look *l, bool *ret)
{
	struct thread_list list;
	int rc = finder_record(
		l->s, l->libraries, l->pool, &l->registry, &l->rec);
	/* the table itself is being changed */
	if (rc == -EAGAIN) {
		*ret = true;
		return 0;
	}
	if (rc != 0)
		return rc;
	rc = source_read(
		l->s, (uintptr_t)l->registry.threads, &list, sizeof(list));
	if (rc != 0)
		return source_why(l->s, rc, "the list of threads");
	*ret = l->registry.lock.word != 0 || l->registry.forking ||
	       list.lock.word != 0;
	return 0;
}

static int
look(struct look *l, enum inside *ret)
{
	bool held = false, any = false;
	int rc = is_held(l, &held);
	for (size_t i = 0; rc == 0 && i < l->stopped.n; i++)
		any |= is_inside_thread(l, i);
	for (size_t i = 0; rc == 0 && i < l->s->nthreads; i++)
		any |= is_inside(l, l->s->thread_pointers[i]);
	*ret = INSIDE_NOBODY;
	if (any)
		*ret = INSIDE_THREADS;
	if (held || (l->rec.frozen && !any))
		*ret = INSIDE_SOMEBODY;
	return rc;
}

/*
 * run_some -- those of the chosen who come next after *at, for a slice
 * Those of them who have left the pool are chosen no more, unless it may be one
 * of them who holds a lock.
 */
static int
run_some(struct look *l, size_t *at, long slice, enum inside inside)
{
	unsigned nrunning = 0;
	for (; *at < l->stopped.n && nrunning < os_ncpus(); (*at)++) {
		struct tracee *t = &l->stopped.threads[*at];
		if (inside == INSIDE_THREADS && !is_inside_thread(l, *at))
			t->chosen = false;
		if (!t->chosen)
			continue;
		stop_run(&l->stopped, *at);
		nrunning++;
	}
	if (nrunning == 0)
		return 0;
	stop_sleep_ns(slice);
	l->rounds++;
	return stop_again(&l->stopped, stop_now_ns() + STOP_NS);
}

/* run_chosen -- each of them for a slice */
static int
run_chosen(struct look *l, long slice, enum inside inside)
{
	int rc = 0;
	for (size_t at = 0; rc == 0 && at < l->stopped.n;)
		rc = run_some(l, &at, slice, inside);
	return rc;
}

/* run_inside -- those who are inside run on, slice by slice */
static int
run_inside(struct look *l, enum inside *inside)
{
	int rc = 0;
	for (size_t i = 0; i < l->stopped.n; i++)
		l->stopped.threads[i].chosen = is_inside_thread(l, i);
	for (unsigned i = 0; rc == 0 && *inside != INSIDE_NOBODY &&
			     i < SLICES && stop_now_ns() < l->deadline_ns;
		i++) {
		rc = run_chosen(l,
			SLICE_NS << (i < LG_SLICE_MOST ? i : LG_SLICE_MOST),
			*inside);
		if (rc == 0)
			rc = look(l, inside);
	}
	return rc;
}

static bool
is_halted(const struct look *l)
{
	for (size_t i = 0; i < l->stopped.n; i++)
		if (l->stopped.threads[i].halted)
			return true;
	return false;
}

/* empty -- run threads on until nobody is inside the pool */
static int
empty(struct look *l)
{
	enum inside inside;
	int rc = look(l, &inside);
	for (unsigned breath = 0; rc == 0 && inside != INSIDE_NOBODY;
		breath++) {
		if (is_halted(l))
			return fail(EBUSY,
				"process %d is stopped, with a "
				"thread inside the pool",
				l->stopped.pid);
		if (inside == INSIDE_THREADS)
			rc = run_inside(l, &inside);
		if (rc != 0 || inside == INSIDE_NOBODY)
			break;
		if (stop_now_ns() > l->deadline_ns)
			return fail(EBUSY,
				"a thread is inside the pool and does not "
				"leave it");
		rc = stop_breathe(
			&l->stopped, BREATH_NS << (breath % BREATHS), STOP_NS);
		l->rounds++;
		if (rc == 0)
			rc = look(l, &inside);
	}
	return rc;
}

static int
copy_core(struct look *l, struct snapshot **ret)
{
	enum inside inside;
	int rc = look(l, &inside);
	if (rc == 0 && inside != INSIDE_NOBODY)
		rc = fail(EBUSY, "when the core file was made a thread was "
				 "inside the pool");
	if (rc == 0)
		rc = snapshot_open(ret, &l->rec);
	if (rc == 0)
		rc = snapshot_copy(*ret, l->s, &l->registry, true);
	return rc;
}

static int
copy_process(struct look *l, struct snapshot **ret, struct check_result *result)
{
	/* before anybody is stopped: it may fail, and it takes time */
	int rc = snapshot_open(ret, &l->rec);
	if (rc != 0)
		return rc;
	/* what is not there cannot come while its thread is stopped */
	if (source_is_served(
		    l->s, (uintptr_t)l->rec.backing.base, l->rec.backing.size))
		(void)snapshot_copy(*ret, l->s, &l->registry, true);
	rc = stop_begin(&l->stopped, l->s->pid, stop_now_ns() + STOP_NS);
	if (rc != 0)
		return rc;
	rc = empty(l);
	if (rc == 0)
		rc = snapshot_copy(*ret, l->s, &l->registry, true);
	result->stopped_ns = stop_end(&l->stopped);
	result->rounds = l->rounds;
	return rc;
}

int
inspect_check(struct check_result *ret, struct source *s,
	const struct seen_pool *pool, void (*tell)(void *arg, const char *text),
	void *arg)
{
	struct libraries libraries;
	struct snapshot *snap = NULL;
	struct look l = {.s = s, .pool = pool, .libraries = &libraries};
	struct pool header;
	memset(ret, 0, sizeof(*ret));
	class_tables_init();
	l.deadline_ns = stop_now_ns() + DEADLINE_NS;
	int rc = finder_libraries(&libraries, s);
	if (rc == 0)
		rc = finder_record(s, &libraries, pool, &l.registry, &l.rec);
	if (rc == 0 && l.rec.overlapped)
		rc = fail(EBADMSG, "another pool lies over it");
	if (rc == 0)
		rc = finder_header(s, &l.rec, &header);
	if (rc == 0)
		rc = s->ops->refresh == NULL ? copy_core(&l, &snap)
					     : copy_process(&l, &snap, ret);
	if (rc == 0) {
		int err;
		snapshot_use_own_tables(snap, &l.registry);
		ret->fine = snapshot_verify(snap, tell, arg, &err);
		rc = -err;
	}
	snapshot_drop(snap);
	/* without a header there is nothing to look at, and that is a finding
	 */
	if (rc == -EBADMSG) {
		tell(arg, vmem_errormsg());
		rc = 0;
	}
	return rc;
}
