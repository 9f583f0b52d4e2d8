/* SPDX-License-Identifier: MIT */

/* Manifests: what goes into the image. */

#include "test.h"

#include "build/manifest.h"
#include "core/num.h"
#include "core/str.h"

#include "manifest_text.h"

/* ---- [[files]] ------------------------------------------------------------------------------ */

static void each_kind_of_file_is_told_by_its_keys(void **state)
{
	(void)state;
	load(FILES(
		"path = '/a'\nsource = 'out/a'\n[[files]]\npath = '/b'\ndata = \"x\\u0000\"\n"
		"[[files]]\npath = '/c'\ndata = '../t:x'\nsymlink = true\n[[files]]\npath = '/d'\n"
		"directory = true\n[[files]]\npath = '/e'\nhardlink = 'b/'\n[[files]]\n"
		"path = '/f'\ndata = ''\ndirectory = true\nsymlink = false\n"));
	assert_int_equal(m.n_files, 6);
	assert_int_equal(m.files[0].kind, MANIFEST_FILE_SOURCE);
	assert_string_equal(m.files[0].source->path, "dir/out/a");
	assert_int_equal(m.files[1].kind, MANIFEST_FILE_DATA);
	assert_int_equal(m.files[1].data_len, 2);
	assert_memory_equal(m.files[1].data, "x\0", 3);
	assert_int_equal(m.files[2].kind, MANIFEST_FILE_SYMLINK);
	assert_string_equal(m.files[2].data, "../t:x");
	assert_int_equal(m.files[3].kind, MANIFEST_FILE_DIRECTORY);
	assert_int_equal(m.files[4].kind, MANIFEST_FILE_HARDLINK);
	assert_string_equal(m.files[4].target, "/b");
	assert_int_equal(m.files[5].kind, MANIFEST_FILE_DIRECTORY);
	assert_int_equal(m.files[5].place.line, 19);
}

static void modes_owners_and_flags_are_kept_or_marked_as_absent(void **state)
{
	(void)state;
	load(FILES("path = '/a'\ndata = ''\nmode = 0o4755\nuid = 4294967294\ngid = 0\n"
		   "recursive_chown = true\npostinstall = true\nappend = true\n"
		   "[[files]]\npath = '/b'\ndata = ''\n"));
	assert_true(m.files[0].has_mode && m.files[0].has_uid && m.files[0].has_gid);
	assert_int_equal(m.files[0].mode, 04755);
	assert_int_equal(m.files[0].uid, 4294967294);
	assert_int_equal(m.files[0].gid, 0);
	assert_true(m.files[0].recursive_chown && m.files[0].postinstall && m.files[0].append);
	assert_false(m.files[1].has_mode || m.files[1].has_uid || m.files[1].has_gid);
	assert_false(m.files[1].recursive_chown || m.files[1].postinstall || m.files[1].append);
	refused(FILES("path = '/a'\ndata = ''\nmode = 0o10000\n"),
		"dir/m.toml:6: [[files]] mode: expected 0 to 4095, found 4096");
	refused(FILES("path = '/a'\ndata = ''\nuid = 4294967295\n"),
		"dir/m.toml:6: [[files]] uid: expected 0 to 4294967294, found 4294967295");
	refused(FILES("path = '/a'\ndata = ''\ngid = -1\n"),
		"dir/m.toml:6: [[files]] gid: expected 0 to 4294967294, found -1");
}

static void a_file_is_one_thing_only(void **state)
{
	static const char both[] =
		"dir/m.toml:3: [[files]] \"/a\": source, data, symlink, directory "
		"and hardlink exclude one another";
	static const char target[] =
		"dir/m.toml:3: [[files]] \"/a\": data is the target of the link: "
		"neither empty nor with a NUL";

	(void)state;
	refused(FILES("data = ''\n"), "dir/m.toml:3: [[files]] path is missing");
	refused(FILES("path = '/a'\n"),
		"dir/m.toml:3: [[files]] \"/a\": expected one of source, data, symlink, directory, "
		"hardlink");
	refused(FILES("path = '/a'\nsource = 'x'\ndata = ''\n"), both);
	refused(FILES("path = '/a'\ndirectory = true\ndata = 'x'\n"), both);
	refused(FILES("path = '/a'\ndirectory = true\nsymlink = true\ndata = 'x'\n"), both);
	refused(FILES("path = '/a'\nhardlink = '/b'\nsource = 'x'\n"), both);
	refused(FILES("path = '/a'\nsymlink = true\n"), target);
	refused(FILES("path = '/a'\nsymlink = true\ndata = ''\n"), target);
	refused(FILES("path = '/a'\nsymlink = true\ndata = \"x\\u0000\"\n"), target);
	refused(FILES("path = '/a'\nhardlink = '/b'\nmode = 0o600\n"),
		"dir/m.toml:3: [[files]] \"/a\": a hard link has the mode and owner of its file");
	refused(FILES("path = '/a'\nhardlink = 'a'\n"),
		"dir/m.toml:3: [[files]] \"/a\": a hard link to itself");
	refused(FILES("path = '/a'\ndirectory = true\nappend = true\n"),
		"dir/m.toml:3: [[files]] \"/a\": append goes with data or source");
	refused(FILES("path = '/'\ndata = ''\n"),
		"dir/m.toml:3: [[files]] \"/\": the root can only be a directory or a source");
}

