#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"
check() {
	"$tools/check-refs" "$tree"
}

put src/run/run.c <<'END'
/*
 * run.c -- see run_alloc(), open(2), malloc() and `run/run.c`
 *
 * Source  Elsewhere, other.c.
 */
int run_alloc(void);
END
put README.md <<'END'
A [link](src/run/run.c#place), `src/*/run.c`, `run_alloc()`, `build/release/bin`.
```
missing()
```
END
passes check

printf '/* see run_missing() */\n' | put src/run/other.c
fails 'src/run/other.c:1: no such function: run_missing()' check

# shellcheck disable=SC2016 # no command
printf '/*\n * as `src/missing/` does\n */\n' | put src/run/other.c
fails 'src/run/other.c:2: no such path: src/missing/' check

printf '/* is in missing.h, too */\n' | put src/run/other.c
fails 'src/run/other.c:1: no such file: missing.h' check

printf 'int run_alloc(void); /* no f() */\n' | put src/run/other.c
fails 'no such function: f()' check

rm "$tree/src/run/other.c"
# shellcheck disable=SC2016 # no command
printf 'the file `missing.md`\n' | put README.md
fails 'README.md:1: no such file: missing.md' check

printf 'the [file](docs/missing.md#place)\n' | put README.md
fails 'README.md:1: no such path: docs/missing.md' check
done_expecting
