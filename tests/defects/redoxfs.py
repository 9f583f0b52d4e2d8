# SPDX-License-Identifier: MIT
"""Fields of a RedoxFS volume. Facts: docs/formats/redoxfs.md. Shares nothing with rimg's own reader.

    header  header[SLOT]         the newest header, or the one of a slot
    tree(ID,LEVEL)[SLOT]         pointer of the list of that level (0: lowest) on the way to an inode
    slot(PATH)                   pointer of the lowest list to an inode
    inode(PATH)                  .mode .uid ... .padding .data  .pointer[N]  .marker .root
    list(PATH,N)[SLOT]           the list of pointers that pointer N of the inode leads to
    record(PATH,N)               what pointer N leads to, as it is stored
    dirlist(PATH[,N])            .entry[N] .count .used .slack: N-th DirList in order of the htree
    htree(PATH[,N])              .entry[N] .padding: the N-th htree block from the root on
    alloc  alloc[N]              the newest block of the alloc log, its entries; alloc_next: the unused one
    release[N]                   an id of the release list
    block(N)                     a block by its number; free(N): the N-th free one
    end                          behind the last byte

Values: pointer(BLOCK, LEVEL, UNPACKED), of the bytes that are there now; reserved(TEXT): a name that begins with
these 8 bytes and whose hash is the one that marks unused entries.
"""
from image import Image

B = 4096
MASK = (1 << 64) - 1
ZEROS = bytes(B)

HEADER = {
    "signature": (0, 8), "version": (8, 8), "uuid": (16, 16), "size": (32, 8), "generation": (40, 8),
    "tree": (48, 16), "alloc": (64, 16), "keys": (80, 3072), "release": (3152, 16),
    "padding": (3168, 904), "copy": (4072, 8), "copy_zeros": (4080, 8), "hash": (4088, 8),
}
INODE = {
    "mode": (0, 2), "uid": (2, 4), "gid": (6, 4), "links": (10, 4), "size": (14, 8), "blocks": (22, 8),
    "ctime": (30, 12), "ctime_ns": (38, 4), "mtime": (42, 12), "mtime_ns": (50, 4), "atime": (54, 12),
    "atime_ns": (62, 4), "level": (66, 4), "flags": (70, 4), "padding": (74, 54), "data": (128, 3968),
    "marker": (128, 16), "root": (144, 16), "rest": (160, 3936),
}
# index and levels are parts of one number: address = index << 8 | unpacked level << 4 | level
POINTER = {"address": (0, 8), "levels": (0, 1), "index": (1, 7), "hash": (8, 8)}


LANES = (0x16F11FE89B0D677C, 0xB480A793D8E6C86C, 0x6FE2E5AAF078EBC9, 0x14F994A4C5259381)
FACTOR = 0x6EED0E9DA4D94A4F


def g(x, factor=FACTOR):
    x = x * factor & MASK
    x ^= (x >> 32) >> (x >> 60)
    return x * factor & MASK


def seahash(data):
    lanes = list(LANES)
    padded = bytes(data) + bytes(-len(data) % 8)
    for i in range(0, len(padded), 8):
        lane = i // 8 % 4
        lanes[lane] = g(lanes[lane] ^ int.from_bytes(padded[i : i + 8], "little"))
    return g(lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3] ^ len(data))


def name_hash(name):
    return min(seahash(name) & 0xFFFFFFFF, 0xFFFFFFFE)


def reserved_name(start):
    """A name of 16 bytes whose SeaHash ends in ffffffff: each step of the hash can be undone."""
    undo = pow(FACTOR, -1, 1 << 64)
    others = g(LANES[0] ^ int.from_bytes(start, "little")) ^ LANES[2] ^ LANES[3] ^ 16
    for high in range(1 << 32):
        word = (g(g(high << 32 | 0xFFFFFFFF, undo) ^ others, undo) ^ LANES[1]).to_bytes(8, "little")
        if word.isalnum():
            return start + word
    raise ValueError("no such name")


