#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""table.py BUILD [--check FILE | --write FILE] -- each attack on each heap

Runs BUILD/bin/test/attack for each heap, attack and size, each in a process of
its own, and makes the tables of what came of it.  Without an option it prints
them; --write puts them into FILE, between the lines <!-- attacks --> and
<!-- end of attacks -->; --check compares the columns of the pools with those of
FILE.  The other allocators' columns may differ with their versions, and are
left out where they are not installed; they are not compared.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

SIZES = [(64, "Small objects (64 bytes)"), (262144, "Large objects (256 KiB)")]
ATTACKS = [
    ("twice", "freed twice, at once"),
    ("twice-after-1", "freed twice, one other free between"),
    ("twice-after-4", "freed twice, four other frees between"),
    ("twice-after-many", "freed twice, many other frees between"),
    ("twice-reused", "freed again when it is another object"),
    ("elsewhere-here", "freed by another thread, then by its own"),
    ("here-elsewhere", "freed by its own thread, then by another"),
    ("elsewhere-twice", "freed by two other threads"),
    ("inner-16", "free of an address 16 bytes inside"),
    ("inner-1", "free of an address 1 byte inside"),
    ("header", "free of the pool's header"),
    ("metadata", "free of the pool's page map"),
    ("stack", "free of an address on the stack"),
    ("mapping", "free of an address in another mapping"),
    ("other-pool", "free of another pool's object"),
    ("overflow-1", "write of 1 byte behind an object"),
    ("underflow-1", "write of 1 byte before an object"),
    ("overflow-1-free", "write of 1 byte behind an object, and its free"),
    ("underflow-1-free", "write of 1 byte before an object, and its free"),
    ("damaged-neighbour", "write of 32 bytes behind, free of the next"),
    ("write-after-free", "write of 32 bytes after the free"),
]
POOLS = [(f"level-{level}", str(level)) for level in range(4)]
WORDS = {
    "ready", "done", "refused", "later", "twice", "changed", "check", "none",
    "end",
}
CONTENDERS = [
    ("jemalloc", "libjemalloc.so.2", "libjemalloc2"),
    ("tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
    ("mimalloc", "libmimalloc.so.2", "libmimalloc2.0"),
    ("mimalloc secure", "libmimalloc-secure.so.2", "libmimalloc2.0"),
    ("scudo", "libclang_rt.scudo_standalone-x86_64.so", "libclang-rt-14-dev"),
]
SECONDS = 5
BEGIN, END = "<!-- attacks -->", "<!-- end of attacks -->"


def outcome(lines, status):
    """What the words of an attack, and how its process ended, come to."""
    if "none" in lines:
        return "–"
    if "ready" not in lines:
        sys.exit(f"table.py: the attack did not begin: {lines} {status}")
    stopped = status != 0 and status != 3  # 3: no memory any more
    crashed = stopped and status != -6
    attack = lines[lines.index("ready") + 1:]
    if "done" not in attack:
        if status is None:
            return "hangs"
        return "crash" if crashed else "at once"
    after = attack[attack.index("done") + 1:]
    told = [w for w in attack[: attack.index("done")] if w not in WORDS]
    if told or "refused" in after:
        return "at once"
    for word in after:
        if word == "twice":
            return "**missed**: given twice"
        if word == "changed":
            return "**missed**: bytes"
        if word == "later" or word not in WORDS:
            return "later"
        if word == "check":
            return "by check"
    if status is None:
        return "**missed**: hangs"
    if crashed:
        return "**missed**: crash"
    if stopped:
        return "later"
    return "harmless" if status == 0 else "**missed**: memory lost"


def run(build, heap, attack, size, preload=None):
    """The outcome of one attack."""
    command = [f"{build}/bin/test/attack", heap, attack, str(size)]
    if shutil.which("setarch"):
        # the same addresses each time
        plain = subprocess.run(["setarch", "-R", "true"], capture_output=True,
                               check=False)
        if plain.returncode == 0:
            command = ["setarch", "-R"] + command
    env = {k: v for k, v in os.environ.items() if k != "VMEM_OPTIONS"}
    if preload:
        env["LD_PRELOAD"] = preload
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=SECONDS, env=env, check=False,
        )
        text, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        text, status = error.stdout or b"", None
    lines = text.decode("utf-8", "replace").split("\n")
    return outcome([line for line in lines if line], status)


