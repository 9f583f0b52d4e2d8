/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/num.h"
#include "formats/gaps.h"

/* An archive of ar, as static libraries are.
 *
 *     "!<arch>\n"
 *     member header of 60 bytes, all text: name, time, uid, gid, mode, size, "`\n"
 *     its bytes, and a "\n" where these are odd in number
 *     the next member ...
 *
 * Long names: GNU keeps them in a member "//", and "/12" is the one at byte 12 of it; BSD puts them
 * before the bytes of the member, and "#1/20" says that they are 20. Members "/", "/SYM64/" and
 * "__.SYMDEF" are tables of symbols for the linker. Facts: docs/formats/ar.md. */

#define AR_MAGIC      "!<arch>\n"
#define AR_THIN       "!<thin>\n"
#define AR_MAGIC_LEN  8
#define AR_HEADER_LEN 60
#define AR_END        "`\n"

#define MAX_MEMBERS (1 << 20)
#define MAX_STRINGS ((uint64_t)16 << 20) /* bytes of a table of long names */
#define MAX_NAME    4096

struct ar_file {
	struct rimg_layer *l;
	uint64_t size;
	uint8_t *strings; /* of the member "//"; NULL: none so far */
	size_t strings_len;
	uint64_t names_left; /* bytes of long names that may still be copied */
	uint64_t n_members;
	const char *names; /* "GNU", "BSD": how long names are kept, once seen */
};

/* a member header, taken apart */
struct member {
	uint64_t off;      /* of the header */
	uint64_t data_off; /* of its bytes, behind a BSD name */
	uint64_t data_len;
	uint8_t raw[AR_HEADER_LEN];
	size_t stored_len; /* of the name field without trailing spaces */
	uint64_t name_off; /* of a BSD name; its length is data_off - name_off */
	char name[MAX_NAME];
	size_t name_len;
	bool special; /* a table of names or symbols */
};

enum field_pos {
	NAME_POS = 0,
	TIME_POS = 16,
	UID_POS = 28,
	GID_POS = 34,
	MODE_POS = 40,
	SIZE_POS = 48
};

static int probe(const struct rimg_probe *p)
{
	if (p->head_len < AR_MAGIC_LEN)
		return 0;
	return memcmp(p->head, AR_MAGIC, AR_MAGIC_LEN) == 0 ||
			       memcmp(p->head, AR_THIN, AR_MAGIC_LEN) == 0
		       ? 90
		       : 0;
}

/* ---- text fields -------------------------------------------------------------------------- */

static size_t trimmed(const uint8_t *text, size_t len)
{
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return len;
}

/* A number in text, spaces behind it. Fields hold at most 16 digits, so it can't wrap. Returns
 * false when there is none, or something else. */
static bool parse_number(const uint8_t *text, size_t len, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;

	len = trimmed(text, len);
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] >= '0' + base)
			return false;
		value = value * base + text[i] - '0';
	}
	*ret = value;
	return true;
}

static bool is_blank(const uint8_t *text, size_t len)
{
	return trimmed(text, len) == 0;
}

/* A number of the header as an attribute. Tables leave theirs blank. */
static int number_attr(struct ar_file *f, struct rimg_node *node, const struct member *m,
		       const char *key, enum field_pos pos, size_t len, unsigned base)
{
	struct place place = PLACE(m->off + pos, (uint32_t)len);
	uint64_t value;

	if (!parse_number(m->raw + pos, len, base, &value)) {
		if (!m->special || !is_blank(m->raw + pos, len))
			layer_finding(f->l, SEVERITY_ERROR, "ar.field", node, m->off + pos, len,
				      "expected a number as %s, found other characters", key);
		return attr_add_bytes(f->l, node, key, ATTR_TEXT, RIMG_CAUSE_CONTENT, place,
				      m->raw + pos, trimmed(m->raw + pos, len));
	}
	if (pos == TIME_POS)
		return attr_add_time(f->l, node, key, place, (int64_t)value, 0);
	if (pos == MODE_POS)
		return attr_add_u64(f->l, node, key, ATTR_OCTAL, RIMG_CAUSE_CONTENT, place,
				    value & 07777);
	return attr_add_u64(f->l, node, key, ATTR_U64, RIMG_CAUSE_CONTENT, place, value);
}

/* ---- names -------------------------------------------------------------------------------- */

static bool stored_is(const struct member *m, const char *text)
{
	return m->stored_len == strlen(text) && memcmp(m->raw, text, m->stored_len) == 0;
}

