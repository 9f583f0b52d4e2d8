// SPDX-License-Identifier: MIT
//! clif-corpus ARCH OPT SEED FUNCTIONS OUT: seeded CLIF through this release of Cranelift. ARCH:
//! aarch64, x86_64; OPT: none, speed, speed_and_size. Writes OUT-bare.o, OUT-tables.o (the same with
//! an .eh_frame in the shape rustc_codegen_cranelift gives it) and OUT.clif, what it was made from.
//! Every function has a symbol, fSEED_N.

mod gen;

use cranelift_codegen::ir::UserFuncName;
use cranelift_codegen::isa::unwind::UnwindInfo;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{isa, Context};
use cranelift_module::{default_libcall_names, DataDescription, FuncId, Linkage, Module};
use cranelift_object::{ObjectBuilder, ObjectModule, ObjectProduct};
use gen::{Rng, Sig};
use gimli::write::{Address, EhFrame, EndianVec, FrameTable, Result as GimliResult, Writer};
use gimli::LittleEndian;
use std::process::exit;

/// The bytes of .eh_frame, and where addresses of functions belong
struct Frames {
    bytes: EndianVec<LittleEndian>,
    relocs: Vec<(u64, usize)>,
}

impl Writer for Frames {
    type Endian = LittleEndian;
    fn endian(&self) -> LittleEndian {
        LittleEndian
    }
    fn len(&self) -> usize {
        self.bytes.len()
    }
    fn write(&mut self, bytes: &[u8]) -> GimliResult<()> {
        self.bytes.write(bytes)
    }
    fn write_at(&mut self, offset: usize, bytes: &[u8]) -> GimliResult<()> {
        self.bytes.write_at(offset, bytes)
    }
    fn write_eh_pointer(&mut self, address: Address, _: gimli::DwEhPe, size: u8) -> GimliResult<()> {
        match address {
            Address::Symbol { symbol, .. } => {
                self.relocs.push((self.len() as u64, symbol));
                self.bytes.write_udata(0, 4)
            }
            Address::Constant(value) => self.bytes.write_udata(value, size.min(4)),
        }
    }
}

fn add_eh_frame(product: &mut ObjectProduct, table: &FrameTable, ids: &[FuncId]) {
    let frames = Frames { bytes: EndianVec::new(LittleEndian), relocs: vec![] };
    let mut eh_frame = EhFrame(frames);
    table.write_eh_frame(&mut eh_frame).unwrap();
    let Frames { bytes, relocs } = eh_frame.0;
    let section = product.object.add_section(vec![], b".eh_frame".to_vec(), object::SectionKind::ReadOnlyData);
    product.object.append_section_data(section, bytes.slice(), 8);
    for (offset, function) in relocs {
        let symbol = product.function_symbol(ids[function]);
        #[cfg(feature = "object-032")]
        let reloc = object::write::Relocation {
            offset,
            symbol,
            addend: 0,
            kind: object::RelocationKind::Relative,
            encoding: object::RelocationEncoding::Generic,
            size: 32,
        };
        #[cfg(not(feature = "object-032"))]
        let reloc = object::write::Relocation {
            offset,
            symbol,
            addend: 0,
            flags: object::RelocationFlags::Generic {
                kind: object::RelocationKind::Relative,
                encoding: object::RelocationEncoding::Generic,
                size: 32,
            },
        };
        product.object.add_relocation(section, reloc).unwrap();
    }
}

