/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.pml -- entering, freezing, forking, deleting a pool, and threads' ends
 *
 * models: src/pool/visit.c: pool_enter() admission() install() own_heap()
 * models: src/pool/freeze.c: freeze() may_freeze() pool_freeze() pool_thaw()
 * models: src/pool/freeze.c: pool_freeze_walk() pool_thaw_walk()
 * models: src/pool/pool.c: pool_delete()
 * models: src/pool/pool_fork.c: pool_fork_prepare() pool_fork_parent()
 * models: src/tcache/thread.c: thread_exit() thread_mark() thread_unmark()
 * models: src/tcache/thread.c: thread_pool_gone() thread_fork_prepare()
 * models: src/tcache/thread_thaw.c: thread_thaw() thread_wait_thaw()
 *
 * Memory is sequentially consistent here; freeze.pml shows why a mark, a
 * barrier and a look at the busy words are worth that.
 *
 * Checked: who freezes, forks or deletes is alone in the pool; nobody is inside
 * once it is unmapped; a heap is parked once, and never while a freezer reads
 * it; nobody waits for ever, whatever order calls come in (no deadlock).
 *
 * variant: CHECK,FORK       who is there besides two threads; else CHECK,DELETE
 * variant: FORK,DELETE
 * variant: FORK,WALK        the second thread walks over another pool meanwhile
 * variant: CHECK,FORK,WALK  and its callback waits until a check has ended
 * long: CHECK,FORK,DELETE
 * long: CHECK,FORK,DELETE,WALK
 * mutation: LATE_TICKET      the ticket is taken after the look: a lost wake-up
 * mutation: INSTALL_UNMARKED an entry made during a freeze has no mark
 * mutation: DELETE_SILENT    delete wakes nobody
 * mutation: EXIT_BLIND       an ending thread does not look for marks
 * mutation: FORK_BLIND,CHECK,FORK  a fork does not wait for those who have frozen
 * mutation: THAW_UNLOCKED    marks go after the registry is let go
 * mutation: FORK_SHUTS,FORK,WALK  a fork shuts out all before freezes have ended
 * mutation: FORK_FIRST,FORK,WALK  no freeze begins while a fork waits for a walk
 * mutation: WALK_UNCOUNTED,CHECK,FORK,WALK  a walk is counted a step too late
 */
#define NTHREADS 2
#define NOPS     2

#if !defined(CHECK) && !defined(FORK) && !defined(DELETE)
#define CHECK
#define DELETE
#endif

bool registry; /* locks */
bool threads;

/* the pool's record, registry lock */
bool live = true;
bool frozen;
bool forking;

/* another pool, which thread 1 walks over; both pools: registry lock */
bool walked;
bool fork_waits;
byte nwalks;
bool checked; /* the checker has ended */

byte thaws; /* a count of them */

/* each thread: its busy word, its entry and the mark there */
bool busy[NTHREADS];
bool known[NTHREADS];
bool marked[NTHREADS];

/* ghosts */
bool unmapped;
byte alone;            /* who has the pool for itself */
byte inside;           /* threads that are */
byte holds[NTHREADS];  /* private heaps of a thread */
#define CLOSED (forking || frozen)
#ifdef FORK_FIRST
#define MAY_FREEZE (!CLOSED && !fork_waits)
#else
#define MAY_FREEZE (!CLOSED && (!fork_waits || nwalks > 0))
#endif

#ifdef EXIT_BLIND
#define LOOKS false
#else
#define LOOKS true
#endif

inline acquire(l)
{
	atomic { !l -> l = true }
}

inline release(l)
{
	l = false
}

/* thread_wait_thaw: the futex sleeps while the word is the ticket */
inline wait_thaw(ticket)
{
	thaws != ticket
}

/* admission: one look under the registry lock */
inline look(t)
{
	atomic {
		!registry ->
		if
		:: !live -> verdict = 2
		:: live && CLOSED -> verdict = 1
		:: else -> verdict = 0
		fi
	}
}

/* under both locks; the heap is the thread's with its entry */
inline install(t)
{
	atomic {
		!registry && !threads ->
		holds[t]++;
		known[t] = true;
#ifdef INSTALL_UNMARKED
		marked[t] = false
#else
		marked[t] = CLOSED
#endif
	}
}

inline work()
{
	atomic { assert(!unmapped); assert(alone == 0); inside++ };
	atomic { assert(!unmapped); assert(alone == 0); inside-- }
}

/* pool_freeze: `done` tells whether the pool is ours */
inline freeze(done)
{
	do
	:: true ->
		ticket = thaws;
		acquire(registry);
		if
		:: !live -> release(registry); done = false; break
		:: live && MAY_FREEZE ->
			frozen = true;
			release(registry);
			done = true;
			break
		:: live && !MAY_FREEZE -> release(registry); wait_thaw(ticket)
		fi
	od;
	if
	:: done ->
		mark(true);
		/* thread_is_busy, until nobody is */
		atomic { !busy[0] && !busy[1] };
		atomic { assert(inside == 0); assert(alone == 0); alone++ };
		assert(inside == 0)
	:: else
	fi
}