static void set_name(struct member *m, const void *name, size_t len)
{
	m->name_len = num_min_size(len, sizeof(m->name));
	memcpy(m->name, name, m->name_len);
}

/* "/12": in the member "//", up to "/\n", or NUL in Microsoft's libraries. */
static bool gnu_long_name(struct ar_file *f, struct member *m)
{
	struct rd all = rd_init(f->strings, f->strings_len, 0);
	struct rd r;
	uint64_t off;
	size_t len = 0;

	if (!parse_number(m->raw + 1, m->stored_len - 1, 10, &off) || off >= f->strings_len)
		return false;
	r = rd_sub(&all, off, num_min(f->strings_len - off, num_min(MAX_NAME, f->names_left)));
	while (len < r.len && r.data[len] != '\n' && r.data[len] != '\0')
		len++;
	f->names_left -= len;
	if (len == r.len || len == 0)
		return false;
	if (r.data[len] == '\n' && r.data[len - 1] == '/')
		len--;
	set_name(m, r.data, len);
	f->names = "GNU";
	return m->name_len > 0;
}

/* "#1/20": the first 20 bytes of the member. */
static int bsd_long_name(struct ar_file *f, struct member *m, bool *ret_ok, struct rimg_error *err)
{
	uint64_t len;
	int rc;

	*ret_ok = false;
	if (!parse_number(m->raw + 3, m->stored_len - 3, 10, &len) || len == 0 ||
	    len > m->data_len || len > MAX_NAME || len > f->names_left)
		return 0;
	rc = layer_read(f->l, m->data_off, m->name, (size_t)len, err);
	if (rc < 0)
		return rc == -RIMG_E_TRUNCATED ? 0 : rc;
	f->names_left -= len;
	m->name_off = m->data_off;
	m->data_off += len;
	m->data_len -= len;
	m->name_len = strnlen(m->name, (size_t)len);
	f->names = "BSD";
	*ret_ok = m->name_len > 0;
	return 0;
}

static int read_name(struct ar_file *f, struct member *m, bool *ret_ok, struct rimg_error *err)
{
	size_t len = m->stored_len;

	*ret_ok = true;
	if (stored_is(m, "//")) {
		set_name(m, "long names", 10);
		m->special = true;
		f->names = "GNU";
		return 0;
	}
	if (stored_is(m, "/") || stored_is(m, "/SYM64/")) {
		set_name(m, "symbol table", 12);
		m->special = true;
		return 0;
	}
	if (len > 3 && memcmp(m->raw, "#1/", 3) == 0)
		return bsd_long_name(f, m, ret_ok, err);
	if (len > 1 && m->raw[0] == '/' && m->raw[1] >= '0' && m->raw[1] <= '9') {
		*ret_ok = gnu_long_name(f, m);
		return 0;
	}
	if (len > 1 && m->raw[len - 1] == '/')
		len--;
	set_name(m, m->raw, len);
	*ret_ok = len > 0;
	return 0;
}

static bool is_bsd_symbols(const struct member *m)
{
	return m->name_len >= 9 && memcmp(m->name, "__.SYMDEF", 9) == 0;
}

/* ---- members ------------------------------------------------------------------------------ */

static int read_strings(struct ar_file *f, const struct member *m, struct rimg_error *err)
{
	size_t len = (size_t)num_min(m->data_len, f->size - m->data_off);

	if (f->strings || len > MAX_STRINGS) {
		layer_finding(f->l, SEVERITY_ERROR, "ar.long-names", NULL, m->off, AR_HEADER_LEN,
			      "expected one table of long names of at most %" PRIu64
			      " bytes, found %s",
			      MAX_STRINGS, f->strings ? "a second one" : "a larger one");
		return 0;
	}
	f->strings = malloc(len + 1);
	if (!f->strings)
		return -RIMG_E_NOMEM;
	f->strings_len = len;
	return layer_read(f->l, m->data_off, f->strings, len, err);
}

