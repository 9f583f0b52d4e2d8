/* SPDX-License-Identifier: MIT */

/* The working directory, which is removed at the end, holds the outputs and what the builds
 * printed: 0.out, 0.log, 1.out, ... Builds happen in a directory of their own, the same path each
 * time unless the path is what is varied:
 *
 *     build/        a command's fresh copy of its sources; empty for `rimg build`, which reads its
 *     LONG_NAME/    inputs where they are
 *     sources/      to vary their order: a copy of these inputs
 *     home/         the other home directory */

#include "verify/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/sink.h"
#include "core/source.h"
#include "core/str.h"
#include "verify/worktree.h"

#define WORK_DIR  "/var/tmp"
#define ORDER_DIR "/dev/shm" /* tmpfs lists entries in the order in which they were made */
#define TEMPLATE  "/rimg-rebuild-XXXXXX"
#define LONG_NAME "a-folder-with-a-name-that-is-longer-than-the-other"
#define LOG_TAIL  ((uint64_t)4096)
#define SET_MAX   1024 /* --set options of one manifest */

/* Strings in the arena live as long as the result. */
struct rebuild {
	const struct rebuild_request *rq;
	struct rebuild_result *r;
	struct rimg_error *err;
	const char *source;   /* of the command, or the folder of the manifest's inputs; absolute */
	const char *manifest; /* absolute */
	const char *place;    /* where builds happen */
	unsigned n_outputs;
};

static const char *const why_names[] = {
	[REBUILD_PLAIN] = "plain",     [REBUILD_VARIED] = "varied",    [REBUILD_AGAIN] = "again",
	[REBUILD_STOPPED] = "stopped", [REBUILD_SINGLE] = "one thing",
};

const char *rebuild_why_name(enum rebuild_why why)
{
	return why_names[why];
}

/* What the arena gave, or NULL and the error for it. */
static const char *kept(struct rebuild *b, const char *text)
{
	if (!text)
		error_nomem(b->err);
	return text;
}

/* text(b, format, ...): formatted, lives as long as the result; NULL with an error */
#define text(b, ...) kept(b, arena_printf(&(b)->r->arena, __VA_ARGS__))

static const char *absolute(struct rebuild *b, const char *path)
{
	auto_free char *real = realpath(path, NULL);

	if (!real) {
		error_os(b->err, path, "cannot find it");
		return NULL;
	}
	return text(b, "%s", real);
}

/* ---- one build ----------------------------------------------------------------------------- */

struct command_line {
	const char *argv[32 + 2 * SET_MAX];
	size_t n;
};

static void add_word(struct command_line *c, const char *word)
{
	c->argv[c->n++] = word;
}

/* `rimg build`, with the sources where they are or in a copy. */
static int rimg_line(struct rebuild *b, const struct rebuild_build *build, struct command_line *c)
{
	const struct rebuild_request *rq = b->rq;
	const char *manifest = b->manifest, *base = rq->base ? b->source : NULL;
	const char *self = absolute(b, "/proc/self/exe");

	if (!self)
		return -RIMG_E_IO;
	if (build->varied & VARY_BIT(VARY_ORDER)) {
		const char *copy = text(b, "%s/sources", b->place);

		if (base)
			base = copy;
		else if (copy)
			manifest = text(b, "%s/%s", copy, strrchr(manifest, '/') + 1);
		if (!copy || !manifest)
			return -RIMG_E_NOMEM;
		worktree_remove(copy);
		if (worktree_copy(b->source, copy, true, b->err) < 0)
			return -RIMG_E_IO;
	}
	add_word(c, self);
	add_word(c, "build");
	add_word(c, "--quiet");
	if (rq->require_sandbox)
		add_word(c, "--require-sandbox");
	add_word(c, "-j");
	add_word(c, build->varied & VARY_BIT(VARY_THREADS) ? "1" : "3");
	for (size_t i = 0; i < rq->n_set; i++) {
		add_word(c, "--set");
		add_word(c, rq->set[i]);
	}
	if (base) {
		add_word(c, "-C");
		add_word(c, base);
	}
	add_word(c, "-o");
	add_word(c, build->path);
	add_word(c, "--");
	add_word(c, manifest);
	return 0;
}

static int make_dir(struct rebuild *b, const char *path)
{
	return mkdir(path, 0755) == 0 || errno == EEXIST
		       ? 0
		       : error_os(b->err, path, "cannot make the directory");
}

