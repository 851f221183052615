/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slab.c -- runs cut into equal slots, with their bits outside of them
 */
#include "slab/slab.h"

#include <string.h>

#include "base/arith.h"
#include "base/assert.h"

#define HEAD_WORDS    (offsetof(struct slab, w) / 8)
#define GRANULE_WORDS (RUN_GRANULE / 8)
#define MOST_OF_WORD  32u /* slots of the 64 of a word */

unsigned
slab_remote_offset(unsigned nwords)
{
	/*
	 * behind w in the same granule when both are one word, else on a line
	 * of its own, which other threads write
	 */
	unsigned end = (unsigned)HEAD_WORDS + nwords;
	return nwords == 1 ? end : (unsigned)align_up(end, GRANULE_WORDS);
}

unsigned
slab_granules(unsigned nobj)
{
	unsigned nwords = (nobj + 63) / 64;
	return (unsigned)div_up(
		slab_remote_offset(nwords) + nwords, GRANULE_WORDS);
}

void
slab_init(struct slab *s, uint64_t owner, struct bin *bin,
	const struct class_table *t, unsigned cls)
{
	const struct size_class *c = &t->cls[cls];
	s->nobj = (uint16_t)class_nobj(c, s->npages);
	s->base += class_tail(c, s->npages);
	s->cls = (uint8_t)cls;
	s->recip = c->recip;
	s->bin = bin;
	s->used = 0;
	s->state = SLAB_LISTED;
	unsigned nwords = slab_nwords(s);
	s->roff = (uint8_t)slab_remote_offset(nwords);
	for (unsigned i = 0; i < nwords; i++)
		s->w[i] = ~UINT64_C(0);
	if (s->nobj % 64 != 0)
		s->w[nwords - 1] >>= 64 - s->nobj % 64;
	/* relaxed: who frees a slot here has got its address from us */
	store_relaxed(&s->owner, owner);
}

void
slab_fini(struct slab *s)
{
	/* a tail is shorter than a page */
	s->base -= (uintptr_t)s->base % RUN_PAGE;
}

unsigned
slab_find(const struct slab *s, unsigned from)
{
	unsigned nwords = slab_nwords(s);
	while (from < nwords && load_relaxed(&s->w[from]) == 0)
		from++;
	return from;
}

/*
 * held -- of each word of the slab, which slots lie in the bin's LIFO; `ret`
 * has SLAB_WORDS words
 */
static void
held(const struct slab *s, uint64_t *ret)
{
	const struct bin *b = s->bin;
	unsigned n = bin_held(b);
	memset(ret, 0, SLAB_WORDS * sizeof(*ret));
	for (unsigned i = 0; i < n; i++) {
		uintptr_t off =
			(uintptr_t)bin_held_at(b, i) - (uintptr_t)s->base;
		if (off >= s->npages * RUN_PAGE)
			continue;
		uint32_t idx = class_index(s->recip, off);
		if (idx < SLAB_MAX_OBJECTS)
			ret[idx / 64] |= (uint64_t)1 << (idx % 64);
	}
}

/* collect -- from the words of r that have at least so many bits */
static unsigned
collect(struct slab *s, unsigned least, unsigned *ret_doubled)
{
	uint64_t *r = slab_remote(s);
	uint64_t in_lifo[SLAB_WORDS];
	bool looked = false;
	unsigned nwords = slab_nwords(s), n = 0;
	for (unsigned i = 0; i < nwords; i++) {
		/* relaxed: it only gets more, and is taken below */
		uint64_t seen = load_relaxed(&r[i]);
		if (seen == 0 || (unsigned)__builtin_popcountll(seen) < least)
			continue;
		if (!looked)
			held(s, in_lifo);
		looked = true;
		/* acquire: what the other threads did to the slots is over */
		uint64_t got = exchange_acquire(&r[i], 0);
		uint64_t w = load_relaxed(&s->w[i]);
		uint64_t doubled = got & (w | in_lifo[i]);
		*ret_doubled += (unsigned)__builtin_popcountll(doubled);
		got &= ~doubled;
		store_relaxed(&s->w[i], w | got);
		n += (unsigned)__builtin_popcountll(got);
	}
	/* a line that other threads read is not written for nothing */
	if (n > 0)
		s->used = (uint16_t)(s->used - n);
	return n;
}

unsigned
slab_collect(struct slab *s, unsigned *ret_doubled)
{
	return collect(s, 1, ret_doubled);
}

unsigned
slab_collect_most(struct slab *s, unsigned *ret_doubled)
{
	return collect(s, MOST_OF_WORD, ret_doubled);
}

unsigned
slab_live_words(const struct slab *s, uint64_t *ret)
{
	const uint64_t *r = slab_remote(s);
	/* once: another process may be about to change it */
	unsigned nobj = (unsigned)min_size(s->nobj, SLAB_MAX_OBJECTS);
	unsigned nwords = (nobj + 63) / 64;
	held(s, ret);
	for (unsigned i = 0; i < nwords; i++) {
		unsigned slots = nobj - i * 64;
		uint64_t gone =
			load_relaxed(&s->w[i]) | load_relaxed(&r[i]) | ret[i];
		ret[i] = slots < 64 ? ~gone & ((UINT64_C(1) << slots) - 1)
				    : ~gone;
	}
	return nwords;
}

unsigned
slab_live(const struct slab *s)
{
	const uint64_t *r = slab_remote(s);
	/* once: another process may be about to change it */
	unsigned n = (unsigned)min_size(s->nobj, SLAB_MAX_OBJECTS);
	unsigned nwords = (n + 63) / 64;
	for (unsigned i = 0; i < nwords; i++)
		n -= (unsigned)__builtin_popcountll(
			load_relaxed(&s->w[i]) | load_relaxed(&r[i]));
	return n;
}

unsigned
slab_nremote(const struct slab *s)
{
	const uint64_t *r = slab_remote(s);
	unsigned n = 0;
	/* relaxed: there may be more the next moment */
	for (unsigned i = 0; i < slab_nwords(s); i++)
		n += (unsigned)__builtin_popcountll(load_relaxed(&r[i]));
	return n;
}

bool
slab_has_remote(const struct slab *s)
{
	const uint64_t *r = slab_remote(s);
	for (unsigned i = 0; i < slab_nwords(s); i++)
		if (load_seq_cst(&r[i]) != 0)
			return true;
	return false;
}

bool
slab_detach(struct slab *s)
{
	/*
	 * seq_cst: what owner and bin are is seen by who makes it QUEUED, and
	 * the look at r comes after the store, so that few bits are missed
	 */
	store_seq_cst(&s->state, SLAB_FULL);
	return !slab_has_remote(s) || !slab_attach(s);
}

bool
slab_attach(struct slab *s)
{
	uint8_t full = SLAB_FULL;
	/* acq_rel: decides against the other thread's exchange for QUEUED */
	return cas_acq_rel(&s->state, &full, SLAB_LISTED);
}

bool
slab_free_remote(struct slab *s, unsigned idx, bool *ret_queued)
{
	uint8_t full = SLAB_FULL;
	*ret_queued = false;
	if (slab_is_free(s, idx))
		return false;
	/* relaxed look, acq_rel exchange: pairs with slab_detach() */
	if (load_relaxed(&s->state) == SLAB_FULL)
		*ret_queued = cas_acq_rel(&s->state, &full, SLAB_QUEUED);
	return slab_set_remote(s, idx);
}
