/* SPDX-License-Identifier: MIT */
#include "audit/code.h"

#include <stdlib.h>

#include "audit/code_file.h"
#include "core/cleanup.h"
#include "core/ctx.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"
#include "core/source.h"
#include "formats/pe.h"

/* Examination of one artifact: read it whole, find its code, cut it, judge the pieces. */

/* what is handed out, and what it lives in */
struct owned {
	struct code_object object;
	struct arena arena;
	struct code_piece *pieces;
	const char **notes, **reasons;
};

typedef void (*code_reader)(struct code_file *f);

static const char *const class_names[N_CODE_CLASSES] = {
	[CODE_CRANELIFT] = "cranelift", [CODE_LLVM] = "llvm", [CODE_GCC] = "gcc",
	[CODE_FOREIGN] = "foreign",     [CODE_ASM] = "asm",   [CODE_CONFLICT] = "conflict",
	[CODE_UNKNOWN] = "unknown",     [CODE_PAD] = "pad",
};

static const char *const arch_names[N_CODE_ARCHES] = {
	[CODE_A64] = "aarch64",
	[CODE_X86_64] = "x86_64",
	[CODE_RISCV64] = "riscv64",
	[CODE_OTHER] = "other",
};

const char *code_class_name(enum code_class cls)
{
	return (unsigned)cls < N_CODE_CLASSES ? class_names[cls] : "unknown";
}

const char *code_arch_name(enum code_arch arch)
{
	return (unsigned)arch < N_CODE_ARCHES ? arch_names[arch] : "other";
}

static void owned_free(struct owned *o)
{
	if (!o)
		return;
	free(o->pieces);
	free(o->notes);
	free(o->reasons);
	arena_done(&o->arena);
	free(o);
}

void code_object_free(struct code_object *object)
{
	owned_free((struct owned *)object); /* its first member */
}

static void cleanup_owned(struct owned **o)
{
	owned_free(*o);
}

/* ---- reasons ------------------------------------------------------------------------------- */

/* What is told of an oddity: "%llu" is how often, "0x%llx" where first. */
static const char *const odd_texts[N_CODE_ODDITIES] = {
	[ODD_REGION_CUT] = "code that the headers promise is not in the file",
	[ODD_REGION_OVERLAP] = "executable sections or segments overlap",
	[ODD_NO_SECTIONS] = "there are no section headers; segments say where code is",
	[ODD_BARE] = "executable segments have bytes that are in no executable section",
	[ODD_UNWIND_BAD] = "entries of the unwind table cannot be read",
	[ODD_UNWIND_ZERO] = "entries of the unwind table cover nothing",
	[ODD_UNWIND_STRAY] = "entries of the unwind table lie outside of code",
	[ODD_UNWIND_OVERLAP] = "entries of the unwind table overlap",
	[ODD_UNWIND_SEARCHED] = "nothing points to the unwind table; it was found by search",
	[ODD_UNWIND_SPLIT] = "section and segment name different unwind tables",
	[ODD_UNREACHED] =
		"entries of the unwind table cover code that their function does not reach",
	[ODD_MISALIGNED] = "code is not aligned to its instructions",
	[ODD_NO_FILE_BYTES] =
		"executable memory has no bytes in the file: it is filled at run time",
	[ODD_BAD_HEADERS] = "headers are damaged; what they do not place counts as unknown code",
	[ODD_ENTRY] = "the program begins outside of its code; all of it counts as code",
};

static bool add_reasons(struct owned *o, const struct code_file *f)
{
	size_t cap = 0;

	for (size_t i = 0; i < N_CODE_ODDITIES; i++) {
		const char **p;

		if (f->odd[i].count == 0)
			continue;
		p = vec_grow(o->reasons, &cap, o->object.n_reasons, sizeof(*p));
		if (!p)
			return false;
		o->reasons = p;
		p[o->object.n_reasons] = arena_printf(
			&o->arena, "%s (%llu, the first at byte 0x%llx)", odd_texts[i],
			(unsigned long long)f->odd[i].count, (unsigned long long)f->odd[i].off);
		if (!p[o->object.n_reasons++])
			return false;
	}
	return true;
}

/* ---- examination ----------------------------------------------------------------------------- */

/* bytes of names that order symbols of one place */
#define NAME_ORDER 64

static int by_name(const void *a, const void *b, void *data)
{
	const struct code_symbol *x = a, *y = b;
	size_t n = num_min(num_min(x->name_len, y->name_len), NAME_ORDER);
	int order;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	order = memcmp((const uint8_t *)data + x->name_off, (const uint8_t *)data + y->name_off, n);
	if (order != 0)
		return order;
	if (x->name_len != y->name_len)
		return x->name_len < y->name_len ? -1 : 1;
	return x->name_off < y->name_off ? -1 : x->name_off > y->name_off;
}

static void sort_symbols(struct code_file *f)
{
	union {
		const uint8_t *data;
		void *arg;
	} content = { f->data };

	if (f->n_symbols > 0)
		qsort_r(f->symbols, f->n_symbols, sizeof(*f->symbols), by_name, content.arg);
}

/* Regions are known: everything else. */
static void examine_regions(struct code_file *f)
{
	sort_symbols(f);
	code_unwind_done(f);
	switch (f->arch) {
	case CODE_A64: code_cut_a64(f); break;
	case CODE_X86_64: code_cut_x86(f); break;
	default: code_cut_other(f); break;
	}
}

