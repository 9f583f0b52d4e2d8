/* SPDX-License-Identifier: MIT */
#include "core/emit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "core/wr.h"

const struct rimg_emitter *emitter_find(const char *name)
{
	for (size_t i = 0; emitters[i]; i++)
		if (strcmp(emitters[i]->name, name) == 0)
			return emitters[i];
	return NULL;
}

static void add_counted(struct str *s, const char *text)
{
	uint8_t count[4];
	struct wr w = wr_init(count, sizeof(count));

	wr_le32(&w, (uint32_t)strlen(text));
	str_add_len(s, count, sizeof(count));
	str_add(s, text);
}

int emit_derive(const struct emit_request *rq, const char *purpose, void *ret, size_t len,
		struct rimg_error *err)
{
	static const char domain[] = "rimg-derive-1";
	auto_str struct str s = { 0 };
	uint8_t digest[SHA256_LEN];
	int rc;

	str_add_len(&s, domain, sizeof(domain));
	str_add_len(&s, rq->seed, sizeof(rq->seed));
	add_counted(&s, rq->layer_name);
	add_counted(&s, purpose);
	if (s.failed)
		return error_nomem(err);
	rc = digest_bytes(s.data, s.len, digest, err);
	if (rc == 0)
		memcpy(ret, digest, num_min_size(len, sizeof(digest)));
	return rc;
}

int emit_derive_uuid(const struct emit_request *rq, const char *purpose, uint8_t ret[16],
		     struct rimg_error *err)
{
	int rc = emit_derive(rq, purpose, ret, 16, err);

	if (rc < 0)
		return rc;
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x80); /* version 8: by a rule of one's own */
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
	return 0;
}

int emit_refuse(struct rimg_error *err, int code, const struct plan_node *node, const char *fmt,
		...)
{
	auto_str struct str where = { 0 };
	char text[sizeof(err->text)];
	va_list args;

	plan_add_path(&where, node);
	if (node->origin) {
		str_add(&where, " (from ");
		str_add_escaped(&where, node->origin, strlen(node->origin), STR_ESCAPE_TEXT);
		str_add_char(&where, ')');
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(err, code, str_cstr(&where), "%s", text);
}
