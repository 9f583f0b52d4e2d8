/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_GPT_H
#define FORMATS_GPT_H

#include <stddef.h>
#include <stdint.h>

#include "formats/utf16.h"

/* Layout of a GUID partition table, for its reader and its emitter. S is the number of sectors.
 *
 *     LBA 0         protective MBR
 *     LBA 1         header ("EFI PART")
 *     LBA 2..33     entries: 128 of 128 bytes (with sectors of 512)
 *     LBA 34..S-34  partitions
 *     LBA S-33      entries again
 *     LBA S-1       header again
 *
 * All numbers are little-endian. Facts: docs/formats/gpt.md. */

#define GPT_SECTOR     512U  /* what the installer writes */
#define GPT_SECTOR_MAX 4096U /* the other size that is read */

/* protective MBR */
#define MBR_CODE_LEN        440U
#define MBR_ENTRIES_OFF     446U
#define MBR_ENTRY_LEN       16U
#define MBR_N_ENTRIES       4U
#define MBR_TYPE_PROTECTIVE 0xeeU
#define MBR_SIGNATURE_OFF   510U
#define MBR_SIGNATURE       0xaa55U
#define MBR_LEN             512U

/* header */
#define GPT_SIGNATURE       "EFI PART"
#define GPT_REVISION        0x00010000U
#define GPT_HEADER_LEN      92U
#define GPT_HEADER_CRC_OFF  16U
#define GPT_ENTRIES_CRC_OFF 88U
#define GPT_PRIMARY_LBA     1U
#define GPT_ENTRIES_LBA     2U

/* entries */
#define GPT_N_ENTRIES       128U
#define GPT_N_ENTRIES_MAX   4096U /* more are a limit finding */
#define GPT_ENTRY_LEN       128U
#define GPT_ENTRY_LEN_MAX   4096U
#define GPT_ENTRY_FIRST_OFF 32U
#define GPT_ENTRY_LAST_OFF  40U
#define GPT_ENTRY_NAME_OFF  56U
#define GPT_NAME_UNITS      36U
#define GPT_NAME_MAX        UTF16_MAX(GPT_NAME_UNITS) /* bytes of UTF-8 */

/** struct gpt_type - a partition type that has a short name; @guid in text order */
struct gpt_type {
	const char *name;
	uint8_t guid[16];
};

/** gpt_types - the known ones; ends with a NULL name */
extern const struct gpt_type gpt_types[];

/** gpt_type_name - short name of a type GUID in text order, or NULL */
const char *gpt_type_name(const uint8_t guid[16]);

/** gpt_guid_swap - between disk order (first three groups little-endian) and text order */
void gpt_guid_swap(const uint8_t from[16], uint8_t to[16]);

#endif
