#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes input trees for `make interop`: trees.py DIR KIND [SEED]

Their contents depend on KIND and SEED alone. Kinds: empty, edges, wide, names, big, many, random.
"""
import os
import random
import sys

EDGES = [0, 1, 2, 3966, 3967, 3968, 3969, 4095, 4096, 4097, 8191, 8192, 8193, 12288, 16384, 16385,
         65535, 65536, 65537, 131071, 131072, 131073, 262144, 262145, 1048577]


def put(root, path, data=b"", mode=0o644):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as f:
        f.write(data)
    os.chmod(full, mode)


def text(rnd, n):
    words = [b"scheme ", b"kernel ", b"block\n", b"record ", b"tree ", b"hash\n"]
    out = bytearray()
    while len(out) < n:
        out += rnd.choice(words) * rnd.randrange(1, 4)
    return bytes(out[:n])


def edges(root, rnd):
    for n in EDGES:
        put(root, f"text/{n}", text(rnd, n))
        put(root, f"noise/{n}", rnd.randbytes(n))
        put(root, f"zero/{n}", bytes(n))
    put(root, "holes/between", rnd.randbytes(5000) + bytes(400000) + rnd.randbytes(7))
    put(root, "holes/last", rnd.randbytes(131072) + bytes(131072 * 3))
    os.makedirs(os.path.join(root, "links"), exist_ok=True)
    for i, target in enumerate(["x", "../text/1", "/usr/bin/init", "p/" * 1983 + "q", "r" * 255 + "/" + "s" * 200,
                                "t/" * 1984 + "u", "v/" * 2040]):
        os.symlink(target, os.path.join(root, f"links/{i}"))
    deep = "deep/" + "/".join(f"d{i}" for i in range(100))
    put(root, deep + "/leaf", b"at the bottom\n")
    os.makedirs(os.path.join(root, "empty"), exist_ok=True)


def wide(root, _rnd):
    for i in range(5000):
        put(root, f"many/{i:05d}")


def names(root, _rnd):
    for n in (1, 2, 127, 128, 251, 252):
        put(root, "n/" + "x" * n, b"%d\n" % n)
    for name in (" lead", "trail ", "a b", "tab\there", "-dash", ".hidden", "..two", 'quo"te', "back\\slash",
                 "\u00e9t\u00e9", "\u65e5\u672c", "\U0001f980", "new\nline", "UPPER", "upper", "*?[x]"):
        put(root, "n/" + name, name.encode())
    for i in range(300):
        put(root, f"long/{i:04d}" + "y" * 248)


def big(root, rnd):
    full = os.path.join(root, "one-GiB")
    block = rnd.randbytes(1 << 20)
    with open(full, "wb") as f:
        for i in range(1024):
            f.write(i.to_bytes(8, "little") + block[8:])


def many(root, rnd):
    for i in range(20000):
        put(root, f"d{i % 137:03d}/e{i % 7}/file-{i}", rnd.randbytes(rnd.randrange(0, 6000)),
            0o755 if i % 9 == 0 else 0o644)


def randomly(root, rnd):
    dirs = [""]
    for i in range(rnd.randrange(50, 400)):
        d = rnd.choice(dirs)
        name = os.path.join(d, f"{rnd.choice(['a', 'B', 'long-' * rnd.randrange(1, 30), 'x.y'])}{i}")
        kind = rnd.randrange(10)
        if kind < 2:
            os.makedirs(os.path.join(root, name), exist_ok=True)
            dirs.append(name)
        elif kind == 2:
            os.symlink(name, os.path.join(root, name))
        else:
            n = rnd.choice(EDGES) if rnd.randrange(2) else rnd.randrange(0, 300000)
            put(root, name, rnd.choice([text(rnd, n), rnd.randbytes(n), bytes(n)]), rnd.choice([0o644, 0o755]))


def main():
    root, kind = sys.argv[1], sys.argv[2]
    rnd = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    os.umask(0o022)
    os.makedirs(root)
    makers = {"empty": lambda *_: None, "edges": edges, "wide": wide, "names": names, "big": big, "many": many,
              "random": randomly}
    makers[kind](root, rnd)


if __name__ == "__main__":
    main()
