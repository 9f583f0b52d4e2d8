/* SPDX-License-Identifier: MIT */
#include "audit/prebuilt.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/str.h"

struct entry {
	uint8_t sha256[SHA256_LEN];
	bool is_file;
	uint8_t cls;
	const char *file; /* shared by the entries of one artifact */
	const char *symbol;
	const char *name; /* both, made when it is finished */
};

struct prebuilt {
	struct arena arena;
	struct entry *entries;
	size_t n, cap;
};

struct prebuilt *prebuilt_new(void)
{
	struct prebuilt *p = calloc(1, sizeof(*p));

	if (p)
		arena_init(&p->arena, 0);
	return p;
}

void prebuilt_free(struct prebuilt *p)
{
	if (!p)
		return;
	arena_done(&p->arena);
	free(p->entries);
	free(p);
}

static struct entry *add(struct prebuilt *p)
{
	struct entry *grown =
		p->n < UINT32_MAX ? vec_grow(p->entries, &p->cap, p->n, sizeof(*grown)) : NULL;

	if (!grown)
		return NULL;
	p->entries = grown;
	grown[p->n] = (struct entry){ 0 };
	return &grown[p->n++];
}

/* What a function is that is known not to be Cranelift's. */
static enum code_class class_of(const struct audit_artifact *a, enum code_class own)
{
	if (own == CODE_LLVM || own == CODE_GCC || own == CODE_FOREIGN || own == CODE_ASM)
		return own;
	if (a->verdict == AUDIT_LLVM)
		return CODE_LLVM;
	return a->verdict == AUDIT_GCC ? CODE_GCC : CODE_FOREIGN;
}

static int add_functions(struct prebuilt *p, const struct audit_artifact *a, const char *file,
			 struct rimg_error *err)
{
	for (size_t i = 0; a->object && i < a->object->n_pieces; i++) {
		const struct code_piece *piece = &a->object->pieces[i];
		struct entry *e;
		int rc;

		if (piece->len < PREBUILT_MIN || piece->cls == CODE_PAD)
			continue;
		e = add(p);
		if (!e)
			return error_nomem(err);
		e->cls = (uint8_t)class_of(a, piece->cls);
		e->file = file;
		if (piece->symbol)
			e->symbol = arena_copy(&p->arena, piece->symbol, strlen(piece->symbol));
		rc = code_piece_digest(a->content, a->object->arch, piece, e->sha256, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static const char *join_names(struct prebuilt *p, const char *name, const char *path)
{
	auto_str struct str s = { 0 };

	str_add_escaped(&s, name, strlen(name), STR_ESCAPE_STEP);
	str_printf(&s, "%s%s", path[0] ? "::" : "", path);
	return s.failed ? NULL : arena_copy(&p->arena, str_cstr(&s), s.len);
}

int prebuilt_add(struct prebuilt *p, const struct audit_report *report, const char *name,
		 struct rimg_error *err)
{
	for (size_t i = 0; i < report->n_artifacts; i++) {
		const struct audit_artifact *a = &report->artifacts[i];
		const char *file = join_names(p, name, a->paths[0]);
		struct entry *e = file ? add(p) : NULL;
		int rc;

		if (!e)
			return error_nomem(err);
		e->is_file = true;
		e->file = file;
		e->cls = (uint8_t)class_of(a, CODE_UNKNOWN);
		memcpy(e->sha256, a->sha256, SHA256_LEN);
		rc = add_functions(p, a, file, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* One function may be in many files, and a file there many times: the first by name is told. */
static int compare(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int order = memcmp(a->sha256, b->sha256, SHA256_LEN);

	if (order == 0)
		order = (int)b->is_file - (int)a->is_file;
	if (order == 0)
		order = strcmp(a->name, b->name);
	return order ? order : (a->cls > b->cls) - (a->cls < b->cls);
}

static void name_entry(struct prebuilt *p, struct entry *e)
{
	auto_str struct str s = { 0 };

	str_add(&s, e->file);
	if (e->symbol) {
		str_add(&s, ": ");
		str_add_escaped(&s, e->symbol, strlen(e->symbol), STR_ESCAPE_TEXT);
	}
	e->name = s.failed ? NULL : arena_copy(&p->arena, str_cstr(&s), s.len);
	if (!e->name)
		e->name = e->file;
}

void prebuilt_finish(struct prebuilt *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		name_entry(p, &p->entries[i]);
	if (p->n > 0)
		qsort(p->entries, p->n, sizeof(*p->entries), compare);
	for (size_t i = 0; i < p->n; i++)
		if (i == 0 || p->entries[i].is_file != p->entries[n - 1].is_file ||
		    memcmp(p->entries[i].sha256, p->entries[n - 1].sha256, SHA256_LEN) != 0)
			p->entries[n++] = p->entries[i];
	p->n = n;
}

static uint32_t find(const struct prebuilt *p, const uint8_t sha256[SHA256_LEN], bool is_file)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = memcmp(p->entries[mid].sha256, sha256, SHA256_LEN);

		if (order == 0)
			order = (int)is_file - (int)p->entries[mid].is_file;
		if (order == 0)
			return (uint32_t)(mid + 1);
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return 0;
}

uint32_t prebuilt_file(const struct prebuilt *p, const uint8_t sha256[SHA256_LEN])
{
	return find(p, sha256, true);
}

uint32_t prebuilt_function(const struct prebuilt *p, const uint8_t sha256[SHA256_LEN],
			   enum code_class *ret_cls)
{
	uint32_t entry = find(p, sha256, false);

	if (entry > 0)
		*ret_cls = p->entries[entry - 1].cls;
	return entry;
}

const char *prebuilt_name(const struct prebuilt *p, uint32_t entry)
{
	return p->entries[entry - 1].name;
}

size_t prebuilt_count(const struct prebuilt *p)
{
	return p->n;
}
