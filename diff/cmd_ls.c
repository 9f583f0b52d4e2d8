/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/command.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/jsonw.h"
#include "core/num.h"
#include "core/pool.h"
#include "diff/listing.h"

/* Entries are collected in batches, so that contents can be digested side by side while memory
 * stays small; a batch is printed in order. */
#define BATCH_ENTRIES ((size_t)512)
#define BATCH_PATHS   ((size_t)1 << 20) /* bytes */
#define TROUBLE_SHOWN 100

struct entry {
	struct rimg_node *node;
	size_t path_off, path_len; /* in ls.paths */
	bool digest;               /* wanted; afterwards: got */
	bool over_budget;
	uint8_t sha256[SHA256_LEN];
	struct rimg_error err; /* where there is none although it was wanted */
	int rc;
};

struct ls {
	struct command_call *call;
	struct listing listing;
	bool json, full, whole_paths;
	uint64_t budget; /* bytes that may still be digested */
	struct entry *entries;
	size_t n_entries;
	struct str paths;
	struct str line;
	uint64_t n_done;
	uint64_t n_trouble; /* contents that could not be opened */
	int status;
};

static void ls_done(struct ls *ls)
{
	free(ls->entries);
	str_done(&ls->paths);
	str_done(&ls->line);
}

/* A field of a structure is no attribute of an entry: the "size" in a header is not the header's.
 */
static const struct rimg_attr *entry_attr(const struct rimg_node *inode, const char *key)
{
	return listing_is_entry(inode->role) ? node_attr(inode, key) : NULL;
}

/* ---- one entry as JSON ---------------------------------------------------------------------- */

/* In the order of the listings that other tools print; formats lack some of them. */
static const char *const json_keys[] = { "id",     "inode",  "mode",    "uid",    "gid",
					 "size",   "offset", "midbits", "blocks", "links",
					 "inline", "ctime",  "mtime",   "atime" };

static void put_target(struct ls *ls, struct jsonw *w, const struct entry *e)
{
	auto_str struct str target = { 0 };

	/* a content that cannot be read has been complained about: its digest failed too */
	if (e->node->role == RIMG_ROLE_SYMLINK && listing_target(e->node, &target, NULL) == 0)
		jsonw_bytes(w, "target", str_cstr(&target), target.len);
	if (target.failed)
		ls->status = EXIT_TROUBLE;
}

static void print_json(struct ls *ls, const struct entry *e)
{
	const struct rimg_node *inode = listing_inode(e->node);
	struct jsonw w = { .out = ls->call->out };
	auto_str struct str hex = { 0 };

	jsonw_object(&w, NULL);
	jsonw_bytes(&w, "path", str_cstr(&ls->paths) + e->path_off, e->path_len);
	jsonw_text(&w, "type", rimg_role_name(e->node->role));
	for (size_t i = 0; i < ARRAY_LEN(json_keys); i++) {
		const struct rimg_attr *a = entry_attr(inode, json_keys[i]);

		if (a && a->type == ATTR_HEX) /* numbers are numbers to programs */
			jsonw_u64(&w, a->key, a->u);
		else if (a)
			listing_put_attr(&w, a->key, a);
		else if (strcmp(json_keys[i], "size") == 0 && inode->content)
			jsonw_u64(&w, "size", rimg_source_size(inode->content));
	}
	if (e->digest) {
		str_add_hex(&hex, e->sha256, sizeof(e->sha256));
		jsonw_text(&w, "sha256", str_cstr(&hex));
	}
	put_target(ls, &w, e);
	jsonw_end_object(&w);
	fputc('\n', ls->call->out);
}

/* ---- one entry as text ---------------------------------------------------------------------- */

