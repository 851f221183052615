/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tier_plan.c -- what VMMALLOC_TIERS says
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arith.h"
#include "base/assert.h"
#include "libvmmalloc.h"
#include "libvmmalloc/settings.h"
#include "libvmmalloc/tiers.h"

static const char threshold_key[] = "threshold=";
static const char ratio_key[] = "ratio=";

/* wrong -- the last line, with the item that is not understood */
static _Noreturn void
wrong(const char *why, const char *item, size_t n)
{
	die("invalid VMMALLOC_TIERS: %s (%.*s)", why, (int)n, item);
}

/* set_path -- see tier_set_path(); 0 or an errno */
static int
set_path(struct tier_spec *tier, const char *path, size_t n)
{
	size_t have = 0;
	/* as the system has it: no name is no file's, not the directory's */
	if (n == 0)
		return ENOENT;
	if (path[0] != '/') {
		/* the system's answer: it takes no memory for it */
		if (getcwd(tier->path, sizeof(tier->path)) == NULL)
			return errno;
		have = strlen(tier->path);
		if (have + 1 < sizeof(tier->path))
			tier->path[have++] = '/';
	}
	if (n >= sizeof(tier->path) - have)
		return ENAMETOOLONG;
	memcpy(tier->path + have, path, n);
	tier->path[have + n] = '\0';
	return 0;
}

void
tier_set_path(struct tier_spec *tier, const char *path, size_t n)
{
	int saved = errno;
	tier->err = set_path(tier, path, n);
	if (tier->err != 0)
		tier->path[0] = '\0';
	errno = saved;
}

/* last_colon -- in a text of n bytes, or NULL */
static const char *
last_colon(const char *text, size_t n)
{
	while (n-- > 0)
		if (text[n] == ':')
			return text + n;
	return NULL;
}

/* parse_tier -- NAME:WHERE[:SIZE], n bytes */
static void
parse_tier(struct tier_spec *ret, const char *item, size_t n)
{
	const char *where = memchr(item, ':', n);
	size_t nname = where == NULL ? 0 : (size_t)(where - item);
	if (nname == 0 || nname >= sizeof(ret->name))
		wrong("a tier is NAME:anon|PATH[:SIZE]", item, n);
	memset(ret->name, 0, sizeof(ret->name));
	memcpy(ret->name, item, min_size(nname, sizeof(ret->name) - 1));
	where++;
	const char *last = item + n, *end;
	const char *colon = last_colon(where, (size_t)(last - where));
	ret->size = VMMALLOC_MIN_POOL;
	if (colon != NULL) {
		if (!parse_size(colon + 1, &end, &ret->size) || end != last)
			wrong("no size", item, n);
		if (ret->size < VMMALLOC_MIN_POOL)
			wrong("less than the minimum of 14680064", item, n);
		last = colon;
	}
	size_t nwhere = (size_t)(last - where);
	if (nwhere == 0)
		wrong("a tier is NAME:anon|PATH[:SIZE]", item, n);
	ret->path[0] = '\0';
	ret->err = 0;
	if (nwhere == strlen(TIER_ANON) &&
		memcmp(where, TIER_ANON, nwhere) == 0) {
		if (colon == NULL)
			wrong("anon needs a size", item, n);
	} else {
		tier_set_path(ret, where, nwhere);
		if (ret->err == ENAMETOOLONG)
			wrong("path too long", item, n);
	}
}

/*
 * parse_policy -- the values behind the "=" of a policy, with ":" between
 * thresholds are of the tiers from the second on, shares of all
 */
static void
parse_policy(struct tier_plan *plan, bool ratio, const char *item, size_t n)
{
	const char *at = memchr(item, '=', n), *last = item + n;
	size_t low = 0;
	unsigned i = ratio ? 0 : 1;
	for (at++;; at++, i++) {
		size_t value;
		const char *end;
		if (i >= plan->ntiers)
			wrong("more values than tiers", item, n);
		if (!parse_size(at, &end, &value) || end > last ||
			value <= low || (ratio && value > RATIO_MOST))
			wrong(ratio ? "no ratio" : "no rising sizes", item, n);
		if (ratio)
			plan->tier[i].share = (unsigned)value;
		else
			plan->tier[i].from = low = value;
		at = end;
		if (at == last)
			break;
		if (*at != ':')
			wrong("values are separated by ':'", item, n);
	}
	if (i + 1 < plan->ntiers)
		wrong("fewer values than tiers", item, n);
}

static bool
starts_with(const char *text, const char *key)
{
	return strncmp(text, key, strlen(key)) == 0;
}

void
tier_plan_parse(struct tier_plan *ret, const char *text)
{
	const char *policy = NULL;
	size_t npolicy = 0;
	ret->ntiers = 0;
	for (const char *item = text; *item != '\0';) {
		size_t n = strcspn(item, ",");
		if (starts_with(item, threshold_key) ||
			starts_with(item, ratio_key)) {
			if (policy != NULL)
				wrong("two policies", item, n);
			policy = item;
			npolicy = n;
		} else if (ret->ntiers == TIERS_MAX) {
			wrong("more than 8 tiers", item, n);
		} else {
			parse_tier(&ret->tier[ret->ntiers++], item, n);
		}
		item += n;
		item += *item == ',';
	}
	if (ret->ntiers == 0)
		wrong("no tier", text, strlen(text));
	if (policy != NULL)
		parse_policy(
			ret, starts_with(policy, ratio_key), policy, npolicy);
}
