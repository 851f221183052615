/* SPDX-License-Identifier: BSD-3-Clause */
#include "harness/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/proc.h"

#define FILL_STEP  ((size_t)2 << 20) /* whole huge pages */
#define FILL_LEAST ((size_t)4096)

#define MIB            ((size_t)1 << 20)
#define XFS_MIN_MIB    300
#define BTRFS_MIN_MIB  128
#define NMOUNTED_MAX   16
#define NLOOP_TRIES    64
#define HUGE_POOL_FILE "/proc/sys/vm/nr_hugepages"

/* what mount(2) is told of a kind */
static const struct {
	const char *type;
	const char *options;
	size_t min_mib;
} kinds[FS_NKINDS] = {
	[FS_TMPFS] = {"tmpfs", "", 0},
	[FS_TMPFS_HUGE] = {"tmpfs", "huge=always,", 0},
	[FS_RAMFS] = {"ramfs", "", 0},
	[FS_EXT4] = {"ext4", "", 0},
	[FS_XFS] = {"xfs", "", XFS_MIN_MIB},
	[FS_BTRFS] = {"btrfs", "", BTRFS_MIN_MIB},
	[FS_HUGETLBFS] = {"hugetlbfs", "", 0},
	[FS_VFAT] = {"vfat", "discard", 0},
	[FS_OVERLAY] = {"overlay", "", 0},
	[FS_EXT4_DAX] = {"ext4", "dax=always", 0},
	[FS_XFS_DAX] = {"xfs", "dax=always", 0},
};

enum fs_kind fs_kinds[FS_NKINDS] = {FS_TMPFS, FS_TMPFS_HUGE, FS_RAMFS, FS_EXT4,
	FS_XFS, FS_BTRFS, FS_HUGETLBFS, FS_VFAT, FS_OVERLAY, FS_EXT4_DAX,
	FS_XFS_DAX};

const char *
fs_name(enum fs_kind kind)
{
	return kinds[kind].type;
}

/* enter_namespace -- once: mounts of this process are no one else's */
static const char *
enter_namespace(void)
{
	static bool done;

	if (done)
		return NULL;
	if (geteuid() != 0)
		return "only root can mount";
	if (unshare(CLONE_NEWNS) != 0)
		return "no mount namespace can be had";
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0)
		return "mounts cannot be made private";
	done = true;
	return NULL;
}

static const char *
tmp_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir != NULL && strlen(dir) < 32 ? dir : "/tmp";
}

