/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash.h -- SipHash-2-4, a hash that needs a secret
 *
 * Keys come from strangers: with a hash that they can compute they would send
 * keys that all meet in one chain of the table.
 *
 * Source  J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input
 *         PRF", 2012.
 */
#ifndef CACHE_HASH_H
#define CACHE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const uint64_t secret[2], const void *data, size_t size);

#endif /* CACHE_HASH_H */