/// Settings as rustc's backend has them; the seed varies what users of it can vary
fn target(arch: &str, opt: &str, seed: u64) -> isa::OwnedTargetIsa {
    let mut flags = settings::builder();
    flags.set("is_pic", "true").unwrap();
    flags.set("opt_level", opt).unwrap();
    flags.set("enable_verifier", "true").unwrap();
    flags.set("enable_llvm_abi_extensions", "true").unwrap();
    flags.set("tls_model", "elf_gd").unwrap();
    flags.set("preserve_frame_pointers", if seed % 4 != 3 { "true" } else { "false" }).unwrap();
    let probe = seed % 2 == 0;
    flags.set("enable_probestack", if probe { "true" } else { "false" }).unwrap();
    if probe {
        flags.set("probestack_strategy", "inline").unwrap();
    }
    if opt == "none" && seed % 3 == 2 {
        // newer releases have a second register allocator
        let _ = flags.set("regalloc_algorithm", "single_pass");
    }
    let mut builder = isa::lookup_by_name(&format!("{arch}-unknown-linux-gnu")).unwrap();
    if seed % 5 == 4 {
        builder.enable(if arch == "aarch64" { "has_lse" } else { "nehalem" }).unwrap();
    }
    builder.finish(settings::Flags::new(flags)).unwrap()
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() < 6 {
        eprintln!("clif-corpus ARCH OPT SEED FUNCTIONS OUT");
        exit(2);
    }
    let (seed, count): (u64, usize) = (args[3].parse().unwrap(), args[4].parse().unwrap());
    let isa = target(&args[1], &args[2], seed);
    let builder = ObjectBuilder::new(isa, "corpus", default_libcall_names()).unwrap();
    let mut module = ObjectModule::new(builder);

    // the functions of this object, and as many that it only calls
    let mut rng = Rng::new(seed);
    let sigs: Vec<Sig> = (0..count + 40).map(|_| Sig::random(&mut rng)).collect();
    let mut texts = vec![];
    for index in 0..count {
        let callees: Vec<(usize, Sig, bool)> = (0..rng.below(6))
            .map(|_| {
                let k = rng.below(count + 40);
                (k, sigs[k].clone(), k < count)
            })
            .collect();
        texts.push(gen::function(&mut rng, index, &sigs[index], &callees));
    }

    let parse = |text: &str| match cranelift_reader::parse_functions(text) {
        Ok(mut functions) => functions.remove(0),
        Err(e) => {
            eprintln!("{text}\n{e}");
            exit(1);
        }
    };
    let mut ids = vec![];
    for (index, sig) in sigs.iter().enumerate() {
        // the reader knows no signature but in a function
        let holder = parse(&format!("function u0:0() {{\n sig0 = {}\nblock0:\n trap user1\n}}\n", sig.text()));
        let signature = holder.dfg.signatures.values().next().unwrap().clone();
        let linkage = if index < count { Linkage::Export } else { Linkage::Import };
        let name = if index < count { format!("f{seed}_{index}") } else { format!("imported_{index}") };
        ids.push(module.declare_function(&name, linkage, &signature).unwrap());
    }
    for g in 0..4 {
        let id = module.declare_data(&format!("data_{g}"), if g % 2 == 0 { Linkage::Local } else { Linkage::Import }, true, false).unwrap();
        if g % 2 == 0 {
            let mut data = DataDescription::new();
            data.define_zeroinit(64);
            module.define_data(id, &data).unwrap();
        }
    }

    let mut frames = FrameTable::default();
    let cie = module.isa().create_systemv_cie().map(|mut cie| {
        cie.fde_address_encoding = gimli::DwEhPe(gimli::DW_EH_PE_pcrel.0 | gimli::DW_EH_PE_sdata4.0);
        frames.add_cie(cie)
    });
    for (index, text) in texts.iter().enumerate() {
        let mut function = parse(text);
        function.name = UserFuncName::user(0, index as u32);
        let mut context = Context::for_function(function);
        if let Err(e) = module.define_function(ids[index], &mut context) {
            eprintln!("{text}\n{e:?}");
            exit(1);
        }
        let info = context.compiled_code().unwrap().create_unwind_info(module.isa()).unwrap();
        if let (Some(UnwindInfo::SystemV(info)), Some(cie)) = (info, cie) {
            frames.add_fde(cie, info.to_fde(Address::Symbol { symbol: index, addend: 0 }));
        }
    }
    let mut product = module.finish();
    std::fs::write(format!("{}-bare.o", args[5]), product.object.write().unwrap()).unwrap();
    add_eh_frame(&mut product, &frames, &ids);
    std::fs::write(format!("{}-tables.o", args[5]), product.emit().unwrap()).unwrap();
    std::fs::write(format!("{}.clif", args[5]), texts.join("\n")).unwrap();
}
