/* SPDX-License-Identifier: MIT */

/* Manifests that include others, and settings from the command line. */

#include "test.h"

#include "build/manifest.h"
#include "core/num.h"
#include "core/str.h"

#include "temp.h"
#include "manifest_text.h"

/* ---- include -------------------------------------------------------------------------------- */

static int remove_all(void **state)
{
	remove_temp(state);
	return end(state);
}

static void write_file(const char *name, const char *text)
{
	test_save(temp_path(name), text, strlen(text));
}

static void load_file(const char *name)
{
	struct rimg_error err;

	manifest_done(&m);
	if (manifest_load(temp_path(name), NULL, &m, &err) < 0)
		test_fail_error(name, &err);
}

/* Each "@" in @line stands for the folder. */
static void file_refused(const char *name, int code, const char *line)
{
	struct manifest none = { 0 };
	struct rimg_error err = { 0 };
	struct str expected = { 0 };
	char shown[1200];

	for (const char *p = line; *p; p++)
		str_printf(&expected, "%.*s", *p == '@' ? (int)strlen(temp) : 1,
			   *p == '@' ? temp : p);
	assert_int_equal(manifest_load(temp_path(name), NULL, &none, &err), -code);
	assert_string_equal(rimg_error_format(&err, shown, sizeof(shown)), expected.data);
	str_done(&expected);
}

static void included_files_come_first_and_the_later_wins(void **state)
{
	(void)state;
	write_file("base.toml", "[image]\nsize = '64MiB'\nseed = 'base'\nepoch = 1\n"
				"package_dirs = ['a', 'b']\n"
				"[[partition]]\nname = 'x'\ntype = 'linux'\nfirst_lba = 34\n"
				"last_lba = 40\n"
				"[[files]]\npath = '/1'\nsource = 's'\n"
				"[packages]\nion = { source = 'i' }\nsh = {}\n"
				"[users.u]\nuid = 5\nshell = '/sh'\n"
				"[general]\nlive_disk = true\nno_mount = true\n");
	write_file("more.toml", "[image]\nseed = 'more'\n[[files]]\npath = '/2'\ndata = ''\n"
				"[general]\nlive_disk = false\n[groups.g]\ngid = 1\n");
	write_file("m.toml", "include = ['base.toml', 'more.toml']\n"
			     "[image]\nsize = '32MiB'\npackage_dirs = []\n"
			     "[[partition]]\nname = 'y'\ntype = 'linux'\nfirst_lba = 50\n"
			     "last_lba = 60\nformat = 'redoxfs'\n"
			     "[[files]]\npath = '/3'\ndata = ''\n"
			     "[packages]\nion = {}\nsh = 'ignore'\n[users.u]\ngid = 7\n"
			     "[groups.g]\ngid = 2\n");
	load_file("m.toml");
	assert_int_equal(m.size, 32 << 20);
	assert_string_equal(m.seed, "more");
	assert_int_equal(m.epoch, 1);
	assert_int_equal(m.n_package_dirs, 0);
	assert_int_equal(m.n_partitions, 1);
	assert_partition(0, "y", 50, 60, MANIFEST_FORMAT_REDOXFS);
	assert_int_equal(m.n_files, 3);
	assert_string_equal(m.files[0].path, "/1");
	assert_string_equal(m.files[0].place.file, temp_path("base.toml"));
	assert_string_equal(m.files[1].path, "/2");
	assert_string_equal(m.files[2].path, "/3");
	assert_int_equal(m.n_packages, 1);
	assert_null(m.packages[0].source);
	/* a user is replaced as a whole */
	assert_int_equal(m.users[0].uid, 1000);
	assert_int_equal(m.users[0].gid, 7);
	assert_string_equal(m.users[0].shell, "/bin/ion");
	assert_int_equal(m.groups[1].gid, 2);
	/* [general] key by key: live_disk was taken back, no_mount was not */
	assert_int_equal(m.n_warnings, 1);
	assert_non_null(strstr(m.warnings[0].text, "no_mount"));
}

static void sources_stay_relative_to_the_file_that_names_them(void **state)
{
	(void)state;
	assert_return_code(mkdir(temp_path("sub"), 0700), errno);
	write_file("sub/base.json", "{\"initfs\": {\"root\": \"fs\", \"bootstrap\": \"boot\"}}");
	write_file("m.toml", "include = ['sub/base.json']\n" SIZE "[initfs]\nbootstrap = 'own'\n");
	load_file("m.toml");
	assert_string_equal(m.initfs->root.path, temp_path("sub/fs"));
	assert_string_equal(m.initfs->bootstrap->path, temp_path("own"));
}

