/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_slab.c -- one slab against sets of slots
 *
 * ctest: threads
 */
#include "slab/slab.h"

#include "harness/space.h"
#include "harness/threads.h"

#include <string.h>

#define OWNER ((uint64_t)0x1000)

enum place { LIVE, FREE, REMOTE };

struct model {
	struct space s;
	struct bin bin;
	void *lifo[BIN_LIFO]; /* right behind the bin */
	const struct class_table *table;
	struct slab *slab;
	enum place at[SLAB_MAX_OBJECTS];
};

static struct model model;

/* model_open -- a slab of the class that holds `size`, of the last step */
static void
model_open(struct model *m, size_t size)
{
	const struct size_class *k;
	unsigned cls, npages;
	struct desc *d;

	class_tables_init();
	memset(m, 0, sizeof(*m));
	space_open(&m->s, SPACE_BYTES, 0);
	m->table = class_table_for(SPACE_BYTES);
	cls = class_of(m->table, size);
	k = &m->table->cls[cls];
	npages = k->npages[CLASS_NSTEPS - 1];
	d = run_alloc(&m->s.rs, npages, slab_granules(class_nobj(k, npages)),
		RUN_NONE, RUN_LG_PAGE, NULL);
	must(d != NULL);
	m->slab = (struct slab *)d;
	m->bin.top = bin_lifo(&m->bin);
	slab_init(m->slab, OWNER, &m->bin, m->table, cls);
	for (unsigned i = 0; i < m->slab->nobj; i++)
		m->at[i] = FREE;
}

static void
model_close(struct model *m)
{
	space_close(&m->s);
}

static unsigned
count(const struct model *m, enum place place)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->slab->nobj; i++)
		n += m->at[i] == place;
	return n;
}

static void
verify(const struct model *m)
{
	const struct slab *s = m->slab;
	unsigned nwords = slab_nwords(s);

	for (unsigned i = 0; i < s->nobj; i++) {
		must(slab_is_free(s, i) == (m->at[i] == FREE));
		must(slab_is_remote(s, i) == (m->at[i] == REMOTE));
	}
	for (unsigned i = s->nobj; i < nwords * 64; i++)
		must(!slab_is_free(s, i) && !slab_is_remote(s, i));
	must(s->used == s->nobj - count(m, FREE));
	must(slab_live(s) == count(m, LIVE));
	must(slab_has_remote(s) == (count(m, REMOTE) > 0));
	for (unsigned from = 0; from <= nwords; from++) {
		unsigned first = from;

		while (first < nwords && s->w[first] == 0)
			first++;
		must(slab_find(s, from) == first);
	}
}

/* take -- the holder gets slot i, as the fast path does it */
static void
take(struct model *m, unsigned i)
{
	m->slab->w[i / 64] &= ~((uint64_t)1 << (i % 64));
	m->slab->used++;
	m->at[i] = LIVE;
}

static void
take_all(struct model *m)
{
	for (unsigned i = 0; i < m->slab->nobj; i++)
		take(m, i);
}

static void
init__every_class_and_step__has_room_for_its_bits(void **state)
{
	struct space s;

	(void)state;
	class_tables_init();
	space_open(&s, SPACE_BYTES, 0);
	for (unsigned i = 0; i < CLASS_TABLES; i++) {
		const struct class_table *t = class_table(i);

		for (unsigned c = 0; c < t->nclasses * CLASS_NSTEPS; c++) {
			const struct size_class *k = &t->cls[c / CLASS_NSTEPS];
			unsigned npages = k->npages[c % CLASS_NSTEPS];
			unsigned nobj = class_nobj(k, npages);
			unsigned ngran = slab_granules(nobj);
			struct bin bin = {0};
			struct slab *d = (struct slab *)run_alloc(&s.rs, npages,
				ngran, RUN_NONE, RUN_LG_PAGE, NULL);
			char *end = (char *)d + ngran * RUN_GRANULE;

			must(d != NULL);
			slab_init(d, OWNER, &bin, t, c / CLASS_NSTEPS);
			must(d->nobj == nobj && d->used == 0);
			must(d->state == SLAB_LISTED && d->owner == OWNER);
			must(d->ngran == ngran && d->npages == npages);
			must((char *)(slab_remote(d) + slab_nwords(d)) <= end);
			must(slab_remote(d) >= d->w + slab_nwords(d));
			must(slab_live(d) == 0 && !slab_has_remote(d));
			must(slab_address(d, k, nobj - 1) ==
				d->base + (nobj - 1) * (size_t)k->size);
			run_free(&s.rs, (struct desc *)d);
		}
	}
	space_close(&s);
}