static void flags_without_effect_are_warned_about(void **state)
{
	static const char *const warnings[] = {
		"dir/m.toml:6: [[files]] mode has no effect on a symbolic link",
		"dir/m.toml:11: [[files]] skip_special has no effect without source", NULL
	};

	(void)state;
	load(SIZE BOOT "[[files]]\npath = '/l'\nsymlink = true\ndata = 'x'\nmode = 0o777\n"
		       "[[files]]\npath = '/a'\ndata = ''\nskip_special = true\n");
	assert_warnings(warnings);
}

static void paths_are_made_plain(void **state)
{
	static const struct {
		const char *text, *plain;
	} paths[] = {
		{ "/etc/x", "/etc/x" },
		{ "etc/x", "/etc/x" },
		{ "///etc/x/", "/etc/x" },
		{ "/", "/" },
		{ "", "/" },
		{ "/.../..a", "/.../..a" },
		{ "/a b/\xc3\xa4", "/a b/\xc3\xa4" },
	};
	struct arena a;
	const char *plain;
	char why[100];

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		assert_int_equal(manifest_path_check(&a, paths[i].text, &plain, why, sizeof(why)),
				 0);
		assert_string_equal(plain, paths[i].plain);
	}
	arena_done(&a);
}

static void names_that_redoxfs_cannot_hold_are_refused(void **state)
{
	struct str text = { 0 };
	struct str line = { 0 };

	(void)state;
	refused(FILES("path = '/a//b'\ndata = ''\n"),
		"dir/m.toml:4: [[files]] path \"/a//b\": an empty name");
	refused(FILES("path = '/a/./b'\ndata = ''\n"),
		"dir/m.toml:4: [[files]] path \"/a/./b\": \".\" and \"..\" are no names");
	refused(FILES("path = '../b'\ndata = ''\n"),
		"dir/m.toml:4: [[files]] path \"../b\": \".\" and \"..\" are no names");
	refused(FILES("path = '/scheme:x'\ndata = ''\n"),
		"dir/m.toml:4: [[files]] path \"/scheme:x\": a name with \":\"");
	refused(FILES("path = \"/a\\u0000b\"\ndata = ''\n"),
		"dir/m.toml:4: [[files]] path: a text with a NUL");
	refused(FILES("path = '/a'\nhardlink = '/b/..'\n"),
		"dir/m.toml:5: [[files]] hardlink \"/b/..\": \".\" and \"..\" are no names");
	/* 252 bytes are a name, 253 are not */
	str_printf(&text, FILES("path = '/%0252d'\ndata = ''\n"), 1);
	assert_int_equal(strlen(load(text.data)->files[0].path), 253);
	str_clear(&text);
	str_printf(&text, FILES("path = '/%0253d'\ndata = ''\n"), 1);
	str_printf(&line, "dir/m.toml:4: [[files]] path \"/%0253d\": a name of more than 252 bytes",
		   1);
	refused(text.data, line.data);
	str_done(&text);
	str_done(&line);
}

static void a_path_ends_at_4096_bytes(void **state)
{
	struct arena a;
	const char *plain;
	char path[4200] = "", why[100];

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < 4097; i++)
		path[i] = i % 2 ? 'x' : '/';
	path[4097] = '\0';
	assert_int_equal(manifest_path_check(&a, path, &plain, why, sizeof(why)), 0);
	path[4097] = 'y';
	assert_int_equal(manifest_path_check(&a, path, &plain, why, sizeof(why)), -RIMG_E_BAD);
	assert_string_equal(why, "a path of more than 4096 bytes");
	assert_int_equal(manifest_path_check(&a, "/\xff", &plain, why, sizeof(why)), -RIMG_E_BAD);
	assert_string_equal(why, "a name that is not UTF-8");
	arena_done(&a);
}

/* ---- [packages], [users], [groups] ---------------------------------------------------------- */

