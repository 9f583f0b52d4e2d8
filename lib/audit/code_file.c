/* SPDX-License-Identifier: MIT */
#include "audit/code_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/num.h"

void *code_add(struct code_file *f, void **data, size_t *cap, size_t *n, size_t size)
{
	void *p = vec_grow(*data, cap, *n, size);
	uint8_t *element;

	if (!p) {
		f->nomem = true;
		return NULL;
	}
	*data = p;
	element = (uint8_t *)p + *n * size;
	memset(element, 0, size);
	(*n)++;
	return element;
}

void code_odd(struct code_file *f, enum code_oddity what, uint64_t off)
{
	if (f->odd[what].count++ == 0)
		f->odd[what].off = off;
}

void code_note(struct code_file *f, const char *fmt, ...)
{
	auto_str struct str s = { 0 };
	va_list args;
	char text[512];
	const char **to;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	str_add(&s, text);
	to = code_add(f, (void **)&f->notes, &f->cap_notes, &f->n_notes, sizeof(*f->notes));
	if (!to)
		return;
	*to = s.failed ? NULL : arena_copy(f->arena, s.data, s.len);
	if (!*to) {
		f->n_notes--;
		f->nomem = true;
	}
}

bool code_offset(const struct code_file *f, uint64_t addr, uint64_t *ret_off, uint64_t *ret_left)
{
	size_t lo = 0, hi = f->n_maps;

	while (lo < hi) { /* the last that begins at or before it */
		size_t mid = lo + (hi - lo) / 2;

		if (f->maps[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || addr - f->maps[lo - 1].addr >= f->maps[lo - 1].len)
		return false;
	*ret_off = f->maps[lo - 1].off + (addr - f->maps[lo - 1].addr);
	*ret_left = f->maps[lo - 1].len - (addr - f->maps[lo - 1].addr);
	return true;
}

bool code_address(const struct code_file *f, uint64_t off, uint64_t *ret)
{
	for (size_t i = 0; i < f->n_maps; i++) {
		const struct code_map *m = &f->maps[i];

		if (off >= m->off && off - m->off < m->len) {
			*ret = m->addr + (off - m->off);
			return true;
		}
	}
	return false;
}

size_t code_region_at(const struct code_file *f, uint64_t off)
{
	size_t lo = 0, hi = f->n_regions;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->regions[mid].off <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || off - f->regions[lo - 1].off >= f->regions[lo - 1].len)
		return CODE_NONE;
	return lo - 1;
}

/* ---- pieces -------------------------------------------------------------------------------- */

/* The name of offset @off, or NULL. */
static const char *symbol_at(struct code_file *f, uint64_t off)
{
	size_t lo = 0, hi = f->n_symbols;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->symbols[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == f->n_symbols || f->symbols[lo].off != off)
		return NULL;
	/* many symbols may share one long name */
	f->names_used += f->symbols[lo].name_len;
	if (f->names_used > f->len)
		return NULL;
	return arena_copy(f->arena, f->data + f->symbols[lo].name_off, f->symbols[lo].name_len);
}

void code_emit(struct code_file *f, const struct code_region *region, uint64_t off, uint64_t len,
	       enum code_class cls, uint64_t evidence)
{
	struct code_piece *last = f->n_pieces > 0 ? &f->pieces[f->n_pieces - 1] : NULL;
	struct code_piece *p;

	if (len == 0)
		return;
	/* runs of padding are one piece, whatever they consist of */
	if (last && cls == CODE_PAD && last->cls == CODE_PAD && last->off + last->len == off &&
	    off > region->off) {
		last->len += len;
		return;
	}
	p = code_add(f, (void **)&f->pieces, &f->cap_pieces, &f->n_pieces, sizeof(*f->pieces));
	if (!p)
		return;
	*p = (struct code_piece){ .off = off,
				  .addr = region->addr + (off - region->off),
				  .len = len,
				  .symbol = symbol_at(f, off),
				  .evidence = evidence,
				  .cls = (uint8_t)cls };
}

void code_cut_other(struct code_file *f)
{
	for (size_t i = 0; i < f->n_regions; i++)
		code_emit(f, &f->regions[i], f->regions[i].off, f->regions[i].len, CODE_UNKNOWN, 0);
}

/* ---- regions ------------------------------------------------------------------------------- */

void code_opaque_rest(struct code_file *f)
{
	struct code_region *old = f->regions;
	size_t n = f->n_regions;
	uint64_t end = 0;

	f->regions = NULL;
	f->n_regions = f->cap_regions = 0;
	for (size_t i = 0; i <= n && !f->nomem; i++) {
		uint64_t next = i < n ? old[i].off : f->len;
		struct code_region *r;

		if (next > end) {
			r = code_add(f, (void **)&f->regions, &f->cap_regions, &f->n_regions,
				     sizeof(*f->regions));
			if (r)
				*r = (struct code_region){ .off = end,
							   .addr = end,
							   .len = next - end,
							   .section = CODE_NONE,
							   .opaque = true };
		}
		r = i < n ? code_add(f, (void **)&f->regions, &f->cap_regions, &f->n_regions,
				     sizeof(*f->regions))
			  : NULL;
		if (r) {
			*r = old[i];
			end = old[i].off + old[i].len;
		}
	}
	free(old);
}

/* ---- notes of any container ------------------------------------------------------------------ */

/* Is a path of a compiler's own build, "/rustc/" and 40 hexadecimal digits, at @p? */
static bool is_rustc_path(const uint8_t *p, size_t left)
{
	if (left < 48 || memcmp(p, "/rustc/", 7) != 0)
		return false;
	for (size_t i = 7; i < 47; i++) {
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
			return false;
	}
	return p[47] == '/';
}

/* Facts: docs/audit.md, "The container": a prebuilt standard library names its commit, one that was
 * built with the program names the sources it was built from. */
void code_note_paths(struct code_file *f)
{
	static const char rebuilt[] = "rustlib/src/rust/library/";
	const uint8_t *p = f->data, *end = f->data + f->len;

	while ((p = memmem(p, (size_t)(end - p), "/rustc/", 7)) != NULL) {
		if (is_rustc_path(p, (size_t)(end - p))) {
			code_note(f, "paths %.47s/...: a standard library that was built elsewhere",
				  (const char *)p);
			break;
		}
		p++;
	}
	if (memmem(f->data, f->len, rebuilt, sizeof(rebuilt) - 1))
		code_note(f, "paths .../%s...: the standard library was built with the program",
			  rebuilt);
}
