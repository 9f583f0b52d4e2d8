/* SPDX-License-Identifier: MIT */
#include "cli/term.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FIRST_DRAW_NS UINT64_C(500000000) /* what is done sooner needs no progress line */
#define REDRAW_NS     UINT64_C(100000000)

static bool is_screen(int fd)
{
	const char *kind = getenv("TERM");

	return isatty(fd) && kind && strcmp(kind, "dumb") != 0;
}

bool term_color(int fd, const char *when)
{
	const char *no_color = getenv("NO_COLOR");

	if (strcmp(when, "always") == 0)
		return true;
	if (strcmp(when, "never") == 0 || (no_color && no_color[0]))
		return false;
	return is_screen(fd);
}

bool term_progress(int fd)
{
	return is_screen(fd);
}

bool term_now(int64_t *ret_s)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) < 0)
		return false;
	*ret_s = t.tv_sec;
	return true;
}

unsigned term_width(int fd)
{
	struct winsize size;

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void term_draw(struct command_call *call, const char *what, uint64_t done, uint64_t total)
{
	static uint64_t next;
	static bool drawn;
	uint64_t now;

	if (!what) {
		if (drawn)
			fputs("\r\033[K", call->err);
		drawn = false;
		fflush(call->err);
		return;
	}
	now = now_ns();
	if (next == 0)
		next = now + FIRST_DRAW_NS;
	if (now < next)
		return;
	next = now + REDRAW_NS;
	drawn = true;
	if (total > 0)
		fprintf(call->err, "\r\033[K%s %u%%", what,
			(unsigned)((double)done * 100 / (double)total));
	else
		fprintf(call->err, "\r\033[K%s %" PRIu64, what, done);
	fflush(call->err);
}
