/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <inttypes.h>

#include "core/num.h"
#include "core/owner.h"

#include "nodes.h"
#include "temp.h"

static struct rimg_layer *open_layer(struct rimg_node *node)
{
	return layer_of(node, "ar");
}

/* ---- archives made by ar -------------------------------------------------------------------- */

#define LONG_NAME "a member name of more than sixteen bytes.txt"

/* Members of odd and even length, with a time, two of one name. */
static void save_members(void)
{
	const struct timespec times[2] = { { .tv_sec = 1700000000 }, { .tv_sec = 1700000000 } };

	test_save(temp_path("odd"), "odd", 3);
	test_save(temp_path("even"), "even", 4);
	test_save(temp_path(LONG_NAME), "long", 4);
	test_save(temp_path("object.s"), ".globl here\nhere: .byte 1\n", 26);
	run("cd %s && mkdir -p again && cp odd again/odd && echo more >>again/odd && "
	    "as -o object.o object.s && chmod 640 odd even",
	    temp);
	assert_int_equal(utimensat(AT_FDCWD, temp_path("odd"), times, 0), 0);
}

/* "rw-r----- 0/0      3 Nov 14 22:13 2023 odd" */
static void assert_listed(struct rimg_node *node, const char *line)
{
	static const char bits[] = "rwxrwxrwx";
	char mode[10], name[200];
	unsigned uid, gid;
	uint64_t size;

	assert_int_equal(sscanf(line, "%9s %u/%u %" SCNu64 " %*s %*s %*s %*s %199[^\n]", mode, &uid,
				&gid, &size, name),
			 5);
	assert_string_equal(node->name, name);
	assert_int_equal(number(node, "uid"), uid);
	assert_int_equal(number(node, "gid"), gid);
	assert_int_equal(number(node, "size"), size);
	assert_int_equal(rimg_source_size(node->content), size);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(mode[i], number(node, "mode") & 0400 >> i ? bits[i] : '-');
}

/* Names, modes, owners and sizes as `ar tv` says; contents as `ar p` gives them, in a row. */
static void assert_agrees_with_ar(const char *ar, const char *name)
{
	struct test_image t = test_open(temp_path(name));
	struct rimg_layer *l = open_layer(t.node);
	char line[600];
	size_t n = 0;
	FILE *list, *contents;

	snprintf(line, sizeof(line), "cd %s && LC_ALL=C TZ=UTC %s tv %s", temp, ar, name);
	list = popen(line, "re");
	snprintf(line, sizeof(line), "cd %s && %s p %s", temp, ar, name);
	contents = popen(line, "re");
	assert_true(list && contents);
	rimg_for_each_child(child, l->root) {
		size_t len;
		uint8_t *data, expected[4096];

		if (child->role != RIMG_ROLE_FILE)
			continue;
		assert_non_null(fgets(line, sizeof(line), list));
		assert_listed(child, line);
		data = test_read_node(child, &len);
		assert_in_range(len, 1, sizeof(expected));
		assert_int_equal(fread(expected, 1, len, contents), len);
		assert_memory_equal(data, expected, len);
		free(data);
		n++;
	}
	assert_null(fgets(line, sizeof(line), list));
	assert_int_equal(fgetc(contents), EOF);
	pclose(list);
	pclose(contents);
	assert_int_equal(n, 5);
	assert_no_findings(t.image);
	test_close(&t);
}

static void archives_of_gnu_ar_list_as_it_says(void **state)
{
	struct test_image t;
	const struct rimg_attr *mtime;

	(void)state;
	need_program("ar");
	need_program("as");
	save_members();
	run("cd %s && ar qcU gnu.a odd object.o '" LONG_NAME "' even again/odd && "
	    "ar qcD det.a odd object.o '" LONG_NAME "' even again/odd",
	    temp);
	assert_agrees_with_ar("ar", "gnu.a");
	assert_agrees_with_ar("ar", "det.a");

	t = test_open(temp_path("gnu.a"));
	mtime = node_attr(test_find(&t, "odd"), "mtime");
	assert_non_null(mtime);
	assert_int_equal(mtime->cause, RIMG_CAUSE_TIMESTAMP);
	assert_int_equal(mtime->time.s, 1700000000);
	assert_int_equal(number(test_find(&t, "symbol table"), "symbols"), 1);
	/* an object in the archive is an archive's member and an ELF file */
	assert_non_null(test_find(&t, "object.o::.symtab"));
	test_close(&t);

	t = test_open(temp_path("det.a"));
	mtime = node_attr(test_find(&t, "odd"), "mtime");
	assert_int_equal(mtime->time.s, 0);
	test_close(&t);
}

static void archives_with_bsd_names_list_as_llvm_ar_says(void **state)
{
	struct test_image t;

	(void)state;
	need_program("llvm-ar-14");
	need_program("as");
	save_members();
	run("cd %s && llvm-ar-14 --format=bsd qcU bsd.a odd object.o '" LONG_NAME
	    "' even again/odd",
	    temp);
	assert_agrees_with_ar("llvm-ar-14", "bsd.a");
	t = test_open(temp_path("bsd.a"));
	assert_int_equal(test_find(&t, "__.SYMDEF")->role, RIMG_ROLE_META);
	test_close(&t);
}

