/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "core/jsonw.h"
#include "core/str.h"
#include "diff/sbom.h"

/* CycloneDX 1.5 as JSON: the artifact, the packages in it, and every file as a component. */

static void put_ref(struct jsonw *w, const char *key, const char *kind, size_t i)
{
	auto_str struct str ref = { 0 };

	str_printf(&ref, "%s-%zu", kind, i + 1);
	jsonw_text(w, key, str_cstr(&ref));
}

static void put_hash(struct jsonw *w, const char *alg, const void *bytes, size_t len)
{
	jsonw_object(w, NULL);
	jsonw_text(w, "alg", alg);
	sbom_put_hex(w, "content", bytes, len);
	jsonw_end_object(w);
}

static void put_hashes(struct jsonw *w, const struct digests *d)
{
	jsonw_array(w, "hashes");
	put_hash(w, "SHA-1", d->sha1, sizeof(d->sha1));
	put_hash(w, "SHA-256", d->sha256, sizeof(d->sha256));
	put_hash(w, "BLAKE3", d->blake3, sizeof(d->blake3));
	jsonw_end_array(w);
}

static void put_property(struct jsonw *w, const char *name, const char *value)
{
	jsonw_object(w, NULL);
	jsonw_text(w, "name", name);
	jsonw_text(w, "value", value);
	jsonw_end_object(w);
}

static void put_number(struct jsonw *w, const char *name, uint64_t value)
{
	auto_str struct str text = { 0 };

	str_printf(&text, "%" PRIu64, value);
	put_property(w, name, str_cstr(&text));
}

static void put_code(struct jsonw *w, const struct sbom_file *f)
{
	put_property(w, "rimg:code:arch", code_arch_name(f->arch));
	put_number(w, "rimg:code:bytes", f->code_bytes);
	for (int i = 0; i < N_CODE_CLASSES; i++) {
		auto_str struct str name = { 0 };

		if (f->by_class[i] == 0)
			continue;
		str_printf(&name, "rimg:code:%s", code_class_name((enum code_class)i));
		put_number(w, str_cstr(&name), f->by_class[i]);
	}
}

static void put_file(struct jsonw *w, const struct sbom *s, size_t i)
{
	const struct sbom_file *f = &s->files[i];

	jsonw_object(w, NULL);
	jsonw_text(w, "type", "file");
	put_ref(w, "bom-ref", "file", i);
	jsonw_text(w, "name", f->path);
	put_hashes(w, &f->digests);
	jsonw_array(w, "properties");
	put_number(w, "rimg:size", f->size);
	put_property(w, "rimg:format", f->format ? f->format : "unknown");
	if (f->producers)
		put_property(w, "rimg:producers", f->producers);
	if (f->has_code)
		put_code(w, f);
	if (f->package != SBOM_NO_PACKAGE)
		put_property(w, "rimg:package", s->packages[f->package].name);
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void put_package(struct jsonw *w, const struct sbom_package *p, size_t i)
{
	jsonw_object(w, NULL);
	jsonw_text(w, "type", "library");
	put_ref(w, "bom-ref", "package", i);
	jsonw_text(w, "name", p->name);
	jsonw_array(w, "properties");
	put_property(w, p->installed ? "rimg:record" : "rimg:archive", p->path);
	put_property(w, "rimg:signed-under", p->key ? p->key : "no right signature");
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void put_metadata(struct jsonw *w, const struct sbom *s, int64_t created)
{
	jsonw_object(w, "metadata");
	sbom_put_time(w, "timestamp", created);
	jsonw_object(w, "tools");
	jsonw_array(w, "components");
	jsonw_object(w, NULL);
	jsonw_text(w, "type", "application");
	jsonw_text(w, "name", "rimg");
	jsonw_text(w, "version", rimg_version());
	jsonw_end_object(w);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_object(w, "component");
	jsonw_text(w, "type", "operating-system");
	jsonw_text(w, "bom-ref", "artifact");
	jsonw_text(w, "name", s->name);
	put_hashes(w, &s->digests);
	jsonw_end_object(w);
	if (s->n_unread + s->n_damaged > 0) {
		jsonw_array(w, "properties");
		for (size_t i = 0; i < s->n_damaged; i++)
			put_property(w, "rimg:damaged", s->damaged[i][0] ? s->damaged[i] : s->name);
		for (size_t i = 0; i < s->n_unread; i++)
			put_property(w, "rimg:unread", s->unread[i]);
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
}

/* What depends on what: the artifact on all; what a package has brought belongs to it. */
static void put_dependencies(struct jsonw *w, const struct sbom *s)
{
	jsonw_array(w, "dependencies");
	jsonw_object(w, NULL);
	jsonw_text(w, "ref", "artifact");
	jsonw_array(w, "dependsOn");
	for (size_t i = 0; i < s->n_packages; i++)
		put_ref(w, NULL, "package", i);
	for (size_t i = 0; i < s->n_files; i++)
		put_ref(w, NULL, "file", i);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end_array(w);
}

int sbom_cyclonedx(FILE *out, const struct sbom *s, int64_t created, struct rimg_error *err)
{
	struct jsonw w = { .out = out, .pretty = true };
	auto_str struct str serial = { 0 };
	char uuid[37];
	int rc = sbom_uuid(s, "cyclonedx", created, uuid, err);

	if (rc < 0)
		return rc;
	str_printf(&serial, "urn:uuid:%s", uuid);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "bomFormat", "CycloneDX");
	jsonw_text(&w, "specVersion", "1.5");
	jsonw_text(&w, "serialNumber", str_cstr(&serial));
	jsonw_u64(&w, "version", 1);
	put_metadata(&w, s, created);
	jsonw_array(&w, "components");
	for (size_t i = 0; i < s->n_packages; i++)
		put_package(&w, &s->packages[i], i);
	for (size_t i = 0; i < s->n_files; i++)
		put_file(&w, s, i);
	jsonw_end_array(&w);
	put_dependencies(&w, s);
	jsonw_array(&w, "compositions");
	jsonw_object(&w, NULL);
	jsonw_text(&w, "aggregate", s->n_unread + s->n_damaged > 0 ? "incomplete" : "complete");
	jsonw_array(&w, "assemblies");
	jsonw_text(&w, NULL, "artifact");
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	fputc('\n', out);
	return 0;
}