static void
put__random_operations__agree_with_sets(void **state)
{
	static const size_t sizes[] = {8, 16, 48, 112, 1000, 4096, SLAB_MAX};
	struct rng rng;

	(void)state;
	rng_init(&rng, "slab");
	for (size_t k = 0; k < NELEM(sizes); k++) {
		unsigned doubled = 0;

		model_open(&model, sizes[k]);
		verify(&model);
		for (int step = 0; step < 5000; step++) {
			unsigned nobj = model.slab->nobj;
			unsigned i = (unsigned)rng_between(&rng, 0, nobj - 1);
			size_t what = rng_between(&rng, 0, 20);
			bool queued, done;

			if (model.at[i] == FREE) {
				take(&model, i);
			} else if (what == 0) {
				unsigned due = count(&model, REMOTE), n;

				n = slab_collect_most(model.slab, &doubled);
				n += slab_collect(model.slab, &doubled);
				must(n == due);
				for (unsigned j = 0; j < nobj; j++)
					if (model.at[j] == REMOTE)
						model.at[j] = FREE;
			} else if (what < 8 && model.at[i] == LIVE) {
				slab_put(model.slab, i);
				model.at[i] = FREE;
			} else {
				done = slab_free_remote(model.slab, i, &queued);
				must(done == (model.at[i] == LIVE));
				must(!queued);
				model.at[i] = REMOTE;
			}
			if (step % 20 == 0)
				verify(&model);
		}
		must(doubled == 0);
		verify(&model);
		model_close(&model);
	}
}

static void
free_remote__of_a_free_slot__is_refused(void **state)
{
	struct slab *s;
	bool queued = true;

	(void)state;
	model_open(&model, 64);
	s = model.slab;
	assert_false(slab_free_remote(s, 5, &queued));
	assert_false(queued);
	take_all(&model);
	assert_true(slab_free_remote(s, 5, &queued));
	assert_false(slab_free_remote(s, 5, &queued));
	model.at[5] = REMOTE;
	verify(&model);
	model_close(&model);
}

static void
collect__bit_that_is_free_already__is_dropped_and_counted(void **state)
{
	struct slab *s;
	unsigned doubled = 0;
	bool queued;

	(void)state;
	model_open(&model, 64);
	s = model.slab;
	take_all(&model);
	/* the holder frees what another thread has freed just before */
	assert_true(slab_free_remote(s, 7, &queued));
	assert_true(slab_free_remote(s, 8, &queued));
	slab_put(s, 7);
	assert_int_equal(slab_collect(s, &doubled), 1);
	assert_int_equal(doubled, 1);
	model.at[7] = model.at[8] = FREE;
	verify(&model);
	model_close(&model);
}

