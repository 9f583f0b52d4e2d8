/* SPDX-License-Identifier: MIT */

/* FAT volumes of every type, as mkfs.fat 4.2 and mtools 4.0.32 make them. */

#include "test.h"

#include "fat_image.h"
#include "temp.h"

/* ---- volumes made by mkfs.fat and mtools --------------------------------------------------- */

#define TOOLS "PATH=$PATH:/sbin:/usr/sbin; "

/* Skips the test without them. */
static void need_tools(void)
{
	if (try_run(TOOLS "command -v mkfs.fat >/dev/null && command -v fsck.fat >/dev/null "
			  "&& command -v mcopy >/dev/null && command -v mshowfat >/dev/null"))
		return;
	print_message("mkfs.fat, fsck.fat or mtools are not there\n");
	skip();
}

/* Runs a script in the folder; its variable i is the volume. Fails the test with its output. */
static void script(const char *text)
{
	auto_str struct str s = { 0 };

	str_printf(&s,
		   "cd %s && { " TOOLS "export LC_ALL=C.UTF-8 TZ=UTC MTOOLS_SKIP_CHECK=1; i=vol; "
		   "set -e; %s\n} >log 2>&1 </dev/null",
		   temp, text);
	if (system(str_cstr(&s)) != 0) {
		(void)!try_run("cat %s >&2", temp_path("log"));
		fail_msg("%s", text);
	}
}

static struct test_image open_volume(void)
{
	struct test_image t = test_open(temp_path("vol"));

	run_check(open_layer(&t));
	return t;
}

/* Every file and directory below the host's @path is in @node, and nothing else. */
static void assert_same_tree(const char *path, struct rimg_node *node, unsigned depth)
{
	DIR *d = opendir(path);
	struct dirent *e;
	uint32_t n = 0;

	assert_non_null(d);
	assert_true(depth > 0);
	while ((e = readdir(d))) {
		char *below;
		struct stat st;
		struct rimg_node *child;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		assert_true(asprintf(&below, "%s/%s", path, e->d_name) > 0);
		assert_int_equal(lstat(below, &st), 0);
		child = node_find(node, e->d_name, strlen(e->d_name));
		if (!child)
			fail_msg("%s is missing", below);
		if (S_ISDIR(st.st_mode)) {
			assert_int_equal(child->role, RIMG_ROLE_DIR);
			assert_same_tree(below, child, depth - 1);
		} else {
			size_t len, host_len;
			uint8_t *data = test_read_node(child, &len);
			uint8_t *host = test_load(below, &host_len);

			assert_int_equal(len, host_len);
			assert_memory_equal(data, host, len);
			free(data);
			free(host);
		}
		free(below);
		n++;
	}
	closedir(d);
	assert_int_equal(node->n_children, n);
}

/* "<4-6> <9> ": the clusters of a file by its claims, as mshowfat prints them. */
static void clusters_of(const struct rimg_node *node, struct str *s)
{
	const struct rimg_layer *l = node->layer;
	uint64_t cluster = node_attr_u64(l->root, "cluster_size", 0);
	uint64_t two = 0, at = 0; /* where cluster 2 is */

	while (at < rimg_source_size(node->content)) {
		const struct claim *c = l->claims, *end = c + l->n_claims;
		uint64_t a, b;

		while (c < end && (c->node != node || c->content_off != at))
			c++;
		assert_true(c < end);
		if (at == 0)
			two = c->off - (node_attr_u64(node, "first_cluster", 0) - 2) * cluster;
		a = (c->off - two) / cluster + 2;
		b = (c->off + c->len - 1 - two) / cluster + 2;
		str_printf(s, a == b ? "<%llu> " : "<%llu-%llu> ", (unsigned long long)a,
			   (unsigned long long)b);
		at += c->len;
	}
	s->data[s->len - 1] = '\n'; /* not a space */
}

