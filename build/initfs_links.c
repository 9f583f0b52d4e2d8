/* SPDX-License-Identifier: MIT */
#include "build/initfs_links.h"

#include <stdlib.h>

#include "build/inputs.h"
#include "core/cleanup.h"
#include "core/emit.h"
#include "core/error.h"
#include "core/str.h"

#define TARGET_MAX ((uint64_t)65536)

/* "a/b/" for a link in /a/b, as bytes. */
static void add_dir_path(struct str *s, const struct plan_node *dir)
{
	if (!dir->parent)
		return;
	/* as deep as directories nest, which inputs bound */
	add_dir_path(s, dir->parent);
	str_add_len(s, dir->name, dir->name_len);
	str_add_char(s, '/');
}

static int rewrite(struct plan *p, struct plan_node *link, struct rimg_error *err)
{
	uint64_t len = link->content ? rimg_source_size(link->content) : 0;
	auto_free char *target = NULL;
	auto_str struct str stored = { 0 };
	size_t skip = 0;
	int rc;

	if (len == 0 || len > TARGET_MAX)
		return emit_refuse(err, RIMG_E_ARG, link,
				   "expected a link target of 1 to 65536 bytes");
	target = malloc((size_t)len);
	if (!target)
		return error_nomem(err);
	rc = rimg_source_read(link->content, 0, target, (size_t)len, err);
	if (rc < 0)
		return rc;
	while (skip < len && target[skip] == '/')
		skip++;
	if (skip == 0)
		add_dir_path(&stored, link->parent);
	str_add_len(&stored, target + skip, (size_t)len - skip);
	if (stored.failed || inputs_set_bytes(p, link, stored.data, stored.len) < 0)
		return error_nomem(err);
	return 0;
}

int initfs_rewrite_links(struct plan *p, struct rimg_error *err)
{
	int rc = 0;

	for (struct plan_node *n = p->root; n && rc == 0; n = plan_next(n))
		if (n->role == RIMG_ROLE_SYMLINK)
			rc = rewrite(p, n, err);
	return rc;
}
