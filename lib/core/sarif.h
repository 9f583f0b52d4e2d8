/* SPDX-License-Identifier: MIT */
#ifndef CORE_SARIF_H
#define CORE_SARIF_H

#include "core/jsonw.h"
#include "core/layer.h"

/*
 * Findings as a SARIF 2.1.0 log, which code hosts and editors show. One run, one artifact (the
 * image); where in it is told by an address (offset and length in the image's file) and by a
 * logical location, the steps that lead into it. Code hosts insist on a line: there is only line 1
 * in an image.
 */

/**
 * struct sarif - a log being written
 * @json: the document; the caller writes nothing of its own while a run is open
 */
struct sarif {
	struct jsonw json;
	const char *const *rules;
	size_t n_rules;
	const char *(*text)(const char *id);
	char *uri;                           /* of the image; freed by sarif_end() */
	const struct sandbox_state *sandbox; /* set by the caller before sarif_end(), or NULL */
};

/**
 * struct sarif_result - one finding
 * @rule:    one of the run's rules
 * @message: a sentence
 * @path:    steps from the image, "" for itself
 * @off, @len: bytes in the image's file; @off UINT64_MAX: no particular place
 */
struct sarif_result {
	const char *rule;
	enum severity severity;
	const char *message;
	const char *path;
	uint64_t off, len;
};

/**
 * sarif_begin - start the document and its run
 * @image: host path of the image, as given; becomes a relative or file URI reference
 * @rules: every rule that results will name, sorted by bytes, none twice; kept until sarif_end()
 * @text:  tells what a rule is about, in a sentence, or NULL if it does not know; may be NULL
 *
 * Returns 0 or -RIMG_E_NOMEM.
 */
__attribute__((warn_unused_result)) int sarif_begin(struct sarif *s, FILE *out, const char *command,
						    const char *image, const char *const *rules,
						    size_t n_rules,
						    const char *(*text)(const char *id));

void sarif_result(struct sarif *s, const struct sarif_result *r);

/**
 * sarif_end - finish the run and the document
 * @complete:  the command has looked at everything; false: results may be missing
 * @exit_code: of the command
 */
void sarif_end(struct sarif *s, bool complete, int exit_code);

/**
 * sarif_rules - the distinct ones of @n codes, sorted
 * @codes: sorted in place
 *
 * Returns how many there are, at the beginning of @codes.
 */
size_t sarif_rules(const char **codes, size_t n);

#endif
