/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * old_abi.c -- a program that knows the original's prototypes and nothing else
 *
 * It does not include our header: what it declares is what programs that were
 * built long ago call.  Each name must be there at its old version, too.
 */
#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <wchar.h>

typedef struct vmem VMEM;

VMEM *vmem_create(const char *dir, size_t size);
VMEM *vmem_create_in_region(void *addr, size_t size);
void vmem_delete(VMEM *vmp);
int vmem_check(VMEM *vmp);
void vmem_stats_print(VMEM *vmp, const char *opts);
void *vmem_malloc(VMEM *vmp, size_t size);
void vmem_free(VMEM *vmp, void *ptr);
void *vmem_calloc(VMEM *vmp, size_t nmemb, size_t size);
void *vmem_realloc(VMEM *vmp, void *ptr, size_t size);
void *vmem_aligned_alloc(VMEM *vmp, size_t alignment, size_t size);
char *vmem_strdup(VMEM *vmp, const char *s);
wchar_t *vmem_wcsdup(VMEM *vmp, const wchar_t *s);
size_t vmem_malloc_usable_size(VMEM *vmp, void *ptr);
const char *vmem_check_version(
	unsigned major_required, unsigned minor_required);
void vmem_set_funcs(void *(*malloc_func)(size_t size),
	void (*free_func)(void *ptr),
	void *(*realloc_func)(void *ptr, size_t size),
	char *(*strdup_func)(const char *s), void (*print_func)(const char *s));
const char *vmem_errormsg(void);

#define OLD_MIN_POOL ((size_t)(1024 * 1024 * 14))
#define OLD_MAJOR    1
#define OLD_MINOR    1

#define expect(cond) ((cond) ? (void)0 : stop(__LINE__, #cond))

static void
stop(int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, line, what);
	exit(1);
}

static const char *const names[] = {"vmem_create", "vmem_create_in_region",
	"vmem_delete", "vmem_check", "vmem_stats_print", "vmem_malloc",
	"vmem_free", "vmem_calloc", "vmem_realloc", "vmem_aligned_alloc",
	"vmem_strdup", "vmem_wcsdup", "vmem_malloc_usable_size",
	"vmem_check_version", "vmem_set_funcs", "vmem_errormsg"};

/* the library is found as an old program finds it, with the old versions */
static void
check_symbols(void)
{
	void *lib = dlopen("libvmem.so.1", RTLD_NOW | RTLD_NOLOAD);
	void *all = dlopen(NULL, RTLD_NOW);

	if (dlsym(all, "vmem_create") != NULL && lib == NULL)
		return; /* linked statically: there are no versions */
	expect(lib != NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		void *sym = dlvsym(lib, names[i], "LIBVMEM_1.0");

		if (sym == NULL)
			fprintf(stderr, "%s\n", names[i]);
		expect(sym != NULL);
		expect(sym == dlsym(lib, names[i]));
	}
	dlclose(lib);
	dlclose(all);
}

static size_t nprinted;

static void
print_func(const char *s)
{
	nprinted += strlen(s);
}

static void
use_pool(VMEM *vmp)
{
	unsigned char *p;
	wchar_t *w;
	char *s;

	expect(vmp != NULL);
	p = vmem_malloc(vmp, 100);
	expect(p != NULL);
	memset(p, 7, 100);
	expect(vmem_malloc_usable_size(vmp, p) >= 100);
	p = vmem_realloc(vmp, p, 1000);
	expect(p != NULL && p[0] == 7 && p[99] == 7);
	vmem_free(vmp, p);
	p = vmem_calloc(vmp, 10, 10);
	expect(p != NULL && p[0] == 0 && p[99] == 0);
	vmem_free(vmp, p);
	p = vmem_aligned_alloc(vmp, 4096, 10);
	expect(p != NULL && (size_t)p % 4096 == 0);
	vmem_free(vmp, p);
	s = vmem_strdup(vmp, "text");
	expect(s != NULL && strcmp(s, "text") == 0);
	w = vmem_wcsdup(vmp, L"text");
	expect(w != NULL && wcscmp(w, L"text") == 0);
	vmem_free(vmp, s);
	vmem_free(vmp, w);
	expect(vmem_malloc(vmp, OLD_MIN_POOL) == NULL && errno == ENOMEM);
	expect(vmem_check(vmp) == 1);
	nprinted = 0;
	vmem_stats_print(vmp, "mabl");
	expect(nprinted > 0);
	vmem_delete(vmp);
}

int
main(void)
{
	const char *dir = getenv("TMPDIR");
	void *mem = mmap(NULL, OLD_MIN_POOL, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check_symbols();
	expect(mem != MAP_FAILED);
	expect(vmem_errormsg()[0] == '\0');
	expect(vmem_check_version(OLD_MAJOR, OLD_MINOR) == NULL);
	expect(vmem_check_version(OLD_MAJOR + 1, OLD_MINOR) != NULL);
	vmem_set_funcs(malloc, free, realloc, strdup, print_func);
	use_pool(vmem_create(dir != NULL ? dir : "/tmp", OLD_MIN_POOL));
	use_pool(vmem_create_in_region(mem, OLD_MIN_POOL));
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
	expect(vmem_create(NULL, OLD_MIN_POOL) == NULL && errno == EINVAL);
	expect(strcmp(vmem_errormsg(), "invalid (NULL) path") == 0);
	munmap(mem, OLD_MIN_POOL);
	return 0;
}
