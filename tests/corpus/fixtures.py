#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fixtures.py WORKDIR OUTDIR: some functions of the corpora as listings, for tests/audit/generated/.

After `make corpus`; WORKDIR is out/corpus. Only functions of own C and own CLIF are taken. A listing:
a line "function NAME MAKER", a line "fde BYTES" (its program; missing if it has none), lines of
words, an empty line. test_code_generated reads them.
"""
import glob
import os
import random
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import attack
import elf
from foreign import LEVELS

HEAD = """\
# SPDX-License-Identifier: MIT
# %s
# Made by tests/corpus/fixtures.py.
"""


def functions(path):
    """(name, words, FDE's program or None) of the functions of a linked program"""
    e = elf.load(path)
    programs = {}
    for at, addr, _, _ in attack.fde_rows(e):
        length, = struct.unpack_from("<I", e.data, at)
        programs[addr] = bytes(e.data[at + 17:at + 4 + length])
    for f in e.functions():
        off = e.file_off(f.value)
        if f.size % 4 == 0:
            yield f.name, struct.unpack_from("<%dI" % (f.size // 4), e.data, off), programs.get(f.value)


def choose(rng, path, n, low, high):
    found = sorted(x for x in functions(path) if low <= len(x[1]) <= high and x[2] is not None)
    return [found[k] for k in sorted(rng.sample(range(len(found)), min(n, len(found))))]


def write(path, head, listings):
    with open(path, "w") as f:
        f.write(HEAD % head)
        for maker, (name, words, program) in listings:
            f.write("\nfunction %s %s\nfde %s\n" % (name, maker, program.hex() or "-"))
            for i in range(0, len(words), 10):
                f.write(" ".join("%08x" % w for w in words[i:i + 10]) + "\n")


def main():
    work, out = sys.argv[1:3]
    os.makedirs(out, exist_ok=True)
    rng = random.Random("fixtures")
    for compiler in ("clang", "gcc"):
        listings = []
        for level in LEVELS:
            path = sorted(glob.glob("%s/foreign/aarch64-%s%s-tables-*-1.elf" % (work, compiler, level)))[0]
            for low, high, n in ((1, 5, 3), (6, 12, 4), (13, 24, 5), (25, 60, 4)):
                listings += [(compiler + level, x) for x in choose(rng, path, n, low, high)]
        write(os.path.join(out, compiler + ".txt"), "own C (tests/corpus/cgen.py) by %s" % compiler, listings)
    releases = {}
    for path in sorted(glob.glob(work + "/clif/*-aarch64-*-tables.o")):
        releases.setdefault(os.path.basename(path).split("-")[0], []).append(path)
    for release, paths in sorted(releases.items()):
        listings = []
        for path in paths:
            # linked, since an object's table has its addresses in relocations
            linked = os.path.join(work, "fixture.elf")
            subprocess.run(["ld.lld-14", "--unresolved-symbols=ignore-all", "-e", "0", path, "-o", linked], check=True)
            opt = os.path.basename(path).split("-")[2]
            for low, high, n in ((1, 5, 1), (6, 12, 1), (13, 30, 2), (31, 70, 1)):
                listings += [("cranelift-%s-%s" % (release, opt), x) for x in choose(rng, linked, n, low, high)]
            os.remove(linked)
        write(os.path.join(out, "cranelift-%s.txt" % release),
              "own CLIF (tests/corpus/clif/src/gen.rs) by Cranelift " + release, listings)


if __name__ == "__main__":
    main()
