#!/bin/sh
# SPDX-License-Identifier: MIT
#
# same-bytes.sh WORKDIR GOLDEN: rimg is built by two compilers, without and with optimization, and for
# machines of 32 bits and of the other byte order; each of these programs makes
# the images of tests/builds/build.sh. Their digests must be those of tests/golden-builds.txt. The unit
# tests run on the other machines as well. What cannot be tried is said aloud. Exit status 77 when
# nothing could be.
set -u
mkdir -p "$1"
work=$(realpath "$1")
golden=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 2
unset MAKEFLAGS MAKELEVEL MFLAGS
jobs=-j$(nproc)
tried=0
failed=0
skipped=0

skip() { skipped=$((skipped + 1)); echo "skipped: $*"; }
have() { command -v "$1" >/dev/null 2>&1; }
said() {
	echo "not ok - $1"
	tail -n 20 "$2" | sed 's/^/    /'
	failed=$((failed + 1))
}

# images NAME RIMG: what it makes is what is recorded
images() {
	tried=$((tried + 1))
	if ! tests/builds/build.sh "$2" "$work/in" "$work/images" >"$work/$1.digests" 2>"$work/$1.log"; then
		said "$1: builds every image" "$work/$1.log"
	elif ! diff tests/golden-builds.txt "$work/$1.digests" >"$work/$1.log"; then
		said "$1: the recorded bytes (<)" "$work/$1.log"
	else
		echo "ok - $1: the recorded bytes of $(wc -l <"$work/$1.digests") images, SHA-256 of their digests" \
			"$(sha256sum <"$work/$1.digests" | cut -c1-16)"
	fi
	rm -rf "$work/images"
}

# build NAME TARGET VARIABLE...: another build of rimg, in a folder of its own; its warnings are not
# errors, as they are judged elsewhere (-O0 alone makes one in the C library)
build() {
	name=$1 target=$2
	shift 2
	[ ! -e "$work/$name/rimg.machine" ] || mv -f "$work/$name/rimg.machine" "$work/$name/rimg"
	make $jobs O="$work/$name" GOLDEN="$golden" WERROR= "$@" "$target" >"$work/$name.log" 2>&1 && return 0
	said "$name: rimg is built" "$work/$name.log"
	return 1
}

# foreign ARCH TRIPLET EMULATOR: for another machine, with Debian's libraries for it; and its tests
foreign() {
	arch=$1 triplet=$2 emulator=$3
	if ! have "$triplet-gcc" || ! have "$triplet-g++"; then
		skip "$arch: no $triplet-gcc or $triplet-g++ (docs/packages.txt, same-bytes)"
		return
	fi
	if ! "$here/sysroot.sh" "$arch" "$work/sysroot-$arch" >"$work/$arch.log" 2>&1; then
		skip "$arch: its libraries could not be had: $(tail -n 1 "$work/$arch.log")"
		return
	fi
	root=$work/sysroot-$arch/root
	libs=$(echo "$root"/usr/lib/*/pkgconfig)
	libs=$(basename "$(dirname "$libs")")
	loader=$root$(loader_of "$arch")
	PKG_CONFIG_SYSROOT_DIR=$root
	PKG_CONFIG_LIBDIR=$root/usr/lib/$libs/pkgconfig:$root/usr/share/pkgconfig
	export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
	build "$arch" tests-build CC="$triplet-gcc --sysroot=$root" CXX="$triplet-g++ --sysroot=$root" \
		AR="$triplet-ar" HARDEN_LD="-pie -Wl,--disable-new-dtags,-rpath,$root/lib/$libs:$root/usr/lib/$libs,--dynamic-linker,$loader"
	built=$?
	unset PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
	[ $built = 0 ] || return
	echo "$arch: $(grep -c 'warning:' "$work/$arch.log") warnings ($work/$arch.log)"
	# the machine itself, or else its emulator
	run=
	if ! "$work/$arch/rimg" --version >/dev/null 2>&1; then
		have "$emulator" || { skip "$arch: no $emulator"; return; }
		run="$emulator"
		mv "$work/$arch/rimg" "$work/$arch/rimg.machine"
		printf '#!/bin/sh\nexec %s %s "$@"\n' "$run" "'$work/$arch/rimg.machine'" >"$work/$arch/rimg"
		chmod +x "$work/$arch/rimg"
	fi
	images "$arch" "$work/$arch/rimg"
	unit_tests "$arch" "$run"
}

loader_of() {
	case $1 in
	i386) echo /lib/ld-linux.so.2 ;;
	s390x) echo /lib/ld64.so.1 ;;
	esac
}

# unit_tests ARCH RUN: tests/unit and tests/formats on that machine
unit_tests() {
	n=0
	for test in "$work/$1"/tests/unit/test_*.o "$work/$1"/tests/formats/test_*.o; do
		test=${test%.o}
		name=$(basename "$test")
		# the emulator shows threads of its own, and ones that have ended, in /proc/self/task
		if [ $name = test_pool ] && [ -n "$2" ]; then
			skip "$1: $name, which counts threads"
			continue
		fi
		# takes rimg itself for a sample, which is a script around the emulator there
		if [ $name = test_elf_readelf ] && [ -n "$2" ]; then
			skip "$1: $name, which reads the program rimg"
			continue
		fi
		timeout 600 $2 "$test" >"$work/$1.log" 2>&1 </dev/null
		case $? in
		0) n=$((n + 1)) ;;
		77) skip "$1: $name: $(tail -n 1 "$work/$1.log")" ;;
		*) said "$1: $name" "$work/$1.log" ;;
		esac
	done
	echo "ok - $1: $n test programs passed"
}

rm -rf "$work/in"
tests/builds/inputs.sh "$work/in" "$golden" || exit 2

for level in 0 3; do
	build gcc-O$level all CC=gcc CXX=g++ CFLAGS=-O$level && images gcc-O$level "$work/gcc-O$level/rimg"
	if have clang-14 && have clang++-14; then
		build clang-O$level all CC=clang-14 CXX=clang++-14 CFLAGS=-O$level && images clang-O$level "$work/clang-O$level/rimg"
	else
		skip "clang-O$level: no clang-14"
	fi
done
foreign i386 i686-linux-gnu qemu-i386-static
foreign s390x s390x-linux-gnu qemu-s390x-static
skip "static: Debian has libfdisk and toml++ as shared libraries only"
skip "musl: Debian has no C++ library for it (build/toml.cc), nor one of the other libraries"

echo
echo "$tried programs made the images, $failed failed, $skipped skipped"
[ "$tried" != 0 ] || exit 77
[ "$failed" = 0 ]
