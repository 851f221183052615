/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.c -- where printed and logged text goes
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/log_file.h"
#include "base/os.h"

#ifdef VMEM_DEBUG
#define DEBUG_FLAVOUR true
#else
#define DEBUG_FLAVOUR false
#endif

#define LOG_LINE 1024 /* bytes of a trace line */

int log_level;

static const char *log_name = "libvmem";
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
	bool fits = log_file_set(path);
	if (!DEBUG_FLAVOUR)
		return;
	int saved = errno, rc = fits ? log_file_write("") : -ENAMETOOLONG;
	errno = saved;
	if (rc != 0)
		die("%s=%s: %s", var, path, strerrordesc_np(-rc));
}

void
log_keep_stderr(void)
{
	int saved = errno;
	int fd = os_dup_high(STDERR_FILENO);
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
	if (print != NULL)
		print(text);
	else if (log_file_write(text) != 0)
		/* better there than nowhere */
		os_write(stderr_now(), text, strlen(text));
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
