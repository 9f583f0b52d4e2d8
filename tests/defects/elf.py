# SPDX-License-Identifier: MIT
"""A program of 64 bits, little-endian, made here, and its fields. Facts: docs/formats/elf.md.

    ehdr            .class .data .version .padding .type .machine .e_version .entry .phoff .shoff .ehsize
                    .phentsize .phnum .shentsize .shnum .shstrndx
    phdr[N]         .type .flags .offset .vaddr .filesz .memsz .align
    shdr(NAME)      .name .type .flags .addr .offset .size .link .info .align .entsize
    sym(NAME)       .name .info .shndx .value .size
    section(NAME)   its bytes
"""
import struct

from image import Image

EHDR = {
    "magic": (0, 4), "class": (4, 1), "data": (5, 1), "version": (6, 1), "padding": (9, 7), "type": (16, 2),
    "machine": (18, 2), "e_version": (20, 4), "entry": (24, 8), "phoff": (32, 8), "shoff": (40, 8),
    "ehsize": (52, 2), "phentsize": (54, 2), "phnum": (56, 2), "shentsize": (58, 2), "shnum": (60, 2),
    "shstrndx": (62, 2),
}
PHDR = {
    "type": (0, 4), "flags": (4, 4), "offset": (8, 8), "vaddr": (16, 8), "filesz": (32, 8), "memsz": (40, 8),
    "align": (48, 8),
}
SHDR = {
    "name": (0, 4), "type": (4, 4), "flags": (8, 8), "addr": (16, 8), "offset": (24, 8), "size": (32, 8),
    "link": (40, 4), "info": (44, 4), "align": (48, 8), "entsize": (56, 8),
}
SYM = {"name": (0, 4), "info": (4, 1), "shndx": (6, 2), "value": (8, 8), "size": (16, 8)}
BASE = 0x400000  # where it is loaded


def strings(names):
    """A string table and where each name is in it."""
    table, at = b"\0", {"": 0}
    for name in names:
        at[name] = len(table)
        table += name.encode() + b"\0"
    return table, at


def program():
    """Two functions of AArch64, data, a note; one segment of code and one of data."""
    names, name_at = strings([".text", ".data", ".note.x", ".comment", ".symtab", ".strtab", ".shstrtab"])
    symbols, symbol_at = strings(["first", "second"])
    code = b"\x1f\x20\x03\xd5" * 7 + b"\xc0\x03\x5f\xd6"  # nop, ret
    pieces = {
        # name: type, flags, alignment, entry size, link, info, bytes
        ".text": (1, 6, 16, 0, 0, 0, code + code),
        ".data": (1, 3, 8, 0, 0, 0, bytes(range(1, 41))),
        ".note.x": (7, 0, 4, 0, 0, 0, struct.pack("<III", 4, 4, 1) + b"abc\0" + b"DESC"),
        ".comment": (1, 0x30, 1, 1, 0, 0, b"a compiler\0"),
        ".symtab": (2, 0, 8, 24, 6, 1, bytes(24) + b"".join(
            struct.pack("<IBBHQQ", symbol_at[n], 0x12, 0, 1, BASE + 0x1000 + at, 32)
            for n, at in (("first", 0), ("second", 32))
        )),
        ".strtab": (3, 0, 1, 0, 0, 0, symbols),
        ".shstrtab": (3, 0, 1, 0, 0, 0, names),
    }
    offsets = {".text": 0x1000, ".data": 0x2000}
    body, headers = bytearray(64 + 2 * 56), [bytes(64)]
    for name, (kind, flags, align, entsize, link, info, data) in pieces.items():
        off = offsets.get(name, -(-len(body) // align) * align)
        body += bytes(off - len(body)) + data
        address = BASE + off if flags & 2 else 0
        headers.append(struct.pack(
            "<IIQQQQIIQQ", name_at[name], kind, flags, address, off, len(data), link, info, align, entsize
        ))
    body += bytes(-len(body) % 8)
    shoff = len(body)
    body += b"".join(headers)
    body[:64] = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 2, 0xB7, 1, BASE + 0x1000, 64, shoff, 0, 64, 56, 2, 64, len(headers), 7
    )
    for i, (flags, name) in enumerate(((5, ".text"), (6, ".data"))):
        n = len(pieces[name][6])
        body[64 + 56 * i : 120 + 56 * i] = struct.pack(
            "<IIQQQQQQ", 1, flags, offsets[name], BASE + offsets[name], BASE + offsets[name], n, n, 0x1000
        )
    return bytes(body)


class Elf(Image):
    def text_at(self, off):
        return bytes(self.data[off : self.data.index(0, off)]).decode()

    def shdr(self, name):
        shoff, names = self.get(40, 8), self.get(self.get(40, 8) + 64 * self.get(62, 2) + 24, 8)
        if name == "":
            return shoff
        return next(
            at
            for at in range(shoff + 64, shoff + 64 * self.get(60, 2), 64)
            if self.text_at(names + self.get(at, 4)) == name
        )

    def locate(self, path):
        (name, arg, index), *rest = path
        if name == "end":
            return len(self.data), 0
        if name == "section":
            at = self.shdr(arg)
            return self.get(at + 24, 8), self.get(at + 32, 8)
        if name == "ehdr":
            off, n, fields = 0, 64, EHDR
        elif name == "phdr":
            off, n, fields = self.get(32, 8) + 56 * index[0], 56, PHDR
        elif name == "shdr":
            off, n, fields = self.shdr(arg or ""), 64, SHDR
        else:
            table, strtab = self.shdr(".symtab"), self.get(self.shdr(".strtab") + 24, 8)
            start = self.get(table + 24, 8)
            symbols = range(start, start + self.get(table + 32, 8), 24)
            off = next(at for at in symbols if self.text_at(strtab + self.get(at, 4)) == arg)
            n, fields = 24, SYM
        if rest:
            at, n = fields[rest[0][0]]
            off += at
        return off, n
