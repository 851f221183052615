#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# ctest: timeout=120
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"
check() {
	"$tools/check-symbols" "$tree/build" "$tree"
}

# build SOURCE [FLAGS...] -- what CMake would have made of it
build() {
	mkdir -p "$tree/build/lib"
	printf '%s\n' "$1" >"$tree/a.c"
	shift
	cc -fPIC -fvisibility=hidden -c -o "$tree/a.o" "$tree/a.c"
	rm -f "$tree"/build/*.a "$tree"/build/lib/*
	ar rc "$tree/build/libvmem_core.a" "$tree/a.o"
	ar rc "$tree/build/lib/libvmem.a" "$tree/a.o"
	cc -shared -o "$tree/build/lib/libvmem.so" "$tree/a.o" \
		-Wl,-soname,libvmem.so.1,-z,nodelete,-z,now "$@"
}

put src/libvmem/libvmem.map <<'END'
LIBVMEM_1.0 { global: vmem_a; local: *; };
END
default='__attribute__((visibility("default")))'
a="$default int vmem_a(void) { return 0; }"

build "$a"
passes check

build "$a $default int vmem_b(void) { return 0; }"
fails 'libvmem.so: exports vmem_b' check

build "int vmem_b(void) { return 0; }"
fails 'libvmem.so: does not export vmem_a' check

build "$a int inner(void) { return 0; }"
fails 'libvmem.a: exports inner' check

build "#include <stdlib.h>
$default void *vmem_a(void) { return malloc(1); }"
fails 'a.o: calls malloc' check

build "$a" -Wl,--no-as-needed -lm
fails 'needs libm.so.6' check

# the list of names and versions, which a change must touch
list='libvmem.so.1 libvmem1 #MINVER#
 LIBVMEM_1.0@LIBVMEM_1.0 1.0'
version=-Wl,--version-script=$tree/src/libvmem/libvmem.map
build "$a" "$version"
printf '%s\n vmem_a@LIBVMEM_1.0 1.0\n' "$list" | put debian/libvmem1.symbols
passes check
printf '%s\n' "$list" | put debian/libvmem1.symbols
fails 'libvmem1.symbols has not vmem_a@LIBVMEM_1.0 1.0' check
printf '%s\n vmem_a@LIBVMEM_1.2 1.2\n' "$list" | put debian/libvmem1.symbols
fails 'libvmem1.symbols has vmem_a@LIBVMEM_1.2 1.2' check
passes "$tools/check-symbols" --record "$tree/build" "$tree"
passes check
rm "$tree/debian/libvmem1.symbols"

build "$a" -Wl,-z,lazy
fails 'not linked with -z now' check
done_expecting
