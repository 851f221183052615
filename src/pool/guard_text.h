/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard_text.h -- what is said of objects in pools, as the sanitizer says it
 *
 * Nothing here allocates by malloc, or takes a lock of ours.
 */
#ifndef POOL_GUARD_TEXT_H
#define POOL_GUARD_TEXT_H

#include <stddef.h>

#include "pool/guard_book.h"

/*
 * guard_describe -- whose an address is: nothing when it is in no pool
 * Called at the end of the sanitizer's report.
 */
void guard_describe(const void *address);

/*
 * guard_wrong -- say what is wrong with an address that `who` has been given,
 * and let the sanitizer report it
 */
void guard_wrong(const char *who, const void *p);

/*
 * guard_leaks -- list what lives in the pool, by who has allocated it
 * when  the moment, as it is printed
 * Returns the number of objects.
 */
size_t guard_leaks(struct guard_book *b, const char *when);

#endif
