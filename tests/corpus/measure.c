/* SPDX-License-Identifier: MIT */

/* measure [--sizes] MANIFEST...: the audit against programs whose makers are known.
 * measure --pieces FILE...: what it says of each piece of a file.
 *
 * A manifest's line holds fields with tabs between: kind, corpus, path, functions, and what the
 * kind needs (tests/corpus/README.md). Prints a table, a row for each corpus. Ends with 1 when
 *   - a piece of a foreign program is called Cranelift's,
 *   - less of Cranelift's own bytes is called so than the manifest demands,
 *   - a mixed program passes, or its foreign function is called Cranelift's, asm or padding,
 *   - an attack gets a better verdict than what it was made from (kinds of attacks: attack.py).
 * Verdicts are those of a policy that allows cranelift alone, at full coverage, without exceptions:
 * fail (something surely foreign), undecided (something unknown, which is no pass), pass. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rimg/rimg.h>
#include <rimg/source.h>

#include "audit/code.h"
#include "audit/hidden.h"

#define FIELDS  8
#define N_BANDS 7

/** enum verdict - worst first; as `rimg verify audit` without exceptions, at full coverage */
enum verdict { FAIL, UNDECIDED, PASS };

static const char *const verdict_names[] = { "fail", "undecided", "pass" };
static const uint64_t band_ends[N_BANDS] = { 3, 8, 12, 20, 40, 100, UINT64_MAX };
static const char *const band_names[N_BANDS] = {
	"1-3", "4-8", "9-12", "13-20", "21-40", "41-100", "101-",
};

/** struct result - what the audit says of a file, or of all files of a corpus */
struct result {
	uint64_t bytes;
	uint64_t by_class[N_CODE_CLASSES];
	uint64_t pieces[N_CODE_CLASSES];
	uint64_t bands[N_BANDS][N_CODE_CLASSES];
	bool hidden; /* found by looking for hidden code only */
};

/** struct corpus - a row of the table */
struct corpus {
	char *kind, *name;
	struct result sum;
	uint64_t files, functions, wrong;
	uint64_t verdicts[PASS + 1];
	uint64_t blurred; /* attacks after which what failed is undecided */
	double demanded;
};

