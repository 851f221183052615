/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * damage.c -- change bytes of a pool's metadata, and see what the check says
 */
#include "harness/damage.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE      ((size_t)4096)
#define HANG_S    20
#define UNIT      ((size_t)8)  /* bytes of a word */
#define BIG       ((size_t)64) /* of larger fields only a part is tried */
#define BIG_SHARE (TEST_SANITIZED ? 61u : 17u)
#define SHARE     (TEST_SANITIZED ? 7u : 1u)
#define MANY      40 /* changes at once */
#define BLOCK     ((size_t)256)

static const char *const worth_names[NWORTHS] = {
	"", "counter", "hint", "other lawful states", "unused"};

static const char *trying = "no damage";

static void
crashed(int signum)
{
	static const char text[] = ": crash, write or hang\n";

	/* nothing to be done when it cannot be said */
	if (write(STDERR_FILENO, trying, strlen(trying)) > 0)
		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(TEST_SIGNAL(signum));
}

void
damage_open(struct damage *d, size_t size, const char *name)
{
	int fd = memfd_create("pool", MFD_CLOEXEC);

	rng_init(&d->rng, name);
	d->size = size;
	must(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	d->pool = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	d->twin = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(d->pool != MAP_FAILED && d->twin != MAP_FAILED);
	must(close(fd) == 0);
	d->vmp = vmem_create_in_region(d->pool, size);
	must(d->vmp != NULL);
}

void
damage_seal(struct damage *d)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGALRM};
	struct sigaction sa = {.sa_handler = crashed};

	must(mprotect(d->pool + PAGE, d->size - PAGE, PROT_READ) == 0);
	for (size_t i = 0; i < NELEM(signals); i++)
		must(sigaction(signals[i], &sa, NULL) == 0);
	must(!damage_is_found(d));
}

void
damage_name(const char *name)
{
	trying = name;
}

bool
damage_is_found(const struct damage *d)
{
	int verdict;

	(void)alarm(HANG_S);
	verdict = vmem_check(d->vmp);
	must(verdict == 0 || verdict == 1);
	return verdict == 0;
}

unsigned char *
damage_twin(const struct damage *d, const void *in_pool)
{
	return (unsigned char *)d->twin + ((const char *)in_pool - d->pool);
}

void
damage_bits(struct damage *d, struct field *f, const void *p, size_t n,
	size_t stride)
{
	unsigned char *at = damage_twin(d, p);

	for (size_t bit = 0; bit < n; bit += stride) {
		unsigned char mask = (unsigned char)(1u << bit % 8);

		at[bit / 8] ^= mask;
		f->nbits++;
		f->nbits_found += damage_is_found(d);
		at[bit / 8] ^= mask;
	}
}

void
damage_bytes(struct damage *d, struct field *f, const void *p,
	const void *bytes, size_t n)
{
	unsigned char *at = damage_twin(d, p), saved[BLOCK];

	must(n <= sizeof(saved));
	if (memcmp(at, bytes, n) == 0)
		return;
	memcpy(saved, at, n);
	memcpy(at, bytes, n);
	f->nmore++;
	f->nmore_found += damage_is_found(d);
	memcpy(at, saved, n);
}

static void
damage_field(struct damage *d, struct field *f, const void *object)
{
	static const unsigned char zero[UNIT];
	const unsigned char *p = (const unsigned char *)object + f->off;
	size_t unit = f->size < UNIT ? f->size : UNIT;
	size_t stride = f->size > BIG ? BIG_SHARE : SHARE;

	damage_name(f->name);
	damage_bits(d, f, p, f->size * 8, stride);
	for (size_t i = 0; i < f->size; i += stride) {
		unsigned char one = (unsigned char)~p[i];

		damage_bytes(d, f, p + i, &one, 1);
	}
	for (size_t i = 0; i + unit <= f->size; i += unit * stride) {
		unsigned char noise[UNIT];

		rng_fill(&d->rng, noise, unit);
		damage_bytes(d, f, p + i, noise, unit);
		damage_bytes(d, f, p + i, zero, unit);
	}
}

void
damage_fields(
	struct damage *d, struct field *fields, size_t n, const void *object)
{
	for (size_t i = 0; i < n; i++)
		damage_field(d, &fields[i], object);
	must(!damage_is_found(d));
}

bool
damage_random(struct damage *d, const bool *skip)
{
	static unsigned char saved[MANY][BLOCK];
	unsigned char *at[MANY];
	size_t len[MANY];
	size_t n = rng_between(&d->rng, 0, 3) == 0 ? MANY : 1;
	bool found;

	damage_name("random");
	for (size_t i = 0; i < n;) {
		/* half of all into the header and what lies behind it */
		bool low = rng_between(&d->rng, 0, 1) == 0;
		size_t last = low ? 8 : d->size / PAGE - 1;
		size_t page = rng_between(&d->rng, 1, last);
		size_t off = rng_between(&d->rng, 0, PAGE - BLOCK);

		if (skip[page])
			continue;
		at[i] = (unsigned char *)d->twin + page * PAGE + off;
		len[i] = (size_t)1 << rng_between(&d->rng, 0, 8);
		memcpy(saved[i], at[i], len[i]);
		if (rng_between(&d->rng, 0, 2) == 0)
			at[i][0] ^= (unsigned char)(1u << rng_between(
							    &d->rng, 0, 7));
		else
			rng_fill(&d->rng, at[i], len[i]);
		i++;
	}
	found = damage_is_found(d);
	while (n-- > 0)
		memcpy(at[n], saved[n], len[n]);
	return found;
}

void
damage_report(
	const struct field *fields, size_t n, size_t *tried, size_t *found)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		size_t all = f->nbits + f->nmore;
		size_t seen = f->nbits_found + f->nmore_found;
		const char *what = worth_names[f->worth];

		if (f->worth == MATTERS && seen < all)
			what = "MISSED";
		(void)printf("  %-25s bits %6zu of %6zu, more %5zu of %5zu  "
			     "%s\n",
			f->name, f->nbits_found, f->nbits, f->nmore_found,
			f->nmore, what);
		if (f->worth == MATTERS) {
			*tried += all;
			*found += seen;
		}
	}
}
