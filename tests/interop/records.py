#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How much of an image of rimg is byte for byte that of redoxfs-ar? records.py OURS THEIRS

A third reader of RedoxFS, written from docs/formats/redoxfs.md alone. For each path that is no
directory it compares the stored bytes of every record, where records and lists hang, and the inode
apart from its times and the places of blocks. Exit status 1 if any of that differs; what else does
(places, times, directories' blocks) is counted and told.
"""
import struct
import sys

BLOCK = 4096


class Image:
    def __init__(self, path):
        self.data = open(path, "rb").read()
        heads = [self.data[i * BLOCK:(i + 1) * BLOCK] for i in range(256)]
        heads = [h for h in heads if h[:8] == b"RedoxFS\0"]
        self.head = max(heads, key=lambda h: struct.unpack_from("<Q", h, 40)[0])
        self.paths = {}
        self.walk(1, b"")

    def stored(self, ptr):
        """index, level, level when unpacked, bytes; None for a hole"""
        addr, _hash = ptr
        if addr >> 8 == 0:
            return None
        at, size = (addr >> 8) * BLOCK, BLOCK << (addr & 15)
        return addr >> 8, addr & 15, addr >> 4 & 15, self.data[at:at + size]

    def pointers(self, block, off, n):
        return [struct.unpack_from("<QQ", block, off + 16 * i) for i in range(n)]

    def node(self, number):
        ptr = struct.unpack_from("<QQ", self.head, 48)
        for shift in (24, 16, 8, 0):
            block = self.stored(ptr)[3]
            ptr = self.pointers(block, 16 * (number >> shift & 255), 1)[0]
        return self.stored(ptr)

    def lists(self, ptr, levels):
        block = self.stored(ptr)[3]
        if levels == 0:
            yield block
            return
        for i in range(204):
            addr, digest = struct.unpack_from("<QQ", block, 20 * i + 4)
            if addr >> 8:
                yield from self.lists((addr, digest), levels - 1)

    def walk(self, number, path):
        block = self.node(number)[3]
        self.paths[path or b"/"] = block
        if struct.unpack_from("<H", block)[0] >> 12 != 4:
            return
        marker, root = self.pointers(block, 128, 2)
        if marker[0] >> 8 == 0:
            return
        for names in self.lists(root, marker[0] & 15):
            at = 0
            for _ in range(struct.unpack_from("<H", names, 4092)[0]):
                child, n = struct.unpack_from("<IB", names, at)
                self.walk(child, path + b"/" + names[at + 5:at + 5 + n])
                at += 5 + n

    def records(self, block):
        """(place in the file, level, level when unpacked, bytes) of every record that is no hole"""
        if struct.unpack_from("<I", block, 70)[0] & 1:
            return
        number, at = 0, 128
        for depth, n in enumerate((128, 64, 32, 16, 8)):
            for ptr in self.pointers(block, at, n):
                yield from self.below(ptr, depth, number)
                number += 256 ** depth
            at += 16 * n

    def below(self, ptr, depth, number):
        found = self.stored(ptr)
        if found is None:
            return
        if depth == 0:
            yield number, *found[1:]
            return
        for i, inner in enumerate(self.pointers(found[3], 0, 256)):
            yield from self.below(inner, depth - 1, number + i * 256 ** (depth - 1))


def inode(block):
    """all of an inode but its times and pointers, and its inline data"""
    flags = struct.unpack_from("<I", block, 70)[0]
    return block[:30] + block[66:128] + (block[128:] if flags & 1 else b"")


def main():
    ours, theirs = Image(sys.argv[1]), Image(sys.argv[2])
    bad = sorted(ours.paths.keys() ^ theirs.paths.keys())
    files = records = packed = same_inode = dirs = same_dirs = 0
    for path in sorted(ours.paths.keys() & theirs.paths.keys()):
        a, b = ours.paths[path], theirs.paths[path]
        if struct.unpack_from("<H", a)[0] >> 12 == 4:
            dirs += 1
            same_dirs += inode(a) == inode(b)
            continue
        ra, rb = list(ours.records(a)), list(theirs.records(b))
        files += 1
        same_inode += inode(a) == inode(b)
        records += len(ra)
        packed += sum(r[2] > 0 for r in ra)
        if ra != rb or inode(a) != inode(b):
            bad.append(path)
    print(f"{files} files and links: {records} records, {packed} of them packed; {same_inode} inodes equal but for times "
          f"and places; {same_dirs} of {dirs} inodes of directories equal; differing: {bad}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
