/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "core/date.h"
#include "core/num.h"
#include "formats/fat_volume.h"
#include "formats/utf16.h"

/* One directory entry: its names, its times, its fields.
 * Facts: docs/formats/fat.md, "Directory entry", "Long names", "Times". */

uint8_t fat_name_checksum(const uint8_t name[FAT_NAME_LEN])
{
	unsigned sum = 0;

	for (size_t i = 0; i < FAT_NAME_LEN; i++)
		sum = ((sum >> 1 | sum << 7) + name[i]) & 0xff;
	return (uint8_t)sum;
}

/* ---- times -------------------------------------------------------------------------------- */

bool fat_time(uint16_t date, uint16_t time, uint8_t hundredths, int64_t *ret_s, uint32_t *ret_ns)
{
	struct date d = { .year = FAT_EPOCH_YEAR + (date >> 9),
			  .month = date >> 5 & 15,
			  .day = date & 31 };
	unsigned hour = time >> 11, minute = time >> 5 & 63, second = (time & 31) * 2U;
	struct clock_time clock;
	int64_t s;

	if (d.month < 1 || d.month > 12 || d.day < 1 || hour > 23 || minute > 59 || second > 58 ||
	    hundredths > 199)
		return false;
	s = date_to_days(d) * 86400;
	/* a day that the month does not have comes back as one of the next month */
	if (date_of_seconds(s, &clock).month != d.month)
		return false;
	*ret_s = s + hour * 3600 + minute * 60 + second + hundredths / 100;
	*ret_ns = hundredths % 100 * UINT32_C(10000000);
	return true;
}

/* ---- short names -------------------------------------------------------------------------- */

struct fat_entry fat_entry_parse(const struct fat_volume *v, const uint8_t *slot)
{
	struct rd r = rd_init(slot, FAT_ENTRY_LEN, 0);
	struct fat_entry e;
	uint32_t high;

	rd_copy(&r, e.name, sizeof(e.name));
	e.attr = rd_u8(&r);
	e.nt_case = rd_u8(&r);
	rd_skip(&r, 7);
	high = rd_le16(&r);
	rd_skip(&r, 4);
	e.cluster = rd_le16(&r);
	if (v->geo.type == FAT_TYPE_32)
		e.cluster |= high << 16;
	e.size = rd_le32(&r);
	return e;
}

bool fat_entry_is(const struct fat_entry *e, const char *name)
{
	size_t len = strlen(name);

	if (memcmp(e->name, name, len) != 0)
		return false;
	for (size_t i = len; i < FAT_NAME_LEN; i++) {
		if (e->name[i] != ' ')
			return false;
	}
	return true;
}

