/* SPDX-License-Identifier: BSD-3-Clause */
#include "measure.h"

#include "clock.h"
#include "job.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	FIRST_NOPS = 1000,
	FITTING = 2, /* times in a row that are not faster than before */
	FITTING_MOST = 400,
	WARM_NOPS = 200000, /* and so many operations in all, */
	WARM_SLICES = 100,  /* or so long */
	WHOLE_ROUNDS_MAX = 3,
	ROUNDS_LEAST = 2, /* also when they take longer than they should, */
	LONGER = 3,       /* by this factor */
};

/* the whole processor's time is not had for less */
#define NS_MIN 1.0

/* a time that is faster than before by less than that is none */
#define IS_WARM 0.8

static const double percents[] = {50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100};
enum { NPERCENTS = sizeof(percents) / sizeof(percents[0]) };

/* one contender in a work */
struct racer {
	const struct contender *who;
	struct job job;
	const char *why; /* it is left out; NULL: it is not */
	char version[32];
	size_t nops;
	double values[ROUNDS_MAX];
	size_t nvalues;
	double nops_done; /* in the rounds */
	double faults;    /* the same: page faults */
	double major;
	double own;     /* bytes the process grew by while it was working */
	double peak;    /* bytes held: after the rounds, */
	double held;    /* when all is freed, */
	double trimmed; /* and after a trim; below 0: unknown */
};

static bool
is_racing(const struct racer *racer)
{
	return racer->why == NULL;
}

/* give_up -- what it had stays as it is: the process ends soon */
static void
give_up(struct racer *racer, const char *why)
{
	racer->why = strdup(why);
	if (racer->why == NULL)
		racer->why = "no memory";
}

/* grown -- what the process has grown by, where this contender's memory is */
static double
grown(const struct contender *who, const struct memory *memory)
{
	if (memory_is_file(memory) && !who->elsewhere)
		return memory_used(memory);
	return (double)memory_resident();
}

/* held -- by its region, or what was taken while it worked */
static double
held(const struct racer *racer)
{
	struct extent extent = racer->job.pool.extent;
	const struct memory *memory = racer->job.pool.memory;

	if (extent.base != NULL && !memory_is_file(memory))
		return (double)memory_held(extent);
	return racer->own;
}

static void
begin(struct racer *racer, const struct contender *who, const struct work *work,
	const struct memory *memory, const uint32_t *sizes)
{
	double before = grown(who, memory);
	const char *why;

	racer->who = who;
	why = who->load(racer->version, sizeof(racer->version));

	if (why == NULL)
		why = job_begin(&racer->job, work, who, memory, sizes);
	if (why != NULL)
		give_up(racer, why);
	racer->own = grown(who, memory) - before;
	if (who->elsewhere) /* the samples are not its own */
		racer->own -= (double)work_threads(work) * 2 * SAMPLES_MAX *
			      sizeof(uint32_t);
}

/* go -- do it once, and note what it cost; the figure, or below 0 */
static double
go(struct racer *racer)
{
	struct rusage after;
	double before_bytes = grown(racer->job.who, racer->job.pool.memory);
	double value;

	if (racer->job.pool.memory->kind == MEMORY_SLOW)
		memory_page_out(racer->job.pool.memory);
	job_mark(&racer->job);
	value = racer->job.work->shape->run(&racer->job, racer->nops);
	(void)getrusage(RUSAGE_SELF, &after);
	racer->own +=
		grown(racer->job.who, racer->job.pool.memory) - before_bytes;
	racer->nops_done += (double)racer->job.done;
	racer->major += (double)(after.ru_majflt - racer->job.before.ru_majflt);
	racer->faults +=
		(double)(after.ru_minflt - racer->job.before.ru_minflt +
			 after.ru_majflt - racer->job.before.ru_majflt);
	if (value < 0)
		give_up(racer, "no room");
	return value;
}

/*
 * fit -- how many operations fill a slice, once it is warm: pages that no round
 * before has touched cost the kernel's time, and much of it where they are huge
 */
