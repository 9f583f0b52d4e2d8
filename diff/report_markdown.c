/* SPDX-License-Identifier: MIT */
/* For the discussion of a change, where Markdown is made into a page that is not ours: nothing that
 * comes from an image may become markup, a link, or call somebody by name. So all of it stands in
 * code spans and code blocks, whose fences are longer than any run of backticks in them. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "core/str.h"
#include "diff/policy_delta.h"
#include "diff/report.h"

#define INDENT           "  " /* of what belongs to an item */
#define VALUE_MAX        200
#define PATH_MAX_LEN     400
#define WHY_MAX          1000
#define DETAIL_LINES     16
#define DETAIL_MAX       ((size_t)6000) /* bytes of a closer look */
#define POLICY_ARTIFACTS 20U
#define POLICY_MAX       ((size_t)12000) /* bytes, and one line more */
#define END_MAX          ((size_t)600)   /* bytes kept free for the end */

struct paper {
	struct report *r;
	struct str text;
	enum rimg_cause cause; /* of the last heading */
	bool has_cause;
	bool has_root;
	uint64_t root;
	struct str item; /* of the last root; what follows from it is only counted */
	uint64_t n_followers;
	uint64_t n_listed, n_left;
	bool full;
};

/* ---- escaping ------------------------------------------------------------------------------- */

static size_t longest_run(const char *text, size_t len, char c)
{
	size_t best = 0, run = 0;

	for (size_t i = 0; i < len; i++) {
		run = text[i] == c ? run + 1 : 0;
		best = run > best ? run : best;
	}
	return best;
}

static void add_fence(struct str *s, size_t n)
{
	while (n-- > 0)
		str_add_char(s, '`');
}

/* A text of one line, as it is, in code. */
static void add_code_len(struct str *s, const char *text, size_t len)
{
	size_t fence = longest_run(text, len, '`') + 1;
	bool blank = len == 0 || text[0] == '`' || text[len - 1] == '`' || text[0] == ' ' ||
		     text[len - 1] == ' ';

	add_fence(s, fence);
	if (blank)
		str_add_char(s, ' ');
	str_add_len(s, text, len);
	if (blank)
		str_add_char(s, ' ');
	add_fence(s, fence);
}

static void add_code(struct str *s, const char *text, size_t max)
{
	size_t n = report_cut(text, max);

	add_code_len(s, text, n);
	if (text[n])
		str_add(s, "...");
}

/* May a word stand outside of code? Letters, digits and what ends a clause; a full stop inside of a
 * word could make it an address. */
static bool is_plain_word(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)word[i];
		bool last = i + 1 == len;

		if (isalnum(c) || (last && (c == ',' || c == ';' || c == '.' || c == ':')))
			continue;
		if (c == '.' && i > 0 && isdigit((unsigned char)word[i - 1]) &&
		    isdigit((unsigned char)word[i + 1]))
			continue;
		return false;
	}
	return true;
}

/* A sentence: its words, those that hold anything but letters as code. */
static void add_sentence(struct str *s, const char *text)
{
	size_t left = report_cut(text, WHY_MAX);
	bool cut = text[left] != '\0';

	while (left > 0) {
		const char *blank = memchr(text, ' ', left);
		size_t n = blank ? (size_t)(blank - text) : left;

		if (is_plain_word(text, n))
			str_add_len(s, text, n);
		else
			add_code_len(s, text, n);
		if (blank)
			str_add_char(s, ' ');
		text += n + (blank != NULL);
		left -= n + (blank != NULL);
	}
	if (cut)
		str_add(s, "...");
}

/* Lines as a block of code in an item of a list. */
static void add_block(struct str *s, const struct str *lines)
{
	size_t fence = longest_run(lines->data, lines->len, '`') + 1;
	const char *line = str_cstr(lines);

	fence = fence < 3 ? 3 : fence;
	str_add(s, INDENT);
	add_fence(s, fence);
	str_add(s, "diff\n");
	while (*line) {
		size_t n = strcspn(line, "\n");

		str_add(s, INDENT);
		str_add_len(s, line, n);
		str_add_char(s, '\n');
		line += n + (line[n] == '\n');
	}
	str_add(s, INDENT);
	add_fence(s, fence);
	str_add_char(s, '\n');
}

/* ---- the beginning -------------------------------------------------------------------------- */

