/* SPDX-License-Identifier: MIT */
#ifndef CODE_TEST_H
#define CODE_TEST_H

/* What the tests of code have in common: a folder for what they assemble, and a way to look at
 * objects by address. */

#include "test.h"

#include "audit/code.h"
#include "core/num.h"

#include "temp.h"

/** struct examined - an object with what it was made of */
struct examined {
	struct rimg_ctx *ctx;
	uint8_t *data;
	size_t len;
	struct rimg_source *source;
	struct code_object *object;
};

/** examine_bytes - takes over @data, which is malloc'ed */
static inline struct examined examine_bytes(uint8_t *data, size_t len)
{
	struct examined e = { .ctx = rimg_ctx_new(NULL, 1), .data = data, .len = len };
	struct rimg_error err;
	uint64_t total = 0, end = 0;

	assert_non_null(e.ctx);
	e.source = rimg_source_open_memory(data, len, "test");
	assert_non_null(e.source);
	if (code_examine(e.ctx, e.source, &e.object, &err) < 0)
		test_fail_error("examine", &err);
	assert_non_null(e.object);
	/* each byte of code in one piece */
	for (size_t i = 0; i < e.object->n_pieces; i++) {
		const struct code_piece *p = &e.object->pieces[i];

		assert_true(p->len > 0 && p->off >= end && p->len <= len - p->off);
		end = p->off + p->len;
		total += p->len;
	}
	assert_int_equal(total, e.object->code_bytes);
	return e;
}

static inline struct examined examine_file(const char *path)
{
	size_t len;
	uint8_t *data = test_load(path, &len);

	return examine_bytes(data, len);
}

static inline void examined_done(struct examined *e)
{
	code_object_free(e->object);
	rimg_source_free(e->source);
	rimg_ctx_free(e->ctx);
	free(e->data);
}

static inline const struct code_piece *piece_at(const struct examined *e, uint64_t addr)
{
	for (size_t i = 0; i < e->object->n_pieces; i++) {
		const struct code_piece *p = &e->object->pieces[i];

		if (addr >= p->addr && addr - p->addr < p->len)
			return p;
	}
	return NULL;
}

/** evidence_text - names of evidence, in the order of the rules, with blanks between */
static inline const char *evidence_text(uint64_t bits)
{
	static char text[2048];
	size_t len = 0;

	text[0] = 0;
	for (unsigned i = 0; i < 64; i++) {
		if (bits >> i & 1)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
						len ? " " : "", code_rule_name(i));
	}
	return text;
}

static inline bool has_rule(const struct code_piece *p, const char *name)
{
	for (unsigned i = 0; i < 64; i++) {
		if ((p->evidence >> i & 1) && strcmp(code_rule_name(i), name) == 0)
			return true;
	}
	return false;
}

static inline bool has_reason(const struct examined *e, const char *part)
{
	for (size_t i = 0; i < e->object->n_reasons; i++) {
		if (strstr(e->object->reasons[i], part))
			return true;
	}
	return false;
}

static inline void print_pieces(const struct examined *e)
{
	for (size_t i = 0; i < e->object->n_pieces; i++) {
		const struct code_piece *p = &e->object->pieces[i];

		print_error("%llx +%llu %s %s: %s\n", (unsigned long long)p->addr,
			    (unsigned long long)p->len, code_class_name(p->cls),
			    p->symbol ? p->symbol : "-", evidence_text(p->evidence));
	}
	for (size_t i = 0; i < e->object->n_reasons; i++)
		print_error("reason: %s\n", e->object->reasons[i]);
}

#endif
