/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.h -- the program that is to be run
 *
 * The functions return 0, or the exit status after saying why.
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <limits.h>

/*
 * program_find -- where a program is: by its path, or in $PATH
 *
 * The path found has a slash in it.  Warns of a program that the dynamic
 * linker does not preload anything into.
 */
int program_find(const char *name, char ret_path[PATH_MAX]);

/* program_exec -- become the program; returns only when that fails */
int program_exec(const char *path, char **argv);

#endif
