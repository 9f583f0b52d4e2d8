/* SPDX-License-Identifier: MIT */
#include "core/load.h"

#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/source.h"

int load_file(const char *path, size_t max, const char *what, char **ret, size_t *ret_len,
	      struct rimg_error *err)
{
	struct rimg_error local;
	struct rimg_error *e = err ? err : &local;
	auto_source struct rimg_source *src = rimg_source_open_path(path, e);
	auto_free char *text = NULL;
	size_t len;
	int rc;

	if (!src)
		return -e->code;
	if (rimg_source_size(src) > max)
		return error_set(e, RIMG_E_LIMIT, path,
				 "longer than the %zu bytes that %s may have", max, what);
	len = (size_t)rimg_source_size(src);
	text = malloc(len + 1);
	if (!text)
		return error_nomem(e);
	rc = rimg_source_read(src, 0, text, len, e);
	if (rc == 0)
		rc = rimg_source_verify(src, e);
	if (rc < 0)
		return rc;
	text[len] = '\0';
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}
