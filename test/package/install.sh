#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# install.sh SRC BUILD -- the installed tree serves a program, wherever it lies
#
# Installs under DESTDIR, moves the tree elsewhere, and from another folder
# builds and runs a consumer by pkg-config and by find_package(), each with the
# shared and the static library.
set -eu
src=$1
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cc=${CC:-cc}

DESTDIR=$tmp/stage cmake --install "$build" --prefix /opt/vmem >"$tmp/log"
mv "$tmp/stage/opt/vmem" "$tmp/moved"
prefix=$tmp/moved
libdir=$(dirname "$(find "$prefix" -name libvmem.so.1 | grep -v vmem_debug)")

has() {
	[ -e "$1" ] || {
		echo "not installed: ${1#"$prefix"/}"
		exit 1
	}
}
has "$prefix/include/libvmem.h"
has "$prefix/include/libvmem.hpp"
has "$libdir/libvmem.so"
has "$libdir/libvmem.a"
has "$libdir/vmem_debug/libvmem.so.1"
has "$libdir/vmem_debug/libvmem.a"
has "$libdir/pkgconfig/libvmem.pc"
if grep -rIl "$build" "$prefix/include" "$libdir/pkgconfig" "$libdir/cmake"; then
	echo "these name the build folder"
	exit 1
fi

mkdir "$tmp/pool"
run() {
	echo "$1"
	shift
	"$@" "$tmp/pool"
}

# by pkg-config
export PKG_CONFIG_PATH="$libdir/pkgconfig"
[ "$(pkg-config --modversion libvmem)" = 1.2.0 ]
mkdir "$tmp/plain"
cd "$tmp/plain"
# shellcheck disable=SC2046 # words
$cc -Wall -Werror $(pkg-config --cflags libvmem) -o dynamic \
	"$src/test/package/consumer.c" $(pkg-config --libs libvmem)
run "pkg-config, shared" env LD_LIBRARY_PATH="$libdir" ./dynamic
run "debug flavour" env LD_LIBRARY_PATH="$libdir/vmem_debug" ./dynamic
# shellcheck disable=SC2046
$cc -Wall -Werror $(pkg-config --cflags libvmem) -o static \
	"$src/test/package/consumer.c" "$libdir/libvmem.a"
run "pkg-config, archive" ./static
# shellcheck disable=SC2046
$cc -static $(pkg-config --cflags libvmem) -o all_static \
	"$src/test/package/consumer.c" $(pkg-config --static --libs libvmem)
run "all static" ./all_static

# by find_package()
mkdir "$tmp/cmake"
cd "$tmp/cmake"
cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.22)
project(consumer C)
find_package(vmem 1.1 REQUIRED)
add_executable(dynamic $src/test/package/consumer.c)
target_link_libraries(dynamic vmem::vmem)
add_executable(static $src/test/package/consumer.c)
target_link_libraries(static vmem::vmem_static)
END
cmake -B build -DCMAKE_PREFIX_PATH="$prefix" >"$tmp/log"
cmake --build build >>"$tmp/log"
run "find_package, shared" build/dynamic
run "find_package, archive" build/static
if readelf -d build/static | grep libvmem; then
	echo "vmem::vmem_static gave the shared library"
	exit 1
fi