static void add_address(struct str *s, const char *address)
{
	auto_str struct str clean = { 0 };

	str_add_escaped(&clean, address, strlen(address), STR_ESCAPE_TEXT);
	s->failed |= clean.failed;
	add_code(s, str_cstr(&clean), PATH_MAX_LEN);
}

static void add_side(struct str *s, const char *name, const struct report_side *side,
		     bool has_bytes)
{
	str_printf(s, "- %s: ", name);
	add_address(s, side->address);
	if (has_bytes)
		str_printf(s, ", %" PRIu64 " bytes", side->size);
	if (side->sha256[0])
		str_printf(s, ", SHA-256 `%s`", side->sha256);
	str_add(s, "\n");
}

static void add_verdict(struct str *s, const struct rimg_diff_summary *sum)
{
	if (sum->identical)
		return;
	if (sum->unread > 0)
		str_printf(s, "**%" PRIu64 " parts could not be read, and so not compared.**\n",
			   sum->unread);
	if (sum->by_cause[RIMG_CAUSE_UNEXPLAINED].differences > 0)
		str_printf(s, "**%" PRIu64 " bytes that differ cannot be explained.**\n",
			   sum->unexplained);
	str_printf(s,
		   "%" PRIu64 " bytes of %" PRIu64 " differ%s; explained %" PRIu64
		   ", unexplained %" PRIu64 ". ",
		   sum->differing, sum->compared, sum->has_bytes ? "" : " in the contents of files",
		   sum->explained, sum->unexplained);
	str_printf(s, "%" PRIu64 " differences, and %" PRIu64 " that follow from them. ",
		   sum->roots, sum->differences - sum->roots);
	str_add(s, sum->equivalent ? "The content is the same: names, types, modes, owners and "
				     "the bytes of files.\n"
				   : "The content is not the same.\n");
}

static void add_causes(struct str *s, const struct rimg_diff_summary *sum)
{
	size_t n;
	const enum rimg_cause *causes = report_causes(&n);

	str_add(s, "\n| cause | differences | bytes | |\n|---|---:|---:|---|\n");
	for (size_t i = 0; i < n; i++) {
		enum rimg_cause c = causes[i];

		if (sum->by_cause[c].differences > 0)
			str_printf(s, "| %s | %" PRIu64 " | %" PRIu64 " | %s |\n",
				   rimg_cause_name(c), sum->by_cause[c].differences,
				   sum->by_cause[c].bytes, report_cause_meaning(c));
	}
}

static void add_policy_line(void *arg, unsigned level, bool worse, const char *line)
{
	struct str *s = arg;

	(void)worse;
	if (s->len > POLICY_MAX)
		return; /* told below */
	str_add(s, level == 0 ? "- " : "  - ");
	add_sentence(s, line);
	str_add_char(s, '\n');
}

/* What the change did to the verdict of an audit. */
static int add_policy(struct str *s, const struct policy_delta *d)
{
	auto_str struct str verdict = { 0 }, lines = { 0 };
	int rc;

	delta_add_verdict(&verdict, d);
	str_printf(s, "\n**Policy** ");
	add_address(s, d->file);
	str_add(s, ": ");
	add_sentence(s, str_cstr(&verdict));
	str_add(s, ".\n\n");
	rc = delta_each_line(d, false, POLICY_ARTIFACTS, add_policy_line, &lines);
	str_add(s, str_cstr(&lines));
	if (lines.len > POLICY_MAX)
		str_add(s, "- and more, not listed here, to keep this short\n");
	return verdict.failed || lines.failed ? -RIMG_E_NOMEM : rc;
}

static void add_top(struct paper *p)
{
	const struct report *r = p->r;
	const struct rimg_diff_summary *sum = r->summary;

	str_add(&p->text, "### ");
	add_address(&p->text, r->a.address);
	str_add(&p->text, " and ");
	add_address(&p->text, r->b.address);
	str_printf(&p->text, " %s\n\n", report_verdict(sum));
	add_verdict(&p->text, sum);
	str_add(&p->text, "\n");
	add_side(&p->text, "A", &r->a, sum->has_bytes);
	add_side(&p->text, "B", &r->b, sum->has_bytes);
	if (r->policy && add_policy(&p->text, r->policy) < 0)
		p->text.failed = true;
	if (sum->differences > 0)
		add_causes(&p->text, sum);
}

/* ---- the list ------------------------------------------------------------------------------- */