/* The header's fields, in the order they are stored. */
static int add_attrs(struct ar_file *f, struct rimg_node *node, const struct member *m)
{
	bool is_place = m->raw[0] == '/' && m->stored_len > 1 && m->raw[1] != '/';
	int rc = attr_add_bytes(f->l, node, "stored_name", ATTR_TEXT,
				is_place ? RIMG_CAUSE_PLACEMENT : RIMG_CAUSE_CONTENT,
				PLACE(m->off, 16), m->raw, m->stored_len);

	if (rc == 0)
		rc = number_attr(f, node, m, "mtime", TIME_POS, 12, 10);
	if (rc == 0)
		rc = number_attr(f, node, m, "uid", UID_POS, 6, 10);
	if (rc == 0)
		rc = number_attr(f, node, m, "gid", GID_POS, 6, 10);
	if (rc == 0)
		rc = number_attr(f, node, m, "mode", MODE_POS, 8, 8);
	if (rc == 0)
		rc = attr_add_u64(f->l, node, "size", ATTR_U64, RIMG_CAUSE_CONTENT,
				  PLACE(m->off + SIZE_POS, 10), m->data_len);
	return rc;
}

static int claim_member(struct ar_file *f, struct rimg_node *node, const struct member *m)
{
	struct rimg_layer *l = f->l;
	int rc = layer_claim(l, node, m->off, AR_HEADER_LEN, "member header", RIMG_CAUSE_CONTENT);

	if (rc == 0 && m->name_off > 0)
		rc = layer_claim(l, node, m->name_off, m->data_off - m->name_off, "name",
				 RIMG_CAUSE_CONTENT);
	if (!num_in_range(m->data_off, m->data_len, f->size))
		layer_finding(l, SEVERITY_ERROR, "ar.member-range", node, m->off + SIZE_POS, 10,
			      "expected %" PRIu64 " bytes at %" PRIu64
			      ", found the end of the archive at %" PRIu64,
			      m->data_len, m->data_off, f->size);
	if (rc == 0)
		rc = layer_content_range(l, node, m->data_off, m->data_len);
	return rc;
}

/* A table starts with the number of symbols in it: big-endian for GNU; BSD stores a length. */
static int count_symbols(struct ar_file *f, struct rimg_node *node, const struct member *m,
			 struct rimg_error *err)
{
	size_t len = stored_is(m, "/SYM64/") ? 8 : 4;
	uint8_t raw[8];
	struct rd r = rd_init(raw, len, m->data_off);
	int rc;

	if (m->data_len < len)
		return 0;
	rc = layer_read(f->l, m->data_off, raw, len, err);
	if (rc < 0)
		return rc == -RIMG_E_TRUNCATED ? 0 : rc;
	return attr_add_u64(f->l, node, "symbols", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE,
			    rd_be(&r, len));
}

static struct rimg_node *member_node(struct ar_file *f, struct member *m, bool named)
{
	struct rimg_node *node;
	char number[40];

	if (m->special)
		return layer_node(f->l, f->l->root, RIMG_ROLE_META, m->name, m->name_len);
	if (named)
		return layer_node(f->l, f->l->root,
				  is_bsd_symbols(m) ? RIMG_ROLE_META : RIMG_ROLE_FILE, m->name,
				  m->name_len);
	snprintf(number, sizeof(number), "?member-%" PRIu64, f->n_members);
	node = layer_node(f->l, f->l->root, RIMG_ROLE_FILE, number, strlen(number));
	if (node)
		layer_finding(f->l, SEVERITY_ERROR, "ar.name", node, m->off, 16,
			      "expected the name of a member, found none where the header says");
	return node;
}

static int read_member(struct ar_file *f, struct member *m, struct rimg_error *err)
{
	struct rimg_node *node;
	bool named;
	int rc;

	m->stored_len = trimmed(m->raw, 16);
	rc = read_name(f, m, &named, err);
	if (rc < 0)
		return rc;
	node = member_node(f, m, named);
	if (!node)
		return -RIMG_E_NOMEM;
	rc = add_attrs(f, node, m);
	if (rc == 0)
		rc = claim_member(f, node, m);
	if (rc == 0 && stored_is(m, "//"))
		rc = read_strings(f, m, err);
	else if (rc == 0 && m->special)
		rc = count_symbols(f, node, m, err);
	return rc;
}

/* The "\n" behind a member of odd length. */
static int read_padding(struct ar_file *f, uint64_t off, struct rimg_node **padding,
			struct rimg_error *err)
{
	uint8_t byte;
	int rc = layer_read(f->l, off, &byte, 1, err);

	if (rc < 0)
		return rc;
	if (byte != '\n')
		layer_finding(f->l, SEVERITY_WARNING, "ar.padding", NULL, off, 1,
			      "expected a newline behind a member of odd length, found 0x%02x",
			      byte);
	return gaps_pad(f->l, padding, off, 1);
}

