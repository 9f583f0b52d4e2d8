/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_POLICY_H
#define AUDIT_POLICY_H

#include "audit/code.h"
#include "core/digest.h"
#include "core/json.h"

/*
 * What an image may hold. A policy is a TOML file; docs/audit.md, "Policy", and rimg-policy(5)
 * describe it. Nothing is ever allowed by its name: an exception stands for bytes, by their hash.
 */

#define POLICY_ONE        1000000U /* of min_coverage: all of the code */
#define POLICY_EXCEPTIONS 65536U   /* at most */

/**
 * struct policy_exception - one [[exception]]
 * @is_code: a piece of code, wherever it occurs; else a whole artifact
 * @sha256:  of the artifact's bytes, or code_piece_digest() of the piece
 * @path:    artifact: only there, as the steps of an address with * and ? as wildcards; NULL:
 *           anywhere
 * @cls:     code: what whoever wrote the exception says that it is
 * @name:    code: what it is called, or NULL
 * @reason:  never NULL or empty
 */
struct policy_exception {
	bool is_code;
	uint8_t sha256[SHA256_LEN];
	const char *path;
	enum code_class cls;
	const char *name;
	const char *reason;
	struct json_place place;
};

/**
 * struct policy - what passes
 * @allow:        classes that pass; never CONFLICT or UNKNOWN
 * @min_coverage: share of the code bytes of every artifact that must be allowed or declared, in
 *                millionths
 * @interpreted:  scripts and WebAssembly pass
 * @opaque:       contents in formats that hold others and that rimg does not open pass
 * @hidden:       programs where none should be are judged like others; else they fail
 */
struct policy {
	struct arena arena;
	bool allow[N_CODE_CLASSES];
	uint32_t min_coverage;
	bool interpreted;
	bool opaque;
	bool hidden;
	struct policy_exception *exceptions; /* in the order of the file */
	size_t n_exceptions;
};

/**
 * policy_init - the policy where there is no file: Cranelift alone, all of it, no exceptions
 *
 * policy_done() frees what a policy holds; it may be called on one of zeros.
 */
void policy_init(struct policy *p);
void policy_done(struct policy *p);

/**
 * policy_read - read a policy
 * @p:    zeros; the caller calls policy_done() also after a failure
 * @text: @len bytes of TOML
 * @name: of the text, for messages; copied
 *
 * Returns 0; -RIMG_E_BAD with "NAME:LINE: sentence" (an unknown key is told with the nearest known
 * one), -RIMG_E_LIMIT, -RIMG_E_NOMEM.
 */
__attribute__((warn_unused_result)) int policy_read(struct policy *p, const char *text, size_t len,
						    const char *name, struct rimg_error *err);

/** policy_load - policy_read() of a host file; also -RIMG_E_IO */
__attribute__((warn_unused_result)) int policy_load(struct policy *p, const char *path,
						    struct rimg_error *err);

/** policy_path_fits - does the path of an artifact fit one of an exception? * stands for any bytes,
 * '/' too, ? for one */
bool policy_path_fits(const char *pattern, const char *path);

#endif
