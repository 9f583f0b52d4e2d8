# SPDX-License-Identifier: MIT
"""Enough of ELF64 little-endian to count functions and to take files apart; well-formed input only."""
import struct

SHT_SYMTAB, SHT_NOBITS, STT_FUNC = 2, 8, 2
SHF_EXECINSTR = 4
PT_LOAD, PF_X = 1, 1
MACHINES = {183: "aarch64", 62: "x86_64"}


class Section:
    def __init__(self, fields, index):
        (self.name_off, self.type, self.flags, self.addr, self.off, self.size,
         self.link, self.info, self.align, self.entsize) = fields
        self.index, self.name = index, ""


class Segment:
    def __init__(self, fields, at):
        (self.type, self.flags, self.off, self.vaddr, self.paddr, self.filesz, self.memsz, self.align) = fields
        self.at = at


class Symbol:
    def __init__(self, name, info, shndx, value, size, at):
        self.name, self.type, self.shndx, self.value, self.size, self.at = name, info & 15, shndx, value, size, at


class Elf:
    """data: a bytearray, so that what was found can be changed in place"""

    def __init__(self, data):
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not an ELF64 little-endian file")
        self.data = data
        (self.type, self.machine, _, _, self.phoff, self.shoff, _, _, self.phentsize, self.phnum,
         self.shentsize, self.shnum, self.shstrndx) = struct.unpack_from("<HHIQQQIHHHHHH", data, 16)
        self.sections = [Section(struct.unpack_from("<IIQQQQIIQQ", data, self.shoff + 64 * i), i)
                         for i in range(self.shnum if self.shoff else 0)]
        for s in self.sections:
            s.name = self.string(self.sections[self.shstrndx], s.name_off)
        self.segments = [Segment(struct.unpack_from("<IIQQQQQQ", data, self.phoff + 56 * i), self.phoff + 56 * i)
                         for i in range(self.phnum)]

    def string(self, section, off):
        start = section.off + off
        return self.data[start:self.data.index(b"\0", start)].decode("latin-1")

    def section(self, name):
        return next((s for s in self.sections if s.name == name), None)

    def code_sections(self):
        return [s for s in self.sections if s.flags & SHF_EXECINSTR and s.type != SHT_NOBITS and s.size]

    def symbols(self):
        for table in (s for s in self.sections if s.type == SHT_SYMTAB):
            for at in range(table.off, table.off + table.size, 24):
                name, info, _, shndx, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                yield Symbol(self.string(self.sections[table.link], name), info, shndx, value, size, at)

    def functions(self):
        return [s for s in self.symbols()
                if s.type == STT_FUNC and 0 < s.shndx < 0xff00 and s.size]

    def file_off(self, addr):
        for s in self.segments:
            if s.type == PT_LOAD and s.vaddr <= addr < s.vaddr + s.filesz:
                return addr - s.vaddr + s.off
        raise ValueError("%#x is in no segment" % addr)


def load(path):
    with open(path, "rb") as f:
        return Elf(bytearray(f.read()))
