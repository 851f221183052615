#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-3-Clause
#
# text.pl MEBIBYTES -- a text that compresses as prose does, always the same
use strict;
use warnings;

my $left = $ARGV[0] << 20;
my $state = 1;

sub draw {
	$state = ($state * 1103515245 + 12345) & 0x7fffffff;
	return ($state >> 8) / (1 << 23);
}

my @words = map { join '', map { chr(97 + 26 * draw()) } 1 .. 2 + 8 * draw() }
	1 .. 20000;
# sentences are made once; the text is a random order of them
my @lines;
for (1 .. 8000) {
	push @lines, join(' ', map { $words[@words * draw() ** 3] }
		1 .. 6 + 9 * draw()) . "\n";
}
while ($left > 0) {
	my $part = join '', map { $lines[@lines * draw()] . int(1e6 * draw()) }
		1 .. 1000;
	print substr $part, 0, $left;
	$left -= length $part;
}
