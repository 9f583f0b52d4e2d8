/* SPDX-License-Identifier: MIT */
#include "audit/audit.h"

#include <stdlib.h>

#include "audit/walk.h"
#include "core/cleanup.h"
#include "core/error.h"

void audit_free(struct audit_report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < report->n_objects; i++)
		code_object_free(report->objects[i]);
	free(report->objects);
	free(report->artifacts);
	free(report->unread);
	free(report->uses);
	arena_done(&report->arena);
	free(report);
}

static void free_report(struct audit_report **report)
{
	audit_free(*report);
}

/* Objects belong to the report once it has been judged. */
static void work_done(struct audit_work *w)
{
	for (size_t i = 0; i < w->n_contents; i++) {
		struct audit_content *c = &w->contents[i];

		free(c->paths);
		free(c->ranges);
		free(c->err);
		if (!c->own_object && w->report && !w->report->objects)
			code_object_free(c->object);
	}
	free(w->contents);
	free(w->marked);
}

/* A read that failed where nobody could tell it from "nothing there", or a file that changed. */
static int tell_failed_reads(struct audit_work *w)
{
	struct rimg_error why;

	if (w->report->n_unread > 0 ||
	    rimg_source_verify(w->start->image->root->content, &why) == 0)
		return 0;
	return audit_add_unread_node(w, w->start, why.text, true) < 0 ? error_nomem(w->err) : 0;
}

/* To have judged nothing is not to pass: a section without its program says nothing of what its
 * bytes are, and an empty file, or one of zeros, is what a build leaves that came to nothing. */
static int tell_nothing_judged(struct audit_work *w)
{
	const char *why = NULL;
	bool found = false;

	for (size_t i = 0; i < w->n_contents; i++)
		found = found || w->contents[i].artifact;
	if (found)
		return 0;
	switch (w->start->role) {
	case RIMG_ROLE_SEGMENT:
	case RIMG_ROLE_SECTION:
	case RIMG_ROLE_FUNCTION:
		why = "expected a program, found a part of one, which says too little: audit the "
		      "program";
		break;
	case RIMG_ROLE_IMAGE:
		if (!w->start->image->layers)
			why = "expected an image or a program, found nothing in it but zeros, if "
			      "anything";
		break;
	default: break;
	}
	return why && audit_add_unread_node(w, w->start, why, true) < 0 ? error_nomem(w->err) : 0;
}

/**
 * audit_run - see audit.h
 *
 * Facts about what counts as what: docs/audit.md.
 */
int audit_run(struct rimg_node *node, const struct policy *policy,
	      const struct audit_options *options, struct audit_report **ret,
	      struct rimg_error *err)
{
	auto_with(free_report) struct audit_report *report = calloc(1, sizeof(*report));
	auto_with(work_done) struct audit_work w = { .ctx = node->image->ctx,
						     .start = node,
						     .report = report,
						     .options = options,
						     .err = err };
	int rc;

	if (!report)
		return error_nomem(err);
	arena_init(&report->arena, 0);
	report->policy = policy;
	report->prebuilt = options ? options->prebuilt : NULL;
	w.hashable = audit_budget(&w);
	rc = audit_walk(&w);
	if (rc < 0)
		return rc;
	rc = audit_look(&w, 0);
	if (rc == 0)
		rc = audit_scan(&w);
	if (rc < 0)
		return error_nomem(err);
	rc = tell_failed_reads(&w);
	if (rc == 0)
		rc = tell_nothing_judged(&w);
	if (rc == 0)
		rc = audit_judge(&w);
	if (rc < 0)
		return rc;
	*ret = take_ptr(report);
	return 0;
}
