/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <elf.h>
#include <inttypes.h>

#include "core/num.h"

#include "nodes.h"
#include "temp.h"

static struct rimg_layer *open_layer(struct rimg_node *node)
{
	return layer_of(node, "elf");
}

/* The n-th child of a role, counted from 0. */
static struct rimg_node *nth(const struct rimg_node *parent, enum rimg_role role, size_t n)
{
	rimg_for_each_child(child, parent) {
		if (child->role == role && n-- == 0)
			return child;
	}
	return NULL;
}

/* ---- real programs against readelf --------------------------------------------------------- */

static void save_text(const char *name, const char *text)
{
	test_save(temp_path(name), text, strlen(text));
}

static FILE *readelf(const char *options, const char *path)
{
	char command[600];
	FILE *f;

	snprintf(command, sizeof(command), "LC_ALL=C readelf -W %s %s 2>/dev/null", options, path);
	f = popen(command, "re");
	assert_non_null(f);
	return f;
}

static bool has_name(const struct rimg_node *node, const char *name)
{
	if (strcmp(node->name, name) == 0)
		return true;
	rimg_for_each_attr(a, node) {
		if (strcmp(a->key, "alias") == 0 && a->bytes.len == strlen(name) &&
		    memcmp(a->bytes.data, name, a->bytes.len) == 0)
			return true;
	}
	return false;
}

/* "  [ 1] .interp  PROGBITS  0000000000000318 000318 00001c 00   A  0   0  1" */
static size_t assert_sections(const struct rimg_layer *l, const char *path)
{
	FILE *f = readelf("-S", path);
	char line[8192];
	struct rimg_node *node = NULL;
	size_t n = 0;

	while (fgets(line, sizeof(line), f)) {
		char name[4096], kind[64], flags[16];
		uint64_t addr, off, size;
		unsigned index, entsize, link, info, align;
		int fields;

		char *spaced = strstr(line, "SYMTAB SECTION INDICES");

		if (sscanf(line, " [%u] ", &index) != 1 || index == 0)
			continue;
		if (spaced)
			memcpy(spaced, "SYMTAB_SECTION_INDICES", 22);
		fields = sscanf(strchr(line, ']') + 1,
				" %4095s %63s %" SCNx64 " %" SCNx64 " %" SCNx64 " %x %15s %u %u %u",
				name, kind, &addr, &off, &size, &entsize, flags, &link, &info,
				&align);
		if (fields < 10) /* no flags */
			assert_int_equal(sscanf(strchr(line, ']') + 1,
						" %4095s %63s %" SCNx64 " %" SCNx64 " %" SCNx64
						" %x %u %u %u",
						name, kind, &addr, &off, &size, &entsize, &link,
						&info, &align),
					 9);
		node = node ? node->next : nth(l->root, RIMG_ROLE_SECTION, 0);
		assert_non_null(node);
		assert_int_equal(node->role, RIMG_ROLE_SECTION);
		assert_string_equal(node->name, name);
		assert_int_equal(number(node, "address"), addr);
		assert_int_equal(number(node, "offset"), off);
		assert_int_equal(number(node, "size"), size);
		assert_int_equal(number(node, "entry_size"), entsize);
		assert_int_equal(number(node, "link"), link);
		assert_int_equal(number(node, "info"), info);
		assert_int_equal(number(node, "align"), align);
		if (strcmp(kind, "NOBITS") != 0 && size > 0)
			assert_int_equal(rimg_source_size(node->content), size);
		else
			assert_null(node->content);
		n++;
	}
	pclose(f);
	assert_null(nth(l->root, RIMG_ROLE_SECTION, n));
	return n;
}

/* "  LOAD  0x000000 0x0000000000000000 0x0000000000000000 0x001290 0x001290 R   0x1000" */
static size_t assert_segments(const struct rimg_layer *l, const char *path)
{
	FILE *f = readelf("-l", path);
	char line[8192];
	size_t n = 0;

	while (fgets(line, sizeof(line), f)) {
		char kind[64];
		uint64_t off, vaddr, paddr, filesz, memsz;
		struct rimg_node *node;

		if (sscanf(line,
			   " %63s 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64
			   " 0x%" SCNx64,
			   kind, &off, &vaddr, &paddr, &filesz, &memsz) != 6)
			continue;
		node = nth(l->root, RIMG_ROLE_SEGMENT, n++);
		assert_non_null(node);
		assert_text(node, "kind", kind);
		assert_int_equal(number(node, "offset"), off);
		assert_int_equal(number(node, "address"), vaddr);
		assert_int_equal(number(node, "physical_address"), paddr);
		assert_int_equal(number(node, "size"), filesz);
		assert_int_equal(number(node, "memory_size"), memsz);
		assert_int_equal(number(node, "align"), strtoull(strrchr(line, ' ') + 1, NULL, 16));
	}
	pclose(f);
	assert_null(nth(l->root, RIMG_ROLE_SEGMENT, n));
	return n;
}

