/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/config.h"

#include "harness/test.h"

#include <stdlib.h>

static void
parse__texts_of_all_sorts__gives_the_level(void **state)
{
	static const struct {
		const char *text;
		unsigned hardening;
	} rows[] = {
		{NULL, CONFIG_DEFAULT_HARDENING},
		{"", CONFIG_DEFAULT_HARDENING},
		{"hardening=0", 0},
		{"hardening=1", 1},
		{"hardening=2", 2},
		{"hardening=02", 2},
		/* out of range, or no number */
		{"hardening=3", CONFIG_DEFAULT_HARDENING},
		{"hardening=20", CONFIG_DEFAULT_HARDENING},
		{"hardening=4294967296", CONFIG_DEFAULT_HARDENING},
		{"hardening=18446744073709551616", CONFIG_DEFAULT_HARDENING},
		{"hardening=99999999999999999999999", CONFIG_DEFAULT_HARDENING},
		{"hardening=-1", CONFIG_DEFAULT_HARDENING},
		{"hardening=", CONFIG_DEFAULT_HARDENING},
		{"hardening", CONFIG_DEFAULT_HARDENING},
		{"hardening=two", CONFIG_DEFAULT_HARDENING},
		{"hardening=2 ", CONFIG_DEFAULT_HARDENING},
		{"hardening= 2", CONFIG_DEFAULT_HARDENING},
		{"hardening=0x2", CONFIG_DEFAULT_HARDENING},
		/* other names */
		{"softening=2", CONFIG_DEFAULT_HARDENING},
		{"hardening2=2", CONFIG_DEFAULT_HARDENING},
		{"xhardening=2", CONFIG_DEFAULT_HARDENING},
		{"HARDENING=2", CONFIG_DEFAULT_HARDENING},
		/* lists */
		{"other=1,hardening=2", 2},
		{"hardening=2,other=1", 2},
		{",,hardening=2,,", 2},
		{"hardening=0,hardening=2", 2},
		{"hardening=2,hardening=9", 2},
		{"hardening=2,hardening=", 2},
		{"hardening=2;other", CONFIG_DEFAULT_HARDENING},
		{",", CONFIG_DEFAULT_HARDENING},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		unsigned found = config_parse(rows[i].text).hardening;

		if (found != rows[i].hardening)
			print_error("for \"%s\"\n", rows[i].text);
		assert_int_equal(found, rows[i].hardening);
	}
}

/* whatever the text: a level that there is, and no byte behind the end */
static void
parse__random_texts__gives_a_level_that_there_is(void **state)
{
	static const char letters[] = "hardening=0123,=,= x";
	struct rng rng;

	(void)state;
	rng_init(&rng, "config");
	for (int i = 0; i < 20000; i++) {
		size_t n = rng_between(&rng, 0, 40);
		char *text = malloc(n + 1);

		must(text != NULL);
		for (size_t k = 0; k < n; k++)
			text[k] = letters[rng_between(
				&rng, 0, sizeof(letters) - 2)];
		text[n] = '\0';
		must(config_parse(text).hardening <= CONFIG_MAX_HARDENING);
		free(text);
	}
}

static void
read__variable_set_and_not_set__gives_it_or_the_default(void **state)
{
	(void)state;
	assert_int_equal(setenv("VMEM_OPTIONS", "hardening=2", 1), 0);
	assert_int_equal(config_read().hardening, 2);
	assert_int_equal(setenv("VMEM_OPTIONS", "hardening=0", 1), 0);
	assert_int_equal(config_read().hardening, 0);
	assert_int_equal(unsetenv("VMEM_OPTIONS"), 0);
	assert_int_equal(config_read().hardening, CONFIG_DEFAULT_HARDENING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse__texts_of_all_sorts__gives_the_level),
		cmocka_unit_test(
			parse__random_texts__gives_a_level_that_there_is),
		cmocka_unit_test(
			read__variable_set_and_not_set__gives_it_or_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
