#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# asan.sh SRC BUILD -- what the address sanitizer says of a faulty program
#
# With the library as it is installed, and in a build where the library has the
# sanitizer itself.
#
# ctest: timeout=120
set -eu
src=$1 build=$2
unset VMEM_GUARD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
echo 'int main(void) { return 0; }' >"$tmp/none.c"
if ! cc -fsanitize=address -o "$tmp/none" "$tmp/none.c" 2>/dev/null; then
	echo "asan.sh: the compiler has no address sanitizer here" >&2
	exit 77
fi
sanitize=address
[ "${VMEM_TEST_VARIANT:-}" != asan ] || sanitize=address,undefined
cc -g -O0 -D_GNU_SOURCE -fno-omit-frame-pointer -fsanitize="$sanitize" \
	-I"$src/include" -o "$tmp/faulty" "$src/test/guard/faulty.c" \
	-L"$build/lib" -lvmem -Wl,-rpath,"$build/lib" -pthread
bad=0

# look KIND FAULT [PATTERN...] -- run it; the report has lines that the patterns
# match in that order; without a pattern there is no report
look() {
	kind=$1 fault=$2
	shift 2
	status=0
	"$tmp/faulty" "$kind" "$fault" >"$tmp/out" 2>"$tmp/err" || status=$?
	want=0
	[ $# -eq 0 ] || want=1
	for pattern in "$@"; do
		if ! grep -Eq "$pattern" "$tmp/err"; then
			echo "$kind $fault: no line: $pattern"
			status=-1
		fi
	done
	if [ "$status" -ne "$want" ]; then
		echo "$kind $fault: exit status $status, not $want"
		sed 's/^/    /' "$tmp/err"
		bad=1
	fi
}

report='ERROR: AddressSanitizer: use-after-poison'
for kind in file region block; do
	for fault in overflow overflow-odd overflow-large overflow-far \
		underflow after-free after-realloc after-reset; do
		look "$kind" "$fault" "$report" 'WRITE of size 1' '#0 .* in put ' \
			"#1 .* in $(echo "$fault" | tr - _) "
	done
	look "$kind" twice "$report" 'READ of size 1' \
		'in (vmem_free|free_slow|pool_free)' ' in twice '
	# the sanitizer has no call for it; vmem_free() refuses it as ever
	look "$kind" interior
	look "$kind" clean
	look "$kind" clean-sized
	look "$kind" clean-whole
	look "$kind" leak
	look "$kind" leak-exit
done
look file clean-full
look region clean-gone
look file clean-threads
look region clean-fork
look block after-delete

export VMEM_GUARD=0
look file overflow
exit $bad
