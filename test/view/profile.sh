#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# profile.sh SRC BUILD -- who allocated what lives, seen from outside
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"
src=$1

cat >"$tmp/program.c" <<'END'
#include <libvmem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* not exported: only the symbol table knows it */
#ifndef KEPT
#define KEPT kept
#endif
static __attribute__((noinline)) void *
KEPT(VMEM *p, size_t size)
{
	void *o = vmem_malloc(p, size);
	__asm__ volatile("" : : "r"(o));
	return o;
}

int main(int argc, char **argv)
{
	VMEM *p = vmem_create("/tmp", VMEM_MIN_POOL);
	if (p == NULL || argc < 2)
		return 1;
	for (int i = 0; i < 10; i++)
		KEPT(p, 100);
	char path[4096];
	snprintf(path, sizeof(path), "%s/own.txt", argv[argc - 1]);
	if (getenv("VMEM_PROFILE") != NULL && vmem_profile_dump(p, path) != 0)
		return 1;
	puts("ready");
	fflush(stdout);
	/* "busy": changes the profile without a pause, so that only a copy that
	 * is made while the program stands still is of one moment */
	while (argc > 2)
		vmem_free(p, KEPT(p, 3000));
	pause();
	return 0;
}
END
cc -g -O1 -I"$src/include" -o "$tmp/program" "$tmp/program.c" \
	-L"$build/lib" -lvmem -Wl,-rpath,"$build/lib"

hold none "$tmp/program"
view 3 profile "$pid"
has err "^vmem profile: pool $pid:1: no profile: the program has to call"
view 3 profile -o "$tmp/unwritten" "$pid"
[ ! -e "$tmp/unwritten" ] || failed "a file for no profile"
release "$pid"

hold still env VMEM_PROFILE=1 "$tmp/program"
view 0 profile "$pid"
has out '^live: 1000 bytes in 10 objects, estimated'
has out '^1000 bytes in 10 objects \(10 samples\), allocated at$'
has out '^ +#0 +0x[0-9a-f]+ kept$'
has out '^ +#1 +0x[0-9a-f]+ main$'
# the program itself has the same figures, and fewer names
sed 's/0x[0-9a-f]* .*//' "$tmp/out" >"$tmp/figures"
sed 's/0x[0-9a-f]* .*//' "$tmp/still/own.txt" >"$tmp/own"
same figures own
view 0 profile -o "$tmp/heap.folded" "$pid:1"
has heap.folded '^[^ ]*;main;kept 1000$'
view 0 profile --output "$tmp/heap.pb.gz" "$pid"
gzip -t "$tmp/heap.pb.gz"
view 125 profile -o /nowhere/x "$pid"
has err '^vmem profile: /nowhere/x: No such file or directory$'
view 125 profile -o /dev/full "$pid"
has err '^vmem profile: /dev/full: No space left on device$'
[ -c /dev/full ] || failed "it has removed /dev/full"
view 3 profile "$pid:7"
view 2 profile
view 2 profile x
release "$pid"
view 3 profile "$pid"

# names are those of the files that are mapped, and not of others that lie at
# the same paths where we are
for each in theirs other; do
	mkdir "$tmp/$each.dir"
	cc -g -O1 -DKEPT=$each -I"$src/include" -o "$tmp/$each.dir/program" \
		"$tmp/program.c" -L"$build/lib" -lvmem -Wl,-rpath,"$build/lib"
done
mkdir "$tmp/place"
cp "$tmp/program" "$tmp/place"
if unshare -rm true 2>/dev/null; then
	# shellcheck disable=SC2016
	hold mounts env VMEM_PROFILE=1 unshare -rm sh -euc '
		mount --bind "$1/theirs.dir" "$1/place"
		exec "$1/place/program" "$2"' sh "$tmp"
	view 0 profile "$pid"
	has out '^ +#0 +0x[0-9a-f]+ theirs$'
	release "$pid"
	# and neither here nor there is the file that it runs
	# shellcheck disable=SC2016
	hold covered env VMEM_PROFILE=1 unshare -rm sh -euc '
		mount --bind "$1/theirs.dir" "$1/place"
		"$1/place/program" "$2" >"$1/begun" &
		until grep -q ready "$1/begun"; do sleep 0.05; done
		mount --bind "$1/other.dir" "$1/place"
		echo ready
		wait' sh "$tmp"
	inner=$(pgrep -P "$pid")
	pids="$pids $inner"
	view 0 profile "$inner"
	has out '^ +#0 +0x[0-9a-f]+ program\+0x[0-9a-f]+$'
	has out '^ +#1 +0x[0-9a-f]+ program\+0x[0-9a-f]+$'
	release "$inner"
	release "$pid"
else
	echo "no namespaces for mounts here"
fi

# the whole heap of a program that does not know of any of this
cat >"$tmp/plain.c" <<'END'
#include <stdio.h>
#include <stdlib.h>

static void *kept[100];

static __attribute__((noinline)) void plain(int i)
{
	kept[i] = malloc(70000);
}

int main(void)
{
	for (int i = 0; i < 100; i++)
		plain(i);
	for (int i = 0; i < 50; i++)
		free(kept[i]);
	puts("ready");
	fflush(stdout);
	return getchar() == EOF ? 0 : 1;
}
END
cc -g -O1 -o "$tmp/plain" "$tmp/plain.c"
mkfifo "$tmp/end"
mkdir "$tmp/whole"
"$vmem" run -d "$tmp/whole" -s 64M --profile "1:$tmp/whole/%p.txt" -- \
	"$tmp/plain" <"$tmp/end" >"$tmp/whole/out" &
pid=$!
pids="$pids $pid"
exec 3>"$tmp/end"
until grep -q ready "$tmp/whole/out"; do
	kill -0 "$pid" || exit 1
	sleep 0.05
done
view 0 profile "$pid"
has out '^3500000 bytes in 50 objects \(50 samples\), allocated at$'
has out '^ +#0 +0x[0-9a-f]+ plain$'
exec 3>&-
wait "$pid" || failed "the program ends with $?"
has "whole/$pid.txt" '^3500000 bytes in 50 objects \(50 samples\), allocated at$'
view 2 run --profile 0 -- "$tmp/plain"
view 2 run --profile x -- "$tmp/plain"
view 2 run --profile 1: -- "$tmp/plain"
has err "^vmem run: --profile: '1:' is not MEAN or MEAN:FILE\$"

hold busy env VMEM_PROFILE=1 "$tmp/program" busy
i=0
while [ $i -lt 10 ]; do
	view 0 profile "$pid"
	has out '^live: (1000 bytes in 10|4000 bytes in 11) objects'
	! grep '\<1 objects\|\<1 samples' "$tmp/out" || failed "not one"
	i=$((i + 1))
done
kill -0 "$pid" || failed "the busy program has ended"
done_viewing
