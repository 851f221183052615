#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# devices.sh SRC BUILD -- what `vmem devices` lists; device DAX, and nodes
# without processors, are listed in test/dax
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

says 2 "vmem devices: Too many arguments
Try \`vmem devices --help' or \`vmem devices --usage' for more information." \
	devices more
own_mounts "$0" "$@"
mounted="$tmp/fs $tmp/again $tmp/huge"
# shellcheck disable=SC2086 # words
trap 'umount $mounted 2>/dev/null || :; rm -rf "$tmp"' EXIT

# listed PATTERN, unlisted PATTERN -- of the last list
listed() {
	grep -q "$1" "$tmp/list" ||
		failed "not listed: $1: $(cat "$tmp/list")"
}
unlisted() {
	! grep -q "$1" "$tmp/list" || failed "listed: $1"
}

# json EXPRESSION VALUE -- what Python finds in the object
json() {
	found=$("$vmem" devices --json |
		python3 -c "import json, sys; d = json.load(sys.stdin); print($1)")
	[ "$found" = "$2" ] || failed "$1 is $found, not $2"
}

# shellcheck disable=SC2086 # words
mkdir $mounted "$tmp/readonly"
mount -t tmpfs -o size=48m none "$tmp/fs"
mount --bind "$tmp/fs" "$tmp/again"
mount -t tmpfs -o size=48m,ro none "$tmp/readonly"
mounted="$mounted $tmp/readonly"
"$vmem" devices >"$tmp/list" 2>"$tmp/err" || failed "status $?"
[ ! -s "$tmp/err" ] || failed "says $(cat "$tmp/err")"
listed "^  $tmp/fs  *48M  tmpfs\$"
unlisted "$tmp/again"
unlisted "$tmp/readonly"
unlisted '^  /proc\|^  /sys\|devtmpfs'
listed '^Device DAX$'
listed '^NUMA nodes$'
listed '^Mounted with DAX$'

# what is used is not free; numbers are exact
head -c 1M /dev/zero >"$tmp/fs/file"
json "[e['free'] for e in d['directories'] if e['path'] == '$tmp/fs'][0]" \
	$((47 << 20))
json "sorted(d)" \
	"['dax_mounts', 'device_dax', 'directories', 'hugetlbfs', 'numa_nodes']"

# the nodes that the kernel has
if ldd "$vmem" | grep -q libnuma && [ -d /sys/devices/system/node ]; then
	nodes=$(cat /sys/devices/system/node/has_memory)
	json "'%d' % d['numa_nodes'][0]['node']" "${nodes%%[-,]*}"
	json "d['numa_nodes'][0]['size'] > d['numa_nodes'][0]['free'] > 0" True
fi

if mount -t hugetlbfs -o pagesize=2M none "$tmp/huge" 2>/dev/null; then
	"$vmem" devices >"$tmp/list"
	listed "^  $tmp/huge  *[0-9.]*[BKMGT]  *2M\$"
	json "[e['page_size'] for e in d['hugetlbfs'] if e['path'] == '$tmp/huge']" \
		'[2097152]'
fi

done_expecting
