# SPDX-License-Identifier: BSD-3-Clause
#
# in-order.awk PATTERN... FILE -- has the file lines that the patterns match, in
# that order?  Says which one is missing, and fails.

BEGIN {
	for (i = 1; i < ARGC - 1; i++) {
		want[i] = ARGV[i]
		ARGV[i] = ""
	}
	n = ARGC - 2
	at = 1
}
at <= n && $0 ~ want[at] { at++ }
END {
	if (at <= n) {
		print "    no line, or none behind the last: " want[at]
		exit 1
	}
}
