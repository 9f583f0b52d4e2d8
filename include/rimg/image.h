/* SPDX-License-Identifier: MIT */
#ifndef RIMG_IMAGE_H
#define RIMG_IMAGE_H

#include <rimg/node.h>

#if defined(__GNUC__)
#	pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/** struct rimg_image - one opened artifact with the tree of all that was found in it */
struct rimg_image;

/**
 * rimg_image_open - open an artifact
 * @ctx:  must outlive the image
 * @src:  taken over: freed with the image, also when this fails
 * @name: what messages call it, usually the host path; copied
 *
 * Nothing is read yet: nodes open their contents when somebody looks inside.
 * Returns the image, which the caller frees with rimg_image_free(), or NULL with @err set.
 */
struct rimg_image *rimg_image_open(struct rimg_ctx *ctx, struct rimg_source *src, const char *name,
				   struct rimg_error *err);

/** rimg_image_free - free the image, its tree and its source; NULL is fine */
void rimg_image_free(struct rimg_image *image);

/** rimg_image_root - the node that is the whole artifact; lives as long as the image, never NULL */
struct rimg_node *rimg_image_root(struct rimg_image *image);

/**
 * rimg_image_find - follow an address
 * @steps: what comes after the host path: "REDOX::/boot/kernel"; "" is the root
 *
 * Opens the contents on the way. Returns the node, which lives as long as the image, or NULL with
 * @err set: NOENT (names the step), UNSUPPORTED, BAD, TRUNCATED, IO, LIMIT, NOMEM, CRYPTO.
 */
struct rimg_node *rimg_image_find(struct rimg_image *image, const char *steps,
				  struct rimg_error *err);

/**
 * rimg_image_open_address - open the host file of an address and follow its steps
 * @address:   "disk.img::REDOX::/boot/kernel"; in names "::" is written \::, a backslash \\, any
 *             byte \xNN (so a '/' in a path \x2f); \n \t \r are known too
 * @ret_image: set on success only; the caller frees it with rimg_image_free()
 *
 * Returns the node addressed or NULL with @err set: ARG (the address is malformed), and as for
 * rimg_image_find().
 */
struct rimg_node *rimg_image_open_address(struct rimg_ctx *ctx, const char *address,
					  struct rimg_image **ret_image, struct rimg_error *err);

/** enum rimg_severity - how bad a finding is */
enum rimg_severity {
	RIMG_SEVERITY_WARNING, /* odd, but nothing is lost */
	RIMG_SEVERITY_ERROR,   /* the format's rules are broken */
};

/**
 * struct rimg_finding - something wrong or odd that was met while a content was opened
 * @code:      which rule, as docs/findings.md lists them: "gpt.header-crc"
 * @text:      one sentence, what was expected and what was found; harmless
 * @node:      whose problem it is; never NULL
 * @container: in whose content it was found: @node, or what @node lies in
 * @off:       byte offset in the content of @container
 * @len:       bytes concerned; 0: no particular place, and @off means nothing
 */
struct rimg_finding {
	const char *code;
	enum rimg_severity severity;
	const char *text;
	struct rimg_node *node;
	struct rimg_node *container;
	uint64_t off;
	uint64_t len;
};

/**
 * rimg_image_each_finding - call @fn for every finding of the contents that were opened so far
 * @fn:  gets a finding that is valid during the call; returns false to stop
 * @arg: passed to @fn
 *
 * Oldest first. Opening a content reads its structures, so that a walk finds what hinders a walk;
 * only rimg_check_run() also reads all contents and holds them against all rules. Returns how many
 * findings there were that limits.findings did not let be kept: a caller who sees other than 0
 * does not know what these say.
 */
uint64_t rimg_image_each_finding(const struct rimg_image *image,
				 bool (*fn)(void *arg, const struct rimg_finding *finding),
				 void *arg);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#	pragma GCC visibility pop
#endif
#endif
