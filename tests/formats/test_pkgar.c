/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <lzma.h>
#include <openssl/evp.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/format.h"
#include "core/num.h"
#include "core/owner.h"
#include "core/pool.h"
#include "core/str.h"
#include "core/wr.h"
#include "formats/pkgar.h"

static struct rimg_layer *open_layer(struct rimg_node *node)
{
	struct rimg_layer *l;
	struct rimg_error err;

	if (node_open(node, &l, &err) < 0)
		test_fail_error("open", &err);
	assert_non_null(l);
	assert_string_equal(l->format->name, "pkgar");
	return l;
}

static void run_check(struct rimg_layer *l)
{
	struct rimg_error err;

	if (l->format->check(l, &err) < 0)
		test_fail_error("check", &err);
}

static uint64_t number(const struct rimg_node *node, const char *key)
{
	const struct rimg_attr *a = node_attr(node, key);

	if (!a)
		fail_msg("%s has no attribute %s", node->name, key);
	return a->u;
}

static void assert_text(const struct rimg_node *node, const char *key, const char *expected)
{
	const struct rimg_attr *a = node_attr(node, key);

	if (!a)
		fail_msg("%s has no attribute %s", node->name, key);
	assert_int_equal(a->bytes.len, strlen(expected));
	assert_memory_equal(a->bytes.data, expected, a->bytes.len);
}

/* ---- golden packages against the listings of an independent reader -------------------------- */

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value = json_object_object_get(o, key);

	return value ? json_object_get_string(value) : NULL;
}

static void assert_listed(struct test_image *t, struct json_object *line)
{
	struct rimg_node *node = test_find(t, text_of(line, "path"));
	auto_str struct str sha = { 0 };
	uint8_t digest[SHA256_LEN];
	char mode[16];

	assert_string_equal(rimg_role_name(node->role), text_of(line, "type"));
	snprintf(mode, sizeof(mode), "%04" PRIo64, number(node, "mode"));
	assert_string_equal(mode, text_of(line, "mode"));
	assert_int_equal(number(node, "size"),
			 json_object_get_uint64(json_object_object_get(line, "size")));
	assert_int_equal(rimg_source_size(node->content), number(node, "size"));
	assert_int_equal(digest_source(node->content, digest, NULL), 0);
	str_add_hex(&sha, digest, sizeof(digest));
	assert_string_equal(sha.data, text_of(line, "sha256"));
	if (node->role == RIMG_ROLE_SYMLINK)
		assert_text(node, "target", text_of(line, "target"));
	else
		assert_null(text_of(line, "target"));
}

static void assert_header(const struct rimg_layer *l, struct json_object *line)
{
	static const char *const keys[] = { "count", "version", "architecture", "packaging" };
	struct json_object *header = json_object_object_get(line, "header");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(number(l->root, keys[i]),
				 json_object_get_uint64(json_object_object_get(header, keys[i])));
}

static size_t count_entries(const struct rimg_node *dir)
{
	size_t n = 0;

	rimg_for_each_child(child, dir)
		n += child->role == RIMG_ROLE_DIR ? count_entries(child) : 1;
	return n;
}

static void assert_lists_as(const char *name)
{
	char file[64], line[4096];
	struct test_image t;
	struct rimg_layer *l;
	size_t n = 0;
	FILE *f;

	snprintf(file, sizeof(file), "%s.pkgar", name);
	t = test_open(test_golden_path(file));
	l = open_layer(t.node);
	snprintf(file, sizeof(file), "%s.jsonl", name);
	f = fopen(test_golden_path(file), "re");
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f); n++) {
		struct json_object *o = json_tokener_parse(line);

		assert_non_null(o);
		if (n == 0)
			assert_header(l, o);
		else
			assert_listed(&t, o);
		json_object_put(o);
	}
	fclose(f);
	assert_int_equal(n, 7);
	assert_int_equal(count_entries(l->top), n - 1);
	run_check(l);
	assert_no_findings(t.image);
	test_close(&t);
}

static void plain_package_lists_as_another_reader_says(void **state)
{
	(void)state;
	assert_lists_as("package-plain");
}

static void packed_package_lists_as_another_reader_says(void **state)
{
	(void)state;
	assert_lists_as("package-lzma2");
}

static void key_of_a_package_is_the_one_in_the_key_file(void **state)
{
	struct test_image t = test_open(test_golden_path("package-plain.pkgar"));
	const struct rimg_attr *key = node_attr(open_layer(t.node)->root, "public_key");
	char *file = (char *)test_load(test_golden_path("package.pub.toml"), NULL);
	auto_str struct str hex = { 0 };

	(void)state;
	assert_non_null(key);
	assert_int_equal(key->type, ATTR_BYTES);
	assert_int_equal(key->cause, RIMG_CAUSE_IDENTIFIER);
	str_add_hex(&hex, key->bytes.data, key->bytes.len);
	assert_int_equal(hex.len, 64);
	assert_non_null(strstr(file, hex.data));
	free(file);
	test_close(&t);
}

/* ---- packages made here --------------------------------------------------------------------- */

#define FILE_MODE (PKGAR_KIND_FILE | 0644)
#define LINK_MODE (PKGAR_KIND_SYMLINK | 0777)

struct member {
	const char *path;
	uint32_t mode;
	const void *data;
	size_t len;
};

struct archive {
	uint8_t *data;
	size_t len;
	size_t n;
	size_t content[8]; /* where the contents of the first members begin */
};

static size_t entry_at(size_t i)
{
	return PKGAR_HEADER_LEN + i * PKGAR_ENTRY_LEN;
}

static size_t pack(uint8_t *to, size_t cap, const void *data, size_t len)
{
	lzma_options_lzma options;
	lzma_filter filters[] = { { .id = LZMA_FILTER_LZMA2, .options = &options },
				  { .id = LZMA_VLI_UNKNOWN } };
	struct wr w = wr_init(to, 8);
	size_t pos = 8;

	wr_le64(&w, len);
	assert_false(lzma_lzma_preset(&options, 1));
	assert_int_equal(lzma_raw_buffer_encode(filters, NULL, data, len, to, &pos, cap), LZMA_OK);
	return pos;
}

static void put(struct archive *a, size_t off, size_t len, uint64_t value)
{
	assert_in_range(off + len, 0, a->len);
	for (size_t i = 0; i < len; i++)
		a->data[off + i] = (uint8_t)(value >> (8 * i));
}