static void every_file_that_was_read_is_listed_with_its_digest(void **state)
{
	/* sha256sum of the bytes below */
	static const uint8_t digest[4] = { 0xfe, 0xeb, 0xf6, 0x29 };

	(void)state;
	write_file("base.toml", "[image]\nsize = 33554432\n");
	write_file("m.toml", "include = ['base.toml']\n");
	load_file("m.toml");
	assert_int_equal(m.n_inputs, 2);
	assert_string_equal(m.inputs[0].text, temp_path("m.toml"));
	assert_int_equal(m.inputs[0].size, 24);
	assert_string_equal(m.inputs[1].text, "base.toml");
	assert_string_equal(m.inputs[1].path, temp_path("base.toml"));
	assert_int_equal(m.inputs[1].size, 24);
	assert_memory_equal(m.inputs[1].sha256, digest, 4);
}

static void errors_name_the_file_they_are_in(void **state)
{
	(void)state;
	write_file("base.toml", "\n[image]\nsie = 5\n");
	write_file("m.toml", "include = ['base.toml']\n");
	file_refused("m.toml", RIMG_E_BAD,
		     "@/base.toml:3: unknown key \"sie\" in [image]; the nearest known one is "
		     "\"size\"");
	write_file("base.toml", "[image]\nsize = 5\n");
	file_refused("m.toml", RIMG_E_BAD,
		     "@/base.toml:2: [image] size: 5 is not a multiple of 512");
	/* also what a later file covers up has to be right */
	write_file("base.toml", "[users.a]\nuid = 'x'\n");
	write_file("m.toml", "include = ['base.toml']\n" SIZE "[users.a]\nuid = 1\n");
	file_refused("m.toml", RIMG_E_BAD,
		     "@/base.toml:2: [users.a] uid: expected an integer, found a text");
}

static void a_file_may_be_included_twice_but_not_by_itself(void **state)
{
	(void)state;
	write_file("a.toml", "[[files]]\npath = '/a'\ndata = ''\n");
	write_file("b.toml", "include = ['a.toml']\n");
	write_file("m.toml", "include = ['a.toml', 'b.toml']\n" SIZE);
	load_file("m.toml");
	assert_int_equal(m.n_files, 2);
	assert_string_equal(m.files[0].place.file, m.files[1].place.file);
	assert_int_equal(m.files[0].place.line, m.files[1].place.line);

	write_file("self.toml", "\ninclude = ['self.toml']\n");
	file_refused("self.toml", RIMG_E_BAD,
		     "@/self.toml:2: include goes round in a circle: @/self.toml -> @/self.toml");
	write_file("a.toml", "include = ['./c.toml']\n");
	assert_return_code(symlink("b.toml", temp_path("c.toml")), errno);
	file_refused(
		"b.toml", RIMG_E_BAD,
		"@/a.toml:1: include goes round in a circle: @/b.toml -> @/a.toml -> @/b.toml");
}

static void includes_nest_to_a_limit(void **state)
{
	char name[32], text[64];

	(void)state;
	for (unsigned i = 0; i < MANIFEST_DEPTH_MAX + 1; i++) {
		snprintf(name, sizeof(name), "%u.toml", i);
		snprintf(text, sizeof(text), "include = ['%u.toml']\n", i - 1);
		write_file(name, i == 0 ? SIZE : text);
	}
	load_file("15.toml");
	file_refused("16.toml", RIMG_E_LIMIT, "@/1.toml:1: more than 16 files include one another");
}

static void includes_that_multiply_end_at_a_limit(void **state)
{
	char name[32], text[64];

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "%u.toml", i);
		snprintf(text, sizeof(text), "include = ['%u.toml', '%u.toml']\n", i - 1, i - 1);
		write_file(name, i == 0 ? SIZE : text);
	}
	load_file("9.toml");
	assert_int_equal(m.n_inputs, 1023);
	file_refused("10.toml", RIMG_E_LIMIT, "@/10.toml:1: more than 1023 files are included");
}

