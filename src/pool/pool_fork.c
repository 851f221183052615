/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_fork.c -- pools on both sides of fork(2)
 *
 * Before the fork every pool is frozen, so that the child finds none in the
 * middle of an operation and no lock held.  The parent goes on as before.
 * Nobody is shut out before the last freeze of another thread has ended: it may
 * be a walk's, whose callback needs other pools.
 *
 * A pool that must not be shared is then made private or copied, see
 * pool_twin.c.  What any other inherited pool is to the child is decided with
 * the child's first use of it.  If its memory is a private copy, the pool is
 * the child's own: the heaps of the threads that did not come along are
 * orphans.  If the memory is shared, the parent goes on using it, and the child
 * is its guest: its threads work in the shared heap, under the locks in the
 * pool, and free into others' slabs as any thread does; they never take over a
 * heap, and never collect what the parent's threads hold, because they cannot
 * stop them.  From then on no page of the pool is given back any more.
 *
 * A fork from a signal handler that has interrupted an operation, or another
 * fork, cannot wait for that: it leaves everything as it is, and the child may
 * do what POSIX allows there, which is to call exec or _exit.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/lock.h"
#include "base/os.h"
#include "pool/pool_internal.h"

#define MAPS_CHUNK  1024u
#define HEXADECIMAL 16

/* owner thread: its forks under way that were begun inside an operation */
static TLS_INITIAL_EXEC unsigned nskipped;
static TLS_INITIAL_EXEC int cancel; /* owner thread: state before the fork */
static uint32_t unregistered; /* atomic; 1: the handlers are still to be */

static bool
any_frozen(void)
{
	for (size_t i = 0; i < registry_count(); i++)
		if (registry_at(i)->frozen)
			return true;
	return false;
}

/* wait_unlocked -- let the registry go until the next thaw */
static void
wait_unlocked(uint32_t ticket)
{
	registry_unlock();
	thread_wait_thaw(ticket);
	registry_lock();
}

void
pool_fork_prepare_on(const void *stack)
{
	/* relaxed: the thread's own word */
	if (load_relaxed(&thread_hot.busy) != NULL || thread_hot.freezes > 0 ||
		lock_depth() > 0) {
		nskipped++;
		return;
	}
	/* what a signal handler forks from here on is inside of this */
	thread_hot.freezes++;
	/* fork() is no cancellation point, but what a twin is made with is */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	uint32_t ticket = thread_thaw_ticket();
	registry_lock();
	for (; registry_forking() || pool_fork_waits();
		ticket = thread_thaw_ticket())
		wait_unlocked(ticket);
	pool_set_fork_waits(true);
	for (; any_frozen(); ticket = thread_thaw_ticket())
		wait_unlocked(ticket);
	/* in one step: no pool is frozen, and from here on none can be */
	registry_set_forking(true);
	pool_set_fork_waits(false);
	registry_unlock();
	thread_mark(NULL);
	for (unsigned round = 0;; round++) {
		registry_lock();
		if (thread_fork_prepare())
			break; /* with both locks held */
		registry_unlock();
		os_yield(round);
	}
	for (size_t i = 0; i < registry_count(); i++)
		pool_twin_prepare(registry_at(i), stack);
}

void
pool_fork_prepare(void)
{
	pool_fork_prepare_on(NULL);
}

void
pool_fork_parent(void)
{
	if (nskipped > 0) {
		nskipped--;
		return;
	}
	for (size_t i = 0; i < registry_count(); i++) {
		registry_at(i)->forked = true;
		pool_twin_parent(registry_at(i));
	}
	registry_set_forking(false);
	thread_fork_parent();
	registry_unlock();
	thread_thaw();
	thread_hot.freezes--;
	(void)pthread_setcancelstate(cancel, NULL);
}

/*
 * is_as_it_was -- does the child have the parent's own memory, or its pages?
 * The parent may itself be a child that has not used the pool yet, or its
 * guest.
 */
static bool
is_as_it_was(const struct record *rec)
{
	return !rec->overlapped && rec->twin.fd < 0 && rec->twin.memory == NULL;
}

/*
 * is_gone -- has the memory not come along, or without its contents, as that
 * which a device works on (MADV_DONTFORK, MADV_WIPEONFORK)?
 */
static bool
is_gone(const struct pool *pool)
{
	return !os_is_mapped(pool, 1) ||
	       (pool->signature == 0 && pool->uid == 0);
}

/* child_side -- of one pool; false: there is none any more */
static bool
child_side(struct record *rec)
{
	void *base = rec->backing.base;
	bool same = is_as_it_was(rec);
	if (same && is_gone(pool_at(base))) {
		/* nobody can delete it: the caller's memory is usable now */
		if (rec->guarded && rec->backing.kind == BACKING_REGION)
			(void)backing_guard(&rec->backing, false);
		guard_pool_forget(base);
		thread_pool_gone(base);
		registry_remove(rec);
		return false;
	}
	if (same && pool_is_guarded(pool_at(base)))
		guarded_child(base, rec->backing.size);
	if (rec->kin == KIN_OWN && pool_twin_child(rec))
		return true;
	if (rec->kin == KIN_OWN)
		rec->kin = KIN_INHERITED;
	thread_pool_gone(base);
	return true;
}

