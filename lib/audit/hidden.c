/* SPDX-License-Identifier: MIT */
#include "audit/hidden.h"

#include <stdlib.h>
#include <string.h>

#include "audit/hidden_a64.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/rd.h"
#include "core/source.h"

#define CHUNK ((size_t)1 << 20)
#define OVERLAP                                                                          \
	((size_t)512) /* every header and window that begins before it lies in the chunk \
		       */

#define ELF_HEADER    20 /* up to e_machine */
#define PE_LFANEW_OFF 0x3c
#define PE_SIGNATURE  26 /* "PE", two zeros, the COFF header, the magic number behind it */
#define AR_MAGIC_LEN  8
#define AR_HEADER     60

/* A PE header may lie anywhere behind its "MZ". One outside of the chunk costs a read; bytes that
 * are nothing but "MZ" shall not cost one each. */
#define FAR_MAX 256 /* such reads for a chunk; what is beyond counts as found */

#define VOLUME_LEN 16U                 /* magic and version */
#define RING_LEN   ((uint64_t)1 << 20) /* a volume's headers lie in so many bytes */

#define RUN_GAP ((uint64_t)1024) /* windows nearer than that belong to one run of code */

_Static_assert(OVERLAP >= A64_REACH && OVERLAP % A64_STEP == 0, "windows go on where they ended");

struct scan {
	const struct rimg_source *src;
	uint64_t end; /* of the range */
	hidden_fn fn;
	void *arg;
	bool stopped;
	struct hidden_run code; /* the run of code in progress; its len is 0 when there is none */
	unsigned n_far;
	uint64_t next_volume; /* before it headers belong to one that was found */
	struct rimg_error *err;
};

static void found(struct scan *s, enum hidden_kind kind, uint64_t off, uint64_t len)
{
	const struct hidden_run run = { .kind = kind, .off = off, .len = len };

	if (!s->stopped && !s->fn(s->arg, &run))
		s->stopped = true;
}

/* ---- programs ----------------------------------------------------------------------------- */

/* The fields that a loader cannot do without: class, byte order, version, type, machine. */
static bool is_elf(const uint8_t *p, size_t left)
{
	struct rd r = rd_init(p, left, 0);
	uint8_t class, order, version;
	uint16_t type, machine;

	rd_skip(&r, 4);
	class = rd_u8(&r);
	order = rd_u8(&r);
	version = rd_u8(&r);
	r.big = order == 2;
	rd_seek(&r, 16);
	type = rd_u16(&r);
	machine = rd_u16(&r);
	return !r.failed && (class == 1 || class == 2) && (order == 1 || order == 2) &&
	       version == 1 && type >= 1 && type <= 4 && machine != 0;
}

static bool is_pe_header(const uint8_t *p, size_t left)
{
	struct rd r = rd_init(p, left, 0);
	const uint8_t *signature = rd_bytes(&r, 4);
	uint16_t magic;

	rd_seek(&r, 24);
	magic = rd_le16(&r);
	return !r.failed && memcmp(signature, "PE\0\0", 4) == 0 &&
	       (magic == 0x10b || magic == 0x20b);
}

/* An "MZ" at @p, offset @off: does the PE header that it points to hold? */
static int is_pe(struct scan *s, const uint8_t *p, size_t left, uint64_t off, bool *ret)
{
	struct rd r = rd_init(p, left, 0);
	uint8_t header[PE_SIGNATURE];
	uint64_t at, size = rimg_source_size(s->src);

	*ret = false;
	rd_seek(&r, PE_LFANEW_OFF);
	at = rd_le32(&r);
	if (r.failed || !num_add(off, at, &at) || at >= size || size - at < sizeof(header))
		return 0;
	if (at - off < left && left - (at - off) >= sizeof(header)) {
		*ret = is_pe_header(p + (at - off), sizeof(header));
		return 0;
	}
	if (s->n_far++ >= FAR_MAX) {
		*ret = true;
		return 0;
	}
	if (rimg_source_read(s->src, at, header, sizeof(header), s->err) < 0)
		return -RIMG_E_IO;
	*ret = is_pe_header(header, sizeof(header));
	return 0;
}

/* The first member's header ends with the two bytes that every header ends with. */
static bool is_archive(const uint8_t *p, size_t left)
{
	return left >= AR_MAGIC_LEN + AR_HEADER &&
	       memcmp(p + AR_MAGIC_LEN + AR_HEADER - 2, "`\n", 2) == 0;
}

/* The next place in [*pos, n) where @magic stands; false if there is none. */
static bool next_magic(const uint8_t *p, size_t n, size_t left, const char *magic, size_t *pos)
{
	size_t len = strlen(magic);

	while (*pos < n) {
		const uint8_t *at = memchr(p + *pos, (unsigned char)magic[0], n - *pos);

		if (!at)
			return false;
		*pos = (size_t)(at - p);
		if (left - *pos >= len && memcmp(at, magic, len) == 0)
			return true;
		++*pos;
	}
	return false;
}

