// SPDX-License-Identifier: MIT
//! Reference behaviour for RedoxFS images, obtained from the upstream `redoxfs` crate.
//!
//!   redoxfs-oracle list  IMG [--offset N] [--size N] [--password P]
//!   redoxfs-oracle check IMG [--offset N] [--size N] [--password P]
//!   redoxfs-oracle write-test IMG [--offset N] [--size N] [--password P] [--keep OUT] [--rounds N]
//!   redoxfs-oracle mkfs  IMG --size N [--password P] [--ctime S]
//!   redoxfs-oracle put   IMG PATH SIZE [--offset N] [--mode OCT] [--links PATH2] [--truncate N]
//!   redoxfs-oracle dir-test IMG DIR [--more FILE]     look up, insert, remove, in a copy
//!   redoxfs-oracle fill     IMG DIR FILE              insert the names in FILE, a line each
//!
//! `list` prints one JSON object per line, sorted by path bytes. Nothing is ever
//! written to IMG by `list`, `check`, `write-test` and `dir-test`; the last two work on a copy.
use redoxfs::{Disk, DirEntry, FileSystem, Node, Transaction, TreeData, TreePtr, BLOCK_SIZE};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::process::exit;

type Res<T> = Result<T, String>;

/// A window of a file that starts at a byte offset, so partitions can be opened in place.
struct Window {
    file: File,
    start: u64,
    len: u64,
    writable: bool,
}

impl Disk for Window {
    unsafe fn read_at(&mut self, block: u64, buf: &mut [u8]) -> syscall::Result<usize> {
        let mut done = 0;
        let at = block * BLOCK_SIZE;
        let want = (buf.len() as u64).min(self.len.saturating_sub(at)) as usize;
        while done < want {
            match self.file.read_at(&mut buf[done..want], self.start + at + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(_) => return Err(syscall::Error::new(syscall::EIO)),
            }
        }
        Ok(done)
    }
    unsafe fn write_at(&mut self, block: u64, buf: &[u8]) -> syscall::Result<usize> {
        let at = block * BLOCK_SIZE;
        if !self.writable || at + buf.len() as u64 > self.len {
            return Err(syscall::Error::new(syscall::EIO));
        }
        self.file
            .write_all_at(buf, self.start + at)
            .map_err(|_| syscall::Error::new(syscall::EIO))?;
        Ok(buf.len())
    }
    fn size(&mut self) -> syscall::Result<u64> {
        Ok(self.len)
    }
}

struct Opts {
    pos: Vec<String>,
    map: BTreeMap<String, String>,
}

impl Opts {
    fn parse() -> Opts {
        let mut o = Opts { pos: vec![], map: BTreeMap::new() };
        let mut it = std::env::args().skip(1);
        while let Some(a) = it.next() {
            match a.strip_prefix("--") {
                Some(k) => {
                    o.map.insert(k.to_string(), it.next().unwrap_or_default());
                }
                None => o.pos.push(a),
            }
        }
        o
    }
    fn num(&self, k: &str) -> Option<u64> {
        self.map.get(k).map(|v| v.parse().unwrap_or_else(|_| die(&format!("bad --{k}"))))
    }
    fn at(&self, i: usize) -> &str {
        self.pos.get(i).map(|s| s.as_str()).unwrap_or_else(|| usage())
    }
}

fn die(msg: &str) -> ! {
    eprintln!("redoxfs-oracle: {msg}");
    exit(1)
}
fn usage() -> ! {
    eprintln!("usage: redoxfs-oracle list|check|write-test|dir-test|fill|mkfs|put IMG [options]");
    exit(2)
}

fn window(o: &Opts, img: &str, writable: bool) -> Res<Window> {
    let file = OpenOptions::new()
        .read(true)
        .write(writable)
        .open(img)
        .map_err(|e| format!("{e}"))?;
    let total = file.metadata().map_err(|e| format!("{e}"))?.len();
    let start = o.num("offset").unwrap_or(0);
    let len = o.num("size").unwrap_or(total.saturating_sub(start));
    Ok(Window { file, start, len, writable })
}

