#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mixed.py WORKDIR: programs of Cranelift's functions and one foreign one, for WORKDIR/mixed.tsv.

One C function of 6 to 40 instructions, by clang or gcc at any level, is linked into Cranelift's
objects (clif.py has made them), by LLD or GNU ld; stripped; .comment is gone or forged. Its unwind
table is honest, absent, forged as a leaf's, forged as that of a function with a frame, without and
with saved registers, or the code hides inside an asm wrapper. A line is: kind, corpus, path, functions, address and length of what is
foreign. Also the programs without it, which must pass: lines of kind cranelift.
"""
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cgen
import elf
import forge
from foreign import ARCHES, LEVELS, have, run

TABLES = ["honest", "absent", "forged empty", "forged plain", "forged framed", "wrapped"]
CASES = 480
COMMENT = b"rustc version 1.97.0-nightly with cranelift 0.131.0\0"
WRAPPER = [0xA9BE7BFD, 0x910003FD, 0xF9000FF3, 0xAA0003F3], [0xF9400FF3, 0xA8C27BFD, 0xD65F03C0]


def small_function(base, k):
    """Compile small functions until one has 6 to 40 instructions: object, name, bytes of it"""
    tools = ARCHES["aarch64"]
    compiler, level = ("clang", "gcc")[k % 2], LEVELS[k // 2 % 5]
    tables = TABLES[k // 10 % 6]
    flags = ["-fasynchronous-unwind-tables"] if tables == "honest" else \
        ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]
    for attempt in range(100):
        with open(base + ".c", "w") as f:
            f.write(cgen.source("mixed-%d-%d" % (k, attempt), 1, True, "alien"))
        run(*tools[compiler], level, "-w", *flags, "-c", base + ".c", "-o", base + ".o")
        made = elf.load(base + ".o")
        found = made.functions()
        if len(found) == 1 and 6 <= found[0].size // 4 <= 40:
            f = found[0]
            start = made.sections[f.shndx].off + f.value
            return f.name, bytes(made.data[start:start + f.size]), tables
    raise RuntimeError("no small function for case %d" % k)


def foreign_object(base, k):
    """BASE.alien.o, which holds the foreign function and its tables; its symbol and its tables"""
    name, code, tables = small_function(base, k)
    if tables == "wrapped":
        words = [int.from_bytes(code[i:i + 4], "little") for i in range(0, len(code), 4)]
        words = WRAPPER[0] + [w for w in words if w != 0xD65F03C0] + WRAPPER[1]
        text = ".text\n.global alien\n.type alien, %%function\nalien:\n%s\n.size alien, . - alien\n" % (
            "\n".join(".inst %#x" % w for w in words))
        name = "alien"
    elif tables.startswith("forged"):
        text = forge.assembly(name, len(code), tables.split()[1])
    else:
        os.replace(base + ".o", base + ".alien.o")
        return name, tables
    with open(base + ".s", "w") as f:
        f.write(text)
    run("aarch64-linux-gnu-as", base + ".s", "-o", base + ".forged.o")
    if tables == "wrapped":
        os.replace(base + ".forged.o", base + ".alien.o")
    else:
        run("ld.lld-14", "-r", base + ".o", base + ".forged.o", "-o", base + ".alien.o")
    return name, tables


def case(job):
    work, k, bases = job
    base = os.path.join(work, "mixed", str(k))
    name, tables = foreign_object(base, k)
    linker = ("lld", "ld")[k // 3 % 2]
    mine = bases[k % len(bases)]
    where = k // 7 % (len(mine) + 1)
    objects = mine[:where] + [base + ".alien.o"] + mine[where:]
    run(*ARCHES["aarch64"][linker], "--unresolved-symbols=ignore-all", "-e", "0", *objects, "-o", base + ".elf")
    at = next(f for f in elf.load(base + ".elf").functions() if f.name == name)
    with open(base + ".comment", "wb") as f:
        f.write(COMMENT)
    forged = ["--add-section", ".comment=" + base + ".comment"] if k // 5 % 2 else []
    run("aarch64-linux-gnu-objcopy", "--strip-all", "--remove-section=.comment", *forged, base + ".elf", base + ".stripped")
    for suffix in (".c", ".s", ".o", ".forged.o", ".alien.o", ".comment"):
        if os.path.exists(base + suffix):
            os.remove(base + suffix)
    return "mixed", "aarch64, table " + tables, base + ".stripped", 1, hex(at.value), at.size


def bases_of(work):
    """Lists of Cranelift's objects with tables, functions with frames only, one list a release"""
    lists = {}
    with open(os.path.join(work, "clif.tsv")) as f:
        for line in f:
            path = line.rstrip("\n").split("\t")[2]
            release, arch, _, seed, tables = os.path.basename(path)[:-2].split("-")
            # every fourth seed allows leaves without a frame: no program of those alone would pass
            if arch == "aarch64" and tables == "tables" and int(seed) % 4 != 3:
                lists.setdefault(release, []).append(path)
    return [paths[:3] for _, paths in sorted(lists.items())]


def main():
    work = sys.argv[1]
    tools = ARCHES["aarch64"]
    missing = [t for t in (tools["clang"][0], tools["gcc"][0], "ld.lld-14", "aarch64-linux-gnu-ld") if not have(t)]
    bases = bases_of(work) if os.path.exists(os.path.join(work, "clif.tsv")) else []
    if missing or not bases:
        print("skipped: mixed programs: %s" % (", ".join(missing) or "no objects by Cranelift"))
        return
    os.makedirs(os.path.join(work, "mixed"), exist_ok=True)
    lines = []
    for i, objects in enumerate(bases):
        for linker in ("lld", "ld"):
            path = os.path.join(work, "mixed", "pure-%d-%s" % (i, linker))
            run(*tools[linker], "--unresolved-symbols=ignore-all", "-e", "0", "--strip-all", *objects, "-o", path)
            lines.append(("cranelift", "aarch64 mixed programs' base", path, 0, 100))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        lines += pool.map(case, [(work, k, bases) for k in range(CASES)])
    with open(os.path.join(work, "mixed.tsv"), "w") as f:
        for line in lines:
            f.write("\t".join(map(str, line)) + "\n")
    print("mixed: %d programs" % CASES)


if __name__ == "__main__":
    main()