static void packages_come_sorted_and_without_the_ignored(void **state)
{
	static const char *const warning[] = {
		"dir/m.toml:10: [packages] d: \"odd\" means nothing here; the package is taken",
		NULL
	};

	(void)state;
	load(SIZE BOOT "[packages]\nz = {}\na = 'binary'\nignored = 'ignore'\nd = 'odd'\n"
		       "B = { source = 'p/b.pkgar' }\n");
	assert_int_equal(m.n_packages, 4);
	assert_string_equal(m.packages[0].name, "B");
	assert_string_equal(m.packages[0].source->path, "dir/p/b.pkgar");
	assert_string_equal(m.packages[1].name, "a");
	assert_null(m.packages[1].source);
	assert_string_equal(m.packages[2].name, "d");
	assert_string_equal(m.packages[3].name, "z");
	assert_int_equal(m.packages[3].place.line, 7);
	assert_warnings(warning);
	refused(SIZE "[packages]\n\"../x\" = {}\n",
		"dir/m.toml:4: [packages] \"../x\" is no name of a package");
	refused(SIZE "[packages]\n\"\" = {}\n",
		"dir/m.toml:4: [packages] \"\" is no name of a package");
	refused(SIZE "[packages]\n\"a/b\" = {}\n",
		"dir/m.toml:4: [packages] \"a/b\" is no name of a package");
}

static void the_cookbook_is_a_source(void **state)
{
	(void)state;
	load(SIZE "[general]\ncookbook = '../cook'\n");
	assert_string_equal(m.cookbook->path, "dir/../cook");
}

static void assert_group(size_t i, const char *name, uint32_t gid, const char *members)
{
	struct str list = { 0 };

	assert_in_range(i, 0, m.n_groups - 1);
	assert_string_equal(m.groups[i].name, name);
	assert_int_equal(m.groups[i].gid, gid);
	for (size_t j = 0; j < m.groups[i].n_members; j++)
		str_printf(&list, "%s%s", j > 0 ? "," : "", m.groups[i].members[j]);
	assert_string_equal(str_cstr(&list), members);
	str_done(&list);
}

static void users_get_the_numbers_that_the_installer_gives(void **state)
{
	(void)state;
	/* by name: anna takes 1000, ben has 1005, carl comes after him, root leaves the row alone
	 */
	load(SIZE "[users.root]\nuid = 0\ngid = 0\npassword = 'pw'\nshell = '/usr/bin/ion'\n"
		  "home = '/root'\nname = 'Root'\n[users.carl]\n[users.ben]\nuid = 1005\n"
		  "[users.anna]\n[groups.sudo]\ngid = 1\nmembers = ['anna', 'carl']\n"
		  "[groups.audio]\n");
	assert_int_equal(m.n_users, 4);
	assert_string_equal(m.users[0].name, "anna");
	assert_int_equal(m.users[0].uid, 1000);
	assert_int_equal(m.users[0].gid, 1000);
	assert_string_equal(m.users[0].full_name, "anna");
	assert_string_equal(m.users[0].home, "/home/anna");
	assert_string_equal(m.users[0].shell, "/bin/ion");
	assert_string_equal(m.users[0].password, "");
	assert_string_equal(m.users[1].name, "ben");
	assert_int_equal(m.users[1].uid, 1005);
	assert_int_equal(m.users[1].gid, 1001);
	assert_string_equal(m.users[2].name, "carl");
	assert_int_equal(m.users[2].uid, 1006);
	assert_int_equal(m.users[2].gid, 1002);
	assert_string_equal(m.users[3].name, "root");
	assert_int_equal(m.users[3].uid, 0);
	assert_string_equal(m.users[3].password, "pw");
	assert_string_equal(m.users[3].full_name, "Root");
	assert_string_equal(m.users[3].home, "/root");
	assert_string_equal(m.users[3].shell, "/usr/bin/ion");
	assert_int_equal(m.n_groups, 6);
	assert_group(0, "anna", 1000, "anna");
	assert_group(3, "root", 0, "root");
	assert_group(4, "audio", 1003, "");
	assert_group(5, "sudo", 1, "anna,carl");
}

