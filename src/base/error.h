/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * error.h -- the thread's last error message
 *
 * An internal function that can fail returns 0 or a negative errno, made once
 * where the fault is found, together with its text:
 *
 *	return fail(EINVAL, "size %zu smaller than %zu", size, min);
 *
 * Only the public faces of the library set errno from it.  Thread-safe: every
 * thread has its own text.  Where there is no memory for it, it is that of the
 * errno alone.  No function here changes errno.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/compiler.h"

/* fail -- set the thread's message to the text; returns -err */
int fail(int err, const char *fmt, ...) PRINTF_LIKE(2, 3) COLD;

/* fail_sys -- as fail(), with ": " and strerror(err) behind; returns -err */
int fail_sys(int err, const char *fmt, ...) PRINTF_LIKE(2, 3) COLD;

/* clang's analyzer does not look into another file: it is told what comes back
 */
#ifdef __clang_analyzer__
#define fail(err, ...)     ((void)(fail)((err), __VA_ARGS__), -(err))
#define fail_sys(err, ...) ((void)(fail_sys)((err), __VA_ARGS__), -(err))
#endif

/* error_text -- the thread's last message; "" before the first */
const char *error_text(void);

/* error_child_after_fork, error_init -- called once by the library's start */
void error_init(void);

#endif
