# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
#
# nvdimm.sh -- for `vm`: device DAX of every alignment, and file systems that
# are mounted with DAX, on emulated NVDIMMs

# tree MODE WHAT NODE -- forks without exec, each process with its own heap
forked() {
	VMMALLOC_FORK=$1 on "$3" vmmalloc_forks "$2" 2>&1
}

# small NODE -- as if the device were smaller than a pool; there is none such
small() {
	echo 10485760 >/tmp/size
	mount --bind /tmp/size "/sys/bus/dax/devices/${1##*/}/size"
}

# held NODE COMMAND... -- while another process has a pool on the device
held() {
	node=$1
	shift
	on "$node" bash -c 'echo >/tmp/ready; read -r line </tmp/go' &
	until [ -e /tmp/ready ]; do usleep 10000; done
	rc=0
	"$@" || rc=$?
	echo >/tmp/go
	wait
	rm /tmp/ready
	return $rc
}

# statistics NODE PROGRAM... -- the pool in them has all of the device
statistics() {
	size=$(value "$1" size)
	VMMALLOC_LOG_STATS=1 on "$@" >/tmp/stats 2>&1 &&
		grep "^Allocated: .*mapped: $size\$" /tmp/stats
}

# database -- work for sqlite3
database() {
	cat <<-END
	CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n INT);
	INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL
		SELECT i + 1 FROM c WHERE i < 3000)
		SELECT i, printf('%x', i * 2654435761 % 4294967291), i % 97
		FROM c;
	CREATE INDEX t_name ON t(name);
	SELECT n, group_concat(name) FROM t WHERE n < 3 GROUP BY n;
	SELECT count(*), max(name) FROM t JOIN t AS u USING (name);
	PRAGMA integrity_check;
	END
}

# listed PATTERN -- by the command
listed() {
	vmem devices | grep "$1"
}

# in_json PATTERN -- without its line ends
in_json() {
	vmem devices --json | tr -d ' \n' | grep -F "$1"
}

# ordinary NODE -- make a device memory of its NUMA node, and use it so
ordinary() {
	daxctl reconfigure-device --mode=system-ram "${1##*/}"
}

huge=$(device_dax 2048 1G)
large=$(device_dax 256 2M)
fine=$(device_dax 64 4K)
least=$(device_dax 16 2M)
block=$(block_dax 448)
mkfifo /tmp/go

plan 47

# what was asked for is there
check "1 GiB alignment" [ "$(value "$huge" align)" -eq $((1 << 30)) ]
check "2 MiB alignment" [ "$(value "$large" align)" -eq $((2 << 20)) ]
check "4 KiB alignment" [ "$(value "$fine" align)" -eq 4096 ]
check "14 MiB in size" [ "$(value "$least" size)" -eq $((14 << 20)) ]

# the library, in both flavours
for node in "$huge" "$large" "$fine" "$least"; do
	export VMEM_TEST_NODE="$node"
	check "pools on $node of $(value "$node" align)" dax_device
	check "options for pools on $node" dax_options
done
export VMEM_TEST_NODE="$fine" LD_LIBRARY_PATH="$DEBUG_LIBRARIES"
check "the debug flavour on $fine" dax_device
export VMEM_TEST_NODE="$least"
check "the debug flavour on $least" dax_device
unset LD_LIBRARY_PATH
small "$least"
export VMEM_TEST_SMALL="$least" VMEM_TEST_BLOCK="$block"
check "what cannot hold a pool" dax_refused
umount "/sys/bus/dax/devices/${least##*/}/size"

# programs as they are
database >/tmp/database
check "sqlite3 on 2 MiB" same "$large" sqlite3 -init /tmp/database :memory: ''
check "sqlite3 on 4 KiB" same "$fine" sqlite3 -init /tmp/database :memory: ''
check "sqlite3 on 1 GiB" same "$huge" sqlite3 -init /tmp/database :memory: ''
# shellcheck disable=SC2016 # perl's variables
check "perl" same "$large" perl -e '
	my %h = map { $_ => "x" x ($_ % 700) } 1 .. 20000;
	print join(",", map { $_ . length $h{$_} } sort keys %h), "\n";'