/* The sections in the order of their indices, from 1 on; free() the list. */
static struct rimg_node **list_sections(const struct rimg_layer *l, size_t *ret_n)
{
	struct rimg_node **list = calloc(l->root->n_children + 1, sizeof(*list));
	size_t n = 1;

	assert_non_null(list);
	rimg_for_each_child(child, l->root)
		if (child->role == RIMG_ROLE_SECTION)
			list[n++] = child;
	*ret_n = n;
	return list;
}

/* "     7: 0000000000001139    18 FUNC    LOCAL  DEFAULT   14 helper", of one table */
static size_t assert_functions(const struct rimg_layer *l, const char *path, const char *table)
{
	FILE *f = readelf("-s", path);
	char line[10000];
	bool in_table = false;
	size_t n = 0, n_sections;
	struct rimg_node **sections = list_sections(l, &n_sections);

	while (fgets(line, sizeof(line), f)) {
		char kind[32], size_text[32], name[4096];
		uint64_t addr, size;
		unsigned index;
		struct rimg_node *found = NULL;

		if (strncmp(line, "Symbol table", 12) == 0)
			in_table = strstr(line, table) != NULL;
		if (!in_table ||
		    sscanf(line, " %*u: %" SCNx64 " %31s %31s %*s %*s %u %4095s", &addr, size_text,
			   kind, &index, name) != 5 ||
		    (strcmp(kind, "FUNC") != 0 && strcmp(kind, "IFUNC") != 0))
			continue;
		size = strtoull(size_text, NULL, 0);
		name[strcspn(name, "@")] = '\0'; /* readelf adds the version */
		assert_in_range(index, 1, n_sections - 1);
		rimg_for_each_child(child, sections[index]) {
			if (number(child, "address") == addr && has_name(child, name))
				found = child;
		}
		if (!found)
			fail_msg("%s: no function %s at 0x%" PRIx64, path, name, addr);
		assert_true(number(found, "size") >= size);
		n++;
	}
	free(sections);
	pclose(f);
	return n;
}

static size_t count_names(const struct rimg_layer *l)
{
	size_t n = 0;

	rimg_for_each_child(section, l->root) {
		rimg_for_each_child(function, section) {
			n++;
			rimg_for_each_attr(a, function)
				n += strcmp(a->key, "alias") == 0;
		}
	}
	return n;
}

struct sample {
	const char *path;
	const char *table; /* where its functions come from */
	bool may_have_none;
};

static void assert_agrees_with_readelf(const struct sample *s)
{
	struct test_image t = test_open(s->path);
	struct rimg_layer *l = open_layer(t.node);
	size_t sections = assert_sections(l, s->path);
	size_t segments = assert_segments(l, s->path);
	size_t functions = assert_functions(l, s->path, s->table);

	print_message("    %s: %zu sections, %zu segments, %zu functions\n", s->path, sections,
		      segments, functions);
	assert_int_not_equal(sections + segments, 0);
	if (!s->may_have_none)
		assert_int_not_equal(functions, 0);
	/* a name that two local symbols give to one address counts once here */
	assert_true(count_names(l) <= functions);
	assert_no_findings(t.image);
	rimg_for_each_child(child, l->root)
		assert_int_not_equal(child->role, RIMG_ROLE_GAP);
	test_close(&t);
}

static const char source[] = "static int helper(int x) { return x * 3; }\n"
			     "int foo(int a) { return helper(a) + 1; }\n"
			     "__attribute__((alias(\"foo\"))) int bar(int);\n"
			     "int data = 4, zero[100];\n"
			     "int main(int argc, char **argv) { return argv[argc] ? foo(argc) : "
			     "data + zero[1]; }\n";

static void programs_of_this_machine_read_as_readelf_says(void **state)
{
	const struct sample samples[] = {
		{ temp_path("exe"), ".symtab", false },
		{ temp_path("stripped.so"), ".dynsym", false },
		{ temp_path("object.o"), ".symtab", false },
		{ TEST_RIMG, ".symtab", false },
		{ "/bin/ls", ".dynsym", true },
	};

	(void)state;
	need_program("readelf");
	need_program("gcc");
	save_text("s.c", source);
	run("cd %s && gcc -O1 -g -Wl,--build-id -o exe s.c && "
	    "gcc -shared -fPIC -s -o stripped.so s.c && "
	    "gcc -ffunction-sections -c -o object.o s.c",
	    temp);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		if (access(samples[i].path, R_OK) == 0)
			assert_agrees_with_readelf(&samples[i]);
		else
			print_message("    %s: not there\n", samples[i].path);
	}
}

