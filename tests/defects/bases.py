# SPDX-License-Identifier: MIT
"""The sound images that the tables break: golden ones, and ones made here from nothing but this file."""
import hashlib
import os
import struct
import subprocess

import ar
import elf
import pe
import pkgar
from fat import Fat
from gpt import Gpt
from initfs import Initfs
from redoxfs import Redoxfs


ZEROS = bytes(65536)


class Made:
    """An image, its file, and the warnings that it has by itself."""

    def __init__(self, image, path, findings=()):
        self.image, self.path = image, path
        self.findings = list(findings)

    def save(self):
        """Write it as a sparse file."""
        with open(self.path, "wb") as f:
            f.truncate(len(self.image.data))
            for i in range(0, len(self.image.data), len(ZEROS)):
                piece = self.image.data[i : i + len(ZEROS)]
                if piece != ZEROS:
                    f.seek(i)
                    f.write(piece)


def noise(seed, n):
    out = b""
    while len(out) < n:
        out += hashlib.sha256(f"{seed} {len(out)}".encode()).digest()
    return out[:n]


def text(n):
    words = "kernel initfs scheme block record tree node level alloc free ring header hash".split()
    out, i = bytearray(), 7
    while len(out) < n:
        i = (i * 1103515245 + 12345) & 0x7FFFFFFF
        out += words[(i >> 8) % len(words)].encode() + b" "
    return bytes(out[:n])


# an ELF program of its header alone, which runs at 0x2000
PROGRAM = (
    b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 0xB7, 1, 0x2000, 0, 0, 0, 64, 56, 0, 64, 0, 0)
)


def tree(top, files, links=(), folders=()):
    for path, data in files.items():
        os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
        with open(f"{top}/{path}", "wb") as f:
            f.write(data)
    for path, target in dict(links).items():
        os.symlink(target, f"{top}/{path}")
    for path in folders:
        os.makedirs(f"{top}/{path}")


FREE = ("warning", "layer.not-zero", "*", "*")  # what upstream leaves in free space


