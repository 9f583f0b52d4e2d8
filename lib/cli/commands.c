/* SPDX-License-Identifier: MIT */

#include "core/command.h"

#include "commands.inc"

const struct rimg_command *const commands[] = { RIMG_COMMAND_TABLE };
