/* SPDX-License-Identifier: MIT */
/*
 * embed.c - a program that uses librimg
 *
 *     cc embed.c -o embed $(pkg-config --cflags --libs rimg)
 *
 *     embed list ADDRESS     SHA-256 and address of every file, also in containers that lie in
 * files embed check ADDRESS    everything that is wrong with it, and the verdict embed diff A B
 * what differs, and why
 *
 * Exit code 0: it is so (all was read; sound; the same bytes), 1: it is not, 2: trouble. An address
 * is a path, or steps into it: disk.img::REDOX::/boot. docs/embedding.md explains the calls.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rimg/check.h>
#include <rimg/diff.h>
#include <rimg/image.h>

enum { HOLDS, FAILS, TROUBLE };

static int complain(const struct rimg_error *err)
{
	char line[1200];

	fprintf(stderr, "embed: %s\n", rimg_error_format(err, line, sizeof(line)));
	return TROUBLE;
}

/* ---- list ----------------------------------------------------------------------------------- */

/* The address of a node; the caller frees it. */
static char *address_of(const struct rimg_node *node)
{
	size_t len = rimg_node_address(node, NULL, 0);
	char *text = malloc(len + 1);

	if (text)
		rimg_node_address(node, text, len + 1);
	return text;
}

static int list_file(const struct rimg_node *file, struct rimg_error *err)
{
	const struct rimg_source *content = rimg_node_content(file);
	uint8_t digest[RIMG_SHA256_LEN];
	char *address = address_of(file);
	int rc = 0;

	if (content)
		rc = rimg_source_sha256(content, digest, err);
	if (content && rc == 0) {
		for (size_t i = 0; i < sizeof(digest); i++)
			printf("%02x", digest[i]);
		printf("  %s\n", address ? address : "?");
	}
	free(address);
	return rc;
}

/* The node that comes after @node in the tree of @top. Trees are as deep as an image wants: no
 * recursion. */
static struct rimg_node *next_node(struct rimg_node *node, const struct rimg_node *top)
{
	struct rimg_node *next = rimg_node_first_child(node);

	while (!next && node != top) {
		next = rimg_node_next(node);
		node = rimg_node_parent(node);
	}
	return next;
}

static bool say_finding(void *arg, const struct rimg_finding *finding)
{
	int *status = (int *)arg;
	char *address = address_of(finding->node);

	fprintf(stderr, "embed: %s: %s [%s]\n", address ? address : "?", finding->text,
		finding->code);
	free(address);
	if (finding->severity == RIMG_SEVERITY_ERROR)
		*status = FAILS;
	return true;
}

static int list(struct rimg_image *image, struct rimg_node *top)
{
	struct rimg_error err;
	int status = HOLDS, rc;

	for (struct rimg_node *n = top; n; n = next_node(n, top)) {
		/* without this, what cannot be opened would look empty */
		rc = rimg_node_open(n, &err);
		if (rc == 0 && rimg_node_role(n) == RIMG_ROLE_FILE)
			rc = list_file(n, &err);
		if (rc == -RIMG_E_NOMEM || rc == -RIMG_E_IO)
			return complain(&err);
		if (rc < 0) { /* this one alone is damaged */
			complain(&err);
			status = FAILS;
		}
	}
	if (rimg_image_each_finding(image, say_finding, &status) > 0)
		status = FAILS;
	/* a file that changed while it was read has no digest */
	if (rimg_source_verify(rimg_node_content(rimg_image_root(image)), &err) < 0)
		return complain(&err);
	return status;
}

/* ---- check ---------------------------------------------------------------------------------- */

static bool say_problem(void *arg, const struct rimg_problem *problem)
{
	(void)arg;
	printf("%s: %s: %s", problem->severity == RIMG_SEVERITY_ERROR ? "error" : "warning",
	       problem->path, problem->text);
	if (problem->code)
		printf(" [%s]", problem->code);
	if (problem->image_off != RIMG_NOT_IN_IMAGE)
		printf(" at byte %" PRIu64 " of the file", problem->image_off);
	printf("\n");
	return true;
}

static int check(struct rimg_image *image, struct rimg_node *node)
{
	const struct rimg_check_summary *sum;
	struct rimg_check *result;
	struct rimg_error err;
	int status = TROUBLE;

	(void)image;
	result = rimg_check_run(node, NULL, &err);
	if (!result)
		return complain(&err);
	rimg_check_each_problem(result, say_problem, NULL);
	sum = rimg_check_get_summary(result);
	printf("%s: %" PRIu64 " errors, %" PRIu64 " warnings, %" PRIu64 " containers\n",
	       rimg_verdict_name(sum->verdict), sum->errors, sum->warnings, sum->containers);
	if (sum->verdict == RIMG_VERDICT_SOUND)
		status = HOLDS;
	else if (sum->verdict == RIMG_VERDICT_UNSOUND)
		status = FAILS;
	rimg_check_free(result);
	return status;
}

/* ---- diff ----------------------------------------------------------------------------------- */

static bool say_difference(void *arg, const struct rimg_difference *d)
{
	(void)arg;
	printf("%s: %s %s", d->path, rimg_diff_kind_name(d->kind), d->field ? d->field : "");
	if (d->a || d->b)
		printf(" %s -> %s", d->a ? d->a : "", d->b ? d->b : "");
	printf(" (%s, %" PRIu64 " bytes)\n", rimg_cause_name(d->cause), d->bytes);
	return true;
}

static int diff(struct rimg_ctx *ctx, struct rimg_node *a, const char *address_b)
{
	const struct rimg_diff_summary *sum;
	struct rimg_image *image_b = NULL;
	struct rimg_diff *result = NULL;
	struct rimg_error err;
	struct rimg_node *b = rimg_image_open_address(ctx, address_b, &image_b, &err);
	int status = TROUBLE;

	if (b)
		result = rimg_diff_run(a, b, NULL, &err);
	if (!result || rimg_diff_each_root(result, RIMG_CAUSES_ALL, say_difference, NULL) < 0) {
		complain(&err);
	} else {
		sum = rimg_diff_get_summary(result);
		printf("%" PRIu64 " differences, %" PRIu64 " bytes of %" PRIu64 ", %" PRIu64
		       " unexplained\n",
		       sum->differences, sum->differing, sum->compared, sum->unexplained);
		if (sum->unread == 0)
			status = sum->identical ? HOLDS : FAILS;
	}
	rimg_diff_free(result);
	rimg_image_free(image_b);
	return status;
}

/* ---- one call ------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 0);
	struct rimg_image *image = NULL;
	struct rimg_error err;
	struct rimg_node *node;
	int status = TROUBLE;

	if (argc < 3 || !ctx) {
		fprintf(stderr, "usage: embed list|check ADDRESS, embed diff A B; librimg %s\n",
			rimg_version());
		rimg_ctx_free(ctx);
		return TROUBLE;
	}
	node = rimg_image_open_address(ctx, argv[2], &image, &err);
	if (!node)
		complain(&err);
	else if (strcmp(argv[1], "list") == 0 && argc == 3)
		status = list(image, node);
	else if (strcmp(argv[1], "check") == 0 && argc == 3)
		status = check(image, node);
	else if (strcmp(argv[1], "diff") == 0 && argc == 4)
		status = diff(ctx, node, argv[3]);
	else
		fprintf(stderr, "embed: expected list, check or diff and as many addresses\n");
	rimg_image_free(image);
	rimg_ctx_free(ctx);
	if (fflush(stdout) != 0) {
		perror("embed: cannot write the results");
		return TROUBLE;
	}
	return status;
}