/* open_image -- an unnamed sparse file; -1 when there is none */
static int
open_image(size_t size)
{
	int fd = open(tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 && ftruncate(fd, (off_t)size) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * attach_loop -- a free loop device on the image, gone with its last user
 * Returns its descriptor and its path; -1 when there is none.  Others may take
 * the same free device at the same time.
 */
static int
attach_loop(int image, char *ret_path, size_t path_size)
{
	struct loop_config config = {
		.fd = (__u32)image, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int fd = -1;

	if (control < 0)
		return -1;
	for (int i = 0; i < NLOOP_TRIES && fd < 0; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);

		if (n < 0)
			break;
		snprintf(ret_path, path_size, "/dev/loop%d", n);
		fd = open(ret_path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) != 0) {
			close(fd);
			fd = -1;
		}
	}
	close(control);
	return fd;
}

/*
 * mkfs_option -- what goes before the device; reflinks and DAX exclude each
 * other in some kernels
 */
static const char *
mkfs_option(enum fs_kind kind)
{
	switch (kind) {
	case FS_EXT4:
		return "-qF";
	case FS_EXT4_DAX: /* wants blocks as large as pages */
		return "-qFb4096";
	case FS_XFS_DAX:
		return "-qfmreflink=0";
	case FS_VFAT:
		return "-I";
	default:
		return "-qf";
	}
}

/* run_mkfs -- make the file system of this kind on a device */
static const char *
run_mkfs(enum fs_kind kind, char *device)
{
	char program[32], option[32];
	char *argv[] = {program, option, device, NULL};
	char *env[] = {NULL};
	posix_spawn_file_actions_t actions;
	int status, err;
	pid_t pid;

	snprintf(option, sizeof(option), "%s", mkfs_option(kind));
	snprintf(program, sizeof(program), "/sbin/mkfs.%s", fs_name(kind));
	if (access(program, X_OK) != 0)
		return "its mkfs program is not installed";
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(
		&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(
		&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawn(&pid, program, &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	if (err != 0)
		return "its mkfs program does not start";
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return "its mkfs program failed";
	return NULL;
}

/* mount_device -- a fresh file system on it */
static const char *
mount_device(const struct fs *fs, char *device)
{
	const char *skip = run_mkfs(fs->kind, device);
	char found[128];

	if (skip != NULL)
		return skip;
	if (mount(device, fs->path, fs_name(fs->kind), 0,
		    kinds[fs->kind].options) != 0)
		return "the kernel does not mount it";
	snprintf(found, sizeof(found), "%s/lost+found", fs->path);
	(void)rmdir(found); /* there or not, depending on the kind */
	return NULL;
}

static const char *
mount_image(const struct fs *fs, size_t size)
{
	const char *skip = "no loop device can be had";
	char device[32];
	int loop, image;

	image = open_image(size);
	if (image < 0)
		return "no unnamed file for the image can be had";
	loop = attach_loop(image, device, sizeof(device));
	if (loop >= 0) {
		skip = mount_device(fs, device);
		close(loop);
	}
	close(image);
	return skip;
}

/* mount_dax -- on a device of memory, as large as it is */
static const char *
mount_dax(const struct fs *fs)
{
	const char *node = getenv("VMEM_TEST_BLOCK");
	char device[32];

	if (node == NULL)
		return "no device with DAX here";
	snprintf(device, sizeof(device), "%s", node);
	return mount_device(fs, device);
}

static size_t
huge_page_size(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	size_t kib = 0;

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Hugepagesize: %zu kB", &kib) == 1)
			break;
	fclose(file);
	return kib << 10;
}

/*
 * huge_pool_add -- grow (or shrink) the system's pool of huge pages
 *
 * Tests may run side by side: everyone adds and takes away what is his, under
 * a lock, and nobody sets a number that he has seen.
 */
static bool
huge_pool_add(long npages)
{
	int fd = open(HUGE_POOL_FILE, O_RDWR | O_CLOEXEC);
	char text[32] = "";
	bool ok = false;
	long now, want;

	if (fd < 0)
		return false;
	(void)flock(fd, LOCK_EX); /* without it: a race, but a test */
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		goto out;
	now = strtol(text, NULL, 10);
	want = now + npages > 0 ? now + npages : 0;
	snprintf(text, sizeof(text), "%ld\n", want);
	if (pwrite(fd, text, strlen(text), 0) < 0)
		goto out;
	memset(text, 0, sizeof(text));
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		goto out;
	ok = strtol(text, NULL, 10) >= want;
	if (!ok) { /* fragmented memory: give back what came of it */
		snprintf(text, sizeof(text), "%ld\n", now);
		ok = pwrite(fd, text, strlen(text), 0) < 0;
	}
out:
	close(fd);
	return ok;
}

static const char *
mount_huge(struct fs *fs, size_t size)
{
	size_t page = huge_page_size();
	char options[64];

	if (page == 0 || proc_is_emulated())
		return "the kernel, or the emulator, has no huge pages";
	size = (size + page - 1) / page * page;
	if (!huge_pool_add((long)(size / page)))
		return "no huge pages can be had";
	fs->nhuge_pages = size / page;
	/* min_size sets the pages aside for this mount alone */
	snprintf(options, sizeof(options), "size=%zu,min_size=%zu", size, size);
	if (mount("none", fs->path, fs_name(fs->kind), 0, options) != 0)
		return "the kernel does not mount it";
	return NULL;
}

static const char *
mount_memory(const struct fs *fs, size_t size)
{
	char options[64] = "";

	if (fs->kind != FS_RAMFS)
		snprintf(options, sizeof(options), "%ssize=%zu",
			kinds[fs->kind].options, size);
	if (mount("none", fs->path, fs_name(fs->kind), 0, options) != 0)
		return "the kernel does not mount it";
	return NULL;
}

/* mount_overlay -- in the place of the file system that its folders are on */
static const char *
mount_overlay(const struct fs *fs, size_t size)
{
	static const char *const folders[] = {"lower", "upper", "work"};
	struct fs below = *fs;
	char text[256];
	const char *skip;

	below.kind = FS_TMPFS;
	skip = mount_memory(&below, size);
	if (skip != NULL)
		return skip;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(text, sizeof(text), "%s/%s", fs->path, folders[i]);
		(void)mkdir(text, 0700); /* mounting will fail */
	}
	snprintf(text, sizeof(text),
		"lowerdir=%s/%s,upperdir=%s/%s,workdir=%s/%s", fs->path,
		folders[0], fs->path, folders[1], fs->path, folders[2]);
	if (mount("none", fs->path, "overlay", 0, text) == 0)
		return NULL;
	(void)umount2(fs->path, MNT_DETACH); /* nobody uses it */
	return "the kernel does not mount it";
}

static const char *
mount_kind(struct fs *fs, size_t size)
{
	if (size < kinds[fs->kind].min_mib * MIB)
		size = kinds[fs->kind].min_mib * MIB;
	switch (fs->kind) {
	case FS_TMPFS:
	case FS_TMPFS_HUGE:
	case FS_RAMFS:
		return mount_memory(fs, size);
	case FS_HUGETLBFS:
		return mount_huge(fs, size);
	case FS_OVERLAY:
		return mount_overlay(fs, size);
	case FS_EXT4_DAX:
	case FS_XFS_DAX:
		return mount_dax(fs);
	case FS_EXT4:
	case FS_XFS:
	case FS_BTRFS:
	case FS_VFAT:
	case FS_NKINDS:
		break;
	}
	return mount_image(fs, size);
}

/* what is mounted now, for a test that ends without fs_unmount() */
static struct fs mounted[NMOUNTED_MAX];
static pid_t mounted_by; /* children do not clean up */

static void
unmount_rest(void)
{
	if (getpid() != mounted_by)
		return;
	for (size_t i = 0; i < NMOUNTED_MAX; i++) {
		struct fs fs = mounted[i];

		(void)fs_unmount(&fs); /* detached when still in use */
	}
}

/* remember -- put `to` in the place of `from` */
static bool
remember(const char *from, const struct fs *to)
{
	if (mounted_by == 0) {
		mounted_by = getpid();
		atexit(unmount_rest);
	}
	for (size_t i = 0; i < NMOUNTED_MAX; i++) {
		if (strcmp(mounted[i].path, from) == 0) {
			mounted[i] = *to;
			return true;
		}
	}
	return false;
}

const char *
fs_mount(struct fs *ret, enum fs_kind kind, size_t size_mib)
{
	memset(ret, 0, sizeof(*ret));
	ret->kind = kind;
	ret->skip = enter_namespace();
	if (ret->skip != NULL)
		return NULL;
	snprintf(ret->path, sizeof(ret->path), "%s/vmem-fs-XXXXXX", tmp_dir());
	if (mkdtemp(ret->path) == NULL) {
		ret->path[0] = '\0';
		ret->skip = "no directory to mount on can be made";
		return NULL;
	}
	ret->skip = mount_kind(ret, size_mib * MIB);
	if (ret->skip == NULL && !remember("", ret)) {
		(void)umount2(ret->path, MNT_DETACH); /* just mounted */
		ret->skip = "too many are mounted";
	}
	if (ret->skip == NULL)
		return ret->path;
	if (ret->nhuge_pages > 0)
		(void)huge_pool_add(-(long)ret->nhuge_pages);
	(void)rmdir(ret->path); /* at worst an empty directory stays */
	ret->path[0] = '\0';
	return NULL;
}

bool
fs_unmount(struct fs *fs)
{
	static const struct fs none;
	bool ok;

	if (fs->path[0] == '\0')
		return true;
	ok = umount2(fs->path, 0) == 0;
	if (!ok)
		(void)umount2(fs->path, MNT_DETACH); /* said by the result */
	if (fs->kind == FS_OVERLAY)                  /* and what is below it */
		(void)umount2(fs->path, MNT_DETACH);
	if (fs->nhuge_pages > 0)
		(void)huge_pool_add(-(long)fs->nhuge_pages);
	(void)rmdir(fs->path); /* at worst an empty directory stays */
	(void)remember(fs->path, &none);
	fs->path[0] = '\0';
	return ok;
}

size_t
fs_free_bytes(const char *path)
{
	struct statfs st;

	if (statfs(path, &st) != 0)
		return 0;
	return (size_t)st.f_bavail * (size_t)st.f_bsize;
}

off_t
fs_fill_file(int fd, off_t size)
{
	for (size_t step = FILL_STEP; step >= FILL_LEAST;) {
		if (fallocate(fd, 0, size, (off_t)step) == 0)
			size += (off_t)step;
		else
			step /= 2;
	}
	return size;
}

size_t
fs_nfiles(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

bool
fs_remove_files(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;

	if (dir == NULL)
		return false;
	while ((e = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), e->d_name, 0);
	(void)closedir(dir);
	return true;
}
