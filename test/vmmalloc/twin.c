/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * twin.c MIB LIMIT -- how much of a pool with so much in use a fork copies
 *
 * In the child: blocks of the pool's file if it is one of its own, and bytes of
 * the mapping that are the process's alone.  Each is at most LIMIT MiB; both
 * are printed, with what the fork took.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "check.h"

#define MIB ((size_t)1 << 20)

/* mapping -- inode and private memory of what the address lies in */
static void
mapping(const void *address, unsigned long *ret_inode, size_t *ret_anonymous)
{
	static char line[8192];
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long from, to, inode;
	size_t kib;
	int inside = 0;

	CHECK(f != NULL);
	*ret_anonymous = SIZE_MAX;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx %*s %*x %*s %lu", &from, &to,
			    &inode) == 3) {
			inside = (uintptr_t)address >= from &&
				 (uintptr_t)address < to;
			if (inside)
				*ret_inode = inode;
		} else if (inside &&
			   sscanf(line, "Anonymous: %zu kB", &kib) == 1) {
			*ret_anonymous = kib * 1024;
		}
	}
	CHECK(fclose(f) == 0 && *ret_anonymous != SIZE_MAX);
}

/* blocks -- bytes on disk of the open file with this inode, 0 when none */
static size_t
blocks(unsigned long inode)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	size_t n = 0;

	CHECK(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		struct stat st;

		if (fstat(atoi(entry->d_name), &st) == 0 && inode != 0 &&
			st.st_ino == inode)
			n = (size_t)st.st_blocks * 512;
	}
	CHECK(closedir(dir) == 0);
	return n;
}

/* measure -- in the child; the exit status is the result */
static _Noreturn void
measure(const char *p, size_t size, size_t limit, unsigned long parents)
{
	size_t anonymous, file;
	unsigned long inode = 0;

	CHECK(p[0] == 1 && p[size - 1] == 1 && p[size / 2] == 1);
	mapping(p, &inode, &anonymous);
	file = inode == parents ? 0 : blocks(inode);
	/* a file of its own, or a mapping that is private by now */
	printf("%s: %zu MiB in its file, %zu MiB in private memory\n",
		inode == parents ? "copy-on-write" : "copied", file / MIB,
		anonymous / MIB);
	CHECK(file <= limit && anonymous <= limit);
	CHECK(inode == parents || file + anonymous >= size);
	exit(0);
}

int
main(int argc, char *argv[])
{
	size_t size = argc == 3 ? (size_t)atol(argv[1]) * MIB : 0;
	size_t limit = argc == 3 ? (size_t)atol(argv[2]) * MIB : 0;
	char *p = malloc(size + 1);
	struct timespec from, to;
	unsigned long inode = 0;
	size_t anonymous;
	pid_t pid;

	CHECK(size > 0 && p != NULL);
	memset(p, 1, size);
	mapping(p, &inode, &anonymous);
	for (int i = 0; i < 2; i++) {
		(void)clock_gettime(CLOCK_MONOTONIC, &from);
		pid = fork();
		if (pid == 0)
			measure(p, size, limit, inode);
		(void)clock_gettime(CLOCK_MONOTONIC, &to);
		CHECK_CHILD(pid);
		printf("fork: %ld ms\n",
			(to.tv_sec - from.tv_sec) * 1000 +
				(to.tv_nsec - from.tv_nsec) / 1000000);
		(void)fflush(stdout);
	}
	free(p);
	return 0;
}
