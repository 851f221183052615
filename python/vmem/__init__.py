# SPDX-License-Identifier: BSD-3-Clause
"""Memory pools: buffers in a file, on a device or in memory of your choice.

    import numpy, vmem

    with vmem.Pool("/mnt/cxl", 8 << 30) as pool:
        view = pool.empty(1 << 20)                    # a writable memoryview
        array = numpy.frombuffer(pool.zeros(8000))    # 1000 numbers

What a pool gives is a memoryview of plain bytes: everything that takes a buffer
takes it.  Its memory goes back to the pool when the last view of it is gone, and
an array that was made from it is one.  A view keeps its pool alive.

MemoryError is raised when a pool has no room, OSError when it cannot be made.
All functions may be called by many threads at once.
"""
from ._library import STATS_FIELDS
from ._pool import Pool

__all__ = ["Pool", "MIN_POOL", "STATS_FIELDS"]
__version__ = "1.2.0"

#: The smallest pool, in bytes.
MIN_POOL = 14 << 20