static EVP_PKEY *test_key(void)
{
	static const uint8_t seed[32] = "thirty-two bytes of no secret...";
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));

	assert_non_null(key);
	return key;
}

/* Sign the header as it is. */
static void sign(struct archive *a)
{
	EVP_PKEY *key = test_key();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 64, key_len = 32;

	assert_int_equal(EVP_PKEY_get_raw_public_key(key, a->data + 64, &key_len), 1);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, a->data, &len, a->data + 64, 72), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

/* Make table hash and signature right again. */
static void seal(struct archive *a)
{
	blake3_bytes(a->data + PKGAR_HEADER_LEN, a->n * PKGAR_ENTRY_LEN,
		     a->data + PKGAR_TABLE_HASH_OFF);
	sign(a);
}

static void set_path(struct archive *a, size_t i, const void *path, size_t len)
{
	uint8_t *to = a->data + entry_at(i) + PKGAR_PATH_OFF;

	assert_in_range(len, 0, PKGAR_PATH_LEN);
	memset(to, 0, PKGAR_PATH_LEN);
	memcpy(to, path, len);
}

static struct archive make_archive(const struct member *members, size_t n, bool packed)
{
	struct archive a = { .n = n };
	size_t cap = entry_at(n), end = entry_at(n);

	for (size_t i = 0; i < n; i++)
		cap += members[i].len + members[i].len / 2 + 4096;
	a.data = calloc(1, cap);
	assert_non_null(a.data);
	a.len = cap;
	put(&a, PKGAR_COUNT_OFF, 4, n);
	put(&a, PKGAR_PACKAGING_OFF, 1, packed);
	for (size_t i = 0; i < n; i++) {
		const struct member *m = &members[i];
		size_t len = m->len;

		blake3_bytes(m->data, m->len, a.data + entry_at(i));
		if (packed)
			len = pack(a.data + end, cap - end, m->data, m->len);
		else if (len > 0)
			memcpy(a.data + end, m->data, len);
		if (i < ARRAY_LEN(a.content))
			a.content[i] = end;
		put(&a, entry_at(i) + PKGAR_OFFSET_OFF, 8, end - entry_at(n));
		put(&a, entry_at(i) + PKGAR_STORED_OFF, 8, len);
		put(&a, entry_at(i) + PKGAR_MODE_OFF, 4, m->mode);
		set_path(&a, i, m->path, strlen(m->path));
		end += len;
	}
	a.len = end;
	seal(&a);
	return a;
}

static const struct member small[] = {
	{ "bin/tool", PKGAR_KIND_FILE | 0755, "the bytes of a tool, tool, tool, tool", 37 },
	{ "etc/empty", FILE_MODE, "", 0 },
	{ "etc/link", LINK_MODE, "../bin/tool", 11 },
	{ "etc/words", FILE_MODE, "words words words words", 23 },
};

static struct archive make_small(bool packed)
{
	return make_archive(small, ARRAY_LEN(small), packed);
}

/* The node of a member, or NULL. */
static struct rimg_node *find_member(struct test_image *t, const struct member *m)
{
	char steps[300];

	snprintf(steps, sizeof(steps), "/%s", m->path);
	return rimg_image_find(t->image, steps, NULL);
}

static void assert_holds(struct test_image *t, const struct member *m)
{
	struct rimg_node *node = find_member(t, m);
	size_t len;
	uint8_t *data;

	if (!node)
		fail_msg("there is no %s", m->path);
	data = test_read_node(node, &len);
	assert_int_equal(len, m->len);
	assert_memory_equal(data, m->data, len);
	free(data);
}

static void free_archive(struct archive *a)
{
	free(a->data);
	a->data = NULL;
}

static void sound_packages_have_no_findings(void **state)
{
	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_small(packed);
		struct test_image t = test_open_bytes(a.data, a.len);
		struct rimg_layer *l = open_layer(t.node);

		run_check(l);
		assert_no_findings(t.image);
		assert_text(test_find(&t, "/etc/link"), "target", "../bin/tool");
		for (size_t i = 0; i < ARRAY_LEN(small); i++)
			assert_holds(&t, &small[i]);
		test_close(&t);
		free_archive(&a);
	}
}

static void package_without_entries_is_one(void **state)
{
	struct archive a = make_archive(small, 0, false);
	struct test_image t = test_open_bytes(a.data, a.len);
	struct rimg_layer *l = open_layer(t.node);

	(void)state;
	assert_int_equal(a.len, 136);
	assert_int_equal(l->top->n_children, 0);
	run_check(l);
	assert_no_findings(t.image);
	test_close(&t);
	free_archive(&a);
}

static void zeros_and_text_are_no_packages(void **state)
{
	static uint8_t zeros[8192], text[8192];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t len = 100; len <= sizeof(zeros); len += 501) {
		struct test_image t = test_open_bytes(zeros, len);
		const char *format = rimg_node_format(t.node);

		assert_true(!format || strcmp(format, "pkgar") != 0);
		test_close(&t);
		t = test_open_bytes(text, len);
		assert_null(rimg_node_format(t.node));
		test_close(&t);
	}
}

static const char *format_of(const struct archive *a)
{
	struct test_image t = test_open_bytes(a->data, a->len);
	const char *format = rimg_node_format(t.node);

	test_close(&t);
	return format;
}

/* Of entry, signature, flags and the table's hash. */
static void one_sign_of_a_package_is_not_enough(void **state)
{
	struct archive a = make_small(false);
	uint8_t *table = a.data + PKGAR_HEADER_LEN;

	(void)state;
	assert_non_null(format_of(&a));
	put(&a, PKGAR_VERSION_OFF, 1, 1);
	assert_non_null(format_of(&a)); /* entry, hash */
	a.data[PKGAR_TABLE_HASH_OFF] ^= 1;
	assert_null(format_of(&a)); /* entry */
	put(&a, PKGAR_VERSION_OFF, 1, 0);
	assert_non_null(format_of(&a)); /* entry, flags */
	sign(&a);
	memset(table + PKGAR_MODE_OFF, 0, 4);
	assert_non_null(format_of(&a)); /* signature, flags */
	put(&a, PKGAR_VERSION_OFF, 1, 1);
	sign(&a);
	assert_null(format_of(&a)); /* signature */
	put(&a, PKGAR_VERSION_OFF, 1, 0);
	assert_null(format_of(&a)); /* flags */
	free_archive(&a);
}

