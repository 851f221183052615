#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# early.sh SRC BUILD -- a pool that is a static object: made before main() and
# used until the program's last destructor, also where the library is an archive
#
# In the program as it was linked with libvmem.a its constructors ran before
# the library's, and crashed.
set -eu
src=$1
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cat >"$tmp/early.cpp" <<'END'
#include <libvmem.hpp>

#include <cstdio>
#include <cstdlib>
#include <vector>

using numbers = std::vector<int, vmem::allocator<int>>;

static vmem::pool pool(std::getenv("DIR"));
static numbers early(1000, 1, pool);

__attribute__((destructor)) static void last()
{
	vmem::pool late(std::getenv("DIR"));

	if (numbers(1000, 1, late).size() == 1000 && late.check())
		std::puts("late");
}

int main()
{
	early.push_back(2);
	std::puts(early[1000] == 2 && pool.check() ? "early" : "no");
}
END

for flavour in "" /vmem_debug; do
	[ -e "$build/lib$flavour/libvmem.a" ] || continue
	for library in libvmem.so libvmem.a; do
		"${CXX:-c++}" -std=c++17 -O1 -I"$src/include" -pthread \
			-o "$tmp/early" "$tmp/early.cpp" \
			"$build/lib$flavour/$library" \
			-Wl,-rpath,"$build/lib$flavour"
		[ "$(DIR=$tmp "$tmp/early" | tr '\n' ' ')" = "early late " ]
		echo "lib$flavour/$library"
	done
done
