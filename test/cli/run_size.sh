#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run_size.sh SRC BUILD -- which texts are sizes, and what the library is told
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

# is BYTES TEXT... -- all of them mean so many
is() {
	bytes=$1
	shift
	for text; do
		prints "$bytes" run -d "$tmp/pool" --size "$text" -- \
			printenv VMMALLOC_POOL_SIZE
	done
}
is 14680064 14680064 14336K 14336k 14336KiB 14M 14m 14MiB 014M
is 33554432 32M 32768K
is 1073741824 1G 1g 1GiB 1024M

# no_number TEXT... -- refused
no_number() {
	for text; do
		says 2 "vmem run: --size: '$text' is no number of bytes" \
			run -d "$tmp/pool" --size "$text" -- true
	done
}
no_number "" " " x G MiB 1Q 1.5G 1e9 0x1000000 +16M -16M " 16M" "16M " 16MB \
	16Mi 16MiBs 16MM 16KiM "16 M"
# what is too much for an object
no_number 9223372036854775808 99999999999999999999999 8388608T \
	9223372036854775807K

# too_small TEXT...
too_small() {
	for text; do
		says 2 "vmem run: --size: '$text' is less than a pool can have (14680064)" \
			run -d "$tmp/pool" --size "$text" -- true
	done
}
too_small 0 1 13M 14335K 14680063

# from the environment: the same, and the command line goes before
export VMMALLOC_POOL_SIZE=15M
prints 15728640 run -d "$tmp/pool" -- printenv VMMALLOC_POOL_SIZE
prints 16777216 run -d "$tmp/pool" -s 16M -- printenv VMMALLOC_POOL_SIZE
export VMMALLOC_POOL_SIZE=15Q
says 2 "vmem run: VMMALLOC_POOL_SIZE: '15Q' is no number of bytes" \
	run -d "$tmp/pool" true
export VMMALLOC_POOL_SIZE=1
says 2 "vmem run: VMMALLOC_POOL_SIZE: '1' is less than a pool can have (14680064)" \
	run -d "$tmp/pool" true
done_expecting