static void
fit(struct racer *racer, const struct plan *plan)
{
	const struct shape *shape = racer->job.work->shape;
	double best = INFINITY, spent = 0;
	int nwarm = 0;

	racer->nops = shape->own_pools ? 1 : FIRST_NOPS;
	if (shape->whole)
		racer->nops = SIZE_MAX;
	for (int i = 0; i < FITTING_MOST && !shape->whole && is_racing(racer);
		i++) {
		double ns = go(racer);
		double fitting = plan->slice_ns / (ns > NS_MIN ? ns : NS_MIN);

		spent += ns * (double)racer->nops;
		/* the first times are cold: do not trust them far */
		if (fitting > (double)racer->nops * 100)
			fitting = (double)racer->nops * 100;
		racer->nops = fitting > 1 ? (size_t)fitting : 1;
		nwarm = ns > best * IS_WARM ? nwarm + 1 : 0;
		best = ns < best ? ns : best;
		if (nwarm >= FITTING && (spent > WARM_SLICES * plan->slice_ns ||
						racer->nops_done > WARM_NOPS))
			break;
	}
}

/*
 * settle -- once more, and what it cost counts for nothing
 *
 * What those after it have needed to be warm, in caches and in a virtual
 * machine's tables of pages, this one has lost: the first one up to three times
 * its time.
 */
static void
settle(struct racer *racer)
{
	if (!racer->job.work->shape->whole)
		(void)go(racer);
	racer->faults = 0;
	racer->major = 0;
	racer->nops_done = 0;
}

/* sample -- a run with the sampled heaps */
static void
sample(struct racer *racer)
{
	double faults = racer->faults;
	double major = racer->major;
	double nops_done = racer->nops_done;

	if (racer->job.work->shape->unit != UNIT_NS)
		return;
	racer->job.sampling = true;
	(void)go(racer);
	racer->job.sampling = false;
	racer->faults = faults;
	racer->major = major;
	racer->nops_done = nops_done;
}

static void
finish(struct racer *racer)
{
	const struct memory *memory = racer->job.pool.memory;
	const struct contender *who = racer->job.who;
	double before;

	racer->peak = held(racer);
	racer->trimmed = -1;
	before = grown(who, memory);
	job_end(&racer->job);
	racer->own += grown(who, memory) - before;
	racer->held = held(racer);
	if (who->trim != NULL && racer->job.pool.who != NULL) {
		before = grown(who, memory);
		job_trim(&racer->job);
		racer->own += grown(who, memory) - before;
		racer->trimmed = held(racer);
	}
}

/* percentiles -- of all threads' samples, in nanoseconds */
static json_t *
percentiles(const struct job *job, bool gets)
{
	size_t n = 0;
	uint32_t *all = calloc((size_t)THREADS_MAX * SAMPLES_MAX, sizeof(*all));
	json_t *out = json_object();

	for (size_t i = 0; i < work_threads(job->work) && all != NULL; i++) {
		const struct samples *from =
			gets ? &job->sampled[i].gets : &job->sampled[i].puts;

		memcpy(all + n, from->ticks, from->n * sizeof(*all));
		n += from->n;
	}
	if (n > 0) {
		char name[16];

		numbers_sort(all, n);
		for (int i = 0; i < NPERCENTS; i++) {
			double ticks = numbers_percentile(all, n, percents[i]);

			(void)snprintf(name, sizeof(name), "%g", percents[i]);
			(void)json_object_set_new(
				out, name, json_real(ticks * clock_tick_ns()));
		}
	}
	free(all);
	return out;
}

void
measure_set(json_t *out, const char *name, double value)
{
	(void)json_object_set_new(
		out, name, isfinite(value) ? json_real(value) : json_null());
}

static json_t *
figures(const struct racer *racer, const struct racer *ours)
{
	json_t *out = json_object();
	json_t *values = json_array();

	(void)json_object_set_new(out, "version", json_string(racer->version));
	(void)json_object_set_new(out, "peer",
		json_boolean(
			racer->who != ours->who && !racer->who->elsewhere));
	if (!is_racing(racer)) {
		(void)json_object_set_new(
			out, "left_out", json_string(racer->why));
		json_decref(values);
		return out;
	}
	for (size_t i = 0; i < racer->nvalues; i++)
		(void)json_array_append_new(
			values, json_real(racer->values[i]));
	(void)json_object_set_new(out, "values", values);
	measure_set(out, "faults", racer->faults / racer->nops_done * 1000);
	measure_set(
		out, "major_faults", racer->major / racer->nops_done * 1000);
	measure_set(out, "peak_bytes", racer->peak);
	measure_set(out, "held_bytes", racer->held);
	if (racer->trimmed >= 0)
		measure_set(out, "trimmed_bytes", racer->trimmed);
	(void)json_object_set_new(
		out, "malloc_ns", percentiles(&racer->job, true));
	(void)json_object_set_new(
		out, "free_ns", percentiles(&racer->job, false));
	return out;
}

