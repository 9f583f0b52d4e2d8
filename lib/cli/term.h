/* SPDX-License-Identifier: MIT */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include "core/command.h"

/* What depends on where the output goes. The only place that looks at a terminal or a clock. */

/** term_color - may what is written to @fd be coloured? @when: "auto", "always", "never" */
bool term_color(int fd, const char *when);

/** term_progress - may a line that rewrites itself be drawn on @fd? */
bool term_progress(int fd);

/** term_width - columns of the terminal behind @fd; 0 if it is none */
unsigned term_width(int fd);

/** term_draw - see struct command_call: a progress line on stderr, a few times a second */
void term_draw(struct command_call *call, const char *what, uint64_t done, uint64_t total);

/** term_now - seconds since 1970 UTC by the host's clock; see struct command_call */
bool term_now(int64_t *ret_s);

#endif
