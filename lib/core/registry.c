/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "core/emit.h"
#include "core/format.h"

#include "emitters.inc"
#include "formats.inc"

const struct rimg_format *const formats[] = { RIMG_FORMAT_TABLE };

const struct rimg_emitter *const emitters[] = { RIMG_EMITTER_TABLE };

const struct rimg_format *format_find(const char *name)
{
	for (size_t i = 0; formats[i]; i++) {
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	}
	return NULL;
}
