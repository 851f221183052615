#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# symbols.sh SRC BUILD -- the built libraries export what they should
set -eu
exec "$1/tools/check-symbols" "$2" "$1"
