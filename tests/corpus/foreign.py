#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""foreign.py WORKDIR: programs that Cranelift did not make, as lines for WORKDIR/foreign.tsv.

Own C (cgen.py) by clang and gcc at five levels, with and without unwind tables, linked by LLD (which
pads the tables as Cranelift does) and by GNU ld, stripped and not; LLVM's Rust: the prebuilt standard
library of each target that rustup has installed; Debian's arm64 packages, when apt-get can get them
(into WORKDIR alone, nothing is installed). What is missing is said.

A line is: kind, corpus, path, functions. Stripped copies count no functions of their own.
"""
import glob
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cgen
import elf

LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os"]
ARCHES = {
    "aarch64": {"clang": ["clang-14", "--target=aarch64-linux-gnu"], "gcc": ["aarch64-linux-gnu-gcc-12"],
                "lld": ["ld.lld-14", "-m", "aarch64linux"], "ld": ["aarch64-linux-gnu-ld", "-z", "separate-code"],
                "strip": "aarch64-linux-gnu-strip", "seeds": 18, "bare": 6},
    "x86_64": {"clang": ["clang-14", "--target=x86_64-linux-gnu"], "gcc": ["gcc-12"],
               "lld": ["ld.lld-14", "-m", "elf_x86_64"], "ld": ["ld", "-m", "elf_x86_64", "-z", "separate-code"],
               "strip": "strip", "seeds": 6, "bare": 2},
}
FUNCTIONS = 120
PACKAGES = ["busybox-static", "libc6", "coreutils", "ripgrep"]


def run(*command, **options):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **options)


def have(program):
    return shutil.which(program) is not None


def c_program(job):
    """One C file by one compiler: linked, and a stripped copy. Returns the lines."""
    work, arch, compiler, level, tables, seed, source = job
    tools = ARCHES[arch]
    linker = "lld" if (seed + LEVELS.index(level)) % 2 else "ld"
    name = "%s-%s%s-%s-%s-%d" % (arch, compiler, level, "tables" if tables else "bare", linker, seed)
    base = os.path.join(work, "foreign", name)
    run(*tools[compiler], level, "-w", "-fPIC" if seed % 3 == 0 else "-fno-pic",
        "-fasynchronous-unwind-tables" if tables else "-fno-asynchronous-unwind-tables",
        *([] if tables else ["-fno-unwind-tables"]), "-c", source, "-o", base + ".o")
    run(*tools[linker], "--unresolved-symbols=ignore-all", "-e", "0", *(["-shared"] if seed % 3 == 0 else []),
        base + ".o", "-o", base + ".elf")
    run(tools["strip"], "-o", base + ".stripped", base + ".elf")
    corpus = "%s %s %s" % (arch, compiler, "tables" if tables else "bare")
    n = len(elf.load(base + ".elf").functions())
    return [("foreign", corpus, base + ".elf", n), ("foreign", corpus + ", stripped", base + ".stripped", 0)]


def c_programs(work, pool):
    os.makedirs(os.path.join(work, "foreign"), exist_ok=True)
    jobs = []
    for arch, tools in ARCHES.items():
        missing = [t for t in (tools["clang"][0], tools["gcc"][0], tools["lld"][0], tools["ld"][0], tools["strip"])
                   if not have(t)]
        if missing:
            print("skipped: C for %s: %s missing" % (arch, ", ".join(missing)))
            continue
        for seed in range(tools["seeds"]):
            source = os.path.join(work, "foreign", "%s-%d.c" % (arch, seed))
            with open(source, "w") as f:
                f.write(cgen.source("%s-%d" % (arch, seed), FUNCTIONS))
            for compiler in ("clang", "gcc"):
                for level in LEVELS:
                    jobs.append((work, arch, compiler, level, True, seed, source))
                    if seed < tools["bare"]:
                        jobs.append((work, arch, compiler, level, False, seed, source))
    return [line for lines in pool.map(c_program, jobs) for line in lines]


def std_libraries(work):
    """The objects in the rlibs of the prebuilt standard library: LLVM by rustc."""
    if not have("rustc"):
        print("skipped: Rust by LLVM: rustc is not installed")
        return []
    root = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip()
    lines = []
    for arch in ARCHES:
        rlibs = sorted(glob.glob("%s/lib/rustlib/%s-unknown-linux-gnu/lib/*.rlib" % (root, arch)))
        if not rlibs:
            print("skipped: Rust by LLVM for %s: rustup target add %s-unknown-linux-gnu" % (arch, arch))
        for rlib in rlibs:
            into = os.path.join(work, "std", arch, os.path.basename(rlib)[:-5])
            if not os.path.isdir(into):
                os.makedirs(into)
                run("ar", "x", os.path.realpath(rlib), cwd=into)
            for path in sorted(glob.glob(into + "/*.o")):
                # compiler_builtins holds C and assembly too: all foreign
                lines.append(("foreign", arch + " rustc-LLVM std", path, len(elf.load(path).functions())))
    return lines


def packages(work):
    """Debian's arm64 programs, in a state directory of their own: this machine's apt is not touched."""
    root = os.path.join(work, "debian")
    done = os.path.join(root, "done")
    if not os.path.exists(done):
        for d in ("state/lists/partial", "cache/archives/partial", "tree"):
            os.makedirs(os.path.join(root, d), exist_ok=True)
        options = ["-o", "Dir::State=" + root + "/state", "-o", "Dir::Cache=" + root + "/cache",
                   "-o", "Dir::State::status=/dev/null", "-o", "APT::Architecture=arm64",
                   "-o", "APT::Architectures::=arm64", "-o", "Acquire::http::Timeout=20"]
        try:
            with open(os.path.join(root, "log"), "w") as log:
                run("timeout", "120", "apt-get", *options, "update", stdout=log, stderr=log)
                run("timeout", "120", "apt-get", *options, "download", *PACKAGES, cwd=root, stdout=log, stderr=log)
                for deb in glob.glob(root + "/*.deb"):
                    run("dpkg-deb", "-x", deb, root + "/tree")
        except (OSError, subprocess.CalledProcessError):
            print("skipped: Debian's arm64 packages: apt-get could not get them (%s/log)" % root)
            return []
        open(done, "w").close()
    lines = []
    for folder, _, names in sorted(os.walk(root + "/tree")):
        for path in (os.path.join(folder, n) for n in sorted(names)):
            if os.path.islink(path) or open(path, "rb").read(20)[:4] != b"\x7fELF":
                continue
            lines.append(("foreign", "aarch64 Debian packages", path, 0))
    return lines


def main():
    work = sys.argv[1]
    os.makedirs(work, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        lines = c_programs(work, pool)
    lines += std_libraries(work) + packages(work)
    with open(os.path.join(work, "foreign.tsv"), "w") as f:
        for line in lines:
            f.write("\t".join(map(str, line)) + "\n")
    print("foreign: %d files, %d functions by symbols" % (len(lines), sum(line[3] for line in lines)))


if __name__ == "__main__":
    main()
