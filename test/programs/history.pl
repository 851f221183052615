#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-3-Clause
#
# history.pl COMMITS -- a history for `git fast-import`, always the same one
use strict;
use warnings;

my ($ncommits) = @ARGV;
my $state = 7;
my %files;

sub draw {
	$state = ($state * 1103515245 + 12345) & 0x7fffffff;
	return ($state >> 8) % $_[0];
}

for my $n (1 .. $ncommits) {
	my $when = 1000000000 + 3600 * $n;
	my $who = "Author " . draw(7);
	print "commit refs/heads/main\n";
	print "author $who <a\@example.org> $when +0000\n";
	print "committer $who <a\@example.org> $when +0000\n";
	my $message = "change number $n\n";
	print 'data ', length $message, "\n$message";
	for (0 .. draw(4)) {
		my $f = $n <= 20 ? $n - 1 : draw(60);
		my $path = 'dir' . $f % 5 . "/file$f.txt";
		my $lines = $files{$path} //=
			[ map { "line $_ of $path" } 1 .. 200 ];
		for (1 .. 1 + draw(8)) {
			splice @$lines, draw(scalar @$lines), draw(3),
				map { "line $_ by $who: " . draw(1 << 20) }
					1 .. draw(6);
		}
		my $content = join "\n", @$lines, '';
		print "M 100644 inline $path\ndata ", length $content,
			"\n$content\n";
	}
	print "\n";
}
