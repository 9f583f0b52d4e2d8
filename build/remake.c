/* SPDX-License-Identifier: MIT */
#include "build/remake.h"

#include <stdlib.h>
#include <string.h>

#include "build/disk.h"
#include "build/inputs.h"
#include "build/selfcheck.h"
#include "core/address.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/limits.h"
#include "core/num.h"
#include "core/str.h"
#include "formats/gpt.h"

/* The grafts that concern one container: those whose address begins with @prefix, a text that ends
 * behind a "::", or is empty. */
struct scope {
	struct remake *r;
	const char *prefix;
	uint32_t depth;
};

void remake_done(struct remake *r)
{
	for (size_t i = 0; i < r->n_plans; i++) {
		plan_done(r->plans[i]);
		free(r->plans[i]);
	}
	for (size_t i = 0; i < r->n_sinks; i++)
		sink_free(r->sinks[i]);
	free(r->plans);
	free(r->sinks);
	arena_done(&r->arena);
}

static struct plan *new_plan(struct remake *r, struct rimg_error *err)
{
	struct plan **plans = vec_grow(r->plans, &r->cap_plans, r->n_plans, sizeof(*plans));
	auto_free struct plan *p = calloc(1, sizeof(*p));

	if (plans)
		r->plans = plans;
	if (!plans || !p || plan_init(p) < 0) {
		error_nomem(err);
		return NULL;
	}
	r->plans[r->n_plans++] = p;
	return take_ptr(p);
}

static struct emit_request request(const struct remake *r, const char *layer_name,
				   struct plan *tree)
{
	struct emit_request rq = { .ctx = r->ctx,
				   .tree = tree,
				   .layer_name = layer_name,
				   .epoch = r->epoch,
				   .max_size = UINT32_MAX };

	memcpy(rq.seed, r->seed, sizeof(rq.seed));
	return rq;
}

/* ---- grafts ------------------------------------------------------------------------------- */

static int remake_file(const struct scope *outer, const char *step, size_t step_len,
		       struct rimg_node *old, const struct rimg_source **ret,
		       struct rimg_error *err);

/* The rest of a graft's address behind the prefix, or NULL when it is none of this scope's. */
static const char *rest_of(const struct scope *sc, const struct graft *g)
{
	size_t len = strlen(sc->prefix);

	return strncmp(g->address, sc->prefix, len) == 0 ? g->address + len : NULL;
}

static int put_file(const struct scope *sc, struct plan *p, const char *path,
		    const struct rimg_source *content, struct rimg_error *err)
{
	struct inputs_rules rules = { .epoch = sc->r->epoch };
	const char *name;
	struct plan_node *parent = plan_make_parent(p, path, p->root, &name, err);
	struct plan_node *old = parent ? plan_child(parent, name, strlen(name)) : NULL;
	struct plan_node *node;

	if (!parent)
		return -RIMG_E_ARG;
	/* all names of a file get the new content, as with writing to it */
	if (old && old->role == RIMG_ROLE_FILE) {
		(old->link_to ? old->link_to : old)->content = content;
		return 0;
	}
	node = inputs_put(p, parent, RIMG_ROLE_FILE, name, strlen(name), &rules, err);
	if (!node)
		return -RIMG_E_ARG;
	inputs_stamp(node, &rules);
	node->mode = 0644;
	node->content = content;
	return 0;
}

/* A graft deeper inside: the container at @step is remade with all grafts in it. */
static int graft_inside(const struct scope *sc, struct plan *p, struct rimg_layer *l,
			const char *rest, size_t len, struct rimg_error *err)
{
	auto_free char *text = strndup(rest, len);
	struct rimg_node *old = text ? address_find(l->root->parent, text, err) : NULL;
	const struct rimg_source *content;
	int rc;

	if (!old)
		return text ? -RIMG_E_NOENT : error_nomem(err);
	rc = remake_file(sc, rest, len, old, &content, err);
	return rc < 0 ? rc : put_file(sc, p, text, content, err);
}

