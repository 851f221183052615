#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# probes.sh SRC BUILD -- the probes are those of vmem_probes(7), and a debugger
# stops at them
set -eu
src=$1
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

library=$build/lib/libvmem.so
readelf -n "$library" >"$tmp/notes"
sed -n 's/^ *Name: *//p' "$tmp/notes" | sort -u >"$tmp/found"
if [ ! -s "$tmp/found" ] &&
	! echo '#include <sys/sdt.h>' | cc -E - >"$tmp/out" 2>&1; then
	echo "skipped: built without sys/sdt.h"
	exit 77
fi
sed -n 's/^\.It Sy \([a-z_]*\) Ns .*/\1/p' "$src/man/vmem_probes.7" |
	sort -u >"$tmp/listed"
diff "$tmp/listed" "$tmp/found"
[ "$(wc -l <"$tmp/found")" -ge 11 ]
! sed -n 's/^ *Provider: *//p' "$tmp/notes" | grep -vqx libvmem || exit 1

command -v gdb >"$tmp/out" || {
	echo "no gdb here: what the probes say was not looked at"
	exit 0
}
cat >"$tmp/program.c" <<'END'
#include <libvmem.h>

int main(void)
{
	VMEM *pool = vmem_create("/tmp", VMEM_MIN_POOL);
	void *p = vmem_malloc(pool, 100000);
	vmem_free(pool, p);
	vmem_free(pool, p);
	vmem_malloc(pool, 15000000);
	vmem_delete(pool);
	return 0;
}
END
cc -g -I"$src/include" -o "$tmp/program" "$tmp/program.c" -L"$build/lib" \
	-lvmem -Wl,-rpath,"$build/lib"
# watch PROBE ARGUMENT -- print one argument of a probe each time
watch() {
	printf 'break -probe-stap libvmem:%s\ncommands\nsilent\n' "$1"
	# shellcheck disable=SC2016 # gdb's variable
	printf 'printf "<%s %%lu>\\n", $_probe_arg%s\ncontinue\nend\n' \
		"$1" "$2"
}
{
	printf 'set debuginfod enabled off\nset confirm off\n'
	printf 'break main\nrun\n'
	watch pool_create 1
	watch large_alloc 2
	watch misuse 2
	watch oom 1
	echo continue
} >"$tmp/commands"
timeout 60 gdb -batch -nx -x "$tmp/commands" "$tmp/program" >"$tmp/gdb" 2>&1 ||
	true
if grep -q 'ptrace\|Operation not permitted' "$tmp/gdb"; then
	echo "no ptrace here: what the probes say was not looked at"
	exit 0
fi

# the lines of the manual's example, in its order
sed -n 's/\\-/-/; s/^(gdb) //p' "$src/man/vmem_probes.7" >"$tmp/example"
grep -q '^break -probe-stap libvmem:' "$tmp/example"
{
	# the probe is known once the library is
	printf 'set debuginfod enabled off\nset confirm off\n'
	printf 'set breakpoint pending on\n'
	cat "$tmp/example"
} >"$tmp/commands"
timeout 60 gdb -batch -nx -x "$tmp/commands" "$tmp/program" \
	>"$tmp/gdb-example" 2>&1 || true
grep -q '^[$]1 = [0-9]' "$tmp/gdb-example" || {
	echo "the example of vmem_probes(7) does not stop and print:"
	cat "$tmp/gdb-example"
	exit 1
}
readelf --notes "$library" | grep -q 'Name: oom'
for line in '<pool_create 14680064>' '<large_alloc 102400>' '<misuse [23]>' \
	'<oom 15000000>'; do
	grep -q "$line" "$tmp/gdb" || {
		echo "not seen by gdb: $line"
		cat "$tmp/gdb"
		exit 1
	}
done