static void
collect_most__words_with_few_and_many_bits__takes_the_many(void **state)
{
	static const unsigned nback[] = {31, 32, 64, 0, 1, 63};
	unsigned doubled = 0, nmost = 0;
	bool queued;

	(void)state;
	model_open(&model, 64);
	take_all(&model);
	for (unsigned i = 0; i < NELEM(nback) * 64; i++) {
		bool most = nback[i / 64] >= 32;

		if (i % 64 >= nback[i / 64])
			continue;
		must(slab_free_remote(model.slab, i, &queued));
		model.at[i] = most ? FREE : REMOTE;
		nmost += most;
	}
	slab_put(model.slab, 64 + 7); /* which comes back as well */
	assert_int_equal(slab_collect_most(model.slab, &doubled), nmost - 1);
	assert_int_equal(doubled, 1);
	verify(&model);
	assert_int_equal(slab_collect_most(model.slab, &doubled), 0);
	model_close(&model);
}

static void
collect__slot_in_the_lifo__is_dropped_and_counted(void **state)
{
	static const unsigned kept[] = {0, 63, 64, 77};
	unsigned doubled = 0;
	struct slab *s;
	bool queued;

	(void)state;
	model_open(&model, 32);
	s = model.slab;
	take_all(&model);
	for (unsigned i = 0; i < NELEM(kept); i++) {
		const struct size_class *k = &model.table->cls[s->cls];

		*model.bin.top++ = slab_address(s, k, kept[i]);
		assert_true(slab_free_remote(s, kept[i], &queued));
	}
	/* of another slab, on both sides */
	*model.bin.top++ = s->base - 32;
	*model.bin.top++ = s->base + s->npages * RUN_PAGE;
	assert_true(slab_free_remote(s, 65, &queued));
	assert_int_equal(slab_collect(s, &doubled), 1);
	assert_int_equal(doubled, NELEM(kept));
	model.at[65] = FREE;
	verify(&model);
	model_close(&model);
}

static void
detach__without_and_with_remote_bits__is_full_or_listed(void **state)
{
	struct slab *s;
	bool queued;

	(void)state;
	model_open(&model, 64);
	s = model.slab;
	take_all(&model);
	assert_true(slab_detach(s));
	assert_int_equal(s->state, SLAB_FULL);
	/* the first free by another thread queues it, the next does not */
	assert_true(slab_free_remote(s, 3, &queued));
	assert_true(queued);
	assert_int_equal(s->state, SLAB_QUEUED);
	assert_true(slab_free_remote(s, 4, &queued));
	assert_false(queued);
	assert_false(slab_attach(s));
	assert_int_equal(s->state, SLAB_QUEUED);
	/* as the holder does with what is in its inbox, without collecting */
	s->state = SLAB_LISTED;
	assert_false(slab_detach(s));
	assert_int_equal(s->state, SLAB_LISTED);
	model_close(&model);
}

static void
attach__of_a_full_slab__is_listed(void **state)
{
	struct slab *s;
	bool queued;

	(void)state;
	model_open(&model, 64);
	s = model.slab;
	take_all(&model);
	assert_true(slab_detach(s));
	slab_put(s, 9);
	assert_true(slab_attach(s));
	assert_int_equal(s->state, SLAB_LISTED);
	assert_true(slab_free_remote(s, 10, &queued));
	assert_false(queued);
	model_close(&model);
}

static void
free_remote__twice_of_a_full_slab__queues_it_all_the_same(void **state)
{
	struct slab *s;
	bool queued;

	(void)state;
	model_open(&model, 64);
	s = model.slab;
	take_all(&model);
	assert_true(slab_free_remote(s, 3, &queued));
	s->state = SLAB_FULL; /* the bit came between look and detach */
	assert_false(slab_free_remote(s, 3, &queued));
	assert_true(queued);
	model_close(&model);
}

/*
 * One thread frees slots in random order, the other collects, takes the slots
 * again, hands them out, and lets go of the slab whenever it is full.
 */
#define ROUNDS 200

struct exchange {
	struct model *m;
	uint32_t turn[SLAB_MAX_OBJECTS]; /* atomic: frees that are due */
	uint32_t nfreed;                 /* atomic, relaxed */
	uint32_t inbox; /* atomic: times that the slab was queued */
	uint32_t done;  /* atomic */
};

