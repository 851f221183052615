/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c linked|default|next -- every entry point, and what becomes of errno
 *
 * Called as the linker binds them, or as dlsym() finds them.
 *
 * Source  POSIX.1-2017, C11, C23; malloc(3) of glibc for size 0 and realloc.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

#define KEPT     77 /* an errno that nobody sets */
#define TOO_MUCH ((size_t)PTRDIFF_MAX + 1)
#define PAGE     ((size_t)4096)

/* libc does not declare these everywhere */
void cfree(void *ptr);
void free_sized(void *ptr, size_t size);
void free_aligned_sized(void *ptr, size_t alignment, size_t size);

static void *(*f_malloc)(size_t);
static void (*f_free)(void *);
static void *(*f_calloc)(size_t, size_t);
static void *(*f_realloc)(void *, size_t);
static void *(*f_reallocarray)(void *, size_t, size_t);
static void *(*f_memalign)(size_t, size_t);
static int (*f_posix_memalign)(void **, size_t, size_t);
static void *(*f_aligned_alloc)(size_t, size_t);
static void *(*f_valloc)(size_t);
static void *(*f_pvalloc)(size_t);
static size_t (*f_usable)(void *);
static void (*f_cfree)(void *);
static void (*f_free_sized)(void *, size_t);
static void (*f_free_aligned_sized)(void *, size_t, size_t);

/* find -- POSIX's way from an object pointer to a function */
static void
find(void *handle, const char *name, void *ret)
{
	void *p = dlsym(handle, name);
	Dl_info info;

	CHECK(p != NULL && dladdr(p, &info) != 0);
	CHECK(strstr(info.dli_fname, "libvmmalloc") != NULL);
	memcpy(ret, &p, sizeof(p));
}

static void
bind(const char *how)
{
	void *handle = strcmp(how, "next") == 0 ? RTLD_NEXT : RTLD_DEFAULT;

	if (strcmp(how, "linked") == 0) {
		f_malloc = malloc;
		f_free = free;
		f_calloc = calloc;
		f_realloc = realloc;
		f_reallocarray = reallocarray;
		f_memalign = memalign;
		f_posix_memalign = posix_memalign;
		f_aligned_alloc = aligned_alloc;
		f_valloc = valloc;
		f_pvalloc = pvalloc;
		f_usable = malloc_usable_size;
		/* no name of these is in every libc to link with */
		handle = RTLD_DEFAULT;
	} else {
		find(handle, "malloc", &f_malloc);
		find(handle, "free", &f_free);
		find(handle, "calloc", &f_calloc);
		find(handle, "realloc", &f_realloc);
		find(handle, "reallocarray", &f_reallocarray);
		find(handle, "memalign", &f_memalign);
		find(handle, "posix_memalign", &f_posix_memalign);
		find(handle, "aligned_alloc", &f_aligned_alloc);
		find(handle, "valloc", &f_valloc);
		find(handle, "pvalloc", &f_pvalloc);
		find(handle, "malloc_usable_size", &f_usable);
	}
	find(handle, "cfree", &f_cfree);
	find(handle, "free_sized", &f_free_sized);
	find(handle, "free_aligned_sized", &f_free_aligned_sized);
}

/* good -- an object: not NULL, aligned, all usable, errno as it was */
static void *
good(void *p, size_t size, size_t align)
{
	CHECK(errno == KEPT);
	CHECK(p != NULL && (uintptr_t)p % align == 0);
	CHECK(f_usable(p) >= size);
	memset(p, 0xa5, f_usable(p));
	CHECK(errno == KEPT);
	return p;
}

/* refused -- NULL, and errno says why; errno is KEPT again */
static void
refused(void *p, int why)
{
	CHECK(p == NULL && errno == why);
	errno = KEPT;
}

static size_t
least_align(size_t size)
{
	return size >= 16 ? 16 : 8;
}

static void
test_malloc(void)
{
	void *p, *q;

	for (size_t size = 0; size < 70000; size += size / 16 + 1) {
		p = good(f_malloc(size), size, least_align(size)); /* NOLINT */
		q = good(f_calloc(1, size), size, least_align(size));
		CHECK(p != q);
		f_free(p);
		f_cfree(q);
		CHECK(errno == KEPT);
	}
	/* unique ones of size 0 */
	p = good(f_malloc(0), 0, 8);
	q = good(f_malloc(0), 0, 8);
	CHECK(p != q);
	f_free(p);
	f_free(q);
	f_free(NULL);
	f_cfree(NULL);
	CHECK(errno == KEPT && f_usable(NULL) == 0);
	refused(f_malloc(PTRDIFF_MAX), ENOMEM);
	refused(f_malloc(TOO_MUCH), ENOMEM);
	refused(f_malloc(SIZE_MAX), ENOMEM);
	/* larger than the pool */
	refused(f_malloc((size_t)1 << 40), ENOMEM);
}

static void
test_calloc(void)
{
	for (size_t size = 1; size < 3000000; size = size * 5 + 3) {
		unsigned char *p = good(f_malloc(size), size, 8);

		f_free(p);
		p = f_calloc(size, 1);
		CHECK(p != NULL && errno == KEPT);
		for (size_t i = 0; i < size; i++)
			CHECK(p[i] == 0);
		f_free(good(p, size, least_align(size)));
	}
	f_free(good(f_calloc(0, 10), 0, 8));
	f_free(good(f_calloc(10, 0), 0, 8));
	f_free(good(f_calloc(0, SIZE_MAX), 0, 8));
	refused(f_calloc(SIZE_MAX, 2), ENOMEM);
	refused(f_calloc(SIZE_MAX / 2 + 1, 2), ENOMEM);
	refused(f_calloc((size_t)1 << 32, (size_t)1 << 32), ENOMEM);
	refused(f_calloc(TOO_MUCH, 1), ENOMEM);
}