fn open_fs(o: &Opts, img: &str, writable: bool) -> Res<FileSystem<Window>> {
    let pw = o.map.get("password").map(|p| p.as_bytes().to_vec());
    FileSystem::open(window(o, img, writable)?, pw.as_deref(), None, false)
        .map_err(|e| format!("open failed: {e} (errno {})", e.errno))
}

fn json(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn read_all(tx: &mut Transaction<Window>, node: &TreeData<Node>) -> Res<Vec<u8>> {
    let size = node.data().size();
    let mut data = vec![0u8; size as usize];
    let mut off = 0;
    while (off as u64) < size {
        let end = (off + 1024 * 1024).min(size as usize);
        let n = tx
            .read_node_inner(node, off as u64, &mut data[off..end])
            .map_err(|e| format!("read node {}: {e}", node.id()))?;
        if n == 0 {
            return Err(format!("short read in node {}", node.id()));
        }
        off += n;
    }
    Ok(data)
}

fn walk(
    tx: &mut Transaction<Window>,
    ptr: TreePtr<Node>,
    path: &str,
    depth: u32,
    out: &mut BTreeMap<String, String>,
) -> Res<()> {
    let node = tx.read_tree(ptr).map_err(|e| format!("node of {path}: {e}"))?;
    let d = node.data();
    let mode = d.mode();
    let kind = match mode & Node::MODE_TYPE {
        Node::MODE_DIR => "dir",
        Node::MODE_FILE => "file",
        Node::MODE_SYMLINK => "symlink",
        Node::MODE_SOCK => "socket",
        _ => "other",
    };
    let (c, cn) = d.ctime();
    let (m, mn) = d.mtime();
    let (a, an) = d.atime();
    let mut line = format!(
        "{{\"path\":{},\"type\":\"{kind}\",\"id\":{},\"mode\":\"{:04o}\",\"uid\":{},\"gid\":{},\"size\":{},\"blocks\":{},\"links\":{},\"inline\":{},\"ctime\":\"{c}.{cn:09}\",\"mtime\":\"{m}.{mn:09}\",\"atime\":\"{a}.{an:09}\"",
        json(path), node.id(), mode & Node::MODE_PERM, d.uid(), d.gid(), d.size(), d.blocks(), d.links(), d.has_inline_data()
    );
    if kind != "dir" {
        let data = read_all(tx, &node)?;
        let sum: String = Sha256::digest(&data).iter().map(|b| format!("{b:02x}")).collect();
        line.push_str(&format!(",\"sha256\":\"{sum}\""));
        if kind == "symlink" {
            line.push_str(&format!(",\"target\":{}", json(&String::from_utf8_lossy(&data))));
        }
    }
    line.push('}');
    out.insert(path.to_string(), line);
    if kind == "dir" {
        if depth > 200 {
            return Err(format!("directories nest too deeply at {path}"));
        }
        let mut kids: Vec<DirEntry> = vec![];
        tx.child_nodes(ptr, &mut kids).map_err(|e| format!("listing {path}: {e}"))?;
        for k in kids {
            let name = k.name().ok_or_else(|| format!("name in {path} is not UTF-8"))?;
            let sub = if path == "/" { format!("/{name}") } else { format!("{path}/{name}") };
            let found = tx.find_node(ptr, name).map_err(|e| format!("lookup of {sub}: {e}"))?;
            if found.id() != k.node_ptr().id() {
                return Err(format!("lookup of {sub} gives node {}", found.id()));
            }
            walk(tx, k.node_ptr(), &sub, depth + 1, out)?;
        }
    }
    Ok(())
}

fn listing(fs: &mut FileSystem<Window>) -> Res<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    let mut err = None;
    fs.tx(|tx| {
        if let Err(e) = walk(tx, TreePtr::root(), "/", 0, &mut out) {
            err = Some(e);
        }
        Ok(())
    })
    .map_err(|e| format!("{e}"))?;
    err.map_or(Ok(out), Err)
}

