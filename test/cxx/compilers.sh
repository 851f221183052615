#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# compilers.sh SRC BUILD -- the program of docs/cxx.md compiles clean and works
# as each C++ that libvmem.hpp is for, by each compiler that is here; an older
# C++ is told so, and one without exceptions; without RTTI, or in a standard
# library without <memory_resource>, all works but the resource
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
	pool.for_each_object([](void *, std::size_t) {});
	return object->b == *shared ? 0 : 1;
}
END

# plain COMPILER OPTION... -- that program, with these options
plain()
{
	"$@" -std=c++17 -O1 -Wall -Wextra -Wpedantic -Weffc++ -Werror \
		-I"$src/include" -o "$tmp/plain" "$tmp/plain.cpp" \
		-L"$build/lib" -lvmem -Wl,-rpath,"$build/lib"
	"$tmp/plain" "$tmp"
	echo "$*"
}

# folder_of COMPILER HEADER -- where a header of the standard library is
folder_of()
{
	set -- "$2" "$(echo "#include <$2>" | "$1" -std=c++17 -xc++ -M - |
		grep -o "[^ ]*/$2\>" | head -n 1)"
	realpath "${2%"$1"}"
}

# without_header COMPILER HEADER -- the standard library as it would be without
# that, in $tmp/c++; what depends on the machine is in $machine
without_header()
{
	rm -rf "$tmp/c++"
	cp -rs "$(folder_of "$1" "$2")" "$tmp/c++"
	rm "$tmp/c++/$2"
	machine=$(folder_of "$1" bits/c++config.h)
}

for compiler in g++ clang++; do
	command -v "$compiler" >/dev/null || continue
	for standard in c++17 c++20 c++2b; do
		"$compiler" -std="$standard" -O1 -Wall -Wextra -Wpedantic \
			-Wshadow -Wconversion -Weffc++ -Werror \
			-I"$src/include" -o "$tmp/use" "$tmp/use.cpp" \
			-L"$build/lib" -lvmem -Wl,-rpath,"$build/lib"
		[ "$("$tmp/use" "$tmp")" = "in the pool 42" ]
		echo "$compiler -std=$standard"
	done
	plain "$compiler" -fno-rtti
	without_header "$compiler" memory_resource
	plain "$compiler" -nostdinc++ -isystem "$tmp/c++" -isystem "$machine"
	if "$compiler" -std=c++17 -fno-exceptions -I"$src/include" \
		-fsyntax-only "$tmp/plain.cpp" 2>"$tmp/errors"; then
		echo "$compiler -fno-exceptions took it"
		exit 1
	fi
	grep -q 'libvmem.hpp needs exceptions' "$tmp/errors"
	if "$compiler" -std=c++14 -I"$src/include" -fsyntax-only \
		"$tmp/use.cpp" 2>"$tmp/errors"; then
		echo "$compiler -std=c++14 took it"
		exit 1
	fi
	grep -q 'libvmem.hpp needs C++17' "$tmp/errors"
done