class Bases:
    def __init__(self, rimg, golden, work):
        self.rimg, self.golden, self.work = rimg, golden, work
        self.made = {}

    def get(self, name):
        if name not in self.made:
            self.made[name] = getattr(self, name.replace("-", "_"))(f"{self.work}/{name}.base")
        return self.made[name]

    def file(self, path, kind, findings=()):
        with open(path, "rb") as f:
            return Made(kind(f.read()), path, findings)

    def run(self, *args):
        subprocess.run(args, check=True, stdout=subprocess.DEVNULL)

    # ---- RedoxFS ----

    def redoxfs(self, path):
        """Every kind of content, and a directory with an htree block."""
        files = {
            "etc/inline": b"short\n", "etc/empty": b"", "etc/block": noise(1, 4096),
            "etc/plain": noise(2, 9000), "etc/words": text(40000),
            "etc/large": noise(3, 131072) + text(20001),
            "etc/far": bytes(128 << 17) + noise(4, 5000), "etc/other": noise(5, 4096),
            "one/x": b"x", "two/xy": b"xy",
        }
        files.update({f"many/entry-number-{i:03d}": b"" for i in range(300)})
        links = {"etc/link": "../etc/words", "etc/longlink": "d/" * 2000}
        tree(f"{path}.tree", files, links, ["none"])
        self.run(self.rimg, "-q", "redoxfs", f"{path}.tree", "-o", path, "-s", "3MiB", "-c", "lz4")
        return self.file(path, Redoxfs)

    def names(self, path):
        """A directory with two levels of htree blocks."""
        files = {f"many/{i:04d}{'n' * 244}": b"" for i in range(3300)}
        tree(f"{path}.tree", files)
        self.run(self.rimg, "-q", "redoxfs", f"{path}.tree", "-o", path, "-s", "16MiB")
        return self.file(path, Redoxfs)

    def ring(self, path):
        """Upstream's, after 1,103 generations: the ring went round four times."""
        return self.file(f"{self.golden}/wrapped.img", Redoxfs, [FREE])

    def reserved(self, path):
        """Upstream's, behind a boot loader."""
        return self.file(f"{self.golden}/reserved.img", Redoxfs, [FREE])

    # ---- disks ----

    def disk(self, path):
        """By GPT fdisk; the volume on it is the base fat12."""
        with open(path, "wb") as f:
            f.truncate(6144 * 512)
        guid = "11111111-2222-3333-4444-00000000000"
        parts = (("34:2047", "ef02", "BIOS"), ("2048:4095", "ef00", "EFI"), ("4096:6000", "8300", "DATA"))
        args = ["-o", "-a", "1", "-U", guid + "0"]
        for i, (place, kind, name) in enumerate(parts, 1):
            args += ["-n", f"{i}:{place}", "-t", f"{i}:{kind}", "-c", f"{i}:{name}", "-u", f"{i}:{guid}{i}"]
        self.run("sgdisk", *args, path)
        with open(path, "r+b") as f:
            f.seek(2048 * 512)
            f.write(self.get("fat12").image.data)
        return self.file(path, Gpt)

    # ---- FAT volumes, by mkfs.fat and mtools ----

    def fat(self, path, sectors, *options):
        with open(path, "wb") as f:
            f.truncate(sectors * 512)
        self.run("mkfs.fat", "--invariant", "-n", "VOLUME", *options, path)
        files = {
            "BOOT.EFI": noise(1, 5000), "EMPTY.TXT": b"", "OTHER.TXT": b"other\n", "EFI/LOADER.EFI": noise(2, 1000),
            "A long name of a file.txt": b"long\n", "EFI/Second long name, for the same volume": b"two\n",
        }
        for folder in ("EFI", "NONE"):
            self.run("mmd", "-i", path, f"::{folder}")
        for name, data in files.items():
            with open(f"{path}.file", "wb") as f:
                f.write(data)
            self.run("mcopy", "-i", path, f"{path}.file", f"::{name}")
        return self.file(path, Fat)

    def fat12(self, path):
        return self.fat(path, 2048, "-F", "12", "-s", "4")

    def fat16(self, path):
        return self.fat(path, 6144, "-F", "16", "-s", "1")

    def fat32(self, path):
        return self.fat(path, 67584, "-F", "32", "-s", "1")

    def fat_4k(self, path):
        """Sectors of 4096 bytes."""
        return self.fat(path, 4096, "-F", "12", "-S", "4096", "-s", "1")

    # ---- initfs ----

    def initfs_tree(self, path):
        files = {
            "bin/init": noise(1, 5000), "bin/two": noise(2, 10), "etc/conf": noise(3, 300),
            "etc/same": noise(4, 300), "etc/q": b"q", "etc/empty": b"",
        }
        tree(f"{path}.tree", files, {"bin/alias": "init"}, ["none"])
        os.chmod(f"{path}.tree/bin/init", 0o755)

    def initfs(self, path):
        self.initfs_tree(path)
        with open(f"{path}.elf", "wb") as f:
            f.write(PROGRAM)
        self.run(self.rimg, "-q", "initfs", f"{path}.tree", "-o", path, "-b", f"{path}.elf")
        return self.file(path, Initfs)

    def initfs_plain(self, path):
        self.initfs_tree(path)
        self.run(self.rimg, "-q", "initfs", f"{path}.tree", "-o", path)
        return self.file(path, Initfs)

    # ---- programs, archives ----

    def bytes(self, path, data, kind):
        with open(path, "wb") as f:
            f.write(data)
        return self.file(path, kind)

    def elf(self, path):
        return self.bytes(path, elf.program(), elf.Elf)

    def pe(self, path):
        return self.bytes(path, pe.program(), pe.Pe)

    def ar(self, path):
        return self.bytes(path, ar.archive(), ar.Ar)

    def pkgar(self, path):
        return self.bytes(path, pkgar.package(False), pkgar.Pkgar)

    def pkgar_lzma2(self, path):
        return self.bytes(path, pkgar.package(True), pkgar.Pkgar)
