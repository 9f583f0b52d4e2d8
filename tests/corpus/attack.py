#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attack.py ELF OUTDIR [FOREIGN_ADDR FOREIGN_LEN]: files made from an AArch64 program to fool the audit.
attack.py --all WORKDIR: of some of the mixed programs (mixed.py), for WORKDIR/attack.tsv.

Each attack is a function of the program that gives the attacked file's bytes, or None where it has
nothing to work on. Three kinds:
    lie    every executable byte is there as before; something false is said of it. The verdict must
           not get better, and no byte more may be attributed.
    loss   the code is there as before, what told of it is gone or replaced. No byte more may be attributed. What
           only the lost tables told may be undecided then, which is no pass.
    code   bytes of code are changed, cut off or hidden. It must not pass if it did not before.
A line is: kind (attack), corpus, path, functions, path of the original, kind of attack.
"""
import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import elf
import forge

ATTACKS = []


def attack(kind):
    def register(function):
        ATTACKS.append((function.__name__, kind, function))
        return function
    return register


class Target:
    """A program, and where in it something foreign is (address 0: nowhere)"""

    def __init__(self, data, addr, size):
        self.data, self.addr, self.size = bytes(data), addr, size
        self.elf = elf.Elf(bytearray(data))

    def fresh(self):
        return elf.Elf(bytearray(self.data))


def set_section(e, s, name_off=None, type=None, flags=None, addr=None, off=None, size=None):
    at = e.shoff + 64 * s.index
    fields = list(struct.unpack_from("<IIQQQQIIQQ", e.data, at))
    for i, value in enumerate((name_off, type, flags, addr, off, size)):
        if value is not None:
            fields[i] = value
    struct.pack_into("<IIQQQQIIQQ", e.data, at, *fields)


def fde_rows(e):
    """(offset of the entry, address of its function, its size, offset of the size field) of each FDE"""
    s = e.section(".eh_frame")
    at, end = (s.off, s.off + s.size) if s else (0, 0)
    while at + 8 <= end:
        length, cie = struct.unpack_from("<II", e.data, at)
        if length == 0:
            at += 4
            continue
        if cie:
            rel, size = struct.unpack_from("<iI", e.data, at + 8)
            yield at, (s.addr + at + 8 - s.off + rel) & (1 << 64) - 1, size, at + 12
        at += 4 + length


def symbol_rows(e):
    return list(e.symbols())


# -- what describes the code is taken away

@attack("lie")
def no_section_headers(t):
    e = t.fresh()
    struct.pack_into("<Q", e.data, 0x28, 0)
    struct.pack_into("<HH", e.data, 0x3c, 0, 0)
    return e.data


@attack("lie")
def section_headers_overwritten(t):
    e = t.fresh()
    e.data[e.shoff:e.shoff + 64 * e.shnum] = b"\xff" * (64 * e.shnum)
    return e.data


@attack("lie")
def section_headers_outside(t):
    e = t.fresh()
    struct.pack_into("<Q", e.data, 0x28, len(e.data) + 4096)
    return e.data


@attack("loss")
def no_eh_frame(t):
    e = t.fresh()
    s = e.section(".eh_frame")
    if not s:
        return None
    e.data[s.off:s.off + s.size] = bytes(s.size)
    return e.data


@attack("loss")
def eh_frame_renamed(t):
    e = t.fresh()
    s = e.section(".eh_frame")
    if not s:
        return None
    set_section(e, s, name_off=0)
    return e.data


@attack("lie")
def sections_renamed(t):
    """The code's sections have the name of data, and data's that of code"""
    e = t.fresh()
    code = e.code_sections()
    other = [s for s in e.sections if s.index and s not in code and s.name not in (".shstrtab", ".eh_frame")]
    if not other:
        return None
    for s in code:
        set_section(e, s, name_off=other[0].name_off)
    set_section(e, other[0], name_off=code[0].name_off)
    return e.data


@attack("lie")
def no_exec_sections(t):
    """Only the segment says that the code is executable"""
    e = t.fresh()
    for s in e.code_sections():
        set_section(e, s, flags=2)
    return e.data


@attack("lie")
def nobits_code(t):
    e = t.fresh()
    for s in e.code_sections():
        set_section(e, s, type=elf.SHT_NOBITS)
    return e.data


@attack("lie")
def empty_code_sections(t):
    e = t.fresh()
    for s in e.code_sections():
        set_section(e, s, size=0)
    return e.data


@attack("lie")
def half_code_section(t):
    """The section ends before the foreign function, or in the middle; the segment goes on"""
    e = t.fresh()
    for s in e.code_sections():
        inside = s.addr < t.addr < s.addr + s.size
        set_section(e, s, size=t.addr - s.addr if inside else s.size // 8 * 4)
    return e.data


@attack("lie")
def data_segment_executable(t):
    """Code in a writable segment, and no section that says so"""
    e = t.fresh()
    for s in e.code_sections():
        set_section(e, s, flags=3)
    for s in e.segments:
        if s.type == elf.PT_LOAD and s.flags & elf.PF_X:
            struct.pack_into("<I", e.data, s.at + 4, 7)
    return e.data


@attack("code")
def code_moved_to_data(t):
    """A copy of the program's code at the file's end is what runs: the old segment is not executable"""
    e = t.fresh()
    for s in e.segments:
        if s.type == elf.PT_LOAD and s.flags & elf.PF_X:
            blob = e.data[s.off:s.off + s.filesz]
            e.data.extend(bytes(-len(e.data) % 4096 + s.vaddr % 4096))
            struct.pack_into("<IIQQQQQQ", e.data, s.at, elf.PT_LOAD, 7, len(e.data), s.vaddr, s.paddr,
                             s.filesz, s.memsz, 1)
            e.data.extend(blob)
    return e.data


@attack("lie")
def only_exec_no_read(t):
    e = t.fresh()
    for s in e.segments:
        if s.type == elf.PT_LOAD and s.flags & elf.PF_X:
            struct.pack_into("<I", e.data, s.at + 4, 1)
    return e.data


@attack("code")
def other_machine(t):
    """Says that it is x86-64"""
    e = t.fresh()
    struct.pack_into("<H", e.data, 18, 62)
    return e.data


@attack("code")
def riscv_machine(t):
    e = t.fresh()
    struct.pack_into("<H", e.data, 18, 243)
    return e.data


@attack("code")
def relocatable_type(t):
    e = t.fresh()
    struct.pack_into("<H", e.data, 16, 1)
    return e.data


@attack("code")
def big_endian(t):
    e = t.fresh()
    e.data[5] = 2
    return e.data


@attack("code")
def class_32(t):
    e = t.fresh()
    e.data[4] = 1
    return e.data


@attack("code")
def truncated(t):
    return t.data[:t.fresh().file_off(t.addr) + 8] if t.addr else t.data[:len(t.data) // 2]


@attack("code")
def no_program_headers(t):
    e = t.fresh()
    struct.pack_into("<Q", e.data, 0x20, 0)
    struct.pack_into("<H", e.data, 0x38, 0)
    return e.data


# -- where code is not looked for

@attack("code")
def behind_png(t):
    ihdr = b"\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0\x3a\x7e\x9b\x55"
    idat = b"\0\0\0\x0aIDATx\x9cc\xf8\x0f\0\1\1\1\0\x1b\xb6\xeeV"
    return b"\x89PNG\r\n\x1a\n" + ihdr + idat + b"\0\0\0\0IEND\xaeB`\x82" + t.data


@attack("code")
def behind_text(t):
    return b"#!/bin/sh\nexec true\n" + t.data


@attack("code")
def magic_overwritten(t):
    """Raw code: no format says what it is"""
    return bytes(4) + t.data[4:]


# -- symbols

def with_symbols(t, change):
    e = t.fresh()
    changed = 0
    for s in symbol_rows(e):
        new = change(s)
        if new:
            struct.pack_into("<QQ", e.data, s.at + 8, *new)
            changed += 1
    return e.data if changed else None


@attack("lie")
def overlapping_symbols(t):
    """Each function claims what follows it too"""
    return with_symbols(t, lambda s: (s.value, s.size * 3 + 64) if s.type == elf.STT_FUNC and s.size else None)


@attack("lie")
def covering_symbol(t):
    """One function of Cranelift's claims all code"""
    first = next((s for s in t.elf.functions()), None)
    code = t.elf.code_sections()
    if not first or not code:
        return None
    return with_symbols(t, lambda s: (code[0].addr, code[0].size) if s.at == first.at else None)


