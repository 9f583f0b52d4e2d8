# SPDX-License-Identifier: MIT
"""An archive in GNU's form, made here, and its fields. Facts: docs/formats/ar.md.

    magic
    member[N]   .name .time .uid .gid .mode .size .end .data; 0: the table of long names, then "short.txt" of
                5 bytes and a newline behind, "a-name-of-more-than-15-bytes.txt" of 4
"""
from image import Image

MEMBER = {
    "name": (0, 16), "time": (16, 12), "uid": (28, 6), "gid": (34, 6), "mode": (40, 8), "size": (48, 10),
    "end": (58, 2), "data": (60, 1),
}


def member(name, data, fields=(b"0", b"0", b"0", b"100644")):
    time, uid, gid, mode = fields
    header = b"%-16s%-12s%-6s%-6s%-8s%-10d`\n" % (name, time, uid, gid, mode, len(data))
    return header + data + b"\n" * (len(data) % 2)


def archive():
    names = b"a-name-of-more-than-15-bytes.txt/\n"
    return (
        b"!<arch>\n" + member(b"//", names, (b"", b"", b"", b""))
        + member(b"short.txt/", b"short") + member(b"/0", b"long")
    )


class Ar(Image):
    def locate(self, path):
        (name, _, index), *rest = path
        if name == "end":
            return len(self.data), 0
        if name == "magic":
            return 0, 8
        off = 8
        for _ in range(index[0]):
            n = int(self.data[off + 48 : off + 58])
            off += 60 + n + n % 2
        n = 60
        if rest:
            at, n = MEMBER[rest[0][0]]
            off += at
        return off, n
