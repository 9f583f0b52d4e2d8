/* SPDX-License-Identifier: MIT */

/* Writes a protective MBR and both copies of a GUID partition table. Facts: docs/formats/gpt.md;
 * the picture of the layout is in formats/gpt.h. */

#include "formats/gpt_emit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/crc32.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "core/wr.h"
#include "formats/gpt.h"
#include "formats/utf16.h"

#define TABLE_LEN     ((size_t)GPT_N_ENTRIES * GPT_ENTRY_LEN)
#define TABLE_SECTORS (TABLE_LEN / GPT_SECTOR)
#define FIRST_USABLE  (GPT_ENTRIES_LBA + TABLE_SECTORS)

struct table {
	uint64_t n_sectors;
	uint64_t last_usable;
	uint8_t disk_guid[16]; /* disk order */
	uint8_t entries[TABLE_LEN];
	uint32_t entries_crc;
};

bool gpt_usable(uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t n_sectors = size / GPT_SECTOR;

	if (n_sectors < 2 * FIRST_USABLE)
		return false;
	*ret_first = FIRST_USABLE;
	*ret_last = n_sectors - FIRST_USABLE;
	return true;
}

/* ---- checking ----------------------------------------------------------------------------- */

static int check_partition(const struct table *t, const struct gpt_partition *parts, size_t i,
			   struct rimg_error *err)
{
	const struct gpt_partition *p = &parts[i];

	if (p->first_lba > p->last_lba || p->first_lba < FIRST_USABLE ||
	    p->last_lba > t->last_usable)
		return error_set(err, RIMG_E_ARG, NULL,
				 "partition \"%s\": expected sectors within %zu..%" PRIu64
				 ", found %" PRIu64 "..%" PRIu64,
				 p->name, FIRST_USABLE, t->last_usable, p->first_lba, p->last_lba);
	for (size_t j = 0; j < i; j++)
		if (p->first_lba <= parts[j].last_lba && parts[j].first_lba <= p->last_lba)
			return error_set(err, RIMG_E_ARG, NULL,
					 "partitions \"%s\" and \"%s\" overlap: sectors %" PRIu64
					 "..%" PRIu64 " and %" PRIu64 "..%" PRIu64,
					 parts[j].name, p->name, parts[j].first_lba,
					 parts[j].last_lba, p->first_lba, p->last_lba);
	return 0;
}

/* ---- composing ---------------------------------------------------------------------------- */

static int compose_entry(const struct emit_request *rq, const struct gpt_partition *p, size_t index,
			 struct wr *w, struct rimg_error *err)
{
	uint16_t name[GPT_NAME_UNITS] = { 0 };
	uint8_t guid[16], disk[16];
	char purpose[32];
	int rc = 0;

	if (utf16_from_utf8(p->name, strlen(p->name), name, GPT_NAME_UNITS) == SIZE_MAX)
		return error_set(err, RIMG_E_ARG, NULL,
				 "partition \"%s\": expected a name of at most %u UTF-16 units",
				 p->name, GPT_NAME_UNITS);
	snprintf(purpose, sizeof(purpose), "partition %zu", index + 1);
	if (p->guid)
		memcpy(guid, p->guid, sizeof(guid));
	else
		rc = emit_derive_uuid(rq, purpose, guid, err);
	if (rc < 0)
		return rc;
	gpt_guid_swap(p->type, disk);
	wr_bytes(w, disk, sizeof(disk));
	gpt_guid_swap(guid, disk);
	wr_bytes(w, disk, sizeof(disk));
	wr_le64(w, p->first_lba);
	wr_le64(w, p->last_lba);
	wr_le64(w, p->attributes);
	for (size_t i = 0; i < GPT_NAME_UNITS; i++)
		wr_le16(w, name[i]);
	return 0;
}

static int compose_table(const struct emit_request *rq, const struct gpt_partition *parts, size_t n,
			 struct table *t, struct rimg_error *err)
{
	struct wr w = wr_init(t->entries, sizeof(t->entries));
	uint8_t guid[16];
	int rc = 0;

	if (rq->uuid)
		memcpy(guid, rq->uuid, sizeof(guid));
	else
		rc = emit_derive_uuid(rq, "disk", guid, err);
	gpt_guid_swap(guid, t->disk_guid);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = check_partition(t, parts, i, err);
		if (rc == 0)
			rc = compose_entry(rq, &parts[i], i, &w, err);
	}
	t->entries_crc = crc32_update(0, t->entries, sizeof(t->entries));
	return rc;
}

