/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.pml -- the four-byte mutex, and the futex it sleeps on
 *
 * models: src/base/lock.c: lock_acquire() lock_release()
 * models: src/base/os.c: os_futex_wait() os_futex_wake()
 *
 * The futex compares the word and goes to sleep in one step, and may wake for
 * no reason.  All accesses are read-modify-writes or compared with one.
 *
 * Checked: one thread at most has the lock; nobody sleeps for ever (no
 * deadlock); in the end the word is free.
 *
 * mutation: TAKE_AS_ONE   who has waited leaves 1 behind, not 2
 * mutation: NO_COMPARE    it sleeps whatever the word has become
 * mutation: WAKE_BEFORE   it wakes a sleeper, then frees the word
 * mutation: STORE         the word is taken by a load and a store
 */
#define NTHREADS 3
#define NTIMES   2

byte word;
byte holders;
byte asleep; /* how many */
byte wakeups; /* that sleepers have not taken yet */

inline futex_wait()
{
	atomic {
#ifdef NO_COMPARE
		asleep++
#else
		if
		:: word == 2 -> asleep++
		:: else -> goto woken
		fi
#endif
	};
	atomic {
		if
		:: wakeups > 0 -> wakeups--
		:: may_wake_early -> may_wake_early = false
		fi;
		asleep--
	};
woken:	skip
}

inline futex_wake()
{
	atomic {
		if
		:: asleep > wakeups -> wakeups++
		:: else
		fi
	}
}

proctype thread()
{
	byte seen, times;
	bool may_wake_early = true;
again:
#ifdef STORE
	seen = word;
	if
	:: seen == 0 -> word = 1; goto held
	:: else
	fi;
#else
	/* the first try and those of the spin are alike */
	atomic {
		if
		:: word == 0 -> word = 1; goto held
		:: else
		fi
	};
#endif
	do
	:: true ->
		atomic {
			seen = word;
#ifdef TAKE_AS_ONE
			word = (seen == 0 -> 1 : 2);
#else
			word = 2;
#endif
			if
			:: seen == 0 -> goto held
			:: else
			fi
		};
		futex_wait()
	od;
held:	holders++;
	assert(holders == 1);
	holders--;
#ifdef WAKE_BEFORE
	if
	:: word == 2 -> futex_wake()
	:: else
	fi;
	word = 0;
#else
	atomic { seen = word; word = 0 };
	if
	:: seen == 2 -> futex_wake()
	:: else
	fi;
#endif
	times++;
	if
	:: times < NTIMES -> goto again
	:: else
	fi
}

init
{
	byte i;
	atomic {
		do
		:: i < NTHREADS -> run thread(); i++
		:: else -> break
		od
	};
	_nr_pr == 1;
	assert(word == 0)
}
