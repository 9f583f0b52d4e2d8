/* SPDX-License-Identifier: MIT */
#include "core/num.h"
#include "core/str.h"
#include "verify/audit_html.h"

#define BAR_HEIGHT 14U
#define LETTER_MIN 10U /* parts narrower than that have no letter */
#define PART_MIN   3U  /* no class that is there is narrower */

/* What a part of a bar is; the worst first, so that it is at the left however little it is. */
enum part {
	PART_CONFLICT,
	PART_FOREIGN,
	PART_LLVM,
	PART_GCC,
	PART_UNKNOWN,
	PART_ASM,
	PART_DECLARED,
	PART_CRANELIFT,
	PART_PAD,
	N_PARTS,
};

static const struct {
	char letter;
	enum code_class cls; /* N_CODE_CLASSES: declared */
	const char *css, *name, *meaning;
} parts[N_PARTS] = {
	[PART_CONFLICT] = { 'X', CODE_CONFLICT, "k-conflict", "conflict",
			    "unwind table and code contradict each other" },
	[PART_FOREIGN] = { 'F', CODE_FOREIGN, "k-foreign", "foreign",
			   "surely not Cranelift's; LLVM's or GCC's" },
	[PART_LLVM] = { 'L', CODE_LLVM, "k-llvm", "llvm", "made by LLVM" },
	[PART_GCC] = { 'G', CODE_GCC, "k-gcc", "gcc", "made by GCC" },
	[PART_UNKNOWN] = { 'U', CODE_UNKNOWN, "k-unknown", "unknown", "nobody can tell" },
	[PART_ASM] = { 'A', CODE_ASM, "k-asm", "asm", "written by hand" },
	[PART_DECLARED] = { 'D', N_CODE_CLASSES, "k-declared", "declared",
			    "an exception of the policy stands for it" },
	[PART_CRANELIFT] = { 'C', CODE_CRANELIFT, "k-cranelift", "cranelift", "made by Cranelift" },
	[PART_PAD] = { 'P', CODE_PAD, "k-pad", "pad", "nothing, between functions" },
};

const char audit_bar_style[] =
	".k-conflict{fill:#862e9c}.k-foreign{fill:#c92a2a}.k-llvm{fill:#c2255c}"
	".k-gcc{fill:#a61e4d}.k-unknown{fill:#a15200}.k-asm{fill:#1864ab}"
	".k-declared{fill:#3b5bdb}.k-cranelift{fill:#087f5b}.k-pad{fill:#6c757d}\n"
	".bar rect{stroke:var(--bg);stroke-width:.6}\n"
	"td svg.bar{max-width:none}\n";

static uint64_t bytes_of(const struct audit_counts *c, enum part part)
{
	return parts[part].cls == N_CODE_CLASSES ? c->declared : c->by_class[parts[part].cls];
}

uint64_t audit_foreign(const struct audit_counts *c)
{
	return c->by_class[CODE_CONFLICT] + c->by_class[CODE_FOREIGN] + c->by_class[CODE_LLVM] +
	       c->by_class[CODE_GCC];
}

/* Shares the width out: each part its share, none too little to be seen, all together the whole. */
static void share_out(const struct audit_counts *c, unsigned width, unsigned ret[N_PARTS])
{
	unsigned sum = 0, shift = 0;
	enum part widest = 0;

	while (c->code_bytes >> shift > UINT32_MAX)
		shift++;
	for (enum part i = 0; i < N_PARTS; i++) {
		uint64_t n = bytes_of(c, i);

		ret[i] = n > 0 ? (unsigned)((n >> shift) * width / (c->code_bytes >> shift)) : 0;
		if (n > 0 && ret[i] < PART_MIN)
			ret[i] = PART_MIN;
		sum += ret[i];
		if (ret[i] > ret[widest])
			widest = i;
	}
	/* at most so much over as the small ones were widened, less than the widest has */
	ret[widest] = ret[widest] + width - sum;
}

static void put_part(struct html *h, enum part part, unsigned x, unsigned width)
{
	char letter[] = { parts[part].letter, '\0' };

	html_open_class(h, "rect", parts[part].css);
	html_attr_u64(h, "x", x);
	html_attr(h, "y", "0");
	html_attr_u64(h, "width", width);
	html_attr_u64(h, "height", BAR_HEIGHT);
	html_close(h);
	if (width < LETTER_MIN)
		return;
	html_open(h, "text");
	html_attr_fmt(h, "x", "%u", x + width / 2);
	html_attr(h, "y", "10");
	html_text(h, letter);
	html_close(h);
}

void audit_bar(struct html *h, const struct audit_counts *c, unsigned width)
{
	auto_str struct str label = { 0 };
	unsigned widths[N_PARTS], x = 0;

	if (c->code_bytes == 0)
		return;
	share_out(c, width, widths);
	for (enum part i = 0; i < N_PARTS; i++)
		if (bytes_of(c, i) > 0)
			str_printf(&label, "%s%s %llu", label.len ? ", " : "", parts[i].name,
				   (unsigned long long)bytes_of(c, i));
	html_open_class(h, "svg", "bar");
	html_attr_fmt(h, "viewBox", "0 0 %u %u", width, BAR_HEIGHT);
	html_attr_u64(h, "width", width);
	html_attr_u64(h, "height", BAR_HEIGHT);
	html_attr(h, "role", "img");
	html_attr(h, "aria-label", str_cstr(&label));
	html_element(h, "title", NULL, str_cstr(&label));
	for (enum part i = 0; i < N_PARTS; i++) {
		if (widths[i] > 0)
			put_part(h, i, x, widths[i]);
		x += widths[i];
	}
	html_close(h);
}

static void put_swatch(struct html *h, enum part part)
{
	html_open_class(h, "svg", "bar");
	html_attr_fmt(h, "viewBox", "0 0 %u %u", BAR_HEIGHT, BAR_HEIGHT);
	html_attr_u64(h, "width", BAR_HEIGHT);
	html_attr_u64(h, "height", BAR_HEIGHT);
	html_attr(h, "aria-hidden", "true");
	put_part(h, part, 0, BAR_HEIGHT);
	html_close(h);
}

void audit_legend(struct html *h, const struct audit_counts *c)
{
	html_open_class(h, "div", "scroll");
	html_open(h, "table");
	html_open(h, "tr");
	html_element(h, "th", NULL, "class");
	html_element(h, "th", "num", "bytes");
	html_element(h, "th", NULL, "what it means");
	html_close(h);
	for (enum part i = 0; i < N_PARTS; i++) {
		html_open(h, "tr");
		html_open_class(h, "td", "key");
		put_swatch(h, i);
		html_text(h, parts[i].name);
		html_close(h);
		html_open_class(h, "td", "num");
		html_number(h, bytes_of(c, i));
		html_close(h);
		html_element(h, "td", NULL, parts[i].meaning);
		html_close(h);
	}
	html_close(h);
	html_close(h);
}
