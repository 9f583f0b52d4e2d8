#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cgen.py SEED FUNCTIONS [--small]: a C file of that many functions on standard output.

The same arguments give the same file with every Python from 3.8 on: random.Random(str) and
randrange() are all that is used of the random module. The functions do nothing sensible, but they
are sound C, and between them they use what C programs use: integers of every width, floats,
structs, bit-fields, arrays, strings, switch, every loop, recursion, varargs, function pointers,
atomics, volatile, 128-bit integers, large frames, many arguments. --small: functions of a few
statements, for programs that hold a single foreign one.
"""
import random
import sys

PRELUDE = """\
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
struct pair { int64_t a, b; };
struct small { uint8_t kind; uint16_t len; uint32_t id; };
struct bits { unsigned a : 3, b : 7, c : 12; int d : 9; };
struct node { struct node *next, *left, *right; int64_t key; uint32_t flags; char name[20]; };
struct wide { double x, y, z; int32_t tag; float w[4]; };
struct buf { uint8_t *data; size_t len, cap; int (*grow)(struct buf *, size_t); };
union word { uint64_t u; double d; uint8_t b[8]; };
typedef int64_t (*binary_fn)(int64_t, int64_t);
extern int64_t ext0(void), ext1(int64_t), ext2(int64_t, const void *), ext3(void *, int, uint64_t);
extern void sink(const void *, ...), touch(void *);
extern double fext(double);
extern void die(const char *, int) __attribute__((noreturn));
extern int64_t g_counter; extern uint32_t g_table[64]; extern struct node *g_head;
extern binary_fn g_ops[8]; extern volatile uint32_t g_mmio[16]; extern const char *const g_names[16];
"""

INTS = ["int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t", "int64_t", "uint64_t",
        "int32_t", "uint32_t", "int64_t", "uint64_t", "int", "long"]


class Gen:
    """One file; the functions made so far can be called by those that follow."""

    def __init__(self, seed, prefix):
        self.rng = random.Random("c" + str(seed))
        self.prefix = prefix
        self.made = []
        self.n = 0

    def r(self, n):
        return self.rng.randrange(n)

    def pick(self, seq):
        return seq[self.r(len(seq))]

    def const(self):
        return self.pick([lambda: str(self.r(16)), lambda: str(self.r(256)), lambda: hex(self.r(65536)),
                          lambda: hex(self.r(1 << 31)), lambda: hex(self.r(1 << 62)) + "ll",
                          lambda: "-" + str(1 + self.r(300)), lambda: "0", lambda: "1"])()

    # -- expressions: always defined (shift counts are masked, divisors are made odd)

    def expr(self, names, depth):
        if depth == 0 or self.r(6) == 0:
            return self.pick(names) if self.r(4) else self.const()
        a = self.expr(names, depth - 1)
        k = self.r(22)
        if k < 9:
            return "(%s %s %s)" % (a, self.pick(["+", "-", "*", "&", "|", "^", "+", "-", "&"]),
                                   self.expr(names, depth - 1))
        if k < 11:
            return "((uint64_t)%s %s (%s & 31))" % (a, self.pick(["<<", ">>"]), self.expr(names, depth - 1))
        if k < 13:
            return "(%s %s (%s | 1))" % (a, self.pick(["/", "%"]), "(uint32_t)" + self.expr(names, depth - 1))
        if k < 15:
            return "(%s %s %s)" % (a, self.pick(["<", ">", "==", "!=", "<=", ">="]), self.expr(names, depth - 1))
        if k == 15:
            return "(%s ? %s : %s)" % (a, self.expr(names, depth - 1), self.expr(names, depth - 1))
        if k == 16:
            return "(%s)%s" % (self.pick(INTS), a)
        if k == 17:
            return self.pick(["~%s", "-%s", "!%s"]) % ("(" + a + ")")
        if k == 18:
            return "g_table[(%s) & 63]" % a
        if k == 19:
            return "(int64_t)__builtin_%s(%s)" % (self.pick(["popcountll", "bswap64", "bswap32", "bswap16",
                                                            "ffsll", "parityll"]), a)
        if k == 20:
            return "__builtin_%s((uint64_t)(%s) | 1)" % (self.pick(["clzll", "ctzll"]), a)
        return "(%s && %s)" % (a, self.expr(names, depth - 1)) if self.r(2) else \
            "(%s || %s)" % (a, self.expr(names, depth - 1))

    def call(self, names, depth=1):
        k = self.r(8)
        e = lambda: self.expr(names, depth)
        if k == 0:
            return "ext0()"
        if k == 1:
            return "ext1(%s)" % e()
        if k == 2:
            return "ext2(%s, g_head)" % e()
        if k == 3:
            return "g_ops[%s & 7](%s, %s)" % (e(), e(), e())
        if k == 4 or not self.made:
            return "ext3(g_head, (int)%s, %s)" % (e(), e())
        name, n_args = self.pick(self.made)
        return "%s(%s)" % (name, ", ".join(e() for _ in range(n_args)))

    # -- statements

    def block(self, names, depth, size, indent):
        return "".join(self.statement(names, depth, indent) for _ in range(size))

    def statement(self, names, depth, indent):
        t = "\t" * indent
        own = [n for n in names if not n.startswith("i_")]
        k = self.r(15)
        if depth == 0 or k < 5:
            return "%s%s %s %s;\n" % (t, self.pick(own), self.pick(["=", "+=", "^=", "-=", "|=", "="]),
                                      self.expr(names, 2))
        inner = lambda size: self.block(names, depth - 1, size, indent + 1)
        if k < 7:
            text = "%sif (%s) {\n%s%s}" % (t, self.expr(names, 2), inner(1 + self.r(2)), t)
            if self.r(2):
                text += " else {\n%s%s}" % (inner(1 + self.r(2)), t)
            return text + "\n"
        if k == 7:
            i = "i_%d" % self.n
            self.n += 1
            text = "%sfor (int %s = 0; %s < (int)(%s & 1023); %s++) {\n" % (t, i, i, self.expr(names, 1), i)
            return text + self.block(names + [i], depth - 1, 1 + self.r(3), indent + 1) + t + "}\n"
        if k == 8:
            v = self.pick(own)
            return "%swhile (%s & 0x%x) {\n%s%s\t%s = (uint64_t)%s >> 1;\n%s}\n" % (
                t, v, 1 + self.r(1 << 20), inner(1), t, v, v, t)
        if k == 9:
            text = "%sswitch (%s & %d) {\n" % (t, self.expr(names, 1), self.pick([3, 7, 15, 31]))
            for c in range(3 + self.r(9)):
                text += "%scase %d:\n%s%s\tbreak;\n" % (t, c * self.pick([1, 1, 1, 2]) if c < 2 else c + 1 if self.r(1) else c * 2 + 1,
                                                     inner(1), t)
            seen, lines = set(), []  # a label twice: keep the first
            skip = False
            for line in text.splitlines(True):
                s = line.strip()
                if line.startswith(t + "case "):
                    skip = s in seen
                    seen.add(s)
                if not skip:
                    lines.append(line)
            return "".join(lines) + "%sdefault:\n%s%s}\n" % (t, inner(1), t)
        if k == 10:
            return "%s%s %s %s;\n" % (t, self.pick(own), self.pick(["=", "+="]), self.call(names))
        if k == 11:
            return "%sg_table[%s & 63] = (uint32_t)%s;\n" % (t, self.expr(names, 1), self.expr(names, 1))
        if k == 12:
            return "%sg_counter += %s;\n" % (t, self.expr(names, 1))
        if k == 13:
            return "%ssink(\"%%d\", %s);\n" % (t, self.expr(names, 1)) if self.r(3) else \
                "%sif (%s == %s)\n%s\tdie(\"m%d\", %d);\n" % (t, self.pick(names), self.const(), t, self.r(99), self.r(99))
        return "%sg_mmio[%d] %s (uint32_t)%s;\n" % (t, self.r(16), self.pick(["=", "|="]), self.expr(names, 1))

    # -- functions

    def fn(self, body, ret="int64_t", args="int64_t a, int64_t b", callable_args=None):
        name = "%s%d" % (self.prefix, self.n)
        self.n += 1
        text = "%s %s(%s)\n{\n%s}\n\n" % (ret, name, args, body.replace("@", name))
        if callable_args is not None:
            self.made.append((name, callable_args))
        return text

    def general(self, depth, size):
        n_args = self.r(9)
        args = ["%s p%d" % (self.pick(INTS), i) for i in range(n_args)]
        names = ["p%d" % i for i in range(n_args)]
        body = ""
        for i in range(1 + self.r(4)):
            body += "\t%s v%d = %s;\n" % (self.pick(INTS), i, self.expr(names or ["g_counter"], 2))
            names.append("v%d" % i)
        body += self.block(names, depth, size, 1)
        body += "\treturn %s;\n" % self.expr(names, 2)
        return self.fn(body, self.pick(INTS), ", ".join(args) or "void", n_args)

    def leaf(self):
        n = 1 + self.r(4)
        names = ["p%d" % i for i in range(n)]
        return self.fn("\treturn %s;\n" % self.expr(names, 1 + self.r(3)), self.pick(INTS),
                       ", ".join("%s %s" % (self.pick(INTS), x) for x in names), n)

    def array_loop(self):
        t = self.pick(INTS + ["float", "double"])
        op = self.pick(["s += x[i] * %s" % self.const(), "s += x[i]", "if (x[i] > s) s = x[i]",
                        "x[i] = x[n - 1 - i]", "s += x[i] * x[(i + %d) %% n]" % (1 + self.r(9)),
                        "x[i] += (%s)i" % t, "if (x[i] == (%s)%d) return s" % (t, self.r(99)),
                        "x[i] = (%s)ext1(i)" % t, "x[i] = (%s)(s += %d)" % (t, self.r(9))])
        loop = self.pick(["for (size_t i = 0; i < n; i++)", "for (size_t i = n; i-- > 0;)",
                          "for (size_t i = 0; i < n; i += %d)" % (2 + self.r(7)),
                          "for (size_t i = 0; i < %d; i++)" % (4 + self.r(60))])
        return self.fn("\t%s s = 0;\n\t%s\n\t\t%s;\n\treturn s;\n" % (t, loop, op), t, "%s *x, size_t n" % t)

    def strings(self):
        c = self.r(95) + 32
        body = self.pick([
            "\tsize_t n = 0;\n\twhile (s[n] && s[n] != %d)\n\t\tn++;\n\treturn (int64_t)n;\n" % c,
            "\tuint32_t h = %d;\n\tfor (; *s; s++)\n\t\th = h * %d ^ (uint8_t)*s;\n\treturn h;\n" % (self.r(9999), 3 + self.r(99)),
            "\tint64_t v = 0;\n\tfor (; *s >= '0' && *s <= '9'; s++)\n\t\tv = v * 10 + *s - '0';\n\treturn *s ? -%d : v;\n" % self.r(9),
            "\tchar *d = t;\n\twhile ((*d++ = *s++))\n\t\t;\n\treturn d - t - %d;\n" % self.r(4),
            "\tfor (; *s && *s == *t; s++, t++)\n\t\t;\n\treturn (uint8_t)*s - (uint8_t)*t;\n",
            "\tchar b[%d];\n\tint n = 0;\n\tuint64_t v = (uint64_t)(uintptr_t)s;\n\tdo\n\t\tb[n++] = (char)(\"0123456789abcdef\"[v & 15]);\n"
            "\twhile (v >>= 4);\n\tfor (int i = 0; i < n; i++)\n\t\tt[i] = b[n - 1 - i];\n\treturn n;\n" % (24 + self.r(40)),
            "\tfor (int i = 0; i < 16; i++)\n\t\tif (g_names[i] && ext2(i, g_names[i]) == *s)\n\t\t\treturn i;\n\tdie(s, %d);\n" % self.r(99),
            "\tint depth = 0;\n\tfor (; *s; s++) {\n\t\tif (*s == '(')\n\t\t\tdepth++;\n\t\telse if (*s == ')' && --depth < 0)\n\t\t\treturn -1;\n\t\telse if (*s == %d)\n\t\t\tsink(s, depth);\n\t}\n\treturn depth;\n" % c])
        return self.fn(body, "int64_t", "const char *s, char *t")

    def structs(self):
        f = self.pick(["key", "flags"])
        k = self.r(9)
        if k == 0:
            return self.fn("\tstruct pair p = { %s, %s };\n\treturn p;\n" % (self.expr(["a", "b"], 2), self.expr(["a", "b"], 2)), "struct pair")
        if k == 1:
            return self.fn("\tw.x %s= %d.5;\n\tw.tag += %d;\n\tw.w[a & 3] = (float)w.y;\n\treturn w;\n" % (
                self.pick("+-*/"), self.r(99), self.r(99)), "struct wide", "struct wide w, int a")
        if k == 2:
            return self.fn("\tb->a = %s;\n\tb->c += b->b;\n\tb->d = (int)x - b->d;\n\treturn b->%s;\n" % (
                self.expr(["x"], 1), self.pick("abcd")), "int", "struct bits *b, unsigned x")
        if k == 3:
            return self.fn("\twhile (n && n->%s != %s)\n\t\tn = n->next;\n\treturn n;\n" % (f, self.expr(["x"], 1)),
                           "struct node *", "struct node *n, int64_t x")
        if k == 4:
            return self.fn("\tif (!n)\n\t\treturn %d;\n\treturn @(n->left) %s @(n->right) + (int64_t)n->%s;\n" % (
                self.r(3), self.pick(["+", "^", "-"]), f), "int64_t", "struct node *n")
        if k == 5:
            return self.fn("\tif (b->len + n > b->cap && b->grow(b, n) < 0)\n\t\treturn -%d;\n\tfor (size_t i = 0; i < n; i++)\n"
                           "\t\tb->data[b->len++] = p[i] ^ %d;\n\treturn 0;\n" % (1 + self.r(20), self.r(256)),
                           "int", "struct buf *b, const uint8_t *p, size_t n")
        if k == 6:
            return self.fn("\tstruct node t = { .key = %s, .next = *h };\n\ttouch(&t);\n\t*h = t.%s;\n\treturn t.%s;\n" % (
                self.expr(["x"], 1), self.pick(["next", "left", "right"]), f), "int64_t", "struct node **h, int64_t x")
        if k == 7:
            return self.fn("\tstruct small s = *q;\n\ts.len += %d;\n\ts.kind = (uint8_t)%s;\n\t*q = s;\n\treturn s.id + s.len;\n" % (
                self.r(99), self.expr(["x"], 1)), "uint32_t", "struct small *q, int x")
        return self.fn("\tunion word w = { .d = x };\n\tw.b[%d] ^= %d;\n\tw.u %s= %s;\n\treturn w.d;\n" % (
            self.r(8), self.r(256), self.pick(["+", "^", "&"]), self.const()), "double", "double x")

    def floats(self):
        t = self.pick(["float", "double"])
        e = self.pick(["x * y + %d.25", "x / (y + %d)", "x > y ? x - %d : y", "(x - y) * (x + %d)", "fext(x) * %d - y",
                       "-x + y * y * %d", "__builtin_fabs(x - y) + %d", "__builtin_sqrt(x * x + y * y) - %d"]) % self.r(50)
        k = self.r(5)
        if k == 0:
            return self.fn("\treturn (%s)(%s);\n" % (t, e), t, "%s x, %s y" % (t, t))
        if k == 1:
            return self.fn("\treturn (%s)(%s);\n" % (self.pick(INTS), e), self.pick(INTS), "%s x, %s y" % (t, t))
        if k == 2:
            return self.fn("\t%s s = 0, y = %d;\n\tfor (int i = 0; i < n; i++) {\n\t\t%s x = p[i];\n\t\ts += (%s)(%s);\n\t}\n\treturn s;\n" % (
                t, self.r(9), t, t, e), t, "const %s *p, int n" % t)
        if k == 3:
            return self.fn("\tdouble x = (double)a, y = %s;\n\tif (x < y)\n\t\treturn (int64_t)(%s);\n\treturn a %s b;\n" % (
                self.pick(["(float)b", "b * 0.5", "3.0e10"]), e, self.pick("+-&|")))
        return self.fn("\t%s m[3][3];\n\tfor (int i = 0; i < 9; i++)\n\t\tm[i / 3][i %% 3] = p[i] * %d;\n\ttouch(m);\n\treturn m[a & 1][%d] - m[1][1];\n" % (
            t, self.r(9), self.r(3)), t, "const %s *p, int a" % t)

    def dynamic(self):
        """Frames whose size is not known, and functions that do not come back"""
        loop = self.pick(["\tfor (;;)\n\t\text0();\n", "\tdie((char *)b, (int)n);\n", "\tfor (;;)\n\t\ttouch(0);\n",
                          "\twhile (ext1(b[0]) != %d)\n\t\tn++;\n\treturn n;\n" % self.r(99),
                          "\treturn ext1(b[n - 1]);\n", "\tsink(b, n);\n\treturn b[%d];\n" % self.r(9)])
        first = self.pick(["\tuint8_t b[n];\n", "\tuint8_t *b = __builtin_alloca((size_t)n);\n",
                           "\tuint64_t b[n + %d];\n" % (1 + self.r(9)), "\tuint8_t *b = (uint8_t *)g_head;\n"])
        return self.fn(first + "\ttouch(b);\n" + loop, "int64_t", "int64_t n")

    def frames(self):
        n = self.pick([16, 40, 100, 300, 700, 1500, 5000, 20000])
        return self.fn("\tuint8_t big[%d];\n\tint64_t t = %s;\n\ttouch(big);\n\tfor (int i = 0; i < %d; i++)\n\t\tt += big[i * %d];\n"
                       "\tbig[t & 15] = (uint8_t)t;\n\tsink(big, t);\n\treturn t;\n" % (n, self.expr(["a", "b"], 1), n // 9, self.r(9)))

    def varargs(self):
        t = self.pick(["int", "int64_t", "double", "const char *"])
        use = "s += (int64_t)(intptr_t)va_arg(ap, %s)" % t if t != "double" else "s += (int64_t)va_arg(ap, double)"
        return self.fn("\tva_list ap;\n\tint64_t s = %d;\n\tva_start(ap, n);\n\twhile (n-- > 0)\n\t\t%s;\n\tva_end(ap);\n\treturn s;\n" % (
            self.r(9), use), "int64_t", "int n, ...")

    def atomics(self):
        t = self.pick(["uint8_t", "uint16_t", "uint32_t", "uint64_t"])
        order = self.pick(["__ATOMIC_SEQ_CST", "__ATOMIC_RELAXED"])
        body = self.pick([
            "\treturn __atomic_fetch_%s(p, v, %s);\n" % (self.pick(["add", "or", "and", "xor", "sub"]), order),
            "\t%s old = %d;\n\twhile (!__atomic_compare_exchange_n(p, &old, v, 0, %s, __ATOMIC_RELAXED))\n\t\tif (old == v)\n\t\t\treturn 0;\n\treturn old;\n" % (t, self.r(3), order),
            "\t__atomic_store_n(p, v + %d, %s);\n\treturn __atomic_load_n(p + 1, __ATOMIC_ACQUIRE);\n" % (self.r(9), order),
            "\twhile (__atomic_exchange_n(p, v, __ATOMIC_ACQUIRE))\n\t\text0();\n\t__atomic_thread_fence(__ATOMIC_SEQ_CST);\n\treturn v;\n"])
        return self.fn(body, t, "%s *p, %s v" % (t, t))

    def wide_int(self):
        return self.fn(self.pick([
            "\t__int128 x = (__int128)a * b + %d;\n\treturn (int64_t)(x >> %d);\n" % (self.r(99), self.r(100)),
            "\tunsigned __int128 x = ((unsigned __int128)(uint64_t)a << 64) | (uint64_t)b;\n\tx += x << %d;\n\treturn (int64_t)(x >> 64) ^ (int64_t)x;\n" % self.r(64),
            "\tint64_t x;\n\tif (__builtin_%s_overflow(a, b, &x))\n\t\treturn %d;\n\treturn x;\n" % (self.pick(["add", "sub", "mul"]), self.r(9)),
            "\tuint64_t x = (uint64_t)a;\n\treturn (int64_t)(x << %d | x >> (64 - %d)) + b;\n" % ((lambda s: (s, s))(1 + self.r(62)))]))

    def recursion(self):
        return self.fn(self.pick([
            "\treturn a < 2 ? a : @(a - 1, b) + @(a - 2, b + %d);\n" % self.r(9),
            "\treturn b ? @(b, a %% (b | 1)) + %d : a;\n" % self.r(9),
            "\tif (a <= 0)\n\t\treturn b;\n\treturn @(a - 1, b * %d + ext1(a));\n" % (2 + self.r(9)),
            "\tif (a > %d)\n\t\tdie(\"deep\", (int)a);\n\treturn a ? @(a >> 1, b ^ a) * %d : g_counter++;\n" % (self.r(999), 1 + self.r(9))]))

    def pointers(self):
        return self.fn(self.pick([
            "\tint64_t r = %s;\n\tfor (int i = 0; i < 8; i++)\n\t\tif (g_ops[i])\n\t\t\tr = g_ops[i](r, i + %d);\n\treturn r;\n" % (self.expr(["a", "b"], 1), self.r(99)),
            "\treturn g_ops[a & 7](b, %s);\n" % self.const(),
            "\tint64_t t[4] = { a, b, %s, %s };\n\treturn ext2(t[a & 3], t);\n" % (self.const(), self.const()),
            "\tvoid *const where[] = { &&one, &&two, &&three };\n\tgoto *where[(uint64_t)a %% 3];\none:\n\tb += %d;\ntwo:\n\tb ^= ext1(b);\nthree:\n\treturn b;\n" % self.r(99),
            "\tif (!g_head || g_head->key < %s)\n\t\tg_head = (struct node *)(uintptr_t)ext0();\n\treturn g_head->key;\n" % self.expr(["a"], 1),
            "\twhile (!(g_mmio[%d] & %d))\n\t\t;\n\tg_mmio[%d] = (uint32_t)a;\n\treturn g_mmio[%d];\n" % (self.r(16), 1 << self.r(9), self.r(16), self.r(16)),
            "\tint64_t r = 0;\n\tfor (struct node *n = g_head; n; n = n->next) {\n\t\tif (n->flags & %d)\n\t\t\tcontinue;\n\t\tr += n->key %s a;\n\t\tn->flags |= %d;\n\t}\n\treturn r;\n" % (
                1 << self.r(9), self.pick(["*", "-", "^"]), 1 << self.r(20))]))

    def function(self, small):
        kinds = [self.leaf, self.array_loop, self.strings, self.structs, self.structs, self.floats, self.varargs,
                 self.atomics, self.wide_int, self.recursion, self.pointers, self.frames, self.dynamic]
        if small:
            return self.pick(kinds + [lambda: self.general(1, 2)])()
        if self.r(100) < 55:
            return self.pick(kinds)()
        return self.general(1 + self.r(3), 2 + self.r(6))


def source(seed, count, small=False, prefix="f"):
    gen = Gen(seed, prefix)
    return PRELUDE + "\n" + "".join(gen.function(small) for _ in range(count))


if __name__ == "__main__":
    sys.stdout.write(source(sys.argv[1], int(sys.argv[2]), "--small" in sys.argv[3:]))
