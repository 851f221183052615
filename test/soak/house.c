/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * house.c -- pools that come and go; checks, trims, statistics, profiles
 */
#include "soak/soak.h"

#include <sys/mman.h>
#include <unistd.h>

#include "harness/objects.h"

void
soak_wait(struct rng *rng, size_t most_us)
{
	must(usleep((useconds_t)rng_between(rng, 0, most_us)) == 0 ||
		errno == EINTR);
}

/* found -- a pool of a random kind; *ret_region is its region if it has one */
static VMEM *
found(struct rng *rng, struct soak *s, void **ret_region)
{
	struct vmem_options o;

	*ret_region = NULL;
	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.size = VMEM_MIN_POOL;
	o.hardening = (int)rng_between(rng, 0, 3);
	o.path = s->dir;
	switch (rng_between(rng, 0, 4)) {
	case 0:
		o.source = VMEM_SOURCE_MEMFD;
		break;
	case 1:
		o.source = VMEM_SOURCE_PRIVATE;
		break;
	case 2:
		o.source = VMEM_SOURCE_REGION;
		o.addr = mmap(NULL, o.size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(o.addr != MAP_FAILED);
		*ret_region = o.addr;
		break;
	case 3:
		o.max_size = 2 * o.size;
		break;
	default:
		return vmem_create(s->dir, o.size);
	}
	if (o.source != VMEM_SOURCE_PATH)
		o.path = NULL;
	return vmem_create_opts(&o);
}

void
house_found(struct rng *rng, struct soak *s)
{
	while (!deadline_is_over(s->end)) {
		struct objects set;
		void *region;
		VMEM *vmp = found(rng, s, &region);

		must(vmp != NULL);
		objects_init(&set, vmp);
		objects_churn(&set, rng, rng_between(rng, 0, 2000), 10000);
		must(vmem_check(vmp) == 1);
		/* a pool may be deleted with all that is in it */
		if (rng_between(rng, 0, 1) == 0)
			objects_fini(&set);
		vmem_delete(vmp);
		objects_abandon(&set);
		must(region == NULL || munmap(region, VMEM_MIN_POOL) == 0);
		atomic_fetch_add(&s->npools, 1);
		soak_wait(rng, 20000);
	}
}

static void
ignore_text(const char *text)
{
	must(text != NULL);
}

/* leak -- what is lost on purpose in a wait of so many microseconds */
static void
leak(struct soak *s, VMEM *vmp, size_t us)
{
	size_t bytes = s->leak * us / 1000000;

	if (bytes > 0)
		(void)vmem_calloc(vmp, 1, bytes);
}

void
house_keep(struct rng *rng, struct soak *s)
{
	vmem_set_funcs(NULL, NULL, NULL, NULL, ignore_text);
	while (!deadline_is_over(s->end)) {
		VMEM *vmp = s->at[rng_between(rng, 0, SOAK_POOLS - 1)].vmp;

		switch (rng_between(rng, 0, 5)) {
		case 0:
			must(vmem_trim(vmp, rng_between(rng, 0, 8 * MIB)) >= 0);
			atomic_fetch_add(&s->ntrims, 1);
			break;
		case 1:
			vmem_stats_print(vmp, "J");
			break;
		case 2:
			must(vmem_decay(vmp, (int)rng_between(rng, 0, 5000)) ==
				0);
			break;
		case 3:
			must(vmem_profile_start(vmp, 100000) == 0);
			soak_wait(rng, 50000);
			must(vmem_profile_stop(vmp) == 0);
			break;
		default:
			must(vmem_check(vmp) == 1);
			atomic_fetch_add(&s->nchecks, 1);
		}
		soak_wait(rng, 50000);
		leak(s, vmp, 25000);
	}
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
}
