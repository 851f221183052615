# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
#
# cxl.sh -- for `vm -c`: device DAX on an emulated CXL memory device; it is
# slow, so little of it is touched

# cxl_device -- make one of all of its memory
cxl_device() {
	cxl create-region -d decoder0.0 -w 1 -m mem0 -t pmem -s 256M &&
		ndctl create-namespace --mode=devdax --align=2M \
			-r "$(basename /sys/bus/nd/devices/region*)"
}

plan 6

check "a region and a namespace" cxl_device
node=/dev/dax0.0
check "2 MiB alignment" [ "$(value "$node" align)" -eq $((2 << 20)) ]
export VMEM_TEST_NODE="$node" VMEM_TEST_SLOW=1
check "pools on $node" dax_device
check "perl" same "$node" perl -e 'print join(",", 1 .. 100), "\n"'
# shellcheck disable=SC2016 # for the inner shell
check "fork 1" env VMMALLOC_FORK=1 LD_PRELOAD="$LIBRARY" \
	VMMALLOC_POOL_DIR="$node" VMMALLOC_POOL_SIZE=14M \
	bash -c 'echo $(echo a | { read -r line; echo $line; })'
check "a tier for large objects" env LD_PRELOAD="$LIBRARY" \
	VMMALLOC_TIERS="dram:anon:32M,cxl:$node,threshold=64K" \
	perl -e 'push @kept, "x" x 70000 for 1 .. 20; exit 0'
