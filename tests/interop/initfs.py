#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second reader of initfs images, written from docs/formats/initfs.md alone.

initfs.py IMAGE DIR [BOOTSTRAP]: does the image hold what is in the host directory, and does it keep
to the layout of upstream's archiver (every piece on pages of its own, nothing but zeros between)?
"""
import os
import stat
import struct
import sys

PAGE = 4096


def main():
    img = open(sys.argv[1], "rb").read()
    root = sys.argv[2]
    used = []

    def take(off, n):
        assert off + n <= len(img), f"{off}+{n} is past the end"
        if n:
            assert off % PAGE == 0, f"{off} is not on a page"
            used.append((off, off + n))
        return img[off:off + n]

    magic, table, _sec, _ns, count, entry, size, page = struct.unpack_from("<8sIQIHQQH", img)
    assert magic == b"RedoxFtw" and page == PAGE and size == len(img)
    used.append((0, 44))
    if len(sys.argv) > 3:
        boot = open(sys.argv[3], "rb").read()
        assert take(PAGE, len(boot)) == boot and entry == struct.unpack_from("<Q", boot, 0x18)[0]
    else:
        assert entry == (1 << 64) - 1
    take(table, 20 * count)
    inodes = [struct.unpack_from("<5I", img, table + 20 * i) for i in range(count)]
    seen = set()

    def walk(number, path):
        assert number not in seen
        seen.add(number)
        kind, n, off, uid, gid = inodes[number]
        assert (uid, gid) == (0, 0) and kind & 0x0FFFF000 == 0
        data, st = take(off, n), os.lstat(path)
        if kind >> 28 == 0:
            assert stat.S_ISREG(st.st_mode) and data == open(path, "rb").read(), path
            assert kind & 0xFFF == (0o755 if st.st_mode & 0o100 else 0o644), path
        elif kind >> 28 == 2:
            target = os.readlink(path)
            want = target.lstrip("/") if target[0] == "/" else os.path.join(
                os.path.relpath(os.path.dirname(path), root), target).removeprefix("./")
            assert data.decode() == want, (path, data, want)
        else:
            assert kind >> 28 == 1 and stat.S_ISDIR(st.st_mode) and kind & 0xFFF == 0o755
            names = []
            for i in range(0, n, 8):
                child, name_len, name_off = struct.unpack_from("<HHI", data, i)
                name = take(name_off, name_len)
                names.append(name)
                walk(child, os.path.join(path, os.fsdecode(name)))
            assert names == sorted(map(os.fsencode, os.listdir(path))), path

    walk(0, root)
    assert len(seen) == count
    end = 0
    for first, last in sorted(used):
        assert first >= end, f"pieces overlap at {first}"
        assert not any(img[end:first]), f"not zero before {first}"
        end = last
    assert end == len(img)
    print(f"{count} inodes, {len(img)} bytes")


if __name__ == "__main__":
    main()