static void thin_archives_are_named_as_unsupported(void **state)
{
	struct test_image t = test_open_bytes("!<thin>\n", 8);

	(void)state;
	assert_true(open_layer(t.node)->unreadable);
	assert_finding(t.image, "ar.thin");
	test_close(&t);
}

/* ---- an archive made by hand ----------------------------------------------------------------- */

/*      8  "//" with 16 bytes   84  "/0": 3 bytes and a newline   148  "b": 4 bytes
 *    212  "#1/6": a name and 2 bytes */
enum { STRINGS = 8, FIRST = 84, SECOND = 148, THIRD = 212, AR_LEN = THIRD + 60 + 8 };

#define AR_TEST_HEADER "%-16s0           0     0     100644  %-10d`\n"

static uint8_t ar[AR_LEN + 64];

static size_t put_member(size_t off, const char *name, const char *data, size_t len)
{
	char header[70];

	snprintf(header, sizeof(header), "%-16s%-12u%-6u%-6u%-8o%-10zu`\n", name, 1700000000, 10,
		 20, 0100644, len);
	memcpy(ar + off, header, 60);
	memcpy(ar + off + 60, data, len);
	if (len % 2)
		ar[off + 60 + len] = '\n';
	return off + 60 + len + len % 2;
}

static void make_ar(void)
{
	memset(ar, 0, sizeof(ar));
	memcpy(ar, "!<arch>\n", 8);
	assert_int_equal(put_member(STRINGS, "//", "first/\nspare.o/\n", 16), FIRST);
	assert_int_equal(put_member(FIRST, "/0", "one", 3), SECOND);
	assert_int_equal(put_member(SECOND, "b/", "four", 4), THIRD);
	assert_int_equal(put_member(THIRD, "#1/6", "name\0\0xy", 8), AR_LEN);
}

static struct rimg_layer *open_made(struct test_image *t, size_t len)
{
	*t = test_open_bytes(ar, len);
	return open_layer(t->node);
}

static void names_of_all_kinds_are_found(void **state)
{
	struct test_image t;
	struct rimg_node *node;

	(void)state;
	make_ar();
	open_made(&t, AR_LEN);
	assert_no_findings(t.image);
	assert_int_equal(number(test_find(&t, "first"), "size"), 3);
	assert_int_equal(number(test_find(&t, "b"), "uid"), 10);
	assert_int_equal(number(test_find(&t, "b"), "gid"), 20);
	assert_int_equal(number(test_find(&t, "b"), "mode"), 0644);
	node = test_find(&t, "name");
	assert_int_equal(number(node, "size"), 2);
	assert_int_equal(rimg_source_size(node->content), 2);
	assert_int_equal(rimg_source_size(test_find(&t, "long names")->content), 16);
	test_close(&t);
}

struct defect {
	const char *code;
	size_t off;
	const char *text;
};

static const struct defect defects[] = {
	{ "ar.header", FIRST + 58, "x" },
	{ "ar.header", FIRST + 59, "x" },
	{ "ar.header", FIRST + 48, "x" },
	{ "ar.header", FIRST + 48, "1 2" },
	{ "ar.header", FIRST + 48, "-3" },
	{ "ar.header", FIRST + 48, "          " },
	{ "ar.header", FIRST + 48, "5         " }, /* the next header isn't where it says */
	{ "ar.member-range", THIRD + 48, "9" },
	{ "ar.member-range", THIRD + 48, "9999999999" },
	{ "ar.truncated", SECOND + 48, "70" },
	{ "ar.field", SECOND + 16, "x" },
	{ "ar.field", SECOND + 28, "      " },
	{ "ar.field", SECOND + 34, "-1    " },
	{ "ar.field", SECOND + 40, "8" },
	{ "ar.name", FIRST + 1, "15" },
	{ "ar.name", FIRST + 1, "16" },
	{ "ar.name", FIRST + 1, "99999999999999" },
	{ "ar.name", THIRD + 3, "9" },
	{ "ar.name", THIRD + 3, "0" },
	{ "ar.name", SECOND, "  " },
	{ "ar.long-names", SECOND, "//" },
	{ "ar.padding", FIRST + 63, "x" },
};

static void each_defect_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(defects); i++) {
		struct test_image t;

		make_ar();
		memcpy(ar + defects[i].off, defects[i].text, strlen(defects[i].text));
		open_made(&t, AR_LEN);
		if (!test_finding(t.image, defects[i].code)) {
			test_print_findings(t.image, SEVERITY_WARNING);
			fail_msg("no finding %s for \"%s\" at %zu", defects[i].code,
				 defects[i].text, defects[i].off);
		}
		test_close(&t);
	}
}

