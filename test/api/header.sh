#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# header.sh SRC -- the public headers compile clean, alone and twice, as every
# C and C++ that programs are written in
set -eu
src=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0

# compiles LANGUAGE STANDARD COMPILER FILE
compiles() {
	command -v "$3" >/dev/null || return 0
	if ! "$3" -x "$1" -std="$2" -Wall -Wextra -Wpedantic -Werror \
		-Wundef -Wconversion -I"$src/include" -fsyntax-only "$4"; then
		echo "FAILED: $3 -std=$2 $4"
		failures=$((failures + 1))
	fi
}

for header in "$src"/include/*.h; do
	name=${header##*/}
	file=$tmp/${name%.h}.inc
	printf '#include <%s>\n#include <%s>\nint unused;\n' \
		"$name" "$name" >"$file"
	for standard in c99 c11 gnu17 c2x; do
		compiles c "$standard" gcc "$file"
		compiles c "$standard" clang "$file"
	done
	for standard in c++98 c++11 c++17 c++20; do
		compiles c++ "$standard" g++ "$file"
		compiles c++ "$standard" clang++ "$file"
	done
done
exit "$failures"