@attack("lie")
def symbols_beside(t):
    """Every function seems to begin two instructions later"""
    return with_symbols(t, lambda s: (s.value + 8, s.size) if s.type == elf.STT_FUNC and s.size else None)


@attack("lie")
def symbols_without_size(t):
    return with_symbols(t, lambda s: (s.value, 0) if s.type == elf.STT_FUNC and s.size else None)


def cut_symbols(t, words):
    """Symbols of other functions are moved so that they cut the foreign one into pieces"""
    if not t.addr:
        return None
    at = {"next": t.addr}

    def change(s):
        if s.type != elf.STT_FUNC or not s.size or at["next"] >= t.addr + t.size:
            return None
        size = min(4 * words, t.addr + t.size - at["next"])
        at["next"] += size
        return at["next"] - size, size
    return with_symbols(t, change)


@attack("lie")
def cut_by_symbols_1(t):
    return cut_symbols(t, 1)


@attack("lie")
def cut_by_symbols_2(t):
    return cut_symbols(t, 2)


@attack("lie")
def cut_by_symbols_3(t):
    return cut_symbols(t, 3)


@attack("lie")
def object_symbol_over_code(t):
    """The foreign function is a constant, the symbols say"""
    e = t.fresh()
    done = False
    for s in symbol_rows(e):
        if s.type == elf.STT_FUNC and t.addr and s.value == t.addr:
            e.data[s.at + 4] = e.data[s.at + 4] & 0xf0 | 1
            done = True
    return e.data if done else None


