#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# hardened.sh SRC BUILD -- what is installed is hardened against attacks
set -eu
exec "$1/tools/check-hardened" "$2"
