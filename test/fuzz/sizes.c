/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sizes.c -- numbers with suffixes, as the preload library and the command read
 * them, compared with another reading
 */
#include <errno.h>
#include <string.h>

#include "cli/size.h"
#include "fuzz/kit/fuzz.h"
#include "libvmmalloc/settings.h"

struct reading {
	bool fits;
	size_t value;
	const char *end; /* of the digits and one letter */
};

static struct reading
read_it(const char *text)
{
	static const char letters[] = "KMGTkmgt";
	struct reading r = {false, 0, text + strspn(text, "0123456789")};
	errno = 0;
	r.value = strtoull(text, NULL, 10);
	r.fits = errno == 0 && r.end > text;
	const char *at = *r.end == '\0' ? NULL : strchr(letters, *r.end);
	if (at != NULL) {
		unsigned shift = 10 * (unsigned)((at - letters) % 4 + 1);
		r.fits = r.fits && r.value << shift >> shift == r.value;
		r.value <<= shift;
		r.end++;
	}
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	char *text = input_text(&in);
	const char *end = NULL;
	size_t value = 1;
	struct reading mine = read_it(text);

	bool read = parse_size(text, &end, &value);
	if (read || mine.end > text)
		must(read == mine.fits);
	if (read)
		must(value == mine.value && end == mine.end);

	/* the command's may have "iB", must be all, and fit an object */
	size_t n = strlen(mine.end);
	bool ends = n == 0 ||
		    (n == 2 && strcmp(mine.end, "iB") == 0 && mine.end > text &&
			    strchr("0123456789", mine.end[-1]) == NULL);
	bool whole = strlen(text) == size;
	value = 1;
	read = size_parse(text, size, &value);
	must(read == (whole && ends && mine.fits && mine.value <= PTRDIFF_MAX));
	must(value == (read ? mine.value : 1));
	free(text);
	return 0;
}
