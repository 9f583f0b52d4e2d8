/* SPDX-License-Identifier: MIT */
#include "core/field.h"

#include <inttypes.h>
#include <string.h>
#include "core/limits.h"

/* ---- attributes --------------------------------------------------------------------------- */

struct rimg_attr *attr_add(struct rimg_layer *l, struct rimg_node *node, const char *key,
			   enum attr_type type, enum rimg_cause cause, struct place place)
{
	struct rimg_attr *a = arena_alloc(&l->arena, sizeof(*a));

	if (!a)
		return NULL;
	a->key = key;
	a->type = type;
	a->cause = cause;
	a->place = place;
	if (node->last_attr)
		node->last_attr->next = a;
	else
		node->attrs = a;
	node->last_attr = a;
	return a;
}

int attr_add_u64(struct rimg_layer *l, struct rimg_node *node, const char *key, enum attr_type type,
		 enum rimg_cause cause, struct place place, uint64_t value)
{
	struct rimg_attr *a = attr_add(l, node, key, type, cause, place);

	if (!a)
		return -RIMG_E_NOMEM;
	a->u = value;
	return 0;
}

int attr_add_bytes(struct rimg_layer *l, struct rimg_node *node, const char *key,
		   enum attr_type type, enum rimg_cause cause, struct place place, const void *data,
		   size_t len)
{
	uint32_t max = l->image->ctx->limits.attr_bytes;
	struct rimg_attr *a;
	const uint8_t *copy;

	if (len > max) {
		layer_finding(l, SEVERITY_WARNING, "layer.attr-cut", node, place.off, place.len,
			      "expected at most %" PRIu32
			      " bytes of \"%s\", found %zu; the others are "
			      "compared, but not shown" LIMIT_MORE("attribute"),
			      max, key, len);
		len = max;
	}
	copy = arena_copy(&l->arena, data, len);
	a = copy ? attr_add(l, node, key, type, cause, place) : NULL;
	if (!a)
		return -RIMG_E_NOMEM;
	a->bytes.data = copy;
	a->bytes.len = len;
	return 0;
}

int attr_add_time(struct rimg_layer *l, struct rimg_node *node, const char *key, struct place place,
		  int64_t s, uint32_t ns)
{
	struct rimg_attr *a = attr_add(l, node, key, ATTR_TIME, RIMG_CAUSE_TIMESTAMP, place);

	if (!a)
		return -RIMG_E_NOMEM;
	a->time.s = s;
	a->time.ns = ns;
	return 0;
}

int attr_add_raw(struct rimg_layer *l, struct rimg_node *node, const char *key,
		 enum rimg_cause cause, struct place place)
{
	return attr_add(l, node, key, ATTR_RAW, cause, place) ? 0 : -RIMG_E_NOMEM;
}

/* ---- fields ------------------------------------------------------------------------------- */

struct field field_begin(struct rimg_layer *l, struct rimg_node *node, const void *data, size_t len,
			 uint64_t off)
{
	return (struct field){ .layer = l, .node = node, .rd = rd_init(data, len, off) };
}

int field_end(const struct field *f)
{
	if (f->nomem)
		return -RIMG_E_NOMEM;
	return f->rd.failed ? -RIMG_E_TRUNCATED : 0;
}

/* The key with the prefix; NULL (and nomem) without memory. */
static const char *full_key(struct field *f, const char *key)
{
	const char *full;

	if (!f->prefix)
		return key;
	full = arena_printf(&f->layer->arena, "%s%s", f->prefix, key);
	if (!full)
		f->nomem = true;
	return full;
}

/* The place of the @len bytes that the cursor has just passed. */
static struct place place_behind(const struct field *f, size_t len)
{
	return PLACE(rd_where(&f->rd) - len, (uint32_t)len);
}

static uint64_t add_number(struct field *f, const char *key, enum attr_type type,
			   enum rimg_cause cause, size_t len, uint64_t value)
{
	if (f->rd.failed)
		return 0;
	key = full_key(f, key);
	if (!key ||
	    attr_add_u64(f->layer, f->node, key, type, cause, place_behind(f, len), value) < 0)
		f->nomem = true;
	return value;
}

uint8_t field_u8(struct field *f, const char *key, enum rimg_cause cause)
{
	return (uint8_t)add_number(f, key, ATTR_U64, cause, 1, rd_u8(&f->rd));
}

uint16_t field_le16(struct field *f, const char *key, enum rimg_cause cause)
{
	return (uint16_t)add_number(f, key, ATTR_U64, cause, 2, rd_le16(&f->rd));
}

uint32_t field_le32(struct field *f, const char *key, enum rimg_cause cause)
{
	return (uint32_t)add_number(f, key, ATTR_U64, cause, 4, rd_le32(&f->rd));
}

uint64_t field_le64(struct field *f, const char *key, enum rimg_cause cause)
{
	return add_number(f, key, ATTR_U64, cause, 8, rd_le64(&f->rd));
}