/* "drwxr-xr-x", or the kind of thing where there are no permissions */
static void add_mode(struct str *s, const struct rimg_node *inode, enum rimg_role role)
{
	static const char kinds[] = {
		[RIMG_ROLE_DIR] = 'd',    [RIMG_ROLE_FILE] = '-',  [RIMG_ROLE_SYMLINK] = 'l',
		[RIMG_ROLE_SOCKET] = 's', [RIMG_ROLE_OTHER] = '?',
	};
	uint64_t mode = node_attr_u64(inode, "mode", UINT64_MAX);
	char text[] = "?rwxrwxrwx";

	if (mode == UINT64_MAX || (size_t)role >= ARRAY_LEN(kinds) || !kinds[role]) {
		str_printf(s, "%-10s", rimg_role_name(role));
		return;
	}
	text[0] = kinds[role];
	for (unsigned i = 0; i < 9; i++)
		if (!(mode >> (8 - i) & 1))
			text[1 + i] = '-';
	if (mode & 04000)
		text[3] = mode & 0100 ? 's' : 'S';
	if (mode & 02000)
		text[6] = mode & 0010 ? 's' : 'S';
	if (mode & 01000)
		text[9] = mode & 0001 ? 't' : 'T';
	str_add(s, text);
}

/* A value right-aligned in @width columns, "-" when there is none. */
static void add_column(struct str *s, const struct str *value, int width)
{
	str_printf(s, " %*s", width, value->len > 0 ? value->data : "-");
}

static void add_attr(struct str *s, const struct rimg_node *inode, const char *key)
{
	const struct rimg_attr *a = entry_attr(inode, key);

	if (a)
		attr_format(s, a);
}

static void add_time(struct str *s, const struct rimg_node *inode)
{
	const struct rimg_attr *a = entry_attr(inode, "mtime");
	struct rimg_attr whole;

	if (!a || a->type != ATTR_TIME)
		return;
	whole = *a;
	whole.time.ns = 0;
	attr_format(s, &whole);
}

static void add_details(struct str *s, const struct rimg_node *node)
{
	const struct rimg_node *inode = listing_inode(node);
	auto_str struct str links = { 0 }, owner = { 0 }, size = { 0 }, mtime = { 0 };

	add_attr(&links, inode, "links");
	if (node_attr(inode, "uid") && node_attr(inode, "gid"))
		str_printf(&owner, "%" PRIu64 ":%" PRIu64, node_attr_u64(inode, "uid", 0),
			   node_attr_u64(inode, "gid", 0));
	add_attr(&size, inode, "size");
	if (size.len == 0 && inode->content)
		str_printf(&size, "%" PRIu64, rimg_source_size(inode->content));
	add_time(&mtime, inode);

	add_mode(s, inode, node->role);
	add_column(s, &links, 3);
	add_column(s, &owner, 9);
	add_column(s, &size, 11);
	add_column(s, &mtime, 20);
	str_add_char(s, ' ');
}

static const char *color_of(const struct rimg_node *node)
{
	if (node->damaged || node->unread)
		return "\033[31m";
	switch (node->role) {
	case RIMG_ROLE_DIR:
	case RIMG_ROLE_PARTITION: return "\033[1;34m";
	case RIMG_ROLE_SYMLINK: return "\033[36m";
	case RIMG_ROLE_SOCKET:
	case RIMG_ROLE_OTHER: return "\033[35m";
	case RIMG_ROLE_META:
	case RIMG_ROLE_SEGMENT:
	case RIMG_ROLE_GAP: return "\033[2m";
	case RIMG_ROLE_FILE:
		return node_attr_u64(listing_inode(node), "mode", 0) & 0111 ? "\033[32m" : NULL;
	default: return NULL;
	}
}

static void add_target(struct ls *ls, struct str *s, const struct rimg_node *node)
{
	auto_str struct str target = { 0 };
	struct rimg_error err;

	if (node->role != RIMG_ROLE_SYMLINK)
		return;
	if (listing_target(node, &target, &err) < 0) {
		auto_free char *address = node_full_address(node);

		call_complain(ls->call, "%s: %s", address ? address : "", err.text);
		ls->status = call_worse(ls->status, EXIT_FAILS);
		return;
	}
	str_add(s, " -> ");
	str_add_escaped(s, str_cstr(&target), target.len, STR_ESCAPE_TEXT);
	s->failed |= target.failed;
}

static void print_text(struct ls *ls, const struct entry *e)
{
	const char *color = ls->call->color ? color_of(e->node) : NULL;
	struct str *s = &ls->line;

	str_clear(s);
	if (ls->full)
		add_details(s, e->node);
	if (color)
		str_add(s, color);
	str_add_len(s, str_cstr(&ls->paths) + e->path_off, e->path_len);
	if (color)
		str_add(s, "\033[0m");
	if (ls->full)
		add_target(ls, s, e->node);
	str_add_char(s, '\n');
	fwrite(str_cstr(s), 1, s->len, ls->call->out);
	if (s->failed)
		ls->status = EXIT_TROUBLE;
}

