/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guarded.h -- pools of hardening level 3, and what is done to their objects
 */
#ifndef HARNESS_GUARDED_H
#define HARNESS_GUARDED_H

#include <stdlib.h>
#include <string.h>

#include "harness/message.h"
#include "harness/options.h"

#define POOL_SIZE (32 * MIB)

/* larger ones do not wait: a 64th of the pool */
#define MOST_WAITS (POOL_SIZE / 64 - 4 * KIB)

static const size_t guarded_sizes[] = {0, 1, 7, 8, 15, 16, 17, 48, 63, 64, 100,
	1000, 4096, 5000, 9000, 16384, 32000, 32768, 33000, 100000, MIB,
	3 * MIB};

static inline VMEM *
guarded_pool(void)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);

	o.size = POOL_SIZE;
	o.hardening = 3;
	return create(&o);
}

static inline void *
object(VMEM *vmp, size_t size)
{
	char *p = vmem_malloc(vmp, size);

	assert_non_null(p);
	assert_int_equal(vmem_malloc_usable_size(vmp, p), size);
	memset(p, 'o', size);
	return p;
}

/* poke -- a write that the compiler must not see through */
static inline void
poke(void *p, ptrdiff_t at)
{
	volatile unsigned char *byte = (unsigned char *)p + at;

	*byte ^= 0x10;
}

/* assert_found -- one more finding than before, and the message says so */
static inline void
assert_found(VMEM *vmp, uint64_t before, const char *text)
{
	assert_int_equal(stats_of(vmp).refused, before + 1);
	if (strstr(vmem_errormsg(), text) == NULL)
		fail_msg("\"%s\" instead of \"%s\"", vmem_errormsg(), text);
	forget_message();
}

#endif
