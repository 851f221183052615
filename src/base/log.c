/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.c -- where printed and logged text goes
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/os.h"

#ifdef VMEM_DEBUG
#define DEBUG_FLAVOUR true
#else
#define DEBUG_FLAVOUR false
#endif

#define PID_DIGITS      16
#define STDERR_COPY_LOW 200  /* least number of the copy */
#define LOG_LINE        1024 /* bytes of a trace line */
#define LOG_PATH        4096 /* bytes of a file's name */

int log_level;

static const char *log_name = "libvmem";
static char log_path[LOG_PATH];        /* "" : standard error */
static int log_fd = -1;                /* atomic; opened once, never closed */
static int log_stderr = STDERR_FILENO; /* set once; see log_keep_stderr() */
static struct stat log_stderr_stat;    /* set once: what the copy is of */
static void (*log_print_func)(const char *text); /* atomic */

static const char *const level_names[] = {"0", "1", "2", "3", "4"};

void
log_set_print(void (*print)(const char *text))
{
	/* release: pairs with the acquire in log_print() */
	store_release(&log_print_func, print);
}

/* stderr_now -- the copy of standard error, unless the program has put
 * something else in its place */
static int
stderr_now(void)
{
	struct stat st;
	if (log_stderr == STDERR_FILENO ||
		(fstat(log_stderr, &st) == 0 &&
			st.st_dev == log_stderr_stat.st_dev &&
			st.st_ino == log_stderr_stat.st_ino))
		return log_stderr;
	return STDERR_FILENO;
}

/* log_open -- the log file's descriptor; standard error where there is none */
static int
log_open(void)
{
	/* relaxed: a descriptor carries no memory with it */
	int fd = load_relaxed(&log_fd);
	if (fd >= 0 || log_path[0] == '\0')
		return fd >= 0 ? fd : stderr_now();
	fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	int none = -1;
	if (!cas_acquire(&log_fd, &none, fd)) {
		(void)close(fd);
		fd = none;
	}
	return fd;
}

/*
 * set_path -- of the log file, made absolute where that fits: the program may
 * change to another directory before it is opened
 */
static bool
set_path(const char *path)
{
	size_t n = strlen(path), have = 0;
	/* the system's answer: it takes no memory for it */
	if (path[0] != '/' &&
		syscall(SYS_getcwd, log_path, sizeof(log_path)) > 0 &&
		log_path[0] == '/') {
		have = strlen(log_path);
		log_path[have++] = '/';
	}
	if (have + n + PID_DIGITS >= sizeof(log_path))
		have = 0;
	log_path[have] = '\0';
	if (have + n + PID_DIGITS >= sizeof(log_path))
		return false;
	memcpy(log_path + have, path, n + 1);
	if (path[n - 1] == '-')
		(void)snprintf(
			log_path + have + n, PID_DIGITS, "%d", (int)getpid());
	return true;
}

void
log_init(const char *name, const char *prefix)
{
	char var[64];
	log_name = name;
	die_set_name(name);
	(void)snprintf(var, sizeof(var), "%s_LOG_LEVEL", prefix);
	const char *text = DEBUG_FLAVOUR ? os_getenv(var) : NULL;
	if (text != NULL)
		log_level = (int)strtol(text, NULL, 10);
	(void)snprintf(var, sizeof(var), "%s_LOG_FILE", prefix);
	const char *path = os_getenv(var);
	if (path == NULL || path[0] == '\0')
		return;
	bool fits = set_path(path);
	if (!DEBUG_FLAVOUR)
		return;
	int saved = errno, fd = fits ? log_open() : -ENAMETOOLONG;
	errno = saved;
	if (fd < 0)
		die("%s=%s: %s", var, path, strerrordesc_np(-fd));
}

void
log_keep_stderr(void)
{
	int saved = errno;
	/* a high number: programs count on the low ones */
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_COPY_LOW);
	if (fd >= 0 && fstat(fd, &log_stderr_stat) == 0)
		log_stderr = fd;
	errno = saved;
}

void
log_print(const char *text)
{
	int saved = errno;
	/* who calls may have a pool frozen */
	int cancel = os_cancel_off();
	void (*print)(const char *) = load_acquire(&log_print_func);
	if (print != NULL) {
		print(text);
	} else {
		int fd = log_open();
		size_t n = strlen(text);
		/* better there than nowhere */
		fd = fd < 0 ? stderr_now() : fd;
		while (fd >= 0 && n > 0) {
			ssize_t done = write(fd, text, n);
			if (done < 0 && errno == EINTR)
				continue;
			if (done <= 0)
				break; /* the log is lost, the program lives */
			text += done;
			n -= (size_t)done;
		}
	}
	os_cancel_restore(cancel);
	errno = saved;
}

void
log_emit(int level, const char *file, int line, const char *func,
	const char *fmt, ...)
{
	int saved = errno;
	char text[LOG_LINE];
	const char *slash = strrchr(file, '/');
	int n = snprintf(text, sizeof(text), "<%s>: <%s> [%s:%d %s] ", log_name,
		level_names[level], slash != NULL ? slash + 1 : file, line,
		func);
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	size_t len = strlen(text);
	text[len] = '\n';
	text[len + 1] = '\0';
	log_print(text);
	errno = saved;
}
