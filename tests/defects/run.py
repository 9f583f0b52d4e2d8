#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py RIMG GOLDEN WORK [TABLE]...: makes each image of the tables, one defect each, and asks rimg.

A line of a table, whose language image.py explains:

    NAME | BASE | CHANGE; CHANGE; ... | FINDING; FINDING; ... | exit N, unexplained N

A finding is "error CODE PATH @FIELD" or "warning ...": all that `verify check` may find, and no more.
"none" is for what is not even recognised. PATH is "." for the image itself, "*" for any. The bytes that a finding names hold the first byte of FIELD; "@" alone
is the first field changed, no "@" a finding without a place, "@*" any place. FIELD is looked up in the
base. What follows from another finding (FOLLOWS) need not be named. The last column is left out if the exit code is 1 with an error and 0 with warnings, and if diff
explains each byte.

Of each base and each image also: diff finds just the bytes that differ and never says "identical"; where
something is wrong, info does not exit with 0, and where something was not read, audit neither; nothing crashes,
hangs, or takes more memory than MEMORY.
"""
import concurrent.futures
import json
import os
import re
import resource
import subprocess
import sys
import threading

import bases

TIMEOUT = 60  # seconds; under a sanitizer, on a busy machine
MEMORY = 1 << 30  # bytes of address space; this program's threads have the same limit
# what follows from another finding: bytes that have lost their owner or have two, or should be zero; a
# content that cannot be had; another reader who gives up sooner
FOLLOWS = ("layer.not-zero", "layer.overlap", "layer.unreadable", "gpt.readers-disagree", "elf.gap-data",
           "pe.gap-data")
# warnings for who reads, errors for who checks: docs/findings.md, "What a check makes of them"
RAISED = ("redoxfs.name", "redoxfs.padding")


class Failure(Exception):
    pass


def require(holds, text):
    if not holds:
        raise Failure(text)


class Line:
    def __init__(self, table, text):
        columns = [c.strip() for c in text.split(" | ")]
        if len(columns) not in (4, 5):
            raise ValueError(f"{table}: expected 4 or 5 columns: {text}")
        self.name, self.base, changes, findings, *rest = columns
        self.name = f"{table}: {self.name}"
        self.changes = [c.strip() for c in changes.split(";")]
        self.findings = [self.finding(f.strip()) for f in findings.split(";") if f.strip() != "none"]
        words = dict(re.findall(r"(exit|unexplained) (\d+)", rest[0] if rest else ""))
        errors = any(f[0] == "error" for f in self.findings)
        self.exit = int(words.get("exit", errors))
        self.unexplained = int(words.get("unexplained", 0))

    @staticmethod
    def finding(text):
        m = re.fullmatch(r"(error|warning) (\S+) (.*?)(?: @(.*))?", text)
        if not m:
            raise ValueError(f"no finding: {text}")
        severity, code, path, place = m.groups()
        return severity, code, "" if path == "." else path, place


class Runner:
    def __init__(self, rimg, golden, work):
        self.rimg, self.work = rimg, work
        self.bases = bases.Bases(rimg, golden, work)
        # libfdisk asks for as much memory as a header says, and goes on without
        options = os.environ.get("ASAN_OPTIONS", "")
        os.environ["ASAN_OPTIONS"] = f"{options}:allocator_may_return_null=1".lstrip(":")
        with open(rimg, "rb") as f:
            program = f.read()
        if b"__asan_init" not in program and b"__tsan_init" not in program:  # these map terabytes
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))

    def rimg_says(self, codes, *args):
        """Exit code and document of rimg ARGS; a crash, a hang, too much memory are failures."""
        try:
            p = subprocess.run([self.rimg, *args], capture_output=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as e:
            raise Failure(f"{' '.join(args)}: still running after {TIMEOUT} s") from e
        error = p.stderr.decode(errors="replace")
        said = f"{' '.join(args)}: exit {p.returncode}: {error[-2000:]}"
        require(p.returncode in codes and "out of memory" not in error, said)
        return p.returncode, json.loads(p.stdout)

    # ---- one image ----

    def check(self, path, expected, exit_code, fields):
        code, j = self.rimg_says((0, 1, 2), "verify", "check", "--json", path)
        found = [(p["severity"], p["code"], p["path"]) for p in j["problems"]]
        shown = "\n".join(
            f"      {p['severity']} {p['code']} {p['path'] or '.'} @{p['image_offset']} {p['message']}"
            for p in j["problems"][:30]
        )
        wanted = [f[:3] for f in expected]
        found = [f if f in wanted else (*f[:2], "*") for f in found]
        if any(f[1] not in FOLLOWS for f in wanted):
            found = [f for f in found if f in wanted or f[1] not in FOLLOWS]
        require(
            sorted(found) == sorted(wanted),
            "expected\n" + "\n".join(f"      {' '.join(f)}" for f in sorted(wanted)) + f"\n    found\n{shown}",
        )
        for severity, name, where, place in expected:
            problems = [p for p in j["problems"] if p["code"] == name and where in ("*", p["path"])]
            require(any(self.at(p, place, fields) for p in problems), f"{name}: not at {place}:\n{shown}")
        errors = sum(p["severity"] == "error" for p in j["problems"])
        require(j["errors"] == errors and j["not_shown"] == 0, "other numbers than problems")
        require(j["ok"] == (errors == 0 and j["complete"]), "ok, though there are errors")
        require(j["complete"] == (not j["unread"]), "complete, though something was not read")
        require((code == 0) == j["ok"], f"exit {code} with {errors} errors")
        require(code == exit_code, f"exit {code} instead of {exit_code}: {j['unread']}\n{shown}")
        return j

    @staticmethod
    def at(problem, place, fields):
        if place == "*":
            return True
        off = problem["image_offset"]
        if place is None or off is None:
            return place is None and off is None
        return off <= fields[place] < off + max(problem["length"], 1)

    def diff(self, line, base, image):
        _, j = self.rimg_says((1,), "diff", "--json", base.path, image.path)
        a, b = base.image.data, image.image.data
        n = min(len(a), len(b))
        # each run of equal bytes of 4096 is left out by one comparison
        differing = max(len(a), len(b)) - n
        for i in range(0, n, 4096):
            if a[i : i + 4096] != b[i : i + 4096]:
                differing += sum(x != y for x, y in zip(a[i : i + 4096], b[i : i + 4096]))
        require(not j["identical"] and j["differences"], "identical")
        require(j["bytes"]["differing"] == differing, f"diff: {j['bytes']}, but {differing} bytes differ")
        require(j["bytes"]["unexplained"] == line.unexplained, f"diff: {j['bytes']}")

    def judge(self, line):
        base = self.bases.get(line.base)
        image = bases.Made(base.image.copy(), f"{self.work}/{threading.get_ident()}.img")
        fields = {}
        try:
            first = base.image.changed(line.changes[0])
            for change in line.changes:
                image.image.change(change)
            for place in {finding[3] for finding in line.findings} - {None, "*"}:
                fields[place] = base.image.field(place)[0] if place else first
        except (ValueError, KeyError, IndexError) as e:
            raise Failure(f"{'; '.join(line.changes)}: {e!r}") from e
        image.save()
        j = self.check(image.path, base.findings + line.findings, line.exit, fields)
        self.diff(line, base, image)
        wrong = any(p["severity"] == "error" and p["code"] not in RAISED for p in j["problems"])
        self.rimg_says((1, 2) if wrong else (0, 1, 2), "info", "--json", image.path)
        audited, _ = self.rimg_says((0, 1, 2), "verify", "audit", "--json", image.path)
        require(audited or not j["unread"], "audit passes what could not be read")
        os.unlink(image.path)

    def sound(self, name):
        """A base has the findings it is known to have, and none of its own making."""
        base = self.bases.get(name)
        self.check(base.path, base.findings, 0, {})
        _, j = self.rimg_says((0,), "diff", "--json", base.path, base.path)
        require(j["identical"], "a base differs from itself")


def read_table(path):
    table = os.path.basename(path).removesuffix(".txt")
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"\\\n\s*", "", f.read())
    return [Line(table, row) for row in text.splitlines() if row.strip() and not row.startswith("#")]


def attempt(job):
    """None, or what was not as it should be."""
    _, function, argument = job
    try:
        function(argument)
    except Failure as e:
        return str(e)


def main(rimg, golden, work, *tables):
    here = os.path.dirname(os.path.abspath(__file__))
    paths = tables or sorted(f"{here}/{f}" for f in os.listdir(here) if f.endswith(".txt"))
    lines = [line for path in paths for line in read_table(path)]
    names = [line.name for line in lines]
    runner = Runner(rimg, golden, work)
    jobs = [(f"base {name} is sound", runner.sound, name) for name in sorted({l.base for l in lines})]
    jobs += [(line.name, runner.judge, line) for line in lines]
    failed = len(names) - len(set(names))
    if failed:
        print(f"not ok - names: {sorted(n for n in names if names.count(n) > 1)}")
    for name in sorted({line.base for line in lines}):
        runner.bases.get(name)  # made by one thread
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, _, _), why in zip(jobs, pool.map(attempt, jobs)):
            failed += bool(why)
            print(f"not ok - {name}: {why}" if why else f"ok - {name}")
    print(f"{failed} of {len(jobs)} checks failed" if failed else f"all {len(jobs)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
