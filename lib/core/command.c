/* SPDX-License-Identifier: MIT */
#include "core/command.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "core/str.h"

#define FINDINGS_SHOWN 100 /* per layer and severity; -v shows all that were kept */

bool call_to_stdout(const struct command_call *call, const char *name)
{
	const char *value = call_value(call, name);

	return value && strcmp(value, "-") == 0;
}

const char *call_file(const struct command_call *call, const char *name)
{
	return call_to_stdout(call, name) ? NULL : call_value(call, name);
}

const char *call_each(const struct command_call *call, const char *name, size_t *i)
{
	while (*i < call->n_given) {
		const struct command_given *given = &call->given[(*i)++];

		if (strcmp(given->option->name, name) == 0)
			return given->value ? given->value : "";
	}
	return NULL;
}

const char *call_value(const struct command_call *call, const char *name)
{
	const char *value, *last = NULL;
	size_t i = 0;

	while ((value = call_each(call, name, &i)) != NULL)
		last = value;
	return last;
}

bool call_has(const struct command_call *call, const char *name)
{
	return call_value(call, name) != NULL;
}

/* One line on err. Whatever the text quotes from an image should be escaped already; what was
 * forgotten must still not reach a terminal. */
static void say(struct command_call *call, const char *prefix, const char *text)
{
	size_t size = 4 * strlen(text) + 1; /* each byte may become \xNN */
	auto_free char *clean = malloc(size);

	if (clean)
		str_clean(clean, size, text);
	else
		mem_note_failure("out of memory");
	call_progress(call, NULL, 0, 0);
	fprintf(call->err, "%s%s\n", prefix, clean ? clean : "out of memory");
}

__attribute__((format(printf, 3, 0))) static void
say_args(struct command_call *call, const char *prefix, const char *fmt, va_list args)
{
	auto_free char *text = NULL;

	text = str_vformat(fmt, args);
	say(call, prefix, text ? text : "out of memory");
}

int call_error(struct command_call *call, const struct rimg_error *err)
{
	char line[sizeof(err->where) + sizeof(err->text) + 64];

	/* a reader that went away wants no more, complaints included; the status tells */
	if (call->out_errno == EPIPE)
		return EXIT_TROUBLE;
	call->told_nomem |= err->code == RIMG_E_NOMEM;
	say(call, "rimg: ", rimg_error_format(err, line, sizeof(line)));
	return EXIT_TROUBLE;
}

int call_usage(struct command_call *call, const char *fmt, ...)
{
	auto_str struct str prefix = { 0 };
	va_list args;

	str_printf(&prefix, "rimg %s: ", call->command->name);
	va_start(args, fmt);
	say_args(call, str_cstr(&prefix), fmt, args);
	va_end(args);
	fprintf(call->err, "Try: rimg %s --help\n", call->command->name);
	return EXIT_TROUBLE;
}

void call_warn(struct command_call *call, const char *fmt, ...)
{
	va_list args;

	if (call->quiet)
		return;
	va_start(args, fmt);
	say_args(call, "rimg: warning: ", fmt, args);
	va_end(args);
}

void call_complain(struct command_call *call, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_args(call, "rimg: ", fmt, args);
	va_end(args);
}

void call_progress(struct command_call *call, const char *what, uint64_t done, uint64_t total)
{
	if (call->progress && call->draw)
		call->draw(call, what, done, total);
}

/* ---- findings ------------------------------------------------------------------------------ */

static const char *prefix_of(enum severity severity)
{
	return severity == SEVERITY_ERROR ? "rimg: " : "rimg: warning: ";
}

static void say_finding(struct command_call *call, const struct finding *f)
{
	auto_free char *address = node_full_address(f->node);
	auto_str struct str s = { 0 };

	str_printf(&s, "%s: ", address ? address : "(no memory for the address)");
	if (f->len > 0)
		str_printf(&s, "at byte %" PRIu64 ": ", f->off);
	str_printf(&s, "%s [%s]", f->text, f->code);
	say(call, prefix_of(f->severity), str_cstr(&s));
}

/* The findings of one severity; @n of them were made, not all of which need have been kept. */
static void say_findings(struct command_call *call, struct rimg_layer *l, enum severity severity,
			 uint64_t n)
{
	uint64_t shown = 0;
	auto_free char *address = NULL;
	auto_str struct str s = { 0 };

	for (size_t i = 0; i < l->n_findings; i++) {
		if (l->findings[i].severity != severity)
			continue;
		if (shown >= FINDINGS_SHOWN && call->verbose == 0)
			break;
		say_finding(call, &l->findings[i]);
		shown++;
	}
	if (shown >= n)
		return;
	address = node_full_address(l->root);
	str_printf(&s, "%s: ... and %" PRIu64 " more %s%s%s", address ? address : "", n - shown,
		   severity == SEVERITY_ERROR ? "error" : "warning", n - shown == 1 ? "" : "s",
		   call->verbose ? "" : "; -v shows more");
	say(call, prefix_of(severity), str_cstr(&s));
}

int call_findings(struct command_call *call, const struct rimg_image *image)
{
	int status = EXIT_HOLDS;

	for (struct rimg_layer *l = image->layers; l; l = l->next) {
		say_findings(call, l, SEVERITY_ERROR, l->n_errors);
		if (!call->quiet)
			say_findings(call, l, SEVERITY_WARNING, l->n_warnings);
		if (l->n_errors > 0)
			status = EXIT_FAILS;
	}
	return status;
}

/* ---- beginning and end --------------------------------------------------------------------- */

bool call_write(struct command_call *call, const void *buf, size_t len)
{
	bool failed;

	errno = 0;
	failed = len > 0 ? fwrite(buf, 1, len, call->out) != len : fflush(call->out) != 0;
	if (failed && call->out_errno == 0)
		call->out_errno = errno;
	return !failed && !ferror(call->out);
}

/* Is the output a pipe that nobody reads any more? Then that is why a write failed of which the
 * stream remembers no more than that it did. */
static bool reader_is_gone(FILE *out)
{
	struct pollfd p = { .fd = fileno(out) };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

int call_finish(struct command_call *call, int status)
{
	call_progress(call, NULL, 0, 0);
	if (mem_failure()) {
		if (!call->told_nomem)
			call_complain(call, "%s: the results are not complete", mem_failure());
		status = EXIT_TROUBLE;
	}
	if (call_write(call, NULL, 0))
		return status;
	if (call->out_errno == 0 && reader_is_gone(call->out))
		call->out_errno = EPIPE;
	if (call->out_errno != EPIPE && !call->out_told)
		call_complain(call, "cannot write the results: %s",
			      call->out_errno ? strerror(call->out_errno)
					      : "an earlier write failed");
	call->out_told = true;
	return EXIT_TROUBLE;
}
