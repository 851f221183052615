#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# install.sh SRC BUILD -- the installed tree serves a program, wherever it lies
#
# Installs under DESTDIR, moves the tree elsewhere, and from another folder
# builds and runs a consumer by pkg-config and by find_package(), each with the
# shared and the static library; and so one in C++, and one whose own heap is in
# libvmmalloc.
#
# ctest: timeout=180
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
has "$prefix/include/libvmem_types.h"
has "$prefix/include/libvmem.hpp"
has "$prefix/include/libvmem_detail.hpp"
has "$libdir/libvmem.so"
has "$libdir/libvmem.a"
has "$libdir/vmem_debug/libvmem.so.1"
has "$libdir/vmem_debug/libvmem.a"
has "$libdir/pkgconfig/libvmem.pc"
has "$libdir/pkgconfig/libvmmalloc.pc"
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

# in C++, and with the heap in a pool
cat >"$tmp/consumer.cpp" <<'END'
#include <libvmem.hpp>
#include <vector>
int main(int, char **argv)
{
	vmem::pool pool(argv[1]);
	std::vector<int, vmem::allocator<int>> numbers(1000, 42, pool);
	return numbers[999] == 42 && pool.check() ? 0 : 1;
}
END
cat >"$tmp/heap.c" <<'END'
#include <libvmmalloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* is this one of the mappings of the pool's file? */
int main(void)
{
	static char line[4096];
	uintptr_t p = (uintptr_t)malloc(100), from, to;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && p >= from &&
			p < to)
			return strstr(line, "(deleted)") == NULL;
	return 1;
}
END
export VMMALLOC_POOL_DIR="$tmp/pool" VMMALLOC_POOL_SIZE=16M
if command -v c++ >/dev/null; then
	# shellcheck disable=SC2046
	c++ -std=c++17 -Wall -Werror $(pkg-config --cflags libvmem) -o cxx \
		"$tmp/consumer.cpp" $(pkg-config --libs libvmem)
	run "pkg-config, C++" env LD_LIBRARY_PATH="$libdir" ./cxx
fi
# shellcheck disable=SC2046
$cc -Wall -Werror $(pkg-config --cflags libvmmalloc) -o heap "$tmp/heap.c" \
	$(pkg-config --libs libvmmalloc)
run "pkg-config, libvmmalloc" env LD_LIBRARY_PATH="$libdir" ./heap

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
add_executable(heap $tmp/heap.c)
target_link_libraries(heap vmem::vmmalloc)
include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER)
	enable_language(CXX)
	add_executable(cxx $tmp/consumer.cpp)
	target_compile_features(cxx PRIVATE cxx_std_17)
	target_link_libraries(cxx vmem::vmem_static)
endif()
END
cmake -B build -DCMAKE_PREFIX_PATH="$prefix" >"$tmp/log"
cmake --build build >>"$tmp/log"
run "find_package, shared" build/dynamic
run "find_package, archive" build/static
run "find_package, libvmmalloc" build/heap
[ ! -e build/cxx ] || run "find_package, C++ and archive" build/cxx
if readelf -d build/static | grep libvmem; then
	echo "vmem::vmem_static gave the shared library"
	exit 1
fi