static void
free_some(struct exchange *x, struct rng *rng)
{
	unsigned nobj = x->m->slab->nobj;

	while (!load_acquire(&x->done)) {
		unsigned i = (unsigned)rng_between(rng, 0, nobj - 1);
		bool queued;

		if (load_acquire(&x->turn[i]) == 0)
			continue;
		store_relaxed(&x->turn[i], 0u);
		must(slab_free_remote(x->m->slab, i, &queued));
		(void)fetch_add_relaxed(&x->nfreed, 1u);
		if (queued)
			(void)__atomic_fetch_add(
				&x->inbox, 1, __ATOMIC_RELEASE);
	}
}

/* hand_out -- take every free slot, and tell the other thread to free it */
static uint32_t
hand_out(struct exchange *x)
{
	struct slab *s = x->m->slab;
	uint32_t n = 0;

	for (unsigned i = 0; i < s->nobj; i++) {
		if (!slab_is_free(s, i))
			continue;
		must(load_relaxed(&x->turn[i]) == 0);
		store_relaxed(
			&s->w[i / 64], load_relaxed(&s->w[i / 64]) &
					       ~((uint64_t)1 << (i % 64)));
		s->used++;
		store_release(&x->turn[i], 1u);
		n++;
	}
	return n;
}

static void
hold(struct exchange *x)
{
	struct slab *s = x->m->slab;
	uint32_t given = 0, got = 0;
	unsigned doubled = 0;
	bool listed = true;

	while (got < ROUNDS * (uint32_t)s->nobj) {
		if (listed) {
			got += slab_collect(s, &doubled);
			if (got >= ROUNDS * (uint32_t)s->nobj)
				break;
			given += hand_out(x);
			listed = !slab_detach(s);
		} else if (__atomic_exchange_n(&x->inbox, 0, __ATOMIC_ACQUIRE) >
			   0) {
			store_relaxed(&s->state, (uint8_t)SLAB_LISTED);
			listed = true;
		} else if (slab_has_remote(s) && slab_attach(s)) {
			/* the bit of which nobody is told: see slab.h */
			listed = true;
		}
	}
	must(doubled == 0);
	must(got <= given);
	store_release(&x->done, 1u);
	must(got + slab_collect(s, &doubled) <= given);
}

static void
exchange(size_t idx, struct rng *rng, void *arg)
{
	if (idx == 0)
		hold(arg);
	else
		free_some(arg, rng);
}

static void
collect__while_another_thread_frees__gets_every_slot_once(void **state)
{
	static const size_t sizes[] = {64, 1024, 4096};
	static struct exchange x;

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		unsigned doubled = 0;
		size_t due = 0;

		memset(&x, 0, sizeof(x));
		x.m = &model;
		model_open(&model, sizes[i]);
		threads_run(2, exchange, &x, "slab exchange");
		(void)slab_collect(model.slab, &doubled);
		for (unsigned k = 0; k < model.slab->nobj; k++)
			due += x.turn[k];
		assert_int_equal(model.slab->used, due);
		assert_int_equal(doubled, 0);
		model_close(&model);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			init__every_class_and_step__has_room_for_its_bits),
		cmocka_unit_test(put__random_operations__agree_with_sets),
		cmocka_unit_test(free_remote__of_a_free_slot__is_refused),
		cmocka_unit_test(
			collect__bit_that_is_free_already__is_dropped_and_counted),
		cmocka_unit_test(
			collect_most__words_with_few_and_many_bits__takes_the_many),
		cmocka_unit_test(
			collect__slot_in_the_lifo__is_dropped_and_counted),
		cmocka_unit_test(
			detach__without_and_with_remote_bits__is_full_or_listed),
		cmocka_unit_test(attach__of_a_full_slab__is_listed),
		cmocka_unit_test(
			free_remote__twice_of_a_full_slab__queues_it_all_the_same),
		cmocka_unit_test(
			collect__while_another_thread_frees__gets_every_slot_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
