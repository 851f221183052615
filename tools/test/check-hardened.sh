#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"
check() {
	"$tools/check-hardened" "$tree/build"
}

put a.c <<'END'
#include <string.h>
int vmem_a(char *to, const char *from, int n);
int vmem_a(char *to, const char *from, int n)
{
	char text[64];
	memcpy(text, from, n);
	return (int)strlen(strcpy(to, text));
}
END
put main.c <<'END'
#include <string.h>
int main(int argc, char **argv)
{
	char text[64];
	memcpy(text, argv[0], argc);
	return text[1];
}
END

echo '.section .both,"awx",@progbits; .byte 0' >"$tree/both.s"

compiled='-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong'
linked='-Wl,-z,relro,-z,now,-z,noexecstack'
marked=
if [ "$(uname -m)" = x86_64 ]; then
	marked='-fcf-protection=full -Wl,-z,ibt,-z,shstk'
fi
mkdir -p "$tree/build/lib" "$tree/build/bin"

# library FLAGS... -- the library, with other flags behind the right ones
library() {
	# shellcheck disable=SC2086 # lists of words
	cc -w $compiled -fPIC -shared $linked $marked \
		-o "$tree/build/lib/libvmem.so" "$tree/a.c" "$@"
}

# program FLAGS... -- the command
program() {
	# shellcheck disable=SC2086
	cc -w $compiled -fPIE -pie $linked $marked \
		-o "$tree/build/bin/vmem" "$tree/main.c" "$@"
}

library
program
passes check

library -Wl,-z,norelro
fails 'libvmem.so: no RELRO' check
library -Wl,-z,lazy
fails 'not linked with -z now' check
library -Wl,-z,execstack
fails 'the stack is executable' check
library "$tree/both.s"
fails 'a segment is writable and executable' check
library -fno-stack-protector
fails 'no stack protector' check
library -U_FORTIFY_SOURCE
fails 'no _FORTIFY_SOURCE' check
library -Wl,-rpath,/tmp
fails 'has a search path' check
library
program -no-pie -fno-pie
fails 'vmem: not position independent' check
program
if [ -n "$marked" ]; then
	marked=
	library
	fails 'not marked for shadow stacks' check
	fails 'not marked for branch tracking' check
fi
done_expecting
