/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_internal.h -- what the files of this folder share
 *
 * All functions need the heap's holder.
 */
#ifndef TCACHE_HEAP_INTERNAL_H
#define TCACHE_HEAP_INTERNAL_H

#include "tcache/tcache.h"

#define EMPTY_SHARE 8u /* a bin keeps 1 + nslabs/8 empty slabs */

/* that is little: a whole first slab of each common class would fill it */
#define HEAP_ROOM ((size_t)4 << 20)

static inline struct slab *
heap_slab(const struct heap *h, uint32_t granule)
{
	return (struct slab *)run_desc(h->base, granule);
}

static inline bool
slab_is_current(const struct slab *s)
{
	return s->bin->slab == s;
}

/* is_crowded -- is there little of the pool for each private heap? */
static inline bool
is_crowded(const struct heap_dir *dir)
{
	/* relaxed: however many there are at the moment */
	uint64_t n = load_relaxed(&dir->nprivate);
	return n * (HEAP_ROOM >> RUN_LG_PAGE) >= dir->runs->npages;
}

/* heap_init -- a new heap in the run of d */
void heap_init(struct heap *h, struct heap_dir *dir, struct desc *d,
	enum heap_state state);

/* avail_push, avail_remove -- the bin's list of slabs with free slots */
void avail_push(struct heap *h, struct slab *s);
void avail_remove(struct heap *h, struct slab *s);

/* current_end -- the bin has no current slab any more; returns it, unlisted */
struct slab *current_end(struct heap *h, struct bin *b);

/* current_drop -- the bin lets go of its current slab: onto the list */
void current_drop(struct heap *h, struct bin *b);

/* bin_grow -- a new slab for the bin, listed; false: no room */
bool bin_grow(struct heap *h, struct bin *b);

/*
 * bin_drop -- take the slots of an empty slab, which is about to go, out of its
 * bin's LIFO: they were freed twice
 */
void bin_drop(struct heap *h, const struct slab *s);

/*
 * marks_forget -- what the bin's LIFO holds has changed, and not by a malloc,
 * nor at its end alone: see heap_drop.c
 */
void marks_forget(struct bin *b);

/* bin_release -- give a listed slab with no slot in use back to the runs */
void bin_release(struct heap *h, struct slab *s);

/* bin_release_empty -- all of them */
void bin_release_empty(struct heap *h, struct bin *b);

/* bin_has_spare -- has it more empty slabs than a bin keeps? */
static inline bool
bin_has_spare(const struct bin *b)
{
	return b->nempty > 1 + b->nslabs / EMPTY_SHARE;
}

/*
 * heap_freed -- a slot of s has become free in w
 *
 * A slab that was FULL goes back on the list; one that is now empty goes back
 * to the runs when the bin has enough empty ones.
 */
void heap_freed(struct heap *h, struct slab *s);

/* slot_put -- a slot of a slab of this heap becomes free in the bits */
void slot_put(struct heap *h, struct slab *s, size_t idx);

/* slot_doubled -- it is found late that p was freed twice */
void slot_doubled(struct heap *h, void *p);

/*
 * slot_settle -- what has just left the bin's LIFO becomes free in its slab,
 * if that is the bin's and it is not free already
 */
void slot_settle(struct heap *h, struct bin *b, void *p);

/* bin_flush -- the LIFO's slots become free in their slabs */
void bin_flush(struct heap *h, struct bin *b);

/* inbox_take -- the slabs in it, by their list, which is empty then; holder */
uint32_t inbox_take(struct heap *h);

/*
 * inbox_push -- a slab that this thread has QUEUED, to the heap it is of
 * base  the pool's; read in that heap it would be on a line that its holder
 *       writes with each malloc
 */
void inbox_push(const char *base, struct slab *s);

/* slab_receive -- a slab out of the inbox, with what others have freed in it,
 * is on its bin's list */
void slab_receive(struct heap *h, struct slab *s);

/* heap_doubled -- so many double frees were found when slots were collected */
void heap_doubled(struct heap *h, unsigned n);

/*
 * heap_collect -- take back what others have freed in a slab, or only from
 * words most of whose slots they have; returns slots gained
 */
static inline unsigned
heap_collect(struct heap *h, struct slab *s, bool most)
{
	unsigned doubled = 0;
	trail_cut(s->bin);
	unsigned n = most ? slab_collect_most(s, &doubled)
			  : slab_collect(s, &doubled);
	if (unlikely(doubled > 0))
		heap_doubled(h, doubled);
	return n;
}

/* slab_move -- a listed slab changes over to another heap's bin */
void slab_move(struct heap *from, struct heap *to, struct slab *s);

/* large_free -- free the large run that p starts; size as heap_free_sized() */
enum free_result large_free(
	struct heap *h, struct desc *d, void *p, size_t size);

/* large_free_stray -- the same for a thread without a heap */
enum free_result large_free_stray(
	struct heap_dir *dir, struct desc *d, void *p, size_t size);

#endif
