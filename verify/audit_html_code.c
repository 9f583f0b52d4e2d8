/* SPDX-License-Identifier: MIT */
/* Artifacts and their code. All that is shown of an artifact is bounded, and what is left out is
 * counted: a page is for reading, --json --functions has everything. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/code_rules.h"
#include "audit/prebuilt.h"
#include "core/cleanup.h"
#include "core/disasm.h"
#include "core/error.h"
#include "core/num.h"
#include "core/rd.h"
#include "core/str.h"
#include "verify/audit_html.h"

#define PAGE_BYTES      ((uint64_t)8 << 20)   /* of all artifacts; then none begins */
#define ARTIFACT_BYTES  ((uint64_t)512 << 10) /* of the pieces of one; then none begins */
#define UNCOVERED_SHOWN 200U                  /* pieces that do not pass, of an artifact */
#define COVERED_SHOWN   20U                   /* and of those that do */
#define PATHS_SHOWN     50U
#define TEXTS_SHOWN     100U /* reasons, and lines of evidence */

#define READ_MAX     ((size_t)64 << 10) /* bytes of a piece that are looked at */
#define WORDS_SHOWN  24U                /* of a piece */
#define SAME_SHOWN   2U                 /* words of a piece for one rule */
#define BEGIN_SHOWN  2U                 /* words at the beginning, of whatever rule */
#define X86_SHOWN    8U                 /* instructions at the beginning */
#define N_RULE_BITS  64U
#define X86_INSN_MAX 15U

/** struct shown - the code of an artifact while it is shown */
struct shown {
	struct audit_page *p;
	const struct audit_artifact *a;
	struct code_matcher matcher;
	struct disasm *disasm;
	uint8_t *buf; /* READ_MAX bytes */
	uint64_t end; /* length of the page at which no further piece begins */
};

static void shown_done(struct shown *s)
{
	disasm_free(s->disasm);
	free(s->buf);
}

/* ---- rules ---------------------------------------------------------------------------------- */

static void put_rule_link(struct html *h, unsigned bit)
{
	html_open(h, "a");
	html_attr_fmt(h, "href", "#rule-%s", code_rule_name(bit));
	html_text(h, code_rule_name(bit));
	html_close(h);
}

static void put_rule_links(struct html *h, uint64_t bits)
{
	const char *comma = "";

	for (; bits; bits &= bits - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(bits);

		if (!code_rule_name(bit))
			continue;
		html_text(h, comma);
		put_rule_link(h, bit);
		comma = ", ";
	}
}

void audit_put_rules(struct html *h)
{
	html_open(h, "details");
	html_element(h, "summary", NULL, "What each rule says");
	html_open(h, "dl");
	for (unsigned bit = 0; bit < N_RULE_BITS && code_rule_name(bit); bit++) {
		html_open_class(h, "dt", "mono");
		html_attr_fmt(h, "id", "rule-%s", code_rule_name(bit));
		html_text(h, code_rule_name(bit));
		html_close(h);
		html_element(h, "dd", NULL, code_rule_note(bit));
	}
	html_close(h);
	html_close(h);
}

/* ---- words ---------------------------------------------------------------------------------- */

static void put_cell(struct html *h, const char *css, const char *text)
{
	html_element(h, "td", css, text);
}

/* One instruction: where, its bytes as one number, as text, the rules that take it. */
static void put_insn(struct shown *s, uint64_t addr, const uint8_t *code,
		     const struct disasm_text *text, uint64_t rules)
{
	struct html *h = &s->p->h;
	char number[2 * X86_INSN_MAX + 8] = "", *to = number;
	bool as_word = s->a->object->arch == CODE_A64;

	for (size_t i = 0; i < text->len && i <= X86_INSN_MAX; i++)
		to += snprintf(to, 3, "%02x", code[as_word ? text->len - 1 - i : i]);
	html_open(h, "tr");
	html_open(h, "td");
	html_fmt(h, "0x%" PRIx64, addr);
	html_close(h);
	put_cell(h, NULL, number);
	html_open(h, "td");
	html_fmt(h, "%s %s", text->mnemonic, text->operands);
	html_close(h);
	html_open(h, "td");
	put_rule_links(h, rules);
	html_close(h);
	html_close(h);
}