/* under the threads lock; the owners read without it, so one after another */
inline mark(on)
{
	acquire(threads);
	if
	:: known[0] -> marked[0] = on
	:: else
	fi;
	if
	:: known[1] -> marked[1] = on
	:: else
	fi;
	release(threads)
}

/* pool_thaw: of what freeze() said */
inline thaw(done)
{
	if
	:: done ->
		assert(!unmapped);
		alone--;
		acquire(registry);
		frozen = false;
#ifdef THAW_UNLOCKED
		release(registry);
		mark(false);
#else
		mark(false);
		release(registry);
#endif
		thaws++
	:: else
	fi
}

/* pool_freeze_walk, pool_thaw_walk: the other pool, which nobody is inside */
inline walk_begin()
{
	do
	:: true ->
		ticket = thaws;
		acquire(registry);
		if
		:: !forking && !fork_waits ->
			walked = true;
#ifdef WALK_UNCOUNTED
			release(registry);
			acquire(registry);
#endif
			nwalks++;
			release(registry);
			break
		:: else -> release(registry); wait_thaw(ticket)
		fi
	od
}

inline walk_end()
{
	acquire(registry);
	nwalks--;
	release(registry);
	acquire(registry);
	walked = false;
	release(registry);
	thaws++;
	ticket = 0
}

proctype thread(byte t)
{
	byte ops, ticket, verdict;
	ops = NOPS;
#ifdef WALK
	bool done;
	if
	:: t == 1 -> walk_begin()
	:: else
	fi;
#endif
again:
#ifndef LATE_TICKET
	ticket = thaws;
#endif
	busy[t] = true;
	verdict = 0;
	if
	:: !known[t] -> look(t)
	:: known[t] && marked[t] -> verdict = 1
	:: known[t] && !marked[t] -> skip
	fi;
	if
	:: verdict == 0 ->
		if
		:: !known[t] -> install(t)
		:: else
		fi;
		work();
		busy[t] = false;
		ops--;
		if
		:: ops > 0 -> goto again
		:: else
		fi
	:: verdict == 1 ->
		busy[t] = false;
#ifdef LATE_TICKET
		ticket = thaws;
#endif
		wait_thaw(ticket);
		goto again
	:: verdict == 2 -> busy[t] = false /* refused */
	fi;
#ifdef WALK
	if
	:: t == 1 ->
#ifdef CHECK
		checked; /* for whom it waits */
#else
		freeze(done);
		thaw(done);
#endif
		walk_end()
	:: else
	fi;
#endif
	/* thread_exit */
leave:	ticket = thaws;
	acquire(threads);
	if
	:: known[t] && marked[t] && LOOKS ->
		release(threads);
		wait_thaw(ticket);
		goto leave
	:: known[t] && !(marked[t] && LOOKS) ->
		/* dir_park */
		atomic {
			assert(!unmapped);
			assert(alone == 0);
			assert(holds[t] == 1);
			holds[t]--;
			known[t] = false
		}
	:: !known[t]
	fi;
	release(threads);
	ticket = 0
}

proctype checker()
{
	byte ticket;
	bool done;
	freeze(done);
	thaw(done);
	checked = true
}

proctype deleter()
{
	byte ticket;
	bool done;
	freeze(done);
	if
	:: done ->
		acquire(registry);
		ticket = 0;
		/* from here on a fork may come: the child has no such pool */
		live = false;
		alone--;
		/* thread_pool_gone */
		acquire(threads);
		atomic { known[0] = false; marked[0] = false };
		atomic { known[1] = false; marked[1] = false };
		release(threads);
		release(registry);
#ifndef DELETE_SILENT
		thaws++;
#endif
		assert(inside == 0);
		unmapped = true
	:: else
	fi
}

proctype forker()
{
	byte ticket;
	ticket = thaws;
	acquire(registry);
#ifdef FORK_SHUTS
	forking = true;
#else
	fork_waits = true;
#endif
#ifndef FORK_BLIND
	do
	:: (live && frozen) || walked ->
		release(registry);
		wait_thaw(ticket);
		acquire(registry);
		ticket = thaws
	:: else -> break
	od;
#endif
	forking = true;
	fork_waits = false;
	release(registry);
	mark(true);
	do
	:: true ->
		acquire(registry);
		acquire(threads);
		if
		:: !busy[0] && !busy[1] -> break
		:: else -> release(threads); release(registry)
		fi
	od;
	/* the fork: the child has no lock held, and a pool at rest */
	atomic { assert(inside == 0); assert(alone == 0); alone++ };
	alone--;
	forking = false;
	if
	:: known[0] -> marked[0] = false
	:: else
	fi;
	if
	:: known[1] -> marked[1] = false
	:: else
	fi;
	release(threads);
	release(registry);
	thaws++
}

init
{
	atomic {
		run thread(0);
		run thread(1);
#ifdef CHECK
		run checker();
#endif
#ifdef FORK
		run forker();
#endif
#ifdef DELETE
		run deleter();
#endif
		skip
	}
}
