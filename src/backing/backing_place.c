/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_place.c -- which pages a mapping gets: NUMA nodes, huge ones, now
 *
 * Source  mbind(2), madvise(2).  The system call is made by its number, as
 *         libnuma has what we need of it in a function of one line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backing/backing.h"
#include "backing/backing_internal.h"
#include "base/arith.h"
#include "base/error.h"

/* the kernel's numbers, of linux/mempolicy.h */
#define MPOL_PREFERRED      1
#define MPOL_BIND           2
#define MPOL_INTERLEAVE     3
#define MPOL_PREFERRED_MANY 5 /* Linux 5.15 */

#define DECIMAL 10

/*
 * Anonymous memory is touched for the first time in a quarter of the time when
 * its pages are huge.  A small pool, and the beginning of a large one, would
 * hold more memory than they use.
 */
#define HUGE_POOL ((size_t)64 << 20)
#define HUGE_FROM ((size_t)4 << 20)

/* the pool's fixed metadata, of which little is touched, takes less */
#define METADATA_SHARE 512

/* read_node -- a number at *at, which moves behind it; -1 when there is none */
static long
read_node(const char **at)
{
	char *end;
	long node;

	if (**at < '0' || **at > '9')
		return -1;
	node = strtol(*at, &end, DECIMAL);
	*at = end;
	return node < (long)NUMA_NODES_MAX ? node : -1;
}

int
numa_parse(struct numa *ret, const char *list)
{
	uint64_t nodes[NUMA_NODES_MAX / 64] = {0};
	const char *at = list;

	for (;;) {
		long first = read_node(&at), last = first;

		if (first >= 0 && *at == '-') {
			at++;
			last = read_node(&at);
		}
		if (first < 0 || last < first || (*at != ',' && *at != '\0'))
			return fail(EINVAL, "no list of nodes: \"%s\"", list);
		for (long node = first; node <= last; node++)
			nodes[node / 64] |= UINT64_C(1) << node % 64;
		if (*at++ == '\0')
			break;
	}
	memcpy(ret->nodes, nodes, sizeof(nodes));
	return 0;
}

static unsigned
count_nodes(const struct numa *numa)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NUMA_NODES_MAX / 64; i++)
		n += (unsigned)__builtin_popcountll(numa->nodes[i]);
	return n;
}

static int
mode_of(const struct numa *numa)
{
	if (numa->policy == NUMA_BIND)
		return MPOL_BIND;
	if (numa->policy == NUMA_INTERLEAVE)
		return MPOL_INTERLEAVE;
	return count_nodes(numa) == 1 ? MPOL_PREFERRED : MPOL_PREFERRED_MANY;
}

/* ask_huge -- for transparent huge pages: kernels without refuse, and most file
 * systems, and it is no more than a wish */
static void
ask_huge(const struct backing *b, int huge)
{
	bool is_file = b->kind == BACKING_FILE || b->kind == BACKING_DEVICE;
	uintptr_t from = (uintptr_t)b->base;
	if (huge > 0) {
		(void)madvise(b->base, b->size, MADV_HUGEPAGE);
	} else if (huge == 0 && !is_file && b->size >= HUGE_POOL) {
		from += HUGE_FROM + b->size / METADATA_SHARE;
		from = align_up(from, HUGE_PAGE);
		(void)madvise((void *)from, (uintptr_t)b->base + b->size - from,
			MADV_HUGEPAGE);
	}
}

int
backing_place(const struct backing *b, const struct backing_want *want)
{
	const struct numa *numa = &want->numa;

	if (numa->policy != NUMA_DEFAULT &&
		/* the kernel takes one from the number of bits */
		syscall(SYS_mbind, b->base, b->size, mode_of(numa), numa->nodes,
			(unsigned long)NUMA_NODES_MAX + 1, 0) != 0)
		return fail_sys(errno, "mbind");
	ask_huge(b, want->huge);
	return 0;
}

int
backing_prefault(const struct backing *b, const struct backing_want *want)
{
	if (!want->prefault || backing_reserve(b->base, b->reserved))
		return 0;
	return fail(ENOMEM, "%zu bytes: not brought into memory", b->reserved);
}