static void file_done(struct code_file *f)
{
	free(f->regions);
	free(f->symbols);
	free(f->cies);
	free(f->fdes);
	free(f->maps);
	free(f->pieces);
	free(f->notes);
	free(f->flags);
	free(f->pending);
}

/* Moves what was found into the object that is handed out. */
static int publish(struct owned *o, struct code_file *f, struct code_object **ret,
		   struct rimg_error *err)
{
	struct code_object *object = &o->object;

	if (f->nomem || !add_reasons(o, f))
		return error_nomem(err);
	o->pieces = take_ptr(f->pieces);
	o->notes = take_ptr(f->notes);
	object->format = f->format;
	object->arch = f->arch;
	object->pieces = o->pieces;
	object->n_pieces = f->n_pieces;
	object->notes = o->notes;
	object->n_notes = f->n_notes;
	object->reasons = o->reasons;
	for (size_t i = 0; i < f->n_pieces; i++) {
		object->by_class[o->pieces[i].cls] += o->pieces[i].len;
		object->code_bytes += o->pieces[i].len;
	}
	*ret = object;
	return 0;
}

static int read_whole(struct rimg_ctx *ctx, const struct rimg_source *content, uint8_t **ret,
		      struct rimg_error *err)
{
	uint64_t size = rimg_source_size(content);

	if (size > ctx->limits.analysis_bytes || size > (uint64_t)UINT32_MAX)
		return error_set(
			err, RIMG_E_LIMIT, source_name(content),
			"%llu bytes are more than the %llu that are looked into whole" LIMIT_MORE(
				"content"),
			(unsigned long long)size, (unsigned long long)ctx->limits.analysis_bytes);
	*ret = malloc((size_t)size + 1);
	if (!*ret)
		return error_nomem(err);
	return rimg_source_read(content, 0, *ret, (size_t)size, err);
}

/* Runs @read and what follows over the bytes. */
static int examine(struct code_file *f, code_reader read, struct code_object **ret,
		   struct rimg_error *err)
{
	__attribute__((cleanup(cleanup_owned))) struct owned *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return error_nomem(err);
	arena_init(&o->arena, 0);
	f->arena = &o->arena;
	read(f);
	if (!f->nomem)
		examine_regions(f);
	rc = publish(o, f, ret, err);
	if (rc == 0)
		o = NULL;
	return rc;
}

static void read_raw(struct code_file *f)
{
	struct code_region *r = f->len == 0 ? NULL
					    : code_add(f, (void **)&f->regions, &f->cap_regions,
						       &f->n_regions, sizeof(*f->regions));
	struct code_map *m =
		!r ? NULL
		   : code_add(f, (void **)&f->maps, &f->cap_maps, &f->n_maps, sizeof(*f->maps));

	f->format = "raw";
	if (!m)
		return;
	*r = (struct code_region){ .len = f->len, .section = CODE_NONE };
	*m = (struct code_map){ 0, 0, f->len };
}

/* What reads the content, told by its first bytes; *ret is NULL when nothing does. */
static int reader_of(const struct rimg_source *content, code_reader *ret, struct rimg_error *err)
{
	uint8_t head[PE_DOS_LEN] = { 0 }, signature[PE_SIGNATURE_LEN];
	uint64_t size = rimg_source_size(content);
	size_t len = (size_t)num_min(size, sizeof(head));
	int rc = rimg_source_read(content, 0, head, len, err);
	uint32_t at;
	struct rd r;

	*ret = NULL;
	if (rc < 0)
		return rc;
	if (len >= 4 && memcmp(head, "\x7F\x45LF", 4) == 0)
		*ret = code_elf_read;
	if (len < sizeof(head) || memcmp(head, PE_DOS_MAGIC, 2) != 0)
		return 0;
	r = rd_init(head, len, 0);
	rd_seek(&r, PE_LFANEW_OFF);
	at = rd_le32(&r);
	if (!num_in_range(at, sizeof(signature), size))
		return 0;
	rc = rimg_source_read(content, at, signature, sizeof(signature), err);
	if (rc == 0 && memcmp(signature, PE_SIGNATURE, sizeof(signature)) == 0)
		*ret = code_pe_read;
	return rc;
}

int code_examine(struct rimg_ctx *ctx, const struct rimg_source *content, struct code_object **ret,
		 struct rimg_error *err)
{
	uint64_t size = rimg_source_size(content);
	auto_free uint8_t *data = NULL;
	struct code_file f = { 0 };
	code_reader reader;
	int rc = reader_of(content, &reader, err);

	*ret = NULL;
	if (rc < 0 || !reader)
		return rc;
	rc = read_whole(ctx, content, &data, err);
	if (rc < 0)
		return rc;
	f.data = data;
	f.len = (size_t)size;
	rc = examine(&f, reader, ret, err);
	file_done(&f);
	return rc;
}

int code_examine_raw(struct rimg_ctx *ctx, const struct rimg_source *content, enum code_arch arch,
		     struct code_object **ret, struct rimg_error *err)
{
	auto_free uint8_t *data = NULL;
	struct code_file f = { .arch = arch };
	int rc = read_whole(ctx, content, &data, err);

	*ret = NULL;
	if (rc < 0)
		return rc;
	f.data = data;
	f.len = (size_t)rimg_source_size(content);
	rc = examine(&f, read_raw, ret, err);
	file_done(&f);
	return rc;
}