/* One header; the backup differs from the primary in what says where it is. */
static void compose_header(const struct table *t, bool backup, uint8_t sector[GPT_SECTOR])
{
	uint64_t last = t->n_sectors - 1;
	struct wr w = wr_init(sector, GPT_SECTOR);
	uint32_t crc;

	memset(sector, 0, GPT_SECTOR);
	wr_bytes(&w, GPT_SIGNATURE, 8);
	wr_le32(&w, GPT_REVISION);
	wr_le32(&w, GPT_HEADER_LEN);
	wr_le32(&w, 0); /* its CRC, below */
	wr_le32(&w, 0);
	wr_le64(&w, backup ? last : GPT_PRIMARY_LBA);
	wr_le64(&w, backup ? GPT_PRIMARY_LBA : last);
	wr_le64(&w, FIRST_USABLE);
	wr_le64(&w, t->last_usable);
	wr_bytes(&w, t->disk_guid, sizeof(t->disk_guid));
	wr_le64(&w, backup ? last - TABLE_SECTORS : GPT_ENTRIES_LBA);
	wr_le32(&w, GPT_N_ENTRIES);
	wr_le32(&w, GPT_ENTRY_LEN);
	wr_le32(&w, t->entries_crc);
	crc = crc32_update(0, sector, GPT_HEADER_LEN);
	wr_seek(&w, GPT_HEADER_CRC_OFF);
	wr_le32(&w, crc);
}

/* One entry over the whole disk, so that tools which know no GPT see no free disk. Its CHS end is
 * always FF FF FF, as upstream's installer writes it. */
static void compose_mbr(const struct table *t, uint8_t sector[MBR_LEN])
{
	static const uint8_t start_and_type[8] = { 0,    0x00, 0x02, 0x00, MBR_TYPE_PROTECTIVE,
						   0xff, 0xff, 0xff };
	struct wr w = wr_init(sector, MBR_LEN);

	memset(sector, 0, MBR_LEN);
	wr_seek(&w, MBR_ENTRIES_OFF);
	wr_bytes(&w, start_and_type, sizeof(start_and_type));
	wr_le32(&w, 1);
	wr_le32(&w, (uint32_t)num_min(t->n_sectors - 1, UINT32_MAX));
	wr_seek(&w, MBR_SIGNATURE_OFF);
	wr_le16(&w, MBR_SIGNATURE);
}

static int write_table(const struct table *t, struct sink *sink, struct rimg_error *err)
{
	uint64_t last = t->n_sectors - 1;
	uint8_t sector[GPT_SECTOR];
	int rc;

	compose_mbr(t, sector);
	rc = sink_write(sink, 0, sector, sizeof(sector), err);
	compose_header(t, false, sector);
	if (rc == 0)
		rc = sink_write(sink, GPT_PRIMARY_LBA * GPT_SECTOR, sector, sizeof(sector), err);
	if (rc == 0)
		rc = sink_write(sink, GPT_ENTRIES_LBA * GPT_SECTOR, t->entries, TABLE_LEN, err);
	if (rc == 0)
		rc = sink_write(sink, (last - TABLE_SECTORS) * GPT_SECTOR, t->entries, TABLE_LEN,
				err);
	compose_header(t, true, sector);
	if (rc == 0)
		rc = sink_write(sink, last * GPT_SECTOR, sector, sizeof(sector), err);
	return rc;
}

int gpt_emit(const struct emit_request *rq, const struct gpt_partition *parts, size_t n,
	     struct sink *sink, struct rimg_error *err)
{
	auto_free struct table *t = calloc(1, sizeof(*t));
	uint64_t first;
	int rc;

	if (!t)
		return error_nomem(err);
	t->n_sectors = sink_size(sink) / GPT_SECTOR;
	if (sink_size(sink) % GPT_SECTOR != 0 ||
	    !gpt_usable(sink_size(sink), &first, &t->last_usable))
		return error_set(err, RIMG_E_ARG, NULL,
				 "expected a disk of a multiple of %u bytes with room for both "
				 "partition tables, found %" PRIu64 " bytes",
				 GPT_SECTOR, sink_size(sink));
	if (n > GPT_N_ENTRIES)
		return error_set(err, RIMG_E_ARG, NULL, "expected at most %u partitions, found %zu",
				 GPT_N_ENTRIES, n);
	rc = compose_table(rq, parts, n, t, err);
	return rc < 0 ? rc : write_table(t, sink, err);
}
