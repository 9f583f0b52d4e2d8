/* SPDX-License-Identifier: MIT */
#include "build/manifest_load.h"

#include <inttypes.h>
#include <string.h>

#include "build/disk.h"
#include "core/address.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "formats/gpt.h"
#include "formats/gpt_emit.h"
#include "formats/utf16.h"

/* [image], [general] and what lies on the disk: partitions, boot loader, initfs. */

#define MIB             (UINT64_C(1) << 20)
#define MIB_SECTORS     (MIB / MANIFEST_SECTOR)
#define MIB_MAX         ((int64_t)1 << 32)
#define BIOS_FIRST      34U
#define EFI_FIRST       2048U
#define BACKUP_LEN      (34 * (uint64_t)MANIFEST_SECTOR)
#define BOOTLOADER_PATH "/EFI/BOOT/BOOTAA64.EFI"
#define INITFS_PATH     "/boot/initfs"
#define FAT_NAME_MAX    255U /* UTF-16 units */
#define IMAGE_SIZE_MAX  INT64_MAX

struct json_object *load_table(const struct load *l, const char *key)
{
	return json_object_object_get(l->doc, key);
}

/* ---- members -------------------------------------------------------------------------------- */

/* Where a member stands; of one that is missing, its table. */
static struct json_place member_at(struct json_object *table, const char *key)
{
	struct json_object *member = json_object_object_get(table, key);

	return json_place_of(member ? member : table);
}

static int source_from(struct load *l, struct json_object *value, const char *path, const char *key,
		       struct manifest_source *ret)
{
	struct json_place at = json_place_of(value);
	const char *text = json_object_get_string(value), *steps;
	auto_free char *file = NULL;
	struct rimg_error why;

	if (text[0] == '\0' || strlen(text) != (size_t)json_object_get_string_len(value))
		return json_error(l->err, RIMG_E_BAD, at, "%s %s: an empty text, or one with a NUL",
				  path, key);
	if (address_split(text, &file, &steps, &why) < 0)
		return json_error(l->err, why.code == RIMG_E_NOMEM ? RIMG_E_NOMEM : RIMG_E_BAD, at,
				  "%s %s: %s", path, key, why.text);
	*ret = (struct manifest_source){
		.text = text,
		.path = load_join(l, at, text, true),
		.place = at,
	};
	return ret->path ? 1 : -RIMG_E_NOMEM;
}

int load_source(struct load *l, struct json_object *table, const char *path, const char *key,
		const struct manifest_source **ret)
{
	struct json_object *value = NULL;
	struct manifest_source *source;
	int r = json_get(table, path, key, json_type_string, &value, l->err);

	if (r != 1)
		return r;
	source = arena_alloc(&l->m->arena, sizeof(*source));
	if (!source)
		return error_nomem(l->err);
	r = source_from(l, value, path, key, source);
	if (r == 1)
		*ret = source;
	return r;
}

/* One that has to be there: 1 or an error. */
static int needed_source(struct load *l, struct json_object *table, const char *path,
			 const char *key, struct manifest_source *ret)
{
	struct json_object *value = NULL;
	int r = json_get(table, path, key, json_type_string, &value, l->err);

	if (r == 0)
		return json_missing(table, path, key, l->err);
	return r < 0 ? r : source_from(l, value, path, key, ret);
}

int load_sources(struct load *l, struct json_object *table, const char *path, const char *key,
		 const struct manifest_source **ret, size_t *ret_n)
{
	struct json_object *list = NULL;
	struct manifest_source *sources;
	int r = json_get(table, path, key, json_type_array, &list, l->err);
	size_t n;

	if (r != 1)
		return r;
	n = json_object_array_length(list);
	sources = arena_array(&l->m->arena, n, sizeof(*sources));
	if (!sources)
		return error_nomem(l->err);
	for (size_t i = 0; i < n; i++) {
		r = source_from(l, json_object_array_get_idx(list, i), path, key, &sources[i]);
		if (r < 0)
			return r;
	}
	*ret = sources;
	*ret_n = n;
	return 1;
}

int load_u32(struct load *l, struct json_object *table, const char *path, const char *key,
	     uint32_t max, uint32_t *ret)
{
	int64_t v = 0;
	int r = json_get_int(table, path, key, 0, max, &v, l->err);

	if (r == 1)
		*ret = (uint32_t)v;
	return r;
}

