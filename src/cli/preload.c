/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * preload.c -- the preload library, and the dynamic linker's list of them
 *
 * Source  ld.so(8).
 */
#include "cli/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/place.h"

#define VARIABLE   "LD_PRELOAD"
#define LIBRARY    "libvmmalloc.so.1"
#define UNWINDER   "libgcc_s.so.1"
#define CACHE      "/etc/ld.so.cache"
#define SEPARATORS ": \t\n" /* of LD_PRELOAD */

/* join -- DIR/LIBRARY, when that is a file that can be read */
static bool
join(const char *dir, size_t dir_len, char ret_path[PATH_MAX])
{
	int n = snprintf(
		ret_path, PATH_MAX, "%.*s/" LIBRARY, (int)dir_len, dir);

	return n > 0 && n < PATH_MAX && access(ret_path, R_OK) == 0;
}

/* find_by_variable -- in LD_LIBRARY_PATH */
static bool
find_by_variable(char ret_path[PATH_MAX])
{
	const char *list = getenv("LD_LIBRARY_PATH");

	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, ":;");

		if (len > 0 && join(list, len, ret_path))
			return true;
		list += len;
		list += *list != '\0';
	}
	return false;
}

/* find_beside -- as installed, or as built: bin/ and lib/ in one folder */
static bool
find_beside(char ret_path[PATH_MAX])
{
	static const char *const from_bin[] = {VMEM_LIBDIR, "../lib"};
	char dir[PATH_MAX], self[PATH_MAX], real[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return false;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(from_bin) / sizeof(from_bin[0]); i++) {
		n = snprintf(dir, sizeof(dir), "%s/%s", self, from_bin[i]);
		if (n < 0 || (size_t)n >= sizeof(dir))
			continue;
		if (realpath(dir, real) != NULL &&
			join(real, strlen(real), ret_path))
			return true;
	}
	return false;
}

/* is_in_cache -- whether the dynamic linker's cache has the bare name */
static bool
is_in_cache(void)
{
	int fd = open(CACHE, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool found = false;
	void *bytes;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		size_t size = (size_t)st.st_size;

		bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes != MAP_FAILED) {
			found = memmem(bytes, size, LIBRARY, sizeof(LIBRARY)) !=
				NULL;
			(void)munmap(bytes, size);
		}
	}
	close(fd);
	return found;
}

/* find -- what to write into LD_PRELOAD */
static int
find(char ret_path[PATH_MAX])
{
	char path[PATH_MAX];
	int status;

	if (find_by_variable(path) || find_beside(path)) {
		status = place_absolute("", path, ret_path);
		if (status == 0 && ret_path[strcspn(ret_path, SEPARATORS)])
			return refuse(STATUS_FAILED,
				"%s: a path with a blank or a colon cannot be "
				"preloaded",
				ret_path);
		return status;
	}
	if (!is_in_cache())
		return refuse(STATUS_FAILED, LIBRARY " is not installed");
	(void)snprintf(ret_path, PATH_MAX, LIBRARY);
	return 0;
}

int
preload_set(void)
{
	const char *old = getenv(VARIABLE);
	char path[PATH_MAX];
	char *list;
	int status = find(path);

	if (status != 0)
		return status;
	if (old == NULL || *old == '\0')
		status = setenv(VARIABLE, path, 1);
	else if (strncmp(old, path, strlen(path)) == 0 &&
		 strcspn(old, SEPARATORS) == strlen(path))
		return 0; /* we were run by ourselves */
	else if (asprintf(&list, "%s:%s", path, old) < 0)
		status = -1;
	else {
		status = setenv(VARIABLE, list, 1);
		free(list);
	}
	if (status != 0)
		return refuse(STATUS_FAILED, VARIABLE ": %s", strerror(errno));
	return 0;
}

int
preload_unwinder(void)
{
	const char *old = getenv(VARIABLE);
	char *list;
	int rc;

	if (old != NULL && strstr(old, UNWINDER) != NULL)
		return 0; /* we were run by ourselves */
	if (asprintf(&list, "%s:%s", old == NULL ? "" : old, UNWINDER) < 0)
		return refuse(STATUS_FAILED, VARIABLE ": no memory");
	rc = setenv(VARIABLE, list, 1);
	free(list);
	if (rc != 0)
		return refuse(STATUS_FAILED, VARIABLE ": %s", strerror(errno));
	return 0;
}
