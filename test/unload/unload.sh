#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# unload.sh SRC BUILD -- dlopen and dlclose of both flavours, again and again
set -eu
build=$2
for folder in lib lib/vmem_debug; do
	[ ! -e "$build/$folder/libvmem.so.1" ] ||
		"$build/bin/test/unload_unload" "$build/$folder/libvmem.so.1"
done
