/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * space_asked.c -- how often the kernel is asked for space that there is not
 *
 * Once for each allocation that is refused, as it may take long: and not less,
 * so that space that others have left is found by the next allocation.  Our
 * madvise() comes before libc's, and counts.
 *
 * ctest: timeout=120 not-tsan
 */
#include "harness/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/objects.h"

#define POPULATE_WRITE 23 /* by its number: older headers do not have it */
#define FS_MIB         64
#define POOL_BYTES     (48 * MIB)

static size_t nasked;

int madvise(void *addr, size_t size, int advice);

int
madvise(void *addr, size_t size, int advice)
{
	nasked += advice == POPULATE_WRITE && size > 0;
	return (int)syscall(SYS_madvise, addr, size, advice);
}

/* take_all -- of the file system's space */
static void
take_all(int fd)
{
	off_t size = 0;

	for (size_t step = MIB; step >= 4 * KIB;) {
		if (fallocate(fd, 0, size, (off_t)step) == 0)
			size += (off_t)step;
		else
			step /= 2;
	}
}

struct full {
	struct fs fs;
	int fd; /* of what the others have written */
	VMEM *vmp;
	struct objects set;
	struct rng rng;
};

/* full_open -- a pool without room on a file system without space */
static void
full_open(struct full *f, const char *name)
{
	char path[128];
	struct vmem_options o;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.path = f->fs.path;
	o.size = POOL_BYTES;
	o.sparse = 1;
	f->vmp = vmem_create_opts(&o);
	must(f->vmp != NULL);
	rng_init(&f->rng, name);
	objects_init(&f->set, f->vmp);
	while (f->set.bytes < 8 * MIB)
		must(objects_add(&f->set, rng_between(&f->rng, 1, 20000)));
	snprintf(path, sizeof(path), "%s/other", f->fs.path);
	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(f->fd >= 0);
	take_all(f->fd);
	objects_fill(&f->set, &f->rng, 1, 20000);
}

static void
full_end(struct full *f)
{
	objects_fini(&f->set);
	assert_int_equal(vmem_check(f->vmp), 1);
	vmem_delete(f->vmp);
	close(f->fd);
	assert_true(fs_unmount(&f->fs));
}

static void
malloc__no_space__asks_once(void **state)
{
	static const size_t sizes[] = {
		16, 100, 3000, 8192, 20000, 32768, 40000, 300 * KIB, 4 * MIB};
	struct full f;

	(void)state;
	fs_mount_or_skip(&f.fs, FS_TMPFS, FS_MIB);
	full_open(&f, __func__);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		/* what was free in pages that there are */
		while (objects_add(&f.set, sizes[i]))
			;
		for (unsigned n = 0; n < 10; n++) {
			nasked = 0;
			assert_false(objects_add(&f.set, sizes[i]));
			assert_int_equal(nasked, 1);
		}
	}
	objects_verify(&f.set);
	full_end(&f);
}

static void
malloc__space_again__has_it_at_once(void **state)
{
	static const size_t sizes[] = {16, 3000, 20000, 300 * KIB};
	struct full f;

	(void)state;
	fs_mount_or_skip(&f.fs, FS_TMPFS, FS_MIB);
	full_open(&f, __func__);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		while (objects_add(&f.set, sizes[i]))
			;
		assert_int_equal(ftruncate(f.fd, 0), 0);
		assert_true(objects_add(&f.set, sizes[i]));
		take_all(f.fd);
	}
	objects_verify(&f.set);
	full_end(&f);
}

/* what has memory is given without a question */
static void
malloc__no_space_but_free_objects__asks_nothing(void **state)
{
	struct full f;

	(void)state;
	fs_mount_or_skip(&f.fs, FS_TMPFS, FS_MIB);
	full_open(&f, __func__);
	for (unsigned n = 0; n < 100; n++)
		objects_drop(&f.set, f.set.n - 1);
	nasked = 0;
	for (unsigned n = 0; n < 20; n++)
		assert_true(objects_add(&f.set, 3000));
	assert_int_equal(nasked, 0);
	full_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malloc__no_space__asks_once),
		cmocka_unit_test(malloc__space_again__has_it_at_once),
		cmocka_unit_test(
			malloc__no_space_but_free_objects__asks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
