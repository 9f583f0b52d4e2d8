/* SPDX-License-Identifier: MIT */

/* Functions that compilers made, as listings (tests/audit/generated/, by tests/corpus/fixtures.py),
 * put together to programs with unwind tables of every kind. What is expected is who made each. */

#include "code_test.h"

#define FUNCTIONS_MAX 512
#define WORDS_MAX     128
#define PROGRAM_MAX   64
#define CODE_OFF      0x1000U
#define CODE_ADDR     0x11000U
#define TABLE_ADDR    0x400000U
#define FILE_SIZE     (1U << 20)

/** struct listed - a function of a listing */
struct listed {
	char name[32];
	char maker[32];
	uint32_t words[WORDS_MAX];
	size_t n_words;
	uint8_t program[PROGRAM_MAX]; /* of its FDE */
	size_t program_len;
	uint64_t addr; /* in the program it was put into */
};

/** struct listing - functions, in order */
struct listing {
	struct listed fn[FUNCTIONS_MAX];
	size_t n;
};

/** enum tables - what the unwind table of a program says */
enum tables {
	HONEST,
	PADDED,  /* as an old LLD leaves it: every entry is padded to 8 bytes */
	TRIMMED, /* as GNU ld leaves it: without the padding that Cranelift makes */
	ABSENT,
	FORGED_EMPTY, /* what is foreign are Cranelift's leaves */
	FORGED_FRAMED,
	N_TABLES,
};

static const char *const table_names[N_TABLES] = { "honest", "padded",       "trimmed",
						   "absent", "forged empty", "forged framed" };
static const char *const foreign_files[] = { "clang", "gcc", "gcc-vla" };
static const char *const cranelift_files[] = { "cranelift-0.105", "cranelift-0.116",
					       "cranelift-0.127", "cranelift-0.137" };

static bool is_foreign(const struct listed *f)
{
	return strncmp(f->maker, "cranelift", 9) != 0;
}

/* ---- listings ----------------------------------------------------------------------------------
 */

static void read_program(struct listed *f, const char *hex)
{
	unsigned byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		assert_true(f->program_len < PROGRAM_MAX);
		f->program[f->program_len++] = (uint8_t)byte;
	}
}

/** read_listing - append the functions of tests/audit/generated/NAME.txt */
static void read_listing(struct listing *l, const char *name)
{
	char path[128], line[256];
	struct listed *f = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "tests/audit/generated/%s.txt", name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (strncmp(line, "function ", 9) == 0) {
			assert_true(l->n < FUNCTIONS_MAX);
			f = &l->fn[l->n++];
			assert_int_equal(sscanf(line + 9, "%31s %31s", f->name, f->maker), 2);
			continue;
		}
		assert_non_null(f);
		if (strncmp(line, "fde ", 4) == 0) {
			read_program(f, line + 4);
			continue;
		}
		for (char *p = line, *end; *p && *p != '\n'; p = end + (*end == ' ')) {
			assert_true(f->n_words < WORDS_MAX);
			f->words[f->n_words++] = (uint32_t)strtoul(p, &end, 16);
			assert_true(end == p + 8);
		}
	}
	assert_int_equal(ferror(file), 0);
	fclose(file);
}

static struct listing *read_listings(const char *const *names, size_t n)
{
	struct listing *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	for (size_t i = 0; i < n; i++)
		read_listing(l, names[i]);
	assert_true(l->n >= 50);
	return l;
}

/* ---- programs ----------------------------------------------------------------------------------
 */

struct file {
	uint8_t *data;
	size_t len;
};

static void put(struct file *f, uint64_t value, size_t n)
{
	assert_true(f->len + n <= FILE_SIZE);
	for (size_t i = 0; i < n; i++)
		f->data[f->len++] = (uint8_t)(value >> 8 * i);
}

static void put_bytes(struct file *f, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(f, ((const uint8_t *)bytes)[i], 1);
}

/** put_cie - "zR", x30, pcrel sdata4, def_cfa sp, 0; @pad bytes of no operation */
static size_t put_cie(struct file *f, uint8_t code, uint8_t data, size_t pad)
{
	static const uint8_t start[] = { 0, 0, 0, 0, 1, 'z', 'R', 0 };
	const uint8_t rest[] = { code, data, 30, 1, 0x1b, 0x0c, 31, 0 };
	size_t at = f->len;

	put(f, sizeof(start) + sizeof(rest) + pad, 4);
	put_bytes(f, start, sizeof(start));
	put_bytes(f, rest, sizeof(rest));
	for (size_t i = 0; i < pad; i++)
		put(f, 0, 1);
	return at;
}