def contenders():
    """(name, heap, preload) of the other allocators, and what is missing."""
    found = [(f"glibc {os.confstr('CS_GNU_LIBC_VERSION').split()[1]}", None)]
    missing = []
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True,
                           text=True, check=False).stdout
    for name, file, package in CONTENDERS:
        path = None
        match = re.search(rf"{re.escape(file)} .*=> (\S+)", known)
        if match:
            path = match.group(1)
        elif shutil.which("clang"):
            at = subprocess.run(["clang", f"-print-file-name={file}"],
                                capture_output=True, text=True, check=False)
            if os.path.isabs(at.stdout.strip()):
                path = at.stdout.strip()
        if path is None:
            missing.append(name)
            continue
        version = subprocess.run(
            ["dpkg-query", "-W", "-f", "${source:Upstream-Version}", package],
            capture_output=True, text=True, check=False,
        ).stdout
        version = re.match(r"[0-9.]*", version.split(":")[-1]).group()
        found.append((f"{name} {version}".rstrip(), path))
    return found, missing


def row(cells):
    """A line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def tables(build, with_contenders):
    """The lines of all tables."""
    others, missing = contenders() if with_contenders else ([], [])
    lines = []
    for size, title in SIZES:
        heads = [f"level {level}" for _, level in POOLS]
        heads += [name for name, _ in others]
        lines += [f"### {title}", "", row(["attack"] + heads)]
        lines.append(row(["---"] * (len(heads) + 1)))
        for attack, text in ATTACKS:
            cells = [run(build, heap, attack, size) for heap, _ in POOLS]
            for _, preload in others:
                # what depends on chance shows in one of three runs
                seen = {run(build, "malloc", attack, size, preload)
                        for _ in range(3)}
                cells.append(" or ".join(sorted(seen)))
            lines.append(row([text] + cells))
        lines.append("")
    if missing:
        lines += [f"Not installed, so left out: {', '.join(missing)}.", ""]
    return lines[:-1]


def ours(lines):
    """The columns of the pools alone."""
    kept = []
    for line in lines:
        if line.startswith("|"):
            kept.append(tuple(
                cell.strip() for cell in line.split("|")[1: len(POOLS) + 2]))
        elif line.startswith("#"):
            kept.append((line,))
    return kept


def block(text, path):
    """The lines between the marks of a file."""
    if BEGIN not in text or END not in text:
        sys.exit(f"table.py: {path} has no {BEGIN} and {END}")
    return text.split(BEGIN)[1].split(END)[0].strip("\n")


def check(path, lines):
    """Compare the pools' columns with those of a file; the exit status."""
    with open(path, encoding="utf-8") as file:
        wanted = ours(block(file.read(), path).split("\n"))
    found = ours(lines)
    if found == wanted:
        return 0
    for line in wanted:
        if line not in found:
            print("the document:", *line, sep=" | ")
    for line in found:
        if line not in wanted:
            print("now:", *line, sep=" | ")
    print(f"{path} is not what the attacks come to; 'make hardening'")
    return 1


def write(path, lines):
    """Put the tables between the marks of a file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    block(text, path)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n\n".join([
            text.split(BEGIN)[0] + BEGIN,
            "\n".join(lines),
            END + text.split(END)[1],
        ]))


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--check", metavar="FILE")
    parser.add_argument("--write", metavar="FILE")
    options = parser.parse_args()
    lines = tables(options.build, not options.check)
    if options.check:
        sys.exit(check(options.check, lines))
    if options.write:
        write(options.write, lines)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
