/* SPDX-License-Identifier: MIT */
/*
 * completions.c - what a shell offers after TAB, made of the commands' own tables
 *
 *     completions bash|zsh|fish PRELUDE
 *
 * The prelude, packaging/completion.SHELL, holds what is the same for all commands: it is printed
 * first, then one line or a few for each command and option. An option whose value is of a kind
 * that is not known here is an error, so that nothing can be forgotten. Part of `make install`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rimg/node.h>

#include "cli/options.h"
#include "core/cleanup.h"
#include "core/num.h"
#include "core/str.h"
#include "verify/vary.h"

/* ---- values --------------------------------------------------------------------------------- */

enum kind {
	KIND_NONE, /* nothing can be offered */
	KIND_FILE,
	KIND_DIR,
	KIND_WORDS,
};

struct value {
	enum kind kind;
	struct str words; /* of KIND_WORDS, with blanks between them */
};

static void add_word(struct str *s, const char *word)
{
	if (s->len > 0)
		str_add_char(s, ' ');
	str_add(s, word);
}

static void add_causes(struct str *s)
{
	for (int i = 0; i < RIMG_N_CAUSES; i++)
		add_word(s, rimg_cause_name((enum rimg_cause)i));
}

static void add_variations(struct str *s)
{
	add_word(s, "all");
	for (int i = 0; i < N_VARY; i++)
		add_word(s, vary_name((enum vary_id)i));
}

/* "none|lz4": the words themselves */
static void add_alternatives(struct str *s, const char *arg)
{
	str_add(s, arg);
	for (char *p = s->data; p && *p; p++)
		if (*p == '|')
			*p = ' ';
}

/* By what the help calls it. */
static struct value value_of(const struct command_option *o)
{
	static const struct {
		const char *arg;
		enum kind kind;
		void (*words)(struct str *s);
	} known[] = {
		{ "FILE", KIND_FILE, NULL },
		{ "IMAGE", KIND_FILE, NULL },
		{ "DEST", KIND_FILE, NULL },
		{ "PATH", KIND_FILE, NULL },
		{ "FILE|DIR", KIND_FILE, NULL },
		{ "KEY.pem", KIND_FILE, NULL },
		{ "KEY.pub[,until=TIME]", KIND_FILE, NULL },
		{ "DIR", KIND_DIR, NULL },
		{ "CAUSE", KIND_WORDS, add_causes },
		{ "LIST", KIND_WORDS, add_variations },
		{ "N", KIND_NONE, NULL },
		{ "K", KIND_NONE, NULL },
		{ "SIZE", KIND_NONE, NULL },
		{ "SECONDS", KIND_NONE, NULL },
		{ "TIME", KIND_NONE, NULL },
		{ "TEXT", KIND_NONE, NULL },
		{ "NAME", KIND_NONE, NULL },
		{ "UUID", KIND_NONE, NULL },
		{ "PATTERN", KIND_NONE, NULL },
		{ "COMMAND", KIND_NONE, NULL },
		{ "KEY=VALUE", KIND_NONE, NULL },
		{ "NAME=N", KIND_NONE, NULL },
		{ "NAME:TYPE:FIRST:LAST[:FILE]", KIND_NONE, NULL },
	};
	struct value v = { .kind = KIND_WORDS };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].arg, o->arg) != 0)
			continue;
		v.kind = known[i].kind;
		if (known[i].words)
			known[i].words(&v.words);
		return v;
	}
	if (strchr(o->arg, '|') &&
	    strspn(o->arg, "abcdefghijklmnopqrstuvwxyz0123456789|") == strlen(o->arg)) {
		add_alternatives(&v.words, o->arg);
		return v;
	}
	fprintf(stderr, "completions: what kind of value is %s, of --%s? value_of() has to know\n",
		o->arg, o->name);
	exit(1);
}

/* Inside of '...', where @shell ends the quotes for a quote of the text. */
static void put_quoted(const char *text, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, stdout);
		else
			putchar(*text);
	}
}

/* ---- bash ----------------------------------------------------------------------------------- */

static void bash_options(const struct command_option *o)
{
	for (; o && o->name; o++) {
		if (o->letter)
			printf(" -%c", o->letter);
		printf(" --%s%s", o->name, o->arg ? "=" : "");
	}
}

static void bash_values(const char *command, const struct command_option *o)
{
	static const char *const kinds[] = { "none", "file", "dir", "words" };

	for (; o && o->name; o++) {
		struct value v;

		if (!o->arg)
			continue;
		v = value_of(o);
		printf("\t'%s --%s'", command, o->name);
		if (o->letter)
			printf(" | '%s -%c'", command, o->letter);
		printf(") echo %s %s ;;\n", kinds[v.kind], str_cstr(&v.words));
		str_done(&v.words);
	}
}