/* ---- batches -------------------------------------------------------------------------------- */

static bool wants_digest(const struct rimg_node *node)
{
	switch (node->role) {
	case RIMG_ROLE_FILE:
	case RIMG_ROLE_SYMLINK:
	case RIMG_ROLE_SOCKET:
	case RIMG_ROLE_OTHER:
	case RIMG_ROLE_SECTION:
	case RIMG_ROLE_FUNCTION: return true;
	default: return false;
	}
}

static void digest_entry(void *arg, size_t i)
{
	struct ls *ls = arg;
	struct entry *e = &ls->entries[i];

	if (e->digest)
		e->rc = digest_source(listing_inode(e->node)->content, e->sha256, &e->err);
}

static void tell_undigested(struct ls *ls, struct entry *e)
{
	char line[sizeof(e->err.where) + sizeof(e->err.text) + 64];
	auto_free char *address = NULL;

	if (e->rc == 0 && !e->over_budget)
		return;
	e->digest = false;
	ls->status = call_worse(ls->status, EXIT_FAILS);
	address = node_full_address(e->node);
	if (e->over_budget)
		call_complain(ls->call,
			      "%s: not read: the contents of this image are more than %d times "
			      "its size",
			      address ? address : "", LISTING_FACTOR);
	else
		call_complain(ls->call, "%s: its content cannot be read: %s",
			      address ? address : "",
			      rimg_error_format(&e->err, line, sizeof(line)));
}

/* Print what has been collected. Returns 0, or 1 when nobody takes the output any more. */
static int flush(struct ls *ls)
{
	if (ls->json)
		pool_for(ls->call->ctx->threads, ls->n_entries, digest_entry, ls);
	for (size_t i = 0; i < ls->n_entries; i++) {
		tell_undigested(ls, &ls->entries[i]);
		if (ls->json)
			print_json(ls, &ls->entries[i]);
		else
			print_text(ls, &ls->entries[i]);
	}
	ls->n_done += ls->n_entries;
	ls->n_entries = 0;
	str_clear(&ls->paths);
	call_progress(ls->call, "entries listed:", ls->n_done, 0);
	return call_write(ls->call, NULL, 0) ? 0 : 1;
}

static void plan_digest(struct ls *ls, struct entry *e)
{
	const struct rimg_node *inode = listing_inode(e->node);
	uint64_t size;

	if (!ls->json || !wants_digest(e->node) || !inode->content)
		return;
	size = rimg_source_size(inode->content);
	e->over_budget = size > ls->budget;
	e->digest = !e->over_budget;
	if (e->digest)
		ls->budget -= size;
}

static int collect(void *arg, struct rimg_node *node)
{
	struct ls *ls = arg;
	struct entry *e = &ls->entries[ls->n_entries++];

	*e = (struct entry){ .node = node, .path_off = ls->paths.len };
	if (ls->whole_paths || !node->layer)
		listing_path(&ls->listing, node, ls->json, &ls->paths);
	else
		str_add_escaped(&ls->paths, node->name, node->name_len,
				ls->listing.dir->role == RIMG_ROLE_DIR ? STR_ESCAPE_NAME
								       : STR_ESCAPE_STEP);
	e->path_len = ls->paths.len - e->path_off;
	if (ls->paths.failed)
		return -RIMG_E_NOMEM;
	plan_digest(ls, e);
	if (listing_inode(node)->unread)
		ls->status = call_worse(ls->status, EXIT_FAILS);
	if (ls->n_entries == BATCH_ENTRIES || ls->paths.len >= BATCH_PATHS)
		return flush(ls);
	return 0;
}

static void trouble(void *arg, const struct rimg_error *err)
{
	struct ls *ls = arg;

	ls->status = EXIT_TROUBLE;
	/* once a limit of the image is reached, each further content says so */
	if (++ls->n_trouble <= TROUBLE_SHOWN)
		call_error(ls->call, err);
}

/* ---- the command ---------------------------------------------------------------------------- */

