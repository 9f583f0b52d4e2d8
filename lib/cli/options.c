/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

#define WORD_MAX   32 /* longer words get no suggestion */
#define PREFIX_MIN 3  /* shorter ones begin too many */

/* Those with a value may be given again, so that an alias can set it. */
const struct command_option options_common[] = {
	OPTION_VALUES("threads", 'j', "N",
		      "use N threads, 1 to 256 (default: one per core); never changes a result"),
	OPTION_FLAG("quiet", 'q', "no warnings, no progress"),
	OPTION_FLAG("verbose", 'v', "say more"),
	OPTION_VALUES("color", 0, "auto|always|never",
		      "auto, the default, colours on a terminal unless NO_COLOR is set"),
	OPTION_FLAG("no-progress", 0, "draw no progress line"),
	OPTION_VALUES("password-file", 0, "FILE",
		      "the first line of FILE is the password of encrypted volumes"),
	OPTION_VALUES("limit", 0, "NAME=N",
		      "hold an image to another limit than rimg --version -v shows; repeatable"),
	OPTION_FLAG("require-sandbox", 0,
		    "do nothing where the kernel cannot confine rimg; see rimg --version -v"),
	OPTION_FLAG("help", 'h', "show this help"),
	OPTION_FLAG("version", 0, "show the version; with -v also libraries and limits"),
	{ 0 },
};

void options_done(struct options *o)
{
	free(o->given);
	free(o->args);
	*o = (struct options){ 0 };
}

/* ---- names ---------------------------------------------------------------------------------- */

/* Edits (insert, delete, replace a letter, swap two neighbours) from @a to @b, both shorter than
 * WORD_MAX. */
