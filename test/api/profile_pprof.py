# SPDX-License-Identifier: BSD-3-Clause
"""profile_pprof.py FILE -- decode a profile and compare it with profile_pprof.sh

profile_pb2 is made by protoc from profile.proto.  Everything that the format
demands of the message as a whole is checked, then what the program has done.
"""

import gzip
import sys
import time

import profile_pb2

with gzip.open(sys.argv[1]) as f:  # checks the sum and the length, too
    p = profile_pb2.Profile.FromString(f.read())
text = p.string_table
assert text[0] == ""
names = [(text[t.type], text[t.unit]) for t in p.sample_type]
assert names == [
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("inuse_objects", "count"),
    ("inuse_space", "bytes"),
], names
assert (text[p.period_type.type], text[p.period_type.unit]) == ("space", "bytes")
assert text[p.default_sample_type] == "inuse_space"
assert p.period == 1
assert abs(p.time_nanos / 1e9 - time.time()) < 600

mappings = {m.id: m for m in p.mapping}
functions = {f.id: text[f.name] for f in p.function}
locations = {}
assert mappings and 0 not in mappings and 0 not in functions
for location in p.location:
    assert location.id != 0 and location.id not in locations
    m = mappings[location.mapping_id]
    assert m.memory_start <= location.address < m.memory_limit
    locations[location.id] = [functions[k.function_id] for k in location.line]

found = {}
for sample in p.sample:
    assert len(sample.value) == 4 and sample.location_id
    stack = [name for i in sample.location_id for name in locations[i]]
    assert "main" in stack, stack
    assert not any(name.startswith("vmem_") for name in stack), stack
    key = stack[0]
    old = found.get(key, [0, 0, 0, 0])
    found[key] = [a + b for a, b in zip(old, sample.value)]
assert found["kept"] == [300, 300 * 100, 300, 300 * 100], found
assert found["dropped"] == [200, 200 * 5000, 0, 0], found
assert found["half"] == [100, 100 * 40000, 50, 50 * 40000], found
