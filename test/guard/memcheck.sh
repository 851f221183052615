#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# memcheck.sh SRC BUILD -- what valgrind's memcheck says of a faulty program
#
# ctest: long timeout=300 not-asan
set -eu
src=$1 build=$2
if ! command -v valgrind >/dev/null; then
	echo "memcheck.sh: no valgrind here" >&2
	exit 77
fi
if [ ! -e /usr/include/valgrind/memcheck.h ]; then
	echo "memcheck.sh: the library was built without valgrind's headers" >&2
	exit 77
fi
unset VMEM_GUARD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
cc -g -O0 -D_GNU_SOURCE -I"$src/include" -o "$tmp/faulty" \
	"$src"/test/guard/*.c -L"$build/lib" -lvmem \
	-Wl,-rpath,"$build/lib" -pthread
bad=0

# look KIND FAULT ERRORS [PATTERN...] -- run it; the report has that many errors
# (some: any number but 0), and lines that the patterns match in that order
look() {
	kind=$1 fault=$2 errors=$3
	shift 3
	status=0
	valgrind --leak-check=full --trace-children=no --log-file="$tmp/log" \
		"$tmp/faulty" "$kind" "$fault" >"$tmp/out" 2>&1 || status=$?
	found=$(awk '/ERROR SUMMARY/ { n = $4 } END { print n }' "$tmp/log")
	if [ "$errors" = some ] && [ "${found:-0}" -gt 0 ]; then
		errors=$found
	fi
	awk -f "$src/test/guard/in-order.awk" "$@" "$tmp/log" >"$tmp/why" || :
	[ "$found" = "$errors" ] ||
		echo "    $found errors, not $errors" >>"$tmp/why"
	if [ -s "$tmp/why" ]; then
		echo "$kind $fault:"
		cat "$tmp/why"
		sed 's/^/    /' "$tmp/log"
		bad=1
	fi
	if [ "$status" -ne 0 ]; then
		echo "$kind $fault: exit status $status"
		cat "$tmp/out"
		bad=1
	fi
}

wrote='Invalid write of size 1'
behind='0 bytes after a block of size 48 '
by='(by|at) .*: (vmem_malloc|alloc) \('
freed='(by|at) .*: (vmem_free|free_slow) \('
jump='Conditional jump or move depends on uninitialised'
lost='bytes in 1 blocks are definitely lost'

for kind in file region; do
	look "$kind" overflow 1 "$wrote" ': put ' ': overflow ' "$behind" "$by" \
		': make '
	look "$kind" overflow-large 1 "$wrote" \
		'0 bytes after a block of size 100,000 ' "$by"
	look "$kind" underflow 1 "$wrote" '1 bytes before a block of size 48 '
	look "$kind" after-free 1 "$wrote" ': after_free ' \
		'3 bytes inside a block of size 48 free' "$freed" \
		': after_free ' "Block was alloc'd at" "$by" ': make '
	look "$kind" after-reset 1 "$wrote" ': after_reset ' \
		'3 bytes inside a block of size 48 free' ': vmem_reset ' \
		"Block was alloc'd at" "$by" ': make '
	look "$kind" clean-whole 0
	look "$kind" twice 1 'Invalid free' "$freed" ': twice ' \
		'0 bytes inside a block of size 48 free' "$freed" ': twice ' \
		"Block was alloc'd at" "$by"
	look "$kind" leak 1 "4 $lost" "$by" ': make ' ': leak '
	look "$kind" leak-exit 2 "48 $lost" "100,000 $lost"
	look "$kind" clean 0
done
look file overflow-odd 1 "$wrote" '0 bytes after a block of size 43 '
look file overflow-far some "$wrote" "$behind"
look file after-realloc 1 "$wrote" 'inside a block of size 48 free' \
	': after_realloc ' "Block was alloc'd at" "$by"
look file unset 1 "$jump" ': tell ' ': unset '
look file unset-realloc 1 "$jump" ': tell ' ': unset_realloc '
look file interior 1 'Invalid free' ': interior ' \
	'16 bytes inside a block of size 48 '
look region leak-again 2 "4 $lost" "5 $lost"
look region after-delete 1 "$jump" ': tell ' ': after_delete '
look file clean-sized 0
look block overflow 1 "$wrote" "$behind" "$by"
look block leak 1 "4 $lost"
look block after-delete 1 "$jump"
look block clean 0
look file clean-full 0
look region clean-gone 0
look block leak-exit 0
look file clean-threads 0
look region clean-fork 0
look file clean-fork-share 0

# the same program with this off, as it is without memcheck
export VMEM_GUARD=0
look file overflow 0
exit $bad
