/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"
#include "core/format.h"
#include "core/jsonw.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/listing.h"
#include "diff/sbom.h"

#define EPOCH_MAX 253402300799 /* the end of year 9999: the formats have four digits */

/* Nothing here knows a format: what is told are the attributes that openers gave to the nodes, and
 * what can be counted in any layer. */

/* One line of text: "key: value". */
struct fact {
	const char *key;
	char *value;
};

struct info {
	struct command_call *call;
	struct jsonw json;
	struct fact *facts; /* of the block being written */
	size_t n_facts, cap_facts;
	int status;
};

static void drop_facts(struct info *in)
{
	for (size_t i = 0; i < in->n_facts; i++)
		free(in->facts[i].value);
	in->n_facts = 0;
}

static void info_done(struct info *in)
{
	drop_facts(in);
	free(in->facts);
}

static void out_of_memory(struct info *in)
{
	struct rimg_error err;

	error_nomem(&err);
	in->status = call_error(in->call, &err);
}

/* ---- what can be counted -------------------------------------------------------------------- */

struct counts {
	uint64_t roles[RIMG_ROLE_GAP + 1];
	uint64_t free_bytes; /* claimed as free space */
	uint64_t gap_bytes;  /* claimed by nobody */
};

/* Everything below @top. */
static void count_below(const struct rimg_node *top, struct counts *c)
{
	for (const struct rimg_node *n = top->first_child; n; n = node_after(n, top))
		c->roles[n->role]++;
}

static struct counts count(const struct rimg_node *node, const struct rimg_layer *l)
{
	struct counts c = { 0 };

	count_below(l ? l->root : node, &c);
	for (size_t i = 0; l && i < l->n_claims; i++) {
		if (l->claims[i].node->role == RIMG_ROLE_GAP)
			c.gap_bytes += l->claims[i].len;
		else if (l->claims[i].cause == RIMG_CAUSE_FREE_SPACE)
			c.free_bytes += l->claims[i].len;
	}
	return c;
}

static bool is_counted(enum rimg_role role)
{
	return role != RIMG_ROLE_META && role != RIMG_ROLE_GAP;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void add_fact(struct info *in, const char *key, struct str *value)
{
	struct fact *facts = vec_grow(in->facts, &in->cap_facts, in->n_facts, sizeof(*facts));
	char *text = str_take(value);

	if (facts)
		in->facts = facts;
	if (!facts || !text) {
		free(text);
		out_of_memory(in);
		return;
	}
	in->facts[in->n_facts++] = (struct fact){ .key = key, .value = text };
}

__attribute__((format(printf, 3, 4))) static void fact(struct info *in, const char *key,
						       const char *fmt, ...)
{
	struct str value = { 0 };
	auto_free char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = str_vformat(fmt, args);
	va_end(args);
	str_add(&value, text ? text : "");
	value.failed |= !text;
	add_fact(in, key, &value);
}

static void put_block(struct info *in)
{
	size_t width = 0;

	for (size_t i = 0; i < in->n_facts; i++)
		width = (size_t)num_max(width, strlen(in->facts[i].key));
	for (size_t i = 0; i < in->n_facts; i++)
		fprintf(in->call->out, "%s:%*s %s\n", in->facts[i].key,
			(int)(width - strlen(in->facts[i].key)), "", in->facts[i].value);
	drop_facts(in);
}

/* "67108864 bytes (64.0 MiB)" */
static void size_fact(struct info *in, const char *key, uint64_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t scaled = size;
	size_t unit = 0;

	if (size < 1024) {
		fact(in, key, "%" PRIu64 " bytes", size);
		return;
	}
	while (scaled / 1024 >= 1024) {
		scaled /= 1024;
		unit++;
	}
	fact(in, key, "%" PRIu64 " bytes (%" PRIu64 ".%" PRIu64 " %s)", size, scaled / 1024,
	     scaled % 1024 * 10 / 1024, units[unit]);
}

/* A copy of a field ("backup.first_lba") that says the same as the field itself. */
static bool is_repetition(const struct rimg_node *node, const struct rimg_attr *a)
{
	const char *dot = strchr(a->key, '.');
	const struct rimg_attr *first = dot ? node_attr(node, dot + 1) : NULL;

	return first && attr_equal(first, a);
}

/* Repetitions, and bytes that have no value of their own, interest only who asks for all. */
static bool tells(const struct info *in, const struct rimg_node *node, const struct rimg_attr *a)
{
	return in->call->verbose > 0 || (a->type != ATTR_RAW && !is_repetition(node, a));
}

static void attr_facts(struct info *in, const struct rimg_node *node)
{
	rimg_for_each_attr(a, node) {
		struct str value = { 0 };

		if (!tells(in, node, a))
			continue;
		attr_format(&value, a);
		add_fact(in, a->key, &value);
	}
}

static void target_fact(struct info *in, const struct rimg_node *node)
{
	auto_str struct str target = { 0 };
	struct str value = { 0 };
	struct rimg_error err;

	if (node->role != RIMG_ROLE_SYMLINK || node_attr(listing_inode(node), "target"))
		return;
	if (listing_target(node, &target, &err) < 0) {
		in->status = call_worse(in->status, EXIT_FAILS);
		fact(in, "target", "(cannot be read: %s)", err.text);
		return;
	}
	str_add_escaped(&value, str_cstr(&target), target.len, STR_ESCAPE_TEXT);
	value.failed |= target.failed;
	add_fact(in, "target", &value);
}

static void count_facts(struct info *in, const struct counts *c)
{
	struct str value = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(c->roles); i++)
		if (is_counted((enum rimg_role)i) && c->roles[i] > 0)
			str_printf(&value, "%s%s %" PRIu64, value.len > 0 ? ", " : "",
				   rimg_role_name((enum rimg_role)i), c->roles[i]);
	if (value.len > 0)
		add_fact(in, "contains", &value);
	if (c->free_bytes > 0)
		size_fact(in, "free", c->free_bytes);
	if (c->gap_bytes > 0)
		size_fact(in, "unclaimed", c->gap_bytes);
}

