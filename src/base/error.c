/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * error.c -- the thread's last error message
 *
 * The text lives in a page that a thread gets with its first error, so that
 * thread-local storage holds just pointers.  Where there is no memory for a
 * page a text of the error's number has to do.
 */
#include "base/error.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/os.h"

#define ERROR_PAGE ((size_t)4096)
#define ERROR_MAX  ((size_t)1024) /* bytes of a message, the NUL included */

static TLS_INITIAL_EXEC char *error_buf; /* owner thread; NULL: none yet */
static TLS_INITIAL_EXEC const char
	*error_bare; /* owner thread; without a page */
static pthread_key_t error_key;
static int error_key_made;

/* error_drop -- thread exit: give the page back; a later error gets another */
static void
error_drop(void *page)
{
	error_buf = NULL;
	os_unmap(page, ERROR_PAGE);
}

void
error_init(void)
{
	if (!error_key_made && pthread_key_create(&error_key, error_drop) == 0)
		error_key_made = 1;
}

/* error_page -- the thread's text, or NULL where there is no memory at all */
static char *
error_page(void)
{
	if (error_buf == NULL) {
		error_buf = os_map(ERROR_PAGE);
		if (error_buf != NULL && error_key_made)
			(void)pthread_setspecific(error_key, error_buf);
	}
	return error_buf;
}

/* bare_text -- what can be said of an error without memory */
static const char *
bare_text(int err)
{
	const char *text = err == 0 ? NULL : strerrordesc_np(err);
	return text == NULL ? "no memory for a message" : text;
}

const char *
error_text(void)
{
	if (error_buf != NULL)
		return error_buf;
	return error_bare == NULL ? "" : error_bare;
}

/* error_set -- sys: what is put behind the text, or 0 */
static void
error_set(int err, int sys, const char *fmt, va_list ap)
{
	int saved = errno;
	char *text = error_page();
	error_bare = text == NULL ? bare_text(err) : NULL;
	if (text != NULL) {
		/* vsnprintf neither allocates nor locks for our formats */
		(void)vsnprintf(text, ERROR_MAX, fmt, ap);
		if (sys != 0) {
			size_t n = strlen(text);
			(void)snprintf(text + n, ERROR_MAX - n, ": %s",
				strerrordesc_np(sys));
		}
	}
	LOG(1, "%s", error_text());
	errno = saved;
}

/* the names in brackets: the analyzer has macros of these names */
int(fail)(int err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	error_set(err, 0, fmt, ap);
	va_end(ap);
	return -err;
}

int(fail_sys)(int err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	error_set(err, err, fmt, ap);
	va_end(ap);
	return -err;
}