@attack("lie")
def mapping_symbols_over_code(t):
    """Two symbols become $d before and $x behind the foreign function"""
    e = t.fresh()
    functions = [s for s in e.functions() if s.value != t.addr]
    strings = next((s for s in e.sections if s.name == ".strtab"), None)
    if not t.addr or len(functions) < 2 or not strings:
        return None
    for s, name, addr in ((functions[0], b"$d\0", t.addr), (functions[1], b"$x\0", t.addr + t.size)):
        off = struct.unpack_from("<I", e.data, s.at)[0] + strings.off
        e.data[off:off + 3] = name
        e.data[s.at + 4] = 0
        struct.pack_into("<QQ", e.data, s.at + 8, addr, 0)
    return e.data


# -- unwind tables: a forged one lies at the file's end, and at an address of its own

def with_eh_frame(t, build):
    """build(address of the table) -> its bytes; the section .eh_frame, or the last one, points there"""
    e = t.fresh()
    s = e.section(".eh_frame")
    if not s or not t.addr:
        return None
    addr = max(x.vaddr + x.memsz for x in e.segments if x.type == elf.PT_LOAD) + 0x10000 & ~0xfff
    e.data.extend(bytes(-len(e.data) % 8))
    table = build(e, s, addr)
    if table is None:
        return None
    set_section(e, s, addr=addr, off=len(e.data), size=len(table))
    e.data.extend(table)
    return e.data


def copy_fdes(e, s, addr, without=None):
    """The table as it is at another address; FDEs that cover `without` are left out"""
    table = bytearray(e.data[s.off:s.off + s.size])
    out = bytearray()
    at, moved = 0, {}
    while at + 4 <= len(table):
        length, = struct.unpack_from("<I", table, at)
        if length == 0:
            break
        cie, = struct.unpack_from("<I", table, at + 4)
        entry = bytearray(table[at:at + 4 + length])
        if cie == 0:
            moved[at] = len(out)
        else:
            rel, size = struct.unpack_from("<iI", table, at + 8)
            target = s.addr + at + 8 + rel
            if without is not None and target <= without < target + size:
                at += 4 + length
                continue
            struct.pack_into("<I", entry, 4, len(out) + 4 - moved[at + 4 - cie])
            struct.pack_into("<i", entry, 8, target - (addr + len(out) + 8))
        out += entry
        at += 4 + length
    return out


