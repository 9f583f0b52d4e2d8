/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "build/manifest.h"
#include "core/num.h"
#include "core/str.h"

#define S32(byte_) byte_ byte_ byte_ byte_ byte_ byte_ byte_ byte_
#define SHA64      S32("0123abCD")
#define SIZE       "[image]\nsize = \"512MiB\"\n"
#define BOOT       "[bootloader]\nsource = \"b.efi\"\nsha256 = \"" SHA64 "\"\n"

static struct manifest m;

static int end(void **state)
{
	(void)state;
	manifest_done(&m);
	return 0;
}

static const struct manifest *load_with(const char *text, const struct manifest_options *options)
{
	struct rimg_error err;

	manifest_done(&m);
	if (manifest_load_text(text, strlen(text), "dir/m.toml", options, &m, &err) < 0)
		test_fail_error(text, &err);
	return &m;
}

static const struct manifest *load(const char *text)
{
	return load_with(text, NULL);
}

/* The whole line that comes out, and the code. */
static void assert_refused_with(const char *text, const struct manifest_options *options, int code,
				const char *line)
{
	struct manifest none = { 0 };
	struct rimg_error err = { 0 };
	char shown[1200];

	assert_int_equal(manifest_load_text(text, strlen(text), "dir/m.toml", options, &none, &err),
			 -code);
	assert_string_equal(rimg_error_format(&err, shown, sizeof(shown)), line);
	assert_int_equal(err.code, code);
	assert_null(none.arena.chunks);
}

static void refused(const char *text, const char *line)
{
	assert_refused_with(text, NULL, RIMG_E_BAD, line);
}

