#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# help.sh SRC BUILD -- what the command says of itself
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

version=$(sed -n 's/^project(vmem VERSION \([0-9.]*\).*/\1/p' "$1/CMakeLists.txt")
prints "vmem $version" --version
prints "vmem $version" run --version

says 2 "vmem: a command is missing; 'vmem --help' lists them"
says 2 "vmem: no command 'nothing'; 'vmem --help' lists them" nothing
says 2 "vmem: no command 'nothing'; 'vmem --help' lists them" help nothing
says 2 "vmem: help explains one command" help run run
says 2 "vmem run: a program is missing" run
says 2 "vmem run: a program is missing" run --stats --

# option errors have the two lines of argp
says 2 "vmem: unrecognized option '--nothing'
Try \`vmem --help' or \`vmem --usage' for more information." --nothing
says 2 "vmem run: unrecognized option '--nothing'
Try \`vmem run --help' or \`vmem run --usage' for more information." \
	run --nothing
says 2 "vmem run: option '--size' requires an argument
Try \`vmem run --help' or \`vmem run --usage' for more information." \
	run --size

says 2 "vmem: unrecognized option '--nothing'
Try \`vmem --help' or \`vmem --usage' for more information." help --nothing

# the same text by all ways to it
"$vmem" help >"$tmp/help"
"$vmem" run --help >"$tmp/help-run"
prints "$(cat "$tmp/help")" --help
prints "$(cat "$tmp/help")" help help
prints "$(cat "$tmp/help")" help --help
prints "vmem $version" help --version
prints "$(cat "$tmp/help-run")" help run
grep -q '^  run  *run a program' "$tmp/help" || failed "run is not listed"

# every option stands in the help and in the manual page
for option in dir device size fork tiers stats log-file; do
	grep -q -- "--$option" "$tmp/help-run" ||
		failed "the help has no --$option"
	grep -q -- "^\.It.*Fl Fl $option" "$1/man/vmem.1" ||
		failed "the manual page has no --$option"
done
"$vmem" devices --help >"$tmp/help-devices"
prints "$(cat "$tmp/help-devices")" help devices
grep -q -- --json "$tmp/help-devices" || failed "the help has no --json"
grep -q -- "^\.It Fl Fl json" "$1/man/vmem.1" ||
	failed "the manual page has no --json"
grep -q 'Exit status: 0 fine; 2 .* 125' "$tmp/help-devices" ||
	failed "the help does not tell with what devices ends"
done_expecting
