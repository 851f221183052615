/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_registry.c -- against a list; no pool is there, only addresses
 */
#include "pool/registry.h"

#include "harness/test.h"
#include "run/run.h"

#include <stdlib.h>
#include <string.h>

#define MOST 10000

/* the list, in the order of creation */
struct known {
	uintptr_t base;
	size_t size;
	uint64_t uid;
	bool overlapped;
};

static struct known list[MOST];
static size_t nlist;
static uint64_t last_uid;

static struct record
record_of(uintptr_t base, size_t size)
{
	struct record rec = {
		.backing = {.base = (char *)base,
			.size = size,
			.granule = RUN_PAGE,
			.kind = BACKING_REGION},
		.uid = ++last_uid,
	};

	return rec;
}

static bool
overlap(const struct known *a, const struct known *b)
{
	return a->base < b->base + b->size && b->base < a->base + a->size;
}

static void
mark(const struct known *with)
{
	for (size_t i = 0; i < nlist; i++)
		if (&list[i] != with && overlap(&list[i], with))
			list[i].overlapped = true;
}

static void
add(uintptr_t base, size_t size)
{
	struct record rec = record_of(base, size);
	struct known fresh = {base, size, rec.uid, false};

	mark(&fresh);
	list[nlist++] = fresh;
	must(registry_add(&rec) == 0);
}

static const struct known *
known_of(uint64_t uid)
{
	for (size_t i = 0; i < nlist; i++)
		if (list[i].uid == uid)
			return &list[i];
	return NULL;
}

/* find -- the newest of the list with that base */
static const struct known *
find(uintptr_t base)
{
	for (size_t i = nlist; i-- > 0;)
		if (list[i].base == base)
			return &list[i];
	return NULL;
}

static void
drop(uintptr_t base)
{
	struct record *rec = registry_find((void *)base);
	size_t at = (size_t)(find(base) - list);
	struct known gone = list[at];

	must(rec != NULL && rec->uid == gone.uid);
	registry_remove(rec);
	memmove(&list[at], &list[at + 1], (--nlist - at) * sizeof(list[0]));
	mark(&gone);
}

/* compare_one -- what the registry says of one address */
static void
compare_one(uintptr_t at)
{
	const struct record *rec = registry_find((void *)at);
	const struct known *k = find(at);
	size_t nowners = 0;

	must((rec == NULL) == (k == NULL));
	must(rec == NULL || rec->uid == k->uid);
	rec = registry_owner((void *)at);
	for (size_t i = 0; i < nlist; i++)
		nowners += at - list[i].base < list[i].size;
	must((rec != NULL) == (nowners > 0));
	if (rec != NULL) {
		k = known_of(rec->uid);
		must(at - k->base < k->size);
	}
}

static void
compare_all(bool marks)
{
	uintptr_t last = 0;

	must(registry_count() == nlist);
	for (size_t i = 0; i < nlist; i++) {
		struct record *rec = registry_at(i);
		const struct known *k = known_of(rec->uid);
		bool expected = false;

		must((uintptr_t)rec->backing.base >= last);
		last = (uintptr_t)rec->backing.base;
		must(k != NULL && k->base == last);
		must(k->size == rec->backing.size);
		if (!marks)
			continue;
		must(rec->overlapped == k->overlapped);
		for (size_t j = 0; j < nlist; j++)
			expected |= &list[j] != k && overlap(&list[j], k);
		must(registry_overlaps(rec) == expected);
	}
}

static void
clear(void)
{
	while (nlist > 0)
		drop(list[nlist - 1].base);
	must(registry_count() == 0);
}

static void
all__random_pools__agree_with_a_list(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, "registry");
	registry_lock();
	for (int step = 0; step < 4000; step++) {
		uintptr_t base = rng_between(&rng, 1, 500) * MIB;
		size_t most = rng_between(&rng, 0, 9) == 0 ? 60 : 5;

		if (nlist < 150 && rng_between(&rng, 0, 3) != 0)
			add(base, rng_between(&rng, 1, most) * MIB);
		else if (nlist > 0)
			drop(list[rng_between(&rng, 0, nlist - 1)].base);
		for (int i = 0; i < 10; i++)
			compare_one(rng_between(&rng, 0, 520) * MIB +
				    rng_between(&rng, 0, 2) - 1);
		if (step % 20 == 0)
			compare_all(true);
	}
	clear();
	registry_unlock();
}