static void layer_facts(struct info *in, const struct rimg_layer *l)
{
	fact(in, "format", "%s%s", layer_format_name(l), l->unreadable ? " (unreadable)" : "");
	attr_facts(in, l->root);
	if (l->n_errors + l->n_warnings > 0)
		fact(in, "findings", "%" PRIu64 " error%s, %" PRIu64 " warning%s", l->n_errors,
		     l->n_errors == 1 ? "" : "s", l->n_warnings, l->n_warnings == 1 ? "" : "s");
	else
		fact(in, "findings", "none");
}

static void put_structures(struct info *in, const struct rimg_layer *l)
{
	rimg_for_each_child(child, l->root) {
		struct str name = { 0 };

		if (child->role != RIMG_ROLE_META || !child->attrs)
			continue;
		fputc('\n', in->call->out);
		str_add_escaped(&name, child->name, child->name_len, STR_ESCAPE_TEXT);
		add_fact(in, "structure", &name);
		attr_facts(in, child);
		put_block(in);
	}
}

static void put_text(struct info *in, const struct rimg_node *node, const struct rimg_layer *l)
{
	const struct rimg_node *inode = listing_inode(node);
	struct counts c = count(node, l);
	char *address = node_full_address(node);
	struct str where = { .data = address, .failed = !address };

	where.len = address ? strlen(address) : 0;
	where.cap = where.len + 1;
	add_fact(in, "address", &where);
	fact(in, "kind", "%s%s", rimg_role_name(node->role), node->damaged ? ", damaged" : "");
	if (inode->content)
		size_fact(in, "bytes", rimg_source_size(inode->content));
	attr_facts(in, inode);
	target_fact(in, node);
	if (l)
		layer_facts(in, l);
	else if (inode->content && node->role != RIMG_ROLE_SYMLINK)
		fact(in, "format", "none that is known");
	count_facts(in, &c);
	put_block(in);
	if (l && in->call->verbose > 0)
		put_structures(in, l);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static const struct rimg_attr *next_of_key(const struct rimg_attr *a, const char *key)
{
	while (a && strcmp(a->key, key) != 0)
		a = a->next;
	return a;
}

/* An object never has a key twice: what is there several times becomes an array. */
static void put_attrs(struct info *in, const char *key, const struct rimg_node *node)
{
	jsonw_object(&in->json, key);
	rimg_for_each_attr(a, node) {
		if (a->type == ATTR_RAW || next_of_key(node->attrs, a->key) != a)
			continue;
		if (!next_of_key(a->next, a->key)) {
			listing_put_attr(&in->json, a->key, a);
			continue;
		}
		jsonw_array(&in->json, a->key);
		for (const struct rimg_attr *b = a; b; b = next_of_key(b->next, a->key))
			listing_put_attr(&in->json, NULL, b);
		jsonw_end_array(&in->json);
	}
	jsonw_end_object(&in->json);
}

static void put_counts(struct jsonw *w, const struct counts *c)
{
	jsonw_object(w, "contains");
	for (size_t i = 0; i < ARRAY_LEN(c->roles); i++)
		if (is_counted((enum rimg_role)i) && c->roles[i] > 0)
			jsonw_u64(w, rimg_role_name((enum rimg_role)i), c->roles[i]);
	jsonw_end_object(w);
}

static void put_layer(struct info *in, const struct rimg_layer *l, const struct counts *c)
{
	struct jsonw *w = &in->json;

	jsonw_object(w, "layer");
	jsonw_text(w, "format", layer_format_name(l));
	jsonw_bool(w, "readable", !l->unreadable);
	put_attrs(in, "attributes", l->root);
	jsonw_array(w, "structures");
	rimg_for_each_child(child, l->root) {
		if (child->role != RIMG_ROLE_META || !child->attrs)
			continue;
		jsonw_object(w, NULL);
		jsonw_bytes(w, "name", child->name, child->name_len);
		put_attrs(in, "attributes", child);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	jsonw_u64(w, "free", c->free_bytes);
	jsonw_u64(w, "unclaimed", c->gap_bytes);
	jsonw_u64(w, "errors", l->n_errors);
	jsonw_u64(w, "warnings", l->n_warnings);
	jsonw_end_object(w);
}

static void put_json(struct info *in, const struct rimg_node *node, const struct rimg_layer *l)
{
	const struct rimg_node *inode = listing_inode(node);
	struct counts c = count(node, l);
	auto_free char *address = node_full_address(node);
	auto_str struct str target = { 0 };
	struct jsonw *w = &in->json;

	jsonw_text(w, "address", address ? address : "");
	jsonw_text(w, "kind", rimg_role_name(node->role));
	jsonw_bool(w, "damaged", node->damaged);
	if (inode->content)
		jsonw_u64(w, "bytes", rimg_source_size(inode->content));
	put_attrs(in, "attributes", inode);
	if (node->role == RIMG_ROLE_SYMLINK && listing_target(node, &target, NULL) == 0)
		jsonw_bytes(w, "target", str_cstr(&target), target.len);
	put_counts(w, &c);
	if (l)
		put_layer(in, l, &c);
	else
		jsonw_null(w, "layer");
	if (!address || target.failed)
		out_of_memory(in);
}

/* ---- the command ---------------------------------------------------------------------------- */

/* A part whose content cannot be opened is told without it. What opening does not read is checked,
 * too: whoever asks what something is wants to know whether it is sound. */
static struct rimg_layer *look_inside(struct info *in, struct rimg_node *node)
{
	struct rimg_layer *l = NULL;
	struct rimg_error err;

	if (node_open(node, &l, &err) < 0) {
		in->status = call_error(in->call, &err);
		return NULL;
	}
	if (l && !l->unreadable && l->format->check && l->format->check(l, &err) < 0)
		in->status = call_error(in->call, &err);
	return l;
}

/* The partitions of a disk are told too; what lies in them has addresses of its own. */
static void tell_parts(struct info *in, const struct rimg_layer *l, bool json)
{
	rimg_for_each_child(child, l->top) {
		struct rimg_layer *inside;

		if (child->role != RIMG_ROLE_PARTITION)
			continue;
		inside = look_inside(in, child);
		if (json) {
			jsonw_object(&in->json, NULL);
			put_json(in, child, inside);
			jsonw_end_object(&in->json);
		} else {
			fputc('\n', in->call->out);
			put_text(in, child, inside);
		}
	}
}

static void tell(struct info *in, struct rimg_node *node)
{
	struct rimg_layer *l = look_inside(in, node);

	if (l && l->unreadable)
		in->status = EXIT_TROUBLE;
	if (node->unread)
		in->status = call_worse(in->status, EXIT_FAILS);
	if (!call_has(in->call, "json")) {
		put_text(in, node, l);
		if (l && !l->unreadable)
			tell_parts(in, l, false);
		return;
	}
	jsonw_object(&in->json, NULL);
	jsonw_text(&in->json, "schema", "rimg.info/1");
	put_json(in, node, l);
	jsonw_array(&in->json, "parts");
	if (l && !l->unreadable)
		tell_parts(in, l, true);
	jsonw_end_array(&in->json);
	jsonw_end_object(&in->json);
	fputc('\n', in->call->out);
}

/* ---- bill of materials ---------------------------------------------------------------------- */

static void missing(void *arg, const char *path, const struct rimg_error *why)
{
	struct info *in = arg;
	char line[sizeof(why->where) + sizeof(why->text) + 64];

	in->status = call_worse(in->status, EXIT_FAILS);
	call_complain(in->call, "%s: not in the bill of materials: %s",
		      path[0] ? path : in->call->args[0],
		      rimg_error_format(why, line, sizeof(line)));
}

/* When the document says that it was made: as told, or as new as the newest file in it. */
static int created_time(const struct command_call *call, const struct sbom *s, int64_t *ret)
{
	const char *given = call_value(call, "epoch");
	const char *text = given ? given : call->source_date_epoch;
	uint64_t epoch;

	*ret = s->newest;
	if (!text)
		return 0;
	if (!str_parse_u64(text, &epoch) || epoch > EPOCH_MAX)
		return -RIMG_E_ARG;
	*ret = (int64_t)epoch;
	return 0;
}

static void list_materials(struct info *in, struct rimg_node *node, const char *kind)
{
	auto_with(sbom_done) struct sbom s = { 0 };
	struct command_call *call = in->call;
	struct rimg_error err;
	int64_t created;
	int rc = sbom_collect(node, &s, missing, in, &err);

	if (rc == 0 && created_time(call, &s, &created) < 0) {
		in->status = call_usage(
			call, "expected seconds since 1970, up to the year 9999, in --epoch or "
			      "SOURCE_DATE_EPOCH, found something else");
		return;
	}
	if (rc == 0 && strcmp(kind, "spdx") == 0)
		rc = sbom_spdx(call->out, &s, created, &err);
	else if (rc == 0)
		rc = sbom_cyclonedx(call->out, &s, created, &err);
	if (rc < 0)
		in->status = call_error(call, &err);
}

static int run_info(struct command_call *call)
{
	auto_image struct rimg_image *image = NULL;
	auto_with(info_done) struct info in = { .call = call,
						.json = { .out = call->out, .pretty = true } };
	const char *sbom = call_value(call, "sbom");
	struct rimg_node *node;
	struct rimg_error err;

	if (call->n_args != 1)
		return call_usage(call, "expected one address, found %zu", call->n_args);
	if (sbom && strcmp(sbom, "spdx") != 0 && strcmp(sbom, "cyclonedx") != 0)
		return call_usage(call, "expected spdx or cyclonedx for --sbom, found \"%s\"",
				  sbom);
	if (sbom && call_has(call, "json"))
		return call_usage(call, "--sbom and --json are two documents: give one of them");
	node = call_open(call, call->args[0], &image);
	if (!node)
		return EXIT_TROUBLE;
	if (sbom)
		list_materials(&in, node, sbom);
	else
		tell(&in, node);
	in.status = call_worse(in.status, call_findings(call, image));
	if (rimg_source_verify(image->src, &err) < 0)
		in.status = call_error(call, &err);
	return in.status;
}

static const struct command_option options[] = {
	OPTION_FLAG("json", 0, "one JSON document, schema rimg.info/1"),
	OPTION_VALUE(
		"sbom", 0, "spdx|cyclonedx",
		"a bill of materials, also of what lies in files: spdx (2.3) or cyclonedx (1.5)"),
	OPTION_VALUE("epoch", 0, "SECONDS",
		     "when it was made (default: SOURCE_DATE_EPOCH, else the newest file's time)"),
	{ 0 },
};

RIMG_COMMAND(info) = {
	.name = "info",
	.summary = "tell what something is: format, version, ids, sizes, times",
	.usage = "[-v] [--json | --sbom spdx|cyclonedx [--epoch SECONDS]] ADDRESS",
	.help = "A block of \"key: value\" lines: where it is and what kind of thing, what the\n"
		"container around it says of it, then its own format and what that says: version,\n"
		"ids, times, free space; for a program also which compilers say that they took\n"
		"part in it. A disk is followed by a block for each of its partitions.\n"
		"\n"
		"All checksums and rules of these formats are checked, down to the contents of\n"
		"files, but not of containers that lie in files.\n"
		"\n"
		"free is what the format calls free space, unclaimed the bytes that nothing in it\n"
		"accounts for. With -v: also copies of fields, and headers and tables field by\n"
		"field.\n"
		"\n"
		"--sbom lists every file instead, with SHA-1, SHA-256 and BLAKE3, its format, what\n"
		"made its code, and the package that it came with, as one JSON document that\n"
		"depends on the image and the time given only.\n"
		"\n"
		"Examples:\n"
		"  rimg info disk.img\n"
		"  rimg info disk.img::REDOX::/boot/kernel\n"
		"  rimg info -v disk.img::EFI            with the boot sector's fields\n"
		"  rimg info --json fs.img | jq .layer.attributes.uuid\n"
		"  rimg info --sbom spdx disk.img >disk.spdx.json\n"
		"\n"
		"Exit codes: 0 told; 1 told, but something is damaged or could not be read\n"
		"(stderr says what and where); 2 its format is recognised but cannot be read, or the\n"
		"address leads nowhere.\n",
	.options = options,
	.run = run_info,
};