static void assert_warnings(const char *const *texts)
{
	size_t n = 0;

	for (; texts[n]; n++) {
		char line[300];

		assert_in_range(n, 0, m.n_warnings - 1);
		snprintf(line, sizeof(line), "%s:%u: %s", m.warnings[n].place.file,
			 m.warnings[n].place.line, m.warnings[n].text);
		assert_string_equal(line, texts[n]);
	}
	assert_int_equal(m.n_warnings, n);
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void an_unknown_key_is_told_with_the_nearest_known_one(void **state)
{
	(void)state;
	refused("[image]\nszie = 1\n",
		"dir/m.toml:2: unknown key \"szie\" in [image]; the nearest known one is \"size\"");
	refused("[imag]\n",
		"dir/m.toml:1: unknown key \"imag\"; the nearest known one is \"image\"");
	refused("[[files]]\npath = \"/a\"\n[[files]]\npaht = 1\n",
		"dir/m.toml:4: unknown key \"paht\" in [[files]]; the nearest known one is "
		"\"path\"");
	refused("[[partition]]\nlastlba = 1\n",
		"dir/m.toml:2: unknown key \"lastlba\" in [[partition]]; the nearest known one is "
		"\"last_lba\"");
	refused("[general]\nfile_system_size = 1\n",
		"dir/m.toml:2: unknown key \"file_system_size\" in [general]; the nearest known one "
		"is \"filesystem_size\"");
	refused("[users.root]\nhoem = 1\n",
		"dir/m.toml:2: unknown key \"hoem\" in [users.root]; the nearest known one is "
		"\"home\"");
	refused("[groups]\nsudo = { member = [] }\n",
		"dir/m.toml:2: unknown key \"member\" in [groups.sudo]; the nearest known one is "
		"\"members\"");
	refused("[packages.ion]\nsrc = 1\n",
		"dir/m.toml:2: unknown key \"src\" in [packages.ion]; the nearest known one is "
		"\"source\"");
	refused("[initfs]\nbootstarp = 1\n",
		"dir/m.toml:2: unknown key \"bootstarp\" in [initfs]; the nearest known one is "
		"\"bootstrap\"");
	refused("[bootloader]\nSHA256 = 1\n",
		"dir/m.toml:2: unknown key \"SHA256\" in [bootloader]; the nearest known one is "
		"\"sha256\"");
	refused("[image]\n\"a\\nb\" = 1\n",
		"dir/m.toml:2: unknown key \"a\\nb\" in [image]; the nearest known one is \"size\"");
	refused("\"\" = 1\n", "dir/m.toml:1: unknown key \"\"; the nearest known one is \"image\"");
}

static void a_key_that_slipped_into_another_table_is_sent_home(void **state)
{
	(void)state;
	refused("[image]\ninclude = []\n",
		"dir/m.toml:2: unknown key \"include\" in [image]; it belongs at the top, before all "
		"tables");
	refused("[bootloader]\nfilesystem_size = 1\n",
		"dir/m.toml:2: unknown key \"filesystem_size\" in [bootloader]; it belongs in "
		"[general]");
	refused("bootstrap = 'x'\n",
		"dir/m.toml:1: unknown key \"bootstrap\"; it belongs in [initfs]");
	refused("[image]\npartition = []\n",
		"dir/m.toml:2: unknown key \"partition\" in [image]; it is a table of its own, "
		"[[partition]]");
}

static void a_value_of_another_type_is_told_with_its_line(void **state)
{
	(void)state;
	refused("image = 5\n", "dir/m.toml:1: image: expected a table, found an integer");
	refused("[partition]\nname = 'A'\n",
		"dir/m.toml:1: partition: expected a list of tables ([[...]]), found a table");
	refused("files = [1]\n", "dir/m.toml:1: [[files]]: expected a table, found an integer");
	refused("include = 'a.toml'\n",
		"dir/m.toml:1: include: expected a list of texts, found a text");
	refused("include = ['a.toml',\n7]\n",
		"dir/m.toml:2: include: expected a list of texts, found an integer");
	refused("[image]\nsize = []\n",
		"dir/m.toml:2: [image] size: expected an integer or a size such as \"512MiB\", "
		"found a list");
	refused("[image]\nepoch = 'now'\n",
		"dir/m.toml:2: [image] epoch: expected an integer, found a text");
	refused("[image]\nseed = 2026\n",
		"dir/m.toml:2: [image] seed: expected a text, found an integer");
	refused("[[files]]\npath = '/x'\nmode = '0644'\n",
		"dir/m.toml:3: [[files]] mode: expected an integer, found a text");
	refused("[[files]]\npath = '/x'\nsymlink = 1\n",
		"dir/m.toml:3: [[files]] symlink: expected true or false, found an integer");
	refused("[users]\nroot = 'x'\n",
		"dir/m.toml:2: [users.root]: expected a table, found a text");
	refused("[packages]\nion = 1\n",
		"dir/m.toml:2: [packages.ion]: expected a table or a text, found an integer");
	refused("[groups.g]\nmembers = ['a', {}]\n",
		"dir/m.toml:2: [groups.g] members: expected a list of texts, found a table");
	refused("{\"image\": null}", "dir/m.toml:1: image: expected a table, found null");
	refused("{\"image\":\n{\"seed\": null}}",
		"dir/m.toml:1: [image] seed: expected a text, found null");
}

static void syntax_errors_carry_the_line_of_their_file(void **state)
{
	(void)state;
	refused("{\"image\": {}\n,}", "dir/m.toml:2: expected a key in quotes, found \"}\"");
	refused("[image]\nsize = 1.5\n",
		"dir/m.toml:2: a number with a fraction or an exponent: only integers are known "
		"here");
}

static void a_document_in_json_is_recognised_by_its_brace(void **state)
{
	(void)state;
	load(" \r\n\t{\"image\": {\"size\": \"1GiB\", \"seed\": \"s\"},\n"
	     "\"files\": [{\"path\": \"/a\", \"data\": \"b\"}],\n"
	     "\"packages\": {\"ion\": null, \"sh\": \"ignore\"}}");
	assert_int_equal(m.size, 1 << 30);
	assert_string_equal(m.files[0].path, "/a");
	assert_int_equal(m.files[0].place.line, 3);
	assert_int_equal(m.n_packages, 1);
	assert_string_equal(m.packages[0].name, "ion");
}

/* ---- [image], [general] --------------------------------------------------------------------- */

static void the_image_is_described_by_its_table(void **state)
{
	(void)state;
	load("[image]\nsize = 1048576000\nepoch = 1767225600\nseed = \"s\\u0000t\"\n"
	     "package_dirs = ['repo', '/abs/repo']\npackage_keys = ['k.toml']\n");
	assert_int_equal(m.size, 1048576000);
	assert_int_equal(m.epoch, 1767225600);
	assert_int_equal(m.seed_len, 3);
	assert_memory_equal(m.seed, "s\0t", 3);
	assert_int_equal(m.n_package_dirs, 2);
	assert_string_equal(m.package_dirs[0].text, "repo");
	assert_string_equal(m.package_dirs[0].path, "dir/repo");
	assert_string_equal(m.package_dirs[1].path, "/abs/repo");
	assert_int_equal(m.package_dirs[1].place.line, 5);
	assert_int_equal(m.n_package_keys, 1);
	assert_string_equal(m.package_keys[0].path, "dir/k.toml");
}

static void what_is_not_said_has_a_default(void **state)
{
	struct manifest_options options = { .epoch = 315532800 };

	(void)state;
	load_with(SIZE, &options);
	assert_int_equal(m.epoch, 315532800);
	assert_string_equal(m.seed, "");
	assert_int_equal(m.seed_len, 0);
	assert_int_equal(m.layout, MANIFEST_LAYOUT_GPT);
	assert_int_equal(m.n_files + m.n_packages + m.n_users + m.n_groups, 0);
	assert_null(m.bootloader);
	assert_null(m.initfs);
	assert_null(m.cookbook);
	load_with(SIZE "epoch = 0\n", &options);
	assert_int_equal(m.epoch, 0);
}

static void the_size_has_to_be_one(void **state)
{
	struct manifest_options late = { .epoch = MANIFEST_EPOCH_MAX + 1 };
	struct manifest_options early = { .epoch = -1 };

	(void)state;
	refused("", "dir/m.toml:1: [image] size is missing, and so is [general] filesystem_size");
	refused("\n[image]\nseed = ''\n",
		"dir/m.toml:2: [image] size is missing, and so is [general] filesystem_size");
	refused("[image]\nsize = 1000000\n",
		"dir/m.toml:2: [image] size: 1000000 is not a multiple of 512");
	refused("[image]\nsize = 0\n",
		"dir/m.toml:2: [image] size: 0 bytes are no size for an image");
	refused("[image]\nsize = \"8388608TiB\"\n",
		"dir/m.toml:2: [image] size: 9223372036854775808 bytes are no size for an image");
	refused("[image]\nsize = \"big\"\n",
		"dir/m.toml:2: [image] size: expected a size such as \"512MiB\", found \"big\"");
	refused("[image]\nsize = -512\n",
		"dir/m.toml:2: [image] size: expected 0 to 9223372036854775807, found -512");
	refused("[general]\nfilesystem_size = 0\n",
		"dir/m.toml:2: [general] filesystem_size: expected 1 to 4294967296, found 0");
	refused(SIZE "epoch = -1\n",
		"dir/m.toml:3: [image] epoch: expected 0 to 253402300799, found -1");
	refused(SIZE "epoch = 253402300800\n",
		"dir/m.toml:3: [image] epoch: expected 0 to 253402300799, found 253402300800");
	assert_int_equal(load(SIZE "epoch = 253402300799\n")->epoch, MANIFEST_EPOCH_MAX);
	assert_refused_with(SIZE, &late, RIMG_E_ARG,
			    "the default epoch is not in the years 1970 to 9999");
	assert_refused_with(SIZE, &early, RIMG_E_ARG,
			    "the default epoch is not in the years 1970 to 9999");
}

static void the_installers_sizes_stand_in_for_ours(void **state)
{
	(void)state;
	load("[general]\nfilesystem_size = 512\nefi_partition_size = 3\n");
	assert_int_equal(m.size, 512 << 20);
	assert_int_equal(m.partitions[1].last_lba, 2048 + 3 * 2048 - 1);
	load("[image]\nsize = '64MiB'\n[general]\nfilesystem_size = 512\n");
	assert_int_equal(m.size, 64 << 20);
}

static void keys_of_the_installer_that_mean_nothing_here_are_noted(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const all[] = {
		"dir/m.toml:4: [general] prompt has no effect: nobody is asked anything",
		"dir/m.toml:5: [general] live_disk has no effect: boot loaders are taken as they are",
		"dir/m.toml:6: [general] write_bootloader has no effect: nothing but the image is "
		"written",
		"dir/m.toml:7: [general] no_mount has no effect: nothing is ever mounted",
		"dir/m.toml:9: [packages.ion] version has no effect: the package that is found is "
		"taken",
		NULL,
	};

	(void)state;
	load("[general]\nfilesystem_size = 512\nskip_partitions = true\nprompt = true\n"
	     "live_disk = true\nwrite_bootloader = 'x'\nno_mount = true\n"
	     "[packages.ion]\nversion = '1'\n");
	assert_warnings(all);
	load("[general]\nfilesystem_size = 512\nskip_partitions = true\nprompt = false\n"
	     "live_disk = false\nwrite_bootloader = ''\nno_mount = false\nencrypt_disk = ''\n");
	assert_warnings(none);
}

static void encryption_is_refused_rather_than_forgotten(void **state)
{
	(void)state;
	assert_refused_with("[general]\nfilesystem_size = 512\nencrypt_disk = 'secret'\n", NULL,
			    RIMG_E_UNSUPPORTED,
			    "dir/m.toml:3: [general] encrypt_disk: encrypted volumes are read, not "
			    "written");
}

static void a_disk_without_partitions_is_one_redoxfs(void **state)
{
	(void)state;
	load("[image]\nsize = '64MiB'\ncompression = 'lz4'\n[general]\nskip_partitions = true\n"
	     "[[files]]\npath = '/a'\ndata = ''\n");
	assert_int_equal(m.layout, MANIFEST_LAYOUT_PLAIN);
	assert_int_equal(m.compression, EMIT_COMPRESSION_LZ4);
	assert_int_equal(m.n_partitions, 0);
	assert_null(m.root);
	assert_null(m.esp);
	refused("[general]\nskip_partitions = true\n[image]\nsize = '64MiB'\n[[partition]]\n",
		"dir/m.toml:2: [general] skip_partitions and [[partition]] exclude one another");
}

/* ---- partitions ----------------------------------------------------------------------------- */

static void assert_partition(size_t i, const char *name, uint64_t first, uint64_t last,
			     enum manifest_format format)
{
	assert_in_range(i, 0, m.n_partitions - 1);
	assert_string_equal(m.partitions[i].name, name);
	assert_int_equal(m.partitions[i].first_lba, first);
	assert_int_equal(m.partitions[i].last_lba, last);
	assert_int_equal(m.partitions[i].format, format);
}

static void without_partitions_the_installers_layout_is_scaled_to_the_size(void **state)
{
	/* type GUIDs as sgdisk prints those of ef02, ef00 and 8300 */
	static const uint8_t bios[16] = { 0x21, 0x68, 0x61, 0x48, 0x64, 0x49, 0x6e, 0x6f,
					  0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49 };
	static const uint8_t efi[16] = { 0xc1, 0x2a, 0x73, 0x28, 0xf8, 0x1f, 0x11, 0xd2,
					 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b };
	static const uint8_t data[16] = { 0x0f, 0xc6, 0x3d, 0xaf, 0x84, 0x83, 0x47, 0x72,
					  0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4 };

	(void)state;
	/* both rows: what upstream's installer made, golden disk-installer.img for 64 MiB */
	load(SIZE);
	assert_int_equal(m.n_partitions, 3);
	assert_partition(0, "BIOS", 34, 2047, MANIFEST_FORMAT_NONE);
	assert_partition(1, "EFI", 2048, 4095, MANIFEST_FORMAT_FAT);
	assert_partition(2, "REDOX", 4096, 1046527, MANIFEST_FORMAT_REDOXFS);
	assert_memory_equal(m.partitions[0].type, bios, 16);
	assert_memory_equal(m.partitions[1].type, efi, 16);
	assert_memory_equal(m.partitions[2].type, data, 16);
	assert_ptr_equal(m.esp, &m.partitions[1]);
	assert_ptr_equal(m.root, &m.partitions[2]);
	load("[image]\nsize = '64MiB'\ncompression = 'lz4'\n");
	assert_partition(2, "REDOX", 4096, 129023, MANIFEST_FORMAT_REDOXFS);
	assert_int_equal(m.root->compression, EMIT_COMPRESSION_LZ4);
}

static void the_standard_layout_needs_three_mib_and_the_backup_table(void **state)
{
	(void)state;
	load("[image]\nsize = 3163136\n");
	assert_partition(2, "REDOX", 4096, 6143, MANIFEST_FORMAT_REDOXFS);
	refused("[image]\nsize = 3162624\n",
		"dir/m.toml:1: the image has 3162624 bytes; the standard layout needs at least "
		"3163136");
	refused("[image]\nsize = 512\n",
		"dir/m.toml:1: the image has 512 bytes; the standard layout needs at least 3163136");
	refused("[image]\nsize = '64MiB'\n[general]\nefi_partition_size = 62\n",
		"dir/m.toml:1: the image has 67108864 bytes; the standard layout needs at least "
		"67126272");
	refused("[image]\nsize = '64MiB'\n[general]\nefi_partition_size = 4294967296\n",
		"dir/m.toml:1: the image has 67108864 bytes; the standard layout needs at least "
		"4503599629485056");
}

#define PART(name_, type_, first_, last_)                                            \
	"[[partition]]\nname = '" name_ "'\ntype = '" type_ "'\nfirst_lba = " first_ \
	"\nlast_lba = " last_ "\n"

static void partitions_come_as_they_are_given(void **state)
{
	static const uint8_t guid[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
					  0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 };

	(void)state;
	load(SIZE PART("root", "linux", "4096", "1048542") "format = 'redoxfs'\ncompression = 'lz4'\n" PART(
		"raw", "01234567-89AB-cdef-fedc-ba9876543210", "34",
		"34") "source = '../x.bin'\nformat = 'none'\n" PART("boot", "efi", "35",
								    "4095") "format = 'fat'\n");
	assert_int_equal(m.n_partitions, 3);
	assert_partition(0, "root", 4096, 1048542, MANIFEST_FORMAT_REDOXFS);
	assert_partition(1, "raw", 34, 34, MANIFEST_FORMAT_NONE);
	assert_partition(2, "boot", 35, 4095, MANIFEST_FORMAT_FAT);
	assert_int_equal(m.partitions[0].compression, EMIT_COMPRESSION_LZ4);
	assert_memory_equal(m.partitions[1].type, guid, 16);
	assert_string_equal(m.partitions[1].source->text, "../x.bin");
	assert_string_equal(m.partitions[1].source->path, "dir/../x.bin");
	assert_int_equal(m.partitions[1].place.line, 10);
	assert_ptr_equal(m.root, &m.partitions[0]);
	assert_ptr_equal(m.esp, &m.partitions[2]);
}

static void a_partition_has_to_be_whole(void **state)
{
	(void)state;
	refused(SIZE "[[partition]]\n", "dir/m.toml:3: [[partition]] name is missing");
	refused(SIZE "[[partition]]\nname = 'a'\n", "dir/m.toml:3: [[partition]] type is missing");
	refused(SIZE "[[partition]]\nname = 'a'\ntype = 'efi'\n",
		"dir/m.toml:3: [[partition]] first_lba is missing");
	refused(SIZE "[[partition]]\nname = 'a'\ntype = 'efi'\nfirst_lba = 34\n",
		"dir/m.toml:3: [[partition]] last_lba is missing");
	refused(SIZE PART("", "efi", "34", "35"),
		"dir/m.toml:4: [[partition]] name: expected 1 to 36 UTF-16 units");
	refused(SIZE PART("1234567890123456789012345678901234567", "efi", "34", "35"),
		"dir/m.toml:4: [[partition]] name: expected 1 to 36 UTF-16 units");
	load(SIZE PART("123456789012345678901234567890123456", "efi", "34", "35"));
	refused(SIZE PART("12345678901234567890123456789012345\xf0\x9f\x98\x80", "efi", "34", "35"),
		"dir/m.toml:4: [[partition]] name: expected 1 to 36 UTF-16 units");
	refused(SIZE PART("a", "esp", "34", "35"),
		"dir/m.toml:5: [[partition]] type: expected \"bios\", \"efi\", \"linux\" or a GUID, "
		"found \"esp\"");
	refused(SIZE PART("a", "01234567-89AB-cdef-fedc-ba987654321", "34", "35"),
		"dir/m.toml:5: [[partition]] type: expected \"bios\", \"efi\", \"linux\" or a GUID, "
		"found \"01234567-89AB-cdef-fedc-ba987654321\"");
	refused(SIZE PART("a", "efi", "34", "35") "format = 'ext4'\n",
		"dir/m.toml:8: [[partition]] format: expected \"none\", \"fat\" or \"redoxfs\", found "
		"\"ext4\"");
	refused(SIZE PART("a", "efi", "34", "35") "format = 'redoxfs'\ncompression = 'zstd'\n",
		"dir/m.toml:9: [[partition]] compression: expected \"none\" or \"lz4\", found "
		"\"zstd\"");
	refused(SIZE PART("a", "efi", "34", "35") "format = 'fat'\ncompression = 'lz4'\n",
		"dir/m.toml:9: [[partition]] compression: only format \"redoxfs\" has one");
	refused(SIZE PART("a", "efi", "34", "35") "format = 'fat'\nsource = 'x'\n",
		"dir/m.toml:9: [[partition]] source: only format \"none\" has one");
}

static void partitions_lie_in_the_image_and_apart(void **state)
{
	(void)state;
	refused(SIZE PART("a", "efi", "33", "35"),
		"dir/m.toml:6: [[partition]] first_lba: expected 34 to 1048542, found 33");
	refused(SIZE PART("a", "efi", "34", "1048543"),
		"dir/m.toml:7: [[partition]] last_lba: expected 34 to 1048542, found 1048543");
	refused(SIZE PART("a", "efi", "40", "39"),
		"dir/m.toml:7: [[partition]] last_lba: expected 40 to 1048542, found 39");
	refused(SIZE PART("a", "efi", "34", "40") PART("b", "efi", "40", "50"),
		"dir/m.toml:8: partition \"b\" (40-50) overlaps \"a\" (34-40)");
	refused(SIZE PART("a", "efi", "100", "200") PART("b", "efi", "34", "1000"),
		"dir/m.toml:8: partition \"b\" (34-1000) overlaps \"a\" (100-200)");
	refused(SIZE PART("a", "efi", "34", "40") PART("a", "efi", "50", "60"),
		"dir/m.toml:8: two partitions have the name \"a\"");
	refused(SIZE PART("a", "efi", "34", "40") "format = 'fat'\n" PART("b", "efi", "50",
									  "60") "format = 'fat'\n",
		"dir/m.toml:9: partition \"b\" has the format of \"a\"; only one can have it");
	refused("[image]\nsize = 512\n" PART("a", "efi", "34", "40"),
		"dir/m.toml:3: the image has 512 bytes, too few for a partition table");
}

static void the_table_holds_128_partitions(void **state)
{
	struct str text = { 0 };

	(void)state;
	str_add(&text, SIZE);
	for (int i = 0; i < 128; i++)
		str_printf(&text,
			   "[[partition]]\nname = 'p%d'\ntype = 'linux'\nfirst_lba = %d\n"
			   "last_lba = %d\n",
			   i, 34 + i, 34 + i);
	assert_int_equal(load(text.data)->n_partitions, 128);
	str_add(&text, PART("more", "linux", "4000", "4001"));
	assert_refused_with(text.data, NULL, RIMG_E_LIMIT,
			    "dir/m.toml:3: 129 partitions; the table holds 128");
	str_done(&text);
}

static void what_goes_into_the_root_file_system_needs_one(void **state)
{
#define NO_ROOT  SIZE PART("a", "efi", "34", "40")
#define NO_PLACE ": this has no place: no partition has the format \"redoxfs\""
	(void)state;
	load(NO_ROOT);
	refused(NO_ROOT "[[files]]\npath = '/a'\ndata = ''\n", "dir/m.toml:8" NO_PLACE);
	refused(NO_ROOT "[initfs]\nroot = 'x'\n", "dir/m.toml:8" NO_PLACE);
	refused(NO_ROOT "[packages]\nion = {}\n", "dir/m.toml:9" NO_PLACE);
	refused(NO_ROOT "[users.root]\n", "dir/m.toml:8" NO_PLACE);
	refused(NO_ROOT "[groups.g]\n", "dir/m.toml:8" NO_PLACE);
}

/* ---- [bootloader], [initfs] ----------------------------------------------------------------- */

static void a_boot_loader_comes_with_its_digest(void **state)
{
	static const char *const silent[] = { NULL };
	static const uint8_t start[4] = { 0x01, 0x23, 0xab, 0xcd };

	(void)state;
	load(SIZE "[bootloader]\nsource = 'old.img::EFI::/EFI/BOOT/BOOTAA64.EFI'\nsha256 = '" SHA64
		  "'\n");
	assert_string_equal(m.bootloader->source.text, "old.img::EFI::/EFI/BOOT/BOOTAA64.EFI");
	assert_string_equal(m.bootloader->source.path, "dir/old.img::EFI::/EFI/BOOT/BOOTAA64.EFI");
	assert_memory_equal(m.bootloader->sha256, start, 4);
	assert_memory_equal(m.bootloader->sha256 + 28, start, 4);
	assert_string_equal(m.bootloader->path, "/EFI/BOOT/BOOTAA64.EFI");
	assert_int_equal(m.bootloader->place.line, 3);
	assert_warnings(silent);
	load(SIZE BOOT "path = 'EFI/BOOT/bootx64.efi'\n");
	assert_string_equal(m.bootloader->path, "/EFI/BOOT/bootx64.efi");
}

static void a_boot_loader_without_digest_or_place_is_refused(void **state)
{
	(void)state;
	refused(SIZE "[bootloader]\n", "dir/m.toml:3: [bootloader] source is missing");
	refused(SIZE "[bootloader]\nsource = 'x'\n",
		"dir/m.toml:3: [bootloader] sha256 is missing");
	refused(SIZE "[bootloader]\nsource = 'x'\nsha256 = '0123'\n",
		"dir/m.toml:5: [bootloader] sha256: expected 64 hexadecimal digits");
	refused(SIZE "[bootloader]\nsource = 'x'\nsha256 = '" S32("0123abCG") "'\n",
		"dir/m.toml:5: [bootloader] sha256: expected 64 hexadecimal digits");
	refused(SIZE "[bootloader]\nsource = ''\nsha256 = '" SHA64 "'\n",
		"dir/m.toml:4: [bootloader] source: an empty text, or one with a NUL");
	refused(SIZE "[bootloader]\nsource = 'a\\q'\nsha256 = '" SHA64 "'\n",
		"dir/m.toml:4: [bootloader] source: expected after a backslash one of \\ n t r xNN ::, found something else");
	refused(SIZE BOOT "path = '/EFI/a?b'\n",
		"dir/m.toml:6: [bootloader] path \"/EFI/a?b\": FAT cannot hold it");
	refused(SIZE BOOT "path = '/EFI./x'\n",
		"dir/m.toml:6: [bootloader] path \"/EFI./x\": FAT cannot hold it");
	refused(SIZE BOOT "path = \"/a\\tb\"\n",
		"dir/m.toml:6: [bootloader] path \"/a\\tb\": FAT cannot hold it");
	refused(SIZE BOOT "path = '/'\n",
		"dir/m.toml:6: [bootloader] path \"/\": FAT cannot hold it");
	refused(SIZE BOOT "path = '/a:b'\n",
		"dir/m.toml:6: [bootloader] path \"/a:b\": a name with \":\"");
	refused(SIZE BOOT PART("a", "linux", "34", "40") "format = 'redoxfs'\n",
		"dir/m.toml:3: [bootloader] has no place: no partition has the format \"fat\"");
}

static void an_image_that_will_not_boot_is_warned_about(void **state)
{
	static const char *const warning[] = {
		"dir/m.toml:1: without [bootloader], nothing boots from the image", NULL
	};

	(void)state;
	load(SIZE);
	assert_warnings(warning);
}

static void an_initfs_has_a_root_and_defaults(void **state)
{
	(void)state;
	load(SIZE "[initfs]\nroot = 'fs'\n");
	assert_string_equal(m.initfs->root.path, "dir/fs");
	assert_null(m.initfs->bootstrap);
	assert_string_equal(m.initfs->path, "/boot/initfs");
	assert_int_equal(m.initfs->max_size, 0);
	assert_false(m.initfs->skip_special);
	load(SIZE "[initfs]\nroot = '/fs'\nbootstrap = 'b'\npath = '/usr/lib/boot/initfs'\n"
		  "max_size = '128MiB'\nskip_special = true\n");
	assert_string_equal(m.initfs->root.path, "/fs");
	assert_string_equal(m.initfs->bootstrap->path, "dir/b");
	assert_string_equal(m.initfs->path, "/usr/lib/boot/initfs");
	assert_int_equal(m.initfs->max_size, 128 << 20);
	assert_true(m.initfs->skip_special);
	refused(SIZE "[initfs]\nbootstrap = 'b'\n", "dir/m.toml:3: [initfs] root is missing");
	refused(SIZE "[initfs]\nroot = 'r'\npath = '/'\n",
		"dir/m.toml:5: [initfs] path \"/\": expected the path of a file");
}

/* ---- [[files]] ------------------------------------------------------------------------------ */

#define FILES(text_) SIZE "[[files]]\n" text_

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

/* ---- include -------------------------------------------------------------------------------- */

static char *folder;

static int make_folder(void **state)
{
	(void)state;
	folder = test_temp_dir();
	return 0;
}

static int remove_folder(void **state)
{
	test_remove_dir(folder);
	return end(state);
}

static const char *in_folder(const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	test_save(in_folder(name), text, strlen(text));
}

static void load_file(const char *name)
{
	struct rimg_error err;

	manifest_done(&m);
	if (manifest_load(in_folder(name), NULL, &m, &err) < 0)
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
		str_printf(&expected, "%.*s", *p == '@' ? (int)strlen(folder) : 1,
			   *p == '@' ? folder : p);
	assert_int_equal(manifest_load(in_folder(name), NULL, &none, &err), -code);
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
	assert_string_equal(m.files[0].place.file, in_folder("base.toml"));
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
	assert_return_code(mkdir(in_folder("sub"), 0700), errno);
	write_file("sub/base.json", "{\"initfs\": {\"root\": \"fs\", \"bootstrap\": \"boot\"}}");
	write_file("m.toml", "include = ['sub/base.json']\n" SIZE "[initfs]\nbootstrap = 'own'\n");
	load_file("m.toml");
	assert_string_equal(m.initfs->root.path, in_folder("sub/fs"));
	assert_string_equal(m.initfs->bootstrap->path, in_folder("own"));
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
	assert_string_equal(m.inputs[0].text, in_folder("m.toml"));
	assert_int_equal(m.inputs[0].size, 24);
	assert_string_equal(m.inputs[1].text, "base.toml");
	assert_string_equal(m.inputs[1].path, in_folder("base.toml"));
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
	assert_return_code(symlink("b.toml", in_folder("c.toml")), errno);
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
	test_save(in_folder("long.toml"), text,
		  JSON_TEXT_MAX - strlen("include = ['long.toml']\n" SIZE));
	load_file("m.toml");
	test_save(in_folder("long.toml"), text,
		  JSON_TEXT_MAX - strlen("include = ['long.toml']\n" SIZE) + 1);
	file_refused(
		"m.toml", RIMG_E_LIMIT,
		"@/m.toml:1: the files of this manifest are longer than 16777216 bytes together");
	test_save(in_folder("m.toml"), text, JSON_TEXT_MAX + 1);
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
	assert_return_code(mkfifo(in_folder("fifo"), 0600), errno);
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
		cmocka_unit_test_teardown(an_unknown_key_is_told_with_the_nearest_known_one, end),
		cmocka_unit_test_teardown(a_key_that_slipped_into_another_table_is_sent_home, end),
		cmocka_unit_test_teardown(a_value_of_another_type_is_told_with_its_line, end),
		cmocka_unit_test_teardown(syntax_errors_carry_the_line_of_their_file, end),
		cmocka_unit_test_teardown(a_document_in_json_is_recognised_by_its_brace, end),
		cmocka_unit_test_teardown(the_image_is_described_by_its_table, end),
		cmocka_unit_test_teardown(what_is_not_said_has_a_default, end),
		cmocka_unit_test_teardown(the_size_has_to_be_one, end),
		cmocka_unit_test_teardown(the_installers_sizes_stand_in_for_ours, end),
		cmocka_unit_test_teardown(keys_of_the_installer_that_mean_nothing_here_are_noted,
					  end),
		cmocka_unit_test_teardown(encryption_is_refused_rather_than_forgotten, end),
		cmocka_unit_test_teardown(a_disk_without_partitions_is_one_redoxfs, end),
		cmocka_unit_test_teardown(
			without_partitions_the_installers_layout_is_scaled_to_the_size, end),
		cmocka_unit_test_teardown(the_standard_layout_needs_three_mib_and_the_backup_table,
					  end),
		cmocka_unit_test_teardown(partitions_come_as_they_are_given, end),
		cmocka_unit_test_teardown(a_partition_has_to_be_whole, end),
		cmocka_unit_test_teardown(partitions_lie_in_the_image_and_apart, end),
		cmocka_unit_test_teardown(the_table_holds_128_partitions, end),
		cmocka_unit_test_teardown(what_goes_into_the_root_file_system_needs_one, end),
		cmocka_unit_test_teardown(a_boot_loader_comes_with_its_digest, end),
		cmocka_unit_test_teardown(a_boot_loader_without_digest_or_place_is_refused, end),
		cmocka_unit_test_teardown(an_image_that_will_not_boot_is_warned_about, end),
		cmocka_unit_test_teardown(an_initfs_has_a_root_and_defaults, end),
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
		cmocka_unit_test_setup_teardown(included_files_come_first_and_the_later_wins,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(sources_stay_relative_to_the_file_that_names_them,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(every_file_that_was_read_is_listed_with_its_digest,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(errors_name_the_file_they_are_in, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_file_may_be_included_twice_but_not_by_itself,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(includes_nest_to_a_limit, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(includes_that_multiply_end_at_a_limit, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(all_files_together_end_at_a_limit, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(
			files_that_cannot_be_read_are_told_with_who_wants_them, make_folder,
			remove_folder),
		cmocka_unit_test_teardown(settings_go_over_what_the_files_say, end),
		cmocka_unit_test_teardown(a_value_that_is_no_toml_is_a_text, end),
		cmocka_unit_test_teardown(settings_that_make_no_sense_are_refused, end),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
