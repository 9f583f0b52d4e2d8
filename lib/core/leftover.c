/* SPDX-License-Identifier: MIT */
#include "core/leftover.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/num.h"

enum slot_state {
	SLOT_FREE,
	SLOT_FILLING, /* by a thread; not for others to look at */
	SLOT_USED,
};

/* A signal handler reads them at any time, so they neither move nor take memory. */
static struct slot {
	_Atomic int state;
	int dir;
	char name[NAME_MAX + 1];
} slots[16];

static volatile sig_atomic_t held;
static volatile sig_atomic_t interrupted;

int leftover_add(int dir, const char *name)
{
	size_t len = strlen(name);

	if (len > NAME_MAX)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		int expected = SLOT_FREE;

		if (!atomic_compare_exchange_strong(&slots[i].state, &expected, SLOT_FILLING))
			continue;
		slots[i].dir = dir;
		memcpy(slots[i].name, name, len + 1);
		atomic_store(&slots[i].state, SLOT_USED);
		return (int)i;
	}
	return -1;
}

void leftover_drop(int number)
{
	if (number >= 0)
		atomic_store(&slots[number].state, SLOT_FREE);
}

void leftover_remove(void)
{
	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		if (atomic_load(&slots[i].state) == SLOT_USED)
			(void)unlinkat(slots[i].dir, slots[i].name, 0);
}

void leftover_hold(bool on)
{
	held = on;
}

bool leftover_interrupt(int sig)
{
	if (!held)
		return false;
	interrupted = sig;
	return true;
}

int leftover_interrupted(void)
{
	return interrupted;
}
