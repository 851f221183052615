/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log_file.h -- the file that an environment variable names for logged text
 *
 * A program may close any number, and what it opens then may get that number:
 * a text of ours would be in its file.  So the file is opened for each text and
 * closed behind it.  It stays open for the traces of the debug flavour, which
 * are many, and where it is a pipe, whose reader takes a close for the end; the
 * number is a high one then, and looked at before each text: once it is not the
 * file's any more, none is kept again.
 *
 * Thread-safe, without a lock: there are traces in signal handlers, too.
 * Nothing here allocates.
 */
#ifndef BASE_LOG_FILE_H
#define BASE_LOG_FILE_H

#include <stdbool.h>

/*
 * log_file_set -- the file's name, not empty; opens nothing
 * It is made absolute where that fits: the program may change to another
 * directory before the file is opened.  One that ends in `-` gets the process
 * id behind it.  Returns false when it is too long, and then there is no file.
 */
bool log_file_set(const char *name);

/*
 * log_file_write -- append a text, which may be empty
 * Returns 0, or why the file could not be opened: -ENOENT where there is none.
 * Changes errno; who calls keeps it.
 */
int log_file_write(const char *text);

#endif