uint8_t field_hex8(struct field *f, const char *key, enum rimg_cause cause)
{
	return (uint8_t)add_number(f, key, ATTR_HEX, cause, 1, rd_u8(&f->rd));
}

uint16_t field_hex16(struct field *f, const char *key, enum rimg_cause cause)
{
	return (uint16_t)add_number(f, key, ATTR_HEX, cause, 2, rd_le16(&f->rd));
}

uint32_t field_hex32(struct field *f, const char *key, enum rimg_cause cause)
{
	return (uint32_t)add_number(f, key, ATTR_HEX, cause, 4, rd_le32(&f->rd));
}

uint64_t field_hex64(struct field *f, const char *key, enum rimg_cause cause)
{
	return add_number(f, key, ATTR_HEX, cause, 8, rd_le64(&f->rd));
}

uint16_t field_u16(struct field *f, const char *key, enum rimg_cause cause)
{
	return (uint16_t)add_number(f, key, ATTR_U64, cause, 2, rd_u16(&f->rd));
}

uint32_t field_u32(struct field *f, const char *key, enum rimg_cause cause)
{
	return (uint32_t)add_number(f, key, ATTR_U64, cause, 4, rd_u32(&f->rd));
}

uint64_t field_u64(struct field *f, const char *key, enum rimg_cause cause)
{
	return add_number(f, key, ATTR_U64, cause, 8, rd_u64(&f->rd));
}

static const uint8_t *add_bytes(struct field *f, const char *key, enum attr_type type,
				enum rimg_cause cause, const uint8_t *data, size_t shown,
				size_t len)
{
	if (!data)
		return NULL;
	key = full_key(f, key);
	if (!key || attr_add_bytes(f->layer, f->node, key, type, cause, place_behind(f, len), data,
				   shown) < 0)
		f->nomem = true;
	return data;
}

const uint8_t *field_bytes(struct field *f, const char *key, size_t len, enum rimg_cause cause)
{
	const uint8_t *data = rd_bytes(&f->rd, len);

	return add_bytes(f, key, ATTR_BYTES, cause, data, len, len);
}

const uint8_t *field_text(struct field *f, const char *key, size_t len, enum rimg_cause cause)
{
	const uint8_t *data = rd_bytes(&f->rd, len);
	size_t shown = len;

	while (data && shown > 0 && (data[shown - 1] == '\0' || data[shown - 1] == ' '))
		shown--;
	return add_bytes(f, key, ATTR_TEXT, cause, data, shown, len);
}

void field_uuid(struct field *f, const char *key, enum rimg_cause cause, uint8_t ret[16])
{
	uint8_t uuid[16];

	rd_copy(&f->rd, uuid, sizeof(uuid));
	if (!f->rd.failed)
		add_bytes(f, key, ATTR_UUID, cause, uuid, sizeof(uuid), sizeof(uuid));
	if (ret)
		memcpy(ret, uuid, sizeof(uuid));
}

void field_guid(struct field *f, const char *key, enum rimg_cause cause, uint8_t ret[16])
{
	/* where each byte of the text form lies on disk: three little-endian groups, then bytes */
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	uint8_t disk[16], text[16];

	rd_copy(&f->rd, disk, sizeof(disk));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = disk[order[i]];
	if (!f->rd.failed)
		add_bytes(f, key, ATTR_UUID, cause, text, sizeof(text), sizeof(text));
	if (ret)
		memcpy(ret, text, sizeof(text));
}

void field_time(struct field *f, const char *key)
{
	uint64_t s = rd_le64(&f->rd);
	uint32_t ns = rd_le32(&f->rd);

	if (f->rd.failed)
		return;
	key = full_key(f, key);
	if (!key || attr_add_time(f->layer, f->node, key, place_behind(f, 12), (int64_t)s, ns) < 0)
		f->nomem = true;
}

void field_raw(struct field *f, const char *key, size_t len, enum rimg_cause cause)
{
	if (!rd_bytes(&f->rd, len))
		return;
	key = full_key(f, key);
	if (!key || attr_add_raw(f->layer, f->node, key, cause, place_behind(f, len)) < 0)
		f->nomem = true;
}

void field_zero(struct field *f, const char *key, size_t len, const char *code)
{
	uint64_t off = rd_where(&f->rd);
	const uint8_t *data = rd_bytes(&f->rd, len);

	if (!data)
		return;
	for (size_t i = 0; i < len; i++) {
		if (data[i] == 0)
			continue;
		layer_finding(f->layer, SEVERITY_WARNING, code, f->node, off + i, 1,
			      "expected zeros in \"%s\", found 0x%02x", key, data[i]);
		break;
	}
	key = full_key(f, key);
	if (!key ||
	    attr_add_raw(f->layer, f->node, key, RIMG_CAUSE_PADDING, place_behind(f, len)) < 0)
		f->nomem = true;
}
