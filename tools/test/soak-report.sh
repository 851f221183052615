#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# soak-report.sh -- what grows is found, and what does not is not
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"

# record SECONDS RSS DESCRIPTORS -- formulas of awk, by t
record() {
	awk "BEGIN {
		print \"seconds,rss,blocks,mapped,active,allocated,\" \\
			\"metadata,asked,fragmentation,descriptors,\" \\
			\"mappings,operations,pools,forks,kills,trims,checks\"
		for (t = 0; t < $1; t += 0.5) {
			noise = sin(t * 1.2566) * 2e7 + sin(t * t) * 3e6
			printf \"%.2f,%.0f,5e7,5e7,4e7,3e7,1e6,3e7,0.25,%d,\",
				t, $2, $3
			print \"80,\" t * 1000 \",1,1,1,1,1\"
		}
	}" >"$tree/soak.csv"
}

report() {
	"$tools/soak-report" "$tree/soak.csv" >"$tree/out" || {
		cat "$tree/out"
		return 1
	}
}

record 60 '1e8 + noise' 9
passes report
record 3600 '1e8 + noise' 9
passes report
# what it takes to get going is no growth
record 600 '(t < 100 ? t / 100 : 1) * 1e8 + noise' 9
passes report
# less is no harm
record 600 '1e8 + noise - t * 1e4' 9
passes report
record 600 '1e8 + noise + t * 2e4' 9
fails 'grows: rss' report
record 60 '1e8 + noise + t * 1e6' 9
fails 'grows: rss' report
record 600 '1e8 + noise' '9 + t / 60'
fails 'grows: descriptors' report
record 20 '1e8' 9
fails 'too few' report
done_expecting
