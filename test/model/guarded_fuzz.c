/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guarded_fuzz.c -- what a pool of hardening level 3 keeps of objects that wait
 * is changed in every place, and the check finds it
 *
 * check_fuzz.c does so with what pools of all levels have.
 */
#include "harness/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/damage.h"
#include "pool/pool_internal.h"

#define NOBJECTS  400u
#define STRIDE    7u /* of the objects that wait, so many are tried */
#define RANDOM_MS (TEST_SANITIZED ? 300u : 1000u)

static struct field ring[] = {
	FIELD(quarantine, first, MATTERS),
	FIELD(quarantine, n, MATTERS),
	FIELD(quarantine, bytes, MATTERS),
};
static struct field waiting[] = {
	{"quarantine.p[i]", 0, sizeof(void *), MATTERS, 0, 0, 0, 0}};
static struct field waiting_bytes[] = {FIELD_ARRAY("a filled byte", MATTERS)};
static struct field live_end[] = {FIELD_ARRAY("edge and seal", MATTERS)};

static struct damage d;
static bool skip[VMEM_MIN_POOL / RUN_PAGE];

/* fill -- objects of which every other one waits; returns one that is live */
static char *
fill(void)
{
	void *p[NOBJECTS];

	for (size_t i = 0; i < NOBJECTS; i++) {
		p[i] = vmem_malloc(d.vmp, i == 7 ? 50000 : i * 5);
		must(p[i] != NULL);
	}
	for (size_t i = 1; i < NOBJECTS; i += 2)
		vmem_free(d.vmp, p[i]);
	must(vmem_check(d.vmp) == 1);
	return p[100];
}

static void
try_ring(const struct quarantine *q)
{
	damage_fields(&d, ring, NELEM(ring), q);
	for (uint32_t i = 0; i < q->n; i += STRIDE) {
		void *const *at = &q->p[(q->first + i) % QUARANTINE_MOST];

		damage_fields(&d, waiting, 1, at);
		damage_bits(&d, waiting_bytes, *at, 64, STRIDE);
	}
}

static int
report(void)
{
	size_t tried = 0, found = 0;

	damage_report(ring, NELEM(ring), &tried, &found);
	damage_report(waiting, 1, &tried, &found);
	damage_report(waiting_bytes, 1, &tried, &found);
	damage_report(live_end, 1, &tried, &found);
	(void)printf("  found %zu of %zu that matter\n", found, tried);
	(void)fflush(stdout);
	return found == tried ? 0 : 1;
}

static int
fuzz(void *arg)
{
	size_t nrings = 0;
	uint64_t end;
	const char *live;
	const struct pool *p;

	(void)arg;
	must(setenv("VMEM_OPTIONS", "hardening=3", 1) == 0);
	damage_open(&d, VMEM_MIN_POOL, "guarded_fuzz");
	live = fill();
	damage_seal(&d);
	p = pool_at(d.vmp);
	must(p->dir.hardening == HARDENING_GUARDED);
	for (const struct heap *h = p->dir.all; h != NULL; h = h->next)
		if (heap_quarantine(h)->n > 0) {
			nrings++;
			try_ring(heap_quarantine(h));
		}
	must(nrings > 0);
	/* 500 bytes in a slot that is larger: what follows is edge and seal */
	damage_bits(&d, live_end, live + 500, 16 * 8, 1);
	for (end = test_ms() + RANDOM_MS; test_ms() < end;)
		(void)damage_random(&d, skip);
	must(!damage_is_found(&d));
	return report();
}

static void
check__damage_of_what_waits__is_found(void **state)
{
	(void)state;
	assert_int_equal(test_child(fuzz, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check__damage_of_what_waits__is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
