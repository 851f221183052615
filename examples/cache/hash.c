/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"

#include <string.h>

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* mix -- so many rounds over the four words of the state */
static void
mix(uint64_t v[4], unsigned nrounds)
{
	while (nrounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void
absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v, 2);
	v[0] ^= word;
}

uint64_t
hash_bytes(const uint64_t secret[2], const void *data, size_t size)
{
	/* the initial state is the ASCII text
	 * "somepseudorandomlygeneratedbytes"
	 */
	uint64_t v[4] = {secret[0] ^ 0x736f6d6570736575,
		secret[1] ^ 0x646f72616e646f6d, secret[0] ^ 0x6c7967656e657261,
		secret[1] ^ 0x7465646279746573};
	const unsigned char *at = data;
	uint64_t word, last = (uint64_t)size << 56;

	for (; size >= sizeof(word); size -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		absorb(v, word);
		at += sizeof(word);
	}
	for (size_t i = 0; i < size; i++)
		last |= (uint64_t)at[i] << 8 * i;
	absorb(v, last);
	v[2] ^= 0xff;
	mix(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