def add_fde(table, addr, target, size, framed=False):
    """An FDE with Cranelift's CIE, which comes before it"""
    cie = len(table)
    table += struct.pack("<I", len(forge.CIE)) + bytes(forge.CIE)
    table += fde(addr + len(table), len(table) - cie, target, size, framed)


def fde(at, cie_distance, target, size, framed=False):
    program = bytes(forge.FRAMED) if framed else b""
    program += bytes(-(17 + len(program)) % 8)
    return struct.pack("<IIiIB", 13 + len(program), cie_distance + 4, target - (at + 8), size, 0) + program


def cut_fdes(t, words, framed=False):
    def build(e, s, addr):
        table = copy_fdes(e, s, addr, t.addr)
        for off in range(0, t.size, 4 * words):
            add_fde(table, addr, t.addr + off, min(4 * words, t.size - off), framed)
        return table
    return with_eh_frame(t, build)


@attack("loss")
def cut_by_fdes_1(t):
    """Each foreign instruction is a leaf of its own, the table says"""
    return cut_fdes(t, 1)


@attack("loss")
def cut_by_fdes_2(t):
    return cut_fdes(t, 2)


@attack("loss")
def cut_by_fdes_3(t):
    return cut_fdes(t, 3)


@attack("loss")
def cut_by_framed_fdes(t):
    return cut_fdes(t, 3, True)


