/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.c -- the program that is to be run
 */
#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/command.h"

#define DEFAULT_PATH "/bin:/usr/bin" /* as execvp(3) */

/* try -- can this file be run?  0 or the errno */
static int
try(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return eaccess(path, X_OK) == 0 ? 0 : errno;
}

/* search -- look for a name in $PATH; 0 or the errno that tells most */
static int
search(const char *name, char ret_path[PATH_MAX])
{
	const char *list = getenv("PATH");
	int err = ENOENT;

	if (list == NULL)
		list = DEFAULT_PATH;
	for (;;) {
		size_t len = strcspn(list, ":");
		int n = snprintf(ret_path, PATH_MAX, "%.*s/%s",
			len > 0 ? (int)len : 1, len > 0 ? list : ".", name);
		int tried = n < PATH_MAX ? try(ret_path) : ENAMETOOLONG;

		if (tried == 0)
			return 0;
		if (tried == EACCES)
			err = EACCES;
		if (list[len] == '\0')
			return err;
		list += len + 1;
	}
}

/* is_static -- an ELF file of our kind that names no dynamic linker */
static bool
is_static(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ElfW(Ehdr) head;
	ElfW(Phdr) part;
	bool none = false;

	if (fd < 0)
		return false;
	if (pread(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
		memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
		head.e_phentsize == sizeof(part)) {
		none = true;
		for (unsigned i = 0; i < head.e_phnum && none; i++) {
			off_t off = (off_t)(head.e_phoff + i * sizeof(part));

			none = pread(fd, &part, sizeof(part), off) ==
				       (ssize_t)sizeof(part) &&
			       part.p_type != PT_INTERP;
		}
	}
	close(fd);
	return none;
}

/* gains_rights -- set-user-ID or set-group-ID, and not ours already */
static bool
gains_rights(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 &&
	       (((st.st_mode & S_ISUID) && st.st_uid != geteuid()) ||
		       ((st.st_mode & S_ISGID) && st.st_gid != getegid()));
}

/*
 * has_capabilities -- of its own, which the linker heeds unless we are root;
 * those that it only may inherit are none
 */
static bool
has_capabilities(const char *path)
{
	struct vfs_ns_cap_data cap;

	memset(&cap, 0, sizeof(cap));
	return geteuid() != 0 &&
	       getxattr(path, "security.capability", &cap, sizeof(cap)) > 0 &&
	       (cap.data[0].permitted != 0 || cap.data[1].permitted != 0);
}

int
program_find(const char *name, char ret_path[PATH_MAX])
{
	int err;

	if (*name == '\0')
		err = ENOENT;
	else if (strchr(name, '/') == NULL)
		err = search(name, ret_path);
	else if (snprintf(ret_path, PATH_MAX, "%s", name) >= PATH_MAX)
		err = ENAMETOOLONG;
	else
		err = try(name);
	if (err != 0)
		return refuse(err == ENOENT || err == ENOTDIR
				      ? STATUS_NO_PROGRAM
				      : STATUS_NO_EXEC,
			"%s: %s", name, strerror(err));
	if (is_static(ret_path))
		warn_user("%s is linked statically and will not use the pool",
			name);
	else if (gains_rights(ret_path))
		warn_user("%s runs as another user and will not use the pool",
			name);
	else if (has_capabilities(ret_path))
		warn_user(
			"%s has capabilities and will not use the pool", name);
	return 0;
}

int
program_exec(const char *path, char **argv)
{
	(void)execvp(path, argv);
	if (errno == ENOENT)
		return refuse(STATUS_NO_EXEC,
			"%s: the interpreter that it names is not there", path);
	return refuse(STATUS_NO_EXEC, "%s: %s", path, strerror(errno));
}
