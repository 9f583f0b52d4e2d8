# SPDX-License-Identifier: MIT
"""An EFI program of PE32+, made here, and its fields. Facts: docs/formats/pe.md.

    dos             .magic .lfanew
    coff            .signature .machine .sections .time .symbols_off .symbols .optional_len .flags
    opt             .magic .entry .image_size .headers_size .checksum .directories
    dir[N]          .address .size
    section(NAME)   .name .memory .address .size .offset .flags; .data: its bytes

The checksum is made right again.
"""
import struct

from image import Image

COFF = 0x80
FIELDS = {
    "dos": (0, {"magic": (0, 2), "lfanew": (60, 4)}),
    "coff": (COFF, {
        "signature": (0, 4), "machine": (4, 2), "sections": (6, 2), "time": (8, 4), "symbols_off": (12, 4),
        "symbols": (16, 4), "optional_len": (20, 2), "flags": (22, 2),
    }),
    "opt": (COFF + 24, {
        "magic": (0, 2), "entry": (16, 4), "image_size": (56, 4), "headers_size": (60, 4), "checksum": (64, 4),
        "directories": (108, 4),
    }),
}
SECTION = {
    "name": (0, 8), "memory": (8, 4), "address": (12, 4), "size": (16, 4), "offset": (20, 4), "flags": (36, 4),
}
SECTIONS = COFF + 24 + 240


def checksum(data):
    """All words, carries folded in, with the field as 0; then the length."""
    at = COFF + 24 + 64
    data = data[:at] + bytes(4) + data[at + 4 :]
    total = sum(struct.unpack(f"<{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(data)


def program():
    out = bytearray(0xA00)
    out[0:2] = b"MZ"
    out[60:64] = struct.pack("<I", COFF)
    out[COFF : COFF + 24] = b"PE\0\0" + struct.pack("<HHIIIHH", 0xAA64, 3, 0, 0xA00, 1, 240, 0x22)
    out[COFF + 24 : COFF + 136] = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        0x20B, 14, 0, 0x200, 0x400, 0, 0x1000, 0x1000, 0x140000000, 0x1000, 0x200, 0, 0, 0, 0, 0, 0, 0,
        0x4000, 0x400, 0, 10, 0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16,
    )
    for number, address, size in ((4, 0xA18, 16), (6, 0x3000, 28)):
        out[COFF + 136 + 8 * number : COFF + 144 + 8 * number] = struct.pack("<II", address, size)
    for i, (name, flags) in enumerate(((b".text", 0x60000020), (b".data", 0xC0000040), (b".rdata", 0x40000040))):
        out[SECTIONS + 40 * i : SECTIONS + 40 * i + 40] = struct.pack(
            "<8sIIIIIIHHI", name, 0x200, 0x1000 * (i + 1), 0x200, 0x400 + 0x200 * i, 0, 0, 0, 0, flags
        )
        out[0x400 + 0x200 * i : 0x600 + 0x200 * i] = bytes((i + 1 + k) % 255 + 1 for k in range(0x200))
    out[0x800:0x81C] = struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, 0x20, 0x3020, 0x820)
    out[0x820:0x840] = b"RSDS" + bytes(range(16)) + struct.pack("<I", 1) + b"a.pdb\0\0\0"
    out += struct.pack("<8sIhHBB", b"start", 0, 1, 0x20, 2, 0) + struct.pack("<I", 4)  # symbols, strings
    out += bytes(0xA18 - len(out)) + struct.pack("<IHH", 16, 0x200, 2) + b"signed!!"
    out[COFF + 88 : COFF + 92] = struct.pack("<I", checksum(bytes(out)))
    return bytes(out)


class Pe(Image):
    def locate(self, path):
        (name, arg, index), *rest = path
        if name == "end":
            return len(self.data), 0
        if name == "dir":
            off, n, fields = COFF + 136 + 8 * index[0], 8, {"address": (0, 4), "size": (4, 4)}
        elif name == "section":
            wanted = arg.encode().ljust(8, b"\0")
            off = next(a for a in range(SECTIONS, SECTIONS + 120, 40) if self.data[a : a + 8] == wanted)
            if rest and rest[0][0] == "data":
                return self.get(off + 20, 4), self.get(off + 16, 4)
            n, fields = 40, SECTION
        else:
            off, fields = FIELDS[name]
            n = 64
        if rest:
            at, n = fields[rest[0][0]]
            off += at
        return off, n

    def seal(self, off, length):
        if off != COFF + 88:
            self.raw_put(COFF + 88, struct.pack("<I", checksum(bytes(self.data))))
