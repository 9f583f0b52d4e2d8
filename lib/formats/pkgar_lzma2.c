/* SPDX-License-Identifier: MIT */
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "formats/pkgar.h"

/* A raw LZMA2 stream: chunks of at most 2 MiB each, then a zero byte. Its dictionary is as large as
 * the contents, or as readers use: what reaches back further is malformed anyway. */

#define STEP ((size_t)64 << 10)

struct stream {
	lzma_stream lzma;
	const struct pkgar *p;
	const struct pkgar_entry *e;
	uint64_t read; /* stored bytes that the decoder was given, the length included */
	uint8_t in[STEP];
	uint8_t out[STEP]; /* when nobody wants the contents */
	struct blake3 hash;
};

static void cleanup_stream(struct stream **s)
{
	if (*s)
		lzma_end(&(*s)->lzma);
	free(*s);
}

/* Memory that this takes is for us to say: the stream does not name a dictionary. */
static int start(struct stream *s, struct rimg_error *err)
{
	lzma_options_lzma options = { 0 };
	lzma_filter filters[] = { { .id = LZMA_FILTER_LZMA2, .options = &options },
				  { .id = LZMA_VLI_UNKNOWN } };
	lzma_ret rc;

	options.dict_size =
		(uint32_t)num_max(LZMA_DICT_SIZE_MIN, num_min(s->e->len, PKGAR_DICTIONARY));
	rc = lzma_raw_decoder(&s->lzma, filters);
	if (rc == LZMA_MEM_ERROR)
		return error_nomem(err);
	if (rc != LZMA_OK)
		return error_set(err, RIMG_E_INTERNAL, NULL, "liblzma refuses to decode LZMA2");
	return 0;
}

static int refill(struct stream *s, struct rimg_error *err)
{
	size_t n = (size_t)num_min(s->e->stored - s->read, sizeof(s->in));
	int rc = rimg_source_read(s->p->l->src, s->e->off + s->read, s->in, n, err);

	if (rc < 0)
		return rc;
	s->read += n;
	s->lzma.next_in = s->in;
	s->lzma.avail_in = n;
	return 0;
}

/* Room for the next bytes: of the contents, or one more to see that there are none. */
static void make_room(struct stream *s, uint8_t *out)
{
	uint64_t left = s->e->len - num_min(s->e->len, s->lzma.total_out);

	if (out && left > 0) {
		s->lzma.next_out = out + s->lzma.total_out;
		s->lzma.avail_out = (size_t)num_min(left, STEP);
	} else {
		s->lzma.next_out = s->out;
		s->lzma.avail_out = (size_t)num_max(1, num_min(left, sizeof(s->out)));
	}
}

static enum pkgar_verdict judge_end(struct stream *s)
{
	uint8_t hash[BLAKE3_LEN];

	if (s->lzma.total_out < s->e->len)
		return PKGAR_SHORTER;
	blake3_final(&s->hash, hash);
	return memcmp(hash, s->e->hash, sizeof(hash)) == 0 ? PKGAR_SOUND : PKGAR_OTHER_HASH;
}

/* One step of the decoder. *ret: UNKNOWN as long as there is more to do. */
static int step(struct stream *s, uint8_t *out, enum pkgar_verdict *ret, struct rimg_error *err)
{
	const uint8_t *made;
	lzma_ret lzma;

	*ret = PKGAR_UNKNOWN;
	if (s->lzma.avail_in == 0 && s->read < s->e->stored) {
		int rc = refill(s, err);

		if (rc < 0)
			return rc;
	}
	make_room(s, out);
	made = s->lzma.next_out;
	lzma = lzma_code(&s->lzma, LZMA_RUN);
	blake3_update(&s->hash, made, (size_t)(s->lzma.next_out - made));
	if (lzma == LZMA_MEM_ERROR)
		return error_nomem(err);
	if (s->lzma.total_out > s->e->len)
		*ret = PKGAR_LONGER;
	else if (lzma == LZMA_STREAM_END)
		*ret = judge_end(s);
	else if (lzma == LZMA_BUF_ERROR)
		*ret = PKGAR_CUT;
	else if (lzma != LZMA_OK)
		*ret = PKGAR_MALFORMED;
	return 0;
}

int pkgar_unpack(const struct pkgar *p, const struct pkgar_entry *e, uint8_t *out,
		 enum pkgar_verdict *ret, uint64_t *ret_end, struct rimg_error *err)
{
	auto_with(cleanup_stream) struct stream *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error_nomem(err);
	s->p = p;
	s->e = e;
	s->read = PKGAR_LENGTH_LEN;
	blake3_init(&s->hash);
	rc = start(s, err);
	do {
		if (rc == 0)
			rc = step(s, out, ret, err);
	} while (rc == 0 && *ret == PKGAR_UNKNOWN);
	if (rc == 0)
		*ret_end = s->read - s->lzma.avail_in;
	return rc;
}