/* ---- defects --------------------------------------------------------------------------------- */

enum reseal { AS_IS, SIGN, SEAL };

struct defect {
	const char *what;
	const char *code;
	enum severity severity;
	const char *node; /* that the finding is about; "": the root */
	enum reseal reseal;
	bool packed;
	void (*make)(struct archive *a);
};

static void bad_signature(struct archive *a)
{
	a->data[0] ^= 1;
}

static void other_key(struct archive *a)
{
	a->data[64] ^= 1;
}

static void bad_table_hash(struct archive *a)
{
	a->data[PKGAR_TABLE_HASH_OFF] ^= 1;
}

static void other_path_than_hashed(struct archive *a)
{
	a->data[entry_at(3) + PKGAR_PATH_OFF + 4] = 'x';
}

static void fifth_entry(struct archive *a)
{
	put(a, PKGAR_COUNT_OFF, 4, 1000000);
}

static void version_1(struct archive *a)
{
	put(a, PKGAR_VERSION_OFF, 1, 1);
}

static void arch_5(struct archive *a)
{
	put(a, PKGAR_ARCH_OFF, 1, 5);
}

static void packaging_2(struct archive *a)
{
	put(a, PKGAR_PACKAGING_OFF, 1, 2);
}

static void reserved_1(struct archive *a)
{
	put(a, PKGAR_RESERVED_OFF, 1, 1);
}

static void mode_of_a_dir(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_MODE_OFF, 4, 040755);
}

static void mode_of_nothing(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_MODE_OFF, 4, 0644);
}

static void mode_with_high_bits(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_MODE_OFF, 4, FILE_MODE | 0200000);
}

#define PATH_DEFECT(name_, path_)                           \
	static void name_(struct archive *a)                \
	{                                                   \
		set_path(a, 3, (path_), sizeof(path_) - 1); \
	}
PATH_DEFECT(no_path, "")
PATH_DEFECT(path_up, "../etc/passwd")
PATH_DEFECT(path_up_inside, "etc/../../x")
PATH_DEFECT(path_up_at_end, "etc/..")
PATH_DEFECT(path_dot, "./x")
PATH_DEFECT(path_dot_inside, "etc/./x")
PATH_DEFECT(path_absolute, "/etc/x")
PATH_DEFECT(path_double_slash, "etc//x")
PATH_DEFECT(path_slash_at_end, "etc/")
PATH_DEFECT(path_of_another, "etc/empty")
PATH_DEFECT(path_below_a_file, "bin/tool/words")
PATH_DEFECT(path_below_a_link, "etc/link/a/b")
PATH_DEFECT(path_then_bytes, "etc/words\0hidden")

static void path_without_end(struct archive *a)
{
	memset(a->data + entry_at(3) + PKGAR_PATH_OFF, 'p', PKGAR_PATH_LEN);
}

static void content_past_the_end(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_STORED_OFF, 8, 24);
}

static void content_behind_the_end(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_OFFSET_OFF, 8, 1 << 20);
}

static void content_wraps_around(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_OFFSET_OFF, 8, UINT64_MAX - 100);
}

static void length_wraps_around(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_STORED_OFF, 8, UINT64_MAX);
}

static void shared_content(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_OFFSET_OFF, 8, 0);
	put(a, entry_at(3) + PKGAR_STORED_OFF, 8, 37);
	memcpy(a->data + entry_at(3), a->data + entry_at(0), 32);
}

static void shared_byte(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_OFFSET_OFF, 8, 37 + 11 - 1);
	put(a, entry_at(3) + PKGAR_STORED_OFF, 8, 24);
}

static void byte_between(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_OFFSET_OFF, 8, 37 + 11 + 1);
	put(a, entry_at(3) + PKGAR_STORED_OFF, 8, 22);
	blake3_bytes(a->data + a->content[3] + 1, 22, a->data + entry_at(3));
}

static void byte_behind(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_STORED_OFF, 8, 22);
}

static void other_content(struct archive *a)
{
	a->data[a->content[3]] ^= 1;
}

static void other_hash(struct archive *a)
{
	a->data[entry_at(3)] ^= 1;
}

static void other_hash_of_empty(struct archive *a)
{
	a->data[entry_at(1)] ^= 1;
}

static void other_target(struct archive *a)
{
	a->data[a->content[2]] ^= 1;
}

/* A link's bytes, with the hash of what they are now. */
static void set_target(struct archive *a, const char *target)
{
	memcpy(a->data + a->content[2], target, 11);
	blake3_bytes(target, 11, a->data + entry_at(2));
}

static void nul_in_target(struct archive *a)
{
	set_target(a, "../\0in/tool");
}

static void empty_target(struct archive *a)
{
	put(a, entry_at(1) + PKGAR_MODE_OFF, 4, LINK_MODE);
}

static void length_plus_one(struct archive *a)
{
	put(a, a->content[3], 8, 24);
}

static void length_minus_one(struct archive *a)
{
	put(a, a->content[3], 8, 22);
}

static void length_of_2_to_the_63(struct archive *a)
{
	put(a, a->content[3], 8, UINT64_C(1) << 63);
}

static void length_over_the_limit(struct archive *a)
{
	put(a, a->content[3], 8, (UINT64_C(256) << 20) + 1);
}

static void no_stream(struct archive *a)
{
	put(a, a->content[3] + 8, 1, 0x55);
}

static void stream_cut_off(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_STORED_OFF, 8, a->len - a->content[3] - 1);
	a->len--;
}

static void stream_missing(struct archive *a)
{
	put(a, entry_at(3) + PKGAR_STORED_OFF, 8, 8);
	a->len = a->content[3] + 8;
}

static void byte_behind_the_stream(struct archive *a)
{
	a->len++; /* there is room */
	put(a, a->len - 1, 1, 0);
	put(a, entry_at(3) + PKGAR_STORED_OFF, 8, a->len - a->content[3]);
}

