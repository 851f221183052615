/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kinds.c -- each system call fails, with pools that are no temporary files
 *
 * A device DAX is a file that the kit gives out for one, with a folder for what
 * sysfs says of it.
 *
 * ctest: not-valgrind not-tsan not-aarch64 timeout=240
 */
#include "fault/kit/scene.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault/kit/fault.h"
#include "harness/fs.h"
#include "harness/proc.h"

#define PATH_MOST 256
#define BTRFS_MIB 4096 /* it frees a deleted file late; sparse */

static char folder[PATH_MOST]; /* for what is no pool's */
static const char *mounted;
static int file = -1;

static const char *
at(const char *name)
{
	static char path[PATH_MOST + 32];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static VMEM *
from_source(int source)
{
	struct vmem_options o;
	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.source = source;
	o.size = SCENE_POOL_SIZE;
	o.name = "faults";
	if (source == VMEM_SOURCE_FD)
		o.fd = file;
	return vmem_create_opts(&o);
}

static VMEM *
in_private(void)
{
	return from_source(VMEM_SOURCE_PRIVATE);
}

static VMEM *
in_memfd(void)
{
	return from_source(VMEM_SOURCE_MEMFD);
}

/* in_own_file -- which is empty whenever there is no pool in it */
static VMEM *
in_own_file(void)
{
	struct stat st;
	fault_pause();
	must(ftruncate(file, 0) == 0);
	fault_resume();
	VMEM *vmp = from_source(VMEM_SOURCE_FD);
	int err = errno;
	fault_pause();
	must(fstat(file, &st) == 0);
	hold(vmp != NULL || st.st_size == 0 || fault_was("ftruncate"));
	fault_resume();
	errno = err;
	return vmp;
}

/* on_device -- its lock is held by a pool, and by nothing else, and without a
 * descriptor */
static VMEM *
on_device(void)
{
	fault_pause();
	struct proc_count before = proc_count();
	fault_resume();
	VMEM *vmp = vmem_create(at("device"), SCENE_POOL_SIZE);
	int err = errno;
	bool unlocked = fault_was("flock");
	fault_pause();
	hold(proc_count().nfds == before.nfds);
	int fd = open(at("device"), O_RDWR | O_CLOEXEC);
	must(fd >= 0);
	bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
	hold(is_free == (vmp == NULL || unlocked));
	must(close(fd) == 0);
	fault_resume();
	errno = err;
	return vmp;
}

static VMEM *
on_mount(void)
{
	return vmem_create(mounted, SCENE_POOL_SIZE);
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "we");
	must(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
private_memory__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){
		.options = "huge=1", .create = in_private, .then = scene_trim});
}

static void
sparse_memory__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){.options = "sparse=1",
		.create = in_private,
		.then = scene_trim});
}

static void
memfd__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){
		.options = "", .create = in_memfd, .then = scene_trim});
}

static void
own_file__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	file = open(test_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	must(file >= 0);
	scene_sweep(&(struct scene){.options = "", .create = in_own_file});
	must(close(file) == 0);
}

static void
device__each_call_fails__nothing_is_lost(void **state)
{
	static char text[PATH_MAX];
	(void)state;
	snprintf(folder, sizeof(folder), "%s/folder", test_dir());
	must(mkdir(folder, 0700) == 0 && mkdir(at("sysfs"), 0700) == 0);
	must(symlink("/bus/dax", at("sysfs/subsystem")) == 0);
	snprintf(text, sizeof(text), "%zu\n", SCENE_POOL_SIZE);
	put("sysfs/size", text);
	put("sysfs/align", "2097152\n");
	put("sysfs/target_node", "0\n");
	put("device", "");
	must(truncate(at("device"), (off_t)SCENE_POOL_SIZE) == 0);
	snprintf(text, sizeof(text), "%s", at("sysfs"));
	char device[PATH_MOST + 32];
	snprintf(device, sizeof(device), "%s", at("device"));
	fault_device(device, text);
	scene_sweep(&(struct scene){
		.options = "", .create = on_device, .nfiles = 1});
	fault_device(NULL, NULL);
	static const char *const names[] = {"device", "sysfs/target_node",
		"sysfs/align", "sysfs/size", "sysfs/subsystem"};
	for (size_t i = 0; i < NELEM(names); i++)
		must(unlink(at(names[i])) == 0);
	must(rmdir(at("sysfs")) == 0 && rmdir(folder) == 0);
}

/* of which the files are taken out of the copying of blocks */
static void
btrfs__each_call_fails__nothing_is_lost(void **state)
{
	struct fs fs;
	(void)state;
	fault_pause();
	fs_mount_or_skip(&fs, FS_BTRFS, BTRFS_MIB);
	mounted = fs.path;
	scene_sweep(&(struct scene){.options = "", .create = on_mount});
	fault_pause();
	/* mappings that could not be undone are still in it */
	(void)fs_unmount(&fs);
}

static void
drop_text(const char *text)
{
	(void)text;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			private_memory__each_call_fails__nothing_is_lost),
		cmocka_unit_test(
			sparse_memory__each_call_fails__nothing_is_lost),
		cmocka_unit_test(memfd__each_call_fails__nothing_is_lost),
		cmocka_unit_test(own_file__each_call_fails__nothing_is_lost),
		cmocka_unit_test(device__each_call_fails__nothing_is_lost),
		cmocka_unit_test(btrfs__each_call_fails__nothing_is_lost),
	};

	fault_pause();
	vmem_set_funcs(NULL, NULL, NULL, NULL, drop_text);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
