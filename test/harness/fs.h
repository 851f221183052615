/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fs.h -- real file systems for tests, mounted where the machine can
 *
 *	struct fs fs;
 *
 *	fs_mount_or_skip(&fs, FS_EXT4, 64);
 *	vmp = vmem_create(fs.path, VMEM_MIN_POOL);
 *	...
 *	fs_unmount(&fs);
 *
 * The first mount moves the calling thread to a mount namespace of its own, so
 * nothing of it is seen outside and nothing stays mounted when the test dies.
 * Mount before starting threads; forked children see the mounts.  Images of
 * ext4, xfs and btrfs are sparse unnamed files behind loop devices that detach
 * themselves.  What is still mounted at exit() is cleaned up, so a failed
 * assertion leaves nothing.  Not thread-safe.
 */
#ifndef HARNESS_FS_H
#define HARNESS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum fs_kind {
	FS_TMPFS,
	FS_TMPFS_HUGE, /* in transparent huge pages */
	FS_RAMFS,      /* has no fallocate(2) and no limit */
	FS_EXT4,
	FS_XFS,   /* at least 300 MiB: smaller wishes are raised */
	FS_BTRFS, /* at least 128 MiB: smaller wishes are raised */
	FS_HUGETLBFS,
	FS_VFAT,
	FS_OVERLAY,  /* over a tmpfs */
	FS_EXT4_DAX, /* without page cache; on the device VMEM_TEST_BLOCK */
	FS_XFS_DAX,
	FS_NKINDS
};

struct fs {
	char path[64];    /* where it is mounted; "" when it is not */
	const char *skip; /* why it is not mounted, a sentence; or NULL */
	enum fs_kind kind;
	size_t nhuge_pages; /* that were added to the system's pool */
};

/* fs_name -- "ext4" and so on, as mount(2) has it */
const char *fs_name(enum fs_kind kind);

/*
 * fs_mount -- make and mount a fresh file system of about this size
 * Returns its path, which is ret->path; NULL with ret->skip set where this
 * machine cannot, and then nothing is left behind.
 */
const char *fs_mount(struct fs *ret, enum fs_kind kind, size_t size_mib);

/*
 * fs_unmount -- undo fs_mount(); nothing to do when it was not mounted
 * Returns false when the file system is still in use; it is then detached, and
 * gone with its last user.
 */
bool fs_unmount(struct fs *fs);

/* fs_free_bytes -- bytes that anyone may still use on a path's file system */
size_t fs_free_bytes(const char *path);

/*
 * fs_fill_file -- let a file of that size grow until its file system is full;
 * how large it is then
 */
off_t fs_fill_file(int fd, off_t size);

/* fs_nfiles -- entries of a directory but "." and ".." */
size_t fs_nfiles(const char *path);

/* fs_remove_files -- all that can be; false: it is no directory to be read */
bool fs_remove_files(const char *path);

/* fs_mount_or_skip -- fs_mount(), or end the cmocka test and say why */
#define fs_mount_or_skip(fs, kind, size_mib)                                   \
	do {                                                                   \
		if (fs_mount((fs), (kind), (size_mib)) == NULL) {              \
			print_message(                                         \
				"skip: %s: %s\n", fs_name(kind), (fs)->skip);  \
			skip();                                                \
		}                                                              \
	} while (0)

/*
 * on_fs -- an entry of a cmocka table: the test for one kind of file system
 *
 *	on_fs(FS_XFS, create__full__says_enospc),
 *
 * The test learns the kind by fs_kind_of(state).
 */
#define on_fs(kind, test)                                                      \
	{                                                                      \
		(#test " (" #kind ")"), (test), NULL, NULL,                    \
			fs_kind_state(kind)                                    \
	}

/* fs_kind_of, fs_kind_state -- a kind as a test's initial state, and back */
#define fs_kind_of(state)   (*(const enum fs_kind *)*(state))
#define fs_kind_state(kind) (&fs_kinds[(kind)])
extern enum fs_kind fs_kinds[FS_NKINDS]; /* the number itself; constant */

#endif
