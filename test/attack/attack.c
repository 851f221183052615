/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attack.c -- the attacks, and life after them
 */
#include "attack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE ((size_t)64 * 1024) /* objects of so much are few */

static size_t size;

/* some -- few objects: as many as small ones lie in a cache, or less */
static size_t
some(void)
{
	return size < LARGE ? 64 : 12;
}

/* victim -- a live object, which the caller is about to free */
static char *
victim(void)
{
	char *first = NULL, *second = NULL;

	objects_pair(&first, &second);
	objects_forget(first);
	return first;
}

/* then_others -- n more objects are freed */
static void
then_others(size_t n)
{
	for (; n > 0; n--)
		heap_give(victim());
}

static void
twice(void)
{
	char *v = victim();

	heap_give(v);
	heap_give(v);
}

static void
twice_after_one(void)
{
	char *v = victim();

	heap_give(v);
	then_others(1);
	heap_give(v);
}

static void
twice_after_four(void)
{
	char *v = victim();

	heap_give(v);
	then_others(4);
	heap_give(v);
}

static void
twice_after_many(void)
{
	char *v = victim();

	heap_give(v);
	then_others(some() - 2);
	heap_give(v);
}

static void
twice_when_reused(void)
{
	char *v = victim();

	heap_give(v);
	for (size_t i = 0; i < some() && !objects_holds(v); i++)
		objects_take(1, size);
	heap_give(v);
}

static void
elsewhere_then_here(void)
{
	char *v = victim();

	heap_give_elsewhere(v);
	heap_give(v);
}

static void
here_then_elsewhere(void)
{
	char *v = victim();

	heap_give(v);
	heap_give_elsewhere(v);
}

static void
elsewhere_twice(void)
{
	char *v = victim();

	heap_give_elsewhere(v);
	heap_give_elsewhere(v);
}

static void
inner_16(void)
{
	char *first = NULL, *second = NULL;

	objects_pair(&first, &second);
	heap_give(first + 16);
}

static void
inner_1(void)
{
	char *first = NULL, *second = NULL;

	objects_pair(&first, &second);
	heap_give(first + 1);
}

/* give_or_none -- NULL: the heap has no such thing */
static void
give_or_none(void *p)
{
	if (p != NULL) {
		heap_give(p);
		return;
	}
	say("none");
	exit(0);
}

static void
header(void)
{
	give_or_none(heap_header());
}

static void
metadata(void)
{
	give_or_none(heap_metadata());
}

static void
other_pool(void)
{
	give_or_none(heap_other_object(size));
}

static void
stack(void)
{
	char bytes[128];

	memset(bytes, 0, sizeof(bytes));
	/* as aligned as an object is */
	heap_give(bytes + (16 - (size_t)bytes % 16) % 16 + 16);
}

static void
mapping(void)
{
	char *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	heap_give(p + 4096 + 16);
}

/* attack_bytes -- what the compiler must not see through */
static void
attack_bytes(char *p, size_t n)
{
	for (volatile char *at = p; n > 0; n--)
		*at++ = 'A';
}

static void
overflow_1(void)
{
	char *first = NULL, *second = NULL;

	objects_pair(&first, &second);
	attack_bytes(first + heap_usable(first), 1);
}

static void
underflow_1(void)
{
	char *first = NULL, *second = NULL;

	objects_pair(&first, &second);
	attack_bytes(second - 1, 1);
}

static void
overflow_1_free(void)
{
	char *first = NULL, *second = NULL;

	objects_pair(&first, &second);
	attack_bytes(first + heap_usable(first), 1);
	objects_forget(first);
	heap_give(first);
}

static void
underflow_1_free(void)
{
	char *first = NULL, *second = NULL;

	objects_pair(&first, &second);
	attack_bytes(second - 1, 1);
	objects_forget(second);
	heap_give(second);
}

static void
damaged_neighbour(void)
{
	char *first = NULL, *second = NULL;

	objects_pair(&first, &second);
	attack_bytes(first + heap_usable(first), 32);
	objects_forget(second);
	heap_give(second);
}

static void
write_after_free(void)
{
	char *v = victim();

	heap_give(v);
	attack_bytes(v, 32);
}

static const struct {
	const char *name;
	void (*run)(void);
} attacks[] = {
	{"twice", twice},
	{"twice-after-1", twice_after_one},
	{"twice-after-4", twice_after_four},
	{"twice-after-many", twice_after_many},
	{"twice-reused", twice_when_reused},
	{"elsewhere-here", elsewhere_then_here},
	{"here-elsewhere", here_then_elsewhere},
	{"elsewhere-twice", elsewhere_twice},
	{"inner-16", inner_16},
	{"inner-1", inner_1},
	{"header", header},
	{"metadata", metadata},
	{"other-pool", other_pool},
	{"stack", stack},
	{"mapping", mapping},
	{"overflow-1", overflow_1},
	{"underflow-1", underflow_1},
	{"overflow-1-free", overflow_1_free},
	{"underflow-1-free", underflow_1_free},
	{"damaged-neighbour", damaged_neighbour},
	{"write-after-free", write_after_free},
};

static void
say_if_told(const char *word)
{
	if (heap_has_told())
		say(word);
}

/*
 * aftermath -- the program goes on with objects of that size, at first with
 * few, then with as many as nothing that lies in any cache can serve
 */
static void
aftermath(void)
{
	size_t n = some();

	for (unsigned round = 0; round < 3; round++) {
		objects_take(n, size);
		say_if_told("later");
		objects_give();
		say_if_told("later");
		n *= size < LARGE ? 8 : 2;
	}
	if (heap_is_damaged())
		say("check");
}

int
main(int argc, char **argv)
{
	if (argc != 4 || !heap_open(argv[1]))
		return 2;
	size = strtoul(argv[3], NULL, 10);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strcmp(attacks[i].name, argv[2]) != 0)
			continue;
		objects_take(some(), size);
		say("ready");
		attacks[i].run();
		say("done");
		say_if_told("refused");
		aftermath();
		say("end");
		return 0;
	}
	return 2;
}
