#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"
if ! command -v abidiff >/dev/null; then
	echo "skipped: no abidiff (abigail-tools)"
	exit 77
fi
check() {
	"$tools/check-abi" "$@" "$tree/build" "$tree"
}

# build SOURCE -- a library of these functions, the last one new in 1.2
build() {
	mkdir -p "$tree/build/lib"
	printf '%s\n' "$1" >"$tree/a.c"
	cc -g -fPIC -shared -I"$tree/include" -o "$tree/build/lib/libvmem.so.1" \
		"$tree/a.c" -Wl,-soname,libvmem.so.1 \
		-Wl,--version-script="$tree/src/libvmem/libvmem.map"
}

put src/libvmem/libvmem.map <<'END'
LIBVMEM_1.0 {
	global: vmem_a; vmem_b; local: *;
};
LIBVMEM_1.2 {
	global: vmem_c;
} LIBVMEM_1.0;
END
put test/api/old_abi.c <<'END'
typedef struct vmem VMEM;

void *vmem_a(VMEM *vmp, size_t size);
int vmem_b(
	VMEM *vmp);

#define OLD_MIN_POOL 1
END
put include/libvmem.h <<'END'
#include <stddef.h>
typedef struct vmem VMEM;
struct figures { long one, two; };
void *vmem_a(VMEM *vmp, size_t size);
int vmem_b(VMEM *vmp);
long vmem_c(struct figures *f);
END
a='#include <libvmem.h>
void *vmem_a(VMEM *vmp, size_t size) { return size > 1 ? vmp : 0; }'
b='int vmem_b(VMEM *vmp) { return vmp != 0; }'
c='long vmem_c(struct figures *f) { return f->one + f->two; }'

build "$a $b $c"
passes check --record
passes check

build "$a $b"
fails 'vmem_c' check

sed -i 's/^long vmem_c/int vmem_c/' "$tree/include/libvmem.h"
build "$a $b $(echo "$c" | sed 's/^long/int/')"
fails 'libvmem.abi says' check

sed -i 's/^int vmem_c/long vmem_c/; s/long one, two/long one, more, two/' "$tree/include/libvmem.h"
build "$a $b $c"
fails 'struct figures' check

# not even when it is recorded
sed -i 's/^int vmem_b/long vmem_b/' "$tree/include/libvmem.h"
build "$a $(echo "$b" | sed "s/^int/long/") $c"
fails 'not what libvmem 1.0 was' check --record
build "$a $c"
fails 'vmem_b' check --record
done_expecting
