/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "audit/policy.h"
#include "core/layer.h"

/*
 * Every program of an image, wherever it lies, with what made its code, held against a policy.
 *
 *     walk.c      tree of nodes -> contents that may be programs, bytes that should be none
 *     contents.c  contents -> programs, hidden programs, raw code, scripts, opaque containers
 *     rollup.c    pieces of code, policy, exceptions -> verdicts
 *     propose.c   verdicts -> a policy that declares what does not pass
 *
 * Each distinct content is judged once, with all paths under which it was found. What could not be
 * read, opened or looked through is `unread`, and then the image never passes.
 */

struct prebuilt;

/** enum audit_verdict - what made the code of an artifact */
enum audit_verdict {
	AUDIT_CRANELIFT, /* nothing of others, and as much as the policy wants */
	AUDIT_LLVM,
	AUDIT_GCC,
	AUDIT_ASM,
	AUDIT_MIXED,   /* of several compilers */
	AUDIT_UNKNOWN, /* too much that could not be attributed, or cannot be opened */
	AUDIT_DECLARED,
	AUDIT_NO_CODE,
	AUDIT_N_VERDICTS,
};

/** audit_verdict_name - "cranelift", ..., "no-code": the spelling of every output */
const char *audit_verdict_name(enum audit_verdict verdict);

/** enum audit_kind - what an artifact is */
enum audit_kind {
	AUDIT_KIND_PROGRAM,     /* ELF, PE */
	AUDIT_KIND_RAW,         /* machine code in no container */
	AUDIT_KIND_INTERPRETED, /* a script, WebAssembly */
	AUDIT_KIND_OPAQUE,      /* of a format that holds others and that is not opened */
	AUDIT_KIND_ARCHIVE,     /* an archive where none should be; its members are artifacts */
};

/** enum audit_standing - a piece of code before the policy */
enum audit_standing {
	AUDIT_ALLOWED,   /* of a class that passes, or padding */
	AUDIT_EXCEPTED,  /* declared */
	AUDIT_UNCOVERED, /* unknown or asm, not declared: lowers the coverage */
	AUDIT_REFUSED,   /* of llvm, gcc, foreign or conflict, not declared: fails */
};

/**
 * struct audit_piece - the judgement of one piece; its place is that of the same index in
 * artifact->object->pieces
 * @cls:      what made it: as in the object, unless it is equal to a known prebuilt one
 * @standing: enum audit_standing
 * @origin:   the prebuilt function that it is equal to, for prebuilt_name(); 0: none
 */
struct audit_piece {
	uint8_t cls;
	uint8_t standing;
	uint32_t origin;
};

/**
 * struct audit_counts - bytes of code
 * @by_class: undeclared ones; with @declared together @code_bytes
 * @covered:  allowed or declared ones
 */
struct audit_counts {
	uint64_t code_bytes;
	uint64_t by_class[N_CODE_CLASSES];
	uint64_t declared;
	uint64_t covered;
};

/**
 * struct audit_artifact - one distinct content
 * @paths:    where it was found: steps of addresses, escaped, by bytes; at least one. A hidden
 *            content has the step "@0xOFFSET" behind the address of what it was found in.
 * @content:  its bytes; lives as long as the image and the report
 * @format:   "elf", "pe", "raw", "script", "wasm", "gzip", ...
 * @object:   PROGRAM and RAW: its code; NULL otherwise
 * @pieces:   as many as @object has
 * @unopened: not looked into, as the policy declares it at one of its paths; passes only if it does
 *            at all of them
 * @hidden:   it lies where no program should be
 * @pass:     the policy lets it pass
 * @exception: 1 + index of the policy's exception that declares all of it, or 0
 * @origin:   the prebuilt file that it is, for prebuilt_name(); 0: none
 * @evidence: names of rules that decided pieces, most bytes first, then notes of the container
 * @reasons:  why it does not pass, and what is odd; sentences
 */
struct audit_artifact {
	const char *const *paths;
	size_t n_paths;
	const struct rimg_source *content;
	uint8_t sha256[SHA256_LEN];
	enum audit_kind kind;
	const char *format;
	struct code_object *object;
	struct audit_piece *pieces;
	struct audit_counts counts;
	enum audit_verdict verdict;
	bool unopened;
	bool hidden;
	bool pass;
	size_t exception;
	uint32_t origin;
	const char **evidence;
	size_t n_evidence;
	const char **reasons;
	size_t n_reasons;
};

/** struct audit_unread - something that was not looked at, so that nothing is known of it
 * @path: as in struct audit_artifact; @code: of a finding, or NULL; @text: a sentence
 * @trouble: the host failed or a limit was reached: the audit is not complete for that reason */
struct audit_unread {
	const char *path;
	const char *code;
	const char *text;
	bool trouble;
};

/** enum audit_use - what became of an exception */
enum audit_use {
	AUDIT_UNUSED,   /* nothing there to except */
	AUDIT_USED,     /* it declares something */
	AUDIT_MISMATCH, /* what is at its path has another hash */
};

/**
 * struct audit_report - the whole audit
 * @artifacts:   the worst first: those that fail, by bytes refused, then uncovered, then by path
 * @unread:      by path
 * @uses:        enum audit_use of each exception of the policy
 * @failures:    what fails beyond artifacts, sentences
 * @n_contents, @n_bytes: what was looked through
 */
struct audit_report {
	bool pass;
	struct audit_counts counts;
	struct audit_artifact *artifacts;
	size_t n_artifacts;
	struct audit_unread *unread;
	size_t n_unread;
	uint64_t n_unread_lost; /* more than are kept */
	uint8_t *uses;
	const struct prebuilt *prebuilt;
	const struct policy *policy;
	uint64_t n_contents;
	uint64_t n_bytes;
	struct code_object **objects; /* to be freed */
	size_t n_objects;
	struct arena arena;
};

/**
 * struct audit_options - how to audit
 * @prebuilt: files and functions that are known to be of other compilers; NULL: none
 * @progress: called now and then from the calling thread; or NULL
 */
struct audit_options {
	const struct prebuilt *prebuilt;
	void (*progress)(void *arg, const char *what, uint64_t done, uint64_t total);
	void *progress_arg;
};

/**
 * audit_run - audit an artifact and everything in it
 * @policy:  outlives the report
 * @options: may be NULL
 * @ret:     set on success only; audit_free() before the image is freed
 *
 * Opens layers of the node's image, one thread; the contents are then looked through by the
 * threads of its context. Paths begin at the image, also when @node is a part of it, so that one
 * policy fits both.
 *
 * Returns 0, also when the verdict is that nothing passes; -RIMG_E_NOMEM or a code of node_open()
 * when the artifact itself cannot be opened.
 */
__attribute__((warn_unused_result)) int
audit_run(struct rimg_node *node, const struct policy *policy, const struct audit_options *options,
	  struct audit_report **ret, struct rimg_error *err);

/** audit_free - NULL is fine */
void audit_free(struct audit_report *report);

/** audit_share - bytes covered of all code but padding, in millionths, rounded down; all of none is
 * all */
uint32_t audit_share(const struct audit_counts *counts);

/**
 * audit_propose - add the policy under which what was audited passes, for a person to review
 *
 * It keeps the audited policy's keys and those of its exceptions that were used. What cannot be
 * declared, as it could not be read, is named in a comment. Returns 0 or a code of
 * code_piece_digest().
 */
__attribute__((warn_unused_result)) int audit_propose(const struct audit_report *report,
						      struct str *text, struct rimg_error *err);

#endif
