/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spark.h -- a row of numbers as a line of small bars
 */
#ifndef CLI_SPARK_H
#define CLI_SPARK_H

#include <stdbool.h>
#include <stddef.h>

#define SPARK_BYTES 4 /* of a bar, at most */

/* the last numbers of something, the newest last */
#define HISTORY_LENGTH 120

struct history {
	double value[HISTORY_LENGTH];
	size_t n;
};

void history_add(struct history *h, double value);

/*
 * spark_text -- the newest `width` numbers, on the right side of as many
 * columns; a full bar is `most`, or the largest of them where that is 0
 * wide  the terminal shows Unicode
 */
void spark_text(char *text, size_t size, const struct history *h, size_t width,
	double most, bool wide);

/* spark_bar -- a bar of `width` columns that is full by a share from 0 to 1 */
void spark_bar(char *text, size_t size, size_t width, double share, bool wide);

#endif