/* A version is a small number. */
static bool is_volume(const uint8_t *p, size_t left)
{
	static const uint8_t zeros[7];

	return left >= VOLUME_LEN && p[7] == 0 && p[8] != 0 &&
	       memcmp(p + 9, zeros, sizeof(zeros)) == 0;
}

/* Volumes that begin in the first @n of @left bytes. */
static void find_volumes(struct scan *s, const uint8_t *p, size_t n, size_t left, uint64_t off)
{
	for (size_t pos = 0; next_magic(p, n, left, "RedoxFS", &pos); pos++) {
		if (off + pos < s->next_volume || !is_volume(p + pos, left - pos))
			continue;
		found(s, HIDDEN_VOLUME, off + pos, VOLUME_LEN);
		s->next_volume = off + pos + RING_LEN;
	}
}

/* Programs that begin in the first @n of @left bytes. */
static int find_programs(struct scan *s, const uint8_t *p, size_t n, size_t left, uint64_t off)
{
	size_t pos;

	for (pos = 0; next_magic(p, n, left, "\177ELF", &pos); pos++)
		if (is_elf(p + pos, left - pos))
			found(s, HIDDEN_ELF, off + pos, ELF_HEADER);
	for (pos = 0; next_magic(p, n, left, "!<arch>\n", &pos); pos++)
		if (is_archive(p + pos, left - pos))
			found(s, HIDDEN_ARCHIVE, off + pos, AR_MAGIC_LEN + AR_HEADER);
	s->n_far = 0;
	for (pos = 0; next_magic(p, n, left, "MZ", &pos); pos++) {
		bool is;
		int rc = is_pe(s, p + pos, left - pos, off + pos, &is);

		if (rc < 0)
			return rc;
		if (is)
			found(s, HIDDEN_PE, off + pos, PE_LFANEW_OFF + 4);
	}
	return 0;
}

/* ---- code --------------------------------------------------------------------------------- */

static void end_run(struct scan *s)
{
	if (s->code.len > 0)
		found(s, HIDDEN_A64, s->code.off, s->code.len);
	s->code.len = 0;
}

static void add_window(struct scan *s, uint64_t off)
{
	uint64_t end = num_min(off + A64_WINDOW, s->end);

	if (s->code.len > 0 && off - num_min(off, s->code.off + s->code.len) > RUN_GAP)
		end_run(s);
	if (s->code.len == 0)
		s->code = (struct hidden_run){ .kind = HIDDEN_A64, .off = off };
	s->code.len = end - s->code.off;
}

/* Windows that begin in the first @n of @left bytes; what lies behind the end counts as zeros. */
static void find_code(struct scan *s, const uint8_t *p, size_t n, size_t left, uint64_t off)
{
	struct a64_sums sums[2]; /* of the halves of a window */
	uint8_t last[A64_REACH];

	for (size_t i = 0; i < n; i += A64_STEP) {
		const uint8_t *window = p + i;
		bool end = left - i < A64_REACH;

		if (end) {
			memset(last, 0, sizeof(last));
			window = memcpy(last, p + i, left - i);
		}
		sums[0] = i == 0 || end ? hidden_a64_sums(window) : sums[1];
		sums[1] = hidden_a64_sums(window + A64_STEP);
		if (hidden_a64_window(window, &sums[0], &sums[1]))
			add_window(s, off + i);
	}
}

/* ---- the whole ---------------------------------------------------------------------------- */

int hidden_scan(const struct rimg_source *src, uint64_t off, uint64_t len, hidden_fn fn, void *arg,
		struct rimg_error *err)
{
	struct scan s = { .src = src, .fn = fn, .arg = arg, .err = err };
	/* of a short range no more than what may begin in it */
	size_t most = len < CHUNK - OVERLAP ? (size_t)len + OVERLAP : CHUNK;
	auto_free uint8_t *chunk = malloc(most);
	uint64_t size = rimg_source_size(src);

	if (!chunk)
		return error_nomem(err);
	if (off > size || len > size - off)
		return error_set(err, RIMG_E_INTERNAL, source_name(src), "a range behind its end");
	s.end = off + len;
	while (off < s.end && !s.stopped) {
		uint64_t data = num_max(source_next_data(src, off), off);
		size_t n, step;
		int rc;

		/* a program may begin before a hole, but not in it */
		off = num_min(data, s.end);
		n = (size_t)num_min(num_min(CHUNK, s.end - off + OVERLAP), size - off);
		step = (size_t)num_min(n < CHUNK ? n : n - OVERLAP, s.end - off);
		if (step == 0)
			break;
		rc = rimg_source_read(src, off, chunk, n, err);
		if (rc == 0)
			rc = find_programs(&s, chunk, step, n, off);
		if (rc < 0)
			return rc;
		find_volumes(&s, chunk, step, n, off);
		find_code(&s, chunk, step, n, off);
		off += step;
	}
	end_run(&s);
	return 0;
}
