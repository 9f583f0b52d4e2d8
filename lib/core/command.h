/* SPDX-License-Identifier: MIT */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include <stdio.h>

#include "core/layer.h"
#include "core/sandbox.h"

/* What a command of the command line is. The rooms (build/, diff/, verify/) define commands with
 * RIMG_COMMAND; lib/cli parses the line and calls them. */

enum exit_status {
	EXIT_HOLDS = 0,   /* the claim holds: built, identical, sound, passes */
	EXIT_FAILS = 1,   /* it does not */
	EXIT_TROUBLE = 2, /* usage, unreadable input, no space */
};

/**
 * struct command_option - one option of a command
 * @name:    long name without dashes; NULL ends the table
 * @arg:     what its value is called in the help ("FILE"), or NULL for a flag
 * @letter:  short form, or 0
 * @repeats: its values add to one another; of others a second one would silently undo the first:
 *           a policy that does not count, a key that does not sign
 */
struct command_option {
	const char *name;
	const char *arg;
	const char *help;
	char letter;
	bool repeats;
};

/* Rows of a table of options: without a value, with one, with one each time; { 0 } is the last. */
#define OPTION_FLAG(name_, letter_, help_)         \
	{                                          \
		name_, NULL, help_, letter_, false \
	}
#define OPTION_VALUE(name_, letter_, arg_, help_)  \
	{                                          \
		name_, arg_, help_, letter_, false \
	}
#define OPTION_VALUES(name_, letter_, arg_, help_) \
	{                                          \
		name_, arg_, help_, letter_, true  \
	}

struct command_call;

/**
 * struct rimg_command - one command
 * @name:    "ls", or two words for a command of a group: "verify check"
 * @summary: one line for the list of commands
 * @usage:   what follows the name, a line each
 * @help:    teaches: what it does, what it prints, exit codes, examples
 * @run:     returns enum exit_status
 */
struct rimg_command {
	const char *name;
	const char *summary;
	const char *usage;
	const char *help;
	const struct command_option *options;
	int (*run)(struct command_call *call);
};

#define RIMG_COMMAND(id_) const struct rimg_command command_##id_

struct command_given {
	const struct command_option *option;
	const char *value; /* NULL for a flag */
};

/** struct command_call - one command as the user gave it */
struct command_call {
	const struct rimg_command *command;
	struct rimg_ctx *ctx;
	const char **args; /* what is not an option */
	size_t n_args;
	struct command_given *given;
	size_t n_given;
	const char *source_date_epoch; /* the environment's SOURCE_DATE_EPOCH, or NULL */
	bool (*now)(int64_t *ret_s);   /* the host's clock, for expiry alone; false: no clock */
	FILE *out;                     /* results */
	FILE *err;                     /* complaints and progress */
	int out_errno;                 /* why writing results failed, when it is known */
	bool out_told;                 /* it was complained about */
	bool told_nomem;               /* an error that was printed says so */
	int verbose;
	bool quiet;
	bool color;                   /* results may be coloured */
	bool progress;                /* a progress line may be drawn on err */
	bool require_sandbox;         /* rather nothing than without */
	bool confined;                /* call_confine() has been there */
	bool opens_later;             /* ... and call_open() must not close the doors */
	struct sandbox_state sandbox; /* what is in force */
	unsigned width; /* columns of the terminal that results go to; 0: to no terminal */
	/* draws the line, or wipes it away when @what is NULL; NULL: there is none */
	void (*draw)(struct command_call *call, const char *what, uint64_t done, uint64_t total);
};

/** call_value - the last value of an option, or NULL; "" for a flag that was given */
const char *call_value(const struct command_call *call, const char *name);

/** call_has - was the option given? */
bool call_has(const struct command_call *call, const char *name);

/** call_file - the file that an option names; NULL: it was not given, or is "-" */
const char *call_file(const struct command_call *call, const char *name);

/** call_to_stdout - is the value of an option "-", which stands for stdout? */
bool call_to_stdout(const struct command_call *call, const char *name);

