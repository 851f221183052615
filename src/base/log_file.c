/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log_file.c -- the file that an environment variable names for logged text
 */
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/os.h"

#ifdef VMEM_DEBUG
#define MANY_TEXTS true
#else
#define MANY_TEXTS false
#endif

#define PID_DIGITS 16
#define PATH_BYTES 4096

/* what `kept` is while it is no descriptor */
#define KEPT_NONE (-1)
#define KEPT_SOON (-2) /* a thread writes down which file it is */
#define KEPT_LOST (-3) /* the program has closed it: none from now on */

static char path[PATH_BYTES]; /* set once; "": there is none */
static int kept = KEPT_NONE;  /* atomic: a descriptor, or one of these */
static struct stat kept_stat; /* set once, before the descriptor */

bool
log_file_set(const char *name)
{
	size_t n = strlen(name), have = 0;
	/* the system's answer: it takes no memory for it */
	if (name[0] != '/' && syscall(SYS_getcwd, path, sizeof(path)) > 0 &&
		path[0] == '/') {
		have = strlen(path);
		path[have++] = '/';
	}
	if (have + n + PID_DIGITS >= sizeof(path))
		have = 0;
	path[have] = '\0';
	if (have + n + PID_DIGITS >= sizeof(path))
		return false;
	memcpy(path + have, name, n + 1);
	if (name[n - 1] == '-')
		(void)snprintf(
			path + have + n, PID_DIGITS, "%d", (int)getpid());
	return true;
}

/* open_file -- never with the number of a stream: others print into those */
static int
open_file(void)
{
	unsigned held = os_streams_hold();
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		fd = -errno;
	os_streams_let(held);
	return fd;
}

/* is_file -- is the kept descriptor still that of the file? */
static bool
is_file(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_dev == kept_stat.st_dev &&
	       st.st_ino == kept_stat.st_ino;
}

/* keep -- a copy of a descriptor that has just been opened, where one stays */
static void
keep(int fd)
{
	struct stat st;
	int none = KEPT_NONE;
	if (fstat(fd, &st) != 0 || (!MANY_TEXTS && !S_ISFIFO(st.st_mode)))
		return;
	/* acquire: what follows is not begun before; nothing comes with it */
	if (!cas_acquire(&kept, &none, KEPT_SOON))
		return;
	kept_stat = st;
	int copy = os_dup_high(fd);
	/* release: pairs with the acquire in log_file_write() */
	store_release(&kept, copy < 0 ? KEPT_LOST : copy);
}

int
log_file_write(const char *text)
{
	size_t n = strlen(text);
	/* acquire: pairs with the release in keep() */
	int fd = load_acquire(&kept);
	if (fd >= 0 && is_file(fd)) {
		os_write(fd, text, n);
		return 0;
	}
	/* relaxed: who still sees the number looks at it, too */
	if (fd >= 0)
		store_relaxed(&kept, KEPT_LOST);
	if (path[0] == '\0')
		return -ENOENT;
	fd = open_file();
	if (fd < 0)
		return fd;
	keep(fd);
	os_write(fd, text, n);
	(void)close(fd); /* what has been written stays */
	return 0;
}
