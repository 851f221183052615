#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"
check() {
	"$tools/check-site" "$tree" vmem_a
}

# page FILE BODY -- with a title and a heading
page() {
	put "$1" <<-END
		<!DOCTYPE html><title>x</title><h1 id="x">x</h1>$2
	END
}

page index.html '<a href="functions.html#x">all</a>'
page functions.html '<a href="man/a.3.html#vmem_a"><code>vmem_a</code></a>'
page man/a.3.html '<code id="vmem_a">vmem_a</code>
<a href="../index.html">top</a> <a href="https://elsewhere.invalid/">out</a>'
passes check

page index.html '<a href="functions.html">all</a><a href="gone.html">x</a>'
fails 'index.html: leads to nowhere: gone.html' check

page index.html '<a href="functions.html#gone">all</a>'
fails 'index.html: no such place: functions.html#gone' check

page index.html '<a href="functions.html">all</a><img src="style.css">'
fails 'index.html: leads to nowhere: style.css' check
fails 'index.html: 1 pictures without a text' check

page index.html '<a href="functions.html">all <a href="#x">x</a></a>'
fails 'index.html: 1 links within links' check

page index.html '<a href="functions.html">all</a><p id="x">'
fails 'index.html: two things have the id x' check

page index.html '<a href="functions.html">all</a>'
page lost.html ''
fails 'lost.html: nothing leads to it' check
rm "$tree/lost.html"

page functions.html '<a href="man/a.3.html">others</a>'
fails 'functions.html: vmem_a is no link' check
done_expecting