void
pool_fork_child(void)
{
	if (nskipped > 0) {
		nskipped--;
		return;
	}
	thread_fork_child();
	registry_set_forking(false);
	for (size_t i = 0; i < registry_count();)
		i += child_side(registry_at(i));
	registry_reset_lock();
	(void)os_barrier_init();
	thread_hot.freezes--;
	(void)pthread_setcancelstate(cancel, NULL);
}

/*
 * line_shared -- does this line of /proc/self/maps hold the address?
 * Returns 's' or 'p', the fourth letter of the permissions, or 0.
 */
static char
line_shared(const char *line, uintptr_t address)
{
	char *end;
	uintptr_t low = strtoul(line, &end, HEXADECIMAL);
	if (*end != '-')
		return 0;
	uintptr_t high = strtoul(end + 1, &end, HEXADECIMAL);
	if (address < low || address >= high ||
		strlen(end) < sizeof(" rwxp") - 1)
		return 0;
	return end[sizeof(" rwx") - 1];
}

/*
 * is_wiped -- can the memory be kept from children, as only private memory
 * without a file can?  Needs no descriptor and no /proc.
 */
static bool
is_wiped(const void *address)
{
	size_t page = os_page_size();
	void *at = (void *)((uintptr_t)address & ~(uintptr_t)(page - 1));
	return madvise(at, page, MADV_WIPEONFORK) == 0 &&
	       madvise(at, page, MADV_KEEPONFORK) == 0;
}

/* is_private -- is the memory at the address a private mapping? */
static bool
is_private(const void *address)
{
	char text[MAPS_CHUNK + 1];
	size_t have = 0;
	char kind = 0;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return is_wiped(address);
	while (kind == 0) {
		ssize_t n = read(fd, text + have, MAPS_CHUNK - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
		text[have] = '\0';
		char *line = text, *end;
		while (kind == 0 && (end = strchr(line, '\n')) != NULL) {
			*end = '\0';
			kind = line_shared(line, (uintptr_t)address);
			line = end + 1;
		}
		have -= (size_t)(line - text);
		/* a name may be longer than the buffer: its end is no line */
		if (have == MAPS_CHUNK)
			have = 0;
		memmove(text, line, have);
	}
	(void)close(fd);
	return kind == 'p';
}

/* is_copy -- is an inherited pool's memory this process's own copy? */
static bool
is_copy(const struct record *rec)
{
	return rec->backing.kind == BACKING_REGION && !rec->overlapped &&
	       is_private(pool_at(rec->backing.base));
}

bool
pool_is_copy(const struct record *rec)
{
	int saved = errno, state = os_cancel_off();
	bool copy = rec->kin == KIN_INHERITED && is_copy(rec);
	os_cancel_restore(state);
	errno = saved;
	return copy;
}

void
pool_adopt(struct record *rec)
{
	int saved = errno, state;
	struct pool *pool = pool_at(rec->backing.base);
	/* open and read could end the thread, with the lock held */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	rec->kin = KIN_FOREIGN;
	if (is_copy(rec)) {
		rec->kin = KIN_OWN;
		dir_orphan_all(&pool->dir, NULL);
	} else if (pool_is_there(rec)) {
		/* relaxed: first, so that a check which finds the lock held
		 * mostly knows why; the lock makes it seen */
		store_relaxed(&pool->has_guests, 1);
		/* a reset that has not seen it ends first */
		lock_acquire(&pool->dir.shared_lock, RANK_SHARED);
		lock_release(&pool->dir.shared_lock, RANK_SHARED);
		/* from here on two processes use the file: it keeps its pages
		 */
		run_space_give(&pool->runs, BACKING_GIVE_NEVER);
		/* and nobody tells us what the other allocates in it */
		if (unlikely(guard_on))
			pool_guard_inherit(rec);
	}
	(void)pthread_setcancelstate(state, NULL);
	errno = saved;
}

/* register_handlers -- false: there was no memory for it, and it is noted */
static bool
register_handlers(void)
{
	if (pthread_atfork(
		    pool_fork_prepare, pool_fork_parent, pool_fork_child) == 0)
		return true;
	/* relaxed: nothing comes with it */
	store_relaxed(&unregistered, 1);
	return false;
}

void
pool_fork_init(void)
{
	static bool done;
	if (!done)
		(void)register_handlers(); /* pool_fork_ready() tells */
	done = true;
}

int
pool_fork_ready(void)
{
	/* only one registers them; relaxed: as above */
	if (likely(load_relaxed(&unregistered) == 0) ||
		exchange_acq_rel(&unregistered, 0) == 0 || register_handlers())
		return 0;
	return fail_sys(ENOMEM, "pthread_atfork");
}
