/* SPDX-License-Identifier: MIT */
#ifndef DIFF_SBOM_H
#define DIFF_SBOM_H

#include <stdio.h>

#include "audit/code.h"
#include "core/digests.h"
#include "core/layer.h"

/*
 * A bill of materials: every file of an artifact, also those in containers that lie in files, with
 * its digests, its format, what made its code, and the package that it came with.
 *
 *     sbom.c            the tree -> files and packages
 *     sbom_packages.c   records of installed packages -> whose a file is
 *     sbom_spdx.c       SPDX 2.3
 *     sbom_cyclonedx.c  CycloneDX 1.5
 *
 * The document depends on the bytes and the given time only.
 */

#define SBOM_NO_PACKAGE SIZE_MAX

/**
 * struct sbom_file - one file
 * @path:      steps from what was addressed: "REDOX::/boot/initfs::/bin/init", escaped
 * @format:    static, or NULL when none is known
 * @producers: what its .comment says of compilers, joined by "; ", or NULL
 * @has_code:  code_bytes, arch, by_class are those of code_examine()
 * @package:   index, or SBOM_NO_PACKAGE
 */
struct sbom_file {
	char *path;
	uint64_t size;
	struct digests digests;
	const char *format;
	char *producers;
	bool has_code;
	enum code_arch arch;
	uint64_t code_bytes;
	uint64_t by_class[N_CODE_CLASSES];
	size_t package;
};

/**
 * struct sbom_package - a package, as an archive or as the record that an installer left
 * @name: of the file without its ending
 * @path: of the archive or record
 * @key:  hexadecimal digits of the public key that its signature is right under; the key is the
 *        package's own, so that this alone does not say who made it
 */
struct sbom_package {
	char *name;
	char *path;
	char *key;
	bool installed; /* a record, not an archive */
};

/** struct sbom_claim - a package says that it has put this file there, with this content */
struct sbom_claim {
	char *path;
	uint8_t blake3[BLAKE3_LEN];
	size_t package;
};

/**
 * struct sbom - all of it
 * @name:   of the artifact
 * @files:  sorted by path bytes, once sbom_collect() is done
 * @unread: paths of files that have no digests as they could not be read
 * @damaged: containers with errors, in which files may be missing
 * @newest: the newest time of modification of any file, seconds since 1970 UTC; 0 without any
 */
struct sbom {
	char *name;
	uint64_t size;
	struct digests digests;
	struct sbom_file *files;
	size_t n_files, cap_files;
	struct sbom_package *packages;
	size_t n_packages, cap_packages;
	struct sbom_claim *claims;
	size_t n_claims, cap_claims;
	char **unread;
	size_t n_unread, cap_unread;
	char **damaged;
	size_t n_damaged, cap_damaged;
	int64_t newest;
};

/** typedef sbom_complain - something is missing from the document */
typedef void (*sbom_complain)(void *arg, const char *path, const struct rimg_error *why);

/**
 * sbom_collect - read everything below @node
 * @ret: begins empty; sbom_done() it, also after an error
 *
 * Contents that cannot be read are told by @complain and listed as unread. Layers are opened and
 * closed again as node_close() wants it. Returns 0, or a code that ends the work.
 */
__attribute__((warn_unused_result)) int sbom_collect(struct rimg_node *node, struct sbom *ret,
						     sbom_complain complain, void *arg,
						     struct rimg_error *err);

void sbom_done(struct sbom *s);

/**
 * sbom_add_package - a layer of format pkgar is a package: note it, and what it claims
 * @file:   path of the file it is in
 * @prefix: length of @file that leads to the file system, for records of installed packages
 *
 * Returns its index in *ret; 0 or -RIMG_E_NOMEM.
 */
__attribute__((warn_unused_result)) int sbom_add_package(struct sbom *s, struct rimg_layer *l,
							 const char *file, size_t prefix,
							 size_t *ret);

/** sbom_assign - give each file to the package that claims path and content; files are sorted */
void sbom_assign(struct sbom *s);

/** sbom_find - the file of that path, or NULL; files are sorted */
struct sbom_file *sbom_find(const struct sbom *s, const char *path);

/**
 * sbom_spdx, sbom_cyclonedx - write the document
 * @created: seconds since 1970 UTC
 *
 * Returns 0, -RIMG_E_NOMEM, -RIMG_E_CRYPTO. Output errors show in ferror(@out).
 */
__attribute__((warn_unused_result)) int sbom_spdx(FILE *out, const struct sbom *s, int64_t created,
						  struct rimg_error *err);
__attribute__((warn_unused_result)) int sbom_cyclonedx(FILE *out, const struct sbom *s,
						       int64_t created, struct rimg_error *err);

/* ---- shared by the writers ------------------------------------------------------------------- */

struct jsonw;

/** sbom_put_time - "2026-01-01T00:00:00Z"; years 0 to 9999, as both formats want */
void sbom_put_time(struct jsonw *w, const char *key, int64_t s);

/** sbom_put_hex - bytes as hexadecimal digits */
void sbom_put_hex(struct jsonw *w, const char *key, const void *bytes, size_t len);

/**
 * sbom_uuid - an identifier of the document, as text: a UUID of version 8
 * @kind: which document
 *
 * Of the artifact's digest, its name, what was read, the time and the version of rimg.
 */
__attribute__((warn_unused_result)) int sbom_uuid(const struct sbom *s, const char *kind,
						  int64_t created, char ret[37],
						  struct rimg_error *err);

#endif
