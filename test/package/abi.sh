#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# abi.sh SRC BUILD -- the built libraries offer what is on record, and libvmem
# all that libvmem 1.0 did
set -eu
if ! command -v abidiff >/dev/null; then
	echo "skipped: no abidiff (abigail-tools)"
	exit 77
fi
exec "$1/tools/check-abi" "$2" "$1"