static unsigned edits(const char *a, const char *b)
{
	unsigned row[3][WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = row[i % 3];
		const unsigned *before = row[(i + 2) % 3], *older = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned best = before[j - 1] + (a[i - 1] != b[j - 1]);

			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    older[j - 2] + 1 < best)
				best = older[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[na % 3][nb];
}

/* The only candidate that begins with @word; NULL if there are none or several. */
static const char *begun_by(const char *word, const char *(*next)(const void *arg, size_t i),
			    const void *arg)
{
	const char *candidate, *found = NULL;

	for (size_t i = 0; (candidate = next(arg, i)) != NULL; i++) {
		if (strncmp(candidate, word, strlen(word)) != 0)
			continue;
		if (found)
			return NULL;
		found = candidate;
	}
	return strlen(word) >= PREFIX_MIN ? found : NULL;
}

const char *options_nearest(const char *word, const char *(*next)(const void *arg, size_t i),
			    const void *arg)
{
	const char *candidate, *best = NULL;
	unsigned best_edits = (unsigned)num_max(1, strlen(word) / 3) + 1;

	if (strlen(word) >= WORD_MAX)
		return NULL;
	candidate = begun_by(word, next, arg);
	if (candidate)
		return candidate;
	for (size_t i = 0; (candidate = next(arg, i)) != NULL; i++) {
		unsigned n = strlen(candidate) < WORD_MAX ? edits(word, candidate) : UINT32_MAX;

		/* one letter is too little to recognise: everything short would be near */
		if (n < best_edits && n < strlen(candidate)) {
			best = candidate;
			best_edits = n;
		}
	}
	return best;
}

struct tables {
	const struct command_option *own;
	const struct command_option *common;
};

static size_t table_len(const struct command_option *table)
{
	size_t n = 0;

	while (table && table[n].name)
		n++;
	return n;
}

static const struct command_option *option_at(const struct tables *t, size_t i)
{
	size_t n_own = table_len(t->own);

	if (i < n_own)
		return &t->own[i];
	return i - n_own < table_len(t->common) ? &t->common[i - n_own] : NULL;
}

static const char *option_name_at(const void *arg, size_t i)
{
	const struct command_option *o = option_at(arg, i);

	return o ? o->name : NULL;
}

static const struct command_option *find_long(const struct tables *t, const char *name, size_t len)
{
	const struct command_option *o;

	for (size_t i = 0; (o = option_at(t, i)) != NULL; i++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct command_option *find_short(const struct tables *t, char letter)
{
	const struct command_option *o;

	for (size_t i = 0; (o = option_at(t, i)) != NULL; i++)
		if (o->letter == letter)
			return o;
	return NULL;
}

/* ---- parsing -------------------------------------------------------------------------------- */

struct parser {
	struct tables tables;
	int argc, pos;
	char *const *argv;
	struct options *o;
	struct rimg_error *err;
};

static int check_once(struct parser *p, const struct command_option *option, const char *value)
{
	auto_str struct str a = { 0 }, b = { 0 };

	for (size_t i = 0; i < p->o->n_given && !option->repeats; i++) {
		const char *before = p->o->given[i].value;

		if (p->o->given[i].option != option)
			continue;
		str_add_escaped(&a, before, strlen(before), STR_ESCAPE_TEXT);
		str_add_escaped(&b, value, strlen(value), STR_ESCAPE_TEXT);
		return error_set(p->err, RIMG_E_ARG, NULL,
				 "option --%s counts once, and is given twice: %s and %s",
				 option->name, str_cstr(&a), str_cstr(&b));
	}
	return 0;
}

static void give(struct parser *p, const struct command_option *option, const char *value)
{
	p->o->given[p->o->n_given++] = (struct command_given){ .option = option, .value = value };
}

/* The value of an option that wants one: @attached, or the next word. */
static int give_value(struct parser *p, const struct command_option *option, const char *attached)
{
	if (!attached && p->pos >= p->argc)
		return error_set(p->err, RIMG_E_ARG, NULL, "option --%s wants a value: --%s=%s",
				 option->name, option->name, option->arg);
	if (!attached)
		attached = p->argv[p->pos++];
	if (check_once(p, option, attached) < 0)
		return -RIMG_E_ARG;
	give(p, option, attached);
	return 0;
}

static int unknown_long(struct parser *p, const char *name, size_t len)
{
	auto_str struct str asked = { 0 }, shown = { 0 };
	const char *near;

	str_add_len(&asked, name, len);
	near = options_nearest(str_cstr(&asked), option_name_at, &p->tables);
	str_add_escaped(&shown, name, len, STR_ESCAPE_TEXT);
	if (near)
		return error_set(p->err, RIMG_E_ARG, NULL,
				 "unknown option --%s; did you mean --%s?", str_cstr(&shown), near);
	return error_set(p->err, RIMG_E_ARG, NULL, "unknown option --%s", str_cstr(&shown));
}

static int parse_long(struct parser *p, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);
	const struct command_option *option = find_long(&p->tables, text, len);

	if (!option)
		return unknown_long(p, text, len);
	if (option->arg)
		return give_value(p, option, equals ? equals + 1 : NULL);
	if (equals)
		return error_set(p->err, RIMG_E_ARG, NULL, "option --%s takes no value",
				 option->name);
	give(p, option, NULL);
	return 0;
}

/* The letters behind one dash: flags, then perhaps one that takes the rest as its value. */
static int parse_letters(struct parser *p, const char *letters)
{
	for (const char *l = letters; *l; l++) {
		const struct command_option *option = find_short(&p->tables, *l);
		auto_str struct str shown = { 0 };

		if (!option) {
			str_add_escaped(&shown, l, 1, STR_ESCAPE_TEXT);
			return error_set(p->err, RIMG_E_ARG, NULL, "unknown option -%s",
					 str_cstr(&shown));
		}
		if (option->arg)
			return give_value(p, option, l[1] ? l + 1 : NULL);
		give(p, option, NULL);
	}
	return 0;
}

static int parse_words(struct parser *p)
{
	bool ended = false;
	int rc = 0;

	while (rc == 0 && p->pos < p->argc) {
		const char *word = p->argv[p->pos++];

		if (ended || word[0] != '-' || word[1] == '\0')
			p->o->args[p->o->n_args++] = word;
		else if (strcmp(word, "--") == 0)
			ended = true;
		else if (word[1] == '-')
			rc = parse_long(p, word + 2);
		else
			rc = parse_letters(p, word + 1);
	}
	return rc;
}

int options_parse(const struct command_option *own, int argc, char *const *argv,
		  struct options *ret, struct rimg_error *err)
{
	auto_with(options_done) struct options o = { 0 };
	struct parser p = {
		.tables = { own, options_common }, .argc = argc, .argv = argv, .o = &o, .err = err
	};
	size_t letters = 1;
	int rc;

	for (int i = 0; i < argc; i++)
		letters += strlen(argv[i]); /* a word gives at most an option a letter */
	o.given = calloc(letters, sizeof(*o.given));
	o.args = calloc((size_t)argc + 1, sizeof(*o.args));
	if (!o.given || !o.args)
		return error_nomem(err);
	rc = parse_words(&p);
	if (rc < 0)
		return rc;
	*ret = o;
	o = (struct options){ 0 };
	return 0;
}

bool options_take_next(const char *word)
{
	const struct tables t = { NULL, options_common };
	const struct command_option *option;

	if (word[0] != '-' || word[1] == '\0')
		return false;
	if (word[1] == '-') {
		option = find_long(&t, word + 2, strlen(word + 2));
		return option && option->arg;
	}
	for (const char *l = word + 1; *l; l++) {
		option = find_short(&t, *l);
		if (option && option->arg)
			return l[1] == '\0';
	}
	return false;
}
