/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h -- pools of vmem_create_opts(), and what their files hold
 */
#ifndef HARNESS_OPTIONS_H
#define HARNESS_OPTIONS_H

#include "harness/test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "harness/objects.h"

#define POOL_BYTES (16 * MIB)

/* options_of -- the defaults, with a source and a size */
static inline struct vmem_options
options_of(int source)
{
	struct vmem_options o;

	assert_int_equal(vmem_options_init(&o, sizeof(o)), 0);
	o.source = source;
	o.size = POOL_BYTES;
	return o;
}

/* create -- a pool, and errno is kept */
static inline VMEM *
create(const struct vmem_options *o)
{
	VMEM *vmp;

	errno = EDOM;
	vmp = vmem_create_opts(o);
	if (vmp == NULL)
		print_message("%s\n", vmem_errormsg());
	assert_non_null(vmp);
	assert_int_equal(errno, EDOM);
	return vmp;
}

/* create_level -- a pool in memory, of a level of hardening */
static inline VMEM *
create_level(int level, size_t size)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);

	o.size = size;
	o.hardening = level;
	return create(&o);
}

/* use -- fill it, compare, free everything; the bytes that it held */
static inline size_t
use(VMEM *vmp)
{
	struct objects set;
	struct rng rng;
	size_t bytes;

	rng_init(&rng, "options");
	objects_init(&set, vmp);
	objects_fill(&set, &rng, 1, 60000);
	bytes = set.bytes;
	objects_verify(&set);
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
	return bytes;
}

static inline struct vmem_stats
stats_of(VMEM *vmp)
{
	struct vmem_stats s;

	assert_int_equal(vmem_stats_get(vmp, &s, sizeof(s)), 0);
	return s;
}

/* temp_file -- open and without a name, in a directory */
static inline int
temp_file(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static inline size_t
blocks_bytes(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0);
	return (size_t)st.st_blocks * 512;
}

static inline size_t
file_bytes(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0);
	return (size_t)st.st_size;
}

#endif