/** put_fde - @table: where the table begins in the file; @unit: what entries are padded to */
static void put_fde(struct file *f, size_t table, size_t cie, const struct listed *fn,
		    const uint8_t *program, size_t len, size_t unit)
{
	size_t at = f->len, size;

	while (len && !program[len - 1] && unit == 4) /* GNU ld drops no operations */
		len--;
	size = (17 + len + unit - 1) / unit * unit;
	put(f, size - 4, 4);
	put(f, f->len - cie, 4);
	put(f, fn->addr - (TABLE_ADDR + f->len - table), 4);
	put(f, 4 * fn->n_words, 4);
	put(f, 0, 1);
	put_bytes(f, program, len);
	while (f->len < at + size)
		put(f, 0, 1);
}

/** put_table - .eh_frame: a CIE of each kind first, then the entries in order of functions */
static void put_table(struct file *f, const struct listing *l, enum tables tables)
{
	static const uint8_t framed[] = { 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29 };
	size_t table = f->len;
	bool padded = tables == PADDED, trimmed = tables == TRIMMED;
	size_t clif = put_cie(f, 4, 0x78, trimmed ? 0 : 4);
	size_t llvm = put_cie(f, 1, 0x7c, padded ? 4 : 0);
	size_t gcc = put_cie(f, 4, 0x78, padded ? 4 : 0);

	for (size_t i = 0; i < l->n; i++) {
		const struct listed *fn = &l->fn[i];
		bool forged = is_foreign(fn) && tables >= FORGED_EMPTY;
		size_t cie = !is_foreign(fn) || forged             ? clif
			     : strncmp(fn->maker, "clang", 5) == 0 ? llvm
								   : gcc;
		size_t unit = trimmed || (cie != clif && !padded) ? 4 : 8;

		if (forged)
			put_fde(f, table, cie, fn, framed,
				tables == FORGED_FRAMED ? sizeof(framed) : 0, unit);
		else
			put_fde(f, table, cie, fn, fn->program, fn->program_len, unit);
	}
	put(f, 0, 4);
}

static void put_section(struct file *f, uint32_t name, uint32_t type, uint64_t flags, uint64_t addr,
			uint64_t off, uint64_t size)
{
	put(f, name, 4);
	put(f, type, 4);
	put(f, flags, 8);
	put(f, addr, 8);
	put(f, off, 8);
	put(f, size, 8);
	put(f, 0, 8);
	put(f, 4, 8);
	put(f, 0, 8);
}

/** put_headers - of an executable for AArch64 with one segment; as many bytes as CODE_OFF */
static void put_headers(struct file *f, uint64_t code_len, uint64_t shoff)
{
	static const uint8_t ident[16] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	put_bytes(f, ident, sizeof(ident));
	put(f, 2, 2);
	put(f, 183, 2);
	put(f, 1, 4);
	put(f, CODE_ADDR, 8);
	put(f, 64, 8);
	put(f, shoff, 8);
	put(f, 0, 4);
	put(f, 64, 2);
	put(f, 56, 2);
	put(f, 1, 2);
	put(f, 64, 2);
	put(f, 4, 2);
	put(f, 3, 2);
	put(f, 1, 4); /* PT_LOAD, readable and executable */
	put(f, 5, 4);
	put(f, CODE_OFF, 8);
	put(f, CODE_ADDR, 8);
	put(f, CODE_ADDR, 8);
	put(f, code_len, 8);
	put(f, code_len, 8);
	put(f, 4096, 8);
	while (f->len < CODE_OFF)
		put(f, 0, 1);
}

/**
 * put_code - a function; calls and jumps out of it go to the first one, so that none goes into the
 * middle of another
 */
static void put_code(struct file *f, const struct listed *fn)
{
	for (size_t i = 0; i < fn->n_words; i++) {
		uint32_t w = fn->words[i];
		uint64_t addr = fn->addr + 4 * i;
		uint32_t to_first = (uint32_t)(CODE_ADDR / 4 - addr / 4) & 0x3ffffff;
		int64_t steps = (int64_t)(w & 0x3ffffff) - (w & 0x2000000 ? 0x4000000 : 0);
		bool out = (int64_t)i + steps < 0 || (int64_t)i + steps >= (int64_t)fn->n_words;

		if ((w & 0x7c000000) == 0x14000000 && out)
			w = (w & 0xfc000000) | to_first;
		put(f, w, 4);
	}
}

/** make_program - the functions one behind the other, without symbols; sets their addresses */
static struct examined make_program(struct listing *l, enum tables tables)
{
	static const char names[] = "\0.text\0.eh_frame\0.shstrtab";
	struct file f = { .data = malloc(FILE_SIZE) };
	size_t code_len = 0, table, table_len, names_off;