static json_t *
result(const struct work *work, const struct memory *memory,
	const struct racer *racers, const struct plan *plan)
{
	json_t *out = json_object();
	json_t *by_contender = json_object();
	const struct racer *ours = &racers[0];

	(void)json_object_set_new(out, "work", json_string(work->name));
	(void)json_object_set_new(out, "memory", json_string(memory->name));
	(void)json_object_set_new(out, "what", json_string(work->what));
	(void)json_object_set_new(
		out, "operation", json_string(work->shape->op));
	(void)json_object_set_new(out, "unit",
		json_string(work->shape->unit == UNIT_NS ? "ns" : "percent"));
	(void)json_object_set_new(
		out, "threads", json_integer((json_int_t)work_threads(work)));
	(void)json_object_set_new(
		out, "touch", json_boolean(work->use == USE_ALL));
	(void)json_object_set_new(out, "pool_bytes",
		json_integer((json_int_t)work_pool_size(work)));
	measure_set(out, "clock_ns", clock_empty_ns());
	for (size_t i = 0; i < plan->ncontenders; i++)
		(void)json_object_set_new(by_contender,
			plan->contenders[i]->name, figures(&racers[i], ours));
	(void)json_object_set_new(out, "contenders", by_contender);
	return out;
}

static void
race(struct racer *racers, const struct plan *plan, size_t nrounds,
	size_t *done, size_t all,
	void (*step)(size_t done, size_t all, const char *who))
{
	size_t n = plan->ncontenders;
	uint32_t order[CONTENDERS_MAX];
	uint64_t random = NUMBERS_SEED ^ (uint64_t)getpid();
	double limit =
		clock_ns() + (double)(nrounds * n) * plan->slice_ns * LONGER;

	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (size_t round = 0; round < nrounds; round++) {
		if (round >= ROUNDS_LEAST && clock_ns() > limit)
			break;
		numbers_shuffle(order, n, &random);
		for (size_t i = 0; i < n; i++) {
			size_t who = order[i];
			struct racer *racer = &racers[who];

			step((*done)++, all, plan->contenders[who]->name);
			if (is_racing(racer))
				racer->values[racer->nvalues++] = go(racer);
		}
	}
	for (size_t i = 0; i < n; i++) {
		step((*done)++, all, plan->contenders[i]->name);
		if (is_racing(&racers[i]))
			sample(&racers[i]);
	}
}

/* as_planned -- the work, with the use of objects that is wanted */
static const struct work *
as_planned(const struct work *work, const struct plan *plan)
{
	static struct work writes;

	if (!plan->first_word || work->use != USE_NOT)
		return work;
	writes = *work;
	writes.use = USE_WORD;
	return &writes;
}

json_t *
measure(const struct work *asked, const struct memory *memory,
	const struct plan *plan,
	void (*step)(size_t done, size_t all, const char *who))
{
	const struct work *work = as_planned(asked, plan);
	static uint32_t sizes[SIZES];
	static struct racer racers[CONTENDERS_MAX];
	size_t n = plan->ncontenders;
	size_t nrounds = plan->nrounds;
	size_t done = 0;
	size_t all;
	json_t *out;

	all = n * (nrounds + 3);
	job_sizes(work, sizes);
	for (size_t i = 0; i < n; i++) {
		step(done++, all, plan->contenders[i]->name);
		begin(&racers[i], plan->contenders[i], work, memory, sizes);
		if (is_racing(&racers[i]))
			fit(&racers[i], plan);
	}
	for (size_t i = 0; i < n; i++)
		if (is_racing(&racers[i]))
			settle(&racers[i]);
	race(racers, plan, nrounds, &done, all, step);
	for (size_t i = 0; i < n; i++) {
		step(done++, all, plan->contenders[i]->name);
		if (is_racing(&racers[i]))
			finish(&racers[i]);
	}
	out = result(work, memory, racers, plan);
	for (size_t i = 0; i < n; i++)
		if (is_racing(&racers[i]))
			job_close(&racers[i].job);
	return out;
}

size_t
measure_rounds(const struct work *work, size_t nrounds)
{
	if (work->shape->unit == UNIT_PERCENT)
		return 1;
	if (work->shape->whole && nrounds > WHOLE_ROUNDS_MAX)
		return WHOLE_ROUNDS_MAX;
	return nrounds;
}

size_t
measure_processes(const struct work *work, size_t nprocesses)
{
	bool few = work->shape->whole || work->shape->unit == UNIT_PERCENT;

	return few ? 1 : nprocesses;
}

bool
measure_fits(const struct work *work, const struct memory *memory)
{
	return work->only == 0 || (work->only & 1u << memory->kind) != 0;
}
