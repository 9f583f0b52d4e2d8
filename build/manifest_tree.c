/* SPDX-License-Identifier: MIT */
#include "build/manifest_load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"

/* [[files]], [packages], [users] and [groups]: what goes into the root file system. */

#define MODE_MAX   07777U
#define ID_MAX     (UINT32_MAX - 1) /* all ones means "leave it" to chown */
#define FIRST_ID   1000U            /* the installer's, for users and groups without a number */
#define DEFAULT_SH "/bin/ion"
#define SEPARATORS ";,/\n\r" /* of /etc/passwd, /etc/group, paths */

/* ---- [[files]] ------------------------------------------------------------------------------ */

/* Which of the keys that say what an entry is are there. */
struct file_kinds {
	const struct manifest_source *source;
	const char *data;
	size_t data_len;
	const char *hardlink;
	bool symlink, directory;
};

static const char files_path[] = "[[files]]";

static int bad_file(struct load *l, const struct manifest_file *f, const char *why)
{
	return json_error(l->err, RIMG_E_BAD, f->place, "[[files]] \"%s\": %s",
			  load_shown(l, f->path), why);
}

static int get_kinds(struct load *l, struct json_object *t, struct file_kinds *k)
{
	int r = load_source(l, t, files_path, "source", &k->source);

	if (r >= 0)
		r = json_get_bytes(t, files_path, "data", &k->data, &k->data_len, l->err);
	if (r >= 0)
		r = json_get_bool(t, files_path, "symlink", &k->symlink, l->err);
	if (r >= 0)
		r = json_get_bool(t, files_path, "directory", &k->directory, l->err);
	if (r >= 0)
		r = load_image_path(l, t, files_path, "hardlink", &k->hardlink);
	return r < 0 ? r : 0;
}

/* The installer wants `data` with every entry, so an empty one says nothing about a directory. */
static int choose_kind(struct load *l, const struct file_kinds *k, struct manifest_file *f)
{
	bool data = k->data && !(k->directory && k->data_len == 0) && !k->symlink;
	int n = (k->source != NULL) + data + k->symlink + k->directory + (k->hardlink != NULL);

	if (n > 1)
		return bad_file(l, f,
				"source, data, symlink, directory and hardlink exclude one "
				"another");
	if (n == 0)
		return bad_file(l, f, "expected one of source, data, symlink, directory, hardlink");
	f->source = k->source;
	f->data = k->data;
	f->data_len = k->data_len;
	f->target = k->hardlink;
	f->kind = k->source      ? MANIFEST_FILE_SOURCE
		  : k->symlink   ? MANIFEST_FILE_SYMLINK
		  : k->directory ? MANIFEST_FILE_DIRECTORY
		  : k->hardlink  ? MANIFEST_FILE_HARDLINK
				 : MANIFEST_FILE_DATA;
	if (f->kind == MANIFEST_FILE_SYMLINK &&
	    (!k->data || k->data_len == 0 || strlen(k->data) != k->data_len))
		return bad_file(l, f,
				"data is the target of the link: neither empty nor with a "
				"NUL");
	return 0;
}

static int get_owner(struct load *l, struct json_object *t, struct manifest_file *f)
{
	int r = load_u32(l, t, files_path, "mode", MODE_MAX, &f->mode);

	f->has_mode = r == 1;
	if (r >= 0)
		r = load_u32(l, t, files_path, "uid", ID_MAX, &f->uid);
	f->has_uid = r == 1;
	if (r >= 0)
		r = load_u32(l, t, files_path, "gid", ID_MAX, &f->gid);
	f->has_gid = r == 1;
	return r < 0 ? r : 0;
}

static int get_flags(struct load *l, struct json_object *t, struct manifest_file *f)
{
	int r = json_get_bool(t, files_path, "recursive_chown", &f->recursive_chown, l->err);

	if (r >= 0)
		r = json_get_bool(t, files_path, "postinstall", &f->postinstall, l->err);
	if (r >= 0)
		r = json_get_bool(t, files_path, "append", &f->append, l->err);
	if (r >= 0)
		r = json_get_bool(t, files_path, "skip_special", &f->skip_special, l->err);
	return r < 0 ? r : 0;
}