int load_image_path(struct load *l, struct json_object *table, const char *path, const char *key,
		    const char **ret)
{
	const char *text = NULL;
	char why[128];
	int r = json_get_text(table, path, key, &text, l->err);

	if (r != 1)
		return r;
	r = manifest_path_check(&l->m->arena, text, ret, why, sizeof(why));
	if (r == -RIMG_E_NOMEM)
		return error_nomem(l->err);
	if (r < 0)
		return json_error(l->err, RIMG_E_BAD, member_at(table, key), "%s %s \"%s\": %s",
				  path, key, load_shown(l, text), why);
	return 1;
}

/* One of a few words. @ret is its number; words end with NULL. */
static int get_word(struct load *l, struct json_object *table, const char *path, const char *key,
		    const char *const *words, const char *wanted, int *ret)
{
	const char *text = NULL;
	int r = json_get_text(table, path, key, &text, l->err);

	if (r != 1)
		return r;
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0) {
			*ret = i;
			return 1;
		}
	}
	return json_error(l->err, RIMG_E_BAD, member_at(table, key),
			  "%s %s: expected %s, found \"%s\"", path, key, wanted,
			  load_shown(l, text));
}

static int get_compression(struct load *l, struct json_object *table, const char *path,
			   enum emit_compression *ret)
{
	static const char *const words[] = {
		[EMIT_COMPRESSION_NONE] = "none", [EMIT_COMPRESSION_LZ4] = "lz4", NULL
	};
	int word = EMIT_COMPRESSION_NONE;
	int r = get_word(l, table, path, "compression", words, "\"none\" or \"lz4\"", &word);

	if (r == 1)
		*ret = (enum emit_compression)word;
	return r;
}

/* ---- [image], [general] --------------------------------------------------------------------- */

static int get_size(struct load *l, struct json_object *image, struct json_object *general)
{
	uint64_t size = 0;
	int64_t mib = 0;
	int r = json_get_size(image, "[image]", "size", &size, l->err);

	if (r < 0)
		return r;
	if (r == 1 && size % MANIFEST_SECTOR != 0)
		return json_error(l->err, RIMG_E_BAD, member_at(image, "size"),
				  "[image] size: %" PRIu64 " is not a multiple of %u", size,
				  MANIFEST_SECTOR);
	if (r == 1 && (size == 0 || size > IMAGE_SIZE_MAX))
		return json_error(l->err, RIMG_E_BAD, member_at(image, "size"),
				  "[image] size: %" PRIu64 " bytes are no size for an image", size);
	if (r == 0) {
		r = json_get_int(general, "[general]", "filesystem_size", 1, MIB_MAX, &mib, l->err);
		size = (uint64_t)mib * MIB;
	}
	if (r == 0)
		return json_error(l->err, RIMG_E_BAD, json_place_of(image ? image : l->doc),
				  "[image] size is missing, and so is [general] filesystem_size");
	if (r == 1)
		l->m->size = size;
	return r;
}

static int check_general(struct load *l, struct json_object *general)
{
	const char *password = "";
	bool plain = false;
	int r = json_get_text(general, "[general]", "encrypt_disk", &password, l->err);

	if (r < 0)
		return r;
	if (password[0] != '\0')
		return json_error(
			l->err, RIMG_E_UNSUPPORTED, member_at(general, "encrypt_disk"),
			"[general] encrypt_disk: encrypted volumes are read, not written");
	r = json_get_bool(general, "[general]", "skip_partitions", &plain, l->err);
	if (r < 0)
		return r;
	if (plain && load_table(l, "partition"))
		return json_error(
			l->err, RIMG_E_BAD, member_at(general, "skip_partitions"),
			"[general] skip_partitions and [[partition]] exclude one another");
	l->m->layout = plain ? MANIFEST_LAYOUT_PLAIN : MANIFEST_LAYOUT_GPT;
	return load_source(l, general, "[general]", "cookbook", &l->m->cookbook);
}

