#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rustc.sh WORKDIR: published crates (crates/) for AArch64 through rustc, by LLVM and by rustc's
# Cranelift backend, as lines for WORKDIR/rustc.tsv. The backend is built from the source that rustup's
# component rustc-dev carries, so that it fits its compiler; the toolchain is searched among the
# installed ones (RUSTC_DEV=SYSROOT names another). Building it takes minutes: WITH_RUSTC=1 asks for it;
# once it is in WORKDIR it is used.
set -u
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/rustc" && work=$(cd "$1" && pwd) || exit 2
target=aarch64-unknown-linux-gnu
source=lib/rustlib/rustc-src/rust/compiler/rustc_codegen_cranelift

missing() {
	echo "skipped: Rust by rustc's Cranelift backend: $1"
	echo "    rustup toolchain install nightly --no-self-update --profile minimal -c rustc-dev -c rust-src -t $target"
	exit 0
}

# candidates: sysroots
candidates() {
	[ -n "${RUSTC_DEV:-}" ] && echo "$RUSTC_DEV"
	rustup toolchain list 2>/dev/null | while read -r name _; do
		rustc "+$name" --print sysroot 2>/dev/null
	done
}
sysroot=$(candidates | while read -r root; do
	[ -d "$root/$source" ] && [ -d "$root/lib/rustlib/$target" ] && echo "$root" && break
done)
[ -n "$sysroot" ] || missing "no toolchain has rustc-dev and the target $target"
for tool in cargo aarch64-linux-gnu-objcopy; do
	command -v $tool >/dev/null || missing "$tool is not installed"
done
# not rustup's cargo: that would choose another compiler
cargo=$sysroot/bin/cargo
[ -x "$cargo" ] || cargo=$(command -v cargo)
export RUSTC="$sysroot/bin/rustc" LD_LIBRARY_PATH="$sysroot/lib"

backend=$work/rustc/target/release/librustc_codegen_cranelift.so
if [ ! -f "$backend" ]; then
	[ -n "${WITH_RUSTC:-}" ] || { echo "skipped: Rust by rustc's Cranelift backend: make corpus WITH_RUSTC=1"; exit 0; }
	rm -rf "$work/rustc/backend"
	cp -r "$sysroot/$source" "$work/rustc/backend"
	rm -f "$work/rustc/backend/rust-toolchain.toml"
	printf '\n[workspace]\n' >>"$work/rustc/backend/Cargo.toml"
	RUSTFLAGS="-L native=$sysroot/lib" "$cargo" build --quiet --release --locked --config profile.release.opt-level=1 \
		--manifest-path "$work/rustc/backend/Cargo.toml" --target-dir "$work/rustc/target" \
		>"$work/rustc/log" 2>&1 || missing "the backend could not be built ($work/rustc/log)"
fi

# crates KIND CORPUS PROFILE FLAGS EXTRA: their objects, taken out of the libraries
crates() {
	kind=$1 corpus=$2 profile=$3 flags=$4 extra=$5
	into=$work/rustc/$kind-$profile
	RUSTFLAGS=$flags "$cargo" build --quiet --locked --profile "$profile" --target $target \
		--manifest-path "$here/crates/Cargo.toml" --target-dir "$into/target" >"$work/rustc/log" 2>&1 ||
		{ echo "skipped: $corpus: see $work/rustc/log"; return; }
	[ "$profile" = dev ] && folder=debug || folder=$profile
	rm -rf "$into/objects"
	for library in "$into/target/$target/$folder"/deps/*.rlib; do
		name=$(basename "$library" .rlib)
		mkdir -p "$into/objects/$name"
		(cd "$into/objects/$name" && ar x "$library") || exit 1
	done
	find "$into/objects" -name '*.o' | LC_ALL=C sort | while read -r object; do
		n=$(readelf -sW "$object" | awk '$4 == "FUNC" && $7 != "UND" && $3 != 0 { n++ } END { print n + 0 }')
		[ "$n" != 0 ] || continue
		printf '%s\t%s\t%s\t%s\t%s\n' "$kind" "$corpus, tables" "$object" "$n" "$extra"
		aarch64-linux-gnu-objcopy -R .eh_frame -R .rela.eh_frame "$object" "$object.bare" || continue
		printf '%s\t%s\t%s\t%s\t%s\n' "$kind" "$corpus, bare" "$object.bare" 0 "${extra:+0}"
	done >>"$work/rustc.tsv"
}

: >"$work/rustc.tsv"
for profile in dev release; do
	crates foreign "aarch64 crates, rustc-LLVM, $profile" $profile '' ''
	crates cranelift "aarch64 crates, rustc-Cranelift, $profile" $profile "-Zcodegen-backend=$backend" 99
done
awk -F '\t' '{ n[$1] += $4 } END { for (k in n) print "rustc: " k ": " n[k] " functions" }' "$work/rustc.tsv" | sort
