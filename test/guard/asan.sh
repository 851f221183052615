#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# asan.sh SRC BUILD -- what the address sanitizer says of a faulty program
#
# With the library as it is installed, for programs by gcc and by clang, and in a
# build where the library has the sanitizer itself.
#
# ctest: long timeout=300
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

# compile CC -- to $tmp/CC
compile() {
	"$1" -g -O0 -D_GNU_SOURCE -fno-omit-frame-pointer \
		-fsanitize="$sanitize" -I"$src/include" -o "$tmp/$1" \
		"$src"/test/guard/*.c -L"$build/lib" -lvmem \
		-Wl,-rpath,"$build/lib" -pthread
}
compile cc
program=$tmp/cc
bad=0

# look STATUS KIND FAULT [PATTERN...] -- run it; it ends with that status, and the
# report has lines that the patterns match in that order; without a pattern there
# is no report
look() {
	want=$1 kind=$2 fault=$3
	shift 3
	status=0
	"$program" "$kind" "$fault" >"$tmp/out" 2>"$tmp/err" || status=$?
	awk -f "$src/test/guard/in-order.awk" "$@" "$tmp/err" >"$tmp/why" || :
	if [ $# -eq 0 ] && grep -q 'ERROR:' "$tmp/err"; then
		echo "    a report" >>"$tmp/why"
	fi
	[ "$status" -eq "$want" ] ||
		echo "    exit status $status, not $want" >>"$tmp/why"
	[ -s "$tmp/why" ] || return 0
	echo "$program $kind $fault:"
	cat "$tmp/why"
	sed 's/^/    | /' "$tmp/err"
	bad=1
}

report='ERROR: AddressSanitizer: use-after-poison'
write='^WRITE of size 1 '
put='#0 .* in put '
freed='^freed by thread [0-9]+'
made='^(previously )?allocated by thread [0-9]+'
make='#[01] .* in make '
leak='^Leak of'

# near FAULT PLACE -- a report of a write, which says where that is
near() {
	by="#[01] .* in $(echo "$1" | tr - _) "
	look 1 "$kind" "$1" "$report" "$write" "$put" "$by" \
		"is located $2 object of .* pool" "$made" "$make"
}

# freed FAULT PLACE -- the same of what has been freed by the function FREE
freed() {
	by="#[01] .* in $(echo "$1" | tr - _) "
	look 1 "$kind" "$1" "$report" "$write" "$put" "$by" \
		"is located $2 object of .* pool" "$freed" "$3" "$made" "$make"
}

# wrong FAULT FUNCTION PLACE -- a report of what that function was given
wrong() {
	by=" in $(echo "$1" | tr - _) "
	look 1 "$kind" "$1" "ERROR: libvmem: $2: 0x.* is " \
		'ERROR: AddressSanitizer' ' in (vmem_|free_slow|pool_)' "$by" \
		"is located $3"
}

faults() {
	near overflow '0 bytes after an'
	near overflow-odd '0 bytes after an'
	near overflow-large '0 bytes after an'
	near overflow-far '0 bytes after an'
	near underflow '1 bytes before an'
	freed after-free '3 bytes inside of a freed' '#[01] .* in after_free '
	freed after-reuse '3 bytes inside of a freed' '#[01] .* in after_reuse '
	wrong twice-reuse vmem_free '0 bytes inside of a freed object of 48 '
	freed after-realloc '0 bytes inside of a freed' \
		'#[01] .* in after_realloc '
	freed after-reset '3 bytes inside of a freed' '#[01] .* in after_reset '
	freed after-threads '47 bytes inside of a freed' \
		'#[01] .* in second_thread '
	look 1 "$kind" after-threads '^freed by thread [0-9]+ here' \
		'allocated by thread [0-9]+ here' "$make" ' in first_thread '
	wrong twice vmem_free '0 bytes inside of a freed object of 48 '
	look 1 "$kind" twice "$freed" ' in twice ' "$made" "$make"
	wrong interior vmem_free '16 bytes inside of an object of 48 '
	wrong realloc-freed vmem_realloc '0 bytes inside of a freed object'
	look 1 "$kind" wild 'ERROR: libvmem: vmem_free: 0x' \
		'ERROR: AddressSanitizer' ' in wild '
}

leaks() {
	export VMEM_GUARD=leaks=1
	look 0 "$kind" leak 'were never freed when it was deleted' \
		"$leak 4 byte.s. in 1 object" "$make" ' in leak ' \
		'SUMMARY: libvmem: 4 byte.s. leaked in 1 alloc'
	look 0 "$kind" leak-many 'when it was deleted' \
		"$leak 9600 byte.s. in 200 object.s. allocated from" "$make" \
		' in lose_one ' ' in leak_many ' "$leak 48 byte.s. in 1 obj" \
		"$make" ' in leak_many ' '9648 byte.s. leaked in 201 alloc'
	export VMEM_GUARD=exitcode=23
	look 23 "$kind" leak-many 'when it was deleted'
	if ! grep -q 'written when' "$tmp/out"; then
		echo "$kind: what the program wrote is lost"
		bad=1
	fi
	look 23 "$kind" leak-exit 'when the process ended' \
		"$leak 100000 byte.s. in 1 obj" "$make" "$leak 48 byte" \
		"$leak 48 byte" '100096 byte.s. leaked in 3 alloc'
	look 0 "$kind" clean
	unset VMEM_GUARD
}

for kind in file region block; do
	faults
	leaks
	look 0 "$kind" clean
	look 0 "$kind" clean-sized
	look 0 "$kind" clean-whole
	# many programs delete a pool to free what is in it
	look 0 "$kind" leak
	look 0 "$kind" leak-exit
done
look 0 file clean-full
look 0 region clean-gone
look 0 file clean-threads
look 0 region clean-fork
look 0 file clean-fork
look 0 file clean-fork-share
look 0 block after-delete
kind=region
export VMEM_GUARD=exitcode=23
look 23 region leak-again "$leak 4 byte" "$leak 5 byte"
look 0 region clean-gone
look 0 file clean-full
look 0 file clean-threads
export VMEM_GUARD=stacks=0
look 1 file after-free "$report" '3 bytes inside of a freed object of 48 ' \
	'no stack could be taken'
# without it the object is another's
export VMEM_GUARD=quarantine=0
look 0 file after-reuse
export VMEM_GUARD=quarantine=1000000
look 0 file clean-full
export VMEM_GUARD=0
look 0 file overflow
unset VMEM_GUARD

# the sanitizer's file has all of it
options=${ASAN_OPTIONS:-}
export ASAN_OPTIONS="$options:log_path=$tmp/log"
look 1 file after-free
export ASAN_OPTIONS="$options"
if ! cat "$tmp"/log.* | grep -Eq "$made"; then
	echo "log_path: no stack in the file"
	bad=1
fi

# clang's is linked into the program; one in a process is enough
if [ "$sanitize" = address ]; then
	if command -v llvm-symbolizer >/dev/null && compile clang; then
		program=$tmp/clang kind=file
		faults
		leaks
	else
		echo "asan.sh: no clang, or no llvm-symbolizer for names" >&2
	fi
fi
exit $bad