static const char make_tree[] =
	"mkdir -p host/EFI/BOOT host/many host/deep/1/2/3/4/5/6/7/8\n"
	"awk 'BEGIN { for (n = 0; n < 9000; n++) printf \"%d \", n * n }' >host/EFI/BOOT/BOOTAA64.EFI\n"
	"echo text >'host/A long file name, with spaces [and] +signs.txt'\n"
	"echo text >'host/\303\274n\303\257code \342\230\203.txt'\n"
	"echo text >host/lower.txt; echo text >host/UPPER.TXT; echo text >host/Mixed.Txt\n"
	"echo text >host/lower.UP; echo text >host/.hidden; echo text >host/two.dots.txt\n"
	": >host/empty; echo deep >host/deep/1/2/3/4/5/6/7/8/file\n"
	"long=$(awk 'BEGIN { for (n = 0; n < 255; n++) printf \"%d\", n % 10 }'); echo long >host/$long\n"
	"for n in $(seq 300); do echo $n >host/many/file-number-$n.txt; done\n"
	"find host -exec touch -d '2024-02-29 12:34:56 UTC' {} +\n"
	"mcopy -s -m -i $i host/* host/.hidden ::\n";

/* Every second of many small files deleted, and a large one in their place. */
static const char fragment[] =
	"size() { minfo -i $i | sed -n \"s/^$1 size: \\\\([0-9]*\\\\).*/\\\\1/p\"; }\n"
	"cluster=$(($(size cluster) * $(size sector)))\n"
	"mkdir small; for n in $(seq 100); do echo $n >small/s$n; done; mcopy -s -i $i small ::\n"
	"for n in $(seq 1 2 100); do mdel -i $i ::small/s$n; rm small/s$n; done\n"
	/* what is behind them is filled, so that only the holes are left */
	"free=$(mdir -i $i :: | tr -d ' ' | sed -n 's/bytesfree//p')\n"
	"head -c $((free - 50 * cluster)) /dev/zero >fill; mcopy -i $i fill ::\n"
	"awk 'BEGIN { for (n = 0; n < 60000; n++) printf \"%d,\", n * 7 }' |"
	" head -c $((49 * cluster - 9)) >big\n"
	"mcopy -i $i big ::; mv small fill big host/\n"
	"mshowfat -i $i ::big ::fill >clusters\n";

struct volume {
	const char *mkfs; /* size and options */
	const char *type;
};

static const struct volume volumes[] = {
	{ "truncate -s 2M $i; mkfs.fat -F 12 -s 2 -r 64 $i", "FAT12" },
	{ "truncate -s 5M $i; mkfs.fat -F 16 -s 1 $i", "FAT16" },
	{ "truncate -s 36M $i; mkfs.fat -F 32 -s 1 $i", "FAT32" },
	{ "truncate -s 8M $i; mkfs.fat -F 12 -S 4096 -s 1 $i", "FAT12" },
};

/* Are the clusters of a file those that mshowfat lists? Returns whether they are in pieces. */
static bool assert_clusters(struct rimg_node *node)
{
	auto_str struct str s = { 0 };
	char *listed = (char *)test_load(temp_path("clusters"), NULL);

	/* "::/big <10> <12-13> ..." */
	str_printf(&s, "::/%s ", node->name);
	clusters_of(node, &s);
	if (!strstr(listed, str_cstr(&s)))
		fail_msg("expected %s, found %s", listed, str_cstr(&s));
	free(listed);
	return strchr(str_cstr(&s), '>') != strrchr(str_cstr(&s), '>');
}

/* The bytes at the place of the first cluster are its number. */
static void assert_cluster_place(const struct rimg_node *node, bool two_halves)
{
	const struct rimg_attr *a = node_attr(node, "first_cluster");
	FILE *f = fopen(temp_path("vol"), "rbe");
	uint64_t value = 0;

	assert_non_null(f);
	assert_int_equal(a->place.count, two_halves ? 2 : 1);
	for (uint32_t i = 0; i < a->place.count; i++) {
		assert_int_equal(fseek(f, (long)(a->place.off + i * a->place.stride), SEEK_SET), 0);
		value = value << 16 | (unsigned)getc(f);
		value |= (unsigned)getc(f) << 8;
	}
	assert_int_equal(value, a->u);
	fclose(f);
}

