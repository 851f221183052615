#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# multiprocessing.sh -- Python processes that fork, also while threads allocate

needs python3 command -v python3
pool 64M
forks 1 2 3
forks_alone
tight 1 '^MemoryError'

work() {
	under python3 "$PROGRAMS/processes.py" "$(amount 1 5 1)"
}

exhaust() {
	under python3 "$PROGRAMS/processes.py" 1 exhaust
}