static void last_good_values_have_no_finding(void **state)
{
	static const struct defect good[] = {
		{ NULL, FIRST + 1, "7" },
		{ NULL, THIRD + 3, "8" }, /* all of the member is its name */
		{ NULL, SECOND + 40, "7777    " },
		{ NULL, SECOND + 16, "999999999999" },
		{ NULL, STRINGS + 16, "            " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct test_image t;

		make_ar();
		memcpy(ar + good[i].off, good[i].text, strlen(good[i].text));
		open_made(&t, AR_LEN);
		assert_no_findings(t.image);
		test_close(&t);
	}
}

static void truncated_anywhere_but_between_members_is_a_finding(void **state)
{
	(void)state;
	make_ar();
	for (size_t len = 8; len < AR_LEN; len++) {
		struct test_image t;
		struct rimg_layer *l = open_made(&t, len);
		bool whole = len == 8 || len == FIRST || len == SECOND || len == SECOND - 1 ||
			     len == THIRD;

		if ((l->n_errors > 0) == whole)
			fail_msg("%zu bytes: %" PRIu64 " errors", len, l->n_errors);
		test_close(&t);
	}
}

static void each_structure_is_owned_by_its_node(void **state)
{
	static const struct {
		uint64_t off;
		const char *name, *what, *key;
		enum rimg_cause cause;
	} owners[] = {
		{ 7, "", "magic", "magic", RIMG_CAUSE_CONTENT },
		{ STRINGS + 60, "long names", "content", NULL, RIMG_CAUSE_CONTENT },
		{ FIRST, "first", "member header", "stored_name", RIMG_CAUSE_PLACEMENT },
		{ FIRST + 27, "first", "member header", "mtime", RIMG_CAUSE_TIMESTAMP },
		{ FIRST + 40, "first", "member header", "mode", RIMG_CAUSE_CONTENT },
		{ FIRST + 62, "first", "content", NULL, RIMG_CAUSE_CONTENT },
		{ FIRST + 63, "padding", "padding", NULL, RIMG_CAUSE_PADDING },
		{ THIRD + 60, "name", "name", NULL, RIMG_CAUSE_CONTENT },
		{ THIRD + 66, "name", "content", NULL, RIMG_CAUSE_CONTENT },
	};
	struct test_image t;

	(void)state;
	make_ar();
	open_made(&t, AR_LEN);
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		struct owner o = owner_at(t.node, owners[i].off, NULL);

		assert_string_equal(o.node->name, owners[i].name);
		assert_string_equal(o.claim->what, owners[i].what);
		assert_string_equal(o.attr ? o.attr->key : "", owners[i].key ? owners[i].key : "");
		assert_int_equal(o.attr ? o.attr->cause : o.claim->cause, owners[i].cause);
	}
	test_close(&t);
}

/* As many names as there are bytes in the archive, and a megabyte more, are copied; here each of
 * the members is called by the same 4,000 bytes. */
static void names_that_share_their_bytes_run_out(void **state)
{
	enum { NAME = 4000, SHARING = 400, BIG = 8 + 60 + NAME + 2 + 60 * SHARING + 60 + 20 };
	uint8_t *big = calloc(1, BIG + 1);
	size_t off = 8, n = 0;
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	assert_non_null(big);
	memcpy(big, "!<arch>\n", 8);
	off += (size_t)snprintf((char *)big + off, BIG + 1 - off, AR_TEST_HEADER, "//", NAME + 2);
	memset(big + off, 'n', NAME);
	memcpy(big + off + NAME, "/\n", 2);
	off += NAME + 2;
	for (size_t i = 0; i < SHARING; i++)
		off += (size_t)snprintf((char *)big + off, BIG + 1 - off, AR_TEST_HEADER, "/0", 0);
	off += (size_t)snprintf((char *)big + off, BIG + 1 - off, AR_TEST_HEADER, "#1/20", 20);
	memset(big + off, 'b', 20);
	assert_int_equal(off + 20, BIG);
	t = test_open_bytes(big, BIG);
	l = open_layer(t.node);
	for (struct rimg_node *node = l->root->first_child; node; node = node->next)
		n += node->name_len;
	assert_in_range(n, (1 << 20) - NAME, 4 * BIG + (1 << 20) + 20 * SHARING);
	assert_finding(t.image, "ar.name");
	assert_memory_equal(l->root->last_child->name, "?member-", 8);
	test_close(&t);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archives_of_gnu_ar_list_as_it_says),
		cmocka_unit_test(archives_with_bsd_names_list_as_llvm_ar_says),
		cmocka_unit_test(thin_archives_are_named_as_unsupported),
		cmocka_unit_test(names_of_all_kinds_are_found),
		cmocka_unit_test(each_defect_has_its_finding),
		cmocka_unit_test(last_good_values_have_no_finding),
		cmocka_unit_test(truncated_anywhere_but_between_members_is_a_finding),
		cmocka_unit_test(each_structure_is_owned_by_its_node),
		cmocka_unit_test(names_that_share_their_bytes_run_out),
	};

	return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
