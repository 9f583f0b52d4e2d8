/* SPDX-License-Identifier: MIT */
#ifndef CORE_FIELD_H
#define CORE_FIELD_H

#include "core/layer.h"

/* Fields: each call reads the next bytes, gives them a name, remembers their place and says what a
 * difference in them would mean. A parser written with these looks like the table of the format's
 * document. All of them return 0 or zeros once the cursor has failed; running out of memory sets
 * `nomem`. Check both with field_end(). */

struct field {
	struct rimg_layer *layer;
	struct rimg_node *node;
	struct rd rd;
	const char *prefix; /* put before every key ("backup."), or NULL; must be static */
	bool nomem;
};

/** field_begin - read fields of @node from @data, whose first byte is at @off of the layer */
struct field field_begin(struct rimg_layer *l, struct rimg_node *node, const void *data, size_t len,
			 uint64_t off);

/** field_end - 0, -RIMG_E_TRUNCATED when the fields did not fit, -RIMG_E_NOMEM */
int field_end(const struct field *f);

uint8_t field_u8(struct field *f, const char *key, enum rimg_cause cause);
uint16_t field_le16(struct field *f, const char *key, enum rimg_cause cause);
uint32_t field_le32(struct field *f, const char *key, enum rimg_cause cause);
uint64_t field_le64(struct field *f, const char *key, enum rimg_cause cause);

/* the same, shown in hexadecimal */
uint8_t field_hex8(struct field *f, const char *key, enum rimg_cause cause);
uint16_t field_hex16(struct field *f, const char *key, enum rimg_cause cause);
uint32_t field_hex32(struct field *f, const char *key, enum rimg_cause cause);
uint64_t field_hex64(struct field *f, const char *key, enum rimg_cause cause);

/* numbers in the cursor's byte order (rd.big) */
uint16_t field_u16(struct field *f, const char *key, enum rimg_cause cause);
uint32_t field_u32(struct field *f, const char *key, enum rimg_cause cause);
uint64_t field_u64(struct field *f, const char *key, enum rimg_cause cause);

/** field_bytes - @len bytes as they are; returns them, or NULL */
const uint8_t *field_bytes(struct field *f, const char *key, size_t len, enum rimg_cause cause);

/** field_text - @len bytes of text without the trailing NULs or spaces */
const uint8_t *field_text(struct field *f, const char *key, size_t len, enum rimg_cause cause);

/** field_guid - 16 bytes, the first three groups little-endian (GPT); ret may be NULL */
void field_guid(struct field *f, const char *key, enum rimg_cause cause, uint8_t ret[16]);

/** field_uuid - 16 bytes in text order (RedoxFS) */
void field_uuid(struct field *f, const char *key, enum rimg_cause cause, uint8_t ret[16]);

/** field_time - u64 seconds and u32 nanoseconds, little-endian */
void field_time(struct field *f, const char *key);

/** field_raw - skip @len bytes that are compared but have no value of their own */
void field_raw(struct field *f, const char *key, size_t len, enum rimg_cause cause);

/** field_zero - @len bytes that must be zero; if not, warning @code is recorded */
void field_zero(struct field *f, const char *key, size_t len, const char *code);

/* ---- attributes without a cursor ----------------------------------------------------------- */

/** attr_add - add an attribute whose value the caller sets; NULL without memory */
struct rimg_attr *attr_add(struct rimg_layer *l, struct rimg_node *node, const char *key,
			   enum attr_type type, enum rimg_cause cause, struct place place);

/** attr_add_u64 - a number of any numeric type; 0 or -RIMG_E_NOMEM */
int attr_add_u64(struct rimg_layer *l, struct rimg_node *node, const char *key, enum attr_type type,
		 enum rimg_cause cause, struct place place, uint64_t value);

/**
 * attr_add_bytes - text or bytes, copied; 0 or -RIMG_E_NOMEM
 *
 * What is longer than limits.attr_bytes is cut, which is warning `layer.attr-cut`.
 */
int attr_add_bytes(struct rimg_layer *l, struct rimg_node *node, const char *key,
		   enum attr_type type, enum rimg_cause cause, struct place place, const void *data,
		   size_t len);

/** attr_add_time - seconds and nanoseconds since 1970 UTC; 0 or -RIMG_E_NOMEM */
int attr_add_time(struct rimg_layer *l, struct rimg_node *node, const char *key, struct place place,
		  int64_t s, uint32_t ns);

/** attr_add_raw - bytes that count only by themselves; 0 or -RIMG_E_NOMEM */
int attr_add_raw(struct rimg_layer *l, struct rimg_node *node, const char *key,
		 enum rimg_cause cause, struct place place);

#define PLACE_NONE ((struct place){ 0 })
#define PLACE(off_, len_) \
	((struct place){ .off = (off_), .len = (len_), .stride = (len_), .count = 1 })
#define PLACES(o_, l_, s_, n_) \
	((struct place){ .off = (o_), .len = (l_), .stride = (s_), .count = (n_) })

#endif
