/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slab.cpp -- frees by other threads: bits, states, and the inbox of a heap
 *
 * models: src/slab/slab.c: slab_detach() slab_attach() slab_free_remote()
 * models: src/slab/slab.c: slab_collect() slab_collect_most()
 * models: src/slab/slab.h: slab_set_remote()
 * models: src/tcache/heap_fast.h: heap_free_other()
 * models: src/tcache/heap_free.c: inbox_push() free_remote()
 * models: src/tcache/heap.c: heap_receive() slab_receive() heap_freed()
 * models: src/tcache/heap.c: slab_move()
 * models: src/tcache/heap_refill.c: current_change()
 * models: src/tcache/heap_dir.c: dir_steal() relist()
 *
 * Relacy goes through the orders of steps, and for each load through all values
 * that the memory model of C11 allows there; the orders in the code below are
 * those of the sources.  An object's bytes and what one thread at a time may
 * touch are rl::var: two accesses of which none happens before the other are a
 * fault.  Giving a slab's descriptor away is a write to its `life`, and each
 * touch of it a read.
 *
 * Checked: each object that is freed becomes free once; who gets its slot next
 * comes after all that its last user did; a descriptor that was given away is
 * not touched; a slab is in one inbox at most, that of the heap it belongs to.
 *
 * mutation: BIT_FIRST        the bit, then the look at the state
 * mutation: FREE_RELAXED     the bit without release
 * mutation: COLLECT_RELAXED  the bits are taken without acquire
 * mutation: PUSH_RELAXED     into the inbox without release
 * mutation: TAKE_RELAXED     out of the inbox without acquire
 * mutation: QUEUE_BLIND      QUEUED by a store, not by an exchange
 * mutation: ATTACH_BLIND     LISTED by a store, not by an exchange
 * mutation: OWNER_FIRST      the owner is read before the slab is QUEUED
 * mutation: DETACH_RELAXED   FULL without release
 * mutation: REST_FULL        into the inbox for a rest, but FULL
 */
#include <relacy/relacy.hpp>

#include <cstdio>
#include <cstring>

static const unsigned NSLOTS = 2;
static const unsigned ALL = (1u << NSLOTS) - 1;
static const unsigned NOTHING = 0;
static const unsigned SLAB =
	1; /* the only one there is, as an inbox names it */

enum state { LISTED, FULL, QUEUED };

static const char *mutation = "";

static bool
mutated(const char *name)
{
	return std::strcmp(mutation, name) == 0;
}

static rl::memory_order
unless(const char *name, rl::memory_order order)
{
	return mutated(name) ? rl::mo_relaxed : order;
}

struct slab {
	rl::atomic<unsigned> w, r, state, owner;
	rl::var<unsigned> next;
	rl::var<unsigned> life;
};

struct heap {
	rl::atomic<unsigned> inbox;
};

/* what all cases share: a slab of two objects, and heaps 0 and 1 */
template <typename T> struct world : rl::test_suite<T, 3> {
	slab s;
	heap heaps[2];
	rl::var<unsigned> object[NSLOTS];
	unsigned freed[NSLOTS]; /* ghosts: times that it became free */
	bool given;
	bool listed; /* on the list, or current, of who holds the slab */

	void begin(unsigned state)
	{
		s.w($).store(0, rl::mo_relaxed);
		s.r($).store(0, rl::mo_relaxed);
		s.state($).store(state, rl::mo_relaxed);
		s.owner($).store(0, rl::mo_relaxed);
		s.next($) = NOTHING;
		s.life($) = 0;
		for (heap &h : heaps)
			h.inbox($).store(NOTHING, rl::mo_relaxed);
		for (unsigned i = 0; i < NSLOTS; i++) {
			object[i]($) = 0;
			freed[i] = 0;
		}
		given = false;
		listed = state == LISTED;
	}

	void touch()
	{
		(void)(unsigned)s.life($);
	}

	/* inbox_push */
	void push(unsigned owner)
	{
		touch();
		if (!mutated("OWNER_FIRST"))
			owner = s.owner($).load(rl::mo_relaxed);
		heap &to = heaps[owner];
		unsigned head = to.inbox($).load(rl::mo_relaxed);
		do {
			RL_ASSERT(head != SLAB);
			s.next($) = head;
		} while (!to.inbox($).compare_exchange_weak(head, SLAB,
			unless("PUSH_RELAXED", rl::mo_release),
			rl::mo_relaxed));
	}

	/* look for FULL, and make it QUEUED */
	bool queue()
	{
		unsigned full = FULL;
		touch();
		if (s.state($).load(rl::mo_relaxed) != FULL)
			return false;
		if (mutated("QUEUE_BLIND")) {
			s.state($).store(QUEUED, rl::mo_release);
			return true;
		}
		return s.state($).compare_exchange_strong(
			full, QUEUED, rl::mo_acq_rel, rl::mo_relaxed);
	}

	/* slab_free_remote and what follows it, by a thread with slot i */
	void free_slot(unsigned i)
	{
		unsigned bit = 1u << i;
		bool queued = false;
		object[i]($) = 100 + i; /* its last use */
		touch();
		RL_ASSERT(!(s.w($).load(rl::mo_relaxed) & bit));
		unsigned owner = s.owner($).load(rl::mo_relaxed);
		if (!mutated("BIT_FIRST"))
			queued = queue();
		/* seq_cst in the code; release is what is needed */
		unsigned old = s.r($).fetch_or(
			bit, unless("FREE_RELAXED", rl::mo_seq_cst));
		RL_ASSERT(!(old & bit));
		if (mutated("BIT_FIRST"))
			queued = queue();
		if (queued)
			push(owner);
	}

	bool attach()
	{
		unsigned full = FULL;
		if (mutated("ATTACH_BLIND")) {
			s.state($).store(LISTED, rl::mo_relaxed);
			return true;
		}
		return s.state($).compare_exchange_strong(
			full, LISTED, rl::mo_acq_rel, rl::mo_relaxed);
	}

	/* the holder lets go of the slab, which it has all slots taken of */
	void let_go()
	{
		listed = false;
		s.state($).store(
			FULL, unless("DETACH_RELAXED", rl::mo_seq_cst));
		if (s.r($).load(rl::mo_seq_cst) != 0 && attach())
			listed = true;
	}

	/* current_change: the holder puts it into its own inbox, for a rest */
	void rest()
	{
		listed = false;
		s.state($).store(
			mutated("REST_FULL") ? FULL : QUEUED, rl::mo_relaxed);
		push(0);
	}

	/* slab_collect; what is free is used, so that races are seen */
	void collect()
	{
		if (s.r($).load(rl::mo_relaxed) == 0)
			return;
		unsigned got = s.r($).exchange(
			0, unless("COLLECT_RELAXED", rl::mo_acquire));
		unsigned w = s.w($).load(rl::mo_relaxed);
		RL_ASSERT(!(got & w));
		s.w($).store(w | got, rl::mo_relaxed);
		for (unsigned i = 0; i < NSLOTS; i++)
			if (got & 1u << i) {
				object[i]($) = 200 + i;
				freed[i]++;
			}
	}

	/* heap_receive */
	void receive(unsigned h)
	{
		if (heaps[h].inbox($).load(rl::mo_relaxed) == NOTHING)
			return;
		unsigned g = heaps[h].inbox($).exchange(
			NOTHING, unless("TAKE_RELAXED", rl::mo_acquire));
		while (g != NOTHING) {
			RL_ASSERT(s.owner($).load(rl::mo_relaxed) == h);
			RL_ASSERT(!listed && !given);
			g = s.next($);
			s.state($).store(LISTED, rl::mo_relaxed);
			listed = true;
			collect();
		}
	}

	/* a listed slab without objects goes back to the runs */
	void give_when_empty()
	{
		if (!listed || s.w($).load(rl::mo_relaxed) != ALL)
			return;
		listed = false;
		given = true;
		s.life($) = 1;
	}

	/* dir_collect, frozen: receive, relist, and nothing is lost */
	void after()
	{
		receive(0);
		receive(1);
		if (!given)
			collect();
		for (unsigned times : freed)
			RL_ASSERT(times == 1);
	}
};

