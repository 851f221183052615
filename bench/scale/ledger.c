/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ledger.c -- a table of cache lines, and what the compiler calls
 *
 * Compiled without the instrumentation itself.  The functions' names and types
 * are those that gcc and clang call for -fsanitize=thread.
 */
#include "ledger.h"

#include "base/lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { SLOTS = 1 << 20, NOBODY = -1 };

/* one cache line; the key is claimed once, all else is added to */
struct line {
	uintptr_t key;   /* atomic: its address / 64; 0: unused */
	uint8_t readers; /* atomic: a bit for each thread */
	uint8_t writers; /* atomic: the same */
	uint8_t holders; /* atomic: who has seen what was written last */
	uint32_t accesses[LEDGER_THREADS]; /* of each thread, by it alone */
};

static struct line lines[SLOTS];

/* of each thread, on lines of their own */
static struct {
	_Alignas(128) uint64_t atomics;
	uint64_t locks;
	uint64_t moves;
} own[LEDGER_THREADS];

static _Thread_local int self = NOBODY;

void
ledger_begin(unsigned thread)
{
	self = (int)thread;
}

void
ledger_end(void)
{
	self = NOBODY;
}

void
ledger_clear(void)
{
	memset(lines, 0, sizeof(lines));
	memset(own, 0, sizeof(own));
}

struct ledger_sums
ledger_sum(void)
{
	struct ledger_sums sums = {0};

	for (size_t i = 0; i < SLOTS; i++) {
		const struct line *line = &lines[i];
		unsigned all = line->readers | line->writers;
		uint64_t accesses = 0;

		for (size_t j = 0; j < LEDGER_THREADS; j++)
			accesses += line->accesses[j];
		sums.accesses += accesses;
		if (line->writers != 0 && (all & (all - 1)) != 0) {
			sums.shared += accesses;
			sums.lines++;
		}
	}
	for (size_t i = 0; i < LEDGER_THREADS; i++) {
		sums.atomics += own[i].atomics;
		sums.locks += own[i].locks;
		sums.moves += own[i].moves;
	}
	return sums;
}

/* find -- the line's place; the table is far larger than what is touched */
static struct line *
find(uintptr_t key)
{
	size_t i = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 44;

	for (;; i = (i + 1) % SLOTS) {
		uintptr_t found =
			__atomic_load_n(&lines[i].key, __ATOMIC_RELAXED);

		if (found == 0)
			(void)__atomic_compare_exchange_n(&lines[i].key, &found,
				key, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		if (found == 0 || found == key)
			return &lines[i];
	}
}

/* has_moved -- does a cache that works like most have to ask another one? */
static bool
has_moved(struct line *line, bool writes, uint8_t bit)
{
	uint8_t writers = __atomic_load_n(&line->writers, __ATOMIC_RELAXED);
	uint8_t before = writes ? __atomic_exchange_n(
					  &line->holders, bit, __ATOMIC_RELAXED)
				: __atomic_fetch_or(&line->holders, bit,
					  __ATOMIC_RELAXED);

	if ((before & bit) == 0)
		return (writers & ~bit) != 0;
	return writes && before != bit;
}

static void
note(const volatile void *address, bool writes)
{
	struct line *line;
	uint8_t bit;

	if (self == NOBODY)
		return;
	line = find((uintptr_t)address / LEDGER_LINE);
	bit = (uint8_t)(1u << self);
	line->accesses[self]++;
	own[self].moves += has_moved(line, writes, bit);
	__atomic_fetch_or(writes ? &line->writers : &line->readers, bit,
		__ATOMIC_RELAXED);
}

static void
note_atomic(const volatile void *address)
{
	note(address, true);
	if (self != NOBODY)
		own[self].atomics++;
}

/* the linker puts this in the place of the library's own */
void __wrap_lock_acquire(struct lock *l, enum lock_rank rank);
void __real_lock_acquire(struct lock *l, enum lock_rank rank);

void
__wrap_lock_acquire(struct lock *l, enum lock_rank rank)
{
	if (self != NOBODY)
		own[self].locks++;
	__real_lock_acquire(l, rank);
}

/* what the compiler calls: plain accesses */
void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);

void
__tsan_init(void)
{
}

void
__tsan_func_entry(void *caller)
{
	(void)caller;
}

void
__tsan_func_exit(void)
{
}

#define PLAIN(name, writes)                                                    \
	void name(void *address);                                              \
	void name(void *address)                                               \
	{                                                                      \
		note(address, writes);                                         \
	}
