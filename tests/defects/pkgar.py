# SPDX-License-Identifier: MIT
"""Packages made and signed here, and their fields. Facts: docs/formats/pkgar.md, RFC 8032, the BLAKE3 paper.

    header      .signature .key .table_hash .count .version .architecture .packaging .reserved
    entry[N]    .hash .offset .size .mode .path; 0: bin/first, 1: bin/second, 2: etc/empty, 3: etc/link to first
    data[N]     what is stored for an entry

The hash of the contents, that of the table and the signature are made right again.
"""
import hashlib
import lzma
import struct

from image import Image

HEADER = {
    "signature": (0, 64), "key": (64, 32), "table_hash": (96, 32), "count": (128, 4), "version": (132, 1),
    "architecture": (133, 1), "packaging": (134, 1), "reserved": (135, 1),
}
ENTRY = {"hash": (0, 32), "offset": (32, 8), "size": (40, 8), "mode": (48, 4), "path": (52, 256)}

# ---- BLAKE3, of up to some chunks ----

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8


def compress(value, block, counter, length, flags):
    words = list(struct.unpack("<16I", block.ljust(64, b"\0")))
    v = [*value, *IV[:4], counter & 0xFFFFFFFF, counter >> 32, length, flags]

    def rotate(x, n):
        return (x >> n | x << (32 - n)) & 0xFFFFFFFF

    def mix(a, b, c, d, x, y):
        for word, r1, r2 in ((x, 16, 12), (y, 8, 7)):
            v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
            v[d] = rotate(v[d] ^ v[a], r1)
            v[c] = (v[c] + v[d]) & 0xFFFFFFFF
            v[b] = rotate(v[b] ^ v[c], r2)

    for _ in range(7):
        for i, (a, b, c, d) in enumerate((
            (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
        )):
            mix(a, b, c, d, words[2 * i], words[2 * i + 1])
        words = [words[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def node(data, chunk, root):
    if len(data) <= 1024:
        blocks = [data[i : i + 64] for i in range(0, len(data), 64)] or [b""]
        value = IV
        for i, block in enumerate(blocks):
            flags = (CHUNK_START if i == 0 else 0) | (CHUNK_END | root if i == len(blocks) - 1 else 0)
            value = compress(value, block, chunk, len(block), flags)
        return value
    left = 1024
    while 2 * left < len(data):
        left *= 2
    both = node(data[:left], chunk, 0) + node(data[left:], chunk + left // 1024, 0)
    return compress(IV, struct.pack("<16I", *both), 0, 64, PARENT | root)


def blake3(data):
    return struct.pack("<8I", *node(bytes(data), 0, ROOT))


# ---- Ed25519 ----

P = 2**255 - 19
ORDER_L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    m, n = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(number, point):
    out = (0, 1, 1, 0)
    while number:
        if number & 1:
            out = add(out, point)
        point = add(point, point)
        number >>= 1
    return out


def packed(point):
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little")


def base_point():
    y = 4 * pow(5, P - 2, P) % P
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x * x % P != xx:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 else x
    return x, y, 1, x * y % P


BASE = base_point()
SECRET = hashlib.sha512(b"the key of these packages, which is no secret").digest()
SCALAR = int.from_bytes(SECRET[:32], "little") & ((1 << 254) - 8) | 1 << 254
KEY = packed(multiply(SCALAR, BASE))


def sign(message):
    nonce = int.from_bytes(hashlib.sha512(SECRET[32:] + message).digest(), "little") % ORDER_L
    point = packed(multiply(nonce, BASE))
    challenge = int.from_bytes(hashlib.sha512(point + KEY + message).digest(), "little") % ORDER_L
    return point + ((nonce + challenge * SCALAR) % ORDER_L).to_bytes(32, "little")


# ---- packages ----

FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6}]


def package(lzma2):
    files = (
        ("bin/first", 0o100755, b"first file\n" * 120), ("bin/second", 0o100644, b"second\n"),
        ("etc/empty", 0o100644, b""), ("etc/link", 0o120777, b"../bin/first"),
    )
    table, data = b"", b""
    for path, mode, content in files:
        stored = content
        if lzma2:
            stored = len(content).to_bytes(8, "little") + lzma.compress(content, lzma.FORMAT_RAW, filters=FILTERS)
        table += blake3(content) + struct.pack("<QQI256s", len(data), len(stored), mode, path.encode())
        data += stored
    signed = KEY + blake3(table) + struct.pack("<IBBBB", len(files), 0, 3, lzma2, 0)
    return sign(signed) + signed + table + data


class Pkgar(Image):
    def __init__(self, data):
        super().__init__(data)
        self.contents = 136 + 308 * self.get(128, 4)

    def locate(self, path):
        (name, _, index), *rest = path
        if name == "end":
            return len(self.data), 0
        entry = 136 + 308 * (index[0] if index else 0)
        if name == "data":
            return self.contents + self.get(entry + 32, 8), self.get(entry + 40, 8)
        off, n, fields = (0, 136, HEADER) if name == "header" else (entry, 308, ENTRY)
        if rest:
            at, n = fields[rest[0][0]]
            off += at
        return off, n

    functions = ("path", "hash")

    def function(self, name, args):
        if name == "hash":
            return blake3(self.value(args[0], 0))
        return self.value(args[0], 0).ljust(256, b"\0")

    def seal(self, off, length):
        if off >= self.contents and self.data[134] == 0:
            for entry in range(136, self.contents, 308):
                start, n = self.contents + self.get(entry + 32, 8), self.get(entry + 40, 8)
                if start <= off < start + n:
                    self.raw_put(entry, blake3(self.data[start : start + n]))
        if off >= 136:
            self.raw_put(96, blake3(self.data[136 : self.contents]))
        if off >= 64:
            self.raw_put(0, sign(bytes(self.data[64:136])))