/** call_each - the values of an option in order; start with *i = 0; NULL after the last */
const char *call_each(const struct command_call *call, const char *name, size_t *i);

/** call_error - print "rimg: ..." on err; returns EXIT_TROUBLE */
int call_error(struct command_call *call, const struct rimg_error *err);

/** call_usage - complain about the arguments and point to --help; returns EXIT_TROUBLE */
__attribute__((format(printf, 2, 3))) int call_usage(struct command_call *call, const char *fmt,
						     ...);

/** call_warn - print "rimg: warning: ..." unless quiet */
__attribute__((format(printf, 2, 3))) void call_warn(struct command_call *call, const char *fmt,
						     ...);

/**
 * call_progress - say how far the work is; only from the thread that runs the command
 * @what:  what is being done: "hashing"
 * @total: 0 when it is not known
 *
 * May be called for every entry. Messages and call_finish() wipe the line away.
 */
void call_progress(struct command_call *call, const char *what, uint64_t done, uint64_t total);

/**
 * call_complain - print "rimg: ..." on err, also when quiet: something could not be done
 *
 * Control characters are made harmless, so texts may hold what an image said.
 */
__attribute__((format(printf, 2, 3))) void call_complain(struct command_call *call, const char *fmt,
							 ...);

/**
 * call_findings - print the findings of all layers that an image has opened, once each
 *
 * Errors always, warnings unless quiet. "rimg: ADDRESS: at byte N: text [code]".
 * Returns EXIT_FAILS when there is an error among them, else EXIT_HOLDS.
 */
int call_findings(struct command_call *call, const struct rimg_image *image);

/**
 * call_write - write @len bytes of results; 0 of them to see whether anybody still takes them
 *
 * What is written to call->out by other means is checked at the end; a long run looks in between.
 * Returns false after a failure, which call_finish() will tell.
 */
bool call_write(struct command_call *call, const void *buf, size_t len);

/** call_finish - flush results; EXIT_TROUBLE with a message if they could not be written */
int call_finish(struct command_call *call, int status);

/** call_worse - the exit status of two things: 2 wins over 1 wins over 0 */
static inline int call_worse(int a, int b)
{
	return a > b ? a : b;
}

/**
 * call_open - open an address, with messages
 *
 * Between opening the host file and looking at its first byte the sandbox is entered: nothing can
 * be opened from then on, unless call_confine() has said what.
 *
 * Returns the node (the caller frees *ret_image), or NULL after having complained.
 */
struct rimg_node *call_open(struct command_call *call, const char *address,
			    struct rimg_image **ret_image);

/** call_open_two - the same for two: both files are open before either is looked at */
bool call_open_two(struct command_call *call, const char *const addresses[2],
		   struct rimg_image *ret_images[2], struct rimg_node *ret_nodes[2]);

/**
 * call_confine - enter a sandbox in which some files may be opened (core/sandbox.h), once
 * @s: is done with it afterwards
 *
 * A command that reads or writes more than what call_open() opens calls this before it reads
 * anything. What is missing is told with -v, and by commands that judge always; with -v these also
 * tell what is in force. Returns EXIT_HOLDS, or EXIT_TROUBLE after having complained that
 * --require-sandbox cannot be met.
 */
__attribute__((warn_unused_result)) int call_confine(struct command_call *call, struct sandbox *s);

/** call_may_read - sandbox_may_read() for the host file of an address; NULL is fine */
void call_may_read(struct sandbox *s, const char *address);

/** call_may_read_each - sandbox_may_read() for every value of an option */
void call_may_read_each(const struct command_call *call, struct sandbox *s, const char *option);

/** call_sandbox_missing - why --require-sandbox cannot be met, and what to do; NULL: it can */
const char *call_sandbox_missing(const struct sandbox_state *state);

/** commands - every command, sorted by name; ends with NULL */
extern const struct rimg_command *const commands[];

#endif