#define PLAIN_SIZE(size)                                                       \
	PLAIN(__tsan_read##size, false)                                        \
	PLAIN(__tsan_write##size, true)                                        \
	PLAIN(__tsan_unaligned_read##size, false)                              \
	PLAIN(__tsan_unaligned_write##size, true)

PLAIN_SIZE(1)
PLAIN_SIZE(2)
PLAIN_SIZE(4)
PLAIN_SIZE(8)
PLAIN_SIZE(16)

#define RANGE(name, writes)                                                    \
	void name(char *address, size_t size);                                 \
	void name(char *address, size_t size)                                  \
	{                                                                      \
		for (size_t i = 0; i < size; i += LEDGER_LINE)                 \
			note(address + i, writes);                             \
	}

RANGE(__tsan_read_range, false)
RANGE(__tsan_write_range, true)

/* atomic ones: done here, with the strongest order */
#define FETCH(bits, name)                                                      \
	uint##bits##_t __tsan_atomic##bits##_fetch_##name(                     \
		volatile uint##bits##_t *p, uint##bits##_t value, int order);  \
	uint##bits##_t __tsan_atomic##bits##_fetch_##name(                     \
		volatile uint##bits##_t *p, uint##bits##_t value, int order)   \
	{                                                                      \
		(void)order;                                                   \
		note_atomic(p);                                                \
		return __atomic_fetch_##name(p, value, __ATOMIC_SEQ_CST);      \
	}

/* NOLINTBEGIN(readability-non-const-parameter): `expected` is written to */
#define EXCHANGE(bits, name)                                                   \
	int __tsan_atomic##bits##_compare_exchange_##name(                     \
		volatile uint##bits##_t *p, uint##bits##_t *expected,          \
		uint##bits##_t value, int order, int fail_order);              \
	int __tsan_atomic##bits##_compare_exchange_##name(                     \
		volatile uint##bits##_t *p, uint##bits##_t *expected,          \
		uint##bits##_t value, int order, int fail_order)               \
	{                                                                      \
		(void)order;                                                   \
		(void)fail_order;                                              \
		note_atomic(p);                                                \
		return __atomic_compare_exchange_n(p, expected, value, false,  \
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                   \
	}

/* what clang calls: the value that was there, instead of whether it was it */
#define EXCHANGE_VALUE(bits)                                                   \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(             \
		volatile uint##bits##_t *p, uint##bits##_t expected,           \
		uint##bits##_t value, int order, int fail_order);              \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(             \
		volatile uint##bits##_t *p, uint##bits##_t expected,           \
		uint##bits##_t value, int order, int fail_order)               \
	{                                                                      \
		(void)order;                                                   \
		(void)fail_order;                                              \
		note_atomic(p);                                                \
		(void)__atomic_compare_exchange_n(p, &expected, value, false,  \
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                   \
		return expected;                                               \
	}

#define ATOMIC(bits)                                                           \
	uint##bits##_t __tsan_atomic##bits##_load(                             \
		const volatile uint##bits##_t *p, int order);                  \
	uint##bits##_t __tsan_atomic##bits##_load(                             \
		const volatile uint##bits##_t *p, int order)                   \
	{                                                                      \
		(void)order;                                                   \
		note(p, false);                                                \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                   \
	}                                                                      \
	void __tsan_atomic##bits##_store(                                      \
		volatile uint##bits##_t *p, uint##bits##_t value, int order);  \
	void __tsan_atomic##bits##_store(                                      \
		volatile uint##bits##_t *p, uint##bits##_t value, int order)   \
	{                                                                      \
		(void)order;                                                   \
		note(p, true);                                                 \
		__atomic_store_n(p, value, __ATOMIC_SEQ_CST);                  \
	}                                                                      \
	uint##bits##_t __tsan_atomic##bits##_exchange(                         \
		volatile uint##bits##_t *p, uint##bits##_t value, int order);  \
	uint##bits##_t __tsan_atomic##bits##_exchange(                         \
		volatile uint##bits##_t *p, uint##bits##_t value, int order)   \
	{                                                                      \
		(void)order;                                                   \
		note_atomic(p);                                                \
		return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);        \
	}                                                                      \
	FETCH(bits, add)                                                       \
	FETCH(bits, sub)                                                       \
	FETCH(bits, and)                                                       \
	FETCH(bits, or)                                                        \
	FETCH(bits, xor)                                                       \
	EXCHANGE_VALUE(bits)                                                   \
	EXCHANGE(bits, strong)                                                 \
	EXCHANGE(bits, weak)

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)
/* NOLINTEND(readability-non-const-parameter) */

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);

void
__tsan_atomic_thread_fence(int order)
{
	(void)order;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void
__tsan_atomic_signal_fence(int order)
{
	(void)order;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}
