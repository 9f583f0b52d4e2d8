/* SPDX-License-Identifier: MIT */
#ifndef CORE_LEFTOVER_H
#define CORE_LEFTOVER_H

#include <stdbool.h>

/* What is to be gone from the host when a signal ends the program before the work is done. Nothing
 * here catches signals: whoever owns the process does (lib/cli/main.c), and asks. */

/**
 * leftover_add - a temporary file @name in the open directory @dir
 *
 * Returns its number for leftover_drop(); -1 when there is no room, and then it would stay.
 */
int leftover_add(int dir, const char *name);

/** leftover_drop - it has its final name, or is gone; -1 is fine. Before @dir is closed. */
void leftover_drop(int number);

/** leftover_remove - remove all of them; may be called by a signal handler */
void leftover_remove(void);

/**
 * leftover_hold - from now on (until called with false) there is something to remove that takes
 * more than a signal handler may do: who made it asks leftover_interrupted(), and cleans up by
 * itself
 */
void leftover_hold(bool on);

/** leftover_interrupt - called by a signal handler: true if somebody holds, and was told */
bool leftover_interrupt(int sig);

/** leftover_interrupted - the signal that wants the program to end, or 0 */
int leftover_interrupted(void);

#endif
