/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/address.h"
#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"

/* How a command enters its sandbox, and opens what it looks at inside. */

const char *call_sandbox_missing(const struct sandbox_state *state)
{
	if (!state->landlock)
		return "this kernel offers no Landlock: it takes Linux 5.13 or newer with landlock "
		       "in its list of security modules (lsm=), 5.19 for extract, and a container "
		       "that lets it through";
	if (!state->seccomp && sandbox_instrumented())
		return "a build for a sanitizer has no seccomp: use another one";
	if (!state->seccomp)
		return "this kernel offers no seccomp: it takes CONFIG_SECCOMP_FILTER, and no "
		       "emulator between rimg and it";
	return NULL;
}

/* A command that judges tells what its verdict was reached in with -v, and what is missing always;
 * others tell with -v what is missing. */
static void tell(struct command_call *call)
{
	const struct sandbox_state *s = &call->sandbox;
	const char *missing = call_sandbox_missing(s);
	bool judges = strncmp(call->command->name, "verify ", strlen("verify ")) == 0;

	if (judges && call->verbose)
		call_complain(call, "sandbox: %s%s%s", s->landlock ? "Landlock" : "",
			      s->landlock && s->seccomp ? " and " : "",
			      s->seccomp    ? "seccomp"
			      : s->landlock ? ", no seccomp"
					    : "none");
	if (!missing || sandbox_instrumented())
		return;
	if (judges)
		call_warn(call, "the sandbox is not whole: %s", missing);
	else if (call->verbose)
		call_complain(call, "the sandbox is not whole: %s", missing);
}

static int enter(struct command_call *call, struct sandbox *s)
{
	const char *missing;

	sandbox_enter(s, &call->sandbox);
	sandbox_done(s);
	if (!call->confined)
		tell(call);
	call->confined = true;
	missing = call->require_sandbox ? call_sandbox_missing(&call->sandbox) : NULL;
	if (!missing)
		return EXIT_HOLDS;
	call_complain(call, "--require-sandbox: %s", missing);
	return EXIT_TROUBLE;
}

int call_confine(struct command_call *call, struct sandbox *s)
{
	if (call->confined) {
		sandbox_done(s);
		return EXIT_HOLDS;
	}
	call->opens_later = s->later || s->writes;
	return enter(call, s);
}

/* From here on nothing is opened. */
static int close_doors(struct command_call *call)
{
	struct sandbox s;

	if (call->opens_later)
		return EXIT_HOLDS;
	sandbox_init(&s);
	return enter(call, &s);
}

void call_may_read(struct sandbox *s, const char *address)
{
	auto_free char *path = NULL;
	const char *steps;

	/* one that cannot be split is complained of by whoever opens it */
	if (address && address_split(address, &path, &steps, NULL) == 0)
		sandbox_may_read(s, path);
}

void call_may_read_each(const struct command_call *call, struct sandbox *s, const char *option)
{
	const char *value;
	size_t i = 0;

	while ((value = call_each(call, option, &i)) != NULL)
		sandbox_may_read(s, value);
}

/* ---- opening -------------------------------------------------------------------------------- */

static struct rimg_node *find(struct command_call *call, struct rimg_image **image,
			      const char *steps)
{
	struct rimg_error err;
	struct rimg_node *node = address_find((*image)->root, steps, &err);

	if (node)
		return node;
	rimg_image_free(take_ptr(*image));
	call_error(call, &err);
	return NULL;
}

/* @n addresses, with NULL for what could not be opened. */
static bool open_all(struct command_call *call, const char *const *addresses, size_t n,
		     struct rimg_image **ret_images, struct rimg_node **ret_nodes)
{
	const char *steps[2];
	struct rimg_error err;
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		ret_nodes[i] = NULL;
		ret_images[i] = address_open(call->ctx, addresses[i], &steps[i], &err);
		if (!ret_images[i])
			call_error(call, &err);
	}
	if (close_doors(call) != EXIT_HOLDS)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (ret_images[i])
			ret_nodes[i] = find(call, &ret_images[i], steps[i]);
		all &= ret_nodes[i] != NULL;
	}
	return all;
}

struct rimg_node *call_open(struct command_call *call, const char *address,
			    struct rimg_image **ret_image)
{
	struct rimg_node *node;

	return open_all(call, &address, 1, ret_image, &node) ? node : NULL;
}

bool call_open_two(struct command_call *call, const char *const addresses[2],
		   struct rimg_image *ret_images[2], struct rimg_node *ret_nodes[2])
{
	return open_all(call, addresses, 2, ret_images, ret_nodes);
}