/* two threads free the two objects while the holder does what the case says */
template <typename T, state FIRST> struct both_freed : world<T> {
	void before()
	{
		this->begin(FIRST);
	}

	void thread(unsigned idx)
	{
		if (idx > 0)
			this->free_slot(idx - 1);
		else
			static_cast<T *>(this)->holder();
	}
};

/* it lets go and looks again */
struct two_free : both_freed<two_free, LISTED> {
	void holder()
	{
		let_go();
		for (unsigned i = 0; i < 2 && !given; i++) {
			receive(0);
			if (listed)
				collect();
			give_when_empty();
		}
	}
};

/* it puts the slab aside */
struct rested : both_freed<rested, LISTED> {
	void holder()
	{
		rest();
		receive(0);
		give_when_empty();
		if (!listed || given)
			return;
		let_go();
		receive(0);
		give_when_empty();
	}
};

/* the heap's thread has ended: heap 1 takes the slab when it comes */
struct moved : both_freed<moved, FULL> {
	void holder()
	{
		/* dir_steal; the admin lock is held, and nobody else's */
		receive(0);
		if (!listed)
			return;
		s.owner($).store(1, rl::mo_relaxed);
		/* it allocates what is free there, and lets go */
		s.w($).store(0, rl::mo_relaxed);
		let_go();
		if (listed)
			collect();
		receive(1);
	}
};

/* the holder frees one object itself while another thread frees the other */
struct own_and_other : world<own_and_other> {
	void before()
	{
		begin(FULL);
	}

	void thread(unsigned idx)
	{
		if (idx == 1)
			free_slot(1);
		if (idx != 0)
			return;
		/* slab_put, heap_freed */
		object[0]($) = 1;
		s.w($).store(1, rl::mo_relaxed);
		freed[0]++;
		if (s.state($).load(rl::mo_relaxed) != LISTED && attach()) {
			RL_ASSERT(!listed);
			listed = true;
		}
		receive(0);
		if (listed)
			collect();
		give_when_empty();
	}
};

template <typename T>
static bool
holds(const char *name, rl::scheduler_type_e search, unsigned bound)
{
	rl::test_params p;
	std::ostream none(nullptr);
	p.search_type = search;
	p.context_bound = bound;
	p.progress_stream = &none;
	p.output_stream = mutation[0] == '\0' ? &std::cout : &none;
	bool ok = rl::simulate<T>(p);
	std::printf("%s: %llu orders: %s\n", name,
		(unsigned long long)p.stop_iteration,
		ok ? "holds" : rl::test_result_str(p.test_result));
	return ok;
}

/* slab [MUTATION] -- 0: all cases hold, 1: one does not */
int
main(int argc, char **argv)
{
	mutation = argc > 1 ? argv[1] : "";
	bool ok = holds<two_free>("two_free", rl::sched_bound, 3);
	ok = holds<rested>("rested", rl::sched_bound, 3) && ok;
	ok = holds<moved>("moved", rl::sched_bound, 3) && ok;
	ok = holds<own_and_other>("own_and_other", rl::sched_full, 0) && ok;
	return ok ? 0 : 1;
}