/* fsck.fat: "vol: 329 files, 1234/4567 clusters" */
static void assert_counts(const struct rimg_layer *l)
{
	char *said;
	unsigned used, total;

	script("fsck.fat -n $i");
	said = (char *)test_load(temp_path("log"), NULL);
	assert_non_null(strstr(said, "files, "));
	assert_int_equal(sscanf(strstr(said, "files, "), "files, %u/%u", &used, &total), 2);
	free(said);
	assert_int_equal(node_attr_u64(l->root, "clusters", 0), total);
	assert_int_equal(node_attr_u64(l->root, "free_clusters", 0), total - used);
}

static void assert_volume(const struct volume *v)
{
	struct test_image t;
	bool big, fill;

	script(v->mkfs);
	script(make_tree);
	script(fragment);
	t = open_volume();
	assert_attr(t.node->nested->root, "type", v->type);
	assert_no_findings(t.image);
	assert_no_gaps(t.node->nested);
	assert_same_tree(temp_path("host"), t.node->nested->top, 20);
	assert_attr(test_find(&t, "/lower.txt"), "mtime", "2024-02-29T12:34:56Z");
	assert_cluster_place(test_find(&t, "/big"), strcmp(v->type, "FAT32") == 0);
	big = assert_clusters(test_find(&t, "/big"));
	fill = assert_clusters(test_find(&t, "/fill"));
	assert_true(big || fill);
	assert_counts(t.node->nested);
	test_close(&t);
}

static void volumes_of_every_type_hold_what_mtools_put_there(void **state)
{
	need_tools();
	for (size_t i = 0; i < ARRAY_LEN(volumes); i++) {
		assert_volume(&volumes[i]);
		remove_temp(state);
		make_temp(state);
	}
}

