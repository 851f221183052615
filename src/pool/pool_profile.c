/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_profile.c -- the profile of a pool: begun, ended, written
 *
 * While a pool has one, its entry in each thread's table leads to the inert
 * heap, so that every operation comes to pool_enter(), which knows the profile.
 * So it costs nothing as long as there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os.h"
#include "pool/pool_internal.h"
#include "profile/profile.h"

/* set -- the pool's profile from now on, 0: none; -EBUSY: it has another */
static int
set(void *handle, unsigned number, unsigned *ret_old)
{
	struct record was;
	int rc = pool_freeze(handle, &was);
	if (rc != 0)
		return rc;
	if (number != 0 && was.profile_number != 0) {
		rc = fail(EBUSY, "pool %p has a profile already", handle);
	} else {
		registry_lock();
		struct record *rec = registry_find(handle);
		rec->profile_number = number;
		rec->profile = profile_at(number);
		registry_unlock();
		thread_extra(handle, pool_extra(number, pool_at(handle)));
		*ret_old = was.profile_number;
	}
	pool_thaw(handle);
	return rc;
}

/* size_of -- bytes of a live pool, 0 when it is none */
static size_t
size_of(const void *handle)
{
	registry_lock();
	const struct record *rec = registry_find(handle);
	size_t size = rec != NULL && !rec->overlapped ? rec->backing.size : 0;
	registry_unlock();
	return size;
}

int
pool_profile_start(void *handle, size_t mean, bool may_load)
{
	unsigned old;
	size_t size = size_of(handle);
	if (mean == 0)
		return fail(EINVAL, "a profile of one byte in 0");
	if (size == 0)
		return fail(
			EINVAL, "invalid pool handle: 0x%zx", (size_t)handle);
	int cancel = os_cancel_off();
	bool walks = profile_stack_init(may_load);
	os_cancel_restore(cancel);
	if (!walks)
		return fail(ENOTSUP, "no libgcc to walk stacks with");
	int number = profile_create(mean, size);
	if (number < 0)
		return number;
	int rc = set(handle, (unsigned)number, &old);
	if (rc != 0)
		profile_delete((unsigned)number);
	return rc;
}

int
pool_profile_stop(void *handle)
{
	unsigned old = 0;
	int rc = set(handle, 0, &old);
	if (rc == 0 && old == 0)
		return fail(ENOENT, "pool %p has no profile", handle);
	if (rc == 0)
		profile_delete(old);
	return rc;
}

void *
pool_profile_next(const void *after)
{
	void *next = NULL;
	registry_lock();
	for (size_t i = 0; i < registry_count() && next == NULL; i++) {
		const struct record *rec = registry_at(i);
		if ((uintptr_t)rec->backing.base > (uintptr_t)after &&
			rec->profile_number != 0 && !rec->overlapped)
			next = rec->backing.base;
	}
	registry_unlock();
	return next;
}

/* copy -- the profile as it is now; *ret to be closed */
static int
copy(void *handle, struct profile_view *ret)
{
	struct visit v;
	int rc = pool_enter(&v, handle);
	if (rc != 0)
		return rc;
	if (v.profile != NULL)
		rc = profile_view_open(ret, v.profile);
	else
		rc = fail(ENOENT, "pool %p has no profile", handle);
	pool_leave(&v);
	return rc;
}

/* write_file -- a profile, and what the file's name says of its format */
static int
write_file(const struct profile_view *view, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail_sys(errno, "open %s", path);
	int rc = profile_write(view, profile_format_of(path), fd);
	if (close(fd) != 0 && rc == 0)
		rc = fail_sys(errno, "close %s", path);
	return rc;
}

int
pool_profile_dump(void *handle, const char *path)
{
	struct profile_view view;
	int rc = copy(handle, &view);
	if (rc != 0)
		return rc;
	int cancel = os_cancel_off();
	profile_view_names(&view);
	rc = write_file(&view, path);
	profile_view_close(&view);
	os_cancel_restore(cancel);
	return rc;
}

void
pool_sampled(void *handle, void *object, size_t size)
{
	void *frames[PROFILE_DEPTH];
	struct visit v;
	int saved = errno;
	/* walking up a stack may load a library */
	int cancel = os_cancel_off();
	unsigned n = profile_stack(frames);
	os_cancel_restore(cancel);
	if (pool_enter(&v, handle) == 0) {
		/* it may have ended meanwhile */
		if (v.profile != NULL)
			profile_insert(v.profile, object, size > 0 ? size : 1,
				frames, n);
		pool_leave(&v);
	}
	errno = saved;
}
