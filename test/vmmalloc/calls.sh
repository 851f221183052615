#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# calls.sh SRC BUILD -- every entry point, however it is found, and objects that
# are opened at run time
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
object=$(program object_deep).so

for how_bound in linked default next; do
	fine "$(program calls)" $how_bound
done
for level in 0 2 3; do
	fine VMEM_OPTIONS=hardening=$level "$(program calls)" linked
done
fine VMMALLOC_TIERS="a:$pools:32M,b:anon:32M,threshold=2K" \
	"$(program calls)" linked
fine VMMALLOC_TIERS="a:$pools:32M,b:anon:32M,threshold=2K" \
	VMEM_OPTIONS=hardening=3 "$(program calls)" linked
fine VMMALLOC_TIERS="a:$pools:32M,b:anon:32M,ratio=1:1" \
	"$(program calls)" default

# with RTLD_DEEPBIND memory crosses both ways
for how_opened in now deep global apart; do
	fine "$(program loads)" $how_opened "$object"
done
done_testing