#define E SEVERITY_ERROR
#define W SEVERITY_WARNING
static const struct defect defects[] = {
	/* clang-format off */
	{ "a bit of the signature", "pkgar.signature", E, "", AS_IS, false, bad_signature },
	{ "a bit of the key", "pkgar.signature", E, "", AS_IS, false, other_key },
	{ "a bit of the table's hash", "pkgar.table-hash", E, "", SIGN, false, bad_table_hash },
	{ "... and the signature is wrong", "pkgar.signature", E, "", AS_IS, false, bad_table_hash },
	{ "a bit of the table", "pkgar.table-hash", E, "", AS_IS, false, other_path_than_hashed },
	{ "too many entries", "pkgar.truncated", E, "", SIGN, false, fifth_entry },
	{ "version 1", "pkgar.version", E, "", SIGN, false, version_1 },
	{ "architecture 5", "pkgar.architecture", W, "", SIGN, false, arch_5 },
	{ "packaging 2", "pkgar.packaging", E, "", SIGN, false, packaging_2 },
	{ "reserved flags", "pkgar.reserved", W, "", SIGN, false, reserved_1 },
	{ "a folder", "pkgar.mode", E, "/etc/words", SEAL, false, mode_of_a_dir },
	{ "no kind", "pkgar.mode", E, "/etc/words", SEAL, false, mode_of_nothing },
	{ "unknown bits of mode", "pkgar.mode", E, "/etc/words", SEAL, false, mode_with_high_bits },
	{ "no path", "pkgar.path", E, "/?entry-3", SEAL, false, no_path },
	{ "..", "pkgar.path", E, "/?entry-3", SEAL, false, path_up },
	{ ".. inside", "pkgar.path", E, "/?entry-3", SEAL, false, path_up_inside },
	{ ".. at the end", "pkgar.path", E, "/?entry-3", SEAL, false, path_up_at_end },
	{ ".", "pkgar.path", E, "/?entry-3", SEAL, false, path_dot },
	{ ". inside", "pkgar.path", E, "/?entry-3", SEAL, false, path_dot_inside },
	{ "an absolute path", "pkgar.path", E, "/?entry-3", SEAL, false, path_absolute },
	{ "an empty component", "pkgar.path", E, "/?entry-3", SEAL, false, path_double_slash },
	{ "an empty name", "pkgar.path", E, "/?entry-3", SEAL, false, path_slash_at_end },
	{ "no NUL", "pkgar.path", E, "/?entry-3", SEAL, false, path_without_end },
	{ "bytes behind the path", "pkgar.path-padding", W, "/etc/words", SEAL, false, path_then_bytes },
	{ "one path twice", "pkgar.duplicate", E, "/etc/empty#2", SEAL, false, path_of_another },
	{ "an entry below a file", "pkgar.below-file", E, "/bin/tool#2", SEAL, false, path_below_a_file },
	{ "an entry below a link", "pkgar.below-file", E, "/etc/link#2", SEAL, false, path_below_a_link },
	{ "one byte past the end", "pkgar.range", E, "/etc/words", SEAL, false, content_past_the_end },
	{ "behind the end", "pkgar.range", E, "/etc/words", SEAL, false, content_behind_the_end },
	{ "an offset that wraps", "pkgar.range", E, "/etc/words", SEAL, false, content_wraps_around },
	{ "a length that wraps", "pkgar.range", E, "/etc/words", SEAL, false, length_wraps_around },
	{ "contents of another", "pkgar.overlap", E, "/etc/words", SEAL, false, shared_content },
	{ "a byte of another's", "pkgar.overlap", E, "/etc/words", SEAL, false, shared_byte },
	{ "a byte between", "pkgar.gap", W, "", SEAL, false, byte_between },
	{ "a byte behind", "pkgar.trailing", E, "", SEAL, false, byte_behind },
	{ "other contents", "pkgar.hash", E, "/etc/words", AS_IS, false, other_content },
	{ "another hash", "pkgar.hash", E, "/etc/words", SEAL, false, other_hash },
	{ "another hash, packed", "pkgar.hash", E, "/etc/words", SEAL, true, other_hash },
	{ "another hash of nothing", "pkgar.hash", E, "/etc/empty", SEAL, false, other_hash_of_empty },
	{ "... packed", "pkgar.hash", E, "/etc/empty", SEAL, true, other_hash_of_empty },
	{ "another target", "pkgar.hash", E, "/etc/link", AS_IS, false, other_target },
	{ "NUL in a target", "pkgar.target", E, "/etc/link", SEAL, false, nul_in_target },
	{ "an empty target", "pkgar.target", E, "/etc/empty", SEAL, false, empty_target },
	{ "too great a length", "pkgar.length", E, "/etc/words", AS_IS, true, length_plus_one },
	{ "too small a length", "pkgar.length", E, "/etc/words", AS_IS, true, length_minus_one },
	{ "an absurd length", "pkgar.too-large", E, "/etc/words", AS_IS, true, length_of_2_to_the_63 },
	{ "a length over the limit", "pkgar.too-large", E, "/etc/words", AS_IS, true, length_over_the_limit },
	{ "no LZMA2", "pkgar.stream", E, "/etc/words", AS_IS, true, no_stream },
	{ "the stream cut off", "pkgar.stream", E, "/etc/words", SEAL, true, stream_cut_off },
	{ "no stream at all", "pkgar.stream", E, "/etc/words", SEAL, true, stream_missing },
	{ "a byte behind the stream", "pkgar.stream-rest", E, "/etc/words", SEAL, true, byte_behind_the_stream },
	/* clang-format on */
};

/* Of @code, about @node or, if that is "", the layer. */
static const struct finding *finding_about(const struct rimg_layer *l, const char *code,
					   const struct rimg_node *node)
{
	for (size_t i = 0; i < l->n_findings; i++)
		if (strcmp(l->findings[i].code, code) == 0 && l->findings[i].node == node)
			return &l->findings[i];
	return NULL;
}

/* Only what is sound can be read, and then it is what went in. Returns how many could be read. */
static size_t assert_reads_right_or_not(struct test_image *t, const struct member *members,
					size_t n)
{
	size_t n_read = 0;

	for (size_t i = 0; i < n; i++) {
		struct rimg_node *node = find_member(t, &members[i]);
		auto_free uint8_t *buf = NULL;
		size_t len;

		if (!node || !node->content)
			continue;
		len = (size_t)rimg_source_size(node->content);
		buf = malloc(len + 1);
		assert_non_null(buf);
		if (rimg_source_read(node->content, 0, buf, len, NULL) < 0)
			continue;
		assert_int_equal(len, members[i].len);
		assert_memory_equal(buf, members[i].data, len);
		n_read++;
	}
	return n_read;
}

