#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"
check() {
	"$tools/check-text" "$tree"
}
licence='/* SPDX-License-Identifier: BSD-3-Clause */'

{
	echo "$licence"
	echo 'const char *s = "http://example.org"; /* see http://x */'
} | put src/a.c
printf '<!-- SPDX-License-Identifier: BSD-3-Clause -->\n' | put README.md
passes check

echo 'int a;' | put src/a.c
fails 'src/a.c: no SPDX-License-Identifier' check

printf '%s\nint a; \n' "$licence" | put src/a.c
fails 'src/a.c:2: white space' check

printf '%s\nint a;' "$licence" | put src/a.c
fails "src/a.c: no line's end" check

printf '%s\nint a; // one\n' "$licence" | put src/a.c
fails 'src/a.c:2: comments are /* */' check

printf '%s\nint\nf(void)\n{\n#ifdef X\n#endif\n}\n' "$licence" | put src/a.c
fails 'src/a.c:5: a conditional inside a function' check
done_expecting
