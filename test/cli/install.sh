#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# install.sh SRC BUILD -- the installed command works, wherever it lies
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

DESTDIR=$tmp/stage cmake --install "$build" --prefix /opt/vmem >"$tmp/log"
mv "$tmp/stage/opt/vmem" "$tmp/moved"
vmem=$tmp/moved/bin/vmem
[ -x "$vmem" ] || failed "bin/vmem is not installed"
[ -e "$tmp/moved/share/man/man1/vmem.1" ] ||
	failed "share/man/man1/vmem.1 is not installed"
if readelf -d "$vmem" | grep -E 'libvmem|RPATH|RUNPATH'; then
	failed "the command depends on a library of ours, or its place"
fi

# the library that was installed with it, or a stand-in where none was built
libdir=$(dirname "$(find "$tmp/moved" -name libvmem.so.1 |
	grep -v vmem_debug)")
[ -e "$libdir/libvmmalloc.so.1" ] || stub "$libdir/libvmmalloc.so.1"
prints "$libdir/libvmmalloc.so.1" run -d "$tmp/pool" -s 32M -- \
	printenv LD_PRELOAD
done_expecting
