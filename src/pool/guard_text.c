/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard_text.c -- what is said of objects in pools, as the sanitizer says it
 */
#include "pool/guard_text.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/os.h"
#include "base/report.h"

#define RULE                                                                   \
	"============================================================="        \
	"===="

static void
print_stack(uint32_t number)
{
	const struct guard_stack *k = guard_stack_at(number);
	if (k == NULL || k->nframes == 0) {
		report_print("    no stack could be taken");
		return;
	}
	for (unsigned i = 0; i < k->nframes; i++)
		report_frame(i, k->frame[i]);
}

static void
print_origin(const char *what, struct guard_origin by)
{
	const char *who = by.thread == (uint32_t)getpid() ? " (main)" : "";
	const char *here =
		by.thread == (uint32_t)gettid() ? ", the reporting one," : "";
	report_print("%s by thread %" PRIu32 "%s%s here:", what, by.thread, who,
		here);
	print_stack(by.stack);
	report_print("%s", "");
}

/* print_place -- where an address is, seen from the nearest object */
static void
print_place(const struct guard_note *n, uintptr_t at, const void *pool)
{
	uint64_t end = n->object + n->size;
	const char *how = "inside of";
	uint64_t bytes = at - n->object;
	if (at < n->object) {
		how = "before";
		bytes = n->object - at;
	} else if (at >= end) {
		how = "after";
		bytes = at - end;
	}
	report_print("0x%zx is located %" PRIu64
		     " bytes %s a%s object of %" PRIu64
		     " bytes [0x%zx,0x%zx) of libvmem pool %p",
		(size_t)at, bytes, how, n->freed ? " freed" : "n",
		(uint64_t)n->size, (size_t)n->object, (size_t)end, pool);
}

void
guard_describe(const void *address)
{
	struct guard_note n;
	const struct guard_book *b = guard_book_look(address, &n);
	if (b == NULL)
		return;
	report_print("%s", "");
	if (n.object == 0) {
		report_print("%p is located in libvmem pool %p, which has had "
			     "no object",
			address, guard_book_base(b));
		return;
	}
	print_place(&n, (uintptr_t)address, guard_book_base(b));
	if (n.freed) {
		print_origin("freed", n.gone);
		print_origin("previously allocated", n.made);
	} else {
		print_origin("allocated", n.made);
	}
}

void
guard_wrong(const char *who, const void *p)
{
	struct guard_note n;
	const struct guard_book *b = guard_book_look(p, &n);
	const char *why = "no live object of a pool";
	if (b != NULL && n.freed && n.object == (uintptr_t)p)
		why = "an object that is freed already";
	report_print(RULE);
	report_print("==%d==ERROR: libvmem: %s: %p is %s", (int)getpid(), who,
		p, why);
	report_wrong(p);
}

/* what one stack has allocated, of what lives */
struct group {
	uint64_t nobjects, bytes;
	uint32_t stack;
};

struct groups {
	struct group *all; /* by number of the stack; later packed */
	uint64_t nobjects, bytes;
	uint32_t most; /* largest number */
};

static void
count(void *arg, const struct guard_note *n)
{
	struct groups *g = arg;
	struct group *one = &g->all[n->made.stack];
	one->nobjects++;
	one->bytes += n->size;
	one->stack = n->made.stack;
	g->nobjects++;
	g->bytes += n->size;
	if (n->made.stack > g->most)
		g->most = n->made.stack;
}

/* pack -- those with objects to the front, most bytes first; how many */
static uint32_t
pack(struct groups *g)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i <= g->most; i++)
		if (g->all[i].nobjects > 0)
			g->all[n++] = g->all[i];
	/* Shell's method */
	for (uint32_t gap = n / 2; gap > 0; gap /= 2)
		for (uint32_t i = gap; i < n; i++) {
			struct group one = g->all[i];
			uint32_t k = i;
			for (; k >= gap && g->all[k - gap].bytes < one.bytes;
				k -= gap)
				g->all[k] = g->all[k - gap];
			g->all[k] = one;
		}
	return n;
}

size_t
guard_leaks(struct guard_book *b, const char *when)
{
	size_t size = GUARD_STACKS * sizeof(struct group);
	struct groups g = {.all = guard_map(size)};
	if (g.all == NULL)
		return 0;
	guard_book_each(b, count, &g);
	uint32_t n = pack(&g);
	if (n > 0) {
		report_print("%s", "");
		report_print(RULE);
		report_print("==%d==ERROR: libvmem: pool %p has objects that "
			     "were never freed %s",
			(int)getpid(), guard_book_base(b), when);
		report_print("%s", "");
	}
	for (uint32_t i = 0; i < n; i++) {
		report_print("Leak of %" PRIu64 " byte(s) in %" PRIu64
			     " object(s) allocated from:",
			g.all[i].bytes, g.all[i].nobjects);
		print_stack(g.all[i].stack);
		report_print("%s", "");
	}
	if (n > 0)
		report_print("SUMMARY: libvmem: %" PRIu64
			     " byte(s) leaked in %" PRIu64 " allocation(s).",
			g.bytes, g.nobjects);
	os_unmap(g.all, size);
	return (size_t)g.nobjects;
}