struct measure {
	struct rimg_ctx *ctx;
	struct corpus *corpora;
	size_t n;
	bool bad;
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("measure: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

static unsigned band_of(uint64_t len)
{
	unsigned band = 0;

	while (len / 4 > band_ends[band])
		band++;
	return band;
}

static void add_object(struct result *r, const struct code_object *object)
{
	uint64_t sum = 0;

	r->bytes += object->code_bytes;
	for (size_t i = 0; i < object->n_pieces; i++) {
		const struct code_piece *p = &object->pieces[i];

		r->by_class[p->cls] += p->len;
		r->pieces[p->cls]++;
		r->bands[band_of(p->len)][p->cls]++;
		sum += p->len;
	}
	if (sum != object->code_bytes)
		die("pieces hold %" PRIu64 " of %" PRIu64 " bytes", sum, object->code_bytes);
}

static void add_result(struct result *to, const struct result *r)
{
	to->bytes += r->bytes;
	for (unsigned c = 0; c < N_CODE_CLASSES; c++) {
		to->by_class[c] += r->by_class[c];
		to->pieces[c] += r->pieces[c];
		for (unsigned b = 0; b < N_BANDS; b++)
			to->bands[b][c] += r->bands[b][c];
	}
}

static uint64_t attributed(const struct result *r)
{
	return r->by_class[CODE_CRANELIFT] + r->by_class[CODE_PAD];
}

/** verdict_of - nothing found is a pass, so that an attack that hides everything is seen */
static enum verdict verdict_of(const struct result *r)
{
	if (r->by_class[CODE_LLVM] || r->by_class[CODE_GCC] || r->by_class[CODE_FOREIGN] ||
	    r->by_class[CODE_CONFLICT])
		return FAIL;
	if (r->hidden || attributed(r) != r->bytes)
		return UNDECIDED;
	return PASS;
}

/* ---- one file ----------------------------------------------------------------------------------
 */

static struct rimg_source *open_source(const char *path)
{
	struct rimg_error err = { 0 };
	struct rimg_source *src = rimg_source_open_path(path, &err);

	if (!src)
		die("%s: %s", path, err.text);
	return src;
}

/** examine - the file's code object, NULL when it is no program */
static struct code_object *examine(struct measure *m, const struct rimg_source *src,
				   const char *path)
{
	struct rimg_error err = { 0 };
	struct code_object *object = NULL;

	if (code_examine(m->ctx, src, &object, &err) < 0)
		die("%s: %s", path, err.text);
	return object;
}

struct hidden {
	struct measure *m;
	const struct rimg_source *src;
	const char *path;
	struct result *r;
};

static bool add_hidden(void *arg, const struct hidden_run *run)
{
	struct hidden *h = arg;
	struct code_object *object = NULL;

	h->r->hidden = true;
	if (run->kind == HIDDEN_ELF || run->kind == HIDDEN_PE) {
		size_t left = rimg_source_size(h->src) - run->off;
		uint8_t *data = malloc(left);
		struct rimg_source *slice = rimg_source_open_memory(data, left, "hidden");
		struct rimg_error err = { 0 };

		if (!data || !slice || rimg_source_read(h->src, run->off, data, left, &err) < 0)
			die("%s: %s", h->path, err.text);
		object = examine(h->m, slice, h->path);
		if (object)
			add_object(h->r, object);
		code_object_free(object);
		rimg_source_free(slice);
		free(data);
	}
	return true;
}

/** add_within - the part of a program's code that lies in [addr, addr + len) */
static void add_within(struct result *within, const struct code_object *object, uint64_t addr,
		       uint64_t len)
{
	for (size_t i = 0; i < object->n_pieces; i++) {
		const struct code_piece *p = &object->pieces[i];
		uint64_t from = p->addr > addr ? p->addr : addr;
		uint64_t end = p->addr + p->len < addr + len ? p->addr + p->len : addr + len;

		if (from >= end)
			continue;
		within->bytes += end - from;
		within->by_class[p->cls] += end - from;
	}
}

/**
 * measure_file - what the audit says of a file
 * @within: of the code in [addr, addr + len); NULL if nobody asks
 */
static struct result measure_file(struct measure *m, const char *path, uint64_t addr, uint64_t len,
				  struct result *within)
{
	struct rimg_source *src = open_source(path);
	struct code_object *object = examine(m, src, path);
	struct result r = { 0 };

	if (object) {
		add_object(&r, object);
		if (within)
			add_within(within, object, addr, len);
	} else {
		struct hidden h = { .m = m, .src = src, .path = path, .r = &r };
		struct rimg_error err = { 0 };

		if (hidden_scan(src, 0, rimg_source_size(src), add_hidden, &h, &err) < 0)
			die("%s: %s", path, err.text);
	}
	code_object_free(object);
	rimg_source_free(src);
	return r;
}

static void print_pieces(struct measure *m, const char *path)
{
	struct rimg_source *src = open_source(path);
	struct code_object *object = examine(m, src, path);

	for (size_t i = 0; object && i < object->n_pieces; i++) {
		const struct code_piece *p = &object->pieces[i];

		printf("%s\t%#" PRIx64 "\t%" PRIu64 "\t%s\t%s\t", path, p->addr, p->len,
		       code_class_name(p->cls), p->symbol ? p->symbol : "-");
		for (unsigned bit = 0; bit < 64; bit++)
			if (p->evidence >> bit & 1)
				printf(" %s", code_rule_name(bit));
		putchar('\n');
	}
	for (size_t i = 0; object && i < object->n_reasons; i++)
		printf("%s\treason\t%s\n", path, object->reasons[i]);
	code_object_free(object);
	rimg_source_free(src);
}

/* ---- kinds -------------------------------------------------------------------------------------
 */

__attribute__((format(printf, 3, 4))) static void complain(struct measure *m, struct corpus *c,
							   const char *format, ...)
{
	va_list ap;

	m->bad = true;
	/* the first few say enough */
	if (c->wrong++ >= 10)
		return;
	va_start(ap, format);
	printf("WRONG: ");
	vprintf(format, ap);
	putchar('\n');
	va_end(ap);
}

/** judge_attack - kinds of attacks: attack.py */
static void judge_attack(struct measure *m, struct corpus *c, const struct result *r,
			 char *field[FIELDS])
{
	struct result before = measure_file(m, field[4], 0, 0, NULL);
	enum verdict is = verdict_of(r), was = verdict_of(&before);
	uint64_t rest = r->bytes - attributed(r), rest_before = before.bytes - attributed(&before);
	bool same_code = strcmp(field[5], "code") != 0, lie = strcmp(field[5], "lie") == 0;

	if (is > was && (is == PASS || lie))
		complain(m, c, "%s: %s, but %s: %s", field[2], verdict_names[is], field[4],
			 verdict_names[was]);
	else if (same_code && rest < rest_before)
		complain(m, c, "%s: %" PRIu64 " bytes not attributed, before the attack %" PRIu64,
			 field[2], rest, rest_before);
	else if (is > was)
		c->blurred++;
}

/** judge_mixed - the table's verdicts are of the foreign function alone */
static void judge_mixed(struct measure *m, struct corpus *c, char *field[FIELDS])
{
	uint64_t len = strtoull(field[5], NULL, 0);
	struct result within = { 0 };
	struct result r = measure_file(m, field[2], strtoull(field[4], NULL, 0), len, &within);

	add_result(&c->sum, &within);
	c->verdicts[verdict_of(&within)]++;
	if (verdict_of(&r) == PASS)
		complain(m, c, "%s: passes", field[2]);
	else if (attributed(&within) || within.by_class[CODE_ASM] || within.bytes != len)
		complain(m, c, "%s: of %" PRIu64 " foreign bytes %" PRIu64 " are covered", field[2],
			 len, attributed(&within) + within.by_class[CODE_ASM]);
}

static void judge(struct measure *m, struct corpus *c, char *field[FIELDS])
{
	struct result r = { 0 };

	c->files++;
	c->functions += strtoull(field[3], NULL, 10);
	if (strcmp(c->kind, "mixed") == 0) {
		judge_mixed(m, c, field);
		return;
	}
	r = measure_file(m, field[2], 0, 0, NULL);
	add_result(&c->sum, &r);
	c->verdicts[verdict_of(&r)]++;
	if (strcmp(c->kind, "foreign") == 0) {
		if (r.by_class[CODE_CRANELIFT])
			complain(m, c, "%s: %" PRIu64 " bytes called Cranelift's", field[2],
				 r.by_class[CODE_CRANELIFT]);
	} else if (strcmp(c->kind, "attack") == 0) {
		judge_attack(m, c, &r, field);
	} else if (strcmp(c->kind, "cranelift") == 0) {
		c->demanded = strtod(field[4], NULL);
	} else {
		die("%s: kind %s is not known", field[2], c->kind);
	}
}

static struct corpus *find_corpus(struct measure *m, const char *kind, const char *name)
{
	struct corpus *more;

	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->corpora[i].kind, kind) == 0 && strcmp(m->corpora[i].name, name) == 0)
			return &m->corpora[i];
	more = realloc(m->corpora, (m->n + 1) * sizeof(*more));
	if (!more)
		die("no memory");
	m->corpora = more;
	m->corpora[m->n] = (struct corpus){ .kind = strdup(kind), .name = strdup(name) };
	if (!m->corpora[m->n].kind || !m->corpora[m->n].name)
		die("no memory");
	return &m->corpora[m->n++];
}

