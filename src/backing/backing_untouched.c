/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_untouched.c -- was this memory ever written to?
 *
 * The kernel knows: anonymous private memory of which nothing is in memory or
 * swapped out reads as zero.  It says so in /proc/self/smaps, in a header line
 * for each mapping ("from-to rwxp offset dev inode path") and lines of numbers
 * below ("Rss:   0 kB").  Where a userfaultfd stands in for the kernel, what
 * a first touch finds is not known; VmFlags, the last line, tells that.
 *
 * Source  Linux, Documentation/filesystems/proc.rst.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "backing/backing_internal.h"
#include "base/os.h"

enum { LINE_SIZE = 256, BUFFER_SIZE = 4096, HEXADECIMAL = 16, DECIMAL = 10 };

/* a file, line by line; what is longer than a line here is cut off */
struct lines {
	int fd;
	size_t at; /* in the buffer */
	size_t n;
	char buffer[BUFFER_SIZE];
	char line[LINE_SIZE];
};

static bool
next_char(struct lines *l, char *ret)
{
	if (l->at == l->n) {
		ssize_t n = read(l->fd, l->buffer, sizeof(l->buffer));
		if (n <= 0)
			return false;
		l->n = (size_t)n;
		l->at = 0;
	}
	*ret = l->buffer[l->at++];
	return true;
}

static bool
next_line(struct lines *l)
{
	size_t length = 0;
	char c;
	while (next_char(l, &c)) {
		if (c == '\n') {
			l->line[length] = '\0';
			return true;
		}
		if (length < LINE_SIZE - 1)
			l->line[length++] = c;
	}
	return false;
}

/* number -- at *text, which goes on behind it; base 10 or 16, small letters */
static uint64_t
number(const char **text, unsigned base)
{
	uint64_t value = 0;
	for (;; (*text)++) {
		char c = **text;
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f'
					 ? (unsigned)(c - 'a') + DECIMAL
					 : HEXADECIMAL;
		if (digit >= base)
			return value;
		value = value * base + digit;
	}
}

/* header -- is the line one, and of which addresses? */
static bool
header(const char *line, uintptr_t *ret_from, uintptr_t *ret_to)
{
	const char *at = line;
	uintptr_t from = (uintptr_t)number(&at, HEXADECIMAL);
	if (at == line || *at++ != '-')
		return false;
	*ret_from = from;
	*ret_to = (uintptr_t)number(&at, HEXADECIMAL);
	return *at == ' ';
}

/* is_anonymous -- by its header: private, and of no file */
static bool
is_anonymous(const char *line)
{
	const char *at = strchr(line, ' ');
	/* rwxp offset dev inode */
	if (at == NULL || strlen(at) < sizeof(" rwxp ") - 1 || at[4] != 'p')
		return false;
	for (int i = 0; i < 3 && at != NULL; i++)
		at = strchr(at + 1, ' ');
	if (at == NULL)
		return false;
	at++;
	return number(&at, DECIMAL) == 0;
}

/* is_blank -- does a line below a header not speak against zeroes? */
static bool
is_blank(const char *line)
{
	static const char *const counts[] = {"Rss:", "Swap:"};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		size_t n = strlen(counts[i]);
		const char *at = line + n;
		if (strncmp(line, counts[i], n) != 0)
			continue;
		while (*at == ' ')
			at++;
		return number(&at, DECIMAL) == 0;
	}
	if (strncmp(line, "VmFlags:", sizeof("VmFlags:") - 1) != 0)
		return true;
	return strstr(line, " um") == NULL && strstr(line, " uw") == NULL &&
	       strstr(line, " ui") == NULL;
}

bool
smaps_untouched(int fd, const char *base, size_t size)
{
	struct lines l = {.fd = fd};
	uintptr_t at = (uintptr_t)base; /* up to here it is looked at */
	uintptr_t end = at + size;
	bool inside = false;
	bool told = false; /* the last mapping's flags were seen */
	while (next_line(&l)) {
		uintptr_t from, to;
		if (!header(l.line, &from, &to)) {
			if (inside && !is_blank(l.line))
				return false;
			told |= strncmp(l.line,
					"VmFlags:", sizeof("VmFlags:") - 1) ==
				0;
			continue;
		}
		if (at >= end)
			break;
		inside = to > at;
		if (!inside)
			continue;
		if (from > at || !is_anonymous(l.line))
			return false;
		at = to;
		told = false;
	}
	return inside && at >= end && told;
}

bool
backing_untouched(const char *base, size_t size)
{
	int cancel;
	/* open(2) and read(2) are where a cancelled thread would end */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	unsigned held = os_streams_hold();
	int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	os_streams_let(held);
	bool untouched = fd >= 0 && smaps_untouched(fd, base, size);
	if (fd >= 0)
		(void)close(fd);
	(void)pthread_setcancelstate(cancel, NULL);
	return untouched;
}