/* What the kind of an entry rules out. */
static int check_file(struct load *l, const struct manifest_file *f)
{
	bool tree = f->kind == MANIFEST_FILE_SOURCE || f->kind == MANIFEST_FILE_DIRECTORY;

	if (f->path[1] == '\0' && !tree)
		return bad_file(l, f, "the root can only be a directory or a source");
	if (f->append && f->kind != MANIFEST_FILE_DATA && f->kind != MANIFEST_FILE_SOURCE)
		return bad_file(l, f, "append goes with data or source");
	if (f->kind == MANIFEST_FILE_HARDLINK && (f->has_mode || f->has_uid || f->has_gid))
		return bad_file(l, f, "a hard link has the mode and owner of its file");
	if (f->kind == MANIFEST_FILE_HARDLINK && strcmp(f->path, f->target) == 0)
		return bad_file(l, f, "a hard link to itself");
	if (f->kind == MANIFEST_FILE_SYMLINK && f->has_mode)
		return load_warn(l, f->place, "[[files]] mode has no effect on a symbolic link");
	if (f->skip_special && f->kind != MANIFEST_FILE_SOURCE)
		return load_warn(l, f->place,
				 "[[files]] skip_special has no effect without source");
	return 0;
}

static int load_file(struct load *l, struct json_object *t, struct manifest_file *f)
{
	struct file_kinds kinds = { 0 };
	int r;

	f->place = json_place_of(t);
	r = load_image_path(l, t, files_path, "path", &f->path);
	if (r == 0)
		return json_missing(t, files_path, "path", l->err);
	if (r == 1)
		r = get_kinds(l, t, &kinds);
	if (r == 0)
		r = choose_kind(l, &kinds, f);
	if (r == 0)
		r = get_owner(l, t, f);
	if (r == 0)
		r = get_flags(l, t, f);
	return r < 0 ? r : check_file(l, f);
}

int load_files(struct load *l)
{
	struct json_object *list = load_table(l, "files");
	size_t n = list ? json_object_array_length(list) : 0;
	struct manifest_file *files = arena_array(&l->m->arena, n, sizeof(*files));

	if (!files)
		return error_nomem(l->err);
	for (size_t i = 0; i < n; i++) {
		int r = load_file(l, json_object_array_get_idx(list, i), &files[i]);

		if (r < 0)
			return r;
	}
	l->m->files = files;
	l->m->n_files = n;
	return 0;
}

/* ---- named tables, in order of their names -------------------------------------------------- */

struct named {
	const char *name;
	struct json_object *value;
	struct json_place place;
};

static int compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct named *sorted(struct load *l, struct json_object *map, size_t *ret_n)
{
	size_t n = map ? (size_t)json_object_object_length(map) : 0, i = 0;
	struct named *all = arena_array(&l->m->arena, n, sizeof(*all));

	if (!all) {
		error_nomem(l->err);
		return NULL;
	}
	if (map) {
		json_object_object_foreach(map, name, value)
		{
			all[i++] = (struct named){
				.name = name,
				.value = value,
				.place = json_place_of(value ? value : map),
			};
		}
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), compare_named);
	*ret_n = n;
	return all;
}

/* ---- [packages] ----------------------------------------------------------------------------- */

/* A name that is a file's, with ".pkgar" behind it. */
static int check_package_name(struct load *l, const struct named *n)
{
	bool good = n->name[0] != '\0' && n->name[0] != '.' && strlen(n->name) < 200;

	for (const char *p = n->name; *p; p++)
		good = good && (unsigned char)*p > ' ' && *p != '/' && *p != '\\' && *p != 0x7f;
	if (!good)
		return json_error(l->err, RIMG_E_BAD, n->place,
				  "[packages] \"%s\" is no name of a "
				  "package",
				  load_shown(l, n->name));
	return 0;
}

