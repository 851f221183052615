/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats_figures.c -- the figures of vmem_stats_print(), against a model
 */
#include "harness/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"
#include "harness/printed.h"

#define ARENA_COLUMNS "allocated nmalloc ndalloc nrequests"
#define BIN_COLUMNS                                                            \
	"bin size regs pgs allocated nmalloc ndalloc nrequests nfills "        \
	"nflushes newruns reruns curruns"
#define LARGE_COLUMNS "size pages nmalloc ndalloc nrequests curruns"

struct totals {
	uint64_t allocated, active, mapped;
};

static struct totals
totals_of(VMEM *vmp)
{
	const char *line =
		printed_line(printed_stats(vmp, "gmabl"), "Allocated: ");
	struct totals t;

	assert_non_null(line);
	assert_int_equal(sscanf(line,
				 "Allocated: %" SCNu64 ", active: %" SCNu64
				 ", mapped: %" SCNu64 "\n",
				 &t.allocated, &t.active, &t.mapped),
		3);
	return t;
}

/* the model: what is usable of all live objects */
static uint64_t
usable_sum(const struct objects *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < set->n; i++)
		sum += vmem_malloc_usable_size(set->vmp, set->v[i].ptr);
	return sum;
}

static void
stats_print__totals__are_exact_at_rest(void **state)
{
	VMEM *vmp = test_pool(32 * MIB);
	struct objects set;
	struct totals t = totals_of(vmp);
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	assert_int_equal(t.allocated, 0);
	for (unsigned round = 0; round < 20; round++) {
		objects_churn(&set, &rng, 1000, 40000);
		t = totals_of(vmp);
		assert_int_equal(t.allocated, usable_sum(&set));
		assert_true(t.active >= t.allocated);
		assert_true(t.mapped >= t.active);
		assert_true(t.mapped <= 32 * MIB);
		assert_int_equal(t.active % 4096, 0);
	}
	objects_fini(&set);
	assert_int_equal(totals_of(vmp).allocated, 0);
	test_pool_delete(vmp, 32 * MIB);
}

/* the row of a table whose column `at` holds `size`; it must be there */
static void
row_of_size(const char *table, size_t at, uint64_t size, uint64_t *row,
	size_t ncolumns)
{
	for (const char *line = table; line != NULL && *line != '\0';
		line = printed_next_line(line)) {
		if (printed_numbers(line, row, ncolumns) != ncolumns)
			continue;
		if (row[at] == size)
			return;
	}
	print_error("no row for size %" PRIu64 "\n", size);
	fail();
}

/* columns of the bins table */
enum {
	BIN,
	SIZE,
	REGS,
	PGS,
	ALLOCATED,
	NMALLOC,
	NDALLOC,
	NREQUESTS,
	NFILLS,
	NFLUSHES,
	NEWRUNS,
	RERUNS,
	CURRUNS,
	NBIN_COLUMNS
};

static void
stats_print__bins__count_every_call_exactly(void **state)
{
	static const size_t sizes[] = {1, 16, 50, 100, 777, 3000, 4096};

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		VMEM *vmp = test_pool(VMEM_MIN_POOL);
		struct objects set;
		struct rng rng;
		uint64_t row[NBIN_COLUMNS];
		size_t nadded = 0, usable;
		const char *table;

		rng_init_from(&rng, i);
		objects_init(&set, vmp);
		for (unsigned step = 0; step < 1500; step++) {
			nadded += objects_add(&set, sizes[i]);
			if (rng_between(&rng, 0, 2) == 0)
				objects_drop(
					&set, rng_between(&rng, 0, set.n - 1));
		}
		usable = vmem_malloc_usable_size(vmp, set.v[0].ptr);
		table = printed_table(printed_stats(vmp, NULL), BIN_COLUMNS);
		assert_non_null(table);
		row_of_size(table, SIZE, usable, row, NBIN_COLUMNS);
		assert_int_equal(row[ALLOCATED], set.n * usable);
		assert_int_equal(row[NMALLOC], nadded);
		assert_int_equal(row[NDALLOC], nadded - set.n);
		assert_int_equal(row[NREQUESTS], nadded);
		assert_true(row[CURRUNS] > 0);
		assert_true(row[NEWRUNS] >= row[CURRUNS]);
		assert_true(row[REGS] > 0 && row[PGS] > 0);
		assert_true(row[REGS] * usable <= row[PGS] * 4096);
		objects_fini(&set);
		test_pool_delete(vmp, VMEM_MIN_POOL);
	}
}

