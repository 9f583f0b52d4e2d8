/* SPDX-License-Identifier: MIT */

/* Addresses, held against a fixed image: an archive with an archive in it. A node that is found has
 * an address of its own, which leads to it. */

#include <string.h>

#include "core/address.h"
#include "core/layer.h"
#include "core/node.h"
#include "fuzz/fuzz.h"

#define HEADER(name, size) name "0           0     0     644     " size "`\n"

static const char image_bytes[] =
	"!<arch>\n" HEADER("twice/          ", "4         ") "one\n" HEADER("twice/          ", "4         ") "two\n" HEADER(
		"a#1/            ",
		"2         ") "x\n" HEADER("\377\\\t: ::/        ",
					   "2         ") "y\n" HEADER("inner.a/        ",
								      "136       ") "!<arch>\n" HEADER("twice/          ",
												       "4         ") "one\n" HEADER("x/              ",
																    "4         ") "two\n";

static struct rimg_node *image_root(void)
{
	static struct rimg_image *image;
	struct rimg_source *src;

	if (!image) {
		src = rimg_source_open_memory(image_bytes, sizeof(image_bytes) - 1, "i");
		image = src ? rimg_image_open(fuzz_ctx(), src, "i", NULL) : NULL;
		fuzz_require(image != NULL);
	}
	return rimg_image_root(image);
}

static void find(const char *steps)
{
	struct rimg_error err = { 0 };
	struct rimg_node *node = address_find(image_root(), steps, &err), *found;
	char again[4096];

	if (!node) {
		fuzz_require(err.code != 0 && err.code != RIMG_E_INTERNAL && err.text[0] != '\0');
		return;
	}
	fuzz_require(rimg_node_address(node, again, sizeof(again)) < sizeof(again));
	found = address_find(image_root(), again, NULL);
	/* a content and the root of the layer on it have one address */
	fuzz_require(found == node || (found && found->nested && found->nested->root == node));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *address = malloc(len + 1), *path;
	const char *steps;

	fuzz_require(address != NULL);
	if (len > 0)
		memcpy(address, data, len);
	address[len] = '\0';
	find(address);
	if (address_split(address, &path, &steps, NULL) == 0) {
		fuzz_require(strlen(path) <= len);
		fuzz_require(address_step_len(steps) <= strlen(steps));
		find(steps);
		free(path);
	}
	free(address);
	return 0;
}
