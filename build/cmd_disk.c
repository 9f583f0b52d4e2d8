/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "build/disk.h"
#include "build/output.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/str.h"

static const struct command_option options[] = {
	OUTPUT_OPTIONS,
	OPTION_VALUE("size", 's', "SIZE", "of the disk, a multiple of 512 bytes"),
	OPTION_VALUES(
		"partition", 'p', "NAME:TYPE:FIRST:LAST[:FILE]",
		"one partition, in order: type bios, efi, linux or a GUID, first and last sector (inclusive), "
		"and a file that is placed at its first sector"),
	{ 0 },
};

/* What --partition options name, and the files behind it. */
struct parts {
	struct disk_part *list;
	char **texts; /* the options' values, cut at their colons */
	struct rimg_source **files;
	size_t n;
};

static void parts_done(struct parts *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->texts[i]);
		rimg_source_free(p->files[i]);
	}
	free(p->list);
	free(p->texts);
	free(p->files);
}

/* Cut @text at its first four colons; the fifth part may hold more of them. */
static size_t cut(char *text, char *field[5])
{
	size_t n = 0;

	while (text && n < 5) {
		field[n++] = text;
		text = n < 5 ? strchr(text, ':') : NULL;
		if (text)
			*text++ = '\0';
	}
	return n;
}

static int parse_part(const char *value, const char *output, struct parts *p,
		      struct rimg_error *err)
{
	struct disk_part *part = &p->list[p->n];
	char *field[5];
	size_t n;

	p->texts[p->n] = strdup(value);
	if (!p->texts[p->n])
		return error_nomem(err);
	n = cut(p->texts[p->n], field);
	p->n++;
	if (n < 4 || !disk_type(field[1], part->gpt.type) ||
	    !str_parse_u64(field[2], &part->gpt.first_lba) ||
	    !str_parse_u64(field[3], &part->gpt.last_lba))
		return error_set(
			err, RIMG_E_ARG, value,
			"expected NAME:TYPE:FIRST:LAST[:FILE], TYPE being bios, efi, linux or "
			"a GUID");
	part->gpt.name = field[0];
	if (n < 5)
		return 0;
	if (sink_refuse(output, field[4], err) < 0)
		return -RIMG_E_ARG;
	p->files[p->n - 1] = rimg_source_open_path(field[4], err);
	part->raw = p->files[p->n - 1];
	return part->raw ? 0 : -RIMG_E_IO;
}

static int parse_parts(struct command_call *call, const char *output, struct parts *p,
		       struct rimg_error *err)
{
	size_t i = 0, n = call->n_given + 1;
	const char *value;

	p->list = calloc(n, sizeof(*p->list));
	p->texts = calloc(n, sizeof(*p->texts));
	p->files = calloc(n, sizeof(struct rimg_source *));
	if (!p->list || !p->texts || !p->files)
		return error_nomem(err);
	while ((value = call_each(call, "partition", &i)) != NULL) {
		int rc = parse_part(value, output, p, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

struct checked {
	const struct disk *d;
	const struct parts *p;
	const char *path;
};

/* Is it the disk that was planned, and are the files still what they were? */
static int check_disk(void *arg, struct sink *sink, struct rimg_error *err)
{
	const struct checked *c = arg;
	int rc = disk_selfcheck(c->d, sink, c->path, err);

	for (size_t i = 0; i < c->p->n && rc == 0; i++)
		if (c->p->files[i])
			rc = rimg_source_verify(c->p->files[i], err);
	return rc;
}

static int write_disk(struct command_call *call, const struct disk *d, const struct parts *p,
		      const char *path, uint64_t size, struct rimg_error *err)
{
	auto_sink struct sink *sink = sink_file(path, size, err);
	struct checked c = { .d = d, .p = p, .path = path };
	int rc = sink ? disk_write(d, sink, err) : -RIMG_E_IO;

	return rc < 0 ? rc : output_finish(call, sink, path, check_disk, &c, err);
}

static int run(struct command_call *call)
{
	auto_with(parts_done) struct parts p = { 0 };
	struct output o = { 0 };
	struct disk d = { .ctx = call->ctx };
	const char *text = call_value(call, "size");
	uint64_t size;
	struct rimg_error err;
	int status = output_options(call, &o);

	if (status != EXIT_HOLDS)
		return status;
	if (call->n_args != 0)
		return call_usage(call, "unexpected argument \"%s\"", call->args[0]);
	if (!text || !str_parse_size(text, &size))
		return call_usage(call, "expected --size with a size such as 512MiB");
	if (parse_parts(call, o.path, &p, &err) < 0)
		return call_error(call, &err);
	if (output_confine(call, &o, NULL) != EXIT_HOLDS)
		return EXIT_TROUBLE;
	memcpy(d.seed, o.rq.seed, sizeof(d.seed));
	d.epoch = o.rq.epoch;
	d.parts = p.list;
	d.n_parts = p.n;
	if (write_disk(call, &d, &p, o.path, size, &err) < 0)
		return call_error(call, &err);
	return call_finish(call, EXIT_HOLDS);
}

RIMG_COMMAND(disk) = {
	.name = "disk",
	.summary = "partition a blank disk and place files in it",
	.usage = "-o IMAGE --size SIZE [--partition NAME:TYPE:FIRST:LAST[:FILE]]... [--seed TEXT]",
	.help = "Makes a disk image with a GUID partition table, its backup and a protective MBR. All\n"
		"that no file fills is zero. Disk and partition GUIDs are derived from the seed.\n"
		"\n"
		"The finished table is read back by rimg's reader and by libfdisk, which must agree.\n"
		"Prints the image's SHA-256.\n"
		"\n"
		"Exit status: 0 made, 2 not made (and an existing IMAGE is as it was).\n"
		"\n"
		"Example:\n"
		"  rimg disk -o disk.img --size 512MiB -p BIOS:bios:34:2047 \\\n"
		"    -p EFI:efi:2048:4095:esp.img -p REDOX:linux:4096:1046527:root.img\n",
	.options = options,
	.run = run,
};
