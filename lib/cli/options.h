/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "core/command.h"

/* The grammar of every command line:
 *
 *     -l  -lR  -oFILE  -o FILE  --long  --output=FILE  --output FILE
 *
 * Options may stand anywhere; "--" ends them; "-" alone is an argument. Names are never cut short:
 * a script that works today must not become ambiguous tomorrow. */

/** options_common - the options that every command has; ends with a NULL name */
extern const struct command_option options_common[];

/** struct options - a parsed line; the texts belong to argv */
struct options {
	struct command_given *given;
	size_t n_given;
	const char **args;
	size_t n_args;
};

void options_done(struct options *o);

/**
 * options_parse - tell options from arguments
 * @own:  the command's table, asked before options_common; may be NULL
 * @argv: @argc words: neither the program's name nor the command's
 *
 * Returns 0 with @ret set (options_done() frees it), -RIMG_E_ARG with a sentence that suggests the
 * nearest name, or -RIMG_E_NOMEM.
 */
int options_parse(const struct command_option *own, int argc, char *const *argv,
		  struct options *ret, struct rimg_error *err);

/**
 * options_take_next - does this word, read as one of the common options, want the next word as
 * its value?
 */
bool options_take_next(const char *word);

/**
 * options_nearest - the candidate that a mistyped word most likely meant
 * @next: gives candidate number @i, NULL after the last
 *
 * Returns the candidate with the fewest edits, the first among equals, or NULL when all are far.
 */
const char *options_nearest(const char *word, const char *(*next)(const void *arg, size_t i),
			    const void *arg);

#endif
