# SPDX-License-Identifier: MIT
"""Fields of a FAT volume. Facts: docs/formats/fat.md.

    boot  backup            .jump .sector_size .cluster_sectors .reserved .fats .root_entries .sectors .media
                            .fat_sectors .sectors32 .fat_sectors32 .flags .version .root .fsinfo .backup .zeros
                            .label .signature
    fsinfo                  .lead .zeros .struct .free .next .zeros2 .trail
    cluster(C[,FAT])        the entry of a cluster, in all FATs or in one; C is a number, or PATH or PATH+N: the
                            first or a further cluster of a file; .data: its bytes
    entry(PATH)             .name .attributes .case .tenths .ctime .cdate .adate .high .mtime .mdate .first .size
    part(PATH,N)            N-th part of its long name: .order .type .checksum .first .units1 .units2 .units3
    dot(PATH)  dotdot(PATH) entries of a directory about itself, with the fields of an entry
    label                   the entry of the volume's label
    behind(PATH)            the first entry that a directory does not use; [N] for further ones
"""
import re

from image import Image

BOOT = {
    "jump": (0, 3), "sector_size": (11, 2), "cluster_sectors": (13, 1), "reserved": (14, 2), "fats": (16, 1),
    "root_entries": (17, 2), "sectors": (19, 2), "media": (21, 1), "fat_sectors": (22, 2), "sectors32": (32, 4),
    "fat_sectors32": (36, 4), "flags": (40, 2), "version": (42, 2), "root": (44, 4), "fsinfo": (48, 2),
    "backup": (50, 2), "zeros": (52, 12), "label": (71, 11), "signature": (510, 2),
}
FSINFO = {
    "lead": (0, 4), "zeros": (4, 480), "struct": (484, 4), "free": (488, 4), "next": (492, 4),
    "zeros2": (496, 12), "trail": (508, 4),
}
ENTRY = {
    "name": (0, 11), "attributes": (11, 1), "case": (12, 1), "tenths": (13, 1), "ctime": (14, 2),
    "cdate": (16, 2), "adate": (18, 2), "high": (20, 2), "mtime": (22, 2), "mdate": (24, 2), "first": (26, 2),
    "size": (28, 4),
}
PART = {
    "order": (0, 1), "units1": (1, 10), "attributes": (11, 1), "type": (12, 1), "checksum": (13, 1),
    "units2": (14, 12), "first": (26, 2), "units3": (28, 4),
}


class Fat(Image):
    def __init__(self, data):
        super().__init__(data)
        sector = self.get(11, 2)
        self.cluster_size = self.data[13] * sector
        self.fat_off = self.get(14, 2) * sector
        self.fat32 = self.get(22, 2) == 0
        self.fat_size = self.get(36 if self.fat32 else 22, 4 if self.fat32 else 2) * sector
        self.root_off = self.fat_off + 2 * self.fat_size
        self.data_off = self.root_off + self.get(17, 2) * 32
        clusters = (len(data) - self.data_off) // self.cluster_size
        self.bits = 32 if self.fat32 else 12 if clusters < 4085 else 16

    # ---- FAT ----

    def fat_place(self, cluster, fat):
        return self.fat_off + fat * self.fat_size + cluster * self.bits // 8

    def next(self, cluster, fat=0):
        at = self.fat_place(cluster, fat)
        if self.bits == 12:
            return self.get(at, 2) >> 4 * (cluster & 1) & 0xFFF
        return self.get(at, self.bits // 8)

    def put_next(self, cluster, fat, value):
        at = self.fat_place(cluster, fat)
        if self.bits == 12:
            kept = self.get(at, 2) & (0xF if cluster & 1 else 0xF000)
            self.raw_put(at, (kept | (value & 0xFFF) << 4 * (cluster & 1)).to_bytes(2, "little"))
        else:
            self.raw_put(at, value.to_bytes(self.bits // 8, "little"))

    def cluster_number(self, text):
        if text.isdigit():
            return int(text)
        path, _, n = text.partition("+")
        at = self.entry(path)
        cluster = self.get(at + 26, 2) | self.get(at + 20, 2) << 16
        for _ in range(int(n or 0)):
            cluster = self.next(cluster)
        return cluster

    def cluster_off(self, cluster):
        return self.data_off + (cluster - 2) * self.cluster_size

    # ---- directories ----

    def slots(self, path):
        """Offsets of all 32-byte places of a directory."""
        if path in ("", "/") and not self.fat32:
            yield from range(self.root_off, self.data_off, 32)
            return
        cluster = self.get(44, 4) if path in ("", "/") else self.cluster_number(path)
        while 2 <= cluster < (1 << min(self.bits, 28)) - 16:
            yield from range(self.cluster_off(cluster), self.cluster_off(cluster + 1), 32)
            cluster = self.next(cluster)

    def entry(self, path):
        """By its short name, as 8.3."""
        folder, _, name = path.rpartition("/")
        base, _, extension = name.partition(".")
        wanted = f"{base:8}{extension:3}".encode()
        for at in self.slots(folder):
            if bytes(self.data[at : at + 11]) == wanted and self.data[at + 11] != 0x0F:
                return at
        raise ValueError(f"no entry {path}")

    def behind(self, path, n):
        unused = [at for at in self.slots(path) if self.data[at] == 0]
        return unused[n]

    def locate(self, path):
        (name, arg, index), *rest = path
        args = arg.split(",") if arg else []
        if name == "cluster":
            cluster = self.cluster_number(args[0])
            if rest:
                return self.cluster_off(cluster), self.cluster_size
            return self.fat_place(cluster, int(args[1]) if args[1:] else 0), max(self.bits // 8, 2)
        if name == "fat":
            return self.fat_off + index[0] * self.fat_size, self.fat_size
        if name == "end":
            return len(self.data), 0
        places = {
            "boot": (lambda: 0, 512, BOOT),
            "backup": (lambda: self.get(50, 2) * 512, 512, BOOT),
            "fsinfo": (lambda: self.get(48, 2) * 512, 512, FSINFO),
            "entry": (lambda: self.entry(arg), 32, ENTRY),
            "part": (lambda: self.entry(args[0]) - 32 * int(args[1]), 32, PART),
            "dot": (lambda: self.cluster_off(self.cluster_number(arg)), 32, ENTRY),
            "dotdot": (lambda: self.cluster_off(self.cluster_number(arg)) + 32, 32, ENTRY),
            "label": (lambda: next(a for a in self.slots("/") if self.data[a + 11] == 8), 32, ENTRY),
            "behind": (lambda: self.behind(arg, index[0] if index else 0), 32, ENTRY),
        }
        place, n, fields = places[name]
        off = place()
        if rest:
            at, n = fields[rest[0][0]]
            off += at
        return off, n

    def change(self, text):
        m = re.fullmatch(r"cluster\(([^,)]*)(?:,(\d))?\)\s*=\s*(\S+)", text.strip())
        if not m:
            super().change(text)
            return
        cluster, value = self.cluster_number(m.group(1)), m.group(3)
        value = int(value, 0) if value[0].isdigit() else self.cluster_number(value)
        fats = [int(m.group(2))] if m.group(2) else [0, 1]
        if all(self.next(cluster, fat) == value for fat in fats):
            raise ValueError(f"changes nothing: {text}")
        for fat in fats:
            self.put_next(cluster, fat, value)