static void bash(void)
{
	puts("_rimg_commands='");
	for (size_t i = 0; commands[i]; i++)
		puts(commands[i]->name);
	puts("help'\n\n_rimg_options() {\n\tcase $1 in");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t'%s') echo", commands[i]->name);
		bash_options(commands[i]->options);
		puts(" ;;");
	}
	printf("\tesac\n\techo");
	bash_options(options_common);
	puts("\n}\n\n_rimg_value() {\n\tcase $1 in");
	for (size_t i = 0; commands[i]; i++)
		bash_values(commands[i]->name, commands[i]->options);
	/* the command does not matter */
	bash_values("common", options_common);
	puts("\t*) return 1 ;;\n\tesac\n}");
}

/* ---- zsh ------------------------------------------------------------------------------------ */

/* Brackets and colons have a meaning in specifications. */
static void zsh_text(const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			putchar('\\');
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
}

static void zsh_value(const struct command_option *o)
{
	struct value v = value_of(o);

	putchar(':');
	zsh_text(o->arg);
	switch (v.kind) {
	case KIND_NONE: fputs(": ", stdout); break;
	case KIND_FILE: fputs(":_files", stdout); break;
	case KIND_DIR: fputs(":_files -/", stdout); break;
	case KIND_WORDS:
		if (strcmp(o->arg, "LIST") == 0)
			printf(":_values -s , variation %s", str_cstr(&v.words));
		else
			printf(":(%s)", str_cstr(&v.words));
		break;
	}
	str_done(&v.words);
}

static void zsh_options(const struct command_option *o)
{
	for (; o && o->name; o++) {
		/* any of them may be given again */
		printf("\t\t'*--%s%s[", o->name, o->arg ? "=" : "");
		zsh_text(o->help);
		putchar(']');
		if (o->arg)
			zsh_value(o);
		puts("'");
		if (!o->letter)
			continue;
		printf("\t\t'*-%c%s[", o->letter, o->arg ? "+" : "");
		zsh_text(o->help);
		putchar(']');
		if (o->arg)
			zsh_value(o);
		puts("'");
	}
}

static void zsh(void)
{
	puts("_rimg_commands=(");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t'%s:", commands[i]->name);
		put_quoted(commands[i]->summary, "'\\''");
		puts("'");
	}
	puts("\t'help:explain a command'\n)\n\n_rimg_options() {\n\tspecs=(");
	zsh_options(options_common);
	puts("\t)\n\tcase $1 in");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t'%s') specs+=(\n", commands[i]->name);
		zsh_options(commands[i]->options);
		puts("\t\t) ;;");
	}
	puts("\tesac\n}\n\n_rimg \"$@\"");
}

/* ---- fish ----------------------------------------------------------------------------------- */

static void fish_options(const char *command, const struct command_option *o)
{
	for (; o && o->name; o++) {
		printf("complete -c rimg -n '__rimg_is \"%s\"' -l %s", command, o->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		if (o->arg) {
			struct value v = value_of(o);

			switch (v.kind) {
			case KIND_NONE: fputs(" -x", stdout); break;
			case KIND_FILE: fputs(" -r -F", stdout); break;
			case KIND_DIR:
				fputs(" -x -a '(__fish_complete_directories)'", stdout);
				break;
			case KIND_WORDS: printf(" -x -a '%s'", str_cstr(&v.words)); break;
			}
			str_done(&v.words);
		}
		fputs(" -d '", stdout);
		put_quoted(o->help, "\\'");
		puts("'");
	}
}

static void fish(void)
{
	fputs("set -g __rimg_commands", stdout);
	for (size_t i = 0; commands[i]; i++)
		printf(" '%s'", commands[i]->name);
	puts("");
	for (size_t i = 0; commands[i]; i++) {
		const char *name = commands[i]->name, *second = strchr(name, ' ');

		printf("complete -c rimg -n '__rimg_wants \"%.*s\"' -f -a '%s' -d '",
		       second ? (int)(second - name) : 0, name, second ? second + 1 : name);
		put_quoted(commands[i]->summary, "\\'");
		puts("'");
		fish_options(name, commands[i]->options);
	}
	fish_options("", options_common);
}

/* ---- one call ------------------------------------------------------------------------------- */

static int put_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char buf[4096];
	size_t n;

	if (!f) {
		perror(path);
		return -1;
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		fwrite(buf, 1, n, stdout);
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3 || put_file(argv[2]) < 0)
		return 2;
	if (strcmp(argv[1], "bash") == 0)
		bash();
	else if (strcmp(argv[1], "zsh") == 0)
		zsh();
	else if (strcmp(argv[1], "fish") == 0)
		fish();
	else
		return 2;
	return fflush(stdout) == 0 ? 0 : 2;
}
