/* SPDX-License-Identifier: MIT */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "core/command.h"

/* Help goes to stdout when it was asked for, at most 80 columns wide. */

/** help_overview - what rimg is, how addresses work, every command in a line */
void help_overview(FILE *out);

/** help_command - usage, explanation, options and examples of one command */
void help_command(FILE *out, const struct rimg_command *command);

/** help_group - the commands whose names begin with @group and a space */
void help_group(FILE *out, const char *group);

/** help_version - the version; @verbose: also the libraries used and the limits */
void help_version(FILE *out, bool verbose);

#endif
