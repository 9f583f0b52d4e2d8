# SPDX-License-Identifier: MIT
"""Fields of a disk with a GUID partition table. Facts: docs/formats/gpt.md.

    mbr                         .code .signature  .entry[N] .status .type .chs_last .first .sectors
    header  backup              .signature .revision .size .crc .reserved .my_lba .alternate .first .last
                                .guid .entries_lba .count .entry_size .entries_crc .padding
    entry[N]  backup_entry[N]   .type .unique .first .last .attributes .name; N from 0 on
    lba(N)                      a sector

The CRC of a table's entries and that of its header are made right again.
"""
import zlib

from image import Image

HEADER = {
    "signature": (0, 8), "revision": (8, 4), "size": (12, 4), "crc": (16, 4), "reserved": (20, 4),
    "my_lba": (24, 8), "alternate": (32, 8), "first": (40, 8), "last": (48, 8), "guid": (56, 16),
    "entries_lba": (72, 8), "count": (80, 4), "entry_size": (84, 4), "entries_crc": (88, 4),
    "padding": (92, 420),
}
ENTRY = {
    "type": (0, 16), "unique": (16, 16), "first": (32, 8), "last": (40, 8), "attributes": (48, 8),
    "name": (56, 72),
}
MBR_ENTRY = {"status": (0, 1), "type": (4, 1), "chs_last": (5, 3), "first": (8, 4), "sectors": (12, 4)}


class Gpt(Image):
    def __init__(self, data):
        super().__init__(data)
        sectors = len(data) // 512
        # header -> its entries, where they are before anything is changed
        self.tables = {512: 1024, (sectors - 1) * 512: (sectors - 33) * 512}

    def locate(self, path):
        (name, arg, index), *rest = path
        backup = max(self.tables)
        if name == "lba":
            return int(arg) * 512, 512
        if name == "mbr":
            fields = {"code": (0, 440), "signature": (510, 2)}
            if rest and rest[0][0] == "entry":
                fields["entry"] = 446 + 16 * rest[0][2][0], 16
            off, n = fields[rest[0][0]] if rest else (0, 512)
            if rest[1:]:
                at, n = MBR_ENTRY[rest[1][0]]
                off += at
            return off, n
        if name in ("header", "backup"):
            off, n, fields = (512 if name == "header" else backup), 512, HEADER
        else:
            off = self.tables[512 if name == "entry" else backup] + 128 * index[0]
            n, fields = 128, ENTRY
        if rest:
            at, n = fields[rest[0][0]]
            off += at
        return off, n

    def seal(self, off, length):
        for header, entries in self.tables.items():
            if entries <= off < entries + 16384:
                self.seal_entries(header, entries)
            # the CRC itself covers nothing
            elif header <= off < header + 512 and off != header + 16:
                if off in (header + 80, header + 84):
                    self.seal_entries(header, entries)
                self.seal_header(header)

    def seal_entries(self, header, entries):
        n = min(self.get(header + 80, 4) * self.get(header + 84, 4), len(self.data))
        self.raw_put(header + 88, zlib.crc32(self.data[entries : entries + n]).to_bytes(4, "little"))
        self.seal_header(header)

    def seal_header(self, header):
        size = self.get(header + 12, 4)
        self.raw_put(header + 16, bytes(4))
        crc = zlib.crc32(self.data[header : header + (size if 92 <= size <= 512 else 92)])
        self.raw_put(header + 16, crc.to_bytes(4, "little"))
