// SPDX-License-Identifier: MIT
//! Seeded CLIF text: functions that use what compilers feed to Cranelift. The text keeps to what all
//! releases read alike. The functions do nothing sensible.

use std::fmt::Write;

pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1);
        for _ in 0..8 {
            rng.next();
        }
        rng
    }
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    pub fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 33) % n as u64) as usize
    }
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ty {
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
}
use Ty::*;

const INTS: [Ty; 4] = [I8, I16, I32, I64];

impl Ty {
    pub fn name(self) -> &'static str {
        ["i8", "i16", "i32", "i64", "i128", "f32", "f64"][self as usize]
    }
    fn bytes(self) -> usize {
        [1, 2, 4, 8, 16, 4, 8][self as usize]
    }
    fn random(rng: &mut Rng) -> Ty {
        [I64, I64, I64, I32, I32, I8, I16, I128, F64, F32][rng.below(10)]
    }
}

/// What a function takes and gives back
#[derive(Clone)]
pub struct Sig {
    pub params: Vec<Ty>,
    pub returns: Vec<Ty>,
}

impl Sig {
    pub fn random(rng: &mut Rng) -> Sig {
        let n = [0, 1, 1, 2, 2, 2, 3, 3, 4, 6, 9, 13][rng.below(12)];
        let params = (0..n).map(|_| if rng.one_in(2) { I64 } else { Ty::random(rng) }).collect();
        let mut returns: Vec<Ty> = (0..[0, 1, 1, 1, 1, 2][rng.below(6)]).map(|_| Ty::random(rng)).collect();
        if returns.len() == 2 && returns.contains(&I128) {
            // more than x86-64 has registers for
            returns = vec![I128];
        }
        Sig { params, returns }
    }
    pub fn text(&self) -> String {
        let list = |types: &[Ty]| types.iter().map(|t| t.name()).collect::<Vec<_>>().join(", ");
        let mut text = format!("({})", list(&self.params));
        if !self.returns.is_empty() {
            let _ = write!(text, " -> {}", list(&self.returns));
        }
        text + " system_v"
    }
}

/// One function in the making: `pool` holds the values that dominate the place of writing
struct Gen<'a> {
    rng: &'a mut Rng,
    text: String,
    next_value: usize,
    next_block: usize,
    pool: Vec<(usize, Ty)>,
    slots: Vec<usize>,
    callees: &'a [(usize, Sig)],
    has_i128: bool,
}

const CONDITIONS: [&str; 10] = ["eq", "ne", "slt", "sge", "sgt", "sle", "ult", "uge", "ugt", "ule"];
const TRAPS: [&str; 3] = ["user1", "user2", "heap_oob"];