static void assert_defect(const struct defect *d)
{
	struct archive a = make_small(d->packed);
	const struct finding *f;
	struct test_image t;
	struct rimg_layer *l;
	struct rimg_node *node;

	d->make(&a);
	if (d->reseal == SIGN)
		sign(&a);
	else if (d->reseal == SEAL)
		seal(&a);
	t = test_open_bytes(a.data, a.len);
	l = open_layer(t.node);
	run_check(l);
	node = d->node[0] ? test_find(&t, d->node) : l->root;
	f = finding_about(l, d->code, node);
	if (!f) {
		test_print_findings(t.image, SEVERITY_WARNING);
		fail_msg("%s: no finding %s about \"%s\"", d->what, d->code, d->node);
	}
	assert_int_equal(f->severity, d->severity);
	if (d->severity == SEVERITY_WARNING && l->n_errors > 0) {
		test_print_findings(t.image, SEVERITY_WARNING);
		fail_msg("%s: more than a warning", d->what);
	}
	/* what was made right again is not complained of */
	if (d->reseal != AS_IS)
		assert_null(finding_about(l, "pkgar.signature", l->root));
	if (d->reseal == SEAL)
		assert_null(finding_about(l, "pkgar.table-hash", l->root));
	assert_no_finding(t.image, "layer.overlap");
	for (size_t i = 0; i < ARRAY_LEN(small); i++) {
		const struct rimg_node *e = find_member(&t, &small[i]);

		if (e && e->role != RIMG_ROLE_DIR && e->unread == (e->content != NULL))
			fail_msg("%s: %s has contents and has not", d->what, small[i].path);
	}
	if (strcmp(d->code, "pkgar.target") != 0) /* whose other bytes are right ones */
		assert_reads_right_or_not(&t, small, 3);
	test_close(&t);
	free_archive(&a);
}

static void each_defect_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(defects); i++)
		assert_defect(&defects[i]);
}

/* So that nobody passes them on: what they are is no more sure than what is in them. */
static void entries_of_a_table_that_was_not_signed_are_damaged(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct archive a = make_small(false);
		struct test_image t;

		if (i == 1)
			bad_table_hash(&a);
		if (i == 2)
			put(&a, PKGAR_COUNT_OFF, 4, 5);
		sign(&a);
		t = test_open_bytes(a.data, i == 2 ? entry_at(4) : a.len);
		open_layer(t.node);
		for (size_t k = 0; k < ARRAY_LEN(small); k++)
			assert_int_equal(find_member(&t, &small[k])->damaged, i > 0);
		test_close(&t);
		free_archive(&a);
	}
}

/* ---- damage never passes ----------------------------------------------------------------------
 */

static void assert_flip_is_noticed(struct archive *a, size_t off)
{
	struct test_image t = test_open_bytes(a->data, a->len);
	struct rimg_layer *l = NULL;
	size_t n_read;

	assert_int_equal(node_open(t.node, &l, NULL), 0);
	if (l) {
		run_check(l);
		if (l->n_errors == 0)
			fail_msg("byte %zu can be flipped and nobody says so", off);
		n_read = assert_reads_right_or_not(&t, small, ARRAY_LEN(small));
		/* a byte of contents concerns one entry (but a stream of nothing, which is not
		 * needed); one of signature, key or hash, none */
		if (off >= entry_at(a->n))
			assert_in_range(n_read, 3, off < a->content[2] ? 4 : 3);
		else if (off < PKGAR_COUNT_OFF)
			assert_int_equal(n_read, 4);
	}
	/* a count or flags that cannot be leave nothing to recognise a package by */
	if (!l)
		assert_in_range(off, PKGAR_COUNT_OFF, PKGAR_HEADER_LEN - 1);
	test_close(&t);
}

static void each_flipped_byte_is_an_error_and_none_is_passed_on(void **state)
{
	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_small(packed);

		for (size_t i = 0; i < a.len; i++) {
			a.data[i] ^= 0x11;
			assert_flip_is_noticed(&a, i);
			a.data[i] ^= 0x11;
		}
		free_archive(&a);
	}
}

static void truncated_anywhere_is_an_error(void **state)
{
	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_small(packed);

		for (size_t len = 0; len < a.len; len++) {
			struct test_image t = test_open_bytes(a.data, len);
			struct rimg_layer *l = NULL;

			assert_int_equal(node_open(t.node, &l, NULL), 0);
			assert_int_equal(!l, len < PKGAR_HEADER_LEN);
			if (l && l->n_errors == 0)
				fail_msg("%zu bytes of %zu seem to do", len, a.len);
			test_close(&t);
		}
		free_archive(&a);
	}
}

/* ---- what the package is stored in is damaged ---------------------------------------------------
 */

/* Memory of which the bytes [off, off + len) cannot be read. */
struct damaged {
	const uint8_t *data;
	uint64_t off, len;
	int code;
};

static int read_damaged(const void *ctx, uint64_t off, void *buf, size_t len,
			struct rimg_error *err)
{
	const struct damaged *d = ctx;

	if (off < d->off + d->len && d->off < off + len)
		return error_set(err, d->code, "below", "a record is damaged");
	memcpy(buf, d->data + off, len);
	return 0;
}

static int check_damaged(const struct archive *a, const struct damaged *d, const char *steps,
			 bool *ret_finding)
{
	struct test_image t = { .ctx = rimg_ctx_new(NULL, 2) };
	struct rimg_error err;
	struct arena arena;
	struct rimg_layer *l;
	int rc;

	arena_init(&arena, 0);
	t.image = image_open_part(t.ctx, source_custom(&arena, a->len, "below", read_damaged, d),
				  "below", NULL);
	assert_non_null(t.image);
	t.node = rimg_image_root(t.image);
	rc = node_open(t.node, &l, &err);
	if (rc == 0)
		rc = l->format->check(l, &err);
	*ret_finding = rc == 0 && finding_about(l, "pkgar.stored", test_find(&t, steps));
	test_close(&t);
	arena_done(&arena);
	return rc;
}

static void damage_below_a_package_is_told_and_other_errors_end_the_work(void **state)
{
	static uint8_t noise[100000]; /* what is among the first 64 KiB is read to recognise it */
	struct member m[1 + ARRAY_LEN(small)] = { { "a", FILE_MODE, noise, sizeof(noise) } };
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24);
	}
	memcpy(m + 1, small, sizeof(small));
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_archive(m, ARRAY_LEN(m), packed);
		/* contents of a file and of a link, behind the length, which is read when opening
		 */
		struct damaged file = { a.data, a.content[4] + 8, 1, RIMG_E_BAD };
		struct damaged link = { a.data, a.content[3] + 8, 1, RIMG_E_BAD };
		bool found;

		assert_int_equal(check_damaged(&a, &file, "/etc/words", &found), 0);
		assert_true(found);
		assert_int_equal(check_damaged(&a, &link, "/etc/link", &found), 0);
		assert_true(found);
		file.code = link.code = RIMG_E_IO;
		assert_int_equal(check_damaged(&a, &file, "/etc/words", &found), -RIMG_E_IO);
		assert_int_equal(check_damaged(&a, &link, "/etc/link", &found), -RIMG_E_IO);
		free_archive(&a);
	}
}