/* columns of the table of large sizes, whose rows may stand for a range */
enum {
	L_SIZE,
	L_PAGES,
	L_NMALLOC,
	L_NDALLOC,
	L_NREQUESTS,
	L_CURRUNS,
	NLARGE_COLUMNS
};

/* sum_of_large -- the sums of the columns over the rows; how many there are */
static size_t
sum_of_large(const char *table, uint64_t *sums)
{
	uint64_t row[NLARGE_COLUMNS];
	size_t nrows = 0;

	memset(sums, 0, sizeof(row));
	for (; table != NULL && *table != '\0';
		table = printed_next_line(table)) {
		if (printed_numbers(table, row, NLARGE_COLUMNS) !=
			NLARGE_COLUMNS)
			break;
		for (size_t i = 0; i < NLARGE_COLUMNS; i++)
			sums[i] += row[i];
		nrows++;
	}
	return nrows;
}

static void
stats_print__large_sizes__count_every_call_exactly(void **state)
{
	VMEM *vmp = test_pool(32 * MIB);
	uint64_t sums[NLARGE_COLUMNS];
	void *ptr[20];
	const char *table;

	(void)state;
	for (size_t i = 0; i < NELEM(ptr); i++) {
		ptr[i] = vmem_malloc(vmp, 100 * KIB);
		assert_non_null(ptr[i]);
	}
	for (size_t i = 0; i < 7; i++)
		vmem_free(vmp, ptr[i]);
	table = printed_table(printed_stats(vmp, NULL), LARGE_COLUMNS);
	assert_non_null(table);
	assert_int_equal(sum_of_large(table, sums), 1);
	assert_in_range(
		sums[L_SIZE], vmem_malloc_usable_size(vmp, ptr[10]), 200 * KIB);
	assert_int_equal(sums[L_PAGES], sums[L_SIZE] / 4096);
	assert_int_equal(sums[L_NMALLOC], NELEM(ptr));
	assert_int_equal(sums[L_NDALLOC], 7);
	assert_int_equal(sums[L_NREQUESTS], NELEM(ptr));
	assert_int_equal(sums[L_CURRUNS], NELEM(ptr) - 7);

	/* a row for each size that is far from the others */
	assert_non_null(vmem_malloc(vmp, MIB));
	assert_non_null(vmem_malloc(vmp, 5 * MIB));
	table = printed_table(printed_stats(vmp, NULL), LARGE_COLUMNS);
	assert_int_equal(sum_of_large(table, sums), 3);
	assert_int_equal(sums[L_NMALLOC], NELEM(ptr) + 2);
	test_pool_delete(vmp, 32 * MIB);
}

/* the total row of the arena tables: all sizes, all threads, ended ones too */
static void *
churn_in_thread(void *arg)
{
	struct objects *set = arg;

	for (size_t i = 0; i < 3000; i++)
		must(objects_add(set, i % 9000));
	while (set->n > 1000)
		objects_drop(set, 0);
	return NULL;
}

static void
stats_print__total_row__counts_all_threads_exactly(void **state)
{
	VMEM *vmp = test_pool(64 * MIB);
	struct objects set[4];
	pthread_t threads[NELEM(set)];
	uint64_t row[4], allocated = 0;
	const char *text;

	(void)state;
	for (size_t i = 0; i < NELEM(set); i++) {
		objects_init(&set[i], vmp);
		assert_int_equal(pthread_create(&threads[i], NULL,
					 churn_in_thread, &set[i]),
			0);
	}
	for (size_t i = 0; i < NELEM(set); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		allocated += usable_sum(&set[i]);
	}
	text = printed_stats(vmp, "ga");
	text = printed_table(text, ARENA_COLUMNS);
	assert_non_null(text);
	text = printed_line(text, "total:");
	assert_non_null(text);
	assert_int_equal(printed_numbers(text, row, 4), 4);
	assert_int_equal(row[0], allocated);
	assert_int_equal(row[1], 4 * 3000);
	assert_int_equal(row[2], 4 * 2000);
	assert_int_equal(row[3], 4 * 3000);
	for (size_t i = 0; i < NELEM(set); i++)
		objects_fini(&set[i]);
	test_pool_delete(vmp, 64 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stats_print__totals__are_exact_at_rest),
		cmocka_unit_test(stats_print__bins__count_every_call_exactly),
		cmocka_unit_test(
			stats_print__large_sizes__count_every_call_exactly),
		cmocka_unit_test(
			stats_print__total_row__counts_all_threads_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
