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
#include "base/sort.h"

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
};

struct groups {
	struct group of[GUARD_STACKS]; /* by number of the stack */
	uint32_t order[GUARD_STACKS];  /* those that have objects */
	uint32_t n;
	uint64_t nobjects, bytes;
};

static void
count(void *arg, const struct guard_note *n)
{
	struct groups *g = arg;
	struct group *one = &g->of[n->made.stack];
	if (one->nobjects++ == 0)
		g->order[g->n++] = n->made.stack;
	one->bytes += n->size;
	g->nobjects++;
	g->bytes += n->size;
}

static uint64_t
bytes_of(const void *of, uint32_t stack)
{
	const struct groups *g = of;
	return g->of[stack].bytes;
}

static void
print_groups(const struct groups *g, const void *pool, const char *when)
{
	report_print("%s", "");
	report_print(RULE);
	report_print(
		"==%d==ERROR: libvmem: pool %p has objects that were never "
		"freed %s",
		(int)getpid(), pool, when);
	report_print("%s", "");
	for (uint32_t i = 0; i < g->n; i++) {
		const struct group *one = &g->of[g->order[i]];
		report_print("Leak of %" PRIu64 " byte(s) in %" PRIu64
			     " object(s) allocated from:",
			one->bytes, one->nobjects);
		print_stack(g->order[i]);
		report_print("%s", "");
	}
	report_print("SUMMARY: libvmem: %" PRIu64 " byte(s) leaked in %" PRIu64
		     " allocation(s).",
		g->bytes, g->nobjects);
}

size_t
guard_leaks(struct guard_book *b, const char *when)
{
	struct groups *g = guard_map(sizeof(*g));
	if (g == NULL)
		return 0;
	guard_book_each(b, count, g);
	sort_largest_first(g->order, g->n, bytes_of, g);
	if (g->n > 0)
		print_groups(g, guard_book_base(b), when);
	size_t nobjects = (size_t)g->nobjects;
	os_unmap(g, sizeof(*g));
	return nobjects;
}
