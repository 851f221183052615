#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# package.sh SRC BUILD -- the Python package works, and so does what its
# documentation shows
set -eu
src=$1
build=$2

python=
for candidate in python3 /usr/bin/python3; do
	if "$candidate" -c 'import numpy' 2>/dev/null; then
		python=$candidate
		break
	fi
done
if [ -z "$python" ]; then
	echo "skipped: no python3 with numpy"
	exit 77
fi

export VMEM_LIBRARY="$build/lib/libvmem.so.1"
export PYTHONPATH="$src/python"
export PYTHONDONTWRITEBYTECODE=1
"$python" -W error "$src/test/python/test_vmem.py"
# shellcheck disable=SC2016 # nothing is to be expanded
answer=$(sed -n '/^```python/,/^```$/{/^```/!p}' "$src/python/README.md" |
	"$python" -)
[ "$answer" = "500.0 8192" ] || {
	echo "the documentation's program says: $answer"
	exit 1
}
