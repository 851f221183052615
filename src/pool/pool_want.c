/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_want.c -- what a new pool shall be like, and what the environment says
 */
#include "base/config.h"
#include "base/guard.h"
#include "base/misuse.h"
#include "pool/pool_internal.h"

void
pool_want_init(struct pool_want *want, enum backing_source from, size_t size,
	size_t least)
{
	*want = (struct pool_want){
		.backing = {.from = from, .fd = -1, .size = size},
		.least = least,
		.hardening = POOL_HARDENING_DEFAULT,
		.decay_ms = RUN_DECAY_DEFAULT,
		.at_fork = POOL_FORK_SHARE,
	};
}

void
pool_want_override(struct pool_want *want)
{
	struct backing_want *b = &want->backing;
	struct config config = {
		.hardening = want->hardening == POOL_HARDENING_DEFAULT
				     ? CONFIG_DEFAULT_HARDENING
				     : want->hardening,
		.decay_ms = want->decay_ms,
		.sparse = b->sparse,
		.prefault = b->prefault,
		.huge = b->huge,
		.readahead = b->ahead,
	};
	config_read(&config);
	want->hardening = guard_on ? HARDENING_EXACT : config.hardening;
	misuse_init(config.abort != 0);
	want->decay_ms = config.decay_ms;
	b->sparse = config.sparse != 0;
	b->prefault = config.prefault != 0;
	b->huge = config.huge;
	b->ahead = config.readahead != 0;
}
