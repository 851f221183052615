#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# bash.sh -- bash with thousands of forks, and small programs in pipelines

needs bash command -v bash
pool 32M
forks 1 2 3
tight 2 'xmalloc: cannot allocate|xrealloc: cannot allocate'

work() {
	under bash "$PROGRAMS/forks.bash" "$(amount 400 4000 800)"
}

exhaust() {
	# shellcheck disable=SC2016 # the inner one expands it
	under bash -c 'kept=0123456789
		while :; do kept=$kept$kept; done'
}
