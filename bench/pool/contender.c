/* SPDX-License-Identifier: BSD-3-Clause */
#include "contender.h"

#include <string.h>

const struct contender *const contenders[] = {
	&contender_vmem,
	&contender_original,
	&contender_memkind,
	&contender_mimalloc,
	&contender_jemalloc,
	&contender_glibc,
	&contender_vmem_h0,
	&contender_vmem_h2,
	&contender_vmem_ahead,
	&contender_nothing,
};
const size_t ncontenders = sizeof(contenders) / sizeof(contenders[0]);

const struct contender *
contender_find(const char *name, size_t length)
{
	for (size_t i = 0; i < ncontenders; i++)
		if (strlen(contenders[i]->name) == length &&
			memcmp(contenders[i]->name, name, length) == 0)
			return contenders[i];
	return NULL;
}