/* ---- large contents ---------------------------------------------------------------------------
 */

#define BIG_LEN (((size_t)3 << 20) + 1234)

/* Bytes that never come again, and do not take long to pack. */
static uint8_t *make_big(void)
{
	uint8_t *data = malloc(BIG_LEN);
	uint32_t x = 12345;

	assert_non_null(data);
	for (size_t i = 0; i < BIG_LEN; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (uint8_t)(i % 512 < 8 ? x >> 24 : i % 512);
	}
	return data;
}

struct reads {
	const struct rimg_source *src;
	const uint8_t *expected;
	bool wrong[64];
};

static void read_one(void *arg, size_t i)
{
	struct reads *r = arg;
	uint64_t off = (i * 733331) % (BIG_LEN - 5000);
	uint8_t buf[5000];

	r->wrong[i] = rimg_source_read(r->src, off, buf, sizeof(buf), NULL) < 0 ||
		      memcmp(buf, r->expected + off, sizeof(buf)) != 0;
}

static void large_contents_are_read_in_any_order_by_many_threads(void **state)
{
	uint8_t *data = make_big();
	const struct member m = { "big", FILE_MODE, data, BIG_LEN };

	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_archive(&m, 1, packed);
		struct test_image t = test_open_bytes(a.data, a.len);
		struct reads r = { .src = test_find(&t, "/big")->content, .expected = data };
		size_t len;
		uint8_t *whole;

		pool_for(8, ARRAY_LEN(r.wrong), read_one, &r);
		for (size_t i = 0; i < ARRAY_LEN(r.wrong); i++)
			assert_false(r.wrong[i]);
		whole = test_read_node(test_find(&t, "/big"), &len);
		assert_int_equal(len, BIG_LEN);
		assert_memory_equal(whole, data, len);
		free(whole);
		run_check(open_layer(t.node));
		assert_no_findings(t.image);
		test_close(&t);
		free_archive(&a);
	}
	free(data);
}

static void one_bad_byte_at_the_end_keeps_back_the_first(void **state)
{
	uint8_t *data = make_big();
	const struct member m = { "big", FILE_MODE, data, BIG_LEN };

	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_archive(&m, 1, packed);
		struct rimg_error err;
		struct test_image t;
		uint8_t byte;

		a.data[a.len - 20] ^= 1;
		t = test_open_bytes(a.data, a.len);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(
				rimg_source_read(test_find(&t, "/big")->content, 0, &byte, 1, &err),
				-RIMG_E_BAD);
			assert_true(err.has_off);
			assert_int_equal(err.off, a.content[0]);
		}
		run_check(open_layer(t.node));
		assert_non_null(t.image->layers);
		assert_int_not_equal(t.image->layers->n_errors, 0);
		test_close(&t);
		free_archive(&a);
	}
	free(data);
}

static void plain_contents_lie_in_the_archive(void **state)
{
	uint8_t *data = make_big();
	const struct member m[] = { { "a", FILE_MODE, "first", 5 },
				    { "big", FILE_MODE, data, BIG_LEN } };
	struct archive a = make_archive(m, 2, false);
	struct test_image t = test_open_bytes(a.data, a.len);
	const struct rimg_node *big = test_find(&t, "/big");

	(void)state;
	for (uint64_t off = 0; off < BIG_LEN;) {
		uint64_t at, len;

		assert_ptr_equal(source_ground(big->content, off, &at, &len), t.node->content);
		assert_int_equal(at, a.content[1] + off);
		off += len;
	}
	test_close(&t);
	free_archive(&a);
	free(data);
}

/* ---- limits ------------------------------------------------------------------------------------
 */

static struct test_image open_limited(const struct archive *a, const struct rimg_limits *limits)
{
	struct test_image t = { .ctx = rimg_ctx_new(limits, 1) };
	struct rimg_source *src = rimg_source_open_memory(a->data, a->len, "memory");

	assert_non_null(t.ctx);
	assert_non_null(src);
	t.image = rimg_image_open(t.ctx, src, "memory", NULL);
	assert_non_null(t.image);
	t.node = rimg_image_root(t.image);
	return t;
}

static void contents_are_unpacked_up_to_the_limit(void **state)
{
	uint8_t *data = make_big();
	const struct member m = { "big", FILE_MODE, data, BIG_LEN };
	struct archive a = make_archive(&m, 1, true);
	struct rimg_limits limits = rimg_limits_default();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct test_image t;
		const struct rimg_node *node;

		limits.analysis_bytes = BIG_LEN - i;
		t = open_limited(&a, &limits);
		node = test_find(&t, "/big");
		assert_int_equal(node->unread, i == 1);
		assert_int_equal(node->content != NULL, i == 0);
		if (i == 0)
			assert_no_findings(t.image);
		else
			assert_finding(t.image, "pkgar.too-large");
		test_close(&t);
	}
	free_archive(&a);
	free(data);
}

/* Each of them is small enough, all of them are many times the size of the image. */
static void contents_that_unpack_to_very_much_in_all_are_not_unpacked(void **state)
{
	enum { N = 12, LEN = 4 << 20 };
	uint8_t *zeros = calloc(1, LEN);
	struct member m[N];
	char names[N][8];
	struct rimg_limits limits = rimg_limits_default();
	struct archive a;
	struct test_image t;
	size_t n = 0;

	(void)state;
	assert_non_null(zeros);
	for (size_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "z%zu", i);
		m[i] = (struct member){ names[i], FILE_MODE, zeros, LEN };
	}
	a = make_archive(m, N, true);
	limits.analysis_bytes = (uint64_t)16 << 20;
	t = open_limited(&a, &limits);
	rimg_for_each_child(child, open_layer(t.node)->top)
		n += child->content != NULL;
	/* 16 MiB, and 16 times the size of the archive */
	assert_int_equal(n, ((16 << 20) + 16 * a.len) / LEN);
	assert_finding(t.image, "pkgar.too-large");
	test_close(&t);
	free_archive(&a);
	free(zeros);
}