/* The header at @off. *ret_ok: false when no member can be read there, nor behind it. */
static int read_member_header(struct ar_file *f, uint64_t off, struct member *m, bool *ret_ok,
			      struct rimg_error *err)
{
	uint64_t size;
	int rc = layer_read(f->l, off, m->raw, sizeof(m->raw), err);

	*ret_ok = false;
	if (rc == -RIMG_E_TRUNCATED) {
		layer_finding(f->l, SEVERITY_ERROR, "ar.truncated", NULL, off, f->size - off,
			      "expected a member header of 60 bytes, found the end after %" PRIu64,
			      f->size - off);
		return 0;
	}
	if (rc < 0)
		return rc;
	if (memcmp(m->raw + AR_HEADER_LEN - 2, AR_END, 2) != 0 ||
	    !parse_number(m->raw + SIZE_POS, 10, 10, &size)) {
		layer_finding(f->l, SEVERITY_ERROR, "ar.header", NULL, off, AR_HEADER_LEN,
			      "expected a member header with a size and \"`\\n\" at its end, "
			      "found other bytes");
		return 0;
	}
	m->off = off;
	m->data_off = off + AR_HEADER_LEN;
	m->data_len = size;
	*ret_ok = true;
	return 0;
}

static int read_members(struct ar_file *f, struct rimg_error *err)
{
	auto_free struct member *m = malloc(sizeof(*m));
	struct rimg_node *padding = NULL;
	uint64_t off = AR_MAGIC_LEN;

	if (!m)
		return -RIMG_E_NOMEM;
	for (; off < f->size && f->n_members < MAX_MEMBERS; f->n_members++) {
		uint64_t next;
		bool ok;
		int rc;

		*m = (struct member){ 0 };
		rc = read_member_header(f, off, m, &ok, err);
		if (rc < 0 || !ok)
			return rc;
		next = m->data_off + m->data_len;
		rc = read_member(f, m, err);
		if (rc == 0 && next % 2 && next < f->size)
			rc = read_padding(f, next, &padding, err);
		if (rc < 0)
			return rc;
		off = next + next % 2;
	}
	if (off < f->size)
		layer_finding(f->l, SEVERITY_ERROR, "ar.member-count", NULL, off, f->size - off,
			      "expected at most %d members, found more", MAX_MEMBERS);
	return 0;
}

/* ---- opening ------------------------------------------------------------------------------ */

static void done(struct ar_file *f)
{
	free(f->strings);
}

static int describe(struct ar_file *f)
{
	struct rimg_layer *l = f->l;
	int rc = attr_add_bytes(l, l->root, "magic", ATTR_TEXT, RIMG_CAUSE_CONTENT,
				PLACE(0, AR_MAGIC_LEN), AR_MAGIC, AR_MAGIC_LEN - 1);

	if (rc == 0)
		rc = layer_claim(l, l->root, 0, AR_MAGIC_LEN, "magic", RIMG_CAUSE_CONTENT);
	if (rc == 0)
		rc = attr_add_u64(l, l->root, "members", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE,
				  f->n_members);
	if (rc == 0 && f->names)
		rc = attr_add_bytes(l, l->root, "long_names", ATTR_TEXT, RIMG_CAUSE_CONTENT,
				    PLACE_NONE, f->names, strlen(f->names));
	return rc;
}

/**
 * open_ar - read the headers of all members
 *
 * Offsets are bytes from the start of the archive, times seconds since 1970 UTC.
 * Facts: docs/formats/ar.md.
 */
static int open_ar(struct rimg_layer *l, struct rimg_error *err)
{
	auto_with(done) struct ar_file f = { .l = l, .size = rimg_source_size(l->src) };
	uint8_t magic[AR_MAGIC_LEN];
	int rc = layer_read(l, 0, magic, sizeof(magic), err);

	if (rc < 0)
		return rc;
	if (memcmp(magic, AR_THIN, AR_MAGIC_LEN) == 0) {
		layer_finding(l, SEVERITY_ERROR, "ar.thin", NULL, 0, AR_MAGIC_LEN,
			      "expected an archive that holds its members, found a thin one, which "
			      "only names files elsewhere: not supported");
		l->unreadable = true;
		return 0;
	}
	f.names_left = 4 * f.size + (1 << 20);
	rc = read_members(&f, err);
	return rc < 0 ? rc : describe(&f);
}

RIMG_FORMAT(ar) = {
	.name = "ar",
	.facts = "docs/formats/ar.md",
	.probe = probe,
	.open = open_ar,
};
