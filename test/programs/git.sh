#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# git.sh -- git clones, repacks with threads, and verifies a repository

needs git command -v git
needs perl command -v perl
pool 128M
forks 2 3
# not mode 0: in the heap that they then share, the child of git writes where
# the parent keeps its process number
tight 128 '^fatal: Out of memory, (m|re)alloc failed'

export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org \
	GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_NAME=C \
	GIT_COMMITTER_EMAIL=c@example.org GIT_COMMITTER_DATE='1700000000 +0000'

prepare() {
	git init -q -b main --bare "$INPUT/origin.git"
	perl "$PROGRAMS/history.pl" "$(amount 150 1500 500)" |
		git -C "$INPUT/origin.git" fast-import --quiet
}

work() {
	under git clone -q --no-local "$INPUT/origin.git" clone
	cd clone || exit
	under git log --stat --format='%H %an %s' | sha256sum
	under git log -p --follow --format=%h -- dir1/file1.txt | sha256sum
	# which delta a thread finds first differs, so packs do as well
	under git repack -q -a -d -f --threads=2 --window=20 --depth=20
	under git cat-file --batch-all-objects --batch-check | sha256sum
	under git fsck --full --strict --no-progress
	for file in dir0/file0.txt dir1/file1.txt dir2/file2.txt; do
		under git blame --line-porcelain -C $file | sha256sum
	done
	under git diff --stat HEAD~50 HEAD | tail -n 1
	under git grep -c -E 'line (1|2)[0-9]* ' HEAD -- dir0 | sha256sum
	under git checkout -q -b other HEAD~20
	echo changed >dir0/new.txt
	under git add dir0/new.txt
	under git commit -q -m other
	under git merge -q --no-edit main
	under git rev-parse HEAD 'HEAD^{tree}'
	under git gc -q --aggressive --prune=now
	under git fsck --full --no-progress
	under git status --short --branch
}

exhaust() {
	head -c 20000000 /dev/zero | under git hash-object --stdin
}
