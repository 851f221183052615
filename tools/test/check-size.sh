#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"
check() {
	"$tools/check-size" "$tree"
}

# function NLINES -- one function of so many lines
function_of() {
	printf 'int\nf(void)\n{\n'
	seq "$1" | sed 's/.*/\t;/'
	printf '}\n'
}

function_of 70 | put src/run/run.c
seq 500 | put src/run/table.h
passes check

function_of 71 | put src/run/run.c
fails 'src/run/run.c:3: a function of 71 lines' check

function_of 1 | put src/run/run.c
seq 501 | put src/run/table.h
fails 'src/run/table.h: 501 lines' check

# a class of C++ is no function
function_of 71 | sed 's/^f(void)/class f/' | put src/run/table.h
function_of 1 | put src/run/run.c
passes check
done_expecting
