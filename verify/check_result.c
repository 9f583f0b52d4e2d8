/* SPDX-License-Identifier: MIT */
#include <rimg/check.h>

#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/str.h"
#include "verify/check.h"

/* The public face of check.h. */

struct rimg_check {
	struct check_report report;
	struct rimg_check_summary summary;
};

static enum rimg_verdict public_verdict(enum check_verdict v)
{
	switch (v) {
	case CHECK_SOUND: return RIMG_VERDICT_SOUND;
	case CHECK_UNSOUND: return RIMG_VERDICT_UNSOUND;
	case CHECK_UNREAD: break;
	}
	return RIMG_VERDICT_OPEN;
}

const char *rimg_verdict_name(enum rimg_verdict verdict)
{
	switch (verdict) {
	case RIMG_VERDICT_SOUND: return check_verdict_name(CHECK_SOUND);
	case RIMG_VERDICT_UNSOUND: return check_verdict_name(CHECK_UNSOUND);
	case RIMG_VERDICT_OPEN: return check_verdict_name(CHECK_UNREAD);
	}
	return "unknown";
}

void rimg_check_free(struct rimg_check *check)
{
	if (!check)
		return;
	check_report_done(&check->report);
	free(check);
}

static void cleanup_check(struct rimg_check **check)
{
	rimg_check_free(*check);
}

static void sum_up(struct rimg_check *check)
{
	const struct check_report *r = &check->report;

	check->summary = (struct rimg_check_summary){
		.verdict = public_verdict(check_verdict(r)),
		.errors = r->n_errors,
		.warnings = r->n_warnings,
		.unread = r->n_unread,
		.containers = r->containers,
		.files = r->files,
		.no_format = r->no_format,
	};
}

/* In an image of its own: a check passes over contents that are open, as it takes them for checked,
 * and the caller may have opened any. */
static int check_anew(struct rimg_node *node, const struct check_options *options,
		      struct check_report *ret, struct rimg_error *err)
{
	struct rimg_image *image = node->image;
	auto_image struct rimg_image *again =
		image_open_part(image->ctx, image->root->content, image->name, err);
	auto_str struct str steps = { 0 };

	if (!again)
		return -RIMG_E_NOMEM;
	node_add_address(&steps, node);
	if (steps.failed)
		return error_nomem(err);
	node = rimg_image_find(again, str_cstr(&steps), err);
	return node ? check_node(node, options, ret, err) : -RIMG_E_NOENT;
}

struct rimg_check *rimg_check_run(struct rimg_node *node, const struct rimg_check_options *options,
				  struct rimg_error *err)
{
	auto_with(cleanup_check) struct rimg_check *check = calloc(1, sizeof(*check));
	struct check_options own = { 0 };

	if (options)
		own = (struct check_options){ .strict = options->strict,
					      .progress = options->progress,
					      .arg = options->progress_arg };
	if (!check) {
		error_nomem(err);
		return NULL;
	}
	if (check_anew(node, &own, &check->report, err) < 0)
		return NULL;
	sum_up(check);
	return take_ptr(check);
}

const struct rimg_check_summary *rimg_check_get_summary(const struct rimg_check *check)
{
	return &check->summary;
}

void rimg_check_each_problem(const struct rimg_check *check,
			     bool (*fn)(void *arg, const struct rimg_problem *problem), void *arg)
{
	const struct check_report *r = &check->report;
	bool more = true;

	for (size_t i = 0; i < r->n_problems && more; i++) {
		const struct check_problem *p = &r->problems[i];
		const struct rimg_problem shown = {
			.code = p->code,
			.severity = severity_shown(p->severity),
			.path = p->path,
			.text = p->message,
			.off = p->off,
			.len = p->len,
			.image_off = p->image_off,
		};

		more = fn(arg, &shown);
	}
	for (size_t i = 0; i < r->n_kept_unread && more; i++) {
		const struct check_unread *u = &r->unread[i];
		const struct rimg_problem shown = { .severity = RIMG_SEVERITY_ERROR,
						    .path = u->path,
						    .text = u->message,
						    .image_off = RIMG_NOT_IN_IMAGE };

		more = fn(arg, &shown);
	}
}
