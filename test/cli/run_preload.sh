#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run_preload.sh SRC BUILD -- which library is preloaded
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

# preloads LIST [ARG...] -- the program finds this LD_PRELOAD
preloads() {
	list=$1
	shift
	prints "$list" run -d "$tmp/pool" -s 16M "$@" printenv LD_PRELOAD
}

preloads "$library"
stub "$tmp/other.so"
stub "$tmp/another.so"
for old in "$tmp/other.so" "$tmp/other.so:$tmp/another.so" \
	"$tmp/other.so $tmp/another.so"; do
	export LD_PRELOAD="$old"
	preloads "$library:$old"
done
export LD_PRELOAD=
preloads "$library"
# once is enough, when the command runs itself
unset LD_PRELOAD
preloads "$library" "$vmem" run -d "$tmp/pool" -s 16M
export LD_PRELOAD="$library:$tmp/other.so"
preloads "$library:$tmp/other.so"
export LD_PRELOAD="$tmp/other.so:$library"
preloads "$library:$tmp/other.so:$library"
unset LD_PRELOAD

# LD_LIBRARY_PATH chooses, as it does for other programs
stub "$tmp/debug/libvmmalloc.so.1"
export LD_LIBRARY_PATH="$tmp/debug"
preloads "$tmp/debug/libvmmalloc.so.1"
export LD_LIBRARY_PATH="/nowhere::$tmp/debug:$tmp"
preloads "$tmp/debug/libvmmalloc.so.1"
export LD_LIBRARY_PATH="/nowhere"
preloads "$library"
cd "$tmp"
export LD_LIBRARY_PATH=debug
preloads "$(pwd)/debug/libvmmalloc.so.1"
cd /
unset LD_LIBRARY_PATH

# by whatever way the command is called
real=$vmem
mkdir "$tmp/links"
ln -s "$real" "$tmp/links/vmem"
vmem=$tmp/links/vmem
preloads "$library"

# the dynamic linker takes a blank or a colon for the end of a path
for name in "a b" a:b; do
	copy_command "$tmp/$name"
	vmem="$tmp/$name/bin/vmem"
	says 125 "vmem run: $tmp/$name/lib/libvmmalloc.so.1: a path with a blank or a colon cannot be preloaded" \
		run -d "$tmp/pool" -s 16M true
done

# nowhere; this system may have one installed, which is then found
if ! ldconfig -p 2>/dev/null | grep -q libvmmalloc; then
	mkdir -p "$tmp/alone/bin"
	cp "$real" "$tmp/alone/bin"
	vmem=$tmp/alone/bin/vmem
	says 125 "vmem run: libvmmalloc.so.1 is not installed" \
		run -d "$tmp/pool" -s 16M true
fi
done_expecting
