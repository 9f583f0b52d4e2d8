/* SPDX-License-Identifier: MIT */

/* Short and long names for directories that are written. Facts: docs/formats/fat.md,
 * "Directory entry", "Long names". */

#include "formats/fat_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/emit.h"
#include "core/error.h"
#include "core/num.h"
#include "formats/utf16.h"

#define BASE_LEN   8
#define EXT_LEN    3
#define NUMBER_MAX 999999

/* ---- which characters --------------------------------------------------------------------- */

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool is_short_char(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("$%'-_@~`!(){}^#&", c) != NULL);
}

static bool is_long_char(uint8_t c)
{
	return c >= 0x20 && c != 0x7f && !strchr("\"*/:<>?\\|", c);
}

/* The name in capitals, if it has what short names have: base and extension of letters, digits and
 * some signs. */
static bool short_form(const struct plan_node *node, uint8_t ret[FAT_NAME_LEN])
{
	const char *dot = memchr(node->name, '.', node->name_len);
	size_t base = dot ? (size_t)(dot - node->name) : node->name_len;
	size_t ext = dot ? node->name_len - base - 1 : 0;

	if (base == 0 || base > BASE_LEN || ext > EXT_LEN || (dot && ext == 0))
		return false;
	memset(ret, ' ', FAT_NAME_LEN);
	memcpy(ret, node->name, base);
	if (dot)
		memcpy(ret + BASE_LEN, dot + 1, ext);
	for (size_t i = 0; i < FAT_NAME_LEN; i++) {
		bool used = i < BASE_LEN ? i < base : i < BASE_LEN + ext;

		ret[i] = upper(ret[i]);
		if (used && !is_short_char(ret[i]))
			return false;
	}
	return true;
}

/* Such a name is stored as it is. */
static bool is_capital(const struct plan_node *node)
{
	for (uint32_t i = 0; i < node->name_len; i++)
		if (upper((uint8_t)node->name[i]) != (uint8_t)node->name[i])
			return false;
	return true;
}

static int check_long_name(struct fat_name *name, struct rimg_error *err)
{
	const struct plan_node *node = name->node;
	size_t n = utf16_from_utf8(node->name, node->name_len, name->units, FAT_LONG_MAX);

	if (n == 0 || n == SIZE_MAX)
		return emit_refuse(err, RIMG_E_ARG, node,
				   "a name on FAT is UTF-8 of 1 to %u UTF-16 units", FAT_LONG_MAX);
	for (uint32_t i = 0; i < node->name_len; i++)
		if (!is_long_char((uint8_t)node->name[i]))
			return emit_refuse(err, RIMG_E_ARG, node,
					   "a name on FAT holds no control character and none of "
					   "\"*/:<>?\\|");
	if (node->name[node->name_len - 1] == '.' || node->name[node->name_len - 1] == ' ')
		return emit_refuse(err, RIMG_E_ARG, node,
				   "a name on FAT does not end with a dot or a space");
	name->n_units = (uint16_t)n;
	return 0;
}

/* ---- unique names ------------------------------------------------------------------------- */

/* Names in use, sorted: n of `width` bytes each. */
static int compare_short(const void *a, const void *b)
{
	return memcmp(a, b, FAT_NAME_LEN);
}

struct taken {
	uint8_t (*names)[FAT_NAME_LEN];
	size_t n;
};

static void taken_done(struct taken *t)
{
	free(t->names);
}

static size_t taken_bound(const struct taken *t, const uint8_t name[FAT_NAME_LEN])
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare_short(t->names[mid], name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* False when the name is in use already. There is room for two names of every entry. */
static bool take(struct taken *t, const uint8_t name[FAT_NAME_LEN])
{
	size_t i = taken_bound(t, name);

	if (i < t->n && compare_short(t->names[i], name) == 0)
		return false;
	memmove(t->names[i + 1], t->names[i], (t->n - i) * FAT_NAME_LEN);
	memcpy(t->names[i], name, FAT_NAME_LEN);
	t->n++;
	return true;
}

/* The characters that a short name can hold, in capitals; others become '_', spaces and dots go. */
static size_t squeeze(const char *from, size_t len, uint8_t *to, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < max; i++) {
		uint8_t c = upper((uint8_t)from[i]);

		if (c == ' ' || c == '.')
			continue;
		to[n++] = is_short_char(c) ? c : '_';
	}
	return n;
}