	assert_non_null(f.data);
	for (size_t i = 0; i < l->n; i++) {
		l->fn[i].addr = CODE_ADDR + code_len;
		code_len += 4 * l->fn[i].n_words;
	}
	for (unsigned pass = 0; pass < 2; pass++) {
		/* the first pass finds out where the section headers are */
		uint64_t shoff = f.len;

		f.len = 0;
		put_headers(&f, code_len, shoff);
		for (size_t i = 0; i < l->n; i++)
			put_code(&f, &l->fn[i]);
		table = f.len;
		if (tables != ABSENT)
			put_table(&f, l, tables);
		table_len = f.len - table;
		names_off = f.len;
		put_bytes(&f, names, sizeof(names));
		while (f.len % 8)
			put(&f, 0, 1);
	}
	put_section(&f, 0, 0, 0, 0, 0, 0);
	put_section(&f, 1, 1, 6, CODE_ADDR, CODE_OFF, code_len);
	put_section(&f, 7, 1, 2, TABLE_ADDR, table, table_len);
	put_section(&f, 17, 3, 0, 0, names_off, sizeof(names));
	return examine_bytes(f.data, f.len);
}

/** bytes_of - how many bytes of a function are in each class */
static void bytes_of(const struct examined *e, const struct listed *fn,
		     uint64_t ret[N_CODE_CLASSES])
{
	memset(ret, 0, N_CODE_CLASSES * sizeof(ret[0]));
	for (uint64_t addr = fn->addr; addr < fn->addr + 4 * fn->n_words; addr += 4) {
		const struct code_piece *p = piece_at(e, addr);

		assert_non_null(p);
		ret[p->cls] += 4;
	}
}

/* ---- what has to hold --------------------------------------------------------------------------
 */

static bool is_covered(const uint64_t bytes[N_CODE_CLASSES])
{
	return bytes[CODE_CRANELIFT] || bytes[CODE_ASM] || bytes[CODE_PAD];
}

static uint64_t surely_foreign(const uint64_t bytes[N_CODE_CLASSES])
{
	return bytes[CODE_LLVM] + bytes[CODE_GCC] + bytes[CODE_FOREIGN] + bytes[CODE_CONFLICT];
}

/**
 * expect_foreign_seen - no byte of a foreign function is attributed
 *
 * A forged entry of a leaf of up to three instructions is taken for true: such a leaf is what
 * Cranelift would have made.
 */
static void expect_foreign_seen(struct listing *l, enum tables tables)
{
	struct examined e = make_program(l, tables);
	unsigned n = 0, bad = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct listed *fn = &l->fn[i];
		uint64_t bytes[N_CODE_CLASSES];

		if (!is_foreign(fn) || (tables == FORGED_EMPTY && fn->n_words <= 3))
			continue;
		bytes_of(&e, fn, bytes);
		n++;
		if (is_covered(bytes)) {
			bad++;
			print_error("%s, %s: %s by %s, %zu instructions at %#lx, is covered\n",
				    "foreign", table_names[tables], fn->name, fn->maker,
				    fn->n_words, (unsigned long)fn->addr);
		}
	}
	if (bad)
		print_pieces(&e);
	assert_true(n >= 100);
	assert_int_equal(bad, 0);
	examined_done(&e);
}

static void foreign_functions_are_never_cranelifts(void **state)
{
	struct listing *l = read_listings(foreign_files, 3);

	(void)state;
	for (enum tables t = 0; t < N_TABLES; t++)
		expect_foreign_seen(l, t);
	free(l);
}

static void foreign_functions_between_cranelifts_are_seen(void **state)
{
	struct listing *foreign = read_listings(foreign_files, 3);
	struct listing *clif = read_listings(cranelift_files, 4);
	struct listing *both = calloc(1, sizeof(*both));

	(void)state;
	assert_non_null(both);
	for (size_t i = 0; i < foreign->n; i++) {
		both->fn[both->n++] = clif->fn[i % clif->n];
		both->fn[both->n++] = foreign->fn[i];
	}
	for (enum tables t = 0; t < N_TABLES; t++)
		expect_foreign_seen(both, t);
	free(foreign);
	free(clif);
	free(both);
}

/**
 * expect_cranelift - none of Cranelift's functions is called foreign
 * @at_least: of 1000 of their bytes, so many are attributed
 */
