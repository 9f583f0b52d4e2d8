/* SPDX-License-Identifier: MIT */
#include "fuzz/seal.h"

#include <string.h>

#include "core/blake3.h"
#include "core/crc32.h"
#include "core/num.h"
#include "core/rd.h"
#include "core/wr.h"
#include "formats/fat.h"
#include "formats/gpt.h"
#include "formats/initfs.h"
#include "formats/pe.h"
#include "formats/pkgar.h"

static void put(uint8_t *data, size_t len, size_t off, const void *bytes, size_t n)
{
	if (num_in_range(off, n, len))
		memcpy(data + off, bytes, n);
}

static void put_le(uint8_t *data, size_t len, size_t off, uint64_t value, size_t n)
{
	struct wr w = wr_init(data, len);

	wr_seek(&w, off);
	wr_le(&w, value, n);
}

static uint64_t get_le(const uint8_t *data, size_t len, size_t off, size_t n)
{
	struct rd r = rd_init(data, len, 0);

	rd_seek(&r, off);
	return rd_le(&r, n);
}

/* ---- magic numbers alone ------------------------------------------------------------------- */

void seal_elf(uint8_t *data, size_t len)
{
	put(data, len, 0, "\177ELF", 4);
}

void seal_initfs(uint8_t *data, size_t len)
{
	put(data, len, 0, INITFS_MAGIC, INITFS_MAGIC_LEN);
}

void seal_pe(uint8_t *data, size_t len)
{
	put(data, len, 0, PE_DOS_MAGIC, 2);
	put(data, len, (size_t)get_le(data, len, PE_LFANEW_OFF, 4), "PE\0", 4);
}

void seal_ar(uint8_t *data, size_t len)
{
	static const size_t header = 60, end_off = 58, size_off = 48;

	put(data, len, 0, "!<arch>\n", 8);
	for (size_t off = 8; off < len && len - off >= header;) {
		size_t size = 0;

		put(data, len, off + end_off, "`\n", 2);
		for (size_t i = size_off; i < end_off; i++)
			if (data[off + i] >= '0' && data[off + i] <= '9' && size <= len)
				size = size * 10 + data[off + i] - '0';
		size = (size_t)num_min(size, len);
		off += header + size + size % 2;
	}
}

/* ---- FAT ----------------------------------------------------------------------------------- */

/* Wherever directories are: anything that looks like entries of a long name is taken for some. */
void seal_fat(uint8_t *data, size_t len)
{
	uint8_t *first = NULL; /* of the long name */

	put_le(data, len, FAT_BOOT_SIGNATURE_OFF, FAT_BOOT_SIGNATURE, 2);
	for (size_t off = FAT_BOOT_LEN; off < len && len - off >= FAT_ENTRY_LEN;
	     off += FAT_ENTRY_LEN) {
		uint8_t *slot = data + off, sum = 0;

		if (slot[11] == FAT_ATTR_LONG) {
			first = first ? first : slot;
			continue;
		}
		for (size_t i = 0; i < FAT_NAME_LEN; i++)
			sum = (uint8_t)((sum << 7 | sum >> 1) + slot[i]);
		for (; first && first < slot; first += FAT_ENTRY_LEN)
			first[13] = sum;
		first = NULL;
	}
}

/* ---- GPT ----------------------------------------------------------------------------------- */

static void seal_gpt_header(uint8_t *data, size_t len, size_t off)
{
	size_t header = (size_t)get_le(data, len, off + 12, 4);
	uint64_t entries = get_le(data, len, off + 72, 8) * GPT_SECTOR;
	uint64_t n = get_le(data, len, off + 80, 4) * get_le(data, len, off + 84, 4);

	put(data, len, off, GPT_SIGNATURE, strlen(GPT_SIGNATURE));
	if (num_in_range(entries, n, len))
		put_le(data, len, off + GPT_ENTRIES_CRC_OFF,
		       crc32_update(0, data + entries, (size_t)n), 4);
	if (!num_in_range(off, header, len))
		return;
	put_le(data, len, off + GPT_HEADER_CRC_OFF, 0, 4);
	put_le(data, len, off + GPT_HEADER_CRC_OFF, crc32_update(0, data + off, header), 4);
}

void seal_gpt(uint8_t *data, size_t len)
{
	seal_gpt_header(data, len, GPT_SECTOR);
	if (len >= 3 * GPT_SECTOR)
		seal_gpt_header(data, len, len - len % GPT_SECTOR - GPT_SECTOR);
}

/* ---- packages ------------------------------------------------------------------------------ */

void seal_pkgar(uint8_t *data, size_t len)
{
	uint8_t hash[BLAKE3_LEN];
	uint64_t table = get_le(data, len, PKGAR_COUNT_OFF, 4) * PKGAR_ENTRY_LEN;

	if (!num_in_range(PKGAR_HEADER_LEN, table, len))
		return;
	/* of packed contents the hash is that of what they unpack to */
	for (size_t at = PKGAR_HEADER_LEN;
	     data[PKGAR_PACKAGING_OFF] == PKGAR_PLAIN && at < PKGAR_HEADER_LEN + table;
	     at += PKGAR_ENTRY_LEN) {
		uint64_t off = get_le(data, len, at + PKGAR_OFFSET_OFF, 8);
		uint64_t size = get_le(data, len, at + PKGAR_STORED_OFF, 8);

		if (!num_add(off, PKGAR_HEADER_LEN + table, &off) || !num_in_range(off, size, len))
			continue;
		blake3_bytes(data + off, (size_t)size, hash);
		put(data, len, at, hash, sizeof(hash));
	}
	blake3_bytes(data + PKGAR_HEADER_LEN, (size_t)table, hash);
	put(data, len, PKGAR_TABLE_HASH_OFF, hash, sizeof(hash));
}
