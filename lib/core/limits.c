/* SPDX-License-Identifier: MIT */
#include "core/limits.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

struct limit {
	const char *name;
	size_t at;
	size_t size; /* of the member: 4 or 8 */
	uint64_t min, max;
	const char *about;
};

#define LIMIT(name_, member, min_, max_, about_)                                                \
	{                                                                                       \
		.name = name_, .at = offsetof(struct rimg_limits, member),                      \
		.size = sizeof(((struct rimg_limits *)NULL)->member), .min = min_, .max = max_, \
		.about = about_                                                                 \
	}

/* clang-format off */
static const struct limit limits_table[] = {
	LIMIT("layer-depth", layer_depth, 1, 64, "layers inside layers"),
	LIMIT("dir-depth", dir_depth, 1, 4096, "directories inside directories"),
	LIMIT("nodes", nodes, 1, UINT32_MAX, "nodes of an image"),
	LIMIT("metadata", arena_bytes, 1, INT64_MAX, "bytes of metadata of an image"),
	LIMIT("read-factor", read_factor, 1, 1 << 20, "times its size that a format may read ..."),
	LIMIT("read-extra", read_extra, 0, INT64_MAX, "... plus this many bytes"),
	LIMIT("findings", findings, 1, UINT32_MAX, "findings kept of a layer; more are counted"),
	LIMIT("content", analysis_bytes, 1, UINT32_MAX, "bytes of a content held whole"),
	LIMIT("attribute", attr_bytes, 1, 1 << 30, "bytes of an attribute"),
	LIMIT("decoded", decoded_bytes, 1, 1 << 30, "bytes of a package unpacked at a time"),
};
/* clang-format on */

const char *limits_name(const void *arg, size_t i)
{
	(void)arg;
	return i < ARRAY_LEN(limits_table) ? limits_table[i].name : NULL;
}

const char *limits_about(size_t i)
{
	return limits_table[i].about;
}

uint64_t limits_value(const struct rimg_limits *limits, size_t i)
{
	const struct limit *l = &limits_table[i];
	const uint8_t *member = (const uint8_t *)limits + l->at;
	uint32_t narrow;
	uint64_t wide;

	if (l->size == sizeof(narrow)) {
		memcpy(&narrow, member, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, member, sizeof(wide));
	return wide;
}

static void set(struct rimg_limits *limits, const struct limit *l, uint64_t value)
{
	uint8_t *member = (uint8_t *)limits + l->at;
	uint32_t narrow = (uint32_t)value;

	if (l->size == sizeof(narrow))
		memcpy(member, &narrow, sizeof(narrow));
	else
		memcpy(member, &value, sizeof(value));
}

static const struct limit *find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(limits_table); i++)
		if (strlen(limits_table[i].name) == len &&
		    memcmp(limits_table[i].name, name, len) == 0)
			return &limits_table[i];
	return NULL;
}

int limits_set(struct rimg_limits *limits, const char *assignment, struct rimg_error *err)
{
	const char *equals = strchr(assignment, '=');
	size_t len = equals ? (size_t)(equals - assignment) : strlen(assignment);
	const struct limit *l = find(assignment, len);
	uint64_t value;

	if (!l)
		return error_set(
			err, RIMG_E_ARG, NULL,
			"--limit: no limit is called \"%.*s\"; rimg --version -v names them",
			(int)num_min(len, 64), assignment);
	if (!equals || !str_parse_size(equals + 1, &value))
		return error_set(err, RIMG_E_ARG, NULL,
				 "--limit: expected %s=N, a number or a size such as 64MiB",
				 l->name);
	if (value < l->min || value > l->max)
		return error_set(err, RIMG_E_ARG, NULL,
				 "--limit: %s can be %" PRIu64 " to %" PRIu64 ", not %" PRIu64,
				 l->name, l->min, l->max, value);
	set(limits, l, value);
	return 0;
}
