/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * busy_pool.h -- a pool with everything in it
 *
 * Heaps of threads that live, that have ended and that share one; slabs that
 * are current, listed, empty, full, and full with slots that others freed;
 * slots in LIFOs; large objects, live and cached, and descriptors without any.
 */
#ifndef HARNESS_BUSY_POOL_H
#define HARNESS_BUSY_POOL_H

#include "harness/test.h"

/*
 * busy_pool_fill -- fill an empty pool so; once in a process, whose other
 * threads then wait for ever
 */
void busy_pool_fill(VMEM *vmp, struct rng *rng);

#endif
