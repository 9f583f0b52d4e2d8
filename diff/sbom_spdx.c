/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/jsonw.h"
#include "core/str.h"
#include "diff/sbom.h"

/* SPDX 2.3 as JSON. The artifact is the package that the document describes; it contains the files,
 * and the packages found in it, which contain theirs. Nothing is known of licences, and that is
 * said. */

#define UNKNOWN "NOASSERTION"

static void put_id(struct jsonw *w, const char *key, const char *kind, size_t i)
{
	auto_str struct str id = { 0 };

	str_printf(&id, "SPDXRef-%s-%zu", kind, i + 1);
	jsonw_text(w, key, str_cstr(&id));
}

static void put_checksum(struct jsonw *w, const char *algorithm, const void *bytes, size_t len)
{
	jsonw_object(w, NULL);
	jsonw_text(w, "algorithm", algorithm);
	sbom_put_hex(w, "checksumValue", bytes, len);
	jsonw_end_object(w);
}

/* Not BLAKE3: SPDX's own tools want 1024 bits of it. */
static void put_checksums(struct jsonw *w, const struct digests *d)
{
	jsonw_array(w, "checksums");
	put_checksum(w, "SHA1", d->sha1, sizeof(d->sha1));
	put_checksum(w, "SHA256", d->sha256, sizeof(d->sha256));
	jsonw_end_array(w);
}

static int compare_texts(const void *a, const void *b)
{
	return memcmp(a, b, 2 * SHA1_LEN);
}

/* SHA-1 of the SHA-1s of all files, as sorted hexadecimal text (SPDX 2.3, clause 7.9.4). */
static int verification_code(const struct sbom *s, uint8_t ret[SHA1_LEN], struct rimg_error *err)
{
	auto_free char *all = malloc(s->n_files * 2 * SHA1_LEN + 1);

	if (!all)
		return error_nomem(err);
	for (size_t i = 0; i < s->n_files; i++) {
		auto_str struct str hex = { 0 };

		str_add_hex(&hex, s->files[i].digests.sha1, SHA1_LEN);
		if (hex.failed)
			return error_nomem(err);
		memcpy(all + i * 2 * SHA1_LEN, hex.data, (size_t)2 * SHA1_LEN);
	}
	if (s->n_files > 0)
		qsort(all, s->n_files, (size_t)2 * SHA1_LEN, compare_texts);
	return digests_sha1(all, s->n_files * 2 * SHA1_LEN, ret, err);
}

static void put_file_name(struct jsonw *w, const char *key, const char *path)
{
	auto_str struct str s = { 0 };

	str_printf(&s, "./%s", path[0] == '/' ? path + 1 : path);
	jsonw_text(w, key, str_cstr(&s));
}

