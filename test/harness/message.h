/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message.h -- whether a call has told the thread of a misuse
 */
#ifndef HARNESS_MESSAGE_H
#define HARNESS_MESSAGE_H

#include "harness/test.h"

#include <string.h>

#define OTHER_MESSAGE "size 1 smaller than 14680064"

/* forget_message -- make the thread's message one that misuse does not give */
static inline void
forget_message(void)
{
	assert_null(vmem_create(NULL, 1));
	assert_string_equal(vmem_errormsg(), OTHER_MESSAGE);
}

static inline void
assert_told(void)
{
	assert_true(strlen(vmem_errormsg()) > 0);
	assert_string_not_equal(vmem_errormsg(), OTHER_MESSAGE);
}

static inline void
assert_not_told(void)
{
	assert_string_equal(vmem_errormsg(), OTHER_MESSAGE);
}

#endif