/* Returns 1 if the package is wanted, 0 if not. */
static int load_package(struct load *l, const struct named *n, struct manifest_package *ret)
{
	const char *rule = json_object_is_type(n->value, json_type_string)
				   ? json_object_get_string(n->value)
				   : NULL;
	int r = check_package_name(l, n);

	if (r < 0)
		return r;
	if (rule && strcmp(rule, "ignore") == 0)
		return 0;
	if (rule && strcmp(rule, "binary") != 0 && strcmp(rule, "recipe") != 0 &&
	    load_warn(l, n->place, "[packages] %s: \"%s\" means nothing here; the package is taken",
		      load_shown(l, n->name), load_shown(l, rule)) < 0)
		return -RIMG_E_NOMEM;
	*ret = (struct manifest_package){ .name = n->name, .place = n->place };
	if (json_object_is_type(n->value, json_type_object))
		r = load_source(l, n->value, "[packages.NAME]", "source", &ret->source);
	return r < 0 ? r : 1;
}

int load_packages(struct load *l)
{
	size_t n = 0;
	struct named *all = sorted(l, load_table(l, "packages"), &n);
	struct manifest_package *packages = arena_array(&l->m->arena, n, sizeof(*packages));

	if (!all || !packages)
		return error_nomem(l->err);
	for (size_t i = 0; i < n; i++) {
		int r = load_package(l, &all[i], &packages[l->m->n_packages]);

		if (r < 0)
			return r;
		l->m->n_packages += (size_t)r;
	}
	l->m->packages = packages;
	return 0;
}

/* ---- [users], [groups] ---------------------------------------------------------------------- */

/** struct people - the numbers that are given next */
struct people {
	uint64_t next_uid, next_gid;
	struct manifest_group *groups;
	size_t n_groups;
};

/* The number that is given, or else the next; either way the next is past it. */
static int get_id(struct load *l, struct json_object *t, const char *path, const char *key,
		  uint64_t *next, uint32_t *ret)
{
	uint32_t id = 0;
	int r = load_u32(l, t, path, key, ID_MAX, &id);

	if (r < 0)
		return r;
	if (r == 0 && *next > ID_MAX)
		return json_error(l->err, RIMG_E_BAD, json_place_of(t),
				  "%s %s is missing, and no number is left", path, key);
	if (r == 0)
		id = (uint32_t)*next;
	*next = num_max(*next, (uint64_t)id + 1);
	*ret = id;
	return 0;
}

static int check_field(struct load *l, struct json_place at, const char *path, const char *key,
		       const char *text, const char *forbidden)
{
	if (!strpbrk(text, forbidden))
		return 0;
	return json_error(l->err, RIMG_E_BAD, at,
			  "%s%s%s: \"%s\" cannot be written to /etc/passwd or /etc/group", path,
			  key[0] ? " " : "", key, load_shown(l, text));
}

static int check_name(struct load *l, const struct named *n, const char *path)
{
	if (n->name[0] == '\0')
		return json_error(l->err, RIMG_E_BAD, n->place, "%s: an empty name", path);
	return check_field(l, n->place, path, "", n->name, SEPARATORS);
}

static int get_field(struct load *l, struct json_object *t, const char *path, const char *key,
		     const char **ret)
{
	int r = json_get_text(t, path, key, ret, l->err);

	if (r != 1)
		return r;
	return check_field(l, json_place_of(json_object_object_get(t, key)), path, key, *ret,
			   ";\n\r");
}

static int get_user_texts(struct load *l, const struct named *n, const char *path,
			  struct manifest_user *u)
{
	int r = json_get_text(n->value, path, "password", &u->password, l->err);

	if (r == 0 &&
	    json_object_get_boolean(json_object_object_get(load_table(l, "general"), "prompt")))
		r = load_warn(l, n->place, "%s gets no password, since nobody is asked for one",
			      path);
	if (r >= 0)
		r = get_field(l, n->value, path, "name", &u->full_name);
	if (r >= 0)
		r = get_field(l, n->value, path, "shell", &u->shell);
	u->home = arena_printf(&l->m->arena, "/home/%s", n->name);
	if (!u->home)
		return error_nomem(l->err);
	if (r >= 0)
		r = load_image_path(l, n->value, path, "home", &u->home);
	if (r >= 0)
		r = check_field(l, n->place, path, "home", u->home, ";\n\r");
	return r < 0 ? r : 0;
}

