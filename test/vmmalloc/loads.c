/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loads.c now|deep|global|apart OBJECT -- objects that are opened at run time
 *
 * apart: in a name space of its own, with a libc of its own.  Memory does not
 * cross there, as it does not without the preload library.
 */
#include <dlfcn.h>
#include <stdlib.h>

#include "check.h"
#include "deep.h"

/* cross -- what one side has taken the other one changes and gives back */
static void
cross(const struct deep *d)
{
	FILE *f = tmpfile();
	char *p;

	free(d->alloc(100));
	d->release(malloc(100));
	d->release(strdup("by libc, for the program"));
	free(d->copy("by libc, for the object"));
	free(realloc(d->alloc(10), 100000));
	d->release(d->resize(malloc(10), 100000));
	d->release(d->resize(d->copy("text"), 5000));
	p = d->printed(7);
	CHECK(p != NULL && strcmp(p, "number 7") == 0);
	free(p);
	CHECK(asprintf(&p, "%s %d", "number", 8) == 8);
	d->release(p);
	CHECK(f != NULL && fputs("one\ntwo\n", f) >= 0);
	rewind(f);
	p = d->line_of(f);
	CHECK(p != NULL && strcmp(p, "one\n") == 0);
	free(realloc(p, 1000));
	CHECK(fclose(f) == 0);
}

/* apart -- each side gives back what it has taken */
static void
apart(const struct deep *d)
{
	void *a[100], *b[100];

	for (int i = 0; i < 100; i++) {
		a[i] = malloc(1000);
		b[i] = d->alloc(1000);
		CHECK(a[i] != NULL && b[i] != NULL);
		memset(a[i], 1, 1000);
		memset(b[i], 2, 1000);
	}
	for (int i = 0; i < 100; i++) {
		CHECK(*(char *)a[i] == 1 && *(char *)b[i] == 2);
		free(a[i]);
		d->release(d->resize(b[i], 5000));
	}
	d->release(d->printed(7));
}

int
main(int argc, char *argv[])
{
	const char *how = argc == 3 ? argv[1] : "";
	int mode = RTLD_NOW;
	void *object;

	if (strcmp(how, "deep") == 0)
		mode |= RTLD_DEEPBIND;
	if (strcmp(how, "global") == 0)
		mode = RTLD_LAZY | RTLD_GLOBAL | RTLD_DEEPBIND;
	for (int i = 0; i < 3; i++) {
		object = strcmp(how, "apart") == 0
				 ? dlmopen(LM_ID_NEWLM, argv[2], mode)
				 : dlopen(argv[2], mode);
		if (object == NULL) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		const struct deep *d = dlsym(object, "deep");

		CHECK(d != NULL);
		if (strcmp(how, "apart") == 0)
			apart(d);
		else
			cross(d);
		/* found by the run path of the object, not by ours or the
		 * program's, which have none for it */
		void *beside = d->open_beside("vmmalloc_object_late.so", mode);

		CHECK(beside != NULL && dlclose(beside) == 0);
		CHECK(dlopen("vmmalloc_object_late.so", mode) == NULL);
		CHECK(dlclose(object) == 0);
		/* what is not there is told as ever, in memory of ours */
		CHECK(dlopen("/no/such.so", mode) == NULL &&
			strstr(dlerror(), "/no/such.so") != NULL);
	}
	return 0;
}
