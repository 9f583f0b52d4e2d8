/* SPDX-License-Identifier: MIT */

#include "core/emit.h"
#include "core/format.h"

#include "emitters.inc"
#include "formats.inc"

const struct rimg_format *const formats[] = { RIMG_FORMAT_TABLE };

const struct rimg_emitter *const emitters[] = { RIMG_EMITTER_TABLE };
