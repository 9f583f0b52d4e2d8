/* SPDX-License-Identifier: MIT */
#ifndef TEST_MANIFEST_TEXT_H
#define TEST_MANIFEST_TEXT_H

/* What the tests of manifests share. Include "test.h" first. */

#include "build/manifest.h"

#define S32(byte_) byte_ byte_ byte_ byte_ byte_ byte_ byte_ byte_
#define SHA64      S32("0123abCD")
#define SIZE       "[image]\nsize = \"512MiB\"\n"
#define BOOT       "[bootloader]\nsource = \"b.efi\"\nsha256 = \"" SHA64 "\"\n"

static struct manifest m;

static inline int end(void **state)
{
	(void)state;
	manifest_done(&m);
	return 0;
}

static inline const struct manifest *load_with(const char *text,
					       const struct manifest_options *options)
{
	struct rimg_error err;

	manifest_done(&m);
	if (manifest_load_text(text, strlen(text), "dir/m.toml", options, &m, &err) < 0)
		test_fail_error(text, &err);
	return &m;
}

static inline const struct manifest *load(const char *text)
{
	return load_with(text, NULL);
}

/* The whole line that comes out, and the code. */
static inline void assert_refused_with(const char *text, const struct manifest_options *options,
				       int code, const char *line)
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

static inline void refused(const char *text, const char *line)
{
	assert_refused_with(text, NULL, RIMG_E_BAD, line);
}

static inline void assert_warnings(const char *const *texts)
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

/* ---- partitions ----------------------------------------------------------------------------- */

static inline void assert_partition(size_t i, const char *name, uint64_t first, uint64_t last,
				    enum manifest_format format)
{
	assert_in_range(i, 0, m.n_partitions - 1);
	assert_string_equal(m.partitions[i].name, name);
	assert_int_equal(m.partitions[i].first_lba, first);
	assert_int_equal(m.partitions[i].last_lba, last);
	assert_int_equal(m.partitions[i].format, format);
}

/* ---- [[files]] ------------------------------------------------------------------------------ */

#define FILES(text_) SIZE "[[files]]\n" text_

#endif