static void programs_of_32_bits_read_as_readelf_says(void **state)
{
	const struct sample sample = { temp_path("i386.o"), ".symtab", false };

	(void)state;
	need_program("readelf");
	need_program("gcc");
	save_text("s.c", source);
	if (!try_run("cd %s && gcc -m32 -c -o i386.o s.c 2>/dev/null", temp)) {
		print_message("[  SKIPPED ] gcc makes no 32-bit code here\n");
		skip();
	}
	assert_agrees_with_readelf(&sample);
}

static const char arm_source[] =
	"	.section .text.one,\"ax\"\n"
	"	.global one\n	.type one, %function\n"
	"one:	mov x0, #1\n	ret\n	.word 0x1234\n	.size one, .-one\n"
	"	.global other\n	.type other, %function\n	.set other, one\n"
	"	.text\n	.global _start\n	.type _start, %function\n"
	"_start: bl one\n	b _start\n"
	"	.data\n	.quad one\n	.comm zero, 64\n";

static void programs_for_aarch64_of_either_byte_order_read_as_readelf_says(void **state)
{
	const struct sample samples[] = {
		{ temp_path("le.o"), ".symtab", false },
		{ temp_path("be.o"), ".symtab", false },
		{ temp_path("be32.o"), ".symtab", false },
		{ temp_path("le.elf"), ".symtab", false },
		{ temp_path("be.elf"), ".symtab", false },
	};
	struct test_image t;

	(void)state;
	need_program("readelf");
	need_program("aarch64-linux-gnu-as");
	save_text("a.s", arm_source);
	run("cd %s && aarch64-linux-gnu-as -o le.o a.s && "
	    "aarch64-linux-gnu-as -EB -o be.o a.s && "
	    "sed 's/.quad/.word/' a.s >a32.s && "
	    "aarch64-linux-gnu-as -EB -mabi=ilp32 -o be32.o a32.s && "
	    "aarch64-linux-gnu-ld -o le.elf le.o && "
	    "aarch64-linux-gnu-ld -EB -o be.elf be.o",
	    temp);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		assert_agrees_with_readelf(&samples[i]);

	t = test_open(temp_path("be32.o"));
	assert_text(open_layer(t.node)->root, "data", "big-endian");
	assert_text(open_layer(t.node)->root, "class", "32-bit");
	assert_text(open_layer(t.node)->root, "machine", "aarch64");
	assert_text(test_find(&t, ".text.one::one"), "alias", "other");
	test_close(&t);
}

/* More sections than the header can count: the numbers stand in section header 0. */
static void object_of_70000_sections_reads_as_readelf_says(void **state)
{
	const struct sample sample = { temp_path("many.o"), ".symtab", false };
	FILE *f;

	(void)state;
	need_program("readelf");
	need_program("as");
	f = fopen(temp_path("many.s"), "we");
	assert_non_null(f);
	for (unsigned i = 0; i < 35000; i++)
		fprintf(f,
			".section .text.f%u,\"ax\"\n.type f%u, %%function\nf%u: .byte 0\n"
			".size f%u, 1\n.section .data.d%u,\"aw\"\n.byte 1\n",
			i, i, i, i, i);
	fclose(f);
	run("cd %s && as -o many.o many.s", temp);
	assert_agrees_with_readelf(&sample);
}

static void program_without_section_headers_shows_its_segments(void **state)
{
	struct test_image t;
	struct rimg_layer *l;
	size_t len, code_len;
	uint8_t *data, *code;
	struct rimg_node *node;

	(void)state;
	need_program("gcc");
	save_text("s.c", source);
	run("cd %s && gcc -O1 -s -o exe s.c", temp);
	data = test_load(temp_path("exe"), &len);
	memset(data + 40, 0, 8);
	memset(data + 60, 0, 4);
	t = test_open_bytes(data, len);
	l = open_layer(t.node);
	assert_int_equal(l->n_errors, 0);
	assert_null(nth(l->root, RIMG_ROLE_SECTION, 0));
	for (size_t i = 0; (node = nth(l->root, RIMG_ROLE_SEGMENT, i)); i++) {
		if (number(node, "size") == 0)
			continue;
		code = test_read_node(node, &code_len);
		assert_int_equal(code_len, number(node, "size"));
		assert_memory_equal(code, data + number(node, "offset"), code_len);
		free(code);
	}
	assert_int_equal(number(l->root, "stripped"), 1);
	test_close(&t);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_of_this_machine_read_as_readelf_says),
		cmocka_unit_test(programs_of_32_bits_read_as_readelf_says),
		cmocka_unit_test(programs_for_aarch64_of_either_byte_order_read_as_readelf_says),
		cmocka_unit_test(object_of_70000_sections_reads_as_readelf_says),
		cmocka_unit_test(program_without_section_headers_shows_its_segments),
	};

	return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
