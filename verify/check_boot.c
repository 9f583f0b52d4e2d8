/* SPDX-License-Identifier: MIT */
#include "verify/check_boot.h"

#include <string.h>
#include <strings.h>

#include "core/num.h"

/* ---- looking -------------------------------------------------------------------------------- */

static bool same_letters(const struct rimg_node *node, const char *name)
{
	return node->name_len == strlen(name) && strncasecmp(node->name, name, node->name_len) == 0;
}

/* A child by its name in any case, as firmware looks for it. */
static struct rimg_node *find_fold(const struct rimg_node *dir, const char *name)
{
	if (!dir || dir->role != RIMG_ROLE_DIR)
		return NULL;
	rimg_for_each_child(child, dir)
		if (same_letters(child, name))
			return child;
	return NULL;
}

/* \EFI\BOOT\BOOTxx.EFI of any architecture that UEFI names */
static bool has_loader(const struct rimg_layer *l)
{
	static const char *const names[] = { "BOOTAA64.EFI", "BOOTX64.EFI", "BOOTIA32.EFI",
					     "BOOTARM.EFI", "BOOTRISCV64.EFI" };
	const struct rimg_node *dir = find_fold(find_fold(l->top, "EFI"), "BOOT");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct rimg_node *file = find_fold(dir, names[i]);

		if (file && file->role == RIMG_ROLE_FILE)
			return true;
	}
	return false;
}

static struct rimg_node *find_path(struct rimg_node *top, const char *const *names)
{
	struct rimg_node *node = top;

	for (; node && *names; names++)
		node = node->role == RIMG_ROLE_DIR ? node_find(node, *names, strlen(*names)) : NULL;
	return node;
}

static enum boot_file look_at(const struct rimg_node *node, const char *magic)
{
	size_t len = strlen(magic);
	char head[16];

	if (!node)
		return BOOT_MISSING;
	if (node->role == RIMG_ROLE_SYMLINK)
		return BOOT_LINK;
	if (node->role != RIMG_ROLE_FILE || !node->content ||
	    rimg_source_size(node->content) < len ||
	    rimg_source_read(node->content, 0, head, len, NULL) < 0 ||
	    memcmp(head, magic, len) != 0)
		return BOOT_OTHER;
	return BOOT_FOUND;
}

/* The best of the two places where loaders look, older and newer ones. */
static enum boot_file look_for(const struct rimg_layer *l, const char *name, const char *magic)
{
	const char *old[] = { "boot", name, NULL };
	const char *new[] = { "usr", "lib", "boot", name, NULL };
	enum boot_file a = look_at(find_path(l->top, old), magic);
	enum boot_file b = look_at(find_path(l->top, new), magic);

	return a > b ? a : b;
}

void check_boot_look(struct check_boot *b, struct rimg_node *node, struct rimg_layer *l)
{
	const char *format = layer_format_name(l);

	if (!b || node->role != RIMG_ROLE_PARTITION || l->unreadable)
		return;
	if (strcmp(format, "fat") == 0 && !b->efi) {
		b->efi = node;
		b->loader = has_loader(l);
	} else if (strcmp(format, "redoxfs") == 0 && !b->redox) {
		b->redox = node;
		b->at_start = node_attr_u64(l->root, "ring block", 0) == 0;
		b->kernel = look_for(l, "kernel", "\177ELF");
		b->initfs = look_for(l, "initfs", "RedoxFtw");
	}
}

/* ---- judging -------------------------------------------------------------------------------- */

static void judge_file(struct rimg_layer *disk, struct rimg_node *node, const char *code,
		       const char *name, const char *what, enum boot_file found)
{
	static const char *const words[] = {
		[BOOT_MISSING] = "neither",
		[BOOT_LINK] = "a symbolic link, which boot loaders do not follow",
		[BOOT_OTHER] = "something else",
	};

	if (found != BOOT_FOUND)
		layer_finding(disk, SEVERITY_WARNING, code, node, 0, 0,
			      "expected %s at /boot/%s or /usr/lib/boot/%s for the boot loader, "
			      "found %s",
			      what, name, name, words[found]);
}

/* bios, efi, linux, as the installer lays them out */
static void judge_order(struct rimg_layer *disk)
{
	static const char *const types[] = { "bios", "efi", "linux" };
	size_t n = 0;

	rimg_for_each_child(node, disk->root) {
		const struct rimg_attr *type;

		if (node->role != RIMG_ROLE_PARTITION)
			continue;
		type = node_attr(node, "type");
		if (n < ARRAY_LEN(types) && type && type->type == ATTR_TEXT &&
		    type->bytes.len == strlen(types[n]) &&
		    memcmp(type->bytes.data, types[n], type->bytes.len) == 0)
			n++;
	}
	if (n < ARRAY_LEN(types))
		layer_finding(disk, SEVERITY_WARNING, "boot.partitions", NULL, 0, 0,
			      "expected partitions of the types bios, efi and linux in this order, "
			      "as the installer makes them, found only %zu of them",
			      n);
}

void check_boot_judge(const struct check_boot *b, struct rimg_layer *disk)
{
	if (!b->efi || !b->redox)
		return;
	judge_order(disk);
	if (!b->loader)
		layer_finding(disk, SEVERITY_WARNING, "boot.loader", b->efi, 0, 0,
			      "expected a boot loader such as /EFI/BOOT/BOOTAA64.EFI, found none");
	if (!b->at_start)
		layer_finding(disk, SEVERITY_WARNING, "boot.ring", b->redox, 0, 0,
			      "expected the RedoxFS at the first block of its partition, where "
			      "boot loaders look, found it further on");
	judge_file(disk, b->redox, "boot.kernel", "kernel", "an ELF program", b->kernel);
	judge_file(disk, b->redox, "boot.initfs", "initfs", "an initfs", b->initfs);
}
