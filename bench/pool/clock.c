/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include "numbers.h"

#define CALIBRATION_NS 20e6

enum { EMPTY_SAMPLES = 1001 };

double
clock_tick_ns(void)
{
	static double tick_ns;
	double start;
	double now;
	uint64_t ticks;

	if (tick_ns > 0)
		return tick_ns;
	start = clock_ns();
	ticks = clock_ticks();
	do
		now = clock_ns();
	while (now - start < CALIBRATION_NS);
	tick_ns = (now - start) / (double)(clock_ticks() - ticks);
	return tick_ns;
}

double
clock_empty_ns(void)
{
	double samples[EMPTY_SAMPLES];

	for (int i = 0; i < EMPTY_SAMPLES; i++) {
		uint64_t ticks = clock_ticks();

		samples[i] = (double)(clock_ticks() - ticks);
	}
	return numbers_median(samples, EMPTY_SAMPLES) * clock_tick_ns();
}
