/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "audit/walk.h"

/* What is recognised by its first bytes and not looked into. A format that can hold programs and
 * is not opened must not be taken for harmless data. */

struct magic {
	struct known_format format;
	uint32_t off;
	uint8_t len;
	const char *bytes;
};

#define OPAQUE(name_, off_, bytes_)                                            \
	{                                                                      \
		{ name_, AUDIT_KIND_OPAQUE }, off_, sizeof(bytes_) - 1, bytes_ \
	}
#define INTERPRETED(name_, bytes_)                                               \
	{                                                                        \
		{ name_, AUDIT_KIND_INTERPRETED }, 0, sizeof(bytes_) - 1, bytes_ \
	}

/* clang-format off */
static const struct magic magics[] = {
	INTERPRETED("script", "#!"),
	INTERPRETED("wasm", "\0asm"),
	/* compressed streams */
	OPAQUE("gzip", 0, "\x1f\x8b\x08"),
	OPAQUE("zlib", 0, "\x78\x01"),
	OPAQUE("zlib", 0, "\x78\x5e"),
	OPAQUE("zlib", 0, "\x78\x9c"),
	OPAQUE("zlib", 0, "\x78\xda"),
	OPAQUE("compress", 0, "\x1f\x9d"),
	OPAQUE("bzip2", 0, "BZh"),
	OPAQUE("xz", 0, "\xfd" "7zXZ\0"),
	OPAQUE("lzip", 0, "LZIP"),
	OPAQUE("lzop", 0, "\x89LZO\0"),
	OPAQUE("zstd", 0, "\x28\xb5\x2f\xfd"),
	OPAQUE("zstd", 0, "\x37\xa4\x30\xec"), /* a dictionary */
	OPAQUE("lz4", 0, "\x04\x22\x4d\x18"),
	OPAQUE("lz4", 0, "\x02\x21\x4c\x18"),
	OPAQUE("zstd or lz4", 1, "\x2a\x4d\x18"), /* behind a frame to be skipped, 50 to 5F */
	OPAQUE("lzma", 0, "\x5d\0\0"),
	OPAQUE("pack", 0, "\x1f\x1e"),
	OPAQUE("snappy", 0, "\xff\x06\0\0sNaPpY"),
	OPAQUE("lrzip", 0, "LRZI"),
	OPAQUE("lzfse", 0, "bvx2"),
	OPAQUE("lzfse", 0, "bvx-"),
	OPAQUE("lzfse", 0, "bvxn"),
	/* archives */
	OPAQUE("zip", 0, "PK\x03\x04"),
	OPAQUE("zip", 0, "PK\x05\x06"),
	OPAQUE("zip", 0, "PK\x07\x08"),
	OPAQUE("zip", 0, "PK00PK"),
	OPAQUE("7z", 0, "7z\xbc\xaf\x27\x1c"),
	OPAQUE("rar", 0, "Rar!\x1a\x07"),
	OPAQUE("cab", 0, "MSCF"),
	OPAQUE("arj", 0, "\x60\xea"),
	OPAQUE("lha", 2, "-lh"),
	OPAQUE("zoo", 20, "\xdc\xa7\xc4\xfd"),
	OPAQUE("xar", 0, "xar!"),
	OPAQUE("zpaq", 0, "7kSt"),
	OPAQUE("wim", 0, "MSWIM\0\0\0"),
	OPAQUE("cpio", 0, "070701"),
	OPAQUE("cpio", 0, "070702"),
	OPAQUE("cpio", 0, "070707"),
	OPAQUE("cpio", 0, "\xc7\x71"),
	OPAQUE("tar", 257, "ustar"),
	OPAQUE("thin archive", 0, "!<thin>\n"),
	OPAQUE("rpm", 0, "\xed\xab\xee\xdb"),
	/* file systems, disks */
	OPAQUE("squashfs", 0, "hsqs"),
	OPAQUE("squashfs", 0, "sqsh"),
	OPAQUE("cramfs", 0, "\x45\x3d\xcd\x28"),
	OPAQUE("romfs", 0, "-rom1fs-"),
	OPAQUE("erofs", 1024, "\xe2\xe1\xf5\xe0"),
	OPAQUE("ext", 1080, "\x53\xef"),
	OPAQUE("f2fs", 1024, "\x10\x20\xf5\xf2"),
	OPAQUE("xfs", 0, "XFSB"),
	OPAQUE("btrfs", 65600, "_BHRfS_M"),
	OPAQUE("iso9660", 32769, "CD001"),
	OPAQUE("ntfs", 3, "NTFS    "),
	OPAQUE("exfat", 3, "EXFAT   "),
	OPAQUE("luks", 0, "LUKS\xba\xbe"),
	OPAQUE("qcow2", 0, "QFI\xfb"),
	OPAQUE("vmdk", 0, "KDMV"),
	OPAQUE("vhdx", 0, "vhdxfile"),
	OPAQUE("uefi volume", 40, "_FVH"),
	/* programs of other systems, and what compilers pass on */
	OPAQUE("mach-o", 0, "\xfe\xed\xfa\xce"),
	OPAQUE("mach-o", 0, "\xfe\xed\xfa\xcf"),
	OPAQUE("mach-o", 0, "\xce\xfa\xed\xfe"),
	OPAQUE("mach-o", 0, "\xcf\xfa\xed\xfe"),
	OPAQUE("mach-o or java", 0, "\xca\xfe\xba\xbe"),
	OPAQUE("llvm bitcode", 0, "BC\xc0\xde"),
	OPAQUE("llvm bitcode", 0, "\xde\xc0\x17\x0b"),
	OPAQUE("te", 0, "VZ\x64\xaa"),
	OPAQUE("android boot", 0, "ANDROID!"),
	OPAQUE("u-boot image", 0, "\x27\x05\x19\x56"),
};
/* clang-format on */

/* Two bytes are too few to know a file system by: the size of its blocks, and its revision. Offsets
 * from the start of the volume. */
static bool is_ext(const uint8_t *head, size_t len)
{
	struct rd r = rd_init(head, len, 0);
	uint32_t log_block, revision;

	rd_seek(&r, 1024 + 24);
	log_block = rd_le32(&r);
	rd_seek(&r, 1024 + 76);
	revision = rd_le32(&r);
	return !r.failed && log_block <= 6 && revision <= 1;
}

static bool fits(const struct magic *m, const uint8_t *head, size_t len)
{
	return len >= m->len && m->off <= len - m->len &&
	       memcmp(head + m->off, m->bytes, m->len) == 0 &&
	       (strcmp(m->format.name, "ext") != 0 || is_ext(head, len));
}

const struct known_format *known_find(const uint8_t *head, size_t len)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (fits(&magics[i], head, len))
			return &magics[i].format;
	}
	return NULL;
}