static int load_user(struct load *l, const struct named *n, struct people *p,
		     struct manifest_user *u)
{
	const char *path = arena_printf(&l->m->arena, "[users.%s]", load_shown(l, n->name));
	const char **members = arena_array(&l->m->arena, 1, sizeof(*members));
	char why[128];
	int r;

	if (!path || !members)
		return error_nomem(l->err);
	*u = (struct manifest_user){ .name = n->name,
				     .password = "",
				     .full_name = n->name,
				     .shell = DEFAULT_SH,
				     .place = n->place };
	r = check_name(l, n, path);
	if (r == 0)
		r = get_id(l, n->value, path, "uid", &p->next_uid, &u->uid);
	if (r == 0)
		r = get_id(l, n->value, path, "gid", &p->next_gid, &u->gid);
	if (r == 0)
		r = get_user_texts(l, n, path, u);
	if (r < 0)
		return r;
	/* a name that is no name of a folder, and no home beside it */
	r = manifest_path_check(&l->m->arena, u->home, &u->home, why, sizeof(why));
	if (r < 0)
		return json_error(l->err, RIMG_E_BAD, n->place, "%s home: %s", path, why);
	members[0] = n->name;
	p->groups[p->n_groups++] = (struct manifest_group){ .name = n->name,
							    .gid = u->gid,
							    .members = members,
							    .n_members = 1,
							    .place = n->place };
	return 0;
}

static int get_members(struct load *l, const struct named *n, const char *path,
		       struct manifest_group *g)
{
	struct json_object *list = NULL;
	const char **members;
	int r = json_get(n->value, path, "members", json_type_array, &list, l->err);

	if (r != 1)
		return r;
	g->n_members = json_object_array_length(list);
	members = arena_array(&l->m->arena, g->n_members, sizeof(*members));
	if (!members)
		return error_nomem(l->err);
	for (size_t i = 0; i < g->n_members; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		members[i] = json_object_get_string(item);
		if (members[i][0] == '\0' ||
		    strlen(members[i]) != (size_t)json_object_get_string_len(item))
			return json_error(l->err, RIMG_E_BAD, json_place_of(item),
					  "%s members: an empty name, or one with a NUL", path);
		r = check_field(l, json_place_of(item), path, "members", members[i], SEPARATORS);
		if (r < 0)
			return r;
	}
	g->members = members;
	return 0;
}

static int load_group(struct load *l, const struct named *n, struct people *p)
{
	const char *path = arena_printf(&l->m->arena, "[groups.%s]", load_shown(l, n->name));
	struct manifest_group *g = &p->groups[p->n_groups];
	int r;

	if (!path)
		return error_nomem(l->err);
	*g = (struct manifest_group){ .name = n->name, .place = n->place };
	r = check_name(l, n, path);
	if (r == 0)
		r = get_id(l, n->value, path, "gid", &p->next_gid, &g->gid);
	if (r == 0)
		r = get_members(l, n, path, g);
	if (r == 0 && json_object_object_get(load_table(l, "users"), n->name))
		r = load_warn(l, n->place, "%s: there is a group of that name already, the user's",
			      path);
	p->n_groups++;
	return r;
}

int load_people(struct load *l)
{
	struct people p = { .next_uid = FIRST_ID, .next_gid = FIRST_ID };
	size_t n_users = 0, n_groups = 0;
	struct named *users = sorted(l, load_table(l, "users"), &n_users);
	struct named *groups = sorted(l, load_table(l, "groups"), &n_groups);
	struct manifest_user *made = arena_array(&l->m->arena, n_users, sizeof(*made));
	int r = 0;

	p.groups = arena_array(&l->m->arena, n_users + n_groups, sizeof(*p.groups));
	if (!users || !groups || !made || !p.groups)
		return error_nomem(l->err);
	for (size_t i = 0; r == 0 && i < n_users; i++)
		r = load_user(l, &users[i], &p, &made[i]);
	for (size_t i = 0; r == 0 && i < n_groups; i++)
		r = load_group(l, &groups[i], &p);
	l->m->users = made;
	l->m->n_users = n_users;
	l->m->groups = p.groups;
	l->m->n_groups = p.n_groups;
	return r;
}
