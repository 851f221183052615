/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sink.c -- bytes on their way to a file, plain or in a gzip wrapping
 */
#include "profile/sink.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"

#define CRC_POLYNOMIAL 0xedb88320u
#define TEXT_MOST      1024

static void
write_all(struct sink *s, const void *bytes, size_t n)
{
	const char *p = bytes;
	while (n > 0 && s->err == 0) {
		long done = os_write_some(s->fd, p, n);
		if (done < 0 && done != -EINTR)
			s->err = (int)done;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
}

static void
little_endian(unsigned char *to, uint32_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

/* block -- what is in the buffer, as a stored block */
static void
block(struct sink *s, bool last)
{
	unsigned char head[5] = {last};
	little_endian(head + 1, (uint32_t)s->n, 2);
	little_endian(head + 3, ~(uint32_t)s->n, 2);
	write_all(s, head, sizeof(head));
	write_all(s, s->buffer, s->n);
	s->n = 0;
}

static void
flush(struct sink *s)
{
	if (s->gzip) {
		block(s, false);
		return;
	}
	write_all(s, s->buffer, s->n);
	s->n = 0;
}

void
sink_open(struct sink *s, int fd, bool gzip)
{
	/* deflate, no flags, no time, no hint, Unix */
	static const unsigned char head[] = {
		0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	memset(s, 0, offsetof(struct sink, buffer));
	s->fd = fd;
	s->gzip = gzip;
	s->crc = ~UINT32_C(0);
	if (gzip)
		write_all(s, head, sizeof(head));
}

static uint32_t
crc_of(uint32_t crc, const unsigned char *p, size_t n)
{
	while (n-- > 0) {
		crc ^= *p++;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
	}
	return crc;
}

void
sink_put(struct sink *s, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	if (s->gzip)
		s->crc = crc_of(s->crc, p, n);
	s->bytes += (uint32_t)n;
	while (n > 0) {
		size_t some = SINK_BYTES - s->n;
		some = some < n ? some : n;
		memcpy(s->buffer + s->n, p, some);
		s->n += some;
		p += some;
		n -= some;
		if (s->n == SINK_BYTES)
			flush(s);
	}
}

void
sink_print(struct sink *s, const char *fmt, ...)
{
	char text[TEXT_MOST];
	va_list ap;
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) it is not */
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		sink_put(s, text,
			(size_t)n < sizeof(text) ? (size_t)n
						 : sizeof(text) - 1);
}

int
sink_close(struct sink *s)
{
	unsigned char tail[8];
	if (s->gzip) {
		block(s, true);
		little_endian(tail, ~s->crc, 4);
		little_endian(tail + 4, s->bytes, 4);
		write_all(s, tail, sizeof(tail));
	} else {
		flush(s);
	}
	return s->err;
}
