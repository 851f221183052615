#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# original.sh SRC BUILD -- programs linked with the original library run on ours
#
# A program of ours is compiled with the original's header and linked with it; one
# that asks for libvmmalloc, likewise; and the example that the original comes
# with.  Each is run on the original and on ours, and prints the same.
#
# ctest: timeout=120
set -eu
src=$1
build=$2
theirs=$src/build/original/usr
[ -e "$theirs/lib/libvmem.so.1" ] || {
	echo "the original libvmem is not here: see tools/get-original"
	exit 77
}
ours=$build/lib
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cc=${CC:-cc}
mkdir "$tmp/pool"

# build_with LIBRARY SOURCE... -- into $tmp/program
build_with() {
	library=$1
	shift
	"$cc" -O1 -I"$theirs/include" -o "$tmp/program" "$@" \
		"$theirs/lib/$library.so.1" -pthread
}

# same WORD... -- of the program: on the original and on ours; $input is read
same() {
	for folder in "$theirs/lib" "$ours"; do
		# what the loader takes is what is meant, or this tests nothing
		LD_LIBRARY_PATH=$folder ldd "$tmp/program" | grep -q "=> $folder/" ||
			{
				echo "$folder is not what is loaded"
				exit 1
			}
		LD_LIBRARY_PATH=$folder "$tmp/program" "$@" <"$input" \
			>"$tmp/$([ "$folder" = "$ours" ] && echo ours || echo theirs)"
	done
	[ -s "$tmp/theirs" ]
	diff -u "$tmp/theirs" "$tmp/ours"
}

input=/dev/null
build_with libvmem "$src/test/package/original.c"
same "$tmp/pool"

build_with libvmmalloc "$src/test/package/original_preload.c"
export VMMALLOC_POOL_DIR="$tmp/pool" VMMALLOC_POOL_SIZE=16777216
same "$tmp/pool"
grep -q 'in the pool' "$tmp/ours"
unset VMMALLOC_POOL_DIR VMMALLOC_POOL_SIZE

# the example keeps lines in a tree, by commands; it shows 20 letters of each
example=$theirs/share/doc/libvmem-dev/examples/libart
build_with libvmem -w -I"$example" "$example/art.c" "$example/arttree.c"
for word in one two three four five six seven; do
	printf '%s\nthe long line that belongs to %s\n' "$word" "$word"
done >"$tmp/pairs"
printf '%s\n' "fill -n 7 $tmp/pairs" "search three" "search none" "delete three" \
	"search three" "search seven" quit >"$tmp/commands"
input=$tmp/commands
same -m i "$tmp/pool"
grep -q 'value \[the long line that b\]' "$tmp/ours"