static void table_over_the_limit_is_not_read(void **state)
{
	struct archive a = make_small(false);
	struct rimg_limits limits = rimg_limits_default();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct test_image t;
		struct rimg_layer *l;

		limits.analysis_bytes = 4 * PKGAR_ENTRY_LEN - i;
		t = open_limited(&a, &limits);
		l = open_layer(t.node);
		assert_int_equal(l->unreadable, i == 1);
		if (i == 1)
			assert_finding(t.image, "pkgar.limit");
		else
			assert_no_finding(t.image, "pkgar.limit");
		test_close(&t);
	}
	free_archive(&a);
}

static void folders_deeper_than_the_limit_are_not_made(void **state)
{
	const struct member m = { "a/b/c/d", FILE_MODE, "x", 1 };
	struct archive a = make_archive(&m, 1, false);
	struct rimg_limits limits = rimg_limits_default();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct test_image t;

		limits.dir_depth = 3 - i;
		t = open_limited(&a, &limits);
		open_layer(t.node);
		if (i == 1)
			assert_finding(t.image, "pkgar.depth");
		else
			assert_no_findings(t.image);
		test_find(&t, i == 0 ? "/a/b/c/d" : "/?entry-0");
		test_close(&t);
	}
	free_archive(&a);
}

/* Entries that each need 127 folders of their own. */
static void more_folders_than_nodes_are_an_error(void **state)
{
	enum { N = 20 };
	struct member m[N];
	char paths[N][256];
	struct rimg_limits limits = rimg_limits_default();
	struct archive a;
	struct test_image t;
	struct rimg_layer *l;
	struct rimg_error err;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		for (size_t k = 0; k < 255; k++)
			paths[i][k] = k % 2 ? '/' : 'a';
		paths[i][255] = '\0';
		paths[i][0] = (char)('0' + i);
		m[i] = (struct member){ paths[i], FILE_MODE, "", 0 };
	}
	a = make_archive(m, N, false);
	limits.nodes = 128 * N + 1;
	t = open_limited(&a, &limits);
	assert_int_equal(node_open(t.node, &l, &err), 0);
	assert_no_findings(t.image);
	assert_holds(&t, &m[N - 1]);
	test_close(&t);
	for (uint64_t nodes = 1; nodes < 128 * N + 1; nodes += 711) {
		limits.nodes = nodes;
		t = open_limited(&a, &limits);
		assert_int_equal(node_open(t.node, &l, &err), -RIMG_E_LIMIT);
		test_close(&t);
	}
	free_archive(&a);
}

/* ---- trees -------------------------------------------------------------------------------------
 */

static void longest_path_and_odd_modes_are_fine(void **state)
{
	char path[256];
	const struct member m[] = { { path, PKGAR_KIND_FILE | 07777, "x", 1 },
				    { "none", PKGAR_KIND_FILE, "y", 1 },
				    { "...", FILE_MODE, "z", 1 },
				    { "..a/.b", FILE_MODE, "w", 1 } };
	struct archive a;
	struct test_image t;

	(void)state;
	memset(path, 'n', 255);
	path[255] = '\0';
	a = make_archive(m, ARRAY_LEN(m), false);
	t = test_open_bytes(a.data, a.len);
	run_check(open_layer(t.node));
	assert_no_findings(t.image);
	assert_int_equal(number(find_member(&t, &m[0]), "mode"), 07777);
	assert_int_equal(number(test_find(&t, "/none"), "mode"), 0);
	test_find(&t, "/...");
	test_find(&t, "/..a/.b");
	test_close(&t);
	free_archive(&a);
}

/* In the table: no order at all. '!' and '-' sort before '/', '0' after it. */
static void order_of_the_table_is_kept_whatever_it_is(void **state)
{
	static const struct member m[] = {
		{ "b/two", FILE_MODE, "1", 1 },  { "b!", FILE_MODE, "2", 1 },
		{ "a", FILE_MODE, "3", 1 },      { "b/c/x", FILE_MODE, "4", 1 },
		{ "b-/one", FILE_MODE, "5", 1 }, { "b/one", FILE_MODE, "6", 1 },
		{ "b0", FILE_MODE, "7", 1 },     { "b/c/w", FILE_MODE, "8", 1 },
	};
	static const char *const top[] = { "b", "b!", "a", "b-", "b0" };
	static const char *const in_b[] = { "two", "c", "one" };
	struct archive a = make_archive(m, ARRAY_LEN(m), false);
	struct test_image t = test_open_bytes(a.data, a.len);
	struct rimg_layer *l = open_layer(t.node);
	size_t n = 0;

	(void)state;
	assert_no_findings(t.image);
	for (size_t i = 0; i < ARRAY_LEN(m); i++)
		assert_holds(&t, &m[i]);
	rimg_for_each_child(child, l->top)
		assert_string_equal(child->name, top[n++]);
	assert_int_equal(n, ARRAY_LEN(top));
	n = 0;
	rimg_for_each_child(child, test_find(&t, "/b"))
		assert_string_equal(child->name, in_b[n++]);
	assert_int_equal(n, ARRAY_LEN(in_b));
	assert_int_equal(number(test_find(&t, "/b/c"), "mode"), 0755);
	test_close(&t);
	free_archive(&a);
}

/* '!' sorts before '/'. */
static void file_is_found_to_be_a_folder_whatever_lies_between(void **state)
{
	static const struct member m[] = { { "a", FILE_MODE, "1", 1 },
					   { "a!", FILE_MODE, "2", 1 },
					   { "a/b", FILE_MODE, "3", 1 },
					   { "a0", FILE_MODE, "4", 1 } };
	struct archive a = make_archive(m, ARRAY_LEN(m), false);
	struct test_image t = test_open_bytes(a.data, a.len);

	(void)state;
	assert_non_null(
		finding_about(open_layer(t.node), "pkgar.below-file", test_find(&t, "/a#2")));
	test_close(&t);
	free_archive(&a);
}