static void expect_cranelift(struct listing *l, enum tables tables, uint64_t at_least)
{
	struct examined e = make_program(l, tables);
	uint64_t attributed = 0, all = 0;
	unsigned bad = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct listed *fn = &l->fn[i];
		uint64_t bytes[N_CODE_CLASSES];

		bytes_of(&e, fn, bytes);
		attributed += bytes[CODE_CRANELIFT] + bytes[CODE_PAD];
		all += 4 * fn->n_words;
		if (surely_foreign(bytes)) {
			bad++;
			print_error("Cranelift's, %s: %s by %s at %#lx is called foreign\n",
				    table_names[tables], fn->name, fn->maker,
				    (unsigned long)fn->addr);
		}
	}
	if (bad || attributed * 1000 < all * at_least)
		print_pieces(&e);
	assert_int_equal(bad, 0);
	if (attributed * 1000 < all * at_least)
		fail_msg("%llu of %llu bytes", (unsigned long long)attributed,
			 (unsigned long long)all);
	examined_done(&e);
}

static void cranelifts_functions_are_known_by_their_tables(void **state)
{
	struct listing *l = read_listings(cranelift_files, 4);

	(void)state;
	expect_cranelift(l, HONEST, 985);
	expect_cranelift(l, TRIMMED, 985);
	free(l);
}

static void without_tables_cranelifts_functions_are_not_called_foreign(void **state)
{
	struct listing *l = read_listings(cranelift_files, 4);

	(void)state;
	expect_cranelift(l, ABSENT, 600);
	free(l);
}

static void foreign_functions_of_some_size_are_told_by_their_code(void **state)
{
	struct listing *l = read_listings(foreign_files, 3);
	struct examined e = make_program(l, ABSENT);
	uint64_t bytes[N_CODE_CLASSES], seen = 0, all = 0;

	(void)state;
	for (size_t i = 0; i < l->n; i++) {
		if (l->fn[i].n_words < 21)
			continue;
		bytes_of(&e, &l->fn[i], bytes);
		seen += surely_foreign(bytes);
		all += 4 * l->fn[i].n_words;
	}
	/* rates by size: docs/audit.md */
	assert_true(all > 5000);
	assert_true(seen * 100 >= all * 88);
	examined_done(&e);
	free(l);
}

/** has_adrp_apart - is it evidence of these words, as a function? */
static bool has_adrp_apart(const uint32_t words[4])
{
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);
	struct code_object *object = NULL;
	struct rimg_source *source;
	struct rimg_error err;
	uint8_t bytes[16];
	bool found = false;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
	source = rimg_source_open_memory(bytes, sizeof(bytes), "words");
	assert_non_null(ctx);
	assert_non_null(source);
	assert_int_equal(code_examine_raw(ctx, source, CODE_A64, &object, &err), 0);
	for (size_t i = 0; i < object->n_pieces; i++)
		found |= has_rule(&object->pieces[i], "adrp-apart");
	code_object_free(object);
	rimg_source_free(source);
	rimg_ctx_free(ctx);
	return found;
}

/* adrp x8, then the word in question, then nop; ret */
static void the_halves_of_an_address_stand_together(void **state)
{
	static const struct {
		uint32_t word;
		bool apart;
	} cases[] = {
		{ 0x91004108, false }, /* add x8,x8,#16 */
		{ 0xF9400908, false }, /* ldr x8,[x8,#16] */
		{ 0xF9400901, false }, /* ldr x1,[x8,#16]: of a thread's storage */
		{ 0x91004101, true },  /* add x1,x8,#16 */
		{ 0x91004128, true },  /* add x8,x9,#16 */
		{ 0xF9400928, true },  /* ldr x8,[x9,#16] */
		{ 0xB9401101, true },  /* ldr w1,[x8,#16] */
		{ 0xF9000901, true },  /* str x1,[x8,#16] */
		{ 0x91404108, true },  /* add x8,x8,#16,lsl #12 */
		{ 0xD503201F, true },  /* nop */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint32_t adrp[] = { 0x90000008, cases[i].word, 0xD503201F, 0xD65F03C0 };
		const uint32_t adr[] = { 0x10000008, cases[i].word, 0xD503201F, 0xD65F03C0 };

		assert_int_equal(has_adrp_apart(adrp), cases[i].apart);
		assert_false(has_adrp_apart(adr));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_functions_are_never_cranelifts),
		cmocka_unit_test(foreign_functions_between_cranelifts_are_seen),
		cmocka_unit_test(cranelifts_functions_are_known_by_their_tables),
		cmocka_unit_test(without_tables_cranelifts_functions_are_not_called_foreign),
		cmocka_unit_test(foreign_functions_of_some_size_are_told_by_their_code),
		cmocka_unit_test(the_halves_of_an_address_stand_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
