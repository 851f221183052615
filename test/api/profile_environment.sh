#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# profile_environment.sh SRC BUILD -- VMEM_PROFILE, for a program that does not
# know of profiles
set -eu
src=$1
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

command -v cc >"$tmp/where" || {
	echo "skipped: no cc here"
	exit 77
}
cat >"$tmp/program.c" <<'END'
#include <libvmem.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	VMEM *a = vmem_create("/tmp", VMEM_MIN_POOL);
	VMEM *b = vmem_create("/tmp", VMEM_MIN_POOL);
	if (a == NULL || b == NULL)
		return 1;
	for (int i = 0; i < 10; i++)
		if (vmem_malloc(a, 100) == NULL)
			return 1;
	vmem_free(b, vmem_malloc(b, 1000));
	if (vmem_malloc(b, 7) == NULL)
		return 1;
	/* a child that ends by exit() writes nothing */
	pid_t child = fork();
	if (child == 0)
		exit(0);
	waitpid(child, NULL, 0);
	vmem_delete(a);
	return 0;
}
END
cc -g -I"$src/include" -o "$tmp/program" "$tmp/program.c" -L"$build/lib" \
	-lvmem -Wl,-rpath,"$build/lib"

# files OPTIONS -- run with VMEM_PROFILE=OPTIONS; the files that there are then
files() {
	rm -f "$tmp"/out*
	VMEM_PROFILE=$1 "$tmp/program"
	find "$tmp" -name 'out*' | sed 's,.*/,,' | sort | tr '\n' ' '
}

[ "$(files "1:$tmp/out.%n.txt")" = "out.1.txt out.2.txt " ]
grep -q '^live: 1000 bytes in 10 objects' "$tmp/out.1.txt"
grep -q '^live: 7 bytes in 1 objects' "$tmp/out.2.txt"
grep -q '^1000 bytes in 10 objects (10 samples), allocated at$' \
	"$tmp/out.1.txt"
[ "$(files "512K:$tmp/out.pb.gz")" = "out.pb.gz " ]
gzip -t "$tmp/out.pb.gz"
files "4K:$tmp/out.%p" | grep -Eq '^out\.[0-9]+ $'
# what is no setting is ignored without a word
for bad in '' x 0:"$tmp/out" 1Q:"$tmp/out" -1:"$tmp/out" 1 1:; do
	[ -z "$(files "$bad" 2>&1)" ]
done
VMEM_PROFILE=1:/nowhere/x "$tmp/program"

# a pool may be deleted by a thread with the smallest stack
cat >"$tmp/small.c" <<'END'
#include <libvmem.h>
#include <pthread.h>
#include <unistd.h>

static void *
end(void *pool)
{
	vmem_delete(pool);
	return NULL;
}

int main(void)
{
	VMEM *pool = vmem_create("/tmp", VMEM_MIN_POOL);
	pthread_attr_t attr;
	pthread_t thread;
	if (pool == NULL || vmem_malloc(pool, 100) == NULL)
		return 1;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, sysconf(_SC_THREAD_STACK_MIN));
	if (pthread_create(&thread, &attr, end, pool) != 0)
		return 1;
	return pthread_join(thread, NULL);
}
END
cc -D_GNU_SOURCE -g -I"$src/include" -o "$tmp/small" "$tmp/small.c" \
	-L"$build/lib" -lvmem -lpthread -Wl,-rpath,"$build/lib"
for form in pb.gz folded txt; do
	VMEM_PROFILE=1:$tmp/small.$form "$tmp/small"
	[ -s "$tmp/small.$form" ]
done