static void
add__ten_thousand__finds_each(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, "registry, many");
	registry_lock();
	/* in an order that is neither up nor down */
	for (size_t i = 0; i < MOST; i++)
		add((i * 7919 % MOST + 1) * 16 * MIB, 14 * MIB);
	compare_all(false);
	for (size_t i = 1; i <= MOST; i++) {
		uintptr_t base = i * 16 * MIB;
		const struct record *rec = registry_find((void *)base);

		must(rec != NULL && !rec->overlapped);
		must(registry_owner((void *)base) == rec);
		must(registry_owner((void *)(base + 14 * MIB - 1)) == rec);
		must(registry_owner((void *)(base + 14 * MIB)) == NULL);
		must(registry_owner((void *)(base - 1)) == NULL);
		must(registry_find((void *)(base + 1)) == NULL);
	}
	/* the last first: the list is long */
	clear();
	registry_unlock();
}

static void
find__null_and_ends_of_the_address_space__finds_nothing(void **state)
{
	(void)state;
	registry_lock();
	assert_null(registry_find(NULL));
	assert_null(registry_owner(NULL));
	assert_null(registry_owner((void *)UINTPTR_MAX));
	add(16 * MIB, 14 * MIB);
	assert_null(registry_find(NULL));
	assert_null(registry_owner(NULL));
	assert_null(registry_find((void *)UINTPTR_MAX));
	assert_null(registry_owner((void *)UINTPTR_MAX));
	clear();
	registry_unlock();
}

static void
find__two_of_one_base__is_the_newest(void **state)
{
	uint64_t first;

	(void)state;
	registry_lock();
	add(16 * MIB, 14 * MIB);
	first = last_uid;
	add(16 * MIB, 20 * MIB);
	assert_int_equal(registry_find((void *)(16 * MIB))->uid, last_uid);
	assert_true(known_of(first)->overlapped);
	compare_all(true);
	drop(16 * MIB);
	assert_int_equal(registry_find((void *)(16 * MIB))->uid, first);
	assert_true(registry_find((void *)(16 * MIB))->overlapped);
	clear();
	registry_unlock();
}

/* of regions that begin at one place two are known, whatever else is there */
static void
forget_older__of_one_base__keeps_the_newest(void **state)
{
	const void *base = (void *)(16 * MIB), *other = (void *)(32 * MIB);
	uint64_t newest;

	(void)state;
	registry_lock();
	assert_int_equal(registry_forget_older(base), 0);
	add(16 * MIB, 20 * MIB);
	assert_int_equal(registry_forget_older(base), 0);
	add(32 * MIB, 14 * MIB);
	add(16 * MIB, 14 * MIB);
	newest = last_uid;
	assert_int_equal(registry_count(), 3);
	/* neither a file's, nor one that a check is at work in, nor guarded */
	registry_at(0)->backing.kind = BACKING_FILE;
	(void)registry_forget_older(base);
	registry_at(0)->backing.kind = BACKING_REGION;
	registry_at(0)->frozen = 1;
	(void)registry_forget_older(base);
	registry_at(0)->frozen = 0;
	registry_at(0)->guarded = 1;
	(void)registry_forget_older(base);
	registry_at(0)->guarded = 0;
	assert_int_equal(registry_count(), 3);
	registry_at(0)->profile_number = 5;
	assert_int_equal(registry_forget_older(base), 5);
	assert_int_equal(registry_count(), 2);
	assert_int_equal(registry_find(base)->uid, newest);
	/* what lies over it is as sound as it was */
	assert_non_null(registry_find(other));
	assert_false(registry_find(other)->overlapped);
	assert_int_equal(registry_forget_older(base), 0);
	assert_int_equal(registry_count(), 2);
	memmove(&list[0], &list[1], --nlist * sizeof(list[0]));
	clear();
	registry_unlock();
}

static void
closed__frozen_or_forking__is_closed(void **state)
{
	struct record rec = record_of(MIB, MIB);

	(void)state;
	registry_lock();
	assert_false(registry_forking());
	assert_false(registry_is_closed(&rec));
	rec.frozen = true;
	assert_true(registry_is_closed(&rec));
	rec.frozen = false;
	registry_set_forking(true);
	assert_true(registry_forking());
	assert_true(registry_is_closed(&rec));
	registry_set_forking(false);
	assert_false(registry_is_closed(&rec));
	registry_unlock();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			find__null_and_ends_of_the_address_space__finds_nothing),
		cmocka_unit_test(find__two_of_one_base__is_the_newest),
		cmocka_unit_test(forget_older__of_one_base__keeps_the_newest),
		cmocka_unit_test(closed__frozen_or_forking__is_closed),
		cmocka_unit_test(all__random_pools__agree_with_a_list),
		cmocka_unit_test(add__ten_thousand__finds_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
