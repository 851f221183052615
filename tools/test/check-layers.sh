#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
set -eu
# shellcheck source=tools/test/expect
. "$(dirname "$0")/expect"
check() {
	"$tools/check-layers" "$tree"
}

put src/pool/pool.c <<'END'
#include "pool/pool_internal.h"
#include "base/error.h"
#include "run/run.h"
#include <stdio.h>
END
passes check

put src/run/run.c <<'END'
#include "slab/slab.h"
END
fails 'src/run/run.c:1: run/ may not include slab/slab.h' check

put src/run/run.c <<'END'
#include "run.h"
END
fails 'write it "layer/header.h": run.h' check

put src/run/run.c </dev/null
put src/slab/slab.c <<'END'
#  include "run/page_tree.h"
END
fails 'run/page_tree.h is private to run/' check

put src/slab/slab.c <<'END'
#include "run/run.c"
END
fails 'a .c file is not included' check

put src/slab/slab.c </dev/null
put src/libvmem/api.c <<'END'
#include "libvmmalloc/fork.h"
END
fails 'not a lower layer' check

put src/libvmem/api.c <<'END'
#include "extra/extra.h"
END
fails 'extra/ is not a layer' check

put src/libvmem/api.c </dev/null
put src/cli/main.c <<'END'
#include "pool/pool.h"
END
fails 'cli/ may include public headers and inspect/inspect.h alone' check

put src/cli/main.c <<'END'
#include "inspect/inspect.h"
END
put src/inspect/check.c <<'END'
#include "pool/pool_internal.h"
#include "run/meta.h"
END
passes check

put src/pool/pool.c <<'END'
#include "inspect/inspect.h"
END
fails 'pool/ may not include inspect/inspect.h' check

put src/pool/pool.c </dev/null
put src/libvmem/api.c <<'END'
#include "inspect/inspect.h"
END
fails 'the command alone may' check

put src/libvmem/api.c </dev/null
put src/slab/slab.h <<'END'
#include "slab/bin.h"
END
passes check
put src/slab/bin.h <<'END'
#include "slab/class.h"
END
put src/slab/class.h <<'END'
#include "slab/slab.h"
END
fails 'headers include each other in a circle' check
done_expecting
