/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.h -- where printed and logged text goes
 *
 * The text goes to the caller's print function, to the file that an
 * environment variable names (base/log_file.h), or to standard error.  Nothing
 * here allocates.
 * Thread-safe: a line is written by one write(2).
 *
 * Levels: 0 only statistics, 1 details of errors, 2 pool create and delete,
 * 3 every call with its arguments, 4 internals.  LOG() is compiled to nothing
 * outside of the debug flavour.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/compiler.h"

/*
 * log_init -- read PREFIX_LOG_LEVEL and PREFIX_LOG_FILE
 *
 * name    of the library, as in "libvmem"
 * prefix  of the variables, as in "VMEM"
 * A log file that cannot be opened ends the process with a message, in the
 * debug flavour.  The release flavour opens it with each text; what cannot be
 * written there goes to standard error, as it does later in the other one.
 */
void log_init(const char *name, const char *prefix);

/* log_set_print -- the function that gets every text from now on, or NULL */
void log_set_print(void (*print)(const char *text));

/*
 * log_keep_stderr -- hold on to standard error: many programs close it at their
 * end before the last text is printed
 */
void log_keep_stderr(void);

/* log_print -- one text, to where logged text goes; keeps errno */
void log_print(const char *text);

/* log_emit -- one formatted trace line; use LOG() */
void log_emit(int level, const char *file, int line, const char *func,
	const char *fmt, ...) PRINTF_LIKE(5, 6);

extern int log_level; /* set once by log_init() */

#ifdef VMEM_DEBUG
#define LOG(level, ...)                                                        \
	do {                                                                   \
		if (unlikely(log_level >= (level)))                            \
			log_emit((level), __FILE__, __LINE__, __func__,        \
				__VA_ARGS__);                                  \
	} while (0)
#else
#define LOG(level, ...)                                                        \
	do {                                                                   \
		if (0)                                                         \
			log_emit((level), __FILE__, __LINE__, __func__,        \
				__VA_ARGS__);                                  \
	} while (0)
#endif

#endif