check "the whole device in the statistics" statistics "$large" perl -e 1
export LD_LIBRARY_PATH="${LIBRARY%/*}"
check "vmem run --device" vmem run --device "$fine" -- perl -e 'exit 0'
refused 125 "the device is too small: 1099511627776 bytes asked for" \
	"vmem run, too small" vmem run --device "$fine" -s 1T -- perl -e 1
refused 125 "not a device DAX node" \
	"vmem run, a null device" vmem run --device /dev/null -- perl -e 1
refused 125 "not a character device" \
	"vmem run, a block device" vmem run --device "$block" -- perl -e 1
unset LD_LIBRARY_PATH

# what the machine has
check "devices: 1 GiB" listed "^  $huge  *1G  *1G  *[0-9]*  devdax\$"
check "devices: 2 MiB" listed "^  $large  *[0-9]*M  *2M  *2  devdax\$"
check "devices: 4 KiB" listed "^  $fine  *[0-9.]*M  *4K  *1  devdax\$"
check "devices: JSON" in_json \
	"{\"path\":\"$least\",\"size\":14680064,\"align\":2097152,\"numa_node\":0,\"mode\":\"devdax\"}"
check "devices: nodes with processors" listed '^  1 .* 1$'

# one user at a time
refused 134 "vmem pool creation failed: Device or resource busy" \
	"a second program" held "$large" on "$large" perl -e 1
check "another device meanwhile" held "$large" on "$fine" perl -e 1
check "afterwards" on "$large" perl -e 1

# forks: the parent keeps the device, a child has a copy in its memory
check "fork 1: a tree" forked 1 tree "$large"
check "fork 2: threads" forked 2 threads "$large"
check "fork 3: a tree, descriptors closed" forked 3 closed "$fine"
check "fork 2: the parent ends first" forked 2 orphan "$large"
# shellcheck disable=SC2016 # for the inner shell
check "bash, with subshells and substitutions" same "$large" bash -c '
	for i in {1..20}; do (a=$(echo $i | { read -r n; echo $((n * 2)); })
		echo $a) ; done'
# shellcheck disable=SC2016
check "mode 0 for what forks no further" on "$large" \
	env VMMALLOC_FORK=0 perl -e 'print "x" x 100000'

# tiers with a device
export FIRST="$large" SECOND="$fine" VMMALLOC_TIERS
VMMALLOC_TIERS=fast:$large,slow:$fine,threshold=4K
check "tiers by size, two devices" env LD_PRELOAD="$LIBRARY" \
	vmmalloc_tiers threshold
VMMALLOC_TIERS=fast:$large,slow:$fine,ratio=1:4
check "tiers in a ratio" env LD_PRELOAD="$LIBRARY" vmmalloc_tiers ratio
VMMALLOC_TIERS=fast:$least,slow:$fine
# shellcheck disable=SC2016 # perl's variables
check "the first tier full" env LD_PRELOAD="$LIBRARY" perl -e '
	push @kept, "x" x 100000 for 1 .. 300; exit 0'
VMMALLOC_TIERS=dram:anon:32M,cxl:$large,threshold=1K
# shellcheck disable=SC2016
check "memory and a device" env LD_PRELOAD="$LIBRARY" perl -e '
	$h{$_} = "x" x ($_ % 3000) for 1 .. 20000; exit 0'
unset FIRST SECOND VMMALLOC_TIERS

# pages on NUMA nodes
export VMEM_TEST_NODES="0 1" VMEM_TEST_BARE=2
check "pages on two nodes" dax_numa
unset VMEM_TEST_BARE

# the device as memory without processors
check "system-ram" ordinary "$large"
check "devices: the mode" listed "^  $large .*  system-ram\$"
check "devices: a node without processors" listed '^  2 .*M .*M  *0$'
VMEM_TEST_NODES="0 1 2"
check "pages on a node without processors" dax_numa