static void add_change(struct str *s, const struct rimg_difference *x)
{
	switch (x->kind) {
	case RIMG_DIFF_ADDED: str_printf(s, "added %s", x->b ? x->b : ""); return;
	case RIMG_DIFF_REMOVED: str_printf(s, "removed %s", x->a ? x->a : ""); return;
	case RIMG_DIFF_MOVED:
		str_add(s, "moved to ");
		add_code(s, x->b ? x->b : "", PATH_MAX_LEN);
		return;
	case RIMG_DIFF_CHANGED: break;
	}
	add_code(s, x->field ? x->field : "", VALUE_MAX);
	if (!x->a && !x->b)
		return;
	str_add_char(s, ' ');
	add_code(s, x->a ? x->a : "(none)", VALUE_MAX);
	str_add(s, " \xe2\x86\x92 "); /* an arrow */
	add_code(s, x->b ? x->b : "(none)", VALUE_MAX);
}

static int add_details(struct paper *p, const struct rimg_difference *x, struct rimg_error *err)
{
	auto_str struct str lines = { 0 };
	int rc = report_add_details(&lines, p->r, x, DETAIL_LINES, err);

	if (rc < 0 || lines.len == 0)
		return rc;
	if (lines.len > DETAIL_MAX) {
		str_add(&p->item, INDENT "- what differs is too long to be shown here\n");
		return 0;
	}
	str_add(&p->item, "\n" INDENT "<details><summary>what differs</summary>\n\n");
	add_block(&p->item, &lines);
	str_add(&p->item, "\n" INDENT "</details>\n\n");
	return 0;
}

/* The last root is complete. */
static void end_item(struct paper *p)
{
	if (p->item.len == 0)
		return;
	if (p->n_followers > 0)
		str_printf(&p->item, "  - %" PRIu64 " difference%s from it\n", p->n_followers,
			   p->n_followers == 1 ? " follows" : "s follow");
	if (p->full || p->text.len + p->item.len + END_MAX > REPORT_MARKDOWN_MAX) {
		p->full = true;
		p->n_left += 1 + p->n_followers;
	} else {
		str_add(&p->text, str_cstr(&p->item));
		p->n_listed++;
	}
	p->text.failed |= p->item.failed;
	str_clear(&p->item);
	p->n_followers = 0;
}

static int add(void *arg, const struct rimg_difference *x, struct rimg_error *err)
{
	struct paper *p = arg;
	struct str *s = &p->item;

	if (p->has_root && p->root == x->root && x->root != x->index) {
		p->n_followers++;
		return 0;
	}
	end_item(p);
	p->has_root = true;
	p->root = x->index;
	if (!p->has_cause || p->cause != x->cause)
		str_printf(s, "\n**%s**\n\n", rimg_cause_name(x->cause));
	p->has_cause = true;
	p->cause = x->cause;
	str_add(s, "- ");
	add_code(s, report_path(x), PATH_MAX_LEN);
	str_add(s, " ");
	add_change(s, x);
	if (x->bytes > 0) {
		str_add(s, " (");
		report_add_where(s, x);
		str_add(s, ")");
	}
	str_add(s, "\n  - ");
	add_sentence(s, x->why);
	str_add(s, "\n");
	return p->full ? 0 : add_details(p, x, err);
}

static void add_end(struct paper *p)
{
	if (p->n_left > 0)
		str_printf(&p->text,
			   "\n**%" PRIu64
			   " more difference%s not listed here**, to keep this short; "
			   "the numbers above count all.\n",
			   p->n_left, p->n_left == 1 ? " is" : "s are");
	if (p->r->not_shown > 0)
		str_printf(&p->text,
			   "\n%" PRIu64 " difference%s not shown, as asked; the numbers above "
			   "count all.\n",
			   p->r->not_shown, p->r->not_shown == 1 ? " is" : "s are");
}

int report_markdown(struct report *r, struct rimg_error *err)
{
	struct paper p = { .r = r };
	int rc = 0;

	add_top(&p);
	if (r->summary->differences > 0) {
		str_add(&p.text, "\n<details><summary>The differences</summary>\n");
		rc = report_each(r, true, add, &p, &r->not_shown, err);
		end_item(&p);
		str_add(&p.text, "\n</details>\n");
	}
	add_end(&p);
	if (rc == 0 && (p.text.failed || p.item.failed))
		rc = error_nomem(err);
	if (rc == 0)
		fwrite(str_cstr(&p.text), 1, p.text.len, r->out);
	str_done(&p.text);
	str_done(&p.item);
	return rc;
}