impl Gen<'_> {
    fn line(&mut self, s: &str) {
        self.text.push_str("    ");
        self.text.push_str(s);
        self.text.push('\n');
    }
    fn pick<'b>(&mut self, list: &[&'b str]) -> &'b str {
        list[self.rng.below(list.len())]
    }
    fn fresh(&mut self, ty: Ty) -> usize {
        self.next_value += 1;
        self.pool.push((self.next_value, ty));
        self.next_value
    }
    /// `v = WHAT`: a new value of a type
    fn def(&mut self, ty: Ty, what: &str) -> usize {
        let v = self.fresh(ty);
        self.line(&format!("v{v} = {what}"));
        v
    }
    fn any_int(&mut self) -> Ty {
        if self.has_i128 && self.rng.one_in(12) { I128 } else { INTS[self.rng.below(4)] }
    }
    fn constant(&mut self, ty: Ty) -> usize {
        let small = self.rng.below(200) as i64 - 60;
        match ty {
            F32 | F64 => {
                let exponent = self.rng.below(20);
                let kind = ty.name();
                self.def(ty, &format!("{kind}const 0x1.8p{exponent}"))
            }
            I128 => {
                let low = self.constant(I64);
                self.def(I128, &format!("uextend.i128 v{low}"))
            }
            I8 => self.def(I8, &format!("iconst.i8 {}", small.clamp(0, 127))),
            I16 => self.def(I16, &format!("iconst.i16 {}", small.unsigned_abs())),
            _ => {
                let wide = (self.rng.next() >> (1 + self.rng.below(62))) as i64;
                let n = if self.rng.one_in(3) { wide } else { small.abs() };
                let n = if ty == I32 { n & 0x7fff_ffff } else { n };
                self.def(ty, &format!("iconst.{} {n}", ty.name()))
            }
        }
    }
    /// A value of a type: mostly one that is there
    fn value(&mut self, ty: Ty) -> usize {
        let n = self.pool.iter().filter(|p| p.1 == ty).count();
        if n == 0 || self.rng.one_in(9) {
            return self.constant(ty);
        }
        // mostly a recent one
        let k = if self.rng.one_in(2) { n - 1 - self.rng.below(n.min(4)) } else { self.rng.below(n) };
        self.pool.iter().filter(|p| p.1 == ty).nth(k).unwrap().0
    }
    fn condition(&mut self) -> usize {
        let ty = self.any_int();
        let (a, b) = (self.value(ty), self.value(ty));
        match self.rng.below(6) {
            0 => self.value(I8),
            1 => {
                let ty = if self.rng.one_in(2) { F64 } else { F32 };
                let (a, b) = (self.value(ty), self.value(ty));
                let cc = self.pick(&["eq", "ne", "lt", "le", "gt", "ge", "uno", "ord"]);
                self.def(I8, &format!("fcmp {cc} v{a}, v{b}"))
            }
            _ => {
                let cc = self.pick(&CONDITIONS);
                self.def(I8, &format!("icmp {cc} v{a}, v{b}"))
            }
        }
    }
    /// An address with an offset, and its flags
    fn place(&mut self) -> String {
        let p = self.value(I64);
        let off = [0, 0, 8, 16, 24, 3, 40, 255, 256, 4096, 70000][self.rng.below(11)];
        if off == 0 { format!("v{p}") } else { format!("v{p}+{off}") }
    }

    fn int_op(&mut self) {
        let ty = self.any_int();
        let (a, b) = (self.value(ty), self.value(ty));
        let t = ty.name();
        match self.rng.below(14) {
            0..=4 => {
                let op = self.pick(&["iadd", "isub", "imul", "band", "bor", "bxor", "iadd", "isub"]);
                self.def(ty, &format!("{op} v{a}, v{b}"));
            }
            5 | 6 => {
                let by = if ty == I128 { self.value(I64) } else { b };
                let op = self.pick(&["ishl", "ushr", "sshr", "rotl", "rotr"]);
                self.def(ty, &format!("{op} v{a}, v{by}"));
            }
            7 if ty != I128 && ty != I8 && ty != I16 => {
                let op = self.pick(&["sdiv", "udiv", "srem", "urem"]);
                self.def(ty, &format!("{op} v{a}, v{b}"));
            }
            8 => {
                let op = self.pick(&["ineg", "bnot", "ineg"]);
                self.def(ty, &format!("{op} v{a}"));
            }
            9 if ty != I128 => {
                let op = self.pick(&["clz", "ctz", "popcnt", "bitrev"]);
                self.def(ty, &format!("{op} v{a}"));
            }
            10 if ty == I32 || ty == I64 => {
                let op = self.pick(&["smulhi", "umulhi", "umin", "smax"]);
                if op.contains("hi") && ty == I32 {
                    self.def(ty, &format!("bswap v{a}"));
                } else {
                    self.def(ty, &format!("{op} v{a}, v{b}"));
                }
            }
            11 if ty != I128 => {
                // rustc's checked arithmetic
                let op = self.pick(&["uadd_overflow", "sadd_overflow", "usub_overflow", "ssub_overflow"]);
                let (r, o) = (self.fresh(ty), self.fresh(I8));
                self.line(&format!("v{r}, v{o} = {op} v{a}, v{b}"));
                if self.rng.one_in(2) {
                    let trap = self.pick(&TRAPS);
                    self.line(&format!("trapnz v{o}, {trap}"));
                }
            }
            _ => {
                let c = self.condition();
                self.def(ty, &format!("select.{t} v{c}, v{a}, v{b}"));
            }
        }
    }

    fn convert(&mut self) {
        let from = INTS[self.rng.below(4)];
        let a = self.value(from);
        match self.rng.below(7) {
            0 | 1 if from != I64 => {
                let to = INTS[(from as usize + 1) + self.rng.below(3 - from as usize)];
                let op = self.pick(&["uextend", "sextend"]);
                self.def(to, &format!("{op}.{} v{a}", to.name()));
            }
            2 if from != I8 => {
                let to = INTS[self.rng.below(from as usize)];
                self.def(to, &format!("ireduce.{} v{a}", to.name()));
            }
            3 if self.has_i128 => {
                let (x, y) = (self.value(I64), self.value(I64));
                let w = self.def(I128, &format!("iconcat v{x}, v{y}"));
                if self.rng.one_in(2) {
                    let (lo, hi) = (self.fresh(I64), self.fresh(I64));
                    self.line(&format!("v{lo}, v{hi} = isplit v{w}"));
                }
            }
            4 => {
                let x = self.value(I64);
                let to = if self.rng.one_in(2) { F64 } else { F32 };
                let op = self.pick(&["fcvt_from_sint", "fcvt_from_uint"]);
                self.def(to, &format!("{op}.{} v{x}", to.name()));
            }
            5 => {
                let x = self.value(F64);
                let to = if self.rng.one_in(2) { I64 } else { I32 };
                let op = self.pick(&["fcvt_to_sint_sat", "fcvt_to_uint_sat"]);
                self.def(to, &format!("{op}.{} v{x}", to.name()));
            }
            _ => {
                let x = self.value(F64);
                self.def(I64, &format!("bitcast.i64 v{x}"));
            }
        }
    }

    fn float_op(&mut self) {
        let ty = if self.rng.one_in(3) { F32 } else { F64 };
        let (a, b) = (self.value(ty), self.value(ty));
        let what = match self.rng.below(7) {
            0..=3 => format!("{} v{a}, v{b}", self.pick(&["fadd", "fsub", "fmul", "fdiv", "fmin", "fmax", "fcopysign"])),
            4 => format!("{} v{a}", self.pick(&["fneg", "fabs", "sqrt"])),
            5 if ty == F32 => {
                self.def(F64, &format!("fpromote.f64 v{a}"));
                return;
            }
            5 => {
                self.def(F32, &format!("fdemote.f32 v{a}"));
                return;
            }
            _ => format!("select v{}, v{a}, v{b}", self.condition()),
        };
        self.def(ty, &what);
    }

    fn memory(&mut self) {
        let ty = [I8, I16, I32, I64, I64, I64, F64, F32, I128][self.rng.below(if self.has_i128 { 9 } else { 8 })];
        let flags = self.pick(&["", " notrap", " notrap aligned", " aligned"]);
        if self.rng.one_in(3) && !self.slots.is_empty() {
            let s = self.rng.below(self.slots.len());
            let room = self.slots[s];
            let off = if room > 16 { self.rng.below((room - 16) / 8 + 1) * 8 } else { 0 };
            if ty.bytes() > room {
                return;
            }
            match self.rng.below(3) {
                0 => {
                    self.def(I64, &format!("stack_addr.i64 ss{s}+{off}"));
                }
                1 => {
                    let v = self.value(ty);
                    let p = self.def(I64, &format!("stack_addr.i64 ss{s}"));
                    self.line(&format!("store{flags} v{v}, v{p}+{off}"));
                }
                _ => {
                    let p = self.def(I64, &format!("stack_addr.i64 ss{s}"));
                    self.def(ty, &format!("load.{}{flags} v{p}+{off}", ty.name()));
                }
            }
            return;
        }
        let place = self.place();
        if self.rng.one_in(2) {
            let v = self.value(ty);
            self.line(&format!("store{flags} v{v}, {place}"));
        } else if self.rng.one_in(4) {
            let op = self.pick(&["uload8.i64", "sload8.i64", "uload16.i64", "sload16.i32", "uload32.i64", "uload8.i32"]);
            let op = if op == "uload32.i64" { "uload32" } else { op };
            let to = if op.ends_with("i32") { I32 } else { I64 };
            self.def(to, &format!("{op}{flags} {place}"));
        } else {
            self.def(ty, &format!("load.{}{flags} {place}", ty.name()));
        }
    }

    fn atomic(&mut self) {
        let ty = INTS[self.rng.below(4)];
        let (p, a, b) = (self.value(I64), self.value(ty), self.value(ty));
        let t = ty.name();
        match self.rng.below(5) {
            0 => {
                let op = self.pick(&["add", "sub", "and", "or", "xor", "xchg", "umax", "smin", "nand"]);
                self.def(ty, &format!("atomic_rmw.{t} {op} v{p}, v{a}"));
            }
            1 => {
                self.def(ty, &format!("atomic_cas.{t} v{p}, v{a}, v{b}"));
            }
            2 => {
                self.def(ty, &format!("atomic_load.{t} v{p}"));
            }
            3 => self.line(&format!("atomic_store.{t} v{a}, v{p}")),
            _ => self.line("fence"),
        }
    }

    fn call(&mut self) {
        if self.callees.is_empty() {
            return;
        }
        let k = self.rng.below(self.callees.len());
        let sig = self.callees[k].1.clone();
        let args: Vec<String> = sig.params.iter().map(|&t| format!("v{}", self.value(t))).collect();
        let target = if self.rng.one_in(6) {
            let f = self.def(I64, &format!("func_addr.i64 fn{k}"));
            format!("call_indirect sig{k}, v{f}({})", args.join(", "))
        } else {
            format!("call fn{k}({})", args.join(", "))
        };
        if sig.returns.is_empty() {
            self.line(&target);
        } else {
            let results: Vec<String> = sig.returns.iter().map(|&t| format!("v{}", self.fresh(t))).collect();
            self.line(&format!("{} = {target}", results.join(", ")));
        }
    }

    fn trap_check(&mut self) {
        let c = self.condition();
        let trap = self.pick(&TRAPS);
        let op = self.pick(&["trapz", "trapnz"]);
        self.line(&format!("{op} v{c}, {trap}"));
    }

    fn block(&mut self) -> usize {
        self.next_block += 1;
        self.next_block
    }
    fn start(&mut self, block: usize, params: &[Ty]) {
        let list: Vec<String> = params.iter().map(|&t| format!("v{}: {}", self.fresh(t), t.name())).collect();
        let list = if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) };
        let _ = write!(self.text, "\nblock{block}{list}:\n");
    }
    /// The current block jumps to a join block with a value; what was defined since `mark` is gone
    fn leave(&mut self, join: usize, ty: Ty, mark: usize) {
        let v = self.value(ty);
        self.line(&format!("jump block{join}(v{v})"));
        self.pool.truncate(mark);
    }

    fn branch(&mut self, depth: usize) {
        let ty = Ty::random(self.rng);
        let ty = if ty == I128 && !self.has_i128 { I64 } else { ty };
        let c = self.condition();
        let (yes, no, join, mark) = (self.block(), self.block(), self.block(), self.pool.len());
        self.line(&format!("brif v{c}, block{yes}, block{no}"));
        self.start(yes, &[]);
        self.body(depth - 1, 4);
        self.leave(join, ty, mark);
        self.start(no, &[]);
        if self.rng.one_in(5) {
            // a panic: a call that does not come back
            self.call();
            let trap = self.pick(&TRAPS);
            self.line(&format!("trap {trap}"));
            self.pool.truncate(mark);
        } else {
            self.body(depth - 1, 4);
            self.leave(join, ty, mark);
        }
        self.start(join, &[ty]);
    }

    fn looped(&mut self, depth: usize) {
        let (head, body, done, mark) = (self.block(), self.block(), self.block(), self.pool.len());
        let (n, acc) = (self.value(I64), self.value(I64));
        self.line(&format!("jump block{head}(v{n}, v{acc})"));
        self.pool.truncate(mark);
        self.start(head, &[I64, I64]);
        let i = self.pool[self.pool.len() - 2].0;
        let inner = self.pool.len();
        let limit = self.value(I64);
        let cc = self.pick(&CONDITIONS);
        let c = self.def(I8, &format!("icmp {cc} v{i}, v{limit}"));
        self.line(&format!("brif v{c}, block{body}, block{done}"));
        let at_exit = self.pool.len();
        self.start(body, &[]);
        self.body(depth - 1, 5);
        let step = self.constant(I64);
        let next = self.def(I64, &format!("iadd v{i}, v{step}"));
        let acc = self.value(I64);
        self.line(&format!("jump block{head}(v{next}, v{acc})"));
        self.pool.truncate(at_exit);
        self.start(done, &[]);
        let _ = inner;
    }

    fn switch(&mut self, depth: usize) {
        let n = [2, 3, 4, 6, 9, 14, 30][self.rng.below(7)];
        let index = self.value(I64);
        let index = self.def(I32, &format!("ireduce.i32 v{index}"));
        let ty = INTS[self.rng.below(4)];
        let (default, join, mark) = (self.block(), self.block(), self.pool.len());
        let arms: Vec<usize> = (0..n).map(|_| self.block()).collect();
        let list: Vec<String> = arms.iter().map(|b| format!("block{b}")).collect();
        self.line(&format!("br_table v{index}, block{default}, [{}]", list.join(", ")));
        for arm in arms {
            self.start(arm, &[]);
            self.body(depth - 1, 2);
            self.leave(join, ty, mark);
        }
        self.start(default, &[]);
        if self.rng.one_in(2) {
            self.line("trap user1");
            self.pool.truncate(mark);
        } else {
            self.leave(join, ty, mark);
        }
        self.start(join, &[ty]);
    }

    fn body(&mut self, depth: usize, size: usize) {
        for _ in 0..1 + self.rng.below(size) {
            match self.rng.below(if depth == 0 { 24 } else { 31 }) {
                0..=6 => self.int_op(),
                7 | 8 => self.convert(),
                9 | 10 => self.float_op(),
                11..=16 => self.memory(),
                17 => self.atomic(),
                18..=21 => self.call(),
                22 => self.trap_check(),
                23 => {
                    let g = self.rng.below(4);
                    let p = self.def(I64, &format!("symbol_value.i64 gv{g}"));
                    self.def(I64, &format!("load.i64 notrap aligned v{p}+8"));
                }
                24..=27 => self.branch(depth),
                28 | 29 => self.looped(depth),
                _ => self.switch(depth),
            }
        }
    }
}

