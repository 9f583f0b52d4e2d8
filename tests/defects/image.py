# SPDX-License-Identifier: MIT
"""An image in memory with fields that have names, and the language of the tables.

A change is one of

    FIELD = VALUE       FIELD += NUMBER     FIELD ^= NUMBER     swap FIELD FIELD
    cut FIELD           append VALUE

FIELD is what the format's module (redoxfs.py, ...) makes of names, arguments in parentheses and numbers
in brackets, with an offset behind it if need be: inode(/etc).links, entries[1].first_lba, content + 4.
VALUE is a number (stored little-endian), 'text', x'hex', zeros(N), letters(N), or another field, perhaps with
a number to add. Checksums above what is changed are made right again at once, so that one rule is
broken; "!" before a change leaves them as they are.
"""
import copy
import re

STEP = re.compile(r"([A-Za-z_]\w*)(?:\(([^)]*)\))?((?:\[[^\]]*\])*)")


def steps(text):
    """ "a(x)[1].b" -> [("a", "x", [1]), ("b", None, [])] """
    out, pos = [], 0
    while pos < len(text):
        m = STEP.match(text, pos)
        if not m:
            raise ValueError(f"no field: {text!r}")
        index = [int(n, 0) for n in re.findall(r"\[([^\]]*)\]", m.group(3))]
        out.append((m.group(1), m.group(2), index))
        pos = m.end()
        if pos < len(text):
            if text[pos] != ".":
                raise ValueError(f"no field: {text!r}")
            pos += 1
    return out


class Image:
    """What all formats share. A format gives locate(steps) -> (offset, length) and seal(offset)."""

    big_endian = False

    def __init__(self, data):
        self.data = bytearray(data)

    def copy(self):
        other = copy.copy(self)
        other.data = bytearray(self.data)
        return other

    # ---- of the formats ----

    def locate(self, path):
        raise NotImplementedError

    def seal(self, off, length):
        """Make right again every checksum that covers these bytes."""

    def function(self, name, args):
        raise ValueError(f"no value: {name}")

    # ---- numbers ----

    def get(self, off, n):
        return int.from_bytes(self.data[off : off + n], "big" if self.big_endian else "little")

    def number(self, text):
        off, n = self.field(text)
        return self.get(off, n)

    def raw_put(self, off, value):
        if off + len(value) > len(self.data):
            raise ValueError("behind the end of the image")
        self.data[off : off + len(value)] = value

    def write(self, off, value):
        self.raw_put(off, value)
        self.seal(off, len(value))

    # ---- the language ----

    def field(self, text):
        """ "header.size + 2" -> offset and length """
        m = re.fullmatch(r"(\S.*?)\s+\+\s+(\w+)(?:\s*:\s*(\w+))?", text.strip())
        if m:
            off, n = self.field(m.group(1))
            more = int(m.group(2), 0)
            return off + more, int(m.group(3), 0) if m.group(3) else max(n - more, 1)
        text = text.strip()
        m = re.fullmatch(r"(0x[0-9a-f]+|\d+)(?::(\d+))?", text)
        if m:
            return int(m.group(1), 0), int(m.group(2) or 1)
        return self.locate(steps(text))

    def value(self, text, n):
        text = text.strip()
        if re.fullmatch(r"-?(0x[0-9a-fA-F]+|\d+)", text):
            number = int(text, 0) & (1 << 8 * n) - 1
            return number.to_bytes(n, "big" if self.big_endian else "little")
        if text[:1] == "'":
            return text[1:-1].encode().decode("unicode_escape").encode("latin-1")
        if text[:2] == "x'":
            return bytes.fromhex(text[2:-1])
        m = re.fullmatch(r"([a-z]+)\((.*)\)", text)
        if m and m.group(1) in ("zeros", "letters"):
            return (b"a" if m.group(1) == "letters" else b"\0") * int(m.group(2), 0)
        if m and m.group(1) in self.functions:
            return self.function(m.group(1), [a.strip() for a in m.group(2).split(",")])
        m = re.fullmatch(r"(\S.*?)\s+([+-])\s+(\w+)", text)
        more = 0
        if m:
            text, more = m.group(1), int(m.group(3), 0) * (-1 if m.group(2) == "-" else 1)
        off, k = self.field(text)
        if more == 0 and k == n:
            return bytes(self.data[off : off + k])
        return self.value(str(self.get(off, k) + more), n)

    functions = ()

    def changed(self, text):
        """Where a change changes something: its first field."""
        word, _, rest = text.strip("! ").partition(" ")
        if word == "append":
            return len(self.data)
        if word == "swap":
            rest = rest.split()[0]
        elif word != "cut":
            rest = re.split(r"\s*[+^]?=", text.strip("! "))[0]
        return self.field(rest)[0]

    def change(self, text):
        text = text.strip()
        sealed = not text.startswith("!")
        text = text.lstrip("! ")
        put = self.write if sealed else self.raw_put
        word, _, rest = text.partition(" ")
        if word == "cut":
            off = self.field(rest)[0]
            if off >= len(self.data):
                raise ValueError("nothing to cut")
            del self.data[off:]
        elif word == "append":
            self.data += self.value(rest, 1)
        elif word == "swap":
            a, b = (self.field(x) for x in rest.split())
            one, two = bytes(self.data[a[0] : sum(a)]), bytes(self.data[b[0] : sum(b)])
            if one == two or len(one) != len(two):
                raise ValueError(f"nothing to swap: {text}")
            put(a[0], two)
            put(b[0], one)
        else:
            m = re.fullmatch(r"(.*?)\s*([+^]?)=\s*(.*)", text)
            if not m:
                raise ValueError(f"no change: {text!r}")
            off, n = self.field(m.group(1))
            if m.group(2):
                old, by = self.get(off, n), int(m.group(3), 0)
                new = old ^ by if m.group(2) == "^" else old + by
                value = self.value(str(new), n)
            else:
                value = self.value(m.group(3), n)
            if bytes(self.data[off : off + len(value)]) == value:
                raise ValueError(f"changes nothing: {text}")
            put(off, value)
