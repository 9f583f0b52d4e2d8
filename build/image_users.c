/* SPDX-License-Identifier: MIT */

/* [users] and [groups], as the Redox installer makes them: homes, /etc/passwd, /etc/shadow,
 * /etc/group. Facts: docs/manifest.md, "[users.NAME], [groups.NAME]". */

#include <argon2.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build/image.h"
#include "core/cleanup.h"
#include "core/emit.h"
#include "core/error.h"
#include "core/str.h"

#define FIRST_PERSON 1000 /* users below it are of the system: no folders in their homes */
#define MODE_HOME    0700
#define MODE_PRIVATE 0600

/* the settings of the library that the installer hashes passwords with */
#define HASH_PASSES 2
#define HASH_KIB    19456
#define HASH_LANES  1
#define HASH_LEN    32

static const char *const home_folders[] = {
	"Desktop",
	"Documents",
	"Downloads",
	"Music",
	"Pictures",
	"Public",
	"Templates",
	"Videos",
	".config",
	".local",
	".local/share",
	".local/share/Trash",
	".local/share/Trash/info",
};

static const char user_dirs[] = "# The folders of this home, for programs that ask\n"
				"XDG_DESKTOP_DIR=\"$HOME/Desktop\"\n"
				"XDG_DOCUMENTS_DIR=\"$HOME/Documents\"\n"
				"XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n"
				"XDG_MUSIC_DIR=\"$HOME/Music\"\n"
				"XDG_PICTURES_DIR=\"$HOME/Pictures\"\n"
				"XDG_PUBLICSHARE_DIR=\"$HOME/Public\"\n"
				"XDG_TEMPLATES_DIR=\"$HOME/Templates\"\n"
				"XDG_VIDEOS_DIR=\"$HOME/Videos\"\n";

/* ---- homes -------------------------------------------------------------------------------- */

static int put_dir(struct image_build *b, const struct manifest_user *u, const char *path,
		   struct rimg_error *err)
{
	struct plan_node *dir = image_put(b, path, RIMG_ROLE_DIR, err);

	if (!dir)
		return -RIMG_E_ARG;
	dir->mode = MODE_HOME;
	dir->uid = u->uid;
	dir->gid = u->gid;
	return 0;
}

static int put_bytes(struct image_build *b, const char *path, uint32_t mode, uint32_t uid,
		     uint32_t gid, const void *data, size_t len, struct rimg_error *err)
{
	struct plan_node *file = image_put(b, path, RIMG_ROLE_FILE, err);

	if (!file)
		return -RIMG_E_ARG;
	file->mode = mode;
	file->uid = uid;
	file->gid = gid;
	return inputs_set_bytes(&b->root, file, data, len) < 0 ? error_nomem(err) : 0;
}

/* Files and folders of /etc/skel, with the owner and the modes of a home. Links stay behind, as
 * they do with the installer. */
static int copy_skel(struct image_build *b, const struct manifest_user *u,
		     const struct plan_node *skel, const char *into, struct rimg_error *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < skel->n_children && rc == 0; i++) {
		const struct plan_node *from = skel->children[i];
		auto_str struct str path = { 0 };
		struct plan_node *file;

		str_printf(&path, "%s/%s", into, from->name);
		if (path.failed)
			return error_nomem(err);
		if (from->role == RIMG_ROLE_DIR) {
			rc = put_dir(b, u, path.data, err);
			if (rc == 0)
				rc = copy_skel(b, u, from, path.data, err);
		} else if (from->role == RIMG_ROLE_FILE) {
			file = image_put(b, path.data, RIMG_ROLE_FILE, err);
			if (!file)
				return -RIMG_E_ARG;
			file->mode = MODE_PRIVATE;
			file->uid = u->uid;
			file->gid = u->gid;
			file->content = plan_owner(from)->content;
		}
	}
	return rc;
}

