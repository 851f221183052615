#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# threads.sh -- a fixed amount of malloc and free by a number of threads

needs gcc command -v gcc
pool 256M

prepare() {
	gcc -O2 -pthread -o "$INPUT/threads" "$SOURCE/bench/programs/threads.c"
}

work() {
	under "$INPUT/threads" "$1" "$(amount 1000000 4000000 10000000)"
}
