/* SPDX-License-Identifier: MIT */
#include "verify/check_rules.h"

#include <string.h>

#include "core/emit.h"
#include "core/num.h"

static bool is_in(const char *const *codes, size_t n, const char *code)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(codes[i], code) == 0)
			return true;
	}
	return false;
}

bool check_is_written(const struct rimg_layer *l)
{
	const char *name = layer_format_name(l);

	/* a partition table is written by functions of its own: it holds no tree */
	return emitter_find(name) != NULL || strcmp(name, "gpt") == 0;
}

enum severity check_severity(const struct rimg_layer *l, const struct finding *f, bool strict)
{
	/* warnings of readers that break a rule of the format, and that upstream never makes */
	static const char *const breaches[] = {
		"redoxfs.name",
		"redoxfs.padding",
	};
	/* about what was put in, not about how it is laid out */
	static const char *const about_content[] = {
		"boot.initfs",         "boot.kernel",      "boot.loader",      "boot.partitions",
		"initfs.init-missing", "initfs.init-mode", "initfs.name-utf8", "layer.ambiguous",
		"layer.attr-cut",      "layer.only-magic",
	};

	if (strcmp(f->code, "pkgar.head") == 0 && l->depth > 1)
		return SEVERITY_WARNING; /* how installed packages are recorded */
	if (f->severity == SEVERITY_ERROR || is_in(breaches, ARRAY_LEN(breaches), f->code))
		return SEVERITY_ERROR;
	if (strict && check_is_written(l) &&
	    !is_in(about_content, ARRAY_LEN(about_content), f->code))
		return SEVERITY_ERROR;
	return SEVERITY_WARNING;
}

static bool has_finding(const struct rimg_layer *l, const char *code)
{
	for (size_t i = 0; i < l->n_findings; i++) {
		if (strcmp(l->findings[i].code, code) == 0)
			return true;
	}
	return false;
}

/* Facts: docs/formats/elf.md, "ELF header": class 1 or 2, byte order 1 or 2, version 1. */
static bool ident_is_nonsense(const struct rimg_layer *l)
{
	uint8_t ident[7];
	unsigned wrong;

	if (rimg_source_size(l->src) < sizeof(ident) ||
	    rimg_source_read(l->src, 0, ident, sizeof(ident), NULL) < 0)
		return false;
	wrong = (unsigned)(ident[4] != 1 && ident[4] != 2) +
		(unsigned)(ident[5] != 1 && ident[5] != 2) + (unsigned)(ident[6] != 1);
	return wrong >= 2;
}

bool check_only_magic(const struct rimg_layer *l)
{
	if (!l->unreadable)
		return false;
	if (has_finding(l, "elf.ident"))
		return ident_is_nonsense(l);
	return has_finding(l, "initfs.table") && has_finding(l, "initfs.size") &&
	       has_finding(l, "initfs.page-size");
}

bool check_leaves_open(const char *code)
{
	static const char *const open[] = {
		"ar.member-count",  "ar.thin",         "elf.symbol-count",     "elf.too-big",
		"fat.depth",        "fat.limit",       "gpt.entry-count",      "initfs.depth",
		"layer.limit",      "pkgar.depth",     "pkgar.limit",          "pkgar.packaging",
		"pkgar.too-large",  "pkgar.version",   "redoxfs.alloc-length", "redoxfs.dir-depth",
		"redoxfs.password", "redoxfs.version",
	};

	return is_in(open, ARRAY_LEN(open), code);
}
