#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# harness.sh SCRIPT FUNCTION -- run one function of a program's script
#
# A script describes one real program in words of its own:
#
#   needs PACKAGE COMMAND...   skipped unless COMMAND succeeds
#   pool SIZE                  the pool of each process that is started
#   forks MODE...              it is also run with these VMMALLOC_FORK
#   forks_alone                its children do not execute others, so that it
#                              also goes on where no second pool has room
#   tight STATUS REGEXP        how exhaust ends, and what is then printed
#
# and has functions that run in an empty folder, at once ended by a failure:
#
#   prepare     makes what the work reads in $INPUT; once, never preloaded
#   work        prints what must be the same everywhere
#   exhaust     asks for more than the smallest pool has
#
# In these, `under COMMAND...` runs it with its heap where this run wants it;
# "${UNDER[@]}" is the same for what goes to the background.  `amount QUICK
# FULL [BENCH]` prints a number by $LEVEL; `digest FILE...` prints checksums,
# and nothing when times are measured.  $PROGRAMS is this folder, $SOURCE that
# of the project.
#
# Read from the environment: UNDER_LIBRARY (empty: nothing is preloaded),
# UNDER_DIR (a folder, or "anon" for private memory), UNDER_POOL (instead of the script's), UNDER_FORK, INPUT, LEVEL.

PROGRAMS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$(cd "$PROGRAMS/../.." && pwd)
LEVEL=${LEVEL:-full}
export PROGRAMS SOURCE LEVEL

# what a script says of its program; missing is empty when nothing is
pool_size=64M
fork_modes=()
goes_on_when_full=false
tight_status=
tight_regexp=
missing=

needs() {
	local package=$1
	shift
	[ -n "$missing" ] || "$@" >/dev/null 2>&1 ||
		missing="needs $package of Debian; this fails: $*"
}

pool() { pool_size=$1; }
forks() { fork_modes=("$@"); }
forks_alone() { goes_on_when_full=true; }
tight() {
	tight_status=$1
	tight_regexp=$2
}

amount() {
	case $LEVEL in
	quick) echo "$1" ;;
	full) echo "$2" ;;
	*) echo "${3:-$2}" ;;
	esac
}

digest() {
	[ "$LEVEL" = bench ] || sha256sum "$@"
}

UNDER=(env)
under() { "${UNDER[@]}" "$@"; }

# set_under -- how the variables above are made true for one command
set_under() {
	[ -n "${UNDER_LIBRARY:-}" ] || return 0
	local size=${UNDER_POOL:-$pool_size}
	UNDER=(env "LD_PRELOAD=$UNDER_LIBRARY")
	if [ "${UNDER_DIR:-}" = anon ]; then
		UNDER+=("VMMALLOC_TIERS=heap:anon:$size")
	else
		UNDER+=("VMMALLOC_POOL_DIR=${UNDER_DIR:-}"
			# the original, which is measured too, wants bytes
			"VMMALLOC_POOL_SIZE=$(numfmt --from=iec "$size")")
	fi
	[ -z "${UNDER_FORK:-}" ] || UNDER+=("VMMALLOC_FORK=$UNDER_FORK")
}

# same_everywhere -- the settings of the person who runs this do not matter
same_everywhere() {
	unset LD_PRELOAD "${!VMMALLOC_@}" "${!VMEM_@}" "${!GIT_@}" CDPATH
	PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH
	export LC_ALL=C TZ=UTC HOME=$PWD
	export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=1 PERL_HASH_SEED=1
	# else what Python asks malloc for are a few large pieces only
	export PYTHONMALLOC=malloc
	ulimit -c 0
}

# what a script may leave out
prepare() { :; }

# reason -- why it cannot be run; empty when it can
reason() { echo "$missing"; }

# facts -- what a script says of its program, for `eval`
facts() {
	declare -p pool_size fork_modes goes_on_when_full tight_status \
		tight_regexp missing
}

# read_script FILE
read_script() {
	# shellcheck source=/dev/null
	. "$1"
}

main() {
	set -euo pipefail
	same_everywhere
	read_script "$1"
	set_under
	shift
	"$@"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	main "$@"
fi
