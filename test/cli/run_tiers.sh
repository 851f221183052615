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
mkdir "$tmp/a=b"
fine dram:anon:2G "dram:anon:2G,cxl:$tmp/pool" \
	"dram:anon:2G,cxl:$tmp/pool:16M,threshold=64K" \
	"dram:anon:2g,cxl:$tmp/pool,ratio=1:4" \
	"threshold=64K,a:anon:14680064,t-1_A:$tmp/pool" \
	"a:anon:16M,b:anon:16M,slow:$tmp/a=b:16M,threshold=1K:64K" \
	a:anon:16M,b:anon:16M,c:anon:16M,d:anon:16M,e:anon:16M,f:anon:16M,g:anon:16M,h:anon:16M
cd "$tmp"
fine here:pool:16M
cd /

# wrong LIST LINE
wrong() {
	says 2 "vmem run: tiers: $2" run --tiers "$1" true
}
neither='is neither NAME:KIND[:SIZE] nor KEY=VALUE'
wrong "" "'' $neither"
wrong dram "'dram' $neither"
wrong :anon "':anon' $neither"
wrong "=1" "'=1' $neither"
wrong dram:anon:2G, "'' $neither"
wrong ,dram:anon:2G "'' $neither"
wrong dram:anon:2G,,cxl:/x "'' $neither"
wrong "dr am:anon" "'dr am:anon' $neither"
wrong dram:anon:2G,cxl "'cxl' $neither"
wrong "dram:anon:2G, cxl:/x" "' cxl:/x' $neither"
wrong dram: "'dram:' says no kind of memory"
wrong dram::2G "'dram::2G' says no kind of memory"
wrong cxl:/x,dram:,a=b "'dram:' says no kind of memory"
wrong dram:anon:2Q "'2Q' is no size in 'dram:anon:2Q'"
wrong dram:anon:2GiB "'2GiB' is no size in 'dram:anon:2GiB'"
wrong dram:anon:,a=b "'' is no size in 'dram:anon:'"
wrong dram:anon:0 "'0' is no size in 'dram:anon:0'"
least='is less than a pool can have (14680064) in'
wrong dram:anon:1M "'1M' $least 'dram:anon:1M'"
wrong "cxl:$tmp/pool:1M" "'1M' $least 'cxl:$tmp/pool:1M'"
wrong dram:anon "'dram:anon' says no size, and anon needs one"
name=a123456789b123456789c123456789d1
wrong "${name}2:anon:16M" \
	"the name in '${name}2:anon:16M' has more than 31 characters"
fine "${name%1}:anon:16M"
eight=a:anon:16M,a:anon:16M,a:anon:16M,a:anon:16M
eight=$eight,$eight
wrong "$eight,i:anon:16M" "'i:anon:16M' is one more than there can be (8)"

# settings: which there are, and values that fit the tiers
two=a:anon:16M,b:anon:16M
wrong $two,height=3 \
	"there is no setting 'height'; there are threshold and ratio"
wrong $two,ratio= "'ratio=' has no value"
wrong $two,ratio=1:2,threshold=1K "'threshold=1K' is a second threshold or ratio"
wrong $two,ratio=1:x "'x' is no value in 'ratio=1:x'"
wrong $two,ratio=1: "'' is no value in 'ratio=1:'"
wrong $two,ratio=0:1 "'0' is no value in 'ratio=0:1'"
wrong $two,ratio=1:1001 "'1001' is more than 1000 in 'ratio=1:1001'"
wrong $two,ratio=1 "'ratio=1' has not one value for each tier"
wrong $two,ratio=1:2:3 "'ratio=1:2:3' has not one value for each tier"
but='has not one size for each tier but the first'
wrong $two,threshold=1K:2K "'threshold=1K:2K' $but"
wrong a:anon:16M,threshold=1K "'threshold=1K' $but"
wrong $two,c:anon:16M,threshold=2K:1K \
	"'threshold=2K:1K' has sizes that do not rise"

# places, as those of --dir and --device; the form of all is told before them
says 125 "vmem run: tier b: /nonexistent: No such file or directory" \
	run --tiers a:anon:16M,b:/nonexistent:20M true
says 125 "vmem run: tier b: $library: Not a directory" \
	run --tiers "b:$library" true
says 125 "vmem run: tier b: /dev/null: not a device DAX node" \
	run --tiers b:/dev/null true
wrong b:/nonexistent,c:anon "'c:anon' says no size, and anon needs one"
"$vmem" run --tiers "b:$tmp/pool:8000T" true 2>"$tmp/err" || status=$?
[ "$status" -eq 125 ] || failed "status $status, without free space"
grep -q "^vmem run: tier b: $tmp/pool: not enough free space: " "$tmp/err" ||
	failed "without free space: $(cat "$tmp/err")"
wrong ratio=1:4 "'ratio=1:4' names no tier"

# with a place or a size besides: both are set
list=dram:anon:16M,cxl:/tmp
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
prints "a:anon:16M  " run --tiers a:anon:16M -- sh -c "$show"
export VMMALLOC_TIERS=a
says 2 "vmem run: tiers: 'a' $neither" run true
done_expecting
