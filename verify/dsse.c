/* SPDX-License-Identifier: MIT */
#include "verify/dsse.h"

#include <stdio.h>
#include <string.h>

#include "core/capture.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/json.h"
#include "core/jsonw.h"
#include "verify/base64.h"

/* ---- reading -------------------------------------------------------------------------------- */

struct reader {
	struct arena *a;
	const char *name;
	struct rimg_error *err;
};

/* A member that has to be there, as text. */
static int get_text(const struct reader *r, struct json_object *table, const char *path,
		    const char *key, const char **ret, size_t *ret_len)
{
	int rc = json_get_bytes(table, path, key, ret, ret_len, r->err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return json_missing(table, path, key, r->err);
	if (strlen(*ret) != *ret_len)
		return error_set(r->err, RIMG_E_BAD, r->name, "%s %s: a text with a NUL", path,
				 key);
	return 0;
}

/* A member that has to be there, out of base64. The offset of an error is one in the member. */
static int get_base64(const struct reader *r, struct json_object *table, const char *path,
		      const char *key, const uint8_t **ret, size_t *ret_len)
{
	struct rimg_error why = { 0 };
	const char *text = NULL;
	uint8_t *bytes = NULL;
	size_t len = 0;
	int rc = get_text(r, table, path, key, &text, &len);

	if (rc < 0)
		return rc;
	rc = base64_decode(r->a, text, len, &bytes, ret_len, &why);
	if (rc == -RIMG_E_BAD)
		return error_set(r->err, RIMG_E_BAD, r->name, "%s %s: character %zu: %s", path, key,
				 (size_t)why.off, why.text);
	if (rc < 0)
		return error_nomem(r->err);
	*ret = bytes;
	return 0;
}

static int read_signature(const struct reader *r, struct json_object *value, size_t i,
			  struct dsse_signature *ret)
{
	char path[48];
	int rc;

	snprintf(path, sizeof(path), "envelope: signature %zu:", i + 1);
	if (!json_object_is_type(value, json_type_object))
		return error_set(r->err, RIMG_E_BAD, r->name, "%s expected a table, found %s", path,
				 json_kind(value));
	rc = json_get_text(value, path, "keyid", &ret->keyid, r->err);
	if (rc < 0)
		return rc;
	return get_base64(r, value, path, "sig", &ret->sig, &ret->sig_len);
}

static int read_signatures(const struct reader *r, struct json_object *doc, struct dsse *ret)
{
	struct json_object *list = NULL;
	int rc = json_get(doc, "envelope:", "signatures", json_type_array, &list, r->err);

	if (rc == 0)
		return json_missing(doc, "envelope:", "signatures", r->err);
	if (rc < 0)
		return rc;
	ret->n = json_object_array_length(list);
	if (ret->n == 0)
		return error_set(r->err, RIMG_E_BAD, r->name, "envelope: nobody has signed it");
	if (ret->n > DSSE_SIGNATURES_MAX)
		return error_set(r->err, RIMG_E_LIMIT, r->name, "envelope: more than %u signatures",
				 DSSE_SIGNATURES_MAX);
	ret->signatures = arena_array(r->a, ret->n, sizeof(*ret->signatures));
	if (!ret->signatures)
		return error_nomem(r->err);
	rc = 0;
	for (size_t i = 0; i < ret->n && rc == 0; i++)
		rc = read_signature(r, json_object_array_get_idx(list, i), i, &ret->signatures[i]);
	return rc;
}

int dsse_parse(struct arena *a, const char *text, size_t len, const char *name, struct dsse *ret,
	       struct rimg_error *err)
{
	struct reader r = { .a = a, .name = name, .err = err };
	struct json_object *doc = NULL;
	struct dsse e = { 0 };
	size_t type_len = 0;
	int rc = json_read(a, text, len, name, &doc, err);

	if (rc < 0) {
		if (err)
			err->has_off = true;
		return rc;
	}
	if (!json_object_is_type(doc, json_type_object))
		return error_set(err, RIMG_E_BAD, name, "expected an envelope, found %s",
				 json_kind(doc));
	rc = get_text(&r, doc, "envelope:", "payloadType", &e.type, &type_len);
	if (rc == 0)
		rc = get_base64(&r, doc, "envelope:", "payload", &e.payload, &e.payload_len);
	if (rc == 0)
		rc = read_signatures(&r, doc, &e);
	if (rc == 0)
		*ret = e;
	return rc;
}

/* ---- what is signed ------------------------------------------------------------------------- */

void dsse_pae(struct str *out, const char *type, const void *payload, size_t len)
{
	str_printf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, len);
	str_add_len(out, payload, len);
}

static bool hints_at(const struct dsse_signature *s, const struct public_key *key)
{
	return s->keyid && strcmp(s->keyid, key->id) == 0;
}

int dsse_signer(const struct dsse_signature *s, const struct str *pae,
		const struct public_key *const *keys, size_t n, uint64_t *budget, size_t *ret,
		struct rimg_error *err)
{
	*ret = DSSE_NOBODY;
	if (s->sig_len != ED25519_SIGNATURE_LEN)
		return 0;
	/* the key that is hinted at goes first, which is faster but changes nothing */
	for (unsigned hinted = 2; hinted-- > 0;)
		for (size_t i = 0; i < n; i++) {
			bool good = false;
			int rc;

			if (hints_at(s, keys[i]) != (hinted == 1))
				continue;
			if (pae->len + DSSE_TRY_COST > *budget)
				return error_set(err, RIMG_E_LIMIT, NULL,
						 "too many signatures over too large statements");
			*budget -= pae->len + DSSE_TRY_COST;
			rc = ed25519_verify(keys[i]->raw, s->sig, pae->data, pae->len, &good, err);
			if (rc < 0)
				return rc;
			if (good) {
				*ret = i;
				return 0;
			}
		}
	return 0;
}

/* ---- writing -------------------------------------------------------------------------------- */

static bool put_base64(struct jsonw *w, const char *key, const void *data, size_t len)
{
	auto_str struct str text = { 0 };

	base64_add(&text, data, len);
	jsonw_text(w, key, str_cstr(&text));
	return !text.failed;
}

static bool put_signature(struct jsonw *w, const struct dsse_signature *s)
{
	bool good;

	jsonw_object(w, NULL);
	if (s->keyid)
		jsonw_text(w, "keyid", s->keyid);
	good = put_base64(w, "sig", s->sig, s->sig_len);
	jsonw_end_object(w);
	return good;
}

static bool put_envelope(struct jsonw *w, const struct dsse *e, const struct dsse_signature *more)
{
	bool good;

	jsonw_object(w, NULL);
	good = put_base64(w, "payload", e->payload, e->payload_len);
	jsonw_text(w, "payloadType", e->type);
	jsonw_array(w, "signatures");
	for (size_t i = 0; i < e->n; i++)
		good = put_signature(w, &e->signatures[i]) && good;
	if (more)
		good = put_signature(w, more) && good;
	jsonw_end_array(w);
	jsonw_end_object(w);
	fputc('\n', w->out);
	return good;
}

int dsse_write(struct str *out, const struct dsse *e, const struct dsse_signature *more,
	       struct rimg_error *err)
{
	struct jsonw w = { .out = capture_open(out) };
	bool good;

	if (!w.out)
		return error_nomem(err);
	good = put_envelope(&w, e, more);
	if (capture_close(w.out, err) < 0 || !good)
		return error_nomem(err);
	return 0;
}
