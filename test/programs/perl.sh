#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# perl.sh -- perl: hashes, regular expressions, sorting, strings, and forks

needs perl command -v perl
needs perl perl -MDigest::MD5 -e 1
pool 128M
forks 1 2 3
forks_alone
tight 1 '^Out of memory'

work() {
	under perl "$PROGRAMS/work.pl" "$(amount 10000 60000 60000)" \
		"$(amount 8 24 8)"
}

exhaust() {
	under perl -e 'push @kept, "x" x 100000 for 1 .. 10000'
}