/* Does @path, whatever links it goes by, lie in the copy? What lies elsewhere is not made anew for
 * each build. 0, or -RIMG_E_NOENT when there is no such file. */
static int check_inside(struct rebuild *b, const char *copy, const char *path)
{
	auto_free char *root = realpath(copy, NULL), *real = realpath(path, NULL);
	size_t len = root ? strlen(root) : 0;

	if (!real || !root) {
		int why = errno;

		(void)error_os(b->err, path, "cannot find it");
		return why == ENOENT ? -RIMG_E_NOENT : -RIMG_E_IO;
	}
	if (strncmp(real, root, len) != 0 || (real[len] != '\0' && real[len] != '/'))
		return error_set(b->err, RIMG_E_ARG, b->rq->artifact,
				 "lies outside of the copy that the command runs in, so that each "
				 "build would find what the one before it made");
	return 0;
}

/* What an earlier build left at the artifact's place in the copy would pass for a new one if the
 * command took it to be up to date. */
static int remove_artifact(struct rebuild *b, const char *copy)
{
	const char *name = b->rq->artifact, *slash = strrchr(name, '/');
	const char *path = text(b, "%s/%s", copy, name);
	const char *parent = text(b, "%s/%.*s", copy, slash ? (int)(slash - name) : 0, name);
	int rc = path && parent ? check_inside(b, copy, parent) : -RIMG_E_NOMEM;

	if (rc < 0) /* without a directory for it there is no artifact yet */
		return rc == -RIMG_E_NOENT ? 0 : rc;
	if (unlink(path) < 0 && errno != ENOENT)
		return error_os(b->err, path, "cannot remove what an earlier build left");
	return 0;
}

/* The directory that the build starts in, new and, for a command, with its sources. */
static const char *start_dir(struct rebuild *b, uint32_t varied)
{
	const char *plain = text(b, "%s/build", b->place);
	const char *outer = text(b, "%s/" LONG_NAME, b->place);
	const char *path = text(b, "%s/" LONG_NAME, outer ? outer : "");
	int rc = 0;

	if (!plain || !outer || !path)
		return NULL;
	worktree_remove(plain);
	worktree_remove(outer);
	if (varied & VARY_BIT(VARY_CWD))
		rc = make_dir(b, outer);
	else
		path = plain;
	if (rc == 0 && b->rq->command)
		rc = worktree_copy(b->source, path, varied & VARY_BIT(VARY_ORDER), b->err);
	else if (rc == 0)
		rc = make_dir(b, path);
	if (rc == 0 && b->rq->command)
		rc = remove_artifact(b, path);
	return rc < 0 ? NULL : path;
}

/* The end of what a failed build printed, for whoever wants to know why. */
static void keep_log(struct rebuild *b, const char *path)
{
	struct rimg_source *src = rimg_source_open_path(path, NULL);
	uint64_t size = src ? rimg_source_size(src) : 0;
	uint64_t len = num_min(size, LOG_TAIL);
	char *tail = src ? malloc((size_t)len + 1) : NULL;

	if (tail && rimg_source_read(src, size - len, tail, (size_t)len, NULL) == 0) {
		tail[len] = '\0';
		free(b->r->log);
		b->r->log = take_ptr(tail);
	}
	free(tail);
	rimg_source_free(src);
}

static int start(struct rebuild *b, struct rebuild_build *build, const char *log)
{
	const char *home = text(b, "%s/home", b->place);
	const char *cwd = start_dir(b, build->varied);
	auto_close int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	auto_free struct command_line *c = calloc(1, sizeof(*c));
	struct vary_run run = {
		.cwd = cwd, .home = home, .log = fd, .set = build->varied, .stopped = build->stopped
	};
	int status = -1, rc = 0;

	if (fd < 0)
		return error_os(b->err, log, "cannot write it");
	if (!home || !cwd || !c)
		return c ? -RIMG_E_IO : error_nomem(b->err);
	if (b->rq->command) {
		add_word(c, "/bin/sh");
		add_word(c, "-c");
		add_word(c, b->rq->command);
	} else {
		rc = rimg_line(b, build, c);
	}
	run.argv = c->argv;
	if (rc == 0)
		rc = vary_start(&b->r->host, &run, &status, b->err);
	if (rc < 0)
		return rc;
	if (status != 0) {
		keep_log(b, log);
		return error_set(b->err, RIMG_E_BAD, why_names[build->why],
				 "this build failed with exit code %d; see the end of what it "
				 "printed",
				 status);
	}
	return 0;
}