fn head(fs: &FileSystem<Window>) -> String {
    let u: String = fs.header.uuid().iter().map(|b| format!("{b:02x}")).collect();
    format!(
        "{{\"header\":{{\"ring_block\":{},\"generation\":{},\"uuid\":\"{u}\",\"size\":{},\"free_blocks\":{},\"encrypted\":{}}}}}",
        fs.block, fs.header.generation(), fs.header.size(), fs.allocator().free(), fs.header.encrypted()
    )
}

/// Small generator so test contents are the same on every run.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e3779b97f4a7c15) | 1;
    (0..len)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            (x >> 32) as u8
        })
        .collect()
}

/// Creates, grows, renames, links, truncates and deletes; every round is several transactions.
fn churn(fs: &mut FileSystem<Window>, rounds: u64) -> syscall::Result<BTreeMap<String, Vec<u8>>> {
    let mut keep = BTreeMap::new();
    let now = 1_700_000_000;
    let dir = fs.tx(|tx| Ok(tx.create_node(TreePtr::root(), "wt", Node::MODE_DIR | 0o755, now, 0)?.ptr()))?;
    for r in 0..rounds {
        for i in 0..6u64 {
            let name = format!("f-{r:03}-{i}");
            let len = [0usize, 17, 3967, 3968, 70_000, 300_001][i as usize];
            let body = if r % 2 == 0 { noise(r * 10 + i, len) } else { vec![b'z'; len] };
            fs.tx(|tx| {
                let p = tx.create_node(dir, &name, Node::MODE_FILE | 0o640, now + r, 0)?.ptr();
                tx.write_node(p, 0, &body, now + r, 1)?;
                Ok(())
            })?;
            keep.insert(name, body);
        }
        if r >= 2 {
            for i in [1u64, 3, 4] {
                let name = format!("f-{:03}-{i}", r - 2);
                fs.tx(|tx| tx.remove_node(dir, &name, Node::MODE_FILE).map(|_| ()))?;
                keep.remove(&name);
            }
            let (old, new) = (format!("f-{:03}-5", r - 2), format!("moved-{:03}", r - 2));
            fs.tx(|tx| {
                tx.rename_node(dir, &old, dir, &new)?;
                let p = tx.find_node(dir, &new)?.ptr();
                tx.truncate_node(p, 131_080, now + r, 2)
            })?;
            let mut body = keep.remove(&old).unwrap();
            body.truncate(131_080);
            keep.insert(new.clone(), body.clone());
            if r % 4 == 0 {
                let twin = format!("twin-{:03}", r - 2);
                fs.tx(|tx| {
                    let p = tx.find_node(dir, &new)?.ptr();
                    tx.link_node(dir, &twin, p)
                })?;
                keep.insert(twin, body);
            }
        }
    }
    Ok(keep)
}

fn write_test(o: &Opts) -> Res<()> {
    let img = o.at(1);
    let tmp = o.map.get("keep").cloned().unwrap_or_else(|| format!("{img}.write-test"));
    std::fs::copy(img, &tmp).map_err(|e| format!("{e}"))?;
    let run = || -> Res<()> {
        let mut fs = open_fs(o, &tmp, true)?;
        let before = listing(&mut fs)?;
        let keep = churn(&mut fs, o.num("rounds").unwrap_or(6)).map_err(|e| format!("writing: {e}"))?;
        let (hot, free) = (listing(&mut fs)?, fs.allocator().free());
        drop(fs);
        let mut fs = open_fs(o, &tmp, true)?;
        let after = listing(&mut fs)?;
        if after != hot {
            return Err("listing changed on re-open".into());
        }
        if fs.allocator().free() != free {
            return Err("free block count changed on re-open".into());
        }
        for (path, line) in &before {
            if path != "/" && after.get(path) != Some(line) {
                return Err(format!("{path} changed"));
            }
        }
        for (name, body) in &keep {
            let sum: String = Sha256::digest(body).iter().map(|b| format!("{b:02x}")).collect();
            match after.get(&format!("/wt/{name}")) {
                Some(l) if l.contains(&sum) => (),
                _ => return Err(format!("/wt/{name} does not hold what was written")),
            }
        }
        println!("{}", head(&fs));
        println!("write-test: ok, {} files kept", keep.len());
        Ok(())
    };
    let res = run();
    if !o.map.contains_key("keep") {
        let _ = std::fs::remove_file(&tmp);
    }
    res
}

