/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.h -- for programs that run under the preload library: libc alone
 *
 * What fails is said with write(2), which takes no memory, and ends the
 * process with status 1, whichever thread or process it is.
 */
#ifndef VMMALLOC_CHECK_H
#define VMMALLOC_CHECK_H

#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_TEXT_(x) #x
#define CHECK_TEXT(x)  CHECK_TEXT_(x)

#define CHECK(cond)                                                            \
	do {                                                                   \
		static const char text_[] = __FILE__ ":" CHECK_TEXT(           \
			__LINE__) ": does not hold: " #cond "\n";              \
		if (!(cond)) {                                                 \
			if (write(2, text_, sizeof(text_) - 1) < 0)            \
				_exit(2);                                      \
			_exit(1);                                              \
		}                                                              \
	} while (0)

/* CHECK_CHILD -- wait for its end, which must be a good one */
#define CHECK_CHILD(pid)                                                       \
	do {                                                                   \
		pid_t pid_ = (pid);                                            \
		int status_;                                                   \
		CHECK(pid_ > 0 && waitpid(pid_, &status_, 0) == pid_ &&        \
			status_ == 0);                                         \
	} while (0)

#endif
