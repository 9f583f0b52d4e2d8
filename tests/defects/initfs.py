# SPDX-License-Identifier: MIT
"""Fields of an initfs. Facts: docs/formats/initfs.md. There are no checksums.

    header          .magic .table .seconds .nanoseconds .count .entry .size .page_size
    inode(PATH)     .mode .length .offset .uid .gid
    entry(PATH)     .inode .length .offset: what a directory says of it; name(PATH): the name itself
    content(PATH)   the first byte of its contents
    bootstrap       byte 4096
"""
from image import Image

HEADER = {
    "magic": (0, 8), "table": (8, 4), "seconds": (12, 8), "nanoseconds": (20, 4), "count": (24, 2),
    "entry": (26, 8), "size": (34, 8), "page_size": (42, 2),
}
INODE = {"mode": (0, 4), "length": (4, 4), "offset": (8, 4), "uid": (12, 4), "gid": (16, 4)}
ENTRY = {"inode": (0, 2), "length": (2, 2), "offset": (4, 4)}


class Initfs(Image):
    def inode(self, number):
        return self.get(8, 4) + 20 * number

    def entry(self, path):
        """Offset of the entry of a path that is not the root's."""
        number = 0
        for name in path.strip("/").split("/"):
            at = self.inode(number)
            start, n = self.get(at + 8, 4), self.get(at + 4, 4) // 8
            for entry in range(start, start + 8 * n, 8):
                off = self.get(entry + 4, 4)
                if bytes(self.data[off : off + self.get(entry + 2, 2)]) == name.encode():
                    break
            else:
                raise ValueError(f"no entry {path}")
            number = self.get(entry, 2)
        return entry

    def locate(self, path):
        (name, arg, index), *rest = path
        if name == "end":
            return len(self.data), 0
        if name == "bootstrap":
            return 4096, 64
        if name == "header":
            off, n, fields = 0, 44, HEADER
        elif name == "entry":
            off, n, fields = self.entry(arg), 8, ENTRY
        elif name == "name":
            entry = self.entry(arg)
            return self.get(entry + 4, 4), self.get(entry + 2, 2)
        else:
            number = index[0] if index else 0 if arg == "/" else self.get(self.entry(arg), 2)
            off, n, fields = self.inode(number), 20, INODE
            if name == "content":
                return self.get(off + 8, 4), 1
        if rest:
            at, n = fields[rest[0][0]]
            off += at
        return off, n