fn put(o: &Opts) -> Res<()> {
    let mut fs = open_fs(o, o.at(1), true)?;
    let (path, len) = (o.at(2).trim_matches('/').to_string(), o.at(3).parse::<usize>().map_err(|e| e.to_string())?);
    let mode = u16::from_str_radix(o.map.get("mode").map_or("100644", |s| s), 8).map_err(|e| e.to_string())?;
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", &path));
    fs.tx(|tx| {
        let mut parent = TreePtr::root();
        for part in dir.split('/').filter(|s| !s.is_empty()) {
            parent = tx.find_node(parent, part)?.ptr();
        }
        let p = tx.create_node(parent, name, mode, 1_700_000_000, 5)?.ptr();
        if mode & Node::MODE_TYPE != Node::MODE_DIR {
            tx.write_node(p, o.num("at").unwrap_or(0), &noise(len as u64, len), 1_700_000_001, 6)?;
        }
        if let Some(n) = o.num("truncate") {
            tx.truncate_node(p, n, 1_700_000_002, 7)?;
        }
        if let Some(l) = o.map.get("links") {
            tx.link_node(parent, l, p)?;
        }
        Ok(())
    })
    .map_err(|e| format!("put: {e}"))
}

fn lines(path: &str) -> Res<Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    Ok(text.lines().map(str::to_string).collect())
}

fn names_in(fs: &mut FileSystem<Window>, dir: TreePtr<Node>) -> Res<BTreeSet<String>> {
    let mut kids: Vec<DirEntry> = vec![];
    fs.tx(|tx| tx.child_nodes(dir, &mut kids)).map_err(|e| format!("listing: {e}"))?;
    let names: BTreeSet<String> = kids.iter().filter_map(|k| k.name().map(str::to_string)).collect();
    if names.len() != kids.len() {
        return Err(format!("{} entries have {} names", kids.len(), names.len()));
    }
    Ok(names)
}

/// Is each of `have` found by its name, and none of `gone`?
fn look_up(fs: &mut FileSystem<Window>, dir: TreePtr<Node>, have: &BTreeSet<String>, gone: &[String]) -> Res<()> {
    let (lost, back) = fs
        .tx(|tx| {
            let lost = have.iter().filter(|n| tx.find_node(dir, n.as_str()).is_err()).count();
            Ok((lost, gone.iter().filter(|n| tx.find_node(dir, n.as_str()).is_ok()).count()))
        })
        .map_err(|e| format!("looking up: {e}"))?;
    if lost + back > 0 {
        return Err(format!("{lost} of {} names are not found, {back} of {} removed ones are", have.len(), gone.len()));
    }
    if names_in(fs, dir)? != *have {
        return Err("the directory lists other names than it should".into());
    }
    Ok(())
}

fn insert(fs: &mut FileSystem<Window>, dir: TreePtr<Node>, names: &[String]) -> Res<()> {
    for some in names.chunks(32) {
        fs.tx(|tx| {
            for n in some {
                tx.create_node(dir, n, Node::MODE_FILE | 0o644, 1_700_000_000, 0)?;
            }
            Ok(())
        })
        .map_err(|e| format!("inserting: {e}"))?;
    }
    Ok(())
}

fn find_dir(fs: &mut FileSystem<Window>, path: &str) -> Res<TreePtr<Node>> {
    let mut dir = TreePtr::root();
    for part in path.split('/').filter(|s| !s.is_empty()) {
        dir = fs.tx(|tx| Ok(tx.find_node(dir, part)?.ptr())).map_err(|e| format!("{path}: {e}"))?;
    }
    Ok(dir)
}