@attack("loss")
def leaf_fde(t):
    return cut_fdes(t, t.size // 4)


@attack("loss")
def framed_fde(t):
    return cut_fdes(t, t.size // 4, True)


@attack("lie")
def fde_range_grown(t):
    """The function before the foreign one has it inside its range"""
    def build(e, s, addr):
        before = [x for x in fde_rows(e) if x[1] + x[2] <= t.addr]
        if not before:
            return None
        _, start, _, size_at = max(before, key=lambda x: x[1])
        for row in fde_rows(e):
            if row[1] == t.addr:
                struct.pack_into("<I", e.data, row[3], 0)
        struct.pack_into("<I", e.data, size_at, t.addr + t.size - start)
        return copy_fdes(e, s, addr)
    return with_eh_frame(t, build)


@attack("loss")
def fde_over_all(t):
    """One FDE of a framed function over all code"""
    def build(e, s, addr):
        table = bytearray()
        code = e.code_sections()[0]
        add_fde(table, addr, code.addr, code.size, True)
        return table
    return with_eh_frame(t, build)


@attack("loss")
def zero_length_fdes(t):
    e = t.fresh()
    rows = list(fde_rows(e))
    for _, _, _, size_at in rows:
        struct.pack_into("<I", e.data, size_at, 0)
    return e.data if rows else None


@attack("lie")
def zero_length_fdes_added(t):
    def build(e, s, addr):
        table = copy_fdes(e, s, addr)
        for off in range(0, t.size, 4):
            add_fde(table, addr, t.addr + off, 0)
        return table
    return with_eh_frame(t, build)


@attack("loss")
def endless_fdes(t):
    """FDEs as large as can be"""
    e = t.fresh()
    rows = list(fde_rows(e))
    for _, _, _, size_at in rows:
        struct.pack_into("<I", e.data, size_at, 0xffffffff)
    return e.data if rows else None


@attack("loss")
def huge_fde_count(t):
    """A hundred thousand forged entries for the foreign function"""
    def build(e, s, addr):
        table = copy_fdes(e, s, addr, t.addr)
        cie = len(table)
        table += struct.pack("<I", len(forge.CIE)) + bytes(forge.CIE)
        for _ in range(100000):
            table += fde(addr + len(table), len(table) - cie, t.addr, t.size, True)
        return table
    return with_eh_frame(t, build)


@attack("loss")
def unaligned_fdes(t):
    """Entries that begin and end inside of instructions"""
    def build(e, s, addr):
        table = copy_fdes(e, s, addr, t.addr)
        add_fde(table, addr, t.addr - 2, t.size + 1)
        add_fde(table, addr, t.addr + 1, t.size - 1, True)
        return table
    return with_eh_frame(t, build)


@attack("loss")
def eh_frame_terminated(t):
    """Every entry behind the first is behind the end mark"""
    e = t.fresh()
    rows = list(fde_rows(e))
    if len(rows) < 2:
        return None
    struct.pack_into("<I", e.data, rows[1][0], 0)
    return e.data


# -- the code itself

ADR, LDRSW, ADD, BR = 0x10000000, 0xB8A05800, 0x8B000000, 0xD61F0000


@attack("code")
def fake_jump_table(t):
    """The function before ends in Cranelift's br_table sequence: what follows shall be its table"""
    if not t.addr:
        return None
    e = t.fresh()
    off = e.file_off(t.addr)
    # adr x1, . + 16; ldrsw x2, [x1, w2, uxtw #2]; add x1, x1, x2; br x1
    struct.pack_into("<4I", e.data, off - 16, ADR | (16 >> 2) << 5 | 1, LDRSW | 2 << 16 | 1 << 5 | 2,
                     ADD | 2 << 16 | 1 << 5 | 1, BR | 1 << 5)
    return e.data


@attack("code")
def fake_literals(t):
    """The function before loads the foreign one's words as literals"""
    if not t.addr:
        return None
    e = t.fresh()
    off, n = e.file_off(t.addr), t.size // 4
    for i in range(n):
        at = off - 4 * (n - i)
        struct.pack_into("<I", e.data, at, 0x18000000 | (n & 0x7ffff) << 5 | 3)
    return e.data


@attack("code")
def wrapper_words_around(t):
    """The function before ends with the head of an asm wrapper, the one behind begins with its tail"""
    if not t.addr:
        return None
    e = t.fresh()
    off = e.file_off(t.addr)
    if off + t.size + 12 > len(e.data):
        return None
    struct.pack_into("<4I", e.data, off - 16, 0xA9BE7BFD, 0x910003FD, 0xF9000FF3, 0xAA0003F3)
    struct.pack_into("<3I", e.data, off + t.size, 0xF9400FF3, 0xA8C27BFD, 0xD65F03C0)
    return e.data


def attack_file(path, out, addr, size, name):
    with open(path, "rb") as f:
        target = Target(f.read(), addr, size)
    for attack_name, kind, make in ATTACKS:
        data = make(target)
        if data is None or bytes(data) == target.data:
            continue
        made = os.path.join(out, "%s.%s" % (name, attack_name))
        with open(made, "wb") as f:
            f.write(data)
        yield attack_name, kind, made


def attack_all(work):
    """Some cases of each table and linker, stripped and not; and programs without foreign code"""
    out = os.path.join(work, "attack")
    if not os.path.exists(os.path.join(work, "mixed.tsv")):
        print("skipped: attacks: no mixed programs")
        return
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(work, "mixed.tsv")) as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    mixed = [r for r in rows if r[0] == "mixed"]
    chosen = [r for k, r in enumerate(mixed) if k % 10 in (k // 10 % 10, (k // 10 + 5) % 10)]
    chosen = chosen[::max(1, len(chosen) // 16)]
    lines = []
    for r in chosen + [r for r in rows if r[0] == "cranelift"][:2]:
        addr, size = (int(r[4], 0), int(r[5])) if r[0] == "mixed" else (0, 0)
        for path in (r[2], r[2].replace(".stripped", ".elf")) if addr else (r[2],):
            name = os.path.basename(path)
            for attack_name, kind, made in attack_file(path, out, addr, size, name):
                lines.append("attack\t%s\t%s\t0\t%s\t%s\n" % (attack_name, made, path, kind))
    with open(os.path.join(work, "attack.tsv"), "w") as f:
        f.writelines(sorted(lines))
    print("attacks: %d files of %d kinds" % (len(lines), len({line.split("\t")[1] for line in lines})))


def main():
    if sys.argv[1] == "--all":
        attack_all(sys.argv[2])
        return
    os.makedirs(sys.argv[2], exist_ok=True)
    addr, size = (int(x, 0) for x in sys.argv[3:5]) if len(sys.argv) > 4 else (0, 0)
    for _, kind, made in attack_file(sys.argv[1], sys.argv[2], addr, size, os.path.basename(sys.argv[1])):
        print(kind, made)


if __name__ == "__main__":
    main()
