#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-3-Clause
#
# work.pl WORDS CHILDREN -- much of what perl asks malloc for
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);

my ($nwords, $nchildren) = @ARGV;
my $state = 42;

sub draw {
	$state = ($state * 1103515245 + 12345) & 0x7fffffff;
	return ($state >> 8) % $_[0];
}

sub word {
	return join '', map { chr(97 + draw(26)) } 1 .. 1 + draw(9);
}

sub show {
	my ($what, @values) = @_;
	print "$what ", md5_hex(join "\0", @values), "\n";
}

# a text, and an index of it
my @words = map { word() } 1 .. $nwords;
my %places;
push @{$places{$words[$_]}}, $_ for 0 .. $#words;
show 'places', map { "$_ @{$places{$_}}" } sort keys %places;

# sorting in three ways
show 'sorted', sort { length $a <=> length $b || $a cmp $b } @words;
show 'frequent', (sort { @{$places{$b}} <=> @{$places{$a}} || $a cmp $b }
	keys %places)[0 .. 99];
show 'reversed', reverse map { scalar reverse } @words;

# regular expressions that match, capture and replace
my $text = join ' ', @words;
(my $changed = $text) =~ s/\b([a-m]+)([n-z]+)\b/<$2-$1>/g;
show 'replaced', $changed;
my %pairs;
$pairs{"$1$2"}++ while $text =~ /([aeiou])[^aeiou ]*([aeiou])/g;
show 'pairs', map { "$_ $pairs{$_}" } sort keys %pairs;
show 'split', grep { /^(.)(.).*\2\1$/ } split /[ <>-]+/, $changed;

# strings that grow, and structures that come and go
my $grown = '';
$grown .= sprintf '%s:%d;', $_, length $_ for @words;
substr($grown, draw(length $grown), 3) = 'xyz' x draw(5) for 1 .. 1000;
show 'grown', $grown;
my @tree;
for my $n (1 .. $nwords / 10) {
	my $node = { name => $words[$n], list => [ 1 .. draw(20) ] };
	$tree[draw(500)] = { child => $node, more => { %$node } };
}
show 'tree', map { defined $_ ? $_->{more}{name} : '-' } @tree;

# children that go on with all of it, four at a time
$| = 1;
my @answers;
for (my $first = 0; $first < $nchildren; $first += 4) {
	my @pipes;
	for my $n ($first .. $first + 3) {
		my $child = open(my $pipe, '-|') // die "fork: $!";
		if ($child == 0) {
			delete $places{$words[$_ * 3]} for $n .. $n + 500;
			$places{word() . $n} = [ $n ] for 1 .. 500;
			$text =~ s/a$n?/b/g;
			my @first = (sort keys %places)[0 .. 999];
			print md5_hex(join "\0", $text,
				map { "$_ @{$places{$_}}" } @first);
			exit $n % 5;
		}
		push @pipes, $pipe;
	}
	for my $pipe (@pipes) {
		push @answers, <$pipe> // 'nothing';
		close $pipe;
		push @answers, $?;
	}
}
show 'children', @answers;
show 'afterwards', map { "$_ @{$places{$_}}" } sort keys %places;
