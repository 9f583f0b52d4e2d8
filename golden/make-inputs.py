#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the input trees of the golden images in the folder given as argument.

Contents depend on nothing but this file; times and directory order are whatever
the machine gives, which is the point of keeping the images themselves.
"""
import os, sys

def noise(seed, n):
    x = (seed * 0x9E3779B97F4A7C15 | 1) & (1 << 64) - 1
    out = bytearray()
    for _ in range(n):
        x ^= x << 13 & (1 << 64) - 1
        x ^= x >> 7
        x ^= x << 17 & (1 << 64) - 1
        out.append(x >> 32 & 255)
    return bytes(out)

def text(seed, n):
    words = "kernel initfs scheme block record tree node level alloc free ring header hash".split()
    out = bytearray()
    i = seed
    while len(out) < n:
        i = (i * 1103515245 + 12345) & 0x7FFFFFFF
        out += words[(i >> 8) % len(words)].encode() + (b"\n" if i & 0x1C00 == 0 else b" ")
    return bytes(out[:n])

def put(root, path, data=b"", mode=0o644, own=None, mtime=None):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as f:
        f.write(data)
    os.chmod(full, mode)
    if own:
        os.chown(full, *own)
        os.chmod(full, mode)
    if mtime:
        os.utime(full, (mtime, mtime))

SIZES = [0, 1, 2, 100, 3966, 3967, 3968, 3969, 4094, 4095, 4096, 4097, 8191, 8192, 8193,
         12288, 16384, 16385, 65534, 65535, 65536, 65537, 131071, 131072, 131073,
         262143, 262144, 262145]

def basic(r):
    for n in SIZES:
        put(r, f"text/t-{n}", text(n + 1, n))
    for n in (1, 3967, 3968, 4096, 4097, 8193, 65536, 131072, 131073):
        put(r, f"noise/n-{n}", noise(n, n))
    put(r, "text/t-1048577", text(7, 1048577))
    for n in (1, 4096, 131072, 131073, 1048577):
        put(r, f"zero/z-{n}", bytes(n))
    put(r, "zero/hole-then-byte", bytes(300000) + b"x")
    put(r, "zero/byte-then-hole", b"x" + bytes(300000))
    put(r, "zero/half", bytes(131072) + text(3, 131072) + bytes(131072))
    put(r, "deep/" + "/".join(f"d{i}" for i in range(40)) + "/leaf.txt", b"at the bottom\n")
    for n in (1, 2, 127, 128, 251, 252):
        put(r, "names/" + ("n" * (n - len(str(n))) + str(n))[-n:], b"%d\n" % n)
    for s in (" lead", "trail ", "a b", "tab\there", "-dash", ".hidden", "..two", "quo\"te", "back\\slash",
              "\u00e9t\u00e9", "\u65e5\u672c\u8a9e", "\U0001f980", "new\nline", "UPPER", "upper", "star*?[x]"):
        put(r, "names/" + s, s.encode())
    for m in (0o000, 0o400, 0o600, 0o644, 0o755, 0o777, 0o4755, 0o2755, 0o1777, 0o7777):
        put(r, f"modes/m-{m:04o}", b"%o\n" % m, m)
    for u, g in ((1, 2), (1000, 1000), (65534, 65534), (4294967294, 4294967294)):
        put(r, f"owners/o-{u}-{g}", b"owned\n", 0o640, (u, g))
    put(r, "times/old-mtime", b"old", mtime=1000000000)
    put(r, "times/new-mtime", b"new", mtime=4102444800)
    os.makedirs(os.path.join(r, "empty-dir"), exist_ok=True)
    os.makedirs(os.path.join(r, "links"), exist_ok=True)
    for i, t in enumerate(("x", "../text/t-100", "/usr/bin/init", "does/not/exist", "s" * 255,
                           "/".join(["p" * 200] * 19), "/".join(["q" * 200] * 20)[:3967],
                           ("/".join(["r" * 200] * 20))[:3968], ("/".join(["s" * 200] * 21))[:4095])):
        os.symlink(t, os.path.join(r, "links", f"l{i}-{len(t)}"))
    put(r, "hard/a", b"two names, stored twice by the archiver\n")
    os.link(os.path.join(r, "hard/a"), os.path.join(r, "hard/b"))

def many(r, count, width):
    for i in range(count):
        name = f"{i:05d}"
        put(r, f"many/{name + '-' + 'w' * (width - len(name) - 1) if width > 6 else name}")

def system(r):
    elf = bytearray(noise(9, 40000))
    elf[:64] = (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00"
                + (0xFFFFFF0000001000).to_bytes(8, "little") + (64).to_bytes(8, "little") + bytes(24))[:64].ljust(64, b"\0")
    for p in ("boot/kernel", "usr/lib/boot/kernel"):
        put(r, p, bytes(elf), 0o755)
    for p in ("usr/bin/init", "usr/bin/sh"):
        put(r, p, bytes(elf[:9000]), 0o755)
    put(r, "etc/hostname", b"redox\n")
    put(r, "etc/passwd", b"root;0;0;root;/root;/bin/sh\nuser;1000;1000;user;/home/user;/bin/sh\n")
    put(r, "home/user/note.txt", text(11, 5000), 0o600, (1000, 1000))
    os.symlink("usr/bin", os.path.join(r, "bin"))

def tiny(r):
    put(r, "boot/kernel", b"\x7fELF" + noise(51, 9000), 0o755)
    put(r, "boot/initfs", b"RedoxFtw" + noise(52, 5000))
    put(r, "etc/words", text(53, 40000))
    put(r, "etc/inline", b"short\n")
    put(r, "etc/block", noise(54, 4096))
    for i in range(300):
        put(r, f"many/entry-number-{i:03d}")

def initfs(r):
    put(r, "bin/init", noise(21, 9001), 0o755)
    put(r, "bin/logd", noise(22, 4096), 0o755)
    put(r, "bin/ramfs", noise(23, 1), 0o755)
    put(r, "etc/init.rc", text(24, 300))
    put(r, "etc/empty", b"")
    put(r, "etc/setuid", b"s", 0o4711)
    put(r, "lib/drivers/deep/er/pcid.toml", text(25, 4097))
    os.makedirs(os.path.join(r, "nothing"), exist_ok=True)
    os.symlink("init", os.path.join(r, "bin/alias"))
    os.symlink("../etc/init.rc", os.path.join(r, "bin/up"))
    os.symlink("/scheme/initfs/bin/init", os.path.join(r, "bin/absolute"))
    put(r, "n" * 255, b"long name\n")
    put(r, b"raw-\xff\xfe".decode("utf-8", "surrogateescape"), b"not UTF-8\n")

def bootstrap(r):
    b = bytearray(noise(31, 5000))
    b[:64] = (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + (0x2000).to_bytes(8, "little")).ljust(64, b"\0")
    put(r, "bootstrap", bytes(b), 0o755)

if __name__ == "__main__":
    top = sys.argv[1]
    os.umask(0o022)
    basic(os.path.join(top, "basic"))
    many(os.path.join(top, "many-short"), 3000, 5)
    many(os.path.join(top, "many-long"), 3000, 240)
    system(os.path.join(top, "system"))
    tiny(os.path.join(top, "tiny"))
    initfs(os.path.join(top, "initfs"))
    bootstrap(os.path.join(top, "misc"))
    put(top, "misc/bootloader.bin", noise(41, 10000))
