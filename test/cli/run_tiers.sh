#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run_tiers.sh SRC BUILD -- lists of tiers: passed on, or what is wrong
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

# shellcheck disable=SC2016 # the program expands it
show='echo "$VMMALLOC_TIERS ${VMMALLOC_POOL_DIR-} ${VMMALLOC_POOL_SIZE-}"'

# fine LIST... -- passed on as they are; no directory and no size with them
fine() {
	for list; do
		prints "$list  " run --tiers "$list" -- sh -c "$show"
	done
}
fine dram:anon dram:anon:2G dram:anon:2G,cxl:/dev/dax0.0 \
	dram:anon:2G,cxl:/dev/dax0.0,threshold=64K \
	dram:anon:2g,cxl:/dev/dax0.0,ratio=1:4 \
	fast:anon:100,slow:/mnt/a=b:1T threshold=64K,t-1_A:/mnt/cxl

# wrong LIST LINE
wrong() {
	says 2 "vmem run: tiers: $2" run --tiers "$1" true
}
neither='is neither NAME:KIND[:SIZE] nor KEY=VALUE'
wrong "" "'' $neither"
wrong dram "'dram' $neither"
wrong :anon "':anon' $neither"
wrong "=1" "'=1' $neither"
wrong dram:anon, "'' $neither"
wrong ,dram:anon "'' $neither"
wrong dram:anon,,cxl:/x "'' $neither"
wrong "dr am:anon" "'dr am:anon' $neither"
wrong dram:anon,cxl "'cxl' $neither"
wrong "dram:anon, cxl:/x" "' cxl:/x' $neither"
wrong dram: "'dram:' says no kind of memory"
wrong dram::2G "'dram::2G' says no kind of memory"
wrong cxl:/x,dram:,a=b "'dram:' says no kind of memory"
wrong dram:anon:2Q "'2Q' is no size in 'dram:anon:2Q'"
wrong dram:anon:2GiB "'2GiB' is no size in 'dram:anon:2GiB'"
wrong dram:anon:,a=b "'' is no size in 'dram:anon:'"
wrong dram:anon:0 "'0' is no size in 'dram:anon:0'"
wrong dram:anon,ratio= "'ratio=' has no value"
wrong ratio=1:4 "'ratio=1:4' names no tier"

# with a place or a size besides: both are set
list=dram:anon,cxl:/x
prints "$list  16777216" run --tiers $list --size 16M -- sh -c "$show"
prints "$list $tmp/pool 16777216" \
	run --tiers $list --size 16M --dir "$tmp/pool" -- sh -c "$show"
says 2 "vmem run: --size: '1K' is less than a pool can have (14680064)" \
	run --tiers $list --size 1K true
export VMMALLOC_POOL_DIR=/nowhere
prints "$list /nowhere " run --tiers $list -- sh -c "$show"
unset VMMALLOC_POOL_DIR

# tiers of the environment serve, unless a place is named
export VMMALLOC_TIERS=$list
prints "$list  " run -- sh -c "$show"
prints " $tmp/pool 16777216" run --size 16M --dir "$tmp/pool" -- sh -c "$show"
prints "a:anon  " run --tiers a:anon -- sh -c "$show"
export VMMALLOC_TIERS=a
says 2 "vmem run: tiers: 'a' $neither" run true
done_expecting
