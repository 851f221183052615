/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numa_list.c -- NUMA nodes, by libnuma
 *
 * Memory that has no processors is often what a pool is wanted on: CXL, or a
 * device DAX that was made ordinary memory.
 */
#include <numa.h>

#include "cli/command.h"
#include "cli/holders.h"

static int
add(struct holders *all, int node, struct bitmask *cpus)
{
	struct holder one = {.kind = HOLDER_NODE, .node = node};
	long long size, free_size = 0;

	size = numa_node_size64(node, &free_size);
	one.size = size > 0 ? (uint64_t)size : 0;
	one.free = free_size > 0 ? (uint64_t)free_size : 0;
	if (numa_node_to_cpus(node, cpus) == 0)
		one.ncpus = numa_bitmask_weight(cpus);
	return holders_add(all, &one, NULL);
}

int
numa_list(struct holders *all)
{
	struct bitmask *cpus;
	int status = 0;

	if (numa_available() < 0) {
		all->missing[HOLDER_NODE] = "the kernel has no NUMA";
		return 0;
	}
	cpus = numa_allocate_cpumask();
	for (int node = 0; node <= numa_max_node() && status == 0; node++)
		if (numa_bitmask_isbitset(numa_nodes_ptr, (unsigned)node) != 0)
			status = add(all, node, cpus);
	numa_free_cpumask(cpus);
	return status;
}
