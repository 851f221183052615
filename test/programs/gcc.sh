#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# gcc.sh -- gcc -O2 compiles this project's library

needs gcc command -v gcc
pool 256M
forks 0
tight 1 'out of memory allocating'

prepare() {
	local file layer
	cp -r "$SOURCE/src" "$SOURCE/include" "$INPUT"
	# it is compiled with definitions of its own only
	rm "$INPUT/src/base/yield.c"
	for file in "$INPUT"/src/*/*.c; do
		layer=$(basename "$(dirname "$file")")
		[ "$layer" = cli ] ||
			mv "$file" "$INPUT/$layer-$(basename "$file")"
	done
	head -c 20000000 /dev/zero | tr '\0' ' ' >"$INPUT/large"
}

work() {
	printf '%s\n' "$INPUT"/*.c |
		awk -v every="$(amount 8 1 3)" 'NR % every == 0' |
		xargs -P 2 -n 1 "${UNDER[@]}" gcc -O2 -D_GNU_SOURCE \
			"-I$INPUT/src" "-I$INPUT/include" -c
	digest ./*.o
}

exhaust() {
	under gcc -O2 -x c -c "$INPUT/large"
}