/** struct words - the words of a piece while they are looked through */
struct words {
	unsigned of_rule[N_RULE_BITS]; /* how many were shown */
	unsigned n_shown;
	uint64_t n_left; /* a rule takes them, and they are not shown */
};

/* Which of the piece's evidence a word gives. */
static uint64_t rules_of(const struct shown *s, const struct code_piece *piece, const uint8_t *code,
			 size_t left)
{
	struct rd r = rd_init(code, left, 0);
	uint32_t word = rd_le32(&r), next = left >= 8 ? rd_le32(&r) : 0;
	uint64_t bits = code_match(&s->matcher, word);

	if (left >= 8 && code_adrp_apart(word, next))
		bits |= code_rule_bit(RULE_ADRP_APART);
	return bits & piece->evidence;
}

static bool is_wanted(struct words *w, uint64_t bits)
{
	bool wanted = false;

	for (; bits; bits &= bits - 1)
		wanted |= w->of_rule[__builtin_ctzll(bits)]++ < SAME_SHOWN;
	return wanted && w->n_shown < WORDS_SHOWN;
}

static void put_a64(struct shown *s, const struct code_piece *piece, size_t len)
{
	size_t first = (size_t)(-piece->addr & 3);
	struct words w = { 0 };

	for (size_t at = first; at < len && len - at >= 4; at += 4) {
		uint64_t bits = rules_of(s, piece, s->buf + at, len - at);
		struct disasm_text text;

		if (at == first)
			bits |= piece->evidence & code_rule_bit(RULE_PROLOGUE);
		if (!is_wanted(&w, bits) && (at - first) / 4 >= BEGIN_SHOWN) {
			w.n_left += bits != 0;
			continue;
		}
		disasm_one(s->disasm, s->buf + at, 4, piece->addr + at, 4, &text);
		put_insn(s, piece->addr + at, s->buf + at, &text, bits);
		w.n_shown++;
	}
	if (w.n_left == 0)
		return;
	html_open(&s->p->h, "tr");
	html_open(&s->p->h, "td");
	html_attr(&s->p->h, "colspan", "4");
	html_count(&s->p->h, w.n_left, "more word");
	html_text(&s->p->h, " that these rules take");
	html_close(&s->p->h);
	html_close(&s->p->h);
}

/* No rule for x86-64 takes single instructions: the beginning is what they look at. */
static void put_x86(struct shown *s, const struct code_piece *piece, size_t len)
{
	size_t at = 0;

	for (unsigned i = 0; i < X86_SHOWN && at < len; i++) {
		struct disasm_text text;

		disasm_one(s->disasm, s->buf + at, len - at, piece->addr + at, 1, &text);
		put_insn(s, piece->addr + at, s->buf + at, &text, 0);
		at += text.len;
	}
}

static void put_words(struct shown *s, const struct code_piece *piece)
{
	struct html *h = &s->p->h;
	enum code_arch arch = s->a->object->arch;
	size_t len = piece->len < READ_MAX ? (size_t)piece->len : READ_MAX;
	struct rimg_error err;

	if (arch != CODE_A64 && arch != CODE_X86_64)
		return;
	if (rimg_source_read(s->a->content, piece->off, s->buf, len, &err) < 0) {
		html_open_class(h, "p", "note loud");
		html_fmt(h, "Could not be read again: %s", err.text);
		html_close(h);
		return;
	}
	html_open_class(h, "div", "scroll");
	html_open_class(h, "table", "code");
	if (arch == CODE_A64)
		put_a64(s, piece, len);
	else
		put_x86(s, piece, len);
	html_close(h);
	html_close(h);
	if (len < piece->len)
		html_element(h, "p", "note", "Only its beginning was looked through for this.");
}

