/* SPDX-License-Identifier: MIT */
#include "build/artifacts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/address.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/sink.h"

struct opened {
	char *path;
	struct rimg_image *image;
};

void artifacts_done(struct artifacts *a)
{
	for (size_t i = 0; i < a->n; i++) {
		rimg_image_free(a->list[i].image);
		free(a->list[i].path);
	}
	free(a->list);
	a->list = NULL;
	a->n = a->cap = 0;
}

static size_t bound(const struct artifacts *a, const char *path)
{
	size_t lo = 0, hi = a->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(a->list[mid].path, path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct rimg_image *open_image(struct artifacts *a, const char *path, struct rimg_error *err)
{
	size_t i = bound(a, path);
	struct rimg_source *src;
	struct rimg_image *image;
	struct opened *list;
	char *copy;

	if (i < a->n && strcmp(a->list[i].path, path) == 0)
		return a->list[i].image;
	if (sink_refuse(a->outputs[0], path, err) < 0 || sink_refuse(a->outputs[1], path, err) < 0)
		return NULL;
	src = rimg_source_open_path(path, err);
	image = src ? rimg_image_open(a->ctx, src, path, err) : NULL;
	if (!image)
		return NULL;
	list = vec_grow(a->list, &a->cap, a->n, sizeof(*list));
	copy = strdup(path);
	if (list)
		a->list = list;
	if (!list || !copy) {
		free(copy);
		rimg_image_free(image);
		error_nomem(err);
		return NULL;
	}
	memmove(list + i + 1, list + i, (a->n - i) * sizeof(*list));
	list[i] = (struct opened){ .path = copy, .image = image };
	a->n++;
	return image;
}

struct rimg_node *artifacts_find(struct artifacts *a, const struct manifest_source *src,
				 struct rimg_error *err)
{
	auto_free char *path = NULL;
	const char *steps;
	struct rimg_image *image;

	if (address_split(src->path, &path, &steps, err) < 0)
		return NULL;
	image = open_image(a, path, err);
	return image ? address_find(image->root, steps, err) : NULL;
}

int artifacts_host_path(const struct manifest_source *src, char **ret, struct rimg_error *err)
{
	const char *steps;

	return address_split(src->path, ret, &steps, err);
}

bool artifacts_is_dir(const struct manifest_source *src)
{
	auto_free char *path = NULL;
	const char *steps;
	struct stat st;

	if (address_split(src->path, &path, &steps, NULL) < 0 || *steps != '\0')
		return false;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int artifacts_verify(const struct artifacts *a, struct rimg_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < a->n && rc == 0; i++)
		rc = rimg_source_verify(a->list[i].image->src, err);
	return rc;
}
