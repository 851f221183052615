/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ledger.h -- which thread touches which cache line
 *
 * The library is compiled with the compiler's instrumentation for the thread
 * sanitizer, but the calls that it makes go here and not to the sanitizer: one
 * for each access to memory.  Each line that is accessed is noted with the
 * threads that read and wrote it.
 */
#ifndef BENCH_LEDGER_H
#define BENCH_LEDGER_H

#include <stdint.h>

enum { LEDGER_THREADS = 8, LEDGER_LINE = 64 };

struct ledger_sums {
	uint64_t accesses;
	uint64_t shared;  /* of them: to lines that one thread wrote and another
			   * one accessed */
	uint64_t atomics; /* read-modify-write instructions */
	uint64_t locks;   /* locks taken */
	uint64_t lines;   /* the shared lines */
	uint64_t moves;   /* accesses before which another thread had written
			   * to the line, or writes to what another one had */
};

/* ledger_begin -- the calling thread is counted from now on, as `thread` */
void ledger_begin(unsigned thread);

/* ledger_end -- it is not any more */
void ledger_end(void);

/* ledger_clear -- forget everything; no thread may be counted meanwhile */
void ledger_clear(void);

/* ledger_sum -- the same */
struct ledger_sums ledger_sum(void);

#endif
