/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * freeze.pml -- a freezer and threads on their fast paths, with store buffers
 *
 * models: src/tcache/thread.h: thread_heap_fast() thread_busy_end()
 * models: src/tcache/thread.c: thread_busy_begin() thread_mark() is_busy()
 * models: src/tcache/thread.c: set_frozen() thread_unmark()
 *
 * Each processor has a buffer of stores that others do not see yet.  They reach
 * memory in any order, as on arm64, but for stores to one address, and for one
 * with release, which waits for all before it.  Loads are made in their order.
 *
 * Checked: nobody is inside while the freezer is at work; it finds what the
 * last operation left, whole, and the next operation what it has left itself;
 * it gets there, and the threads go on after it.
 *
 * mutation: NO_BARRIER    the freezer marks and looks, without membarrier(2)
 * mutation: BARRIER_FIRST the barrier comes before the mark
 * mutation: LOOK_FIRST    a thread looks at its entry, then says it is inside
 * mutation: RELAXED_END   a thread leaves by a store without release
 * mutation: RELAXED_THAW  the freezer puts the heap back without release
 * mutation: FENCED,NO_FENCE  a thread does without its fence
 * variant: FENCED         no membarrier(2): threads have a fence of their own
 */
#define NTHREADS 2
#define FREEZER  2 /* its processor */
#define NCPUS    3
#define NOPS     2 /* of each thread */
#define ROOM     4 /* of a buffer */

/* addresses: busy words, entries, and two words of each thread's heap */
#define BUSY(t)  (t)
#define ENTRY(t) (NTHREADS + (t))
#define A(t)     (2 * NTHREADS + (t))
#define B(t)     (3 * NTHREADS + (t))
#define NWORDS   (4 * NTHREADS)

#define HEAP  0
#define INERT 1

byte memory[NWORDS];
bool frozen;  /* ghost: the freezer is at work */
byte inside;  /* ghost: threads that are */

typedef buffer {
	byte n;
	byte at[ROOM];
	byte value[ROOM];
	bool release[ROOM];
};
buffer cpu[NCPUS];

inline store(c, address, v, rel)
{
	atomic {
		cpu[c].n < ROOM;
		cpu[c].at[cpu[c].n] = address;
		cpu[c].value[cpu[c].n] = v;
		cpu[c].release[cpu[c].n] = rel;
		cpu[c].n++
	}
}

/* the newest of the processor's own stores, else memory */
inline load(c, address, ret)
{
	d_step {
		ret = memory[address];
		i = 0;
		do
		:: i < cpu[c].n ->
			if
			:: cpu[c].at[i] == address -> ret = cpu[c].value[i]
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	}
}

/* a store of a buffer reaches memory */
inline drain(c, which)
{
	memory[cpu[c].at[which]] = cpu[c].value[which];
	i = which;
	do
	:: i + 1 < cpu[c].n ->
		cpu[c].at[i] = cpu[c].at[i + 1];
		cpu[c].value[i] = cpu[c].value[i + 1];
		cpu[c].release[i] = cpu[c].release[i + 1];
		i++
	:: else -> break
	od;
	cpu[c].n--;
	cpu[c].at[i] = 0;
	cpu[c].value[i] = 0;
	cpu[c].release[i] = 0;
	i = 0
}

/* a barrier on that processor */
inline drain_all(c)
{
	d_step {
		do
		:: cpu[c].n > 0 -> drain(c, 0)
		:: else -> break
		od
	}
}

/* may the second, the third, ... overtake those before it? */
#define APART(c, x, y) (cpu[c].at[x] != cpu[c].at[y])
#define SECOND(c) (cpu[c].n > 1 && !cpu[c].release[1] && APART(c, 1, 0))
#define THIRD(c)                                                               \
	(cpu[c].n > 2 && !cpu[c].release[2] && APART(c, 2, 0) && APART(c, 2, 1))
#define FOURTH(c)                                                              \
	(cpu[c].n > 3 && !cpu[c].release[3] && APART(c, 3, 0) &&               \
		APART(c, 3, 1) && APART(c, 3, 2))

proctype processor(byte c)
{
	byte i;
end:	do
	:: d_step { cpu[c].n > 0 -> drain(c, 0) }
	:: d_step { SECOND(c) -> drain(c, 1) }
	:: d_step { THIRD(c) -> drain(c, 2) }
	:: d_step { FOURTH(c) -> drain(c, 3) }
	od
}

proctype thread(byte t)
{
	byte i, entry, a, b, ops;
	do
	:: ops < NOPS ->
#ifdef LOOK_FIRST
		load(t, ENTRY(t), entry);
		store(t, BUSY(t), 1, false);
#else
		store(t, BUSY(t), 1, false);
#if defined(FENCED) && !defined(NO_FENCE)
		cpu[t].n == 0; /* a fence waits for the buffer */
#endif
		load(t, ENTRY(t), entry);
#endif
		if
		:: entry == HEAP ->
			atomic { assert(!frozen); inside++ };
			load(t, A(t), a);
			load(t, B(t), b);
			assert(a == b);
			store(t, A(t), a + 1, false);
			store(t, B(t), b + 1, false);
			atomic { assert(!frozen); inside-- };
			ops++
		:: else /* it comes again */
		fi;
#ifdef RELAXED_END
		store(t, BUSY(t), 0, false)
#else
		store(t, BUSY(t), 0, true)
#endif
	:: else -> break
	od;
	/* nothing in its buffer, and nothing lost */
	cpu[t].n == 0;
}

inline barrier()
{
#if defined(FENCED)
	cpu[FREEZER].n == 0
#elif defined(NO_BARRIER)
	skip
#else
	cpu[FREEZER].n == 0;
	/* membarrier(2): each processor at a time of its own */
	t = 0;
	do
	:: t < NTHREADS -> drain_all(t); t++
	:: else -> t = 0; break
	od
#endif
}

inline mark(value, rel)
{
	/* under the threads lock, but read without it */
	t = 0;
	do
	:: t < NTHREADS -> store(FREEZER, ENTRY(t), value, rel); t++
	:: else -> t = 0; break
	od
}

proctype freezer()
{
	byte i, t, a, b, busy;
#ifdef BARRIER_FIRST
	barrier();
	mark(INERT, true);
#else
	mark(INERT, true);
	barrier();
#endif
	do
	:: t < NTHREADS ->
		load(FREEZER, BUSY(t), busy);
		if
		:: busy -> t = 0
		:: else -> t++
		fi
	:: else -> t = 0; break
	od;
	atomic { assert(inside == 0); frozen = true };
	do
	:: t < NTHREADS ->
		load(FREEZER, A(t), a);
		load(FREEZER, B(t), b);
		assert(a == b);
		store(FREEZER, A(t), a + 1, false);
		store(FREEZER, B(t), b + 1, false);
		t++
	:: else -> t = 0; break
	od;
	frozen = false;
#ifdef RELAXED_THAW
	mark(HEAP, false)
#else
	mark(HEAP, true)
#endif
}

init
{
	atomic {
		run thread(0);
		run thread(1);
		run freezer();
		run processor(0);
		run processor(1);
		run processor(FREEZER);
	}
}