static void put_artifact(struct jsonw *w, const struct sbom *s, const uint8_t code[SHA1_LEN])
{
	jsonw_object(w, NULL);
	jsonw_text(w, "SPDXID", "SPDXRef-artifact");
	jsonw_text(w, "name", s->name);
	jsonw_text(w, "downloadLocation", UNKNOWN);
	jsonw_bool(w, "filesAnalyzed", true);
	jsonw_object(w, "packageVerificationCode");
	sbom_put_hex(w, "packageVerificationCodeValue", code, SHA1_LEN);
	if (s->n_unread > 0) {
		jsonw_array(w, "packageVerificationCodeExcludedFiles");
		for (size_t i = 0; i < s->n_unread; i++)
			put_file_name(w, NULL, s->unread[i]);
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
	put_checksums(w, &s->digests);
	jsonw_text(w, "licenseConcluded", UNKNOWN);
	jsonw_text(w, "licenseDeclared", UNKNOWN);
	jsonw_text(w, "copyrightText", UNKNOWN);
	jsonw_end_object(w);
}

static void put_package(struct jsonw *w, const struct sbom_package *p, size_t i)
{
	auto_str struct str note = { 0 };

	jsonw_object(w, NULL);
	put_id(w, "SPDXID", "package", i);
	jsonw_text(w, "name", p->name);
	jsonw_text(w, "downloadLocation", UNKNOWN);
	jsonw_bool(w, "filesAnalyzed", false);
	str_printf(&note, "%s %s; %s%s",
		   p->installed ? "recorded as installed by" : "an archive in the artifact:",
		   p->path, p->key ? "signed under its own key " : "without a right signature",
		   p->key ? p->key : "");
	jsonw_text(w, "comment", str_cstr(&note));
	jsonw_text(w, "licenseConcluded", UNKNOWN);
	jsonw_text(w, "licenseDeclared", UNKNOWN);
	jsonw_text(w, "copyrightText", UNKNOWN);
	jsonw_end_object(w);
}

static bool is_program(const struct sbom_file *f)
{
	return f->format && (strcmp(f->format, "elf") == 0 || strcmp(f->format, "pe") == 0);
}

static void put_comment(struct jsonw *w, const struct sbom_file *f)
{
	auto_str struct str s = { 0 };

	str_printf(&s, "%" PRIu64 " bytes; format: %s", f->size, f->format ? f->format : "unknown");
	if (f->producers)
		str_printf(&s, "; producers named in it: %s", f->producers);
	if (f->has_code)
		str_printf(&s, "; %s code: %" PRIu64 " bytes", code_arch_name(f->arch),
			   f->code_bytes);
	for (int i = 0; f->has_code && i < N_CODE_CLASSES; i++) {
		if (f->by_class[i] > 0)
			str_printf(&s, ", %s %" PRIu64, code_class_name((enum code_class)i),
				   f->by_class[i]);
	}
	jsonw_text(w, "comment", str_cstr(&s));
}

static void put_file(struct jsonw *w, const struct sbom_file *f, size_t i)
{
	jsonw_object(w, NULL);
	put_id(w, "SPDXID", "file", i);
	put_file_name(w, "fileName", f->path);
	jsonw_array(w, "fileTypes");
	jsonw_text(w, NULL, is_program(f) ? "BINARY" : f->format ? "ARCHIVE" : "OTHER");
	jsonw_end_array(w);
	put_checksums(w, &f->digests);
	jsonw_text(w, "licenseConcluded", UNKNOWN);
	jsonw_array(w, "licenseInfoInFiles");
	jsonw_text(w, NULL, UNKNOWN);
	jsonw_end_array(w);
	jsonw_text(w, "copyrightText", UNKNOWN);
	put_comment(w, f);
	jsonw_end_object(w);
}

static void begin_relation(struct jsonw *w, const char *type)
{
	jsonw_object(w, NULL);
	jsonw_text(w, "relationshipType", type);
}

static void put_relations(struct jsonw *w, const struct sbom *s)
{
	jsonw_array(w, "relationships");
	begin_relation(w, "DESCRIBES");
	jsonw_text(w, "spdxElementId", "SPDXRef-DOCUMENT");
	jsonw_text(w, "relatedSpdxElement", "SPDXRef-artifact");
	jsonw_end_object(w);
	for (size_t i = 0; i < s->n_packages; i++) {
		begin_relation(w, "CONTAINS");
		jsonw_text(w, "spdxElementId", "SPDXRef-artifact");
		put_id(w, "relatedSpdxElement", "package", i);
		jsonw_end_object(w);
	}
	for (size_t i = 0; i < s->n_files; i++) {
		begin_relation(w, "CONTAINS");
		jsonw_text(w, "spdxElementId", "SPDXRef-artifact");
		put_id(w, "relatedSpdxElement", "file", i);
		jsonw_end_object(w);
		if (s->files[i].package == SBOM_NO_PACKAGE)
			continue;
		/* a package whose files were not analysed may not contain them in SPDX */
		begin_relation(w, "EXPANDED_FROM_ARCHIVE");
		put_id(w, "spdxElementId", "file", i);
		put_id(w, "relatedSpdxElement", "package", s->files[i].package);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

static void put_creation(struct jsonw *w, const struct sbom *s, int64_t created)
{
	auto_str struct str tool = { 0 }, note = { 0 };

	str_printf(&tool, "Tool: rimg-%s", rimg_version());
	str_printf(
		&note,
		"Incomplete: %zu files could not be read (see packageVerificationCodeExcludedFiles), "
		"files may be missing from %zu containers with errors",
		s->n_unread, s->n_damaged);
	for (size_t i = 0; i < s->n_damaged; i++)
		str_printf(&note, "%s %s", i == 0 ? ":" : ",",
			   s->damaged[i][0] ? s->damaged[i] : s->name);
	jsonw_object(w, "creationInfo");
	sbom_put_time(w, "created", created);
	jsonw_array(w, "creators");
	jsonw_text(w, NULL, str_cstr(&tool));
	jsonw_end_array(w);
	if (s->n_unread + s->n_damaged > 0)
		jsonw_text(w, "comment", str_cstr(&note));
	jsonw_end_object(w);
}

int sbom_spdx(FILE *out, const struct sbom *s, int64_t created, struct rimg_error *err)
{
	struct jsonw w = { .out = out, .pretty = true };
	auto_str struct str name_space = { 0 };
	uint8_t code[SHA1_LEN];
	char uuid[37];
	int rc = verification_code(s, code, err);

	if (rc == 0)
		rc = sbom_uuid(s, "spdx", created, uuid, err);
	if (rc < 0)
		return rc;
	str_printf(&name_space, "https://spdx.org/spdxdocs/rimg-%s", uuid);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "spdxVersion", "SPDX-2.3");
	jsonw_text(&w, "dataLicense", "CC0-1.0");
	jsonw_text(&w, "SPDXID", "SPDXRef-DOCUMENT");
	jsonw_text(&w, "name", s->name);
	jsonw_text(&w, "documentNamespace", str_cstr(&name_space));
	put_creation(&w, s, created);
	jsonw_array(&w, "packages");
	put_artifact(&w, s, code);
	for (size_t i = 0; i < s->n_packages; i++)
		put_package(&w, &s->packages[i], i);
	jsonw_end_array(&w);
	jsonw_array(&w, "files");
	for (size_t i = 0; i < s->n_files; i++)
		put_file(&w, &s->files[i], i);
	jsonw_end_array(&w);
	put_relations(&w, s);
	jsonw_end_object(&w);
	fputc('\n', out);
	return 0;
}
