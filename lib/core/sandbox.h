/* SPDX-License-Identifier: MIT */
#ifndef CORE_SANDBOX_H
#define CORE_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include <rimg/error.h>

/* What a process that parses hostile bytes gives up beforehand: Landlock takes the file system
 * away, seccomp every system call but those of reading, computing and writing what is open. Once
 * entered, a sandbox cannot be left, only made tighter. docs/security.md tells what it is worth. */

/** struct sandbox_state - what is in force in this process */
struct sandbox_state {
	unsigned landlock; /* ABI of the kernel's Landlock; 0: not in force */
	bool seccomp;      /* system calls are filtered */
};

/**
 * struct sandbox - a sandbox that is being described
 * @ruleset: Landlock's, or -1
 * @abi:     of Landlock; 0: the kernel has none
 * @handled: Landlock's rights over files that will be taken away
 * @opens:   something may still be opened, so the system calls for it stay
 * @writes:  files may be made, renamed and removed
 * @trees:   also directories, links, and attributes of them
 * @later:   set by who describes it: things are opened all the time, so call_open() cannot be the
 * end of that
 */
struct sandbox {
	int ruleset;
	unsigned abi;
	uint64_t handled;
	bool opens;
	bool writes;
	bool trees;
	bool later;
};

/**
 * sandbox_offer - what this kernel could put in force, as far as it can be known without entering
 *
 * A build for a sanitizer, a fuzzer or `make coverage` has no seccomp: what is linked into it calls
 * what it likes.
 */
struct sandbox_state sandbox_offer(void);

/** sandbox_words - a sentence for people about what was in force */
const char *sandbox_words(const struct sandbox_state *state);

/** sandbox_instrumented - is this a build for a sanitizer, which filters no system calls? */
bool sandbox_instrumented(void);

/** sandbox_init - nothing may be opened; sandbox_done() it, also after sandbox_enter() */
void sandbox_init(struct sandbox *s);
void sandbox_done(struct sandbox *s);

/** sandbox_may_read - @path, and what is below it, may be opened to read; NULL is fine
 *
 * In a folder, so may be what its own links lead to.
 * What does not exist adds nothing: opening it fails either way.
 */
void sandbox_may_read(struct sandbox *s, const char *path);

/** sandbox_may_write - the file @path may be made or replaced by a finished one, beside which it is
 * written; so may, as far as the kernel cares, everything else in its folder. NULL is fine. */
void sandbox_may_write(struct sandbox *s, const char *path);

/** sandbox_may_make - the file or directory tree @path may be made, as by sandbox_may_write() */
void sandbox_may_make(struct sandbox *s, const char *path);

/**
 * sandbox_enter - give up everything else, for good; before any thread is started
 * @ret: receives what is in force from now on; it has only become more
 *
 * A kernel that lacks something is no error, but less in @ret. A system call that is not allowed
 * ends the process with exit code 2 and a line on standard error: a verdict never rests on one that
 * failed for this reason. Paths that may not be opened fail with EACCES.
 */
void sandbox_enter(struct sandbox *s, struct sandbox_state *ret);

/** sandbox_filter - of sandbox_enter(): seccomp alone; false where the kernel has no filters
 * @again: on top of one that is in force */
bool sandbox_filter(const struct sandbox *s, bool again);

#endif