/* Changes bytes of the volume file; the test opens it again. */
static void patch(long off, const char *bytes, size_t len)
{
	FILE *f = fopen(temp_path("vol"), "r+be");

	assert_non_null(f);
	assert_int_equal(fseek(f, off, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

struct patch {
	long off;
	const char *bytes;
	size_t len;
	const char *code;
	const char *node;
	enum severity severity;
};

/* Of a volume made by mkfs.fat -F 32 -s 1 -R 32: fsinfo in sector 1, backups in 6 and 7. */
static const struct patch fat32_patches[] = {
	{ 512, "X", 1, "fat.fsinfo-signature", "fsinfo", ERROR },
	{ 512 + 484, "X", 1, "fat.fsinfo-signature", "fsinfo", ERROR },
	{ 512 + 510, "X", 1, "fat.fsinfo-signature", "fsinfo", ERROR },
	{ 512 + 4, "X", 1, "fat.boot-padding", "fsinfo", WARNING },
	{ 512 + 488, "\1\0\0\0", 4, "fat.free-count", "fsinfo", WARNING },
	{ 512 + 488, "\xff\xff\xff\xff", 4, NULL, NULL, 0 },
	{ 6 * 512 + 71, "X", 1, "fat.backup-differs", "backup boot sector", WARNING },
	{ 7 * 512 + 484, "X", 1, "fat.fsinfo-signature", "backup fsinfo", ERROR },
	{ 44, "\0\0\0\1", 4, "fat.chain-range", "/", ERROR },
	{ 52, "\1", 1, "fat.boot-padding", "boot sector", WARNING },
	/* bits 27 and 26 of entry 1 */
	{ 32 * 512 + 7, "\xf7", 1, "fat.dirty", "fat[0]", WARNING },
	{ 32 * 512 + 7, "\xfb", 1, "fat.dirty", "fat[0]", WARNING },
	/* bits that do not count, in one copy */
	{ 32 * 512 + 11, "\xff", 1, "fat.copies-differ", "fat[1]", ERROR },
	/* the second FAT is the active one */
	{ 40, "\x81", 1, NULL, NULL, 0 },
};

static void each_rule_of_fat32_has_its_finding(void **state)
{

	(void)state;
	need_tools();
	for (size_t i = 0; i < ARRAY_LEN(fat32_patches); i++) {
		const struct patch *p = &fat32_patches[i];
		struct test_image t;

		script("rm -f $i; truncate -s 36M $i; mkfs.fat -F 32 -s 1 -R 32 $i");
		patch(p->off, p->bytes, p->len);
		/* the backup boot sector is a copy, unless that is what is broken */
		if (p->off < 512)
			patch(6 * 512 + p->off, p->bytes, p->len);
		t = open_volume();
		if (p->code &&
		    !found(t.node->nested, p->code, p->node, p->severity,
			   strcmp(p->code, "fat.copies-differ") == 0 ? NOWHERE : (size_t)p->off)) {
			test_print_findings(t.image, SEVERITY_WARNING);
			fail_msg("patch %zu: expected %s", i, p->code);
		} else if (!p->code) {
			assert_no_findings(t.image);
		}
		assert_no_gaps(t.node->nested);
		test_close(&t);
	}
}

static void without_mirroring_the_active_fat_is_read(void **state)
{
	struct test_image t;
	struct rimg_layer *l;
	size_t second;

	(void)state;
	need_tools();
	script("truncate -s 36M $i; mkfs.fat -F 32 -s 1 -R 32 $i\n"
	       "head -c 5000 /etc/passwd >f || :; head -c 5000 /dev/zero >>f; mcopy -i $i f ::");
	/* the first FAT is now empty, and that is nobody's business */
	patch(32 * 512 + 12, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	t = open_volume();
	assert_finding(t.image, "fat.copies-differ");
	test_close(&t);
	patch(40, "\x81", 1);
	patch(6 * 512 + 40, "\x81", 1);
	t = open_volume();
	assert_no_errors(t.image);
	assert_true(rimg_source_size(test_find(&t, "/f")->content) >= 5000);
	/* what is wrong in the active one is told with its place there */
	second = node_attr(test_find(&t, "boot sector"), "fat_sectors32")->u;
	second = (32 + second) * 512;
	test_close(&t);
	patch((long)second + 12, "\0\0\0\0", 4);
	t = open_volume();
	assert_true(found(t.node->nested, "fat.chain-free", "f", ERROR, second + 12));
	test_close(&t);
	/* there is no third one */
	patch(40, "\x82", 1);
	t = test_open(temp_path("vol"));
	assert_int_equal(node_open(t.node, &l, NULL), 0);
	assert_null(l);
	test_close(&t);
}

static void the_dirty_flags_of_fat16_are_a_warning(void **state)
{
	struct test_image t;

	(void)state;
	need_tools();
	script("truncate -s 5M $i; mkfs.fat -F 16 -s 1 -R 1 $i");
	t = open_volume();
	assert_no_findings(t.image);
	test_close(&t);
	patch(512 + 3, "\x7f", 1);
	t = open_volume();
	assert_finding(t.image, "fat.dirty");
	test_close(&t);
	patch(512 + 3, "\xbf", 1);
	t = open_volume();
	assert_finding(t.image, "fat.dirty");
	test_close(&t);
}

static void fat32_with_few_clusters_is_read_with_a_warning(void **state)
{
	struct test_image t;

	(void)state;
	need_tools();
	script("truncate -s 2M $i; mkfs.fat -F 32 -s 1 $i");
	t = open_volume();
	assert_attr(t.node->nested->root, "type", "FAT32");
	assert_finding(t.image, "fat.type");
	assert_no_errors(t.image);
	test_close(&t);
}

static void what_is_behind_the_volume_has_an_owner(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	need_tools();
	/* 1023 sectors leave less than a cluster of two; then bytes that the volume does not have
	 */
	script("truncate -s 523776 $i; mkfs.fat -F 12 -s 2 $i; truncate -s 600000 $i");
	t = open_volume();
	l = t.node->nested;
	assert_no_findings(t.image);
	assert_no_gaps(l);
	assert_claim(l, 599999, "tail", "behind the volume", RIMG_CAUSE_FREE_SPACE);
	test_close(&t);
}

/* A test with a folder. */
#define made(f_) cmocka_unit_test_setup_teardown(f_, make_temp, remove_temp)

int main(void)
{
	const struct CMUnitTest tests[] = {
		made(volumes_of_every_type_hold_what_mtools_put_there),
		made(each_rule_of_fat32_has_its_finding),
		made(without_mirroring_the_active_fat_is_read),
		made(the_dirty_flags_of_fat16_are_a_warning),
		made(fat32_with_few_clusters_is_read_with_a_warning),
		made(what_is_behind_the_volume_has_an_owner),
	};

	return cmocka_run_group_tests_name("fat made", tests, load, unload);
}
