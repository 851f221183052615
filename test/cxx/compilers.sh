#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# compilers.sh SRC BUILD -- the program of docs/cxx.md compiles clean and works
# as each C++ that libvmem.hpp is for, by each compiler that is here; an older
# C++ is told so; without RTTI all works but the resource
#
# ctest: long timeout=180
set -eu
src=$1
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# the program of the documentation, with both headers, in any order
# shellcheck disable=SC2016 # nothing is to be expanded
{
	echo '#include <libvmem.h>'
	sed -n '/^```cpp/,/^```$/{/^```/!p}' "$src/docs/cxx.md"
	echo '#include <libvmem.hpp>'
} >"$tmp/use.cpp"
# all but the resource; an object that does not begin where its base class does
cat >"$tmp/plain.cpp" <<'END'
#include <libvmem.hpp>

struct first { virtual ~first() = default; int a = 1; };
struct base { virtual ~base() = default; int b = 2; };
struct derived : first, base {};

int main(int, char **argv)
{
	vmem::pool pool(argv[1]);
	vmem::unique_ptr<base> object = vmem::make_unique<derived>(pool);
	auto shared = vmem::make_shared<int>(pool, 2);
	return object->b == *shared ? 0 : 1;
}
END

for compiler in g++ clang++; do
	command -v "$compiler" >/dev/null || continue
	for standard in c++17 c++20 c++2b; do
		"$compiler" -std="$standard" -O1 -Wall -Wextra -Wpedantic \
			-Wshadow -Wconversion -Werror \
			-I"$src/include" -o "$tmp/use" "$tmp/use.cpp" \
			-L"$build/lib" -lvmem -Wl,-rpath,"$build/lib"
		[ "$("$tmp/use" "$tmp")" = "in the pool 42" ]
		echo "$compiler -std=$standard"
	done
	"$compiler" -std=c++17 -fno-rtti -O1 -Wall -Wextra -Wpedantic -Werror \
		-I"$src/include" -o "$tmp/plain" "$tmp/plain.cpp" \
		-L"$build/lib" -lvmem -Wl,-rpath,"$build/lib"
	"$tmp/plain" "$tmp"
	echo "$compiler -fno-rtti"
	if "$compiler" -std=c++14 -I"$src/include" -fsyntax-only \
		"$tmp/use.cpp" 2>"$tmp/errors"; then
		echo "$compiler -std=c++14 took it"
		exit 1
	fi
	grep -q 'libvmem.hpp needs C++17' "$tmp/errors"
done