static void
test_realloc(void)
{
	char *p = good(f_realloc(NULL, 100), 100, 16);
	size_t size = 100;

	strcpy(p, "kept");
	for (size = 200; size < 5000000; size *= 3) {
		p = f_realloc(p, size);
		CHECK(p != NULL && errno == KEPT && strcmp(p, "kept") == 0);
	}
	for (; size >= 5; size /= 3) {
		p = f_realloc(p, size);
		CHECK(p != NULL && errno == KEPT && strcmp(p, "kept") == 0);
	}
	/* what cannot be leaves the object as it is */
	refused(f_realloc(p, TOO_MUCH), ENOMEM);
	refused(f_realloc(p, (size_t)1 << 40), ENOMEM);
	refused(f_reallocarray(p, SIZE_MAX, 2), ENOMEM);
	refused(f_reallocarray(p, (size_t)1 << 33, (size_t)1 << 31), ENOMEM);
	CHECK(strcmp(p, "kept") == 0);
	p = f_reallocarray(p, 30, 10);
	CHECK(p != NULL && strcmp(p, "kept") == 0 && f_usable(p) >= 300);
	/* free, and no error */
	CHECK(f_realloc(p, 0) == NULL && errno == KEPT);
	p = good(f_reallocarray(NULL, 3, 7), 21, 16);
	CHECK(f_reallocarray(p, 0, 8) == NULL && errno == KEPT);
	f_free(good(f_realloc(NULL, 0), 0, 8));
	/* as large as usable: stays */
	p = good(f_malloc(1000), 1000, 16);
	CHECK(f_realloc(p, f_usable(p)) == p);
	f_free(p);
}

static void
test_aligned(void)
{
	static const size_t sizes[] = {0, 1, 24, 100, 5000, 100000};

	for (size_t align = 1; align <= (size_t)4 << 20; align *= 2) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			size_t n = sizes[i];
			void *p = &errno;

			f_free(good(f_memalign(align, n), n, align));
			p = good(f_aligned_alloc(align, n), n, align);
			f_free_aligned_sized(p, align, n);
			p = &errno;
			if (align < sizeof(void *)) {
				CHECK(f_posix_memalign(&p, align, n) == EINVAL);
				CHECK(p == &errno && errno == KEPT);
				continue;
			}
			CHECK(f_posix_memalign(&p, align, n) == 0);
			f_free(good(p, n, align));
		}
	}
	CHECK(errno == KEPT);
}

static void
test_aligned_errors(void)
{
	static const size_t odd[] = {0, 3, 12, 24, 4095, TOO_MUCH + 1};
	void *p = &errno;

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		refused(f_memalign(odd[i], 100), EINVAL);
		refused(f_aligned_alloc(odd[i], 100), EINVAL);
		CHECK(f_posix_memalign(&p, odd[i], 100) == EINVAL);
	}
	for (size_t align = 16; align != 0; align *= 16) {
		refused(f_memalign(align, TOO_MUCH), ENOMEM);
		refused(f_memalign(align, SIZE_MAX), ENOMEM);
		refused(f_aligned_alloc(align, PTRDIFF_MAX), ENOMEM);
		CHECK(f_posix_memalign(&p, align, TOO_MUCH) == ENOMEM);
		CHECK(f_posix_memalign(&p, align, SIZE_MAX) == ENOMEM);
	}
	for (size_t align = (size_t)1 << 40; align != 0; align *= 2) {
		refused(f_memalign(align, 1), ENOMEM);
		CHECK(f_posix_memalign(&p, align, 1) == ENOMEM);
	}
	/* neither the pointer nor errno */
	CHECK(p == &errno && errno == KEPT);
}

static void
test_pages(void)
{
	static const size_t sizes[] = {0, 1, PAGE - 1, PAGE, PAGE + 1, 100000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t n = sizes[i], whole = (n + PAGE - 1) / PAGE * PAGE;

		whole = n == 0 ? PAGE : whole;
		f_free(good(f_valloc(n), n, PAGE));
		void *p = good(f_pvalloc(n), whole, PAGE);
		CHECK(f_usable(p) == whole);
		f_free_sized(p, n);
	}
	refused(f_valloc(TOO_MUCH), ENOMEM);
	refused(f_pvalloc(TOO_MUCH), ENOMEM);
	refused(f_pvalloc(SIZE_MAX), ENOMEM);
	refused(f_pvalloc(SIZE_MAX - 1), ENOMEM);
	refused(f_pvalloc(PTRDIFF_MAX), ENOMEM);
}

int
main(int argc, char *argv[])
{
	CHECK(argc == 2);
	bind(argv[1]);
	for (int round = 0; round < 2; round++) {
		errno = KEPT;
		test_malloc();
		test_calloc();
		test_realloc();
		test_aligned();
		test_aligned_errors();
		test_pages();
		f_free_sized(f_malloc(10), 10);
		f_free_sized(NULL, 0);
		f_free_aligned_sized(NULL, 16, 0);
		CHECK(errno == KEPT);
	}
	return 0;
}