static int apply_grafts(const struct scope *sc, struct plan *p, struct rimg_layer *l,
			struct rimg_error *err)
{
	for (size_t i = 0; i < sc->r->n_grafts; i++) {
		struct graft *g = &sc->r->grafts[i];
		const char *rest = rest_of(sc, g);
		size_t len = rest ? address_step_len(rest) : 0;
		int rc;

		if (!rest || g->used)
			continue;
		if (rest[len] == '\0') {
			size_t path_len;
			auto_free char *path = str_unescape(rest, len, &path_len);

			rc = path ? put_file(sc, p, path, g->source, err)
				  : error_set(err, RIMG_E_ARG, g->address, "malformed escape");
			g->used = true;
		} else {
			rc = graft_inside(sc, p, l, rest, len, err);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- containers --------------------------------------------------------------------------- */

static int fill_plan(const struct scope *sc, struct rimg_node *old, struct plan *p,
		     struct rimg_error *err)
{
	struct inputs_rules rules = { .epoch = sc->r->epoch };
	struct rimg_layer *l = NULL;
	int rc = inputs_add_node(p, p->root, old, NULL, &rules, err);

	if (rc == 0)
		rc = node_open(old, &l, err);
	if (rc == 0 && !l)
		rc = error_set(err, RIMG_E_INTERNAL, sc->r->path,
			       "a container that no format reads");
	return rc == 0 ? apply_grafts(sc, p, l, err) : rc;
}

static void set_bootstrap(struct emit_request *rq, const struct rimg_layer *l)
{
	const struct rimg_node *bootstrap = node_find(l->root, "bootstrap", strlen("bootstrap"));

	if (bootstrap)
		rq->bootstrap = bootstrap->content;
}

static int keep_sink(struct remake *r, struct sink *sink, struct rimg_error *err)
{
	struct sink **sinks = vec_grow(r->sinks, &r->cap_sinks, r->n_sinks, sizeof(*sinks));

	if (!sinks) {
		sink_free(sink);
		return error_nomem(err);
	}
	r->sinks = sinks;
	r->sinks[r->n_sinks++] = sink;
	return 0;
}

/* One file system or archive, into a file of its own. */
static int remake_container(const struct scope *sc, struct rimg_node *old, bool temporary,
			    struct sink **ret, struct rimg_error *err)
{
	struct rimg_layer *l;
	struct plan *p = new_plan(sc->r, err);
	struct emit_request rq = request(sc->r, sc->prefix, p);
	const struct rimg_emitter *emitter;
	uint64_t size = rimg_source_size(old->content);
	struct sink *sink;
	int rc = p ? node_open(old, &l, err) : -RIMG_E_NOMEM;

	if (rc < 0)
		return rc;
	emitter = l && !l->unreadable ? emitter_find(layer_format_name(l)) : NULL;
	if (!emitter)
		return error_set(
			err, RIMG_E_UNSUPPORTED, old->image->name,
			"expected a disk, RedoxFS, FAT or initfs that can be read, found %s",
			l ? layer_format_name(l) : "no known format");
	rc = fill_plan(sc, old, p, err);
	if (rc == 0 && strcmp(emitter->name, "initfs") == 0) {
		set_bootstrap(&rq, l);
		rc = emitter->measure(&rq, &size, err);
	} else if (strcmp(emitter->name, "redoxfs") == 0) {
		rq.compression = sc->r->compression;
	}
	if (rc < 0)
		return rc;
	sink = temporary ? sink_temporary(sc->r->path, size, err)
			 : sink_file(sc->r->path, size, err);
	if (!sink)
		return -RIMG_E_IO;
	rc = keep_sink(sc->r, sink, err);
	if (rc == 0)
		rc = emitter->emit(&rq, sink, err);
	if (rc == 0)
		rc = selfcheck_tree(&rq, sink_source(sink, err), sc->r->path, emitter->name, err);
	if (rc == 0)
		*ret = sink;
	return rc;
}

static int remake_file(const struct scope *outer, const char *step, size_t len,
		       struct rimg_node *old, const struct rimg_source **ret,
		       struct rimg_error *err)
{
	struct scope sc = { .r = outer->r, .depth = outer->depth + 1 };
	struct sink *sink = NULL;
	int rc;

	if (sc.depth > outer->r->ctx->limits.layer_depth)
		return error_set(err, RIMG_E_LIMIT, outer->r->path,
				 "too many containers inside each other" LIMIT_MORE("layer-depth"));
	sc.prefix = arena_printf(&outer->r->arena, "%s%.*s::", outer->prefix, (int)len, step);
	if (!sc.prefix)
		return error_nomem(err);
	rc = remake_container(&sc, old, true, &sink, err);
	if (rc < 0)
		return rc;
	*ret = sink_source(sink, err);
	return *ret ? 0 : -RIMG_E_IO;
}

/* ---- disks -------------------------------------------------------------------------------- */

static const uint8_t *attr_bytes(const struct rimg_node *node, const char *key, size_t len)
{
	const struct rimg_attr *a = node_attr(node, key);

	return a && a->bytes.len == len ? a->bytes.data : NULL;
}

static int describe_part(struct rimg_node *old, struct disk_part *part, struct rimg_error *err)
{
	const uint8_t *type = attr_bytes(old, "type_guid", sizeof(part->gpt.type));

	if (!type || old->damaged)
		return error_set(err, RIMG_E_BAD, old->image->name,
				 "partition \"%s\" is damaged, so it is not passed on", old->name);
	memcpy(part->gpt.type, type, sizeof(part->gpt.type));
	part->gpt.name = old->name;
	part->gpt.first_lba = node_attr_u64(old, "first_lba", 0);
	part->gpt.last_lba = node_attr_u64(old, "last_lba", 0);
	part->gpt.attributes = node_attr_u64(old, "attributes", 0);
	part->compression = EMIT_COMPRESSION_NONE;
	part->raw = old->content;
	return 0;
}

/* The step from the disk to one of its partitions. */
static void add_step(struct str *s, const struct remake *r, const struct rimg_node *part)
{
	auto_str struct str disk = { 0 }, whole = { 0 };

	node_add_address(&disk, r->old);
	node_add_address(&whole, part);
	str_add(s, str_cstr(&whole) + (disk.len > 0 ? disk.len + 2 : 0));
	s->failed |= disk.failed || whole.failed;
}

/* A partition may be named by its number, too: give every graft its name. */
static int name_partitions(struct remake *r, struct rimg_error *err)
{
	for (size_t i = 0; i < r->n_grafts; i++) {
		struct graft *g = &r->grafts[i];
		size_t len = address_step_len(g->address);
		auto_free char *step = strndup(g->address, len);
		auto_str struct str named = { 0 };
		struct rimg_node *part = step ? address_find(r->old, step, err) : NULL;

		if (!part)
			return step ? -RIMG_E_NOENT : error_nomem(err);
		add_step(&named, r, part);
		str_add(&named, g->address + len);
		g->address = named.failed ? NULL : arena_copy(&r->arena, named.data, named.len);
		if (!g->address)
			return error_nomem(err);
	}
	return 0;
}

static bool is_volume(const struct rimg_layer *l)
{
	return strcmp(layer_format_name(l), "fat") == 0 ||
	       strcmp(layer_format_name(l), "redoxfs") == 0;
}

static int remake_part(struct remake *r, struct rimg_node *old, struct disk_part *part,
		       struct rimg_error *err)
{
	auto_str struct str step = { 0 };
	struct scope sc = { .r = r, .depth = 1 };
	struct rimg_layer *l = NULL;
	int rc = describe_part(old, part, err);

	if (rc == 0)
		rc = node_open(old, &l, err);
	if (rc < 0 || !l || !is_volume(l))
		return rc; /* bytes, kept as they are */
	add_step(&step, r, old);
	str_add(&step, "::");
	sc.prefix = step.failed ? NULL : arena_copy(&r->arena, step.data, step.len);
	part->tree = sc.prefix ? new_plan(r, err) : NULL;
	if (!part->tree)
		return error_nomem(err);
	part->format = layer_format_name(l);
	part->raw = NULL;
	if (strcmp(part->format, "redoxfs") == 0)
		part->compression = r->compression;
	return fill_plan(&sc, old, part->tree, err);
}

static int remake_parts(struct remake *r, struct rimg_layer *gpt, struct disk *d,
			struct rimg_error *err)
{
	d->parts = arena_array(&r->arena, GPT_N_ENTRIES, sizeof(*d->parts));
	if (!d->parts)
		return error_nomem(err);
	rimg_for_each_child(old, gpt->root) {
		int rc;

		if (old->role != RIMG_ROLE_PARTITION)
			continue;
		if (d->n_parts == GPT_N_ENTRIES)
			return error_set(err, RIMG_E_LIMIT, old->image->name,
					 "more than %u partitions", GPT_N_ENTRIES);
		rc = remake_part(r, old, &d->parts[d->n_parts++], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int remake_disk(struct remake *r, struct rimg_layer *gpt, struct sink **ret,
		       struct rimg_error *err)
{
	struct disk d = { .ctx = r->ctx, .epoch = r->epoch };
	struct sink *sink;
	int rc = name_partitions(r, err);

	if (rc == 0)
		rc = remake_parts(r, gpt, &d, err);
	if (rc < 0)
		return rc;
	memcpy(d.seed, r->seed, sizeof(d.seed));
	sink = sink_file(r->path, rimg_source_size(r->old->content), err);
	if (!sink)
		return -RIMG_E_IO;
	rc = keep_sink(r, sink, err);
	if (rc == 0)
		rc = disk_write(&d, sink, err);
	if (rc == 0)
		rc = disk_selfcheck(&d, sink, r->path, err);
	if (rc == 0)
		*ret = sink;
	return rc;
}

static int check_grafts(const struct remake *r, struct rimg_error *err)
{
	for (size_t i = 0; i < r->n_grafts; i++)
		if (!r->grafts[i].used)
			return error_set(err, RIMG_E_NOENT, r->grafts[i].address,
					 "no partition or container of the image is meant by this");
	return 0;
}

int remake_write(struct remake *r, struct sink **ret, struct rimg_error *err)
{
	struct scope sc = { .r = r, .prefix = "" };
	struct rimg_layer *l;
	struct sink *sink;
	int rc;

	arena_init(&r->arena, 0);
	if (!r->old->content)
		return error_set(err, RIMG_E_ARG, r->old->image->name,
				 "expected something that has bytes");
	rc = node_open(r->old, &l, err);
	if (rc == 0 && l && strcmp(layer_format_name(l), "gpt") == 0)
		rc = remake_disk(r, l, &sink, err);
	else if (rc == 0)
		rc = remake_container(&sc, r->old, false, &sink, err);
	if (rc == 0)
		rc = check_grafts(r, err);
	if (rc == 0)
		*ret = sink;
	return rc;
}
