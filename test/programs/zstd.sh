#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# zstd.sh -- zstd compresses with two threads, and decompresses

needs zstd command -v zstd
needs perl command -v perl
pool 256M
tight 11 'Allocation error : not enough memory'

prepare() {
	perl "$PROGRAMS/text.pl" "$(amount 8 48 16)" >"$INPUT/text"
}

work() {
	local level
	for level in 1 3 9 12; do
		under zstd -q -T2 -$level -c "$INPUT/text" >text.$level.zst
		under zstd -q -d -c text.$level.zst | cmp - "$INPUT/text"
	done
	digest text.*.zst
}

exhaust() {
	under zstd -q -19 -T2 -c "$INPUT/text"
}
