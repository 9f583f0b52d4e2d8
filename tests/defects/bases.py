# SPDX-License-Identifier: MIT
"""The sound images that the tables break: golden ones, and ones made here from nothing but this file."""
import hashlib
import os
import subprocess

from redoxfs import Redoxfs


class Made:
    """An image, its file, and the warnings that it has by itself."""

    def __init__(self, image, path, findings=()):
        self.image, self.path = image, path
        self.findings = list(findings)

    def save(self):
        """Write it as a sparse file."""
        with open(self.path, "wb") as f:
            f.truncate(len(self.image.data))
            for i in range(0, len(self.image.data), 65536):
                piece = self.image.data[i : i + 65536]
                if any(piece):
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


def tree(top, files, links=(), folders=()):
    for path, data in files.items():
        os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
        with open(f"{top}/{path}", "wb") as f:
            f.write(data)
    for path, target in dict(links).items():
        os.symlink(target, f"{top}/{path}")
    for path in folders:
        os.makedirs(f"{top}/{path}")


FREE = ("warning", "layer.not-zero", "header[0]", "*")  # what upstream leaves in free space


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
