/* SPDX-License-Identifier: MIT */

/* Whatever can be opened can be laid out anew (`rimg normalize`), or is refused. What was laid out
 * is opened again and compared with what it was made from; and as nothing in it is left to choose,
 * doing it a second time gives the same bytes. */

#include <stdio.h>
#include <string.h>

#include "build/remake.h"
#include "core/digest.h"
#include "core/sink.h"
#include "fuzz/fuzz.h"

#define EPOCH 1767225600

struct remade {
	struct rimg_image *image;
	struct remake remake;
	struct sink *sink;
	uint8_t sha256[SHA256_LEN];
};

/* Lays @src out anew; false when it is refused. remade_done() in both cases. */
static bool remade_init(struct remade *m, const struct rimg_source *src)
{
	struct rimg_error err = { 0 };
	int rc;

	*m = (struct remade){ .image = image_open_part(fuzz_ctx(), src, "input", NULL) };
	fuzz_require(m->image != NULL);
	m->remake = (struct remake){ .ctx = fuzz_ctx(),
				     .old = rimg_image_root(m->image),
				     .path = P_tmpdir "/rimg-fuzz",
				     .epoch = EPOCH };
	rc = remake_write(&m->remake, &m->sink, &err);
	/* INTERNAL: it was written, but is not what was opened */
	fuzz_require(rc == 0 || (rc == -err.code && err.code != RIMG_E_INTERNAL));
	if (rc == 0)
		fuzz_require(digest_source(sink_source(m->sink, NULL), m->sha256, NULL) == 0);
	return rc == 0;
}

static void remade_done(struct remade *m)
{
	remake_done(&m->remake);
	rimg_image_free(m->image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rimg_source *src = rimg_source_open_memory(data, len, "input");
	struct remade once, twice;

	fuzz_require(src != NULL);
	if (remade_init(&once, src)) {
		fuzz_require(remade_init(&twice, sink_source(once.sink, NULL)));
		fuzz_require(memcmp(once.sha256, twice.sha256, SHA256_LEN) == 0);
		remade_done(&twice);
	}
	remade_done(&once);
	rimg_source_free(src);
	return 0;
}
