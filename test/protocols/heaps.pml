/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heaps.pml -- heaps of a pool: attached, left, taken over, robbed of slabs
 *
 * models: src/tcache/heap_dir.c: dir_attach() dir_park() dir_steal()
 * models: src/tcache/heap_dir.c: parked_push() rest()
 *
 * A thread gets a heap, works in it without a lock, takes slabs out of parked
 * heaps when it has none left, and leaves its own to others when it ends.
 *
 * Checked: a heap has one holder at a time, its thread or who has the admin
 * lock; no heap and no slab is lost or there twice.
 *
 * mutation: ATTACH_UNLOCKED  an orphan is taken without the lock
 * mutation: STEAL_UNLOCKED   so are slabs of one
 * mutation: PARK_FIRST       the heap is parked, then emptied into the runs
 */
#define NTHREADS 3
#define NHEAPS   2
#define NONE     255

bool admin;
byte parked = NONE;  /* head of the list */
byte next[NHEAPS];
byte nheaps;
byte slabs[NHEAPS];
byte nfree; /* given back to the runs; their lock is not in here */
byte holders[NHEAPS]; /* ghost */

inline acquire()
{
	atomic { !admin -> admin = true }
}

/* what a holder does is no single step */
inline hold(h)
{
	holders[h]++;
	assert(holders[h] == 1)
}

inline let_go(h)
{
	holders[h]--
}

inline attach()
{
#ifndef ATTACH_UNLOCKED
	acquire();
#endif
	mine = parked;
	if
	:: mine != NONE -> parked = next[mine]; next[mine] = NONE
	:: mine == NONE && nheaps < NHEAPS ->
		mine = nheaps;
		nheaps++;
		slabs[mine] = 2
	:: else
	fi;
	admin = false
}

inline steal()
{
#ifndef STEAL_UNLOCKED
	acquire();
#endif
	other = parked;
	do
	:: other != NONE && slabs[other] == 0 -> other = next[other]
	:: other != NONE && slabs[other] > 0 ->
		hold(other);
		n = slabs[other];
		slabs[other] = n - 1;
		let_go(other);
		slabs[mine]++;
		break
	:: other == NONE -> break
	od;
	admin = false;
	other = 0;
	n = 0
}

/* rest: one slab turns out to be empty */
inline rest()
{
	hold(mine);
	if
	:: slabs[mine] > 0 ->
		n = slabs[mine];
		slabs[mine] = n - 1;
		nfree++;
		n = 0
	:: else
	fi;
	let_go(mine)
}

inline park()
{
	acquire();
	next[mine] = parked;
	parked = mine;
	admin = false
}

proctype thread()
{
	byte mine, other, n;
	attach();
	if
	:: mine != NONE ->
		hold(mine);
		let_go(mine);
		steal();
		hold(mine);
		let_go(mine);
#ifdef PARK_FIRST
		park();
		rest()
#else
		rest();
		park()
#endif
	:: else
	fi
}

init
{
	byte i, n;
	atomic {
		do
		:: i < NTHREADS -> run thread(); i++
		:: else -> break
		od
	};
	_nr_pr == 1;
	/* each heap is on the list once, and no slab is missing */
	n = slabs[0] + slabs[1] + nfree;
	assert(n == 2 * nheaps);
	i = parked;
	n = 0;
	do
	:: i != NONE -> n++; assert(n <= nheaps); i = next[i]
	:: else -> break
	od;
	assert(n == nheaps)
}
