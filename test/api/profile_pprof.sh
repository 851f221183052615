#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# profile_pprof.sh SRC BUILD -- a profile as the readers of pprof's format see it
set -eu
src=$1
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for tool in cc protoc; do
	command -v "$tool" >"$tmp/where" || {
		echo "skipped: no $tool here"
		exit 77
	}
done
# the system's comes second where there is another
python=
for one in python3 /usr/bin/python3; do
	"$one" -c 'import google.protobuf' 2>"$tmp/why" && python=$one && break
done
[ -n "$python" ] || {
	echo "skipped: no python3 with protobuf here"
	exit 77
}

cat >"$tmp/program.c" <<'END'
#include <libvmem.h>
#include <stdio.h>

#define PLACE __attribute__((noinline, noclone))

PLACE void *kept(VMEM *p) { return (char *)vmem_malloc(p, 100) + 0; }
PLACE void dropped(VMEM *p) { vmem_free(p, vmem_malloc(p, 5000)); }
PLACE void *half(VMEM *p) { return (char *)vmem_calloc(p, 4, 10000) + 0; }

int main(int argc, char **argv)
{
	VMEM *p = vmem_create("/tmp", VMEM_MIN_POOL);
	if (p == NULL || argc < 2 || vmem_profile_start(p, 1) != 0)
		return 1;
	for (int i = 0; i < 300; i++)
		kept(p);
	for (int i = 0; i < 200; i++)
		dropped(p);
	for (int i = 0; i < 100; i++) {
		void *o = half(p);
		if (i % 2 == 0)
			vmem_free(p, o);
	}
	for (int i = 1; i < argc; i++)
		if (vmem_profile_dump(p, argv[i]) != 0) {
			puts(vmem_errormsg());
			return 1;
		}
	vmem_delete(p);
	return 0;
}
END
cc -O1 -g -rdynamic -fno-optimize-sibling-calls -I"$src/include" \
	-o "$tmp/program" "$tmp/program.c" -L"$build/lib" -lvmem \
	-Wl,-rpath,"$build/lib"
"$tmp/program" "$tmp/heap.pb.gz" "$tmp/heap.folded" "$tmp/heap.txt"

gzip -t "$tmp/heap.pb.gz"
protoc --proto_path="$src/test/api" --python_out="$tmp" profile.proto
PYTHONPATH="$tmp" "$python" "$src/test/api/profile_pprof.py" "$tmp/heap.pb.gz"

# outermost first, then live bytes
grep -Eq '^[^ ]*main;kept 30000$' "$tmp/heap.folded"
grep -Eq '^[^ ]*main;half 2000000$' "$tmp/heap.folded"
if grep -q dropped "$tmp/heap.folded"; then
	echo "heap.folded: what was freed is in it"
	exit 1
fi
head -n 3 "$tmp/heap.txt" |
	grep -q '^2000000 bytes in 50 objects (50 samples), allocated at$'

# the reader itself, where it is installed
if go tool pprof -h >"$tmp/out" 2>&1 || grep -q -- -top "$tmp/out"; then
	go tool pprof -top -sample_index=inuse_space "$tmp/program" \
		"$tmp/heap.pb.gz" >"$tmp/top" 2>"$tmp/err"
	cat "$tmp/top"
	grep -Eq "^ *1953\.12kB .* half\$" "$tmp/top"
else
	echo "no go tool pprof here"
fi
