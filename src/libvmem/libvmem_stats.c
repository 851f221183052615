/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem_stats.c -- the figures of a pool in a struct that may grow
 *
 * Programs say how long the struct was when they were compiled: they get that
 * much, and zeros behind what this library knows.
 */
#include <errno.h>
#include <string.h>

#include "base/arith.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/log.h"
#include "libvmem.h"
#include "pool/pool.h"

_Static_assert(sizeof(struct vmem_stats) % sizeof(uint64_t) == 0,
	"members of one size, so that there is no padding");

static struct vmem_stats
public_form(const struct pool_totals *t)
{
	return (struct vmem_stats){
		.mapped = t->mapped,
		.allocated = t->small.bytes + t->large.bytes,
		.active = t->small.active + t->large.active,
		.free = t->free,
		.kept = t->kept,
		.metadata = t->metadata,
		.small_allocated = t->small.bytes,
		.small_nmalloc = t->small.nmalloc,
		.small_ndalloc = t->small.nfree,
		.large_allocated = t->large.bytes,
		.large_nmalloc = t->large.nmalloc,
		.large_ndalloc = t->large.nfree,
		.heaps = t->nheaps,
		.threads = t->nthreads,
		.refused = t->nrefused,
		.reclaims = t->nreclaim,
		.hardening = t->hardening,
		.size = t->size,
		.given_back = t->given,
		.no_memory = t->nshort,
	};
}

EXPORT int
vmem_stats_get(VMEM *vmp, struct vmem_stats *stats, size_t size)
{
	int saved = errno;
	struct pool_totals totals;
	LOG(3, "vmp %p stats %p size %zu", (void *)vmp, (void *)stats, size);
	if (stats == NULL || size == 0 || size % sizeof(uint64_t) != 0) {
		errno = -fail(EINVAL, "statistics of %zu bytes at %p", size,
			(void *)stats);
		return -1;
	}
	int rc = pool_totals(vmp, &totals);
	if (rc != 0) {
		errno = -rc;
		return -1;
	}
	struct vmem_stats all = public_form(&totals);
	size_t known = min_size(size, sizeof(all));
	memcpy(stats, &all, known);
	memset((char *)stats + known, 0, size - known);
	errno = saved;
	return 0;
}
