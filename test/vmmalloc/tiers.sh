#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# tiers.sh SRC BUILD -- several pools, with a policy
#
# ctest: timeout=120
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
tiers=$(program tiers)
first=$tmp/first second=$tmp/second
mkdir "$first" "$second"
how=bare
FIRST=$first SECOND=$second
export FIRST SECOND

# with LIST POLICY... -- two tiers of 14 MiB and what is said of them
with() {
	echo "VMMALLOC_TIERS=fast:$first:14M,slow:$second:14M$1"
}

fine "$(with ,threshold=4K)" "$tiers" threshold
fine "$(with ,threshold=4096)" "$tiers" threshold
fine "$(with ,ratio=1:4)" "$tiers" ratio
for policy in '' ,threshold=4K ,threshold=1M ,ratio=1:1; do
	fine "$(with "$policy")" "$tiers" full
done
for mode in 1 2 3; do
	fine VMMALLOC_FORK=$mode "$(with ,threshold=4K)" "$tiers" child
done

# private memory as a tier, real programs, and the statistics of each tier
# shellcheck disable=SC2016 # for the inner shell
for policy in '' ,threshold=1K ,ratio=1:4; do
	ended 0 '500500' '' \
		"VMMALLOC_TIERS=dram:anon:32M,slow:$second:32M$policy" \
		sh -c 'seq 1000 | awk "{ s += \$1 } END { print s }"'
done
ended 0 begun '*' "$(with ,threshold=4K)" VMMALLOC_LOG_STATS=1 echo begun
[ "$(grep -c 'Begin jemalloc' "$tmp/err")" -eq 2 ] || failed "statistics"
grep -q '^Tier fast:$' "$tmp/err" || failed "no name of a tier"

# wrong WHY ITEM LIST
wrong() {
	ended 134 '' "Error (libvmmalloc): invalid VMMALLOC_TIERS: $1 ($2)" \
		VMMALLOC_TIERS="$3" echo begun
}
form='a tier is NAME:anon|PATH[:SIZE]'
wrong "$form" fast fast
wrong "$form" :anon:32M :anon:32M
wrong "$form" fast::32M fast::32M
wrong 'no size' fast:anon:32X fast:anon:32X
wrong 'no size' fast:anon: fast:anon:
wrong 'anon needs a size' fast:anon fast:anon
wrong 'less than the minimum of 14680064' fast:anon:1M fast:anon:1M
two=a:anon:14M,b:anon:14M
wrong 'two policies' ratio=1:4 "$two,threshold=4K,ratio=1:4"
wrong 'more values than tiers' ratio=1:4:5 "$two,ratio=1:4:5"
wrong 'fewer values than tiers' ratio=1 "$two,ratio=1"
wrong 'no ratio' ratio=0:1 "$two,ratio=0:1"
wrong 'no rising sizes' threshold=x "$two,threshold=x"
wrong 'no rising sizes' threshold=4K:1K "$two,c:anon:14M,threshold=4K:1K"
wrong "$form" '' ,
ended 134 '' \
	'Error (libvmmalloc): vmem pool creation failed: No such file or directory' \
	VMMALLOC_TIERS=fast:/no/such:14M echo begun
# the variables of a single pool are not needed, nor looked at
ended 0 begun '' VMMALLOC_TIERS="$two" VMMALLOC_POOL_SIZE=garbage echo begun
done_testing