static void add_part(struct fat_name *ret, const uint8_t *part, size_t len, bool lower)
{
	while (len > 0 && part[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = part[i];

		if (lower && c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		ret->text[ret->len++] = (char)c;
	}
}

void fat_short_name(const struct fat_entry *e, struct fat_name *ret)
{
	size_t before;

	ret->len = 0;
	add_part(ret, e->name, 8, (e->nt_case & FAT_LOWER_BASE) != 0);
	if (ret->len > 0 && e->name[0] == FAT_NAME_E5)
		ret->text[0] = (char)FAT_ENTRY_DELETED;
	ret->text[ret->len++] = '.';
	before = ret->len;
	add_part(ret, e->name + 8, 3, (e->nt_case & FAT_LOWER_EXT) != 0);
	if (ret->len == before)
		ret->len--;
	ret->text[ret->len] = '\0';
}

void fat_check_short(struct fat_volume *v, struct rimg_node *node, const struct fat_entry *e,
		     uint64_t off)
{
	for (size_t i = 0; i < FAT_NAME_LEN; i++) {
		uint8_t c = e->name[i];

		if ((c > ' ' && !(c >= 'a' && c <= 'z') && !strchr("\"*+,./:;<=>?[\\]|", c)) ||
		    (c == ' ' && i > 0) || (c == FAT_NAME_E5 && i == 0))
			continue;
		layer_finding(v->l, SEVERITY_ERROR, "fat.short-name", node, off + i, 1,
			      "expected characters of a short name, found 0x%02x", c);
		return;
	}
}

/* ---- long names --------------------------------------------------------------------------- */

/* The thirteen units of a long-name entry lie in three groups. */
static void long_units(const uint8_t *slot, uint16_t *units)
{
	struct rd r = rd_init(slot, FAT_ENTRY_LEN, 0);

	rd_skip(&r, 1);
	for (size_t i = 0; i < 5; i++)
		units[i] = rd_le16(&r);
	rd_skip(&r, 3);
	for (size_t i = 5; i < 11; i++)
		units[i] = rd_le16(&r);
	rd_skip(&r, 2);
	for (size_t i = 11; i < FAT_LONG_UNITS; i++)
		units[i] = rd_le16(&r);
}

bool fat_long_add(struct fat_long *l, const uint8_t *slot, uint64_t off)
{
	unsigned order = slot[0] & ~FAT_LONG_LAST;

	if ((slot[0] & FAT_LONG_LAST) != 0) {
		if (l->n != 0 || order < 1 || order > FAT_LONG_ENTRIES)
			return false;
		l->total = order;
		l->checksum = slot[13];
	} else if (l->n == 0 || order == 0 || order != l->total - l->n || slot[13] != l->checksum) {
		return false;
	}
	l->off[l->n++] = off;
	long_units(slot, l->units + (order - 1) * FAT_LONG_UNITS);
	return true;
}

bool fat_long_fits(const struct fat_long *l, const struct fat_entry *e)
{
	return l->n > 0 && l->n == l->total && l->checksum == fat_name_checksum(e->name);
}

static const char *long_name_problem(const uint16_t *units, size_t n)
{
	if (n == 0)
		return "an empty name";
	if (n > FAT_LONG_MAX)
		return "a longer one";
	if (units[n - 1] == '.' || units[n - 1] == ' ')
		return "one that ends with a dot or a space";
	for (size_t i = 0; i < n; i++) {
		if (units[i] < ' ')
			return "a control character";
		if (units[i] < 0x80 && strchr("\"*/:<>?\\|", units[i]))
			return "a reserved character";
	}
	return NULL;
}

const char *fat_long_name(const struct fat_long *l, struct fat_name *ret)
{
	size_t n = 0, max = (size_t)l->total * FAT_LONG_UNITS;
	bool bad;

	while (n < max && l->units[n] != 0)
		n++;
	ret->len = utf16_to_utf8(l->units, n, ret->text, &bad);
	return bad ? "half of a surrogate pair" : long_name_problem(l->units, n);
}

/* ---- fields ------------------------------------------------------------------------------- */

/* A volume label is a name without a dot: eleven characters. */
static bool is_label(const uint8_t *slot)
{
	return (slot[FAT_NAME_LEN] & (FAT_ATTR_LABEL | FAT_ATTR_DIR)) == FAT_ATTR_LABEL;
}

static int add_short_name(struct field *f, const char *key, const uint8_t *slot, uint64_t off)
{
	struct fat_entry e = { .nt_case = 0 };
	struct fat_name name;

	memcpy(e.name, slot, sizeof(e.name));
	fat_short_name(&e, &name);
	rd_skip(&f->rd, FAT_NAME_LEN);
	return attr_add_bytes(f->layer, f->node, key, ATTR_TEXT, RIMG_CAUSE_CONTENT,
			      PLACE(off, FAT_NAME_LEN), name.text, name.len);
}

/* A time of @len bytes at the cursor: date and time behind each other, or a date alone. A time that
 * is not set, or does not exist, has its number under KEY_raw. */
static int add_time(struct field *f, const char *key, bool tenths, bool has_time)
{
	uint64_t off = rd_where(&f->rd);
	uint8_t h = tenths ? rd_u8(&f->rd) : 0;
	uint16_t time = has_time ? rd_le16(&f->rd) : 0;
	uint16_t date = rd_le16(&f->rd);
	struct place place = PLACE(off, (uint32_t)(rd_where(&f->rd) - off));
	uint64_t raw = (uint64_t)date << 24 | (uint64_t)time << 8 | h;
	int64_t s;
	uint32_t ns;

	if (fat_time(date, time, h, &s, &ns))
		return attr_add_time(f->layer, f->node, key, place, s, ns);
	if (raw != 0)
		layer_finding(f->layer, SEVERITY_WARNING, "fat.time", f->node, off, place.len,
			      "expected a date and time, found 0x%04x and 0x%04x", date, time);
	key = arena_printf(&f->layer->arena, "%s_raw", key);
	if (!key)
		return -RIMG_E_NOMEM;
	return attr_add_u64(f->layer, f->node, key, ATTR_HEX, RIMG_CAUSE_TIMESTAMP, place, raw);
}

/* On FAT32 the number is in two halves; before, the upper one means something else. */
static int add_cluster(struct fat_volume *v, struct field *f, const char *key, const uint8_t *slot,
		       uint64_t off)
{
	bool is32 = v->geo.type == FAT_TYPE_32;
	struct place place = is32 ? PLACES(off + 20, 2, 6, 2) : PLACE(off + 26, 2);

	return attr_add_u64(f->layer, f->node, key, ATTR_U64, RIMG_CAUSE_PLACEMENT, place,
			    fat_entry_parse(v, slot).cluster);
}

/* KEY with the prefix, in the arena. */
static const char *full_key(struct field *f, const char *key)
{
	const char *full = f->prefix ? arena_printf(&f->layer->arena, "%s%s", f->prefix, key) : key;

	if (!full)
		f->nomem = true;
	return full ? full : key;
}

/* Facts: docs/formats/fat.md, "Directory entry" */
int fat_entry_fields(struct fat_volume *v, struct rimg_node *node, const char *prefix,
		     const uint8_t *slot, uint64_t off)
{
	struct field f = field_begin(v->l, node, slot, FAT_ENTRY_LEN, off);

	f.prefix = prefix;
	if (is_label(slot))
		field_text(&f, "name", FAT_NAME_LEN, RIMG_CAUSE_CONTENT);
	else if (add_short_name(&f, full_key(&f, "short_name"), slot, off) < 0)
		return -RIMG_E_NOMEM;
	field_hex8(&f, "attributes", RIMG_CAUSE_CONTENT);
	field_hex8(&f, "nt_case", RIMG_CAUSE_CONTENT);
	if (add_time(&f, full_key(&f, "ctime"), true, true) < 0 ||
	    add_time(&f, full_key(&f, "atime"), false, false) < 0)
		return -RIMG_E_NOMEM;
	if (v->geo.type == FAT_TYPE_32)
		rd_skip(&f.rd, 2);
	else
		field_hex16(&f, "ea_index", RIMG_CAUSE_CONTENT);
	if (add_time(&f, full_key(&f, "mtime"), false, true) < 0 ||
	    add_cluster(v, &f, full_key(&f, "first_cluster"), slot, off) < 0)
		return -RIMG_E_NOMEM;
	rd_skip(&f.rd, 2);
	field_le32(&f, "size", RIMG_CAUSE_CONTENT);
	return field_end(&f);
}
