/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"
#include "core/num.h"
#include "diff/listing.h"

#define CHUNK      ((size_t)1 << 20)
#define SMALL_STEP ((size_t)4096) /* to find where exactly a content stops being readable */

/* The bytes of @src up to the first that cannot be read. */
static int copy_out(struct command_call *call, const struct rimg_source *src, uint64_t *ret_off,
		    struct rimg_error *err)
{
	uint64_t size = rimg_source_size(src);
	auto_free uint8_t *buf = malloc((size_t)num_max(1, num_min(size, CHUNK)));
	size_t step = CHUNK;

	*ret_off = 0;
	if (!buf)
		return error_nomem(err);
	for (uint64_t off = 0; off < size;) {
		size_t n = (size_t)num_min(size - off, step);
		int rc = rimg_source_read(src, off, buf, n, err);

		if (rc < 0 && step == SMALL_STEP)
			return rc;
		if (rc < 0) {
			step = SMALL_STEP;
			continue;
		}
		if (!call_write(call, buf, n))
			return 0; /* call_finish() tells */
		off += n;
		*ret_off = off;
	}
	return 0;
}

static int cat(struct command_call *call, const struct rimg_node *node)
{
	const struct rimg_source *src = listing_inode(node)->content;
	auto_free char *address = node_full_address(node);
	const char *where = address ? address : "";
	struct rimg_error err;
	uint64_t off;

	if (!src) {
		call_complain(call, "%s: a %s that has no content of its own to print%s", where,
			      rimg_role_name(node->role),
			      node->role == RIMG_ROLE_DIR ? "; rimg ls lists it" : "");
		return EXIT_TROUBLE;
	}
	if (copy_out(call, src, &off, &err) == 0)
		return EXIT_HOLDS;
	call_complain(call, "%s: printed up to byte %" PRIu64 " of %" PRIu64 ", then:", where, off,
		      rimg_source_size(src));
	return call_error(call, &err);
}

static int run_cat(struct command_call *call)
{
	auto_image struct rimg_image *image = NULL;
	struct rimg_node *node;
	struct rimg_error err;
	int status;

	if (call->n_args != 1)
		return call_usage(call, "expected one address, found %zu", call->n_args);
	node = call_open(call, call->args[0], &image);
	if (!node)
		return EXIT_TROUBLE;
	status = cat(call, node);
	status = call_worse(status, call_findings(call, image));
	if (rimg_source_verify(image->src, &err) < 0)
		status = call_error(call, &err);
	return status;
}

RIMG_COMMAND(cat) = {
	.name = "cat",
	.summary = "print the bytes of a file, a partition, a section, a whole image",
	.usage = "ADDRESS",
	.help = "Writes the content to stdout as it is: unpacked, deciphered, holes as zeros. The\n"
		"content of a symbolic link is its target.\n"
		"\n"
		"Examples:\n"
		"  rimg cat disk.img::REDOX::/etc/hostname\n"
		"  rimg cat disk.img::REDOX::/boot/initfs::/bin/init > init\n"
		"  rimg cat disk.img::EFI > efi.img\n"
		"  rimg cat fs.img::/usr/bin/ion::.comment | strings\n"
		"  rimg cat --password-file=secret volume.img::/etc/passwd\n"
		"\n"
		"Exit codes: 0 printed; 1 printed, but on the way to it something damaged was\n"
		"found (stderr says what and where); 2 not printed, or not to the end.\n",
	.run = run_cat,
};
