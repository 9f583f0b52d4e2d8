/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/str.h"
#include "diff/sbom.h"

/* Packages: archives (.pkgar) with their files in them, and the records that an installer keeps of
 * what it has unpacked (header and table). A record tells paths and BLAKE3 of what it has put
 * there, so a file belongs to it only while its content is the same. Facts: docs/formats/pkgar.md,
 * "Heads". */

static bool is_record(const struct rimg_layer *l)
{
	for (size_t i = 0; i < l->n_findings; i++) {
		if (strcmp(l->findings[i].code, "pkgar.head") == 0)
			return true;
	}
	return false;
}

/* A right signature, and not only a field that claims to be one. */
static bool is_signed(const struct rimg_layer *l)
{
	for (size_t i = 0; i < l->n_findings; i++) {
		if (strcmp(l->findings[i].code, "pkgar.signature") == 0 ||
		    strcmp(l->findings[i].code, "pkgar.table-hash") == 0)
			return false;
	}
	return true;
}

/* "REDOX::/var/lib/packages/uutils.pkgar_head" -> "uutils" */
static char *package_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dot = strstr(name, ".pkgar");

	return strndup(name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

static char *key_of(const struct rimg_layer *l)
{
	const struct rimg_attr *a = node_attr(l->root, "public_key");
	struct str s = { 0 };

	if (!a || a->type != ATTR_BYTES || !is_signed(l))
		return NULL;
	str_add_hex(&s, a->bytes.data, a->bytes.len);
	return str_take(&s);
}

/* The path of an entry, spelled as in an address. */
static void add_escaped_path(struct str *s, const struct rimg_node *node)
{
	auto_str struct str path = { 0 };

	node_add_path(&path, node);
	for (size_t i = 0, next; i < path.len; i = next) {
		next = i + 1;
		while (next < path.len && path.data[next] != '/')
			next++;
		str_add_char(s, '/');
		str_add_escaped(s, path.data + i + 1, next - i - 1, STR_ESCAPE_NAME);
	}
	s->failed |= path.failed;
}

/* The entry claims a path in the file system that the record lies in. */
static int add_claim(struct sbom *s, const struct rimg_node *node, const char *file, size_t prefix,
		     size_t package)
{
	const struct rimg_attr *a = node_attr(node, "blake3");
	struct sbom_claim *p;
	struct str path = { 0 };
	char *text;

	if (node->role != RIMG_ROLE_FILE || !a || a->type != ATTR_BYTES ||
	    a->bytes.len != BLAKE3_LEN)
		return 0;
	str_add_len(&path, file, prefix);
	if (prefix > 0)
		str_add(&path, "::");
	add_escaped_path(&path, node);
	text = str_take(&path);
	p = vec_grow(s->claims, &s->cap_claims, s->n_claims, sizeof(*p));
	if (p)
		s->claims = p;
	if (!text || !p) {
		free(text);
		return -RIMG_E_NOMEM;
	}
	p[s->n_claims] = (struct sbom_claim){ .path = text, .package = package };
	memcpy(p[s->n_claims++].blake3, a->bytes.data, BLAKE3_LEN);
	return 0;
}

static int add_claims(struct sbom *s, struct rimg_layer *l, const char *file, size_t prefix,
		      size_t package)
{
	for (struct rimg_node *n = l->top; n; n = node_after(n, l->top))
		if (add_claim(s, n, file, prefix, package) < 0)
			return -RIMG_E_NOMEM;
	return 0;
}

int sbom_add_package(struct sbom *s, struct rimg_layer *l, const char *file, size_t prefix,
		     size_t *ret)
{
	struct sbom_package *p = vec_grow(s->packages, &s->cap_packages, s->n_packages, sizeof(*p));
	struct sbom_package package = { .name = package_name(file),
					.path = strdup(file),
					.key = key_of(l),
					.installed = is_record(l) };

	if (p)
		s->packages = p;
	if (!p || !package.name || !package.path) {
		free(package.name);
		free(package.path);
		free(package.key);
		return -RIMG_E_NOMEM;
	}
	*ret = s->n_packages;
	p[s->n_packages++] = package;
	return package.installed ? add_claims(s, l, file, prefix, *ret) : 0;
}

void sbom_assign(struct sbom *s)
{
	for (size_t i = 0; i < s->n_claims; i++) {
		const struct sbom_claim *c = &s->claims[i];
		struct sbom_file *f = sbom_find(s, c->path);

		if (f && f->package == SBOM_NO_PACKAGE &&
		    memcmp(f->digests.blake3, c->blake3, BLAKE3_LEN) == 0)
			f->package = c->package;
	}
}