int load_image(struct load *l)
{
	struct json_object *image = load_table(l, "image"), *general = load_table(l, "general");
	struct manifest *m = l->m;
	int r = get_size(l, image, general);

	if (r >= 0)
		r = check_general(l, general);
	if (r >= 0)
		r = json_get_int(image, "[image]", "epoch", 0, MANIFEST_EPOCH_MAX, &m->epoch,
				 l->err);
	if (r >= 0)
		r = json_get_bytes(image, "[image]", "seed", &m->seed, &m->seed_len, l->err);
	if (r >= 0)
		r = get_compression(l, image, "[image]", &m->compression);
	if (r >= 0)
		r = load_sources(l, image, "[image]", "package_dirs", &m->package_dirs,
				 &m->n_package_dirs);
	if (r >= 0)
		r = load_sources(l, image, "[image]", "package_keys", &m->package_keys,
				 &m->n_package_keys);
	return r < 0 ? r : 0;
}

/* ---- partitions ----------------------------------------------------------------------------- */

/* BIOS, EFI and REDOX as the Redox installer lays them out: the last one ends with the last whole
 * MiB before the backup table. Facts: docs/manifest.md, "[[partition]]". */
static int standard_layout(struct load *l)
{
	struct manifest_partition *p = arena_array(&l->m->arena, 3, sizeof(*p));
	struct json_object *general = load_table(l, "general");
	struct json_place at = json_place_of(l->doc);
	uint64_t end, least;
	int64_t mib = 1;
	int r = json_get_int(general, "[general]", "efi_partition_size", 1, MIB_MAX, &mib, l->err);

	if (r < 0)
		return r;
	if (!p)
		return error_nomem(l->err);
	end = (num_max(l->m->size, BACKUP_LEN) - BACKUP_LEN) / MIB * MIB_SECTORS;
	least = (2 + (uint64_t)mib) * MIB + BACKUP_LEN;
	if (l->m->size < least)
		return json_error(l->err, RIMG_E_BAD, at,
				  "the image has %" PRIu64 " bytes; the standard layout needs at "
				  "least %" PRIu64,
				  l->m->size, least);
	p[0] = (struct manifest_partition){ .name = "BIOS",
					    .first_lba = BIOS_FIRST,
					    .last_lba = EFI_FIRST - 1 };
	p[1] = (struct manifest_partition){ .name = "EFI",
					    .first_lba = EFI_FIRST,
					    .last_lba = EFI_FIRST + (uint64_t)mib * MIB_SECTORS - 1,
					    .format = MANIFEST_FORMAT_FAT };
	p[2] = (struct manifest_partition){ .name = "REDOX",
					    .first_lba = p[1].last_lba + 1,
					    .last_lba = end - 1,
					    .format = MANIFEST_FORMAT_REDOXFS,
					    .compression = l->m->compression };
	for (size_t i = 0; i < 3; i++) {
		static const char *const types[] = { "bios", "efi", "linux" };

		p[i].place = at;
		if (!disk_type(types[i], p[i].type))
			return json_error(l->err, RIMG_E_INTERNAL, at, "no type \"%s\"", types[i]);
	}
	l->m->partitions = p;
	l->m->n_partitions = 3;
	return 0;
}

static int get_name_and_type(struct load *l, struct json_object *t, struct manifest_partition *p)
{
	uint16_t units[GPT_NAME_UNITS];
	const char *type = NULL;
	int r = json_get_text(t, "[[partition]]", "name", &p->name, l->err);

	if (r == 1)
		r = json_get_text(t, "[[partition]]", "type", &type, l->err);
	if (r < 0)
		return r;
	if (!p->name || !type)
		return json_missing(t, "[[partition]]", p->name ? "type" : "name", l->err);
	if (p->name[0] == '\0' ||
	    utf16_from_utf8(p->name, strlen(p->name), units, GPT_NAME_UNITS) == SIZE_MAX)
		return json_error(l->err, RIMG_E_BAD, member_at(t, "name"),
				  "[[partition]] name: expected 1 to %u UTF-16 units",
				  GPT_NAME_UNITS);
	if (!disk_type(type, p->type))
		return json_error(l->err, RIMG_E_BAD, member_at(t, "type"),
				  "[[partition]] type: expected \"bios\", \"efi\", \"linux\" or a "
				  "GUID, found \"%s\"",
				  load_shown(l, type));
	return 0;
}

