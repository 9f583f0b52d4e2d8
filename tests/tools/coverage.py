#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""coverage.py [--lines FOLDER] [--branches FOLDER] BUILD FOLDER...: what gcov counted in a build folder, for each file.

A line of a source counts as run if any of its copies in any program was; a branch is a way out of a
condition. With --lines: also the lines of one folder that were not run, as FILE:LINE and what stands there. With
--branches: also the branches of lines that were run which were not taken, as FILE:LINE:NUMBER of HOW MANY.
"""
import collections
import glob
import json
import os
import subprocess
import sys


def count(build, folders):
    """{file: ({line: times}, {(line, branch): times})}"""
    files = collections.defaultdict(lambda: (collections.Counter(), collections.Counter()))
    for folder in folders:
        for notes in sorted(glob.glob(f"{build}/{folder}/*.gcno")):
            text = subprocess.run(
                ["gcov", "--json-format", "--stdout", "--branch-probabilities", notes],
                check=True, capture_output=True, text=True,
            ).stdout
            for document in text.splitlines():
                for file in json.loads(document)["files"]:
                    name = os.path.relpath(file["file"])
                    if os.path.dirname(name) not in folders or name.endswith(".h"):
                        continue
                    lines, branches = files[name]
                    for line in file["lines"]:
                        lines[line["line_number"]] += line["count"]
                        for i, branch in enumerate(b for b in line["branches"] if not b["throw"]):
                            branches[line["line_number"], i] += branch["count"]
    return files


def row(name, lines, branches):
    ran, taken = (sum(n > 0 for n in c.values()) for c in (lines, branches))
    part = lambda n, of: f"{100 * n / of:5.1f}" if of else "    -"
    print(f"{name:36} {ran:6} {len(lines):6} {part(ran, len(lines))}  {taken:6} {len(branches):6} {part(taken, len(branches))}")


def list_left(name, lines, branches, with_lines, with_branches):
    """What of a file was not run."""
    with open(name, encoding="utf-8") as f:
        text = f.read().splitlines()
    of = collections.Counter(line for line, _ in branches)
    left = [(line, "") for line, times in lines.items() if with_lines and times == 0]
    left += [
        (line, f"{i + 1} of {of[line]}:")
        for (line, i), times in branches.items()
        if with_branches and times == 0 and lines[line] > 0
    ]
    for line, which in sorted(left):
        print(f"{name}:{line}:{which} {text[line - 1].strip()}")


def main(*args):
    listed = {"--lines": "", "--branches": ""}
    while args[0] in listed:
        listed[args[0]], args = args[1], args[2:]
    build, *folders = args
    files = count(build, folders)
    if not files:
        sys.exit(f"{build}: gcov counted nothing")
    print(f"{'':36} {'lines':>6} {'of':>6} {'%':>5}  {'branch':>6} {'of':>6} {'%':>5}")
    for folder in folders:
        total = collections.Counter(), collections.Counter()
        for name in sorted(n for n in files if os.path.dirname(n) == folder):
            row(name, *files[name])
            for counts, own in zip(total, files[name]):
                counts.update({(name, key): n for key, n in own.items()})
        row(folder, *total)
    for name in sorted(files):
        list_left(name, *files[name], *(os.path.dirname(name) == folder for folder in listed.values()))


if __name__ == "__main__":
    main(*sys.argv[1:])