static void texts_that_would_break_the_lists_of_users_are_refused(void **state)
{
	(void)state;
	refused(SIZE "[users.\"a;b\"]\n",
		"dir/m.toml:3: [users.a;b]: \"a;b\" cannot be written to /etc/passwd or /etc/group");
	refused(SIZE "[users.\"a/b\"]\n",
		"dir/m.toml:3: [users.a/b]: \"a/b\" cannot be written to /etc/passwd or /etc/group");
	refused(SIZE "[users.\"\"]\n", "dir/m.toml:3: [users.]: an empty name");
	refused(SIZE "[users.a]\nname = 'x;y'\n",
		"dir/m.toml:4: [users.a] name: \"x;y\" cannot be written to /etc/passwd or "
		"/etc/group");
	refused(SIZE "[users.a]\nshell = \"x\\ny\"\n",
		"dir/m.toml:4: [users.a] shell: \"x\\ny\" cannot be written to /etc/passwd or "
		"/etc/group");
	refused(SIZE "[users.a]\nhome = '/x;y'\n",
		"dir/m.toml:3: [users.a] home: \"/x;y\" cannot be written to /etc/passwd or "
		"/etc/group");
	refused(SIZE "[users.a]\nhome = '/x/../y'\n",
		"dir/m.toml:4: [users.a] home \"/x/../y\": \".\" and \"..\" are no names");
	refused(SIZE "[users.\"a:b\"]\n", "dir/m.toml:3: [users.a:b] home: a name with \":\"");
	refused(SIZE "[groups.\"a,b\"]\n",
		"dir/m.toml:3: [groups.a,b]: \"a,b\" cannot be written to /etc/passwd or /etc/group");
	refused(SIZE "[groups.g]\nmembers = ['a', 'b,c']\n",
		"dir/m.toml:4: [groups.g] members: \"b,c\" cannot be written to /etc/passwd or "
		"/etc/group");
	refused(SIZE "[groups.g]\nmembers = ['']\n",
		"dir/m.toml:4: [groups.g] members: an empty name, or one with a NUL");
	refused(SIZE "[users.a]\nuid = 4294967295\n",
		"dir/m.toml:4: [users.a] uid: expected 0 to 4294967294, found 4294967295");
	refused(SIZE "[users.a]\nuid = 4294967294\n[users.b]\n",
		"dir/m.toml:5: [users.b] uid is missing, and no number is left");
}

static void a_group_beside_a_user_of_its_name_is_warned_about(void **state)
{
	static const char *const warnings[] = {
		"dir/m.toml:4: [general] prompt has no effect: nobody is asked anything",
		"dir/m.toml:8: [users.a] gets no password, since nobody is asked for one",
		"dir/m.toml:9: [groups.a]: there is a group of that name already, the user's", NULL
	};

	(void)state;
	load(SIZE "[general]\nprompt = true\n" BOOT "[users.a]\n[groups.a]\n");
	assert_warnings(warnings);
}

/* ---- sources -------------------------------------------------------------------------------- */

static void sources_are_relative_to_their_file_or_to_the_folder_that_is_given(void **state)
{
	struct manifest_options options = { .base = "in/puts" };

	(void)state;
	load_with(SIZE "[initfs]\nroot = 'fs'\nbootstrap = '/abs/b'\n", &options);
	assert_string_equal(m.initfs->root.path, "in/puts/fs");
	assert_string_equal(m.initfs->root.text, "fs");
	assert_string_equal(m.initfs->bootstrap->path, "/abs/b");
}

static void folders_with_odd_names_are_escaped_in_addresses(void **state)
{
	static const char text[] = SIZE "[initfs]\nroot = 'fs'\n";
	struct rimg_error err;

	(void)state;
	manifest_done(&m);
	if (manifest_load_text(text, strlen(text), "a::b\\c/m.toml", NULL, &m, &err) < 0)
		test_fail_error(text, &err);
	assert_string_equal(m.initfs->root.path, "a\\::b\\\\c/fs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_kind_of_file_is_told_by_its_keys, end),
		cmocka_unit_test_teardown(modes_owners_and_flags_are_kept_or_marked_as_absent, end),
		cmocka_unit_test_teardown(a_file_is_one_thing_only, end),
		cmocka_unit_test_teardown(flags_without_effect_are_warned_about, end),
		cmocka_unit_test_teardown(paths_are_made_plain, end),
		cmocka_unit_test_teardown(names_that_redoxfs_cannot_hold_are_refused, end),
		cmocka_unit_test_teardown(a_path_ends_at_4096_bytes, end),
		cmocka_unit_test_teardown(packages_come_sorted_and_without_the_ignored, end),
		cmocka_unit_test_teardown(the_cookbook_is_a_source, end),
		cmocka_unit_test_teardown(users_get_the_numbers_that_the_installer_gives, end),
		cmocka_unit_test_teardown(texts_that_would_break_the_lists_of_users_are_refused,
					  end),
		cmocka_unit_test_teardown(a_group_beside_a_user_of_its_name_is_warned_about, end),
		cmocka_unit_test_teardown(
			sources_are_relative_to_their_file_or_to_the_folder_that_is_given, end),
		cmocka_unit_test_teardown(folders_with_odd_names_are_escaped_in_addresses, end),
	};

	return cmocka_run_group_tests_name("manifest files", tests, NULL, NULL);
}