static int make_home(struct image_build *b, const struct manifest_user *u, struct rimg_error *err)
{
	const struct plan_node *skel = plan_find(&b->root, "/etc/skel");
	auto_str struct str path = { 0 };
	int rc = put_dir(b, u, u->home, err);

	if (rc < 0)
		return rc;
	image_chown(plan_find(&b->root, u->home), &u->uid, &u->gid);
	if (u->uid < FIRST_PERSON)
		return 0;
	for (size_t i = 0; i < sizeof(home_folders) / sizeof(home_folders[0]) && rc == 0; i++) {
		str_clear(&path);
		str_printf(&path, "%s/%s", u->home, home_folders[i]);
		rc = path.failed ? error_nomem(err) : put_dir(b, u, path.data, err);
	}
	str_clear(&path);
	str_printf(&path, "%s/.config/user-dirs.dirs", u->home);
	if (rc == 0 && path.failed)
		rc = error_nomem(err);
	if (rc == 0)
		rc = put_bytes(b, path.data, MODE_PRIVATE, u->uid, u->gid, user_dirs,
			       strlen(user_dirs), err);
	if (rc == 0 && skel && skel->role == RIMG_ROLE_DIR)
		rc = copy_skel(b, u, skel, u->home, err);
	return rc;
}

/* ---- files of /etc ------------------------------------------------------------------------ */

/* The salt that the installer draws at random, 16 hexadecimal digits, follows from the seed. */
static int derive_salt(struct image_build *b, const struct manifest_user *u, char salt[17],
		       struct rimg_error *err)
{
	struct emit_request rq = { .ctx = b->ctx, .layer_name = "users" };
	auto_str struct str purpose = { 0 };
	uint8_t bytes[8] = { 0 };
	int rc;

	memcpy(rq.seed, b->seed, sizeof(rq.seed));
	str_printf(&purpose, "password salt of %s", u->name);
	rc = purpose.failed ? error_nomem(err)
			    : emit_derive(&rq, purpose.data, bytes, sizeof(bytes), err);
	bytes[0] |= 0x80; /* always sixteen digits */
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(salt + 2 * i, 3, "%02X", bytes[i]);
	return rc;
}

static int add_shadow(struct image_build *b, const struct manifest_user *u, struct str *shadow,
		      struct rimg_error *err)
{
	char salt[17], encoded[256] = "";
	int rc = 0;

	if (u->password[0] != '\0') {
		rc = derive_salt(b, u, salt, err);
		if (rc == 0 &&
		    argon2id_hash_encoded(HASH_PASSES, HASH_KIB, HASH_LANES, u->password,
					  strlen(u->password), salt, strlen(salt), HASH_LEN,
					  encoded, sizeof(encoded)) != ARGON2_OK)
			rc = error_set(err, RIMG_E_CRYPTO, NULL,
				       "Argon2 cannot hash the password of %s", u->name);
	}
	str_printf(shadow, "%s;%s\n", u->name, encoded);
	return rc;
}

static void add_group(struct str *group, const struct manifest_group *g)
{
	str_printf(group, "%s;x;%" PRIu32 ";", g->name, g->gid);
	for (size_t i = 0; i < g->n_members; i++)
		str_printf(group, "%s%s", i > 0 ? "," : "", g->members[i]);
	str_add_char(group, '\n');
}

static int put_text(struct image_build *b, const char *path, uint32_t mode, const struct str *s,
		    struct rimg_error *err)
{
	if (s->failed)
		return error_nomem(err);
	return s->len > 0 ? put_bytes(b, path, mode, 0, 0, s->data, s->len, err) : 0;
}

int image_add_users(struct image_build *b, struct rimg_error *err)
{
	auto_str struct str passwd = { 0 }, shadow = { 0 }, group = { 0 };
	int rc = 0;

	for (size_t i = 0; i < b->m->n_users && rc == 0; i++) {
		const struct manifest_user *u = &b->m->users[i];

		rc = make_home(b, u, err);
		if (rc == 0)
			rc = add_shadow(b, u, &shadow, err);
		str_printf(&passwd, "%s;%" PRIu32 ";%" PRIu32 ";%s;%s;%s\n", u->name, u->uid,
			   u->gid, u->full_name, u->home, u->shell);
		rc = image_at(u->place, rc, err);
	}
	for (size_t i = 0; i < b->m->n_groups; i++)
		add_group(&group, &b->m->groups[i]);
	if (rc == 0)
		rc = put_text(b, "/etc/passwd", 0644, &passwd, err);
	if (rc == 0)
		rc = put_text(b, "/etc/shadow", MODE_PRIVATE, &shadow, err);
	if (rc == 0)
		rc = put_text(b, "/etc/group", MODE_PRIVATE, &group, err);
	return rc;
}