fn fill(o: &Opts) -> Res<()> {
    let mut fs = open_fs(o, o.at(1), true)?;
    let name = o.at(2).trim_matches('/').to_string();
    let dir = fs
        .tx(|tx| Ok(tx.create_node(TreePtr::root(), &name, Node::MODE_DIR | 0o755, 1_700_000_000, 0)?.ptr()))
        .map_err(|e| format!("{name}: {e}"))?;
    let names = lines(o.at(3))?;
    insert(&mut fs, dir, &names)?;
    look_up(&mut fs, dir, &names.into_iter().collect(), &[])
}

fn dir_test(o: &Opts) -> Res<()> {
    let tmp = format!("{}.dir-test", o.at(1));
    std::fs::copy(o.at(1), &tmp).map_err(|e| format!("{e}"))?;
    let run = || -> Res<()> {
        let mut fs = open_fs(o, &tmp, true)?;
        let dir = find_dir(&mut fs, o.at(2))?;
        let mut have = names_in(&mut fs, dir)?;
        let first = have.len();
        look_up(&mut fs, dir, &have, &[]).map_err(|e| format!("as it was: {e}"))?;
        let more = o.map.get("more").map_or(Ok(vec![]), |f| lines(f))?;
        insert(&mut fs, dir, &more)?;
        have.extend(more.iter().cloned());
        look_up(&mut fs, dir, &have, &[]).map_err(|e| format!("after inserting: {e}"))?;
        let gone: Vec<String> = have.iter().step_by(2).cloned().collect();
        for some in gone.chunks(32) {
            fs.tx(|tx| some.iter().try_for_each(|n| tx.remove_node(dir, n, Node::MODE_FILE).map(|_| ())))
                .map_err(|e| format!("removing: {e}"))?;
        }
        have = have.iter().skip(1).step_by(2).cloned().collect();
        look_up(&mut fs, dir, &have, &gone).map_err(|e| format!("after removing: {e}"))?;
        drop(fs);
        let mut fs = open_fs(o, &tmp, true)?;
        look_up(&mut fs, dir, &have, &gone).map_err(|e| format!("opened again: {e}"))?;
        println!("dir-test: ok, {first} names, {} inserted, {} removed", more.len(), gone.len());
        Ok(())
    };
    let res = run();
    let _ = std::fs::remove_file(&tmp);
    res
}

fn mkfs(o: &Opts) -> Res<()> {
    let size = o.num("size").unwrap_or_else(|| usage());
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(o.at(1)).map_err(|e| format!("{e}"))?;
    file.set_len(size).map_err(|e| format!("{e}"))?;
    let w = Window { file, start: 0, len: size, writable: true };
    let pw = o.map.get("password").map(|p| p.as_bytes().to_vec());
    let fs = FileSystem::create(w, pw.as_deref(), o.num("ctime").unwrap_or(1_700_000_000), 0).map_err(|e| format!("{e}"))?;
    println!("{}", head(&fs));
    Ok(())
}

fn main() {
    let o = Opts::parse();
    let res = match o.at(0) {
        "list" => open_fs(&o, o.at(1), false).and_then(|mut fs| {
            println!("{}", head(&fs));
            for line in listing(&mut fs)?.values() {
                println!("{line}");
            }
            Ok(())
        }),
        "check" => open_fs(&o, o.at(1), false).and_then(|mut fs| {
            let n = listing(&mut fs)?.len();
            println!("{}", head(&fs));
            println!("check: ok, {n} paths read");
            Ok(())
        }),
        "write-test" => write_test(&o),
        "dir-test" => dir_test(&o),
        "fill" => fill(&o),
        "mkfs" => mkfs(&o),
        "put" => put(&o),
        _ => usage(),
    };
    if let Err(e) = res {
        die(&e)
    }
}
