/* SPDX-License-Identifier: MIT */
#include "verify/prebuilt_dir.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/str.h"

#define DEPTH_MAX 64U

struct reader {
	struct command_call *call;
	struct prebuilt *index;
	struct policy policy;
	int status;
	uint64_t n_files;
	struct rimg_error *err;
};

static void free_report(struct audit_report **report)
{
	audit_free(*report);
}

/* One file cannot be read: a matter of the result, not of the work. */
static int complain(struct reader *rd, const struct rimg_error *why)
{
	if (why->code == RIMG_E_NOMEM)
		return error_nomem(rd->err);
	rd->status = call_error(rd->call, why);
	return 0;
}

static int read_file(struct reader *rd, const char *path, const char *name)
{
	auto_image struct rimg_image *image = NULL;
	auto_with(free_report) struct audit_report *report = NULL;
	struct rimg_error why;
	struct rimg_source *src = rimg_source_open_path(path, &why);

	if (!src)
		return complain(rd, &why);
	image = rimg_image_open(rd->call->ctx, src, path, &why);
	if (!image || audit_run(rimg_image_root(image), &rd->policy, NULL, &report, &why) < 0)
		return complain(rd, &why);
	if (report->n_unread > 0) {
		rd->status = EXIT_TROUBLE;
		call_complain(rd->call, "%s: not all of it could be read: %s", path,
			      report->unread[0].text);
	}
	call_progress(rd->call, "prebuilt files read:", ++rd->n_files, 0);
	return prebuilt_add(rd->index, report, name, rd->err);
}

static int ignore_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* alphasort() asks the locale */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_any(struct reader *rd, const char *path, const char *name, unsigned depth);

static int read_entry(struct reader *rd, const char *path, const char *name, const char *entry,
		      unsigned depth)
{
	auto_str struct str inner = { 0 }, inner_name = { 0 };

	str_printf(&inner, "%s/%s", path, entry);
	str_printf(&inner_name, "%s%s%s", name, name[0] ? "/" : "", entry);
	if (inner.failed || inner_name.failed)
		return error_nomem(rd->err);
	return read_any(rd, inner.data, inner_name.data, depth);
}

static int read_folder(struct reader *rd, const char *path, const char *name, unsigned depth)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, ignore_dots, compare_names), rc = 0;

	if (n < 0)
		return error_os(rd->err, path, "cannot list");
	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = read_entry(rd, path, name, list[i]->d_name, depth + 1);
		free(list[i]);
	}
	free(list);
	return rc;
}

/* @name: what it is called in outputs: the path below what was given */
static int read_any(struct reader *rd, const char *path, const char *name, unsigned depth)
{
	struct stat st;

	if ((depth > 0 ? lstat(path, &st) : stat(path, &st)) < 0)
		return error_os(rd->err, path, "cannot read");
	if (depth > DEPTH_MAX)
		return error_set(rd->err, RIMG_E_LIMIT, path, "more than %u folders in each other",
				 DEPTH_MAX);
	if (S_ISDIR(st.st_mode))
		return read_folder(rd, path, name, depth);
	return S_ISREG(st.st_mode) && st.st_size > 0 ? read_file(rd, path, name) : 0;
}

int prebuilt_read(struct command_call *call, struct prebuilt *index, const char *path,
		  int *ret_status, struct rimg_error *err)
{
	struct reader rd = { .call = call, .index = index, .err = err };
	const char *slash = strrchr(path, '/');
	struct stat st;
	int rc;

	policy_init(&rd.policy);
	/* a file given by itself is called by its name, those of a folder by their paths in it */
	rc = stat(path, &st) == 0 && S_ISREG(st.st_mode)
		     ? read_any(&rd, path, slash ? slash + 1 : path, 0)
		     : read_any(&rd, path, "", 0);
	policy_done(&rd.policy);
	*ret_status = call_worse(*ret_status, rd.status);
	return rc;
}
