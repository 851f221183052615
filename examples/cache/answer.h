/* SPDX-License-Identifier: BSD-3-Clause */
/* answer.h -- what a session's client is told */
#ifndef CACHE_ANSWER_H
#define CACHE_ANSWER_H

#include "command.h"

/* answer -- a line, unless the request said "noreply"; the end is put to it */
void answer(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* answer_value -- an item, as get and gets show it */
void answer_value(
	struct session *session, const struct item *item, bool with_unique);

/* answer_stats -- figures of the store, the pool and the process */
void answer_stats(struct session *session);

#endif /* CACHE_ANSWER_H */