static void measure_manifest(struct measure *m, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		die("%s: %s", path, strerror(errno));
	while (getline(&line, &size, f) > 0) {
		static char empty[] = "";
		char *field[FIELDS] = { empty, empty, empty, empty, empty, empty, empty, empty };
		char *rest = line;

		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < FIELDS && rest; i++)
			field[i] = strsep(&rest, "\t");
		judge(m, find_corpus(m, field[0], field[1]), field);
	}
	free(line);
	fclose(f);
}

/* ---- the table ---------------------------------------------------------------------------------
 */

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static void print_bands(const struct corpus *c)
{
	for (unsigned b = 0; b < N_BANDS; b++) {
		uint64_t all = 0;

		for (unsigned i = 0; i < N_CODE_CLASSES; i++)
			all += i == CODE_PAD ? 0 : c->sum.bands[b][i];
		printf("    %-7s %8" PRIu64, band_names[b], all);
		for (unsigned i = 0; i < N_CODE_CLASSES; i++)
			printf(" %9.2f%%", i == CODE_PAD ? 0.0 : percent(c->sum.bands[b][i], all));
		putchar('\n');
	}
}

/** print_table - shares are of bytes; a row that breaks its rule ends with WRONG */
static void print_table(struct measure *m, bool sizes)
{
	printf("%-50s %6s %8s %9s %8s", "corpus", "files", "symbols", "pieces", "KiB");
	for (unsigned i = 0; i < N_CODE_CLASSES; i++)
		printf(" %10s", code_class_name((enum code_class)i));
	printf("  fail/undecided/pass\n");
	for (size_t k = 0; k < m->n; k++) {
		struct corpus *c = &m->corpora[k];
		uint64_t pieces = 0;
		double got = percent(attributed(&c->sum), c->sum.bytes);

		for (unsigned i = 0; i < N_CODE_CLASSES; i++)
			pieces += i == CODE_PAD ? 0 : c->sum.pieces[i];
		printf("%-9s %-40s %6" PRIu64 " %8" PRIu64 " %9" PRIu64 " %8" PRIu64, c->kind,
		       c->name, c->files, c->functions, pieces, c->sum.bytes / 1024);
		for (unsigned i = 0; i < N_CODE_CLASSES; i++)
			printf(" %9.3f%%", percent(c->sum.by_class[i], c->sum.bytes));
		printf("  %" PRIu64 "/%" PRIu64 "/%" PRIu64, c->verdicts[FAIL],
		       c->verdicts[UNDECIDED], c->verdicts[PASS]);
		if (strcmp(c->kind, "cranelift") == 0 && got < c->demanded) {
			m->bad = true;
			printf("  WRONG: %.2f%% instead of %.2f%%", got, c->demanded);
		}
		if (c->blurred)
			printf("  blurred: %" PRIu64, c->blurred);
		printf(c->wrong ? "  WRONG: %" PRIu64 "\n" : "\n", c->wrong);
		if (sizes)
			print_bands(c);
	}
}

int main(int argc, char **argv)
{
	struct measure m = { .ctx = rimg_ctx_new(NULL, 1) };
	bool pieces = argc > 1 && strcmp(argv[1], "--pieces") == 0;
	bool sizes = argc > 1 && strcmp(argv[1], "--sizes") == 0;

	if (!m.ctx || argc < 2 + (pieces || sizes))
		die("usage: measure [--sizes] MANIFEST... | measure --pieces FILE...");
	for (int i = 1 + (pieces || sizes); i < argc; i++)
		pieces ? print_pieces(&m, argv[i]) : measure_manifest(&m, argv[i]);
	if (!pieces)
		print_table(&m, sizes);
	for (size_t i = 0; i < m.n; i++) {
		free(m.corpora[i].kind);
		free(m.corpora[i].name);
	}
	free(m.corpora);
	rimg_ctx_free(m.ctx);
	return m.bad ? 1 : 0;
}
