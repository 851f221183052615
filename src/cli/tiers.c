/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tiers.c -- the text of VMMALLOC_TIERS
 *
 * The form of the whole list is looked at first, then each tier's place: what
 * is written wrongly is told before what is not there.
 */
#include "cli/tiers.h"

#include <errno.h>
#include <libvmem.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/place.h"
#include "cli/size.h"

#define NAME_CHARACTERS                                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* limits of the preload library */
#define TIERS_MOST ((size_t)8)
#define NAME_MOST  ((size_t)31)
#define RATIO_MOST ((size_t)1000)

#define WHAT_SIZE 48 /* of a tier's name in front of a message */

/* a part of the list, which is no string of its own */
struct text {
	const char *at;
	size_t len;
};

struct tier {
	struct text name;
	struct text kind;
	size_t size;
};

/* what the list says */
struct list {
	struct tier tiers[TIERS_MOST];
	size_t ntiers;
	struct text policy; /* the item; at NULL there is none */
};

static bool
is(const struct text *text, const char *word)
{
	return text->len == strlen(word) &&
	       memcmp(text->at, word, text->len) == 0;
}

/* wrong -- an item, and what is wrong with it */
static int
wrong(const struct text *item, const char *why)
{
	return refuse(STATUS_USAGE, "tiers: '%.*s' %s", (int)item->len,
		item->at, why);
}

/* read_size -- a number as the library reads it: it knows the letters alone */
static bool
read_size(const struct text *text, size_t *ret_size)
{
	return size_parse(text->at, text->len, ret_size) && *ret_size != 0 &&
	       text->at[text->len - 1] != 'B';
}

/* read_tier_size -- what stands behind the last colon, if there is one */
static int
read_tier_size(struct tier *tier, const struct text *item)
{
	const char *end = tier->kind.at + tier->kind.len;
	const char *colon = memrchr(tier->kind.at, ':', tier->kind.len);
	struct text size;

	tier->size = VMEM_MIN_POOL;
	if (colon == NULL)
		return is(&tier->kind, "anon")
			       ? wrong(item, "says no size, and anon needs one")
			       : 0;
	tier->kind.len = (size_t)(colon - tier->kind.at);
	size.at = colon + 1;
	size.len = (size_t)(end - size.at);
	if (!read_size(&size, &tier->size))
		return refuse(STATUS_USAGE,
			"tiers: '%.*s' is no size in '%.*s'", (int)size.len,
			size.at, (int)item->len, item->at);
	if (tier->size < VMEM_MIN_POOL)
		return refuse(STATUS_USAGE,
			"tiers: '%.*s' is less than a pool can have (%zu) in "
			"'%.*s'",
			(int)size.len, size.at, VMEM_MIN_POOL, (int)item->len,
			item->at);
	return 0;
}

/* read_tier -- NAME:KIND or NAME:KIND:SIZE */
static int
read_tier(struct list *list, const struct text *item, size_t name_len)
{
	struct tier *tier = &list->tiers[list->ntiers];

	if (list->ntiers == TIERS_MOST)
		return refuse(STATUS_USAGE,
			"tiers: '%.*s' is one more than there can be (%zu)",
			(int)item->len, item->at, TIERS_MOST);
	if (name_len > NAME_MOST)
		return refuse(STATUS_USAGE,
			"tiers: the name in '%.*s' has more than %zu "
			"characters",
			(int)item->len, item->at, NAME_MOST);
	tier->name = (struct text){item->at, name_len};
	tier->kind.at = item->at + name_len + 1;
	tier->kind.len = item->len - name_len - 1;
	if (tier->kind.len == 0 || *tier->kind.at == ':')
		return wrong(item, "says no kind of memory");
	list->ntiers++;
	return read_tier_size(tier, item);
}

/* read_setting -- KEY=VALUE; the value is looked at when all tiers are known */
static int
read_setting(struct list *list, const struct text *item, size_t key_len)
{
	struct text key = {item->at, key_len};

	if (!is(&key, "threshold") && !is(&key, "ratio"))
		return refuse(STATUS_USAGE,
			"tiers: there is no setting '%.*s'; there are "
			"threshold and ratio",
			(int)key_len, key.at);
	if (item->len == key_len + 1)
		return wrong(item, "has no value");
	if (list->policy.at != NULL)
		return wrong(item, "is a second threshold or ratio");
	list->policy = *item;
	return 0;
}

static int
read_item(struct list *list, const struct text *item)
{
	size_t len = strspn(item->at, NAME_CHARACTERS);
	char mark = item->at[len];

	if (len == 0 || len >= item->len || (mark != ':' && mark != '='))
		return wrong(item, "is neither NAME:KIND[:SIZE] nor KEY=VALUE");
	return mark == ':' ? read_tier(list, item, len)
			   : read_setting(list, item, len);
}

/*
 * check_policy -- ratio: a share for each tier; threshold: rising sizes, one
 * for each tier but the first
 */
static int
check_policy(const struct list *list)
{
	const struct text *item = &list->policy;
	bool ratio = *item->at == 'r';
	size_t wanted = ratio ? list->ntiers : list->ntiers - 1;
	const char *end = item->at + item->len;
	const char *at = (const char *)memchr(item->at, '=', item->len) + 1;
	size_t n = 0, low = 0, value = 0;

	for (const char *next; at <= end; at = next + 1, n++) {
		struct text one = {at, 0};

		next = memchr(at, ':', (size_t)(end - at));
		if (next == NULL)
			next = end;
		one.len = (size_t)(next - at);
		if (!read_size(&one, &value))
			return refuse(STATUS_USAGE,
				"tiers: '%.*s' is no value in '%.*s'",
				(int)one.len, at, (int)item->len, item->at);
		if (ratio && value > RATIO_MOST)
			return refuse(STATUS_USAGE,
				"tiers: '%.*s' is more than %zu in '%.*s'",
				(int)one.len, at, RATIO_MOST, (int)item->len,
				item->at);
		if (!ratio && value <= low)
			return wrong(item, "has sizes that do not rise");
		low = value;
	}
	if (n == wanted)
		return 0;
	return wrong(
		item, ratio ? "has not one value for each tier"
			    : "has not one size for each tier but the first");
}

/* check_place -- as if it were a pool's only place */
static int
check_place(const struct tier *tier)
{
	char path[PATH_MAX], what[WHAT_SIZE];
	struct place place;

	if (is(&tier->kind, "anon"))
		return 0;
	(void)snprintf(what, sizeof(what), "tier %.*s: ", (int)tier->name.len,
		tier->name.at);
	if (tier->kind.len >= sizeof(path))
		return refuse(
			STATUS_FAILED, "%s%s", what, strerror(ENAMETOOLONG));
	memcpy(path, tier->kind.at, tier->kind.len);
	path[tier->kind.len] = '\0';
	return place_is_device(path)
		       ? place_on_device(what, path, tier->size, &place)
		       : place_in_dir(what, path, tier->size, &place);
}

int
tiers_check(const char *text)
{
	struct list list = {.ntiers = 0};
	struct text item = {text, 0};
	int status;

	do {
		item.len = strcspn(item.at, ",");
		status = read_item(&list, &item);
		item.at += item.len + 1;
	} while (status == 0 && item.at[-1] != '\0');
	if (status == 0 && list.ntiers == 0)
		return refuse(STATUS_USAGE, "tiers: '%s' names no tier", text);
	if (status == 0 && list.policy.at != NULL)
		status = check_policy(&list);
	for (size_t i = 0; status == 0 && i < list.ntiers; i++)
		status = check_place(&list.tiers[i]);
	return status;
}