static int invent_short_name(struct fat_name *name, struct taken *t, unsigned *start,
			     struct rimg_error *err)
{
	const struct plan_node *node = name->node;
	const char *dot = memrchr(node->name, '.', node->name_len);
	size_t base_len = dot && dot > node->name ? (size_t)(dot - node->name) : node->name_len;
	uint8_t base[BASE_LEN];
	size_t n;

	memset(name->short_name, ' ', FAT_NAME_LEN);
	n = squeeze(node->name, base_len, base, BASE_LEN);
	if (base_len < node->name_len)
		squeeze(dot + 1, node->name_len - base_len - 1, name->short_name + BASE_LEN,
			EXT_LEN);
	/* numbers below *start are taken by names before this one, whatever their base: trying them
	 * again for each entry of a large directory would take the square of its size */
	for (unsigned i = *start; i <= NUMBER_MAX; i++) {
		char tail[BASE_LEN + 1];
		size_t tail_len = (size_t)snprintf(tail, sizeof(tail), "~%u", i);
		size_t keep = num_min_size(n, BASE_LEN - tail_len);

		memset(name->short_name, ' ', BASE_LEN);
		memcpy(name->short_name, base, keep);
		memcpy(name->short_name + keep, tail, tail_len);
		if (take(t, name->short_name)) {
			*start = i + 1;
			return 0;
		}
	}
	return emit_refuse(err, RIMG_E_LIMIT, node, "too many long names in one FAT directory");
}

static int compare_folded(const void *pa, const void *pb)
{
	const struct plan_node *a = *(const struct plan_node *const *)pa;
	const struct plan_node *b = *(const struct plan_node *const *)pb;

	for (uint32_t i = 0; i < a->name_len && i < b->name_len; i++) {
		int order = upper((uint8_t)a->name[i]) - upper((uint8_t)b->name[i]);

		if (order != 0)
			return order;
	}
	return (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* FAT finds names without regard to case, so two that differ in nothing else are one. */
static int check_unique(const struct plan_node *dir, struct rimg_error *err)
{
	auto_free const struct plan_node **list = calloc(dir->n_children, sizeof(*list));

	if (!list)
		return error_nomem(err);
	for (uint32_t i = 0; i < dir->n_children; i++)
		list[i] = dir->children[i];
	qsort(list, dir->n_children, sizeof(*list), compare_folded);
	for (uint32_t i = 1; i < dir->n_children; i++)
		if (compare_folded(&list[i - 1], &list[i]) == 0)
			return emit_refuse(err, RIMG_E_ARG, list[i],
					   "on FAT this is the same name as \"%s\"",
					   list[i - 1]->name);
	return 0;
}

unsigned fat_name_slots(const struct fat_name *name)
{
	return 1 + (name->n_units + FAT_LONG_UNITS - 1) / FAT_LONG_UNITS;
}

struct fat_name *fat_names(const struct plan_node *dir, struct rimg_error *err)
{
	auto_with(taken_done) struct taken t = { 0 };
	auto_free struct fat_name *names = calloc((size_t)dir->n_children + 1, sizeof(*names));
	unsigned start = 1;

	t.names = calloc((size_t)dir->n_children * 2 + 1, FAT_NAME_LEN);
	if (!names || !t.names) {
		error_nomem(err);
		return NULL;
	}
	if (dir->n_children > 0 && check_unique(dir, err) < 0)
		return NULL;
	for (uint32_t i = 0; i < dir->n_children; i++) {
		bool fits = short_form(dir->children[i], names[i].short_name);

		names[i].node = dir->children[i];
		/* a long name, too, is no other entry's short one */
		if (fits)
			take(&t, names[i].short_name);
		if ((!fits || !is_capital(names[i].node)) && check_long_name(&names[i], err) < 0)
			return NULL;
	}
	for (uint32_t i = 0; i < dir->n_children; i++)
		if (names[i].n_units > 0 && invent_short_name(&names[i], &t, &start, err) < 0)
			return NULL;
	return take_ptr(names);
}