/* What the command made leaves its directory before that is made anew. */
static int fetch_artifact(struct rebuild *b, const struct rebuild_build *build)
{
	const char *dir = build->varied & VARY_BIT(VARY_CWD) ? LONG_NAME "/" LONG_NAME : "build";
	const char *copy = text(b, "%s/%s", b->place, dir);
	const char *path = text(b, "%s/%s", copy ? copy : "", b->rq->artifact);
	int rc = copy && path ? check_inside(b, copy, path) : -RIMG_E_NOMEM;
	auto_source struct rimg_source *src = rc == 0 ? rimg_source_open_path(path, b->err) : NULL;
	auto_sink struct sink *sink =
		src ? sink_file(build->path, rimg_source_size(src), b->err) : NULL;

	if (rc == -RIMG_E_NOENT)
		return error_set(b->err, RIMG_E_NOENT, b->rq->artifact,
				 "the command ended well, but has not made this file (--artifact, "
				 "relative to the directory that the command starts in)");
	rc = sink ? sink_copy(sink, 0, src, b->err) : -RIMG_E_IO;
	return rc < 0 ? rc : sink_commit(sink, b->err);
}

static int digest_output(struct rebuild_build *build, struct rimg_error *err)
{
	auto_source struct rimg_source *src = rimg_source_open_path(build->path, err);

	if (!src)
		return -RIMG_E_IO;
	build->size = rimg_source_size(src);
	if (digest_source(src, build->sha256, err) < 0)
		return -RIMG_E_IO;
	return rimg_source_verify(src, err);
}

/* Build once. @ret: its index in the results. */
static int build_once(struct rebuild *b, enum rebuild_why why, uint32_t varied, bool stopped,
		      size_t *ret)
{
	struct rebuild_build build = { .why = why, .varied = varied, .stopped = stopped };
	struct rebuild_build *builds =
		vec_grow(b->r->builds, &b->r->cap_builds, b->r->n_builds, sizeof(*builds));
	const char *log;
	int rc;

	if (!builds)
		return error_nomem(b->err);
	b->r->builds = builds;
	build.path = text(b, "%s/%u.out", b->r->work, b->n_outputs);
	log = text(b, "%s/%u.log", b->r->work, b->n_outputs++);
	if (!build.path || !log)
		return -RIMG_E_NOMEM;
	if (b->rq->progress)
		b->rq->progress(b->rq->progress_arg,
				why == REBUILD_SINGLE
					? vary_name((enum vary_id)__builtin_ctz(varied))
					: why_names[why]);
	rc = start(b, &build, log);
	if (rc == 0 && b->rq->command)
		rc = fetch_artifact(b, &build);
	if (rc == 0)
		rc = digest_output(&build, b->err);
	if (rc < 0)
		return rc;
	*ret = b->r->n_builds;
	builds[b->r->n_builds++] = build;
	return 0;
}

/* Is build @i the same as build @base? Outputs that nobody needs any more make room. */
static bool compare(struct rebuild *b, size_t i, size_t base)
{
	struct rebuild_build *build = &b->r->builds[i];

	build->same = build->size == b->r->builds[base].size &&
		      memcmp(build->sha256, b->r->builds[base].sha256, SHA256_LEN) == 0;
	if (!build->same && !b->r->b && base == 0) {
		b->r->a = b->r->builds[0].path;
		b->r->b = build->path;
	} else if (!b->rq->keep) {
		unlink(build->path);
	}
	return build->same;
}

/* ---- who is to blame ----------------------------------------------------------------------- */

/* The build differs from itself. With a clock that stands still, too? */
static int try_stopped(struct rebuild *b, size_t *ret_base)
{
	size_t first = 0, second = 0;
	int rc;

	if (!b->r->host.faketime) {
		b->r->by_itself = true;
		return 0;
	}
	rc = build_once(b, REBUILD_STOPPED, 0, true, &first);
	if (rc == 0)
		rc = build_once(b, REBUILD_STOPPED, 0, true, &second);
	if (rc < 0)
		return rc;
	b->r->builds[first].same = true;
	if (compare(b, second, first))
		b->r->blamed |= VARY_BIT(VARY_TIME);
	else
		b->r->by_itself = true;
	*ret_base = first;
	return 0;
}

