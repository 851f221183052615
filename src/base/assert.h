/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * assert.h -- assertions of the debug flavour, and the way out
 *
 * ASSERT() states what our own code guarantees; a caller's mistake is refused
 * with a message instead.  Both flavours compile the condition, only the debug
 * flavour evaluates it.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include "base/compiler.h"

/* die -- write "Error (NAME): text" to standard error and abort() */
_Noreturn void die(const char *fmt, ...) PRINTF_LIKE(1, 2) COLD;

/* die_set_name -- the library's name in that line; "libvmem" at first */
void die_set_name(const char *name);

#ifdef VMEM_DEBUG
#define ASSERT(cond)                                                           \
	do {                                                                   \
		if (unlikely(!(cond)))                                         \
			die("%s:%d: %s: assertion failed: %s", __FILE__,       \
				__LINE__, __func__, #cond);                    \
	} while (0)
#else
#define ASSERT(cond)                                                           \
	do {                                                                   \
		if (0)                                                         \
			(void)(cond);                                          \
	} while (0)
#endif

#endif
