/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include <json-c/json_c_version.h>
#include <libfdisk/libfdisk.h>
#include <lz4.h>
#include <lzma.h>
#include <openssl/crypto.h>

#include "cli/options.h"
#include "core/cleanup.h"
#include "core/limits.h"
#include "core/str.h"

#define COLUMNS     80
#define OPTION_COL  28 /* where the explanation of an option begins */
#define COMMAND_COL 18 /* ... of a command */

/* How much of @text stays on one line: a word, or all between brackets if a line can hold it. */
static size_t word_len(const char *text, size_t room)
{
	size_t len = 0;
	int depth = 0;

	while (text[len] && (text[len] != ' ' || depth > 0)) {
		depth += (text[len] == '[') - (text[len] == ']');
		len++;
	}
	return len <= room ? len : strcspn(text, " ");
}

/* @text in lines that begin in column @left, the cursor being at @column. */
static void put_wrapped(FILE *out, size_t column, size_t left, const char *text)
{
	if (column > 0 && column >= left) {
		fputc('\n', out);
		column = 0;
	}
	fprintf(out, "%*s", (int)(left - column), "");
	column = left;
	while (*text) {
		size_t len = word_len(text, COLUMNS - left);

		if (column > left && column + 1 + len > COLUMNS) {
			fprintf(out, "\n%*s", (int)left, "");
			column = left;
		} else if (column > left) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, len, out);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void put_option(FILE *out, const struct command_option *o)
{
	auto_str struct str s = { 0 };

	if (o->letter)
		str_printf(&s, "  -%c, --%s", o->letter, o->name);
	else
		str_printf(&s, "      --%s", o->name);
	if (o->arg)
		str_printf(&s, "=%s", o->arg);
	fputs(str_cstr(&s), out);
	put_wrapped(out, s.len, OPTION_COL, o->help);
}

static void put_options(FILE *out, const char *title, const struct command_option *table)
{
	if (!table || !table->name)
		return;
	fprintf(out, "\n%s\n", title);
	for (; table->name; table++)
		put_option(out, table);
}

static void put_command(FILE *out, const struct rimg_command *command)
{
	fprintf(out, "  %s", command->name);
	put_wrapped(out, 2 + strlen(command->name), COMMAND_COL, command->summary);
}

/* A help text: paragraphs are filled anew, lines that begin with a blank stay as they are. */
static void put_text(FILE *out, const char *text)
{
	auto_str struct str paragraph = { 0 };

	while (*text) {
		size_t len = strcspn(text, "\n");
		bool joined = len > 0 && text[0] != ' ';

		if (!joined && paragraph.len > 0) {
			put_wrapped(out, 0, 0, paragraph.data);
			str_clear(&paragraph);
		}
		if (joined) {
			str_add_len(&paragraph, text, len);
			str_add_char(&paragraph, ' ');
		} else {
			fprintf(out, "%.*s\n", (int)len, text);
		}
		text += len + (text[len] == '\n');
	}
	if (paragraph.len > 0)
		put_wrapped(out, 0, 0, paragraph.data);
}

/* "Usage: rimg NAME ..." for each line of the command's usage, long ones wrapped. */
static void put_usage(FILE *out, const struct rimg_command *command)
{
	const char *lead = "Usage:";

	for (const char *line = command->usage; *line;) {
		size_t len = strcspn(line, "\n");
		auto_str struct str start = { 0 }, rest = { 0 };

		str_printf(&start, "%-6s rimg %s", lead, command->name);
		str_add_len(&rest, line, len);
		fputs(str_cstr(&start), out);
		put_wrapped(out, start.len, start.len + 1, str_cstr(&rest));
		line += len + (line[len] == '\n');
		lead = "or:";
	}
}

void help_command(FILE *out, const struct rimg_command *command)
{
	const char *end = strchr(command->summary, '?') ? "" : ".";

	put_usage(out, command);
	fprintf(out, "%c%s%s\n\n", toupper((unsigned char)command->summary[0]),
		command->summary + 1, end);
	put_text(out, command->help);
	put_options(out, "Options:", command->options);
	put_options(out, "Options of every command:", options_common);
}

void help_group(FILE *out, const char *group)
{
	size_t len = strlen(group);

	fprintf(out, "Usage: rimg %s COMMAND [OPTION]... ARGUMENT...\n\nCommands:\n", group);
	for (size_t i = 0; commands[i]; i++)
		if (strncmp(commands[i]->name, group, len) == 0 && commands[i]->name[len] == ' ')
			put_command(out, commands[i]);
	fprintf(out, "\nrimg %s COMMAND --help explains one of them.\n", group);
}

void help_overview(FILE *out)
{
	fputs("Usage: rimg COMMAND [OPTION]... ARGUMENT...\n"
	      "Builds, reads, compares and verifies Redox OS disk images.\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; commands[i]; i++)
		put_command(out, commands[i]);
	fputs("\n"
	      "What a command reads is named by an address: a file, then a step into each\n"
	      "container. Containers are recognised by what is in them, not by their names.\n"
	      "  disk.img                                  the whole image\n"
	      "  disk.img::REDOX                           a partition, by name; ::3 by number\n"
	      "  disk.img::REDOX::/boot/kernel             a file in its file system\n"
	      "  disk.img::REDOX::/boot/initfs::/bin/init  a file in the initfs in that file\n"
	      "  fs.img::/usr/bin/ion::.text               a section of a program\n"
	      "A \"::\" that belongs to a name is written \"\\::\".\n"
	      "\n"
	      "Exit codes: 0 yes (built, identical, sound, passes), 1 no, 2 trouble: wrong\n"
	      "usage, or something could not be read or written.\n"
	      "\n"
	      "rimg help COMMAND explains a command and gives examples.\n",
	      out);
	put_options(out, "Options of every command:", options_common);
}

static void put_limits(FILE *out)
{
	struct rimg_limits l = rimg_limits_default();

	fputs("limits, which --limit NAME=N changes:\n", out);
	for (size_t i = 0; limits_name(NULL, i); i++)
		fprintf(out, "  %-13s %11" PRIu64 "  %s\n", limits_name(NULL, i),
			limits_value(&l, i), limits_about(i));
}

static void put_sandbox(FILE *out)
{
	struct sandbox_state s = sandbox_offer();
	const char *missing = call_sandbox_missing(&s);

	fputs("sandbox on this machine:\n", out);
	if (s.landlock)
		fprintf(out, "  Landlock      ABI %u\n", s.landlock);
	else
		fputs("  Landlock      no\n", out);
	fprintf(out, "  seccomp       %s\n", s.seccomp ? "yes" : "no");
	if (missing)
		put_wrapped(out, 0, 2, missing);
}

void help_version(FILE *out, bool verbose)
{
	const char *fdisk = "";

	fprintf(out, "rimg %s\n", rimg_version());
	if (!verbose)
		return;
	fdisk_get_library_version(&fdisk);
	fprintf(out, "libraries:\n  %s\n  libfdisk %s\n  json-c %s\n  lz4 %s\n  lzma %s\n",
		OpenSSL_version(OPENSSL_VERSION), fdisk, json_c_version(), LZ4_versionString(),
		lzma_version_string());
	put_limits(out);
	put_sandbox(out);
}
