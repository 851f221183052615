/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reader.c -- the reader of other processes' pools on damaged memory
 *
 * Each 12 bytes of the input are a change of one word of an image: in which
 * piece of it, where, and what comes there.
 */
#include <string.h>

#include "fuzz/kit/fuzz.h"
#include "inspect/image.h"

#define CHANGES 64u
#define PAGE    4096u

struct change {
	char *at;
	uint64_t old;
};

/* metadata -- bytes of a pool's piece that hold no objects, mostly */
static size_t
metadata(const struct piece *p)
{
	return p->size == POOL_SIZE ? 3 * PAGE + POOL_SIZE / 1024 + 64 * PAGE
				    : p->size;
}

static struct change
make_change(struct input *in)
{
	const struct piece *p = &pieces[input_u8(in) % npieces];
	uint8_t how = input_u8(in);
	size_t off = input_number(in, 3) * sizeof(uint64_t);
	uint64_t value = input_number(in, 7), word;
	struct change c;
	c.at = p->bytes + off % metadata(p) / sizeof(word) * sizeof(word);
	memcpy(&c.old, c.at, sizeof(c.old));
	word = c.old;
	switch (how % 5) {
	case 0:
		word ^= UINT64_C(1) << value % 64;
		break;
	case 1:
		word = value << how % 9;
		break;
	case 2:
		word += value % 129 - 64;
		break;
	case 3:
		word = POOL_PLACE + value % POOL_SIZE;
		break;
	default:
		memcpy(&word, pieces[value % npieces].bytes, sizeof(word));
		break;
	}
	memcpy(c.at, &word, sizeof(word));
	return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool made;
	struct input in = {data, data + size};
	struct change changes[CHANGES];
	unsigned n = 0;

	vmem_set_funcs(NULL, NULL, NULL, NULL, count_printed);
	if (!made) {
		make_pool(1);
		take_image();
		must(look_at_all());
		made = true;
	}
	while (n < CHANGES && in.at < in.end)
		changes[n++] = make_change(&in);
	(void)look_at_all();
	while (n-- > 0)
		memcpy(changes[n].at, &changes[n].old, sizeof(changes[n].old));
	return 0;
}
