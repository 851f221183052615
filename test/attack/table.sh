#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# table.sh SRC BUILD -- what docs/hardening.md says of the levels is so
set -eu
command -v python3 >/dev/null || {
	echo "skipped: no python3 here"
	exit 77
}
exec "$1/test/attack/table.py" "$2" --check "$1/docs/hardening.md"