static void all_files_together_end_at_a_limit(void **state)
{
	char *text = malloc(JSON_TEXT_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', JSON_TEXT_MAX + 1);
	write_file("m.toml", "include = ['long.toml']\n" SIZE);
	test_save(temp_path("long.toml"), text,
		  JSON_TEXT_MAX - strlen("include = ['long.toml']\n" SIZE));
	load_file("m.toml");
	test_save(temp_path("long.toml"), text,
		  JSON_TEXT_MAX - strlen("include = ['long.toml']\n" SIZE) + 1);
	file_refused(
		"m.toml", RIMG_E_LIMIT,
		"@/m.toml:1: the files of this manifest are longer than 16777216 bytes together");
	test_save(temp_path("m.toml"), text, JSON_TEXT_MAX + 1);
	file_refused("m.toml", RIMG_E_LIMIT, "@/m.toml: longer than 16777216 bytes");
	free(text);
}

static void files_that_cannot_be_read_are_told_with_who_wants_them(void **state)
{
	(void)state;
	file_refused("none.toml", RIMG_E_IO, "@/none.toml: cannot open: No such file or directory");
	write_file("m.toml", "include = [\n'none.toml']\n");
	file_refused("m.toml", RIMG_E_IO,
		     "@/m.toml:2: cannot open \"@/none.toml\": No such file or directory");
	assert_return_code(mkfifo(temp_path("fifo"), 0600), errno);
	file_refused("fifo", RIMG_E_IO, "@/fifo: \"@/fifo\" is not a regular file");
	write_file("m.toml", "include = ['']\n");
	file_refused("m.toml", RIMG_E_BAD, "@/m.toml:1: include: an empty name, or one with a NUL");
}

/* ---- --set ---------------------------------------------------------------------------------- */

static void assert_set_refused(const char *text, const char *set, int code, const char *line)
{
	const char *sets[] = { set };
	struct manifest_options options = { .set = sets, .n_set = 1 };

	assert_refused_with(text, &options, code, line);
}

static void settings_go_over_what_the_files_say(void **state)
{
	const char *sets[] = { "image.size=64MiB",
			       "image.epoch=7",
			       "image.seed=2026.01",
			       "image.package_dirs=['x', \"y\"]",
			       "partition.REDOX.compression=lz4",
			       "files.\"/boot/kernel\".source=k2",
			       "packages.\"a.b\"={}",
			       "users.root.password='1=\"2'",
			       "initfs.root=fs" };
	struct manifest_options options = { .set = sets, .n_set = ARRAY_LEN(sets) };

	(void)state;
	load_with(SIZE
		  "seed = 's'\n"
		  "[[partition]]\nname = 'REDOX'\ntype = 'linux'\nfirst_lba = 34\nlast_lba = 99\n"
		  "format = 'redoxfs'\n"
		  "[[files]]\npath = '/boot/kernel'\nsource = 'k1'\n"
		  "[[files]]\npath = '/boot/kernel'\nsource = 'k1'\n"
		  "[users.root]\nuid = 0\n",
		  &options);
	assert_int_equal(m.size, 64 << 20);
	assert_int_equal(m.epoch, 7);
	assert_string_equal(m.seed, "2026.01");
	assert_int_equal(m.n_package_dirs, 2);
	assert_string_equal(m.package_dirs[1].path, "y");
	assert_int_equal(m.partitions[0].compression, EMIT_COMPRESSION_LZ4);
	/* of several, the last, which wins anyway */
	assert_string_equal(m.files[0].source->path, "dir/k1");
	assert_string_equal(m.files[1].source->path, "k2");
	assert_string_equal(m.packages[0].name, "a.b");
	assert_string_equal(m.users[0].password, "1=\"2");
	assert_int_equal(m.users[0].uid, 0);
	/* the command line's folder is the working directory */
	assert_string_equal(m.initfs->root.path, "fs");
	assert_string_equal(m.initfs->root.place.file, "--set initfs.root=fs");
}

static void a_value_that_is_no_toml_is_a_text(void **state)
{
	static const struct {
		const char *set, *seed;
	} values[] = {
		{ "image.seed=", "" },
		{ "image.seed=a b", "a b" },
		{ "image.seed=\"a b\"", "a b" },
		{ "image.seed='1'", "1" },
		{ "image.seed=\"open", "\"open" },
		{ "image.seed=2026-01-01", "2026-01-01" },
		{ "image.seed=1.5", "1.5" },
		{ "image.seed=1\nw = 2", "1\nw = 2" },
		{ "\"image\".\"seed\"==", "=" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const char *sets[] = { values[i].set };
		struct manifest_options options = { .set = sets, .n_set = 1 };

		load_with(SIZE, &options);
		assert_string_equal(m.seed, values[i].seed);
	}
}

static void settings_that_make_no_sense_are_refused(void **state)
{
#define MALFORMED ": expected KEY=VALUE, with a key such as image.size"
	(void)state;
	assert_set_refused(SIZE, "image.szie=1", RIMG_E_BAD,
			   "--set image.szie=1: unknown key \"szie\" in [image]; the nearest known "
			   "one is \"size\"");
	assert_set_refused(SIZE, "imgae.size=1", RIMG_E_BAD,
			   "--set imgae.size=1: unknown key \"imgae\"; the nearest known one is "
			   "\"image\"");
	assert_set_refused(SIZE, "image.seed=7", RIMG_E_BAD,
			   "--set image.seed=7: [image] seed: expected a text, found an integer");
	assert_set_refused(SIZE, "image.size=7", RIMG_E_BAD,
			   "--set image.size=7: [image] size: 7 is not a multiple of 512");
	assert_set_refused(SIZE, "image=7", RIMG_E_BAD,
			   "--set image=7: image: expected a table, found an integer");
	assert_set_refused(SIZE, "image.size.x=7", RIMG_E_ARG,
			   "--set image.size.x=7: a part of the key is not a table");
	assert_set_refused(
		SIZE, "image.size.x.y=7", RIMG_E_ARG,
		"--set image.size.x.y=7: a part of the key is neither a table nor a list "
		"of tables");
	assert_set_refused(SIZE, "include=['x']", RIMG_E_ARG,
			   "--set include=['x']: only a file can include another");
	assert_set_refused(SIZE, "partition.EFI.format=fat", RIMG_E_ARG,
			   "--set partition.EFI.format=fat: the manifest has no [[partition]]");
	assert_set_refused(FILES("path = '/a'\ndata = ''\n"), "files./b.data=x", RIMG_E_ARG,
			   "--set files./b.data=x: no [[files]] has the path \"/b\"");
	assert_set_refused(SIZE, "image.size", RIMG_E_ARG, "--set image.size" MALFORMED);
	assert_set_refused(SIZE, "", RIMG_E_ARG, "--set " MALFORMED);
	assert_set_refused(SIZE, "=1", RIMG_E_ARG, "--set =1" MALFORMED);
	assert_set_refused(SIZE, "image.=1", RIMG_E_ARG, "--set image.=1" MALFORMED);
	assert_set_refused(SIZE, ".size=1", RIMG_E_ARG, "--set .size=1" MALFORMED);
	assert_set_refused(SIZE, "image..size=1", RIMG_E_ARG, "--set image..size=1" MALFORMED);
	assert_set_refused(SIZE, "\"image=1", RIMG_E_ARG, "--set \"image=1" MALFORMED);
	assert_set_refused(SIZE, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1", RIMG_E_ARG,
			   "--set a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1: the key has too many parts");
	assert_set_refused(SIZE, "image.seed=\xff", RIMG_E_ARG,
			   "--set image.seed=\\xff: the value is not UTF-8, or too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(included_files_come_first_and_the_later_wins,
						make_temp, remove_all),
		cmocka_unit_test_setup_teardown(sources_stay_relative_to_the_file_that_names_them,
						make_temp, remove_all),
		cmocka_unit_test_setup_teardown(every_file_that_was_read_is_listed_with_its_digest,
						make_temp, remove_all),
		cmocka_unit_test_setup_teardown(errors_name_the_file_they_are_in, make_temp,
						remove_all),
		cmocka_unit_test_setup_teardown(a_file_may_be_included_twice_but_not_by_itself,
						make_temp, remove_all),
		cmocka_unit_test_setup_teardown(includes_nest_to_a_limit, make_temp, remove_all),
		cmocka_unit_test_setup_teardown(includes_that_multiply_end_at_a_limit, make_temp,
						remove_all),
		cmocka_unit_test_setup_teardown(all_files_together_end_at_a_limit, make_temp,
						remove_all),
		cmocka_unit_test_setup_teardown(
			files_that_cannot_be_read_are_told_with_who_wants_them, make_temp,
			remove_all),
		cmocka_unit_test_teardown(settings_go_over_what_the_files_say, end),
		cmocka_unit_test_teardown(a_value_that_is_no_toml_is_a_text, end),
		cmocka_unit_test_teardown(settings_that_make_no_sense_are_refused, end),
	};

	return cmocka_run_group_tests_name("manifest include", tests, NULL, NULL);
}
