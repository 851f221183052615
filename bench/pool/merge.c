/* SPDX-License-Identifier: BSD-3-Clause */
#include "merge.h"

#include "measure.h"
#include "numbers.h"

#include <math.h>

/* of_part -- a contender's figures in one part */
static const json_t *
of_part(const json_t *part, const char *name)
{
	return json_object_get(json_object_get(part, "contenders"), name);
}

/* left_out -- a part in which a contender is left out; NULL: none */
static const json_t *
left_out(const json_t *parts, const char *name)
{
	const json_t *part;
	size_t i;

	json_array_foreach(parts, i, part)
	{
		const json_t *figures = of_part(part, name);

		if (figures != NULL &&
			json_object_get(figures, "left_out") != NULL)
			return figures;
	}
	return NULL;
}

/*
 * medians -- each number of *out becomes its median over the parts; `inside` is
 * the object in the figures that *out is of, NULL: they themselves
 */
static void
medians(json_t *out, const json_t *parts, const char *name, const char *inside)
{
	json_t *value;
	const char *key;
	void *next;

	json_object_foreach_safe(out, next, key, value)
	{
		double seen[ROUNDS_MAX];
		size_t n = 0, i;
		const json_t *part;

		if (json_is_object(value))
			medians(value, parts, name, key);
		if (!json_is_real(value))
			continue;
		json_array_foreach(parts, i, part)
		{
			const json_t *from = of_part(part, name);

			if (inside != NULL)
				from = json_object_get(from, inside);
			from = json_object_get(from, key);
			if (json_is_real(from) && n < ROUNDS_MAX)
				seen[n++] = json_real_value(from);
		}
		measure_set(out, key, numbers_median(seen, n));
	}
}

/* add_rounds -- all values, and what follows from them */
static void
add_rounds(json_t *out, const json_t *parts, const char *name, const char *ours)
{
	json_t *values = json_array();
	double sorted[ROUNDS_MAX], ratios[ROUNDS_MAX];
	size_t n = 0, nratios = 0, i, j;
	const json_t *part, *value;

	json_array_foreach(parts, i, part)
	{
		const json_t *of_ours =
			json_object_get(of_part(part, ours), "values");

		json_array_foreach(
			json_object_get(of_part(part, name), "values"), j,
			value)
		{
			double by =
				json_number_value(json_array_get(of_ours, j));

			if (n == ROUNDS_MAX)
				break;
			(void)json_array_append_new(
				values, json_real(json_real_value(value)));
			sorted[n++] = json_real_value(value);
			if (by > 0)
				ratios[nratios++] = json_real_value(value) / by;
		}
	}
	measure_set(out, "median", numbers_median(sorted, n));
	measure_set(out, "least", n > 0 ? sorted[0] : NAN);
	measure_set(out, "most", n > 0 ? sorted[n - 1] : NAN);
	if (nratios > 0)
		measure_set(out, "by_ours", numbers_median(ratios, nratios));
	(void)json_object_set_new(out, "values", values);
}

json_t *
merge(const json_t *parts)
{
	json_t *out = json_deep_copy(json_array_get(parts, 0));
	json_t *figures_of = json_object_get(out, "contenders");
	const char *name, *ours = NULL;
	json_t *figures;
	void *next;

	/* the first is ours: measure() adds them in the order of the plan */
	json_object_foreach_safe(figures_of, next, name, figures)
	{
		const json_t *without = left_out(parts, name);

		if (ours == NULL)
			ours = name;
		if (without != NULL) {
			(void)json_object_set_new(
				figures_of, name, json_deep_copy(without));
			continue;
		}
		medians(figures, parts, name, NULL);
		add_rounds(figures, parts, name, ours);
	}
	return out;
}
