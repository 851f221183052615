#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"
check() {
	"$tools/check-docs" "$tree"
}

put include/libvmem.h <<'END'
/*
 * vmem_a, vmem_b -- a group
 *
 * Returns NULL with errno set.
 * Errors  EINVAL.
 * Threads safe.
 * Source  none.
 */
void *vmem_a(int x);
void *vmem_b(
	int x);
END
put src/libvmem/libvmem.map <<'END'
LIBVMEM_1.0 {
	global: vmem_a;
		vmem_b;
	local: *;
};
END
passes check

echo '.SH NAME' | put man/vmem.1
passes check

put man/vmem_a.3 <<'END'
.SH NAME
vmem_a \- a
.SH DESCRIPTION
Not vmem_b.
END
fails 'man/: no page has vmem_b' check
rm "$tree/man/vmem_a.3"

echo 'int vmem_c(void);' | put include/other.h
fails 'include/other.h:1: vmem_c: no comment names it' check

printf '/*\n * vmem_c -- c\n * Source  x\n */\nint vmem_c(void);\n' |
	put include/other.h
fails 'vmem_c: its comment has no "Threads"' check

printf '/*\n * vmem_c -- with errno set\n * Threads safe\n * Source x\n */
int vmem_c(void);\n' | put include/other.h
fails 'vmem_c: its comment has no "Errors"' check
done_expecting
