#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# demo.sh [BUILD] -- show what the library does; under a minute
#
# BUILD  the build folder (default: build/release)
#
# Ends with 0 when everything was as it should be; else says what was not.
set -eu

cd "$(dirname "$0")/.."
build=${1:-build/release}
dir=${TMPDIR:-/tmp}

heading()
{
	printf '\n=== %s\n\n' "$*"
}

# run COMMAND... -- show the command, then run it
run()
{
	printf '$'
	for word in "$@"; do
		case $word in
		*" "*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	"$@" || {
		code=$?
		echo "demo: failed with exit code $code: $*" >&2
		exit 1
	}
}

for program in hello vmem-index; do
	if [ ! -x "$build/bin/$program" ]; then
		echo "demo: $build/bin/$program is not built: run make" >&2
		exit 1
	fi
done

heading "The smallest program: a pool, a string in it, and away"
run env LD_LIBRARY_PATH="$build/lib" "$build/bin/hello" "$dir"

heading "An inverted index of this system's headers and documents in a pool"
run "$build/bin/vmem-index" --dir "$dir" --size 256M --threads 2 \
	--query "malloc" --query "size_t malloc" \
	--query "the pthread_mutex_lock" --query "memory pool" \
	--query "nowhere_to_be_found" --stats=abl

heading "The same, with the index dropped in one call"
run "$build/bin/vmem-index" --dir "$dir" --size 256M --threads 2 --quiet \
	--drop --top 1 --query "license"

heading "A pool that is too small: what fits is kept, and the rest is told"
run "$build/bin/vmem-index" --dir "$dir" --size 14M --threads 2 --quiet \
	--top 1 --query "malloc"

heading "What was shown"
cat <<'EOF'
Texts of this system were indexed by two threads, with every byte of the index
in a pool; queries were answered by two threads; all objects were freed one by
one, and in another run with one call; a full pool refused more and went on;
and each time vmem_check() found the pool consistent.  Demonstration: OK
EOF
