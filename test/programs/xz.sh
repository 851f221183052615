#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# xz.sh -- xz compresses with two threads, and decompresses

needs xz-utils command -v xz
needs perl command -v perl
pool 256M
tight 1 'Cannot allocate memory'

prepare() {
	perl "$PROGRAMS/text.pl" "$(amount 4 24 6)" >"$INPUT/text"
}

work() {
	under xz -T 2 -3 --block-size=2MiB -c "$INPUT/text" >text.xz
	under xz -T 2 -d -c text.xz >text
	under xz -T 1 -1 -c text | under xz -d -c | cmp - "$INPUT/text"
	cmp text "$INPUT/text"
	digest text.xz
}

exhaust() {
	under xz -9 -c "$INPUT/text"
}