class Redoxfs(Image):
    functions = ("pointer", "namehash", "reserved")

    def __init__(self, data):
        super().__init__(data)
        self.ring = next(
            i - self.get(i * B + 40, 8) % 256
            for i in range(len(data) // B)
            if self.valid(i * B)
        )
        slots = [self.ring * B + i * B for i in range(256)]
        self.newest = max((s for s in slots if self.valid(s)), key=lambda s: self.get(s + 40, 8))
        self.pointers = {}  # block -> where in the image may be pointers to it
        for off in range(0, len(data), B):
            if data[off : off + B] != ZEROS:
                self.places(off, off + B)

    def copy(self):
        other = super().copy()
        other.pointers = {block: set(places) for block, places in self.pointers.items()}
        return other

    def valid(self, off):
        return bytes(self.data[off : off + 16]) == b"RedoxFS\0\x08" + bytes(7) and self.get(
            off + 4088, 8
        ) == seahash(self.data[off : off + 4072])

    # ---- the way down ----

    def block(self, n):
        return (self.ring + n) * B

    def target(self, pointer):
        n = self.get(pointer + 1, 7)
        if n == 0:
            raise ValueError("a null pointer")
        return self.block(n)

    def list_of(self, ident, level):
        off = self.target(self.newest + 48)
        for k in (3, 2, 1)[: 3 - level]:
            off = self.target(off + 16 * (ident >> 8 * k & 255))
        return off

    def tree_slot(self, ident):
        return self.list_of(ident, 0) + 16 * (ident & 255)

    def inode(self, path):
        return self.target(self.tree_slot(self.ident(path)))

    def ident(self, path):
        ident = 1
        for name in path.strip("/").split("/"):
            if name:
                ident = self.get(self.entry(self.target(self.tree_slot(ident)), name.encode()), 4)
        return ident

    def htrees(self, inode):
        """Offsets of the htree blocks and of the DirLists of a directory, both in order."""
        levels, blocks, found = self.get(inode + 128, 1) & 15, [self.target(inode + 144)], []
        for _ in range(levels):
            found += blocks
            blocks = [
                self.target(b + 20 * i + 4)
                for b in blocks
                for i in range(204)
                if self.get(b + 20 * i + 5, 7)
            ]
        return found, blocks

    def entries(self, dirlist):
        pos = dirlist
        for _ in range(self.get(dirlist + 4092, 2)):
            yield pos
            pos += 5 + self.data[pos + 4]

    def entry(self, inode, name):
        for dirlist in self.htrees(inode)[1]:
            for pos in self.entries(dirlist):
                if bytes(self.data[pos + 5 : pos + 5 + self.data[pos + 4]]) == name:
                    return pos
        raise ValueError(f"no entry {name!r}")

    def log(self):
        """Offsets of the blocks of the alloc log, the newest first."""
        off = self.target(self.newest + 64)
        while True:
            yield off
            if not self.get(off + 1, 7):
                return
            off = self.target(off)

    def free(self):
        free = set()
        for block in reversed(list(self.log())):
            for i in range(255):
                first, count = self.get(block + 16 + 16 * i, 8), self.get(block + 24 + 16 * i, 8)
                if count >> 63:
                    free -= set(range(first, first + (1 << 64) - count))
                else:
                    free |= set(range(first, first + count))
        return sorted(free)

    # ---- fields ----

    def part(self, off, length, fields, rest):
        if rest:
            (name, _, index), *more = rest
            at, length = fields[name]
            off += at
            if more:
                return self.part(off, length, POINTER, more)
            if index:
                return off + index[0], 1
        return off, length

    def locate(self, path):
        (name, arg, index), *rest = path
        args = arg.split(",") if arg else []
        if name == "end":
            return len(self.data), 0
        if name == "header":
            return self.part(self.ring * B + index[0] * B if index else self.newest, B, HEADER, rest)
        if name == "block":
            return self.block(int(arg)), B
        if name == "free":
            return self.block(self.free()[int(arg)]), B
        if name == "tree":
            off = self.list_of(int(args[0]), int(args[1]))
            if rest and rest[0][0] == "bitmap":
                bit = rest[0][2]
                return (off + 4064 + bit[0] // 8, 1) if bit else (off + 4064, 32)
            return self.part(off + 16 * index[0], 16, POINTER, rest)
        if name == "slot":
            return self.part(self.tree_slot(self.ident(arg)), 16, POINTER, rest)
        if name == "release":
            return self.target(self.newest + 3152) + 16 + 4 * index[0], 4
        if name in ("alloc", "alloc_next"):
            return self.locate_log(name, index, rest)
        if name == "entry":
            folder, _, last = arg.rpartition("/")
            off = self.entry(self.inode(folder or "/"), last.encode())
            return self.part(off, 5, {"id": (0, 4), "length": (4, 1), "name": (5, self.data[off + 4])}, rest)
        return self.locate_inode(name, args, index, rest)

    def locate_log(self, name, index, rest):
        off = next(self.log())
        if not index and name == "alloc":
            return self.part(off, B, {"previous": (0, 16)}, rest)
        n = index[0] if index else next(i for i in range(255) if not self.get(off + 24 + 16 * i, 8))
        return self.part(off + 16 + 16 * n, 16, {"index": (0, 8), "count": (8, 8)}, rest)

    def locate_inode(self, name, args, index, rest):
        inode = self.inode(args[0])
        n = int(args[1]) if len(args) > 1 else 0
        if name == "inode":
            if rest and rest[0][0] == "pointer":
                return self.part(inode + 128 + 16 * rest[0][2][0], 16, POINTER, rest[1:])
            return self.part(inode, B, INODE, rest)
        if name == "list":
            return self.part(self.target(inode + 128 + 16 * n) + 16 * index[0], 16, POINTER, rest)
        if name == "record":
            pointer = inode + 128 + 16 * n
            return self.target(pointer), B << (self.data[pointer] & 15)
        htrees, dirlists = self.htrees(inode)
        if name == "htree":
            off = htrees[n]
            if rest and rest[0][0] == "padding":
                return off + 4080, 16
            k = rest[0][2][0]
            if k < 0:
                k += sum(1 for i in range(204) if self.get(off + 20 * i + 5, 7))
            fields = {"hash": (0, 4), "pointer": (4, 16)}
            return self.part(off + 20 * k, 20, fields, rest[1:])
        if name == "dirlist":
            off = dirlists[n]
            if not rest:
                return off, B
            if rest[0][0] == "entry":
                pos = list(self.entries(off))[rest[0][2][0]]
                return self.part(pos, 5 + self.data[pos + 4], {"id": (0, 4), "length": (4, 1), "name": (5, self.data[pos + 4])}, rest[1:])
            used = self.get(off + 4094, 2)
            return self.part(off, B, {"count": (4092, 2), "used": (4094, 2), "slack": (used, 1)}, rest)
        raise ValueError(f"no field {name}")

    def function(self, name, args):
        if name == "namehash":
            return name_hash(args[0].encode()).to_bytes(4, "little")
        if name == "reserved":
            return reserved_name(args[0].encode())
        field = args[0]
        n = int(field) if field.isdigit() else self.field(field)[0] // B - self.ring
        level, unpacked = (int(a) for a in (args[1:] + ["0", "0"])[:2])
        address = n << 8 | unpacked << 4 | level
        return address.to_bytes(8, "little") + self.hash_of(n, level).to_bytes(8, "little")

    # ---- checksums ----

    def places(self, start, end):
        """Notes what may be a pointer in these bytes: all of them lie at multiples of 4."""
        for at in range(max(start - 12, 0) & ~3, end, 4):
            index = self.get(at + 1, 7)
            if 256 <= index < len(self.data) // B:
                self.pointers.setdefault(index, set()).add(at)

    def write(self, off, value):
        """Change bytes, and the hash in every pointer to what they lie in, up to the header."""
        block = off // B - self.ring
        above = []
        for first in range(max(block - 31, 256), block + 1):
            for at in self.pointers.get(first, ()):
                level = self.data[at] & 15
                if self.get(at + 1, 7) == first and level <= 5 and first + (1 << level) > block:
                    if self.get(at + 8, 8) == self.hash_of(first, level):
                        above.append((at, first, level))
        self.raw_put(off, value)
        self.places(off, off + len(value))
        if block < 256:
            self.seal_header(off - off % B)
        for at, first, level in above:
            self.write(at + 8, self.hash_of(first, level).to_bytes(8, "little"))

    def hash_of(self, block, level):
        return seahash(self.data[self.block(block) : self.block(block) + (B << level)])

    def seal_header(self, off):
        if bytes(self.data[off : off + 8]) != b"RedoxFS\0":
            return
        value = seahash(self.data[off : off + 4072]).to_bytes(8, "little")
        plain = self.data[off + 4072 : off + 4088] == self.data[off + 4088 : off + 4096] + bytes(8)
        self.raw_put(off + 4088, value)
        if plain:
            self.raw_put(off + 4072, value)