static int get_range(struct load *l, struct json_object *t, struct manifest_partition *p)
{
	uint64_t low, high;
	int64_t first = 0, last = 0;
	int r;

	if (!gpt_usable(l->m->size, &low, &high))
		return json_error(l->err, RIMG_E_BAD, p->place,
				  "the image has %" PRIu64 " bytes, too few for a partition table",
				  l->m->size);
	r = json_get_int(t, "[[partition]]", "first_lba", (int64_t)low, (int64_t)high, &first,
			 l->err);
	if (r == 0)
		return json_missing(t, "[[partition]]", "first_lba", l->err);
	if (r == 1)
		r = json_get_int(t, "[[partition]]", "last_lba", first, (int64_t)high, &last,
				 l->err);
	if (r == 0)
		return json_missing(t, "[[partition]]", "last_lba", l->err);
	p->first_lba = (uint64_t)first;
	p->last_lba = (uint64_t)last;
	return r < 0 ? r : 0;
}

static int get_format(struct load *l, struct json_object *t, struct manifest_partition *p)
{
	static const char *const words[] = { [MANIFEST_FORMAT_NONE] = "none",
					     [MANIFEST_FORMAT_FAT] = "fat",
					     [MANIFEST_FORMAT_REDOXFS] = "redoxfs",
					     NULL };
	int word = MANIFEST_FORMAT_NONE;
	int r = get_word(l, t, "[[partition]]", "format", words, "\"none\", \"fat\" or \"redoxfs\"",
			 &word);

	if (r < 0)
		return r;
	p->format = (enum manifest_format)word;
	if (p->format == MANIFEST_FORMAT_REDOXFS)
		p->compression = l->m->compression;
	r = get_compression(l, t, "[[partition]]", &p->compression);
	if (r == 1 && p->format != MANIFEST_FORMAT_REDOXFS)
		return json_error(l->err, RIMG_E_BAD, member_at(t, "compression"),
				  "[[partition]] compression: only format \"redoxfs\" has one");
	if (r >= 0)
		r = load_source(l, t, "[[partition]]", "source", &p->source);
	if (r == 1 && p->format != MANIFEST_FORMAT_NONE)
		return json_error(l->err, RIMG_E_BAD, member_at(t, "source"),
				  "[[partition]] source: only format \"none\" has one");
	return r < 0 ? r : 0;
}

/* Against those before it. */
static int check_beside(struct load *l, const struct manifest_partition *all, size_t i)
{
	const struct manifest_partition *p = &all[i];

	for (size_t j = 0; j < i; j++) {
		const struct manifest_partition *q = &all[j];
		bool same_name = strcmp(p->name, q->name) == 0;
		bool overlap = p->first_lba <= q->last_lba && q->first_lba <= p->last_lba;
		const char *name, *other;

		if (!same_name && !overlap &&
		    (p->format == MANIFEST_FORMAT_NONE || p->format != q->format))
			continue;
		name = load_shown(l, p->name);
		other = load_shown(l, q->name);
		if (same_name)
			return json_error(l->err, RIMG_E_BAD, p->place,
					  "two partitions have the name \"%s\"", name);
		if (overlap)
			return json_error(l->err, RIMG_E_BAD, p->place,
					  "partition \"%s\" (%" PRIu64 "-%" PRIu64 ") overlaps "
					  "\"%s\" (%" PRIu64 "-%" PRIu64 ")",
					  name, p->first_lba, p->last_lba, other, q->first_lba,
					  q->last_lba);
		return json_error(l->err, RIMG_E_BAD, p->place,
				  "partition \"%s\" has the format of \"%s\"; only one can have it",
				  name, other);
	}
	return 0;
}

static int given_layout(struct load *l, struct json_object *list)
{
	size_t n = json_object_array_length(list);
	struct manifest_partition *all = arena_array(&l->m->arena, n, sizeof(*all));

	if (!all)
		return error_nomem(l->err);
	if (n > MANIFEST_N_PARTITIONS)
		return json_error(l->err, RIMG_E_LIMIT, json_place_of(list),
				  "%zu partitions; the table holds %u", n, MANIFEST_N_PARTITIONS);
	for (size_t i = 0; i < n; i++) {
		struct json_object *t = json_object_array_get_idx(list, i);
		int r;

		all[i].place = json_place_of(t);
		r = get_name_and_type(l, t, &all[i]);
		if (r == 0)
			r = get_range(l, t, &all[i]);
		if (r == 0)
			r = get_format(l, t, &all[i]);
		if (r == 0)
			r = check_beside(l, all, i);
		if (r < 0)
			return r;
	}
	l->m->partitions = all;
	l->m->n_partitions = n;
	return 0;
}

