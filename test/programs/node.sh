#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# node.sh -- node with worker threads: buffers, strings, zlib, messages

needs nodejs command -v node
pool 512M
tight 1 'ERR_MEMORY_ALLOCATION_FAILED|allocation failed'

work() {
	under node "$PROGRAMS/workers.js" 4 "$(amount 10 150 25)"
}

exhaust() {
	under node -e 'const kept = [];
		for (;;) kept.push(Buffer.alloc(1000000))'
}
