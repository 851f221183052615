/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_check.c -- every bit of the words of a pool's header, flipped
 */
#include "pool/pool_internal.h"

#include "harness/test.h"

#define POOL_BYTES (14 * MIB)

struct word {
	const char *name;
	size_t off, size;
	bool matters;
};

#define WORD(field, matters)                                                   \
	{                                                                      \
#field, offsetof(struct pool, field),                          \
			sizeof(((struct pool *)0)->field), matters             \
	}

static const struct word words[] = {
	WORD(signature, true),
	WORD(checksum, true),
	WORD(layout, true),
	WORD(kind, true),
	WORD(size, true),
	WORD(uid, true),
	WORD(base, true),
	WORD(hardening, true),
	WORD(nmisuse, false),
	WORD(nreclaim, false),
};

static size_t
nfound(VMEM *vmp, const struct word *w)
{
	unsigned char *p = (unsigned char *)pool_at(vmp) + w->off;
	size_t n = 0;

	for (size_t bit = 0; bit < w->size * 8; bit++) {
		p[bit / 8] ^= (unsigned char)(1u << bit % 8);
		n += vmem_check(vmp) == 0;
		p[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	return n;
}

static void
check__each_word_of_the_header__is_found(void **state)
{
	VMEM *vmp = test_pool(POOL_BYTES);

	(void)state;
	must(vmem_malloc(vmp, 100) != NULL);
	for (size_t i = 0; i < NELEM(words); i++) {
		size_t n = nfound(vmp, &words[i]);

		print_message("  %-10s %3zu of %3zu\n", words[i].name, n,
			words[i].size * 8);
		assert_int_equal(n, words[i].matters ? words[i].size * 8 : 0);
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, POOL_BYTES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check__each_word_of_the_header__is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
