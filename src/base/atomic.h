/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * atomic.h -- atomic operations with the memory order in the name
 *
 * All work on plain objects through the compilers' builtins, so that the same
 * field can be read plainly by its owner.  Every use says why its order is
 * enough, or stands beside the field whose comment says it.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include "base/yield.h"

/* each is a place where others may get in, see base/yield.h */
#define ATOMICALLY(operation) (yield_point(), (operation))

#define load_relaxed(p) ATOMICALLY(__atomic_load_n((p), __ATOMIC_RELAXED))
#define load_acquire(p) ATOMICALLY(__atomic_load_n((p), __ATOMIC_ACQUIRE))
#define load_seq_cst(p) ATOMICALLY(__atomic_load_n((p), __ATOMIC_SEQ_CST))
#define store_relaxed(p, v)                                                    \
	ATOMICALLY(__atomic_store_n((p), (v), __ATOMIC_RELAXED))
#define store_release(p, v)                                                    \
	ATOMICALLY(__atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define store_seq_cst(p, v)                                                    \
	ATOMICALLY(__atomic_store_n((p), (v), __ATOMIC_SEQ_CST))
#define exchange_acquire(p, v)                                                 \
	ATOMICALLY(__atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE))
#define exchange_acq_rel(p, v)                                                 \
	ATOMICALLY(__atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL))
#define fetch_add_relaxed(p, v)                                                \
	ATOMICALLY(__atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define fetch_or_seq_cst(p, v)                                                 \
	ATOMICALLY(__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST))

/*
 * load_folded -- a relaxed load that the compiler may make an operand of a
 * comparison, which it never does with a real atomic load
 *
 * For aligned words on the two fast paths only.  Elsewhere than on x86-64,
 * where any load is an acquire, and under the thread sanitizer it is a plain
 * acquire load; so it is where threads yield at random.
 */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(VMEM_YIELD)
#define load_folded(p) (*(p))
#else
#define load_folded(p) load_acquire(p)
#endif

/* cas_* -- expected is updated on failure; returns whether it was stored */
#define CAS(p, expected, v, weak, order)                                       \
	ATOMICALLY(__atomic_compare_exchange_n(                                \
		(p), (expected), (v), (weak), (order), __ATOMIC_RELAXED))
#define cas_acquire(p, expected, v) CAS(p, expected, v, 0, __ATOMIC_ACQUIRE)
#define cas_weak_release(p, expected, v)                                       \
	CAS(p, expected, v, 1, __ATOMIC_RELEASE)
#define cas_acq_rel(p, expected, v) CAS(p, expected, v, 0, __ATOMIC_ACQ_REL)
#define cas_seq_cst(p, expected, v) CAS(p, expected, v, 0, __ATOMIC_SEQ_CST)

/* compiler_fence -- the compiler moves no access across; no instruction */
#define compiler_fence() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
