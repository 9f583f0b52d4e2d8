/* SPDX-License-Identifier: MIT */
#include "audit/code_elf.h"

#include <elf.h>

#include "core/num.h"

/*
 * What a container says about its producers. It can be forged and stripped: it supports, and never
 * changes what a piece is. Facts: docs/audit.md, "The container".
 */

/* how many producers of .comment are told, and how long one may be */
#define PRODUCERS_MAX 16
#define PRODUCER_LEN  120
/* how many such sections are read, and how many bytes of one */
#define COMMENTS_MAX 8
#define COMMENT_LEN  (64 << 10)

static bool already_noted(const struct code_file *f, const char *text)
{
	for (size_t i = 0; i < f->n_notes; i++) {
		if (strcmp(f->notes[i], text) == 0)
			return true;
	}
	return false;
}

static void note_producer(struct code_file *f, const uint8_t *text, size_t len)
{
	auto_str struct str s = { 0 };

	str_add(&s, ".comment names ");
	str_add_escaped(&s, text, num_min(len, PRODUCER_LEN), STR_ESCAPE_TEXT);
	if (s.failed)
		f->nomem = true;
	else if (!already_noted(f, s.data))
		code_note(f, "%s", s.data);
}

/* .comment is a row of texts, each with its NUL. */
static void note_comment(struct code_file *f, const struct code_section *s)
{
	struct rd r = code_rd(f, s->off, num_min(s->have, COMMENT_LEN));
	size_t n = 0;

	while (rd_left(&r) > 0 && n < PRODUCERS_MAX) {
		size_t left = rd_left(&r);
		const uint8_t *text = rd_bytes(&r, left), *nul = memchr(text, 0, left);
		size_t len = nul ? (size_t)(nul - text) : left;

		if (len > 0) {
			note_producer(f, text, len);
			n++;
		}
		rd_seek(&r, r.pos - left + len + (nul != NULL));
	}
	if (rd_left(&r) > 0)
		code_note(f, ".comment names more producers than the %d that are told here",
			  PRODUCERS_MAX);
}

static const struct {
	const char *name, *note;
} telling[] = {
	{ ".llvm_addrsig", "section .llvm_addrsig: made by LLVM" },
	{ ".llvmbc", "section .llvmbc: made by LLVM" },
	{ ".gcc_except_table", "section .gcc_except_table: exception tables, made by LLVM or GCC" },
	{ ".text.subsection", "sections .text.subsection: rustc with its Cranelift backend names "
			      "the sections of objects so" },
	{ ".note.gnu.property",
	  "section .note.gnu.property: GCC, Clang or an assembler marked what the code may do" },
};

static void note_sections(struct code_elf *e)
{
	bool said[ARRAY_LEN(telling)] = { false };
	unsigned n_comments = 0;

	for (size_t i = 0; i < e->n_sections; i++) {
		const struct code_section *s = &e->sections[i];

		if (code_elf_name_is(e, s, ".comment") && s->have > 0 &&
		    n_comments++ < COMMENTS_MAX)
			note_comment(e->f, s);
		for (size_t k = 0; k < ARRAY_LEN(telling); k++) {
			if (said[k] || !code_elf_name_is(e, s, telling[k].name))
				continue;
			said[k] = true;
			code_note(e->f, "%s", telling[k].note);
		}
	}
}

void code_elf_notes(struct code_elf *e)
{
	note_sections(e);
	code_note_paths(e->f);
}