int load_partitions(struct load *l)
{
	struct json_object *list = load_table(l, "partition");
	struct manifest *m = l->m;
	int r;

	if (m->layout == MANIFEST_LAYOUT_PLAIN)
		return 0;
	r = list ? given_layout(l, list) : standard_layout(l);
	for (size_t i = 0; i < m->n_partitions; i++) {
		const struct manifest_partition *p = &m->partitions[i];

		if (p->format == MANIFEST_FORMAT_FAT)
			m->esp = p;
		if (p->format == MANIFEST_FORMAT_REDOXFS)
			m->root = p;
	}
	return r;
}

/* ---- [bootloader], [initfs] ----------------------------------------------------------------- */

static int get_sha256(struct load *l, struct json_object *table, uint8_t ret[SHA256_LEN])
{
	const char *text = NULL;
	int r = json_get_text(table, "[bootloader]", "sha256", &text, l->err);

	if (r < 0)
		return r;
	if (r == 0)
		return json_error(l->err, RIMG_E_BAD, json_place_of(table),
				  "[bootloader] sha256 is missing: prebuilt bytes are declared "
				  "(rimg cat SOURCE | sha256sum)");
	if (!str_parse_hex(text, ret, SHA256_LEN))
		return json_error(l->err, RIMG_E_BAD, member_at(table, "sha256"),
				  "[bootloader] sha256: expected 64 hexadecimal digits");
	return 0;
}

/* What FAT forbids in names, beyond what RedoxFS does. @path is one of load_image_path(). */
static bool fat_holds(const char *path)
{
	uint16_t units[FAT_NAME_MAX];

	for (const char *p = path; *p; p++) {
		if ((unsigned char)*p < ' ' || strchr("\"*<>?\\|", *p))
			return false;
	}
	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if (utf16_from_utf8(path, len, units, FAT_NAME_MAX) == SIZE_MAX || len == 0 ||
		    path[len - 1] == '.' || path[len - 1] == ' ')
			return false;
		path += len;
	}
	return true;
}

static int get_boot_path(struct load *l, struct json_object *table, const char **ret)
{
	int r = load_image_path(l, table, "[bootloader]", "path", ret);

	if (r < 0)
		return r;
	if (fat_holds(*ret))
		return 0;
	return json_error(l->err, RIMG_E_BAD, member_at(table, "path"),
			  "[bootloader] path \"%s\": FAT cannot hold it", load_shown(l, *ret));
}

int load_bootloader(struct load *l)
{
	struct json_object *table = load_table(l, "bootloader");
	struct manifest_bootloader *b;
	int r;

	if (!table)
		return 0;
	b = arena_alloc(&l->m->arena, sizeof(*b));
	if (!b)
		return error_nomem(l->err);
	b->place = json_place_of(table);
	b->path = BOOTLOADER_PATH;
	r = needed_source(l, table, "[bootloader]", "source", &b->source);
	if (r == 1)
		r = get_sha256(l, table, b->sha256);
	if (r == 0)
		r = get_boot_path(l, table, &b->path);
	if (r < 0)
		return r;
	if (!l->m->esp)
		return json_error(l->err, RIMG_E_BAD, b->place,
				  "[bootloader] has no place: no partition has the format \"fat\"");
	l->m->bootloader = b;
	return 0;
}

int load_initfs(struct load *l)
{
	struct json_object *table = load_table(l, "initfs");
	struct manifest_initfs *i;
	int r;

	if (!table)
		return 0;
	i = arena_alloc(&l->m->arena, sizeof(*i));
	if (!i)
		return error_nomem(l->err);
	i->place = json_place_of(table);
	i->path = INITFS_PATH;
	r = needed_source(l, table, "[initfs]", "root", &i->root);
	if (r >= 0)
		r = load_source(l, table, "[initfs]", "bootstrap", &i->bootstrap);
	if (r >= 0)
		r = load_image_path(l, table, "[initfs]", "path", &i->path);
	if (r >= 0)
		r = json_get_size(table, "[initfs]", "max_size", &i->max_size, l->err);
	if (r >= 0)
		r = json_get_bool(table, "[initfs]", "skip_special", &i->skip_special, l->err);
	if (r < 0)
		return r;
	if (i->path[1] == '\0')
		return json_error(l->err, RIMG_E_BAD, member_at(table, "path"),
				  "[initfs] path \"/\": expected the path of a file");
	l->m->initfs = i;
	return 0;
}
