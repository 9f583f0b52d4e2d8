/* SPDX-License-Identifier: MIT */
#include "formats/initfs_read.h"

#include <inttypes.h>

#include "core/str.h"

/* Names of one directory; its subdirectories are looked at when the walk comes to them. */
static void check_names(struct rimg_layer *l, struct rimg_node *dir)
{
	rimg_for_each_child(node, dir) {
		if (!str_is_utf8(node->name, node->name_len))
			layer_finding(l, SEVERITY_WARNING, "initfs.name-utf8", node, 0, 0,
				      "expected a name in UTF-8, found other bytes: its directory "
				      "cannot be listed at run time");
	}
}

/* What the bootstrap program starts: bin/init, not through a link in the middle of the path. */
static void check_init(struct rimg_layer *l)
{
	struct rimg_node *bin = node_find(l->top, "bin", 3);
	struct rimg_node *init =
		bin && bin->role == RIMG_ROLE_DIR ? node_find(bin, "init", 4) : NULL;

	if (!init || (init->role != RIMG_ROLE_FILE && init->role != RIMG_ROLE_SYMLINK))
		layer_finding(l, SEVERITY_WARNING, "initfs.init-missing", l->top, 0, 0,
			      "expected a program /bin/init for the bootstrap to start, found %s",
			      init ? "something that is not a file" : "none");
	else if (init->role == RIMG_ROLE_FILE && !(node_attr_u64(init, "mode", 0) & 0111))
		layer_finding(l, SEVERITY_WARNING, "initfs.init-mode", init, 0, 0,
			      "expected an executable mode, found %04" PRIo64,
			      node_attr_u64(init, "mode", 0));
}

int initfs_check(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	if (l->top == l->root)
		return 0;
	for (struct rimg_node *node = l->top; node; node = node_after(node, l->top))
		check_names(l, node);
	check_init(l);
	return 0;
}
