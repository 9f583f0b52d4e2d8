/* SPDX-License-Identifier: MIT */

/* Packages that are damaged, or lie in something that is. */

#include "test.h"

#include "core/cleanup.h"
#include "core/error.h"

#include "pkgar_image.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_defect_has_its_finding),
		cmocka_unit_test(entries_of_a_table_that_was_not_signed_are_damaged),
		cmocka_unit_test(each_flipped_byte_is_an_error_and_none_is_passed_on),
		cmocka_unit_test(truncated_anywhere_is_an_error),
		cmocka_unit_test(damage_below_a_package_is_told_and_other_errors_end_the_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
