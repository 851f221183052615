/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem_version.c -- is this library the one that a program wants?
 *
 * The texts stay as long as the process, whichever thread has asked and whether
 * it is still there: each is written once, into a table, and found again by
 * what it says.  Nobody waits for another: who meets an entry that is being
 * written takes the next one, and so a text may be there twice.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/log.h"
#include "libvmem.h"

/* programs ask for one version or two; only a test asks for many */
#define TEXTS      64u
#define TEXT_BYTES 64u

#define KIND_SHIFT 32u

enum kind { KIND_MAJOR, KIND_MINOR, KINDS };

/* what `key` says while there is no text; no key is one of these */
#define KEY_FREE 0u
#define KEY_SOON 1u /* a thread writes the text */

struct text {
	uint64_t key;          /* atomic; see key_of() */
	char text[TEXT_BYTES]; /* set once, before the key */
};

static struct text texts[TEXTS];

static const struct {
	const char *name;
	unsigned found;
	const char *any; /* when the table is full */
} kinds[KINDS] = {
	{"major", VMEM_MAJOR_VERSION, "libvmem major version mismatch"},
	{"minor", VMEM_MINOR_VERSION, "libvmem minor version mismatch"},
};

/* key_of -- what a text says, in a number */
static uint64_t
key_of(enum kind kind, unsigned need)
{
	return ((uint64_t)kind + 1) << KIND_SHIFT | need;
}

static const char *
mismatch(enum kind kind, unsigned need)
{
	const uint64_t wanted = key_of(kind, need);
	for (struct text *t = texts; t < texts + TEXTS; t++) {
		/* acquire: pairs with the release below, the text is there */
		uint64_t key = load_acquire(&t->key);
		if (key == wanted)
			return t->text;
		/* acquire: nothing is written before it is ours to write */
		if (key != KEY_FREE || !cas_acquire(&t->key, &key, KEY_SOON))
			continue;
		(void)snprintf(t->text, sizeof(t->text),
			"libvmem %s version mismatch (need %u, found %u)",
			kinds[kind].name, need, kinds[kind].found);
		/* release: who sees the key sees the text */
		store_release(&t->key, wanted);
		return t->text;
	}
	return kinds[kind].any;
}

EXPORT const char *
vmem_check_version(unsigned major_required, unsigned minor_required)
{
	const char *text;
	LOG(3, "major_required %u minor_required %u", major_required,
		minor_required);
	if (major_required != VMEM_MAJOR_VERSION)
		text = mismatch(KIND_MAJOR, major_required);
	else if (minor_required > VMEM_MINOR_VERSION)
		text = mismatch(KIND_MINOR, minor_required);
	else
		return NULL;
	(void)fail(EINVAL, "%s", text);
	return text;
}