static int find_blame(struct rebuild *b)
{
	size_t again = 0, base = 0;
	bool stopped;
	int rc = build_once(b, REBUILD_AGAIN, 0, false, &again);

	if (rc == 0 && !compare(b, again, 0))
		rc = try_stopped(b, &base);
	if (rc < 0 || b->r->by_itself)
		return rc;
	stopped = base != 0;
	for (unsigned id = 0; id < N_VARY; id++) {
		size_t single = 0;

		if (!(b->r->varied & VARY_BIT(id)) || (stopped && id == VARY_TIME))
			continue;
		rc = build_once(b, REBUILD_SINGLE, VARY_BIT(id), stopped, &single);
		if (rc < 0)
			return rc;
		if (!compare(b, single, base))
			b->r->blamed |= VARY_BIT(id);
	}
	b->r->together = b->r->blamed == 0;
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int find_source(struct rebuild *b)
{
	const struct rebuild_request *rq = b->rq;
	const char *slash;

	if (rq->command) {
		b->source = absolute(b, rq->source ? rq->source : ".");
		return b->source ? 0 : -RIMG_E_IO;
	}
	b->manifest = absolute(b, rq->manifest);
	if (!b->manifest)
		return -RIMG_E_IO;
	slash = strrchr(b->manifest, '/');
	if (rq->base)
		b->source = absolute(b, rq->base);
	else if (slash == b->manifest)
		b->source = "/";
	else
		b->source = text(b, "%.*s", (int)(slash - b->manifest), b->manifest);
	return b->source ? 0 : -RIMG_E_IO;
}

static char *new_dir(struct rebuild *b, const char *parent)
{
	auto_str struct str path = { 0 };

	str_add(&path, parent);
	str_add(&path, TEMPLATE);
	if (path.failed) {
		error_nomem(b->err);
		return NULL;
	}
	if (!mkdtemp(path.data)) {
		error_os(b->err, parent, "cannot make a working directory in it");
		return NULL;
	}
	return str_take(&path);
}

static int make_work(struct rebuild *b)
{
	const struct rebuild_request *rq = b->rq;

	if (!rq->keep) {
		const char *parent = absolute(b, rq->work ? rq->work : WORK_DIR);

		b->r->work = parent ? new_dir(b, parent) : NULL;
		return b->r->work ? 0 : -RIMG_E_IO;
	}
	if (mkdir(rq->keep, 0755) < 0)
		return error_os(b->err, rq->keep, "cannot make this new directory");
	b->r->work = realpath(rq->keep, NULL);
	b->r->keep = true;
	return b->r->work ? 0 : error_os(b->err, rq->keep, "cannot find it");
}

static void forget(struct rebuild *b, enum vary_id id, const char *why)
{
	b->r->host.can &= ~VARY_BIT(id);
	b->r->varied &= ~VARY_BIT(id);
	snprintf(b->r->host.how[id], sizeof(b->r->host.how[id]), "%s", why);
}

/* Builds happen where the order of entries can be varied, if there is room for three copies. */
static int find_place(struct rebuild *b)
{
	struct statvfs fs;
	uint64_t size, room;

	b->place = b->r->work;
	if (!(b->rq->vary & VARY_BIT(VARY_ORDER)))
		return 0;
	if (worktree_size(b->source, &size, b->err) < 0)
		return b->rq->command ? -RIMG_E_IO : 0; /* probe_order() tells why */
	if (statvfs(ORDER_DIR, &fs) < 0 || access(ORDER_DIR, W_OK) < 0 ||
	    !num_mul(fs.f_bavail, fs.f_frsize, &room) || room / 3 < size)
		return 0;
	b->r->place = new_dir(b, ORDER_DIR);
	b->place = b->r->place;
	return b->place ? 0 : -RIMG_E_IO;
}

/* Does a copy that was made backwards list anything in another order than what is built from? */
static int probe_order(struct rebuild *b)
{
	const char *forwards = text(b, "%s/forwards", b->place);
	const char *backwards = text(b, "%s/backwards", b->place);
	char why[sizeof(b->err->where) + sizeof(b->err->text) + 64];
	bool same = true;
	int rc = forwards && backwards ? 0 : -RIMG_E_NOMEM;

	if (rc == 0 && b->rq->command)
		rc = worktree_copy(b->source, forwards, false, b->err);
	if (rc == 0)
		rc = worktree_copy(b->source, backwards, true, b->err);
	if (rc < 0 && rc != -RIMG_E_NOMEM && !b->rq->command) {
		/* a manifest can be built without a copy of what lies around it */
		worktree_remove(backwards);
		forget(b, VARY_ORDER, rimg_error_format(b->err, why, sizeof(why)));
		return 0;
	}
	if (rc == 0)
		rc = worktree_same_order(b->rq->command ? forwards : b->source, backwards, &same,
					 b->err);
	worktree_remove(forwards);
	worktree_remove(backwards);
	if (rc == 0 && same)
		forget(b, VARY_ORDER, "file systems here list a copy in the same order");
	return rc;
}

static int prepare(struct rebuild *b)
{
	const char *home;
	int rc = find_source(b);

	if (rc == 0)
		rc = make_work(b);
	if (rc == 0)
		rc = find_place(b);
	home = rc == 0 ? text(b, "%s/home", b->place) : NULL;
	if (!home || make_dir(b, home) < 0)
		return -RIMG_E_IO;
	vary_probe(&b->r->host);
	if (b->rq->vary & VARY_BIT(VARY_ORDER))
		rc = probe_order(b);
	b->r->varied = b->rq->vary & b->r->host.can;
	return rc;
}

static int compare_expected(struct rebuild *b)
{
	struct rebuild_build expected = { .path = b->rq->expected };

	b->r->as_expected = true;
	if (!expected.path)
		return 0;
	if (digest_output(&expected, b->err) < 0)
		return -RIMG_E_IO;
	b->r->as_expected = expected.size == b->r->builds[0].size &&
			    memcmp(expected.sha256, b->r->builds[0].sha256, SHA256_LEN) == 0;
	if (!b->r->as_expected && !b->r->b) {
		b->r->a = b->r->builds[0].path;
		b->r->b = b->rq->expected;
	}
	return 0;
}

/* Vary all that can be. What a manifest names may lie outside of what is copied to vary its order:
 * then that cannot be varied. */
static int build_varied(struct rebuild *b, size_t *ret)
{
	int rc = build_once(b, REBUILD_VARIED, b->r->varied, false, ret);

	if (rc == 0 || vary_interrupted() || b->rq->command ||
	    !(b->r->varied & VARY_BIT(VARY_ORDER)))
		return rc;
	forget(b, VARY_ORDER, "a copy of the manifest's directory cannot be built from");
	return build_once(b, REBUILD_VARIED, b->r->varied, false, ret);
}

static int run(struct rebuild *b)
{
	struct rebuild_result *r = b->r;
	size_t i;
	int rc = prepare(b);

	if (rc == 0)
		rc = build_once(b, REBUILD_PLAIN, 0, false, &i);
	if (rc < 0)
		return rc;
	r->builds[0].same = true;
	for (unsigned n = 1; n < b->rq->times && rc == 0; n++) {
		rc = build_varied(b, &i);
		if (rc == 0 && !compare(b, i, 0))
			r->reproducible = false;
	}
	if (rc == 0 && !r->reproducible)
		rc = find_blame(b);
	return rc < 0 ? rc : compare_expected(b);
}

int rebuild_run(const struct rebuild_request *rq, struct rebuild_result *ret,
		struct rimg_error *err)
{
	struct rimg_error unused;
	struct rebuild b = { .rq = rq, .r = ret, .err = err ? err : &unused };
	int rc;

	*ret = (struct rebuild_result){ .reproducible = true };
	if (rq->n_set > SET_MAX)
		return error_set(err, RIMG_E_LIMIT, NULL, "more than %d --set", SET_MAX);
	arena_init(&ret->arena, 0);
	vary_catch(true);
	rc = run(&b);
	vary_catch(false);
	return rc;
}

void rebuild_done(struct rebuild_result *r)
{
	if (r->place)
		worktree_remove(r->place);
	if (r->work && r->keep) {
		static const char *const made[] = { "build", LONG_NAME, "sources", "home" };

		for (size_t i = 0; i < ARRAY_LEN(made); i++) {
			auto_str struct str path = { 0 };

			str_printf(&path, "%s/%s", r->work, made[i]);
			if (!path.failed)
				worktree_remove(path.data);
		}
	} else if (r->work) {
		worktree_remove(r->work);
	}
	free(r->place);
	free(r->work);
	free(r->log);
	free(r->builds);
	arena_done(&r->arena);
}
