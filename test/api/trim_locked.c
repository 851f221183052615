/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trim_locked.c -- free pages of which one is locked, by mlock(2)
 *
 * The kernel gives back what lies in front of it and then refuses.
 *
 * ctest: timeout=120 serial
 */
#include "harness/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/options.h"

#define FS_MIB 64
#define NBYTES (4 * MIB)
#define LARGE  (200 * MIB)
#define PAGE   ((size_t)4096)

/* a touched page without space behind it would end the test with SIGBUS */
static void
trim__locked_page_and_full__refused_or_usable(void **state)
{
	char path[128];
	struct fs fs;
	VMEM *vmp;
	char *p[2], *high;
	int fd;

	fs_mount_or_skip(&fs, fs_kind_of(state), FS_MIB);
	vmp = vmem_create(fs.path, 32 * MIB);
	assert_non_null(vmp);
	for (size_t i = 0; i < NELEM(p); i++) {
		p[i] = vmem_malloc(vmp, NBYTES);
		assert_non_null(p[i]);
		memset(p[i], 1, NBYTES);
	}
	high = p[0] > p[1] ? p[0] : p[1];
	must(mlock(high + NBYTES / 2, PAGE) == 0);
	vmem_free(vmp, p[0]);
	vmem_free(vmp, p[1]);
	assert_true(vmem_trim(vmp, 0) >= 0);
	must(munlock(high + NBYTES / 2, PAGE) == 0);
	snprintf(path, sizeof(path), "%s/other", fs.path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0);
	(void)fs_fill_file(fd, 0);
	for (size_t size = 2 * NBYTES - MIB; size >= 16 * KIB; size /= 2) {
		char *q = vmem_malloc(vmp, size);

		if (q != NULL)
			memset(q, 2, size);
	}
	assert_int_equal(vmem_check(vmp), 1);
	must(close(fd) == 0 && unlink(path) == 0);
	vmem_delete(vmp);
	assert_true(fs_unmount(&fs));
}

/* use_and_trim -- what the pool holds afterwards */
static uint64_t
use_and_trim(VMEM *vmp, int expected)
{
	char *p = vmem_malloc(vmp, LARGE);

	assert_non_null(p);
	memset(p, 1, LARGE);
	vmem_free(vmp, p);
	errno = 0;
	assert_int_equal(vmem_trim(vmp, 0), expected);
	assert_int_equal(errno, 0);
	return stats_of(vmp).mapped;
}

static void
trim__page_was_locked__gives_back_later(void **state)
{
	struct vmem_options o = options_of(*(const int *)*state);
	VMEM *vmp;
	char *p;

	o.max_size = LARGE + POOL_BYTES;
	vmp = create(&o);
	/* the only pages that are free and have memory */
	p = vmem_aligned_alloc(vmp, PAGE, 10 * PAGE);
	assert_non_null(p);
	must(mlock(p, PAGE) == 0);
	vmem_free(vmp, p);
	assert_true(vmem_trim(vmp, 0) >= 0);
	must(munlock(p, PAGE) == 0);
	assert_true(use_and_trim(vmp, 1) < POOL_BYTES);
	assert_true(use_and_trim(vmp, 1) < POOL_BYTES);
	assert_true(stats_of(vmp).given_back >= 2 * (LARGE - MIB));
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static int sources[] = {VMEM_SOURCE_MEMFD, VMEM_SOURCE_PRIVATE};

/* of_source -- an entry of cmocka's table */
#define of_source(i)                                                           \
	{                                                                      \
		("gives back later (" #i ")"),                                 \
			trim__page_was_locked__gives_back_later, NULL, NULL,   \
			&sources[i]                                            \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		on_fs(FS_TMPFS, trim__locked_page_and_full__refused_or_usable),
		on_fs(FS_EXT4, trim__locked_page_and_full__refused_or_usable),
		of_source(0),
		of_source(1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
