/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * misuse.h -- what the program has done wrong is said, or ends it
 *
 * By default the program goes on: the thread's message tells, and who has found
 * it counts.  VMEM_OPTIONS=abort=1 makes every finding the last.
 */
#ifndef BASE_MISUSE_H
#define BASE_MISUSE_H

#include <stdbool.h>

#include "base/compiler.h"

/* misuse_init -- end the process with the first finding from now on? */
void misuse_init(bool stops);

/*
 * misuse -- a finding: sets the thread's message, and returns -EINVAL
 * May be called under locks: it takes none, and no finding is no cost.
 */
int misuse(const char *fmt, ...) PRINTF_LIKE(1, 2) COLD;

/* misuse_late -- a finding that sets no message, since no call asked for it */
void misuse_late(const char *fmt, ...) PRINTF_LIKE(1, 2) COLD;

#endif
