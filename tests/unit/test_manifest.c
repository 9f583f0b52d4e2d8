/* SPDX-License-Identifier: MIT */

/* Manifests: keys, the image, its partitions, what boots. */

#include "test.h"

#include "build/manifest.h"
#include "core/str.h"

#include "manifest_text.h"

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
		"dir/m.toml:3: [bootloader] sha256 is missing: prebuilt bytes are declared (rimg cat SOURCE | sha256sum)");
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
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