static int list(struct ls *ls, struct rimg_node *node, struct rimg_error *err)
{
	struct listing *l = &ls->listing;
	int rc = listing_open(l, node, err);

	if (rc < 0)
		return rc;
	if (l->layer && l->layer->unreadable) {
		ls->status = EXIT_TROUBLE;
		return 0;
	}
	ls->whole_paths = ls->json || l->recursive || !l->dir;
	rc = listing_walk(l, collect, trouble, ls, err);
	if (rc == 0)
		rc = flush(ls);
	if (ls->n_trouble > TROUBLE_SHOWN)
		call_complain(ls->call, "... and %" PRIu64 " more contents could not be opened",
			      ls->n_trouble - TROUBLE_SHOWN);
	return rc;
}

static int run_ls(struct command_call *call)
{
	auto_image struct rimg_image *image = NULL;
	auto_with(ls_done) struct ls ls = { .call = call };
	struct rimg_node *node;
	struct rimg_error err;

	if (call->n_args != 1)
		return call_usage(call, "expected one address, found %zu", call->n_args);
	ls.json = call_has(call, "json");
	ls.full = call_has(call, "long");
	ls.listing.nested = call_has(call, "nested");
	ls.listing.recursive = ls.listing.nested || call_has(call, "recursive");
	ls.listing.all = call_has(call, "all");
	ls.listing.self = call_has(call, "directory");
	ls.entries = calloc(BATCH_ENTRIES, sizeof(*ls.entries));
	node = call_open(call, call->args[0], &image);
	if (!node)
		return EXIT_TROUBLE;
	ls.budget = listing_budget(image);
	/* the failure that has no words of its own; it has not happened yet, so not error_nomem()
	 */
	(void)error_set(&err, RIMG_E_NOMEM, NULL, "out of memory");
	if (!ls.entries || list(&ls, node, &err) < 0)
		ls.status = call_error(call, &err);
	ls.status = call_worse(ls.status, call_findings(call, image));
	if (rimg_source_verify(image->src, &err) < 0)
		ls.status = call_error(call, &err);
	return ls.status;
}

static const struct command_option options[] = {
	OPTION_FLAG("recursive", 'R', "everything below, also in partitions"),
	OPTION_FLAG("nested", 0, "also what lies in files: initfs, archives, programs; implies -R"),
	OPTION_FLAG("long", 'l', "type and mode, links, owner, size, time, name, target"),
	OPTION_FLAG("all", 'a', "also headers, tables, segments and gaps"),
	OPTION_FLAG("directory", 'd', "the thing itself, not what is in it"),
	OPTION_FLAG("json", 0, "a JSON object a line, with the SHA-256 of contents"),
	{ 0 },
};

RIMG_COMMAND(ls) = {
	.name = "ls",
	.summary = "list what is in an image, a partition, a directory, a program",
	.usage = "[-R] [-l] [-a] [-d] [--nested] [--json] ADDRESS",
	.help = "A disk lists its partitions, a file system or directory its files, a program its\n"
		"sections. What is none of these lists itself. Entries are sorted by the bytes of\n"
		"their paths. Names that are not UTF-8 or hold control characters are escaped.\n"
		"\n"
		"With -l: type and permissions, number of names, uid:gid, size in bytes, time of\n"
		"last change in UTC, name. A format that lacks one of these shows \"-\".\n"
		"\n"
		"With --json the keys are path, type, id or inode, mode, uid, gid, size, blocks,\n"
		"links, inline, ctime, mtime, atime, sha256, target; those that a format lacks\n"
		"are left out. Paths begin with \"/\" in the file system that was addressed;\n"
		"further inside they are address steps: \"REDOX::/boot/kernel\".\n"
		"\n"
		"Examples:\n"
		"  rimg ls disk.img                       partitions\n"
		"  rimg ls -l disk.img::REDOX             root directory of a partition\n"
		"  rimg ls -R disk.img                    every file of every partition\n"
		"  rimg ls -R --json fs.img::/usr         with digests, for scripts\n"
		"  rimg ls disk.img::REDOX::/boot/initfs  what is in the initfs in a file\n"
		"  rimg ls --nested disk.img              everything in everything\n"
		"  rimg ls -la disk.img                   also the partition table's own parts\n"
		"\n"
		"Exit codes: 0 listed; 1 listed, but something in it is damaged or could not be\n"
		"read (stderr says what and where); 2 it could not be listed.\n",
	.options = options,
	.run = run_ls,
};
