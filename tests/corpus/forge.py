#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""forge.py SYMBOL SIZE empty|plain|framed: assembly of an .eh_frame that claims a function for Cranelift.

The entry has Cranelift's CIE (20 bytes behind the length, code 4, data -8, RA 30, pcrel sdata4) and
no program (a frameless leaf), or the one that Cranelift gives a function with a frame (plain), or with
a frame and two saved registers (framed).
"""
import sys

CIE = [0, 0, 0, 0,  # CIE id
       1, 0x7a, 0x52, 0, 4, 0x78, 30, 1, 0x1b,  # version 1, "zR", code 4, data -8, x30, pcrel sdata4
       0x0c, 31, 0, 0, 0, 0, 0]  # def_cfa sp, 0
FRAMED = [0x41, 0x0e, 0x10, 0x9d, 2, 0x9e, 1,  # adv 1; def_cfa_offset 16; x29 cfa-16; x30 cfa-8
          0x41, 0x0d, 29,  # adv 1; def_cfa_register x29
          0x41, 0x93, 4, 0x94, 3]              # adv 1; x19 cfa-32; x20 cfa-24


def assembly(symbol, size, shape):
    program = {"empty": [], "plain": FRAMED[:10], "framed": FRAMED}[shape]
    program = program + [0] * (-(4 + 4 + 4 + 4 + 1 + len(program)) % 8)
    row = lambda data: "\t.byte %s\n" % ", ".join(map(str, data)) if data else ""
    return ('\t.section .eh_frame, "a", @progbits\n\t.p2align 3\n'
            "0:\t.long %d\n%s"
            "1:\t.long %d\n2:\t.long 2b - 0b\n\t.long %s - .\n\t.long %d\n\t.byte 0\n%s" % (
                len(CIE), row(CIE), 4 + 4 + 4 + 1 + len(program), symbol, size, row(program)))


if __name__ == "__main__":
    sys.stdout.write(assembly(sys.argv[1], int(sys.argv[2], 0), sys.argv[3]))