/* Without sorting this would take minutes. */
static void many_entries_take_no_time(void **state)
{
	enum { N = 60000 };
	struct member *m = calloc(N, sizeof(*m));
	char(*paths)[32] = calloc(N, sizeof(*paths));
	struct archive a;
	struct test_image t;

	(void)state;
	assert_true(m && paths);
	for (size_t i = 0; i < N; i++) {
		snprintf(paths[i], sizeof(paths[i]), "d%zu/e/f%zu", (i * 7919) % N, i);
		m[i] = (struct member){ paths[i], FILE_MODE, "", 0 };
	}
	a = make_archive(m, N, false);
	t = test_open_bytes(a.data, a.len);
	open_layer(t.node);
	assert_no_findings(t.image);
	assert_int_equal(t.image->n_nodes, 3 * N + 1);
	assert_holds(&t, &m[N / 2]);
	test_close(&t);
	free_archive(&a);
	free(paths);
	free(m);
}

/* ---- a package as a layer among layers ----------------------------------------------------------
 */

static void package_in_a_package_is_opened(void **state)
{
	uint8_t *data = make_big();
	const struct member big = { "big", FILE_MODE, data, BIG_LEN };

	(void)state;
	for (int packed = 0; packed < 4; packed++) {
		struct archive inner = make_archive(&big, 1, packed & 1);
		const struct member m = { "repo/p.pkgar", FILE_MODE, inner.data, inner.len };
		struct archive outer = make_archive(&m, 1, packed & 2);
		struct test_image t = test_open_bytes(outer.data, outer.len);
		size_t len;
		uint8_t *read = test_read_node(test_find(&t, "/repo/p.pkgar::/big"), &len);

		assert_int_equal(len, BIG_LEN);
		assert_memory_equal(read, data, len);
		assert_no_findings(t.image);
		free(read);
		test_close(&t);
		free_archive(&outer);
		free_archive(&inner);
	}
	free(data);
}

/* Half of the limit, as both may have to be held at the same time. */
static void packed_package_in_a_packed_one_may_unpack_to_half(void **state)
{
	uint8_t *data = make_big();
	const struct member big = { "big", FILE_MODE, data, BIG_LEN };
	struct archive inner = make_archive(&big, 1, true);
	const struct member m = { "p", FILE_MODE, inner.data, inner.len };
	struct archive outer = make_archive(&m, 1, true);
	struct rimg_limits limits = rimg_limits_default();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct test_image t;

		limits.analysis_bytes = 2 * BIG_LEN - i;
		t = open_limited(&outer, &limits);
		assert_int_equal(test_find(&t, "/p::/big")->content != NULL, i == 0);
		test_close(&t);
	}
	free_archive(&outer);
	free_archive(&inner);
	free(data);
}

static void assert_owner(struct test_image *t, size_t off, const char *steps, const char *what,
			 const char *attr)
{
	struct owner o = owner_at(t->node, off, NULL);
	const struct rimg_node *node = steps[0] ? test_find(t, steps) : open_layer(t->node)->root;

	if (o.node != node)
		fail_msg("byte %zu belongs to %s", off, o.node->name);
	assert_string_equal(o.claim->what, what);
	if (attr && !o.attr)
		fail_msg("byte %zu of \"%s\" has no attribute", off, steps);
	if (attr)
		assert_string_equal(o.attr->key, attr);
	else
		assert_null(o.attr);
}

static void each_structure_is_owned_by_its_node(void **state)
{
	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_small(packed);
		struct test_image t = test_open_bytes(a.data, a.len);

		open_layer(t.node);
		assert_owner(&t, 0, "", "header", "signature");
		assert_owner(&t, 64, "", "header", "public_key");
		assert_owner(&t, 127, "", "header", "table_blake3");
		assert_owner(&t, 128, "", "header", "count");
		assert_owner(&t, 135, "", "header", "reserved");
		assert_owner(&t, entry_at(3), "/etc/words", "entry", "blake3");
		assert_owner(&t, entry_at(3) + 32, "/etc/words", "entry", "offset");
		assert_owner(&t, entry_at(3) + 47, "/etc/words", "entry", "stored_size");
		assert_owner(&t, entry_at(3) + 48, "/etc/words", "entry", "mode");
		assert_owner(&t, entry_at(3) + 52, "/etc/words", "entry", NULL);
		assert_owner(&t, entry_at(4) - 1, "/etc/words", "entry", NULL);
		assert_owner(&t, a.content[0], "/bin/tool", packed ? "length" : "content",
			     packed ? "size" : NULL);
		assert_owner(&t, a.content[0] + 8, "/bin/tool", "content", NULL);
		assert_owner(&t, a.len - 1, "/etc/words", "content", NULL);
		test_close(&t);
		free_archive(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_package_lists_as_another_reader_says),
		cmocka_unit_test(packed_package_lists_as_another_reader_says),
		cmocka_unit_test(key_of_a_package_is_the_one_in_the_key_file),
		cmocka_unit_test(sound_packages_have_no_findings),
		cmocka_unit_test(package_without_entries_is_one),
		cmocka_unit_test(zeros_and_text_are_no_packages),
		cmocka_unit_test(one_sign_of_a_package_is_not_enough),
		cmocka_unit_test(each_defect_has_its_finding),
		cmocka_unit_test(entries_of_a_table_that_was_not_signed_are_damaged),
		cmocka_unit_test(each_flipped_byte_is_an_error_and_none_is_passed_on),
		cmocka_unit_test(truncated_anywhere_is_an_error),
		cmocka_unit_test(damage_below_a_package_is_told_and_other_errors_end_the_work),
		cmocka_unit_test(large_contents_are_read_in_any_order_by_many_threads),
		cmocka_unit_test(one_bad_byte_at_the_end_keeps_back_the_first),
		cmocka_unit_test(plain_contents_lie_in_the_archive),
		cmocka_unit_test(contents_are_unpacked_up_to_the_limit),
		cmocka_unit_test(contents_that_unpack_to_very_much_in_all_are_not_unpacked),
		cmocka_unit_test(table_over_the_limit_is_not_read),
		cmocka_unit_test(folders_deeper_than_the_limit_are_not_made),
		cmocka_unit_test(more_folders_than_nodes_are_an_error),
		cmocka_unit_test(longest_path_and_odd_modes_are_fine),
		cmocka_unit_test(order_of_the_table_is_kept_whatever_it_is),
		cmocka_unit_test(file_is_found_to_be_a_folder_whatever_lies_between),
		cmocka_unit_test(many_entries_take_no_time),
		cmocka_unit_test(package_in_a_package_is_opened),
		cmocka_unit_test(packed_package_in_a_packed_one_may_unpack_to_half),
		cmocka_unit_test(each_structure_is_owned_by_its_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
