/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"
#include "core/leftover.h"
#include "core/sink.h"
#include "diff/extract.h"
#include "diff/listing.h"

/* @dest without slashes at its end, which would hide the last component. */
static char *trimmed(const char *dest)
{
	char *copy = strdup(dest);
	size_t len = copy ? strlen(copy) : 0;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	return copy;
}

/* What was left out is told at the end once more, so that nobody takes part of a tree for all. */
static int sum_up(const struct extract *x, const char *dest, bool is_tree)
{
	if (x->n_skipped > 0 && is_tree)
		call_complain(x->call, "%s: %" PRIu64 " entries extracted, %" PRIu64 " left out",
			      dest, x->n_made, x->n_skipped);
	else if (x->call->verbose && is_tree)
		fprintf(x->call->err, "%s: %" PRIu64 " entries extracted\n", dest, x->n_made);
	if (x->n_skipped > 0 && !is_tree)
		return EXIT_TROUBLE;
	return x->n_skipped > 0 || x->n_unset > 0 ? EXIT_FAILS : EXIT_HOLDS;
}

static int extract(struct extract *x, struct rimg_node *node, const char *dest)
{
	auto_free char *address = NULL;
	struct rimg_node *top;
	struct rimg_error err;
	int rc = extract_top(node, &top, &err);

	/* the finding that is told at the end says why */
	if (rc == -RIMG_E_BAD)
		return EXIT_TROUBLE;
	if (rc < 0)
		return call_error(x->call, &err);
	if (!top && (node->role == RIMG_ROLE_SOCKET || node->role == RIMG_ROLE_OTHER)) {
		address = node_full_address(node);
		call_complain(x->call,
			      "%s: neither a file nor a directory nor a symbolic link; rimg cat "
			      "prints its bytes",
			      address ? address : "");
		return EXIT_TROUBLE;
	}
	rc = top ? extract_tree(x, top, dest, &err) : extract_one(x, node, dest, &err);
	if (rc < 0) {
		call_error(x->call, &err);
		call_complain(x->call, "%s: nothing was extracted", dest);
		return EXIT_TROUBLE;
	}
	return sum_up(x, dest, top != NULL);
}

static int run_extract(struct command_call *call)
{
	auto_image struct rimg_image *image = NULL;
	auto_free uint8_t *buf = malloc(EXTRACT_CHUNK);
	auto_free char *dest = NULL;
	const char *output = call_value(call, "output");
	struct extract x = { .call = call, .buf = buf };
	struct sandbox sandbox;
	struct rimg_node *node;
	struct rimg_error err;
	int status;

	if (call->n_args != 1)
		return call_usage(call, "expected one address, found %zu", call->n_args);
	if (!output || !output[0])
		return call_usage(call, "expected where to put it: --output=DEST");
	x.special = call_has(call, "preserve");
	x.owners = call_has(call, "owner");
	if (x.owners && geteuid() != 0)
		return call_usage(call, "only root can give files away: --owner");
	dest = trimmed(output);
	if (!buf || !dest) {
		error_nomem(&err);
		return call_error(call, &err);
	}
	sandbox_init(&sandbox);
	call_may_read(&sandbox, call->args[0]);
	sandbox_may_make(&sandbox, dest);
	if (call_confine(call, &sandbox) != EXIT_HOLDS)
		return EXIT_TROUBLE;
	node = call_open(call, call->args[0], &image);
	if (!node)
		return EXIT_TROUBLE;
	if (sink_refuse(dest, image->name, &err) < 0)
		return call_error(call, &err);
	x.budget = listing_budget(image);
	leftover_hold(true);
	status = extract(&x, node, dest);
	leftover_hold(false);
	return call_worse(status, call_findings(call, image));
}

static const struct command_option options[] = {
	OPTION_VALUE("output", 'o', "DEST", "the file or directory to make"),
	OPTION_FLAG("preserve", 'p', "also set-user-id, set-group-id and sticky bits"),
	OPTION_FLAG("owner", 0, "also owners and groups, by number; for root"),
	{ 0 },
};

RIMG_COMMAND(extract) = {
	.name = "extract",
	.summary = "copy a file or a whole tree out of an image",
	.usage = "[-p] [--owner] ADDRESS -o DEST",
	.help = "A directory, file system or archive becomes the directory DEST, which must not\n"
		"exist or be empty. A disk becomes a directory with an entry for each partition:\n"
		"a directory where there is a file system, else a file. Anything else becomes\n"
		"the file DEST, replacing a file that is there. DEST appears when it is complete\n"
		"and flushed; on failure nothing is left behind.\n"
		"\n"
		"Permissions and times are kept, hard links stay hard links, zeros become holes.\n"
		"Symbolic links are made as they are and never followed. Left out, with a\n"
		"complaint: names that are empty, \".\", \"..\" or hold \"/\" or NUL, a second entry\n"
		"of one name, sockets and entries of unknown type, what cannot be read.\n"
		"\n"
		"Examples:\n"
		"  rimg extract disk.img::REDOX -o root      a whole file system\n"
		"  rimg extract disk.img -o parts            parts/EFI/..., parts/REDOX/...\n"
		"  rimg extract disk.img::REDOX::/boot/kernel -o kernel\n"
		"  rimg extract fs.img::/boot/initfs::/ -o initfs    the tree in the file\n"
		"  rimg extract fs.img::/boot/initfs -o initfs.img   the file\n"
		"\n"
		"Exit codes: 0 all of it; 1 DEST was made, but something was left out or is\n"
		"damaged (stderr says what and where); 2 nothing was made.\n",
	.options = options,
	.run = run_extract,
};
