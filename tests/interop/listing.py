#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does a listing of upstream's crate say what is in a host directory? listing.py DIR EPOCH < JSONL

Compares type, permissions (as rimg normalises them), owner, times, size, links, bytes and link
targets of every path, in both directions. Prints what differs; exit status 1 if anything does.
"""
import hashlib
import json
import os
import stat
import sys


def expected(root, path, epoch):
    full = root + path if path != "/" else root
    st = os.lstat(full)
    when = f"{epoch}.000000000"
    want = {"uid": 0, "gid": 0, "ctime": when, "mtime": when, "atime": when, "links": 1}
    if stat.S_ISDIR(st.st_mode):
        want.update(type="dir", mode="0755")
    elif stat.S_ISLNK(st.st_mode):
        target = os.readlink(full)
        want.update(type="symlink", mode="0777", target=target, size=len(os.fsencode(target)))
    else:
        with open(full, "rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
        want.update(type="file", mode="0755" if st.st_mode & 0o100 else "0644", size=st.st_size, sha256=digest)
    return want


def main():
    root, epoch = sys.argv[1], sys.argv[2]
    seen, bad = set(), 0
    for line in sys.stdin:
        have = json.loads(line)
        if "path" not in have:
            continue
        seen.add(have["path"])
        for key, value in expected(root, have["path"], epoch).items():
            if have.get(key) != value:
                print(f"{have['path']}: {key}: expected {value}, found {have.get(key)}")
                bad += 1
    for folder, dirs, files in os.walk(root):
        for name in dirs + files:
            path = os.path.join(folder, name)[len(root):]
            if path not in seen:
                print(f"{path}: missing")
                bad += 1
    print(f"{len(seen)} paths, {bad} differences")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
