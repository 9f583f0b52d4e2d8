/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_PKGAR_H
#define FORMATS_PKGAR_H

#include <stdatomic.h>

#include "core/blake3.h"
#include "core/ed25519.h"
#include "core/field.h"
#include "core/format.h"

/* What the parts of the package reader share: pkgar.c reads header and table, pkgar_tree.c makes
 * the tree of the entries' paths, pkgar_place.c finds where their bytes lie, pkgar_content.c checks
 * and unpacks these. Facts: docs/formats/pkgar.md. */

#define PKGAR_HEADER_LEN     136
#define PKGAR_SIGNED_OFF     ED25519_SIGNATURE_LEN /* the signature covers the header from here */
#define PKGAR_TABLE_HASH_OFF 96
#define PKGAR_COUNT_OFF      128
#define PKGAR_VERSION_OFF    132
#define PKGAR_ARCH_OFF       133
#define PKGAR_PACKAGING_OFF  134
#define PKGAR_RESERVED_OFF   135

#define PKGAR_VERSION 0
#define PKGAR_PLAIN   0
#define PKGAR_LZMA2   1

#define PKGAR_ENTRY_LEN  308
#define PKGAR_OFFSET_OFF 32
#define PKGAR_STORED_OFF 40
#define PKGAR_MODE_OFF   48
#define PKGAR_PATH_OFF   52
#define PKGAR_PATH_LEN   256 /* with at least one NUL */

#define PKGAR_KIND         UINT32_C(0170000)
#define PKGAR_KIND_FILE    UINT32_C(0100000)
#define PKGAR_KIND_SYMLINK UINT32_C(0120000)
#define PKGAR_PERM         UINT32_C(07777)

#define PKGAR_LENGTH_LEN 8                      /* of the length before an LZMA2 stream */
#define PKGAR_PACKED_MIN (PKGAR_LENGTH_LEN + 1) /* the shortest stream is one byte */
#define PKGAR_DICTIONARY (UINT32_C(64) << 20)   /* what readers use at least */
#define PKGAR_TARGET_MAX 4095                   /* bytes of a link's target */
#define PKGAR_DEPTH_MAX  (PKGAR_PATH_LEN / 2)   /* directories above an entry, at most */

/** enum pkgar_verdict - are the contents of an entry what the table says? */
enum pkgar_verdict {
	PKGAR_UNKNOWN, /* nobody has looked */
	PKGAR_SOUND,
	PKGAR_OTHER_HASH,
	PKGAR_MALFORMED, /* no LZMA2 stream */
	PKGAR_CUT,       /* the stream does not end where it is stored */
	PKGAR_LONGER,    /* unpacks to more than its length says */
	PKGAR_SHORTER,
};

/**
 * struct pkgar_entry - one entry of the table
 * @at:      where the entry itself is, in the layer
 * @node:    NULL until the tree is made
 * @path:    PKGAR_PATH_LEN bytes, of which the first NUL ends the path; NULL when the layer is open
 * @twice:   an entry before this one has the same path
 * @off:     where its bytes are stored, in the layer; cut to what is there
 * @stored:  how many are there
 * @lies:    all of them are there, and they are no other entry's
 * @len:     bytes of its contents
 * @judged:  a finding was recorded about the contents
 */
struct pkgar_entry {
	uint64_t at;
	struct rimg_node *node;
	const uint8_t *path;
	uint64_t offset_field, stored_field;
	uint32_t mode;
	uint16_t path_len;
	bool twice;
	bool lies;
	bool judged;
	uint8_t hash[BLAKE3_LEN];
	uint64_t off;
	uint64_t stored;
	uint64_t len;
	atomic_int verdict; /* enum pkgar_verdict */
};

struct pkgar {
	struct rimg_layer *l;
	uint64_t size; /* of the archive */
	uint32_t count;
	uint8_t packaging;
	bool untrusted;              /* the table is not the one that the header tells of */
	bool head;                   /* it ends with the table, though there should be contents */
	uint64_t data_off;           /* behind the table */
	struct pkgar_entry *entries; /* those that are there: `n` of them, in the arena */
	size_t n;
};

/** pkgar_is_symlink - is it one, and not a file or something that cannot be? */
static inline bool pkgar_is_symlink(const struct pkgar_entry *e)
{
	return (e->mode & PKGAR_KIND) == PKGAR_KIND_SYMLINK;
}

/** pkgar_mode_is_valid - a file or a symbolic link, and no unknown bits */
static inline bool pkgar_mode_is_valid(uint32_t mode)
{
	uint32_t kind = mode & PKGAR_KIND;

	return (mode & ~(PKGAR_KIND | PKGAR_PERM)) == 0 &&
	       (kind == PKGAR_KIND_FILE || kind == PKGAR_KIND_SYMLINK);
}

/**
 * pkgar_make_tree - a node for each entry, in the order of the table, and the folders above them
 *
 * Sets l->top. Facts: docs/formats/pkgar.md, "Entry". Returns 0, -RIMG_E_NOMEM, -RIMG_E_LIMIT.
 */
int pkgar_make_tree(struct pkgar *p, struct rimg_error *err);

/**
 * pkgar_place - find where the bytes of every entry lie
 *
 * Sets off, stored and lies. Bytes that two entries claim are the one's that begins first. Returns
 * 0 or -RIMG_E_NOMEM.
 */
int pkgar_place(struct pkgar *p);

/**
 * pkgar_add_content - give the node of an entry its contents, and a link its target
 *
 * What is read from them is checked then: a part that may be wrong is never returned. Returns 0 or
 * an error that open() has to return.
 */
int pkgar_add_content(struct pkgar *p, struct pkgar_entry *e, struct rimg_error *err);

/** pkgar_check - are all contents what the table says? */
int pkgar_check(struct rimg_layer *l, struct rimg_error *err);

/**
 * pkgar_unpack - decode the LZMA2 stream of an entry
 * @out:     receives the e->len bytes, or NULL to check only
 * @ret:     set on success: SOUND or what is wrong
 * @ret_end: set on success if SOUND: how many of the stored bytes it took, the length included
 *
 * Returns 0, -RIMG_E_NOMEM, or a code of rimg_source_read().
 */
int pkgar_unpack(const struct pkgar *p, const struct pkgar_entry *e, uint8_t *out,
		 enum pkgar_verdict *ret, uint64_t *ret_end, struct rimg_error *err);

#endif