/* ---- pieces --------------------------------------------------------------------------------- */

static void put_piece(struct shown *s, size_t i)
{
	struct html *h = &s->p->h;
	const struct code_piece *piece = &s->a->object->pieces[i];
	const struct audit_piece *judged = &s->a->pieces[i];
	bool declared = judged->standing == AUDIT_EXCEPTED;

	html_open_class(h, "details", "piece");
	html_open(h, "summary");
	html_open_class(h, "span", judged->standing >= AUDIT_UNCOVERED ? "tag bad" : "tag good");
	html_text(h, code_class_name(judged->cls));
	html_text(h, declared ? ", declared" : "");
	html_close(h);
	html_open_class(h, "span", "mono");
	html_fmt(h, " 0x%" PRIx64 " ", piece->addr);
	html_close(h);
	html_count(h, piece->len, "byte");
	html_text(h, " ");
	html_open_class(h, "b", "path");
	if (piece->symbol)
		html_bytes(h, piece->symbol, strlen(piece->symbol));
	html_close(h);
	html_close(h);
	html_open(h, "dl");
	for (uint64_t bits = piece->evidence; bits; bits &= bits - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(bits);

		if (!code_rule_name(bit))
			continue;
		html_open_class(h, "dt", "mono");
		put_rule_link(h, bit);
		html_close(h);
		html_element(h, "dd", NULL, code_rule_note(bit));
	}
	if (piece->evidence == 0)
		html_element(h, "dt", NULL, "no rule says anything");
	if (judged->origin > 0) {
		html_element(h, "dt", NULL, "prebuilt");
		html_element(h, "dd", "path", prebuilt_name(s->p->r->prebuilt, judged->origin));
	}
	html_close(h);
	put_words(s, piece);
	html_close(h);
}

/* The pieces of one standing, in the order of their addresses. */
static void put_standing(struct shown *s, enum audit_standing standing, unsigned *room,
			 uint64_t *ret_left, uint64_t *ret_left_bytes)
{
	for (size_t i = 0; i < s->a->object->n_pieces; i++) {
		const struct audit_piece *judged = &s->a->pieces[i];

		if (judged->standing != standing || judged->cls == CODE_PAD)
			continue;
		if (*room > 0 && s->p->h.len < s->end) {
			put_piece(s, i);
			--*room;
		} else {
			++*ret_left;
			*ret_left_bytes += s->a->object->pieces[i].len;
		}
	}
}

static void put_left(struct html *h, uint64_t n, uint64_t bytes, const char *what)
{
	if (n == 0)
		return;
	html_open_class(h, "p", "note loud");
	html_count(h, n, "more piece");
	html_fmt(h, " of code %s (", what);
	html_count(h, bytes, "byte");
	html_text(h, ") not listed here, to keep this page small; --functions --json lists all.");
	html_close(h);
}

static int put_pieces(struct audit_page *p, const struct audit_artifact *a, struct rimg_error *err)
{
	auto_with(shown_done) struct shown s = { .p = p, .a = a };
	unsigned room = UNCOVERED_SHOWN, room_covered = COVERED_SHOWN;
	uint64_t left[2] = { 0 }, bytes[2] = { 0 };
	struct html *h = &p->h;

	if (!a->object || a->object->n_pieces == 0)
		return 0;
	code_matcher_init(&s.matcher);
	s.disasm = disasm_new(a->object->arch == CODE_A64      ? DISASM_A64
			      : a->object->arch == CODE_X86_64 ? DISASM_X86_64
							       : DISASM_NONE);
	s.buf = malloc(READ_MAX);
	if (!s.disasm || !s.buf)
		return error_nomem(err);
	s.end = h->len + ARTIFACT_BYTES;
	html_element(h, "h3", NULL, "Code that does not pass comes first, by its address");
	put_standing(&s, AUDIT_REFUSED, &room, &left[0], &bytes[0]);
	put_standing(&s, AUDIT_UNCOVERED, &room, &left[0], &bytes[0]);
	put_left(h, left[0], bytes[0], "that no policy covers");
	put_standing(&s, AUDIT_EXCEPTED, &room_covered, &left[1], &bytes[1]);
	put_standing(&s, AUDIT_ALLOWED, &room_covered, &left[1], &bytes[1]);
	put_left(h, left[1], bytes[1], "that is allowed or declared");
	return 0;
}