/// The text of function `index`; `callees` are (index, signature, defined here)
pub fn function(rng: &mut Rng, index: usize, sig: &Sig, callees: &[(usize, Sig, bool)]) -> String {
    let mut text = format!("function u0:{index}{} {{\n", sig.text());
    let slots: Vec<usize> = (0..[0, 0, 1, 2, 3, 5, 9][rng.below(7)])
        .map(|_| [8, 16, 16, 24, 40, 64, 200, 600, 5000][rng.below(9)])
        .collect();
    for (i, size) in slots.iter().enumerate() {
        let _ = writeln!(text, "    ss{i} = explicit_slot {size}");
    }
    for g in 0..4 {
        let near = if g % 2 == 0 { "colocated " } else { "" };
        let _ = writeln!(text, "    gv{g} = symbol {near}u1:{g}");
    }
    for (k, (_, sig, _)) in callees.iter().enumerate() {
        let _ = writeln!(text, "    sig{k} = {}", sig.text());
    }
    for (k, (callee, _, here)) in callees.iter().enumerate() {
        let near = if *here { "colocated " } else { "" };
        let _ = writeln!(text, "    fn{k} = {near}u0:{callee} sig{k}");
    }
    let callees: Vec<(usize, Sig)> = callees.iter().map(|(i, s, _)| (*i, s.clone())).collect();
    let has_i128 = rng.one_in(4);
    let mut gen = Gen { rng, text, next_value: 0, next_block: 0, pool: vec![], slots, callees: &callees, has_i128 };
    gen.start(0, &sig.params);
    let (depth, size) = [(0, 2), (0, 5), (1, 4), (1, 8), (2, 6), (2, 10), (3, 6), (0, 12)][gen.rng.below(8)];
    gen.body(depth, size);
    let results: Vec<String> = sig.returns.iter().map(|&t| format!("v{}", gen.value(t))).collect();
    gen.line(&format!("return {}", results.join(", ")));
    gen.text + "}\n"
}

