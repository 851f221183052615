/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * export.h -- the forms in which a profile is written
 */
#ifndef PROFILE_EXPORT_H
#define PROFILE_EXPORT_H

#include "profile/profile.h"
#include "profile/sink.h"

/* points_round -- what is counted in 1/1024 as a whole number */
static inline uint64_t
points_round(uint64_t points)
{
	return (points + (UINT64_C(1) << (PROFILE_LG_POINT - 1))) >>
	       PROFILE_LG_POINT;
}

/* all return 0, or -ENOMEM; errors of the file stay in the sink */
int export_pprof(const struct profile_view *v, struct sink *s);
int export_folded(const struct profile_view *v, struct sink *s);
int export_text(const struct profile_view *v, struct sink *s);

#endif
