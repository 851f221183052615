#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# threads.sh -- a fixed amount of malloc and free by a number of threads, whose
# heaps a child inherits

needs gcc command -v gcc
pool 256M
forks 1 2 3
forks_alone
tight 1 '^malloc: Cannot allocate memory'

prepare() {
	gcc -O2 -pthread -o "$INPUT/threads" "$PROGRAMS/threads.c"
}

work() {
	under "$INPUT/threads" "${1:-200}" "$(amount 1000000 4000000 10000000)"
}

exhaust() {
	# each keeps 200 objects of half a KiB in the middle
	under "$INPUT/threads" 200 400000
}