/* ---- artifacts ------------------------------------------------------------------------------ */

/* A row of several lines; @max: at most so many. */
static void put_lines(struct html *h, const char *name, const char *css, const char *const *texts,
		      size_t n, size_t max)
{
	size_t shown = n < max ? n : max;

	if (n == 0)
		return;
	html_element(h, "dt", NULL, name);
	html_open(h, "dd");
	html_open_class(h, "ul", "plain");
	for (size_t i = 0; i < shown; i++)
		html_element(h, "li", css, texts[i]);
	if (n > shown) {
		html_open_class(h, "li", "note loud");
		html_number(h, n - shown);
		html_text(h, " more not shown here; --json has all");
		html_close(h);
	}
	html_close(h);
	html_close(h);
}

static void put_facts(struct audit_page *p, const struct audit_artifact *a)
{
	struct html *h = &p->h;
	auto_str struct str hex = { 0 };

	str_add_hex(&hex, a->sha256, SHA256_LEN);
	html_open(h, "dl");
	put_lines(h, "also at", "path", a->paths + 1, a->n_paths - 1, PATHS_SHOWN);
	html_element(h, "dt", NULL, "SHA-256");
	html_element(h, "dd", "path", str_cstr(&hex));
	html_element(h, "dt", NULL, "format");
	html_open(h, "dd");
	html_text(h, a->format);
	if (a->object)
		html_fmt(h, ", %s", code_arch_name(a->object->arch));
	html_text(h, a->hidden ? ", hidden: it lies where no program should be" : "");
	html_close(h);
	if (a->origin > 0) {
		html_element(h, "dt", NULL, "prebuilt");
		html_element(h, "dd", "path", prebuilt_name(p->r->prebuilt, a->origin));
	}
	put_lines(h, "why", NULL, (const char *const *)a->reasons, a->n_reasons, TEXTS_SHOWN);
	put_lines(h, "evidence", NULL, (const char *const *)a->evidence, a->n_evidence,
		  TEXTS_SHOWN);
	html_close(h);
}

static int put_artifact(struct audit_page *p, size_t i, struct rimg_error *err)
{
	const struct audit_artifact *a = &p->r->artifacts[i];
	struct html *h = &p->h;
	int rc;

	html_open_class(h, "details", "artifact");
	html_open(h, "summary");
	html_attr_fmt(h, "id", "a%zu", i);
	html_element(h, "span", a->pass ? "tag good" : "tag bad", a->pass ? "pass" : "FAIL");
	html_fmt(h, " %s ", audit_verdict_name(a->verdict));
	html_open_class(h, "b", "path");
	audit_path(p, a->paths[0]);
	html_close(h);
	html_open_class(h, "span", "quiet");
	html_text(h, " \xc2\xb7 "); /* a dot in the middle */
	html_count(h, a->counts.code_bytes, "byte");
	html_text(h, " of code");
	html_close(h);
	html_close(h);
	audit_bar(h, &a->counts, 480);
	put_facts(p, a);
	rc = put_pieces(p, a, err);
	html_close(h);
	return rc;
}

int audit_put_details(struct audit_page *p, struct rimg_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < p->r->n_artifacts && rc == 0; i++) {
		p->detailed[i] = p->h.len < PAGE_BYTES;
		if (p->detailed[i])
			rc = put_artifact(p, i, err);
		else
			p->n_left++;
	}
	return rc;
}
