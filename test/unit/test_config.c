/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/config.h"

#include "harness/test.h"

const char *error_text(void); /* base/error.h has a fail() as cmocka has */

#include <stdlib.h>

static struct config
parse(const char *text)
{
	struct config c = {
		.hardening = CONFIG_DEFAULT_HARDENING, .decay_ms = 77};

	config_parse(&c, text);
	return c;
}

static int
read_level(void)
{
	struct config c = {.hardening = CONFIG_DEFAULT_HARDENING};

	config_read(&c);
	return c.hardening;
}

static void
parse__texts_of_all_sorts__gives_the_level(void **state)
{
	static const struct {
		const char *text;
		int hardening;
	} rows[] = {
		{NULL, CONFIG_DEFAULT_HARDENING},
		{"", CONFIG_DEFAULT_HARDENING},
		{"hardening=0", 0},
		{"hardening=1", 1},
		{"hardening=2", 2},
		{"hardening=02", 2},
		/* out of range, or no number */
		{"hardening=3", 3},
		{"hardening=4", CONFIG_DEFAULT_HARDENING},
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
		int found = parse(rows[i].text).hardening;

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
		struct config c;

		must(text != NULL);
		for (size_t k = 0; k < n; k++)
			text[k] = letters[rng_between(
				&rng, 0, sizeof(letters) - 2)];
		text[n] = '\0';
		c = parse(text);
		must(c.hardening >= 0 && c.hardening <= CONFIG_MAX_HARDENING);
		must(c.decay_ms == 77);
		free(text);
	}
}

static void
parse__each_setting__is_set_within_its_range(void **state)
{
	struct config c =
		parse("decay=-1,sparse=1,prefault=1,huge=1,readahead=1");

	(void)state;
	assert_int_equal(c.decay_ms, -1);
	assert_true(c.sparse == 1 && c.prefault == 1 && c.huge == 1);
	assert_int_equal(c.readahead, 1);
	c = parse("sparse=1,sparse=0,decay=2147483647");
	assert_int_equal(c.sparse, 0);
	assert_int_equal(c.decay_ms, 2147483647);
	c = parse("decay=-2,decay=2147483648,decay=-,decay=1-,sparse=2");
	assert_int_equal(c.decay_ms, 77);
	assert_int_equal(c.sparse, 0);
}

static void
parse__not_understood__is_named_in_the_message(void **state)
{
	(void)state;
	(void)parse("sparse=1,deacy=10,hardening=2");
	assert_string_equal(error_text(), "VMEM_OPTIONS: \"deacy=10\" ignored");
}

static void
read__variable_set_and_not_set__gives_it_or_the_default(void **state)
{
	(void)state;
	assert_int_equal(setenv("VMEM_OPTIONS", "hardening=2", 1), 0);
	assert_int_equal(read_level(), 2);
	assert_int_equal(setenv("VMEM_OPTIONS", "hardening=0", 1), 0);
	assert_int_equal(read_level(), 0);
	assert_int_equal(unsetenv("VMEM_OPTIONS"), 0);
	assert_int_equal(read_level(), CONFIG_DEFAULT_HARDENING);
}

static struct config_guard
guard(const char *text)
{
	struct config_guard c;
	if (text == NULL)
		assert_int_equal(unsetenv("VMEM_GUARD"), 0);
	else
		assert_int_equal(setenv("VMEM_GUARD", text, 1), 0);
	config_read_guard(&c);
	return c;
}

static void
read_guard__texts__give_what_they_say(void **state)
{
	(void)state;
	struct config_guard c = guard(NULL);
	assert_true(c.off == 0 && c.stacks == 1 && c.leaks == 0);
	assert_int_equal(c.exitcode, 0);
	c = guard("0");
	assert_int_equal(c.off, 1);
	c = guard("1");
	assert_int_equal(c.off, 0);
	c = guard("stacks=0,leaks=1,exitcode=255");
	assert_true(c.off == 0 && c.stacks == 0 && c.leaks == 1);
	assert_int_equal(c.exitcode, 255);
	assert_int_equal(c.quarantine, -1);
	c = guard("quarantine=12");
	assert_int_equal(c.quarantine, 12);
	c = guard("exitcode=256");
	assert_int_equal(c.exitcode, 0);
	assert_string_equal(
		error_text(), "VMEM_GUARD: \"exitcode=256\" ignored");
	(void)guard(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse__texts_of_all_sorts__gives_the_level),
		cmocka_unit_test(
			parse__random_texts__gives_a_level_that_there_is),
		cmocka_unit_test(parse__each_setting__is_set_within_its_range),
		cmocka_unit_test(
			parse__not_understood__is_named_in_the_message),
		cmocka_unit_test(
			read__variable_set_and_not_set__gives_it_or_the_default),
		cmocka_unit_test(read_guard__texts__give_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
