/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_FAULT_H
#define TOOLS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* What becomes of a call. */
enum fault_turn {
	FAULT_NONE, /* it goes on as ever */
	FAULT_FAIL, /* it fails, with errno set */
	FAULT_HALF, /* it reads or writes half of what it should */
};

/* What FAULT_ERROR names: "ENOSPC", "HALF", "KILL"; with a "+" behind it, all calls from that one on. */
struct fault {
	char name[24];
	int error;
	bool half;
	int signal; /* 0: none */
	bool on;
};

/* The settings, from the environment. */
struct fault_env {
	const char *kinds;     /* FAULT_KIND: "read", or several: "make write sync" */
	unsigned long at;      /* FAULT_AT; 0: at each */
	unsigned long step;    /* FAULT_STEP: at each one of so many */
	int mark;              /* FAULT_MARK; -1: none */
	const char *dir;       /* FAULT_DIR; may be NULL */
	bool fresh;            /* FAULT_FRESH: no two results are the same */
	const char *reports;   /* FAULT_REPORTS: files that may tell of the fault; may be NULL */
	struct fault faults[8]; /* FAULT_ERROR */
	size_t n_faults;
	pid_t process;	       /* not children that the program itself makes */
};

/** real - what the function of that name would have been without us */
void *real(const char *name);

#define REAL(name) ((__typeof__(&(name)))real(#name))

/**
 * fault_each - the n-th call: let copies of the process run on, each with a fault
 *
 * Returns in each of the copies, with its fault, and in the process itself with NULL, after looking
 * at what has become of the copies.
 */
const struct fault *fault_each(const struct fault_env *env, const char *kind, unsigned long n);

/** fault_tell - at the end of the process: what became of its calls, for the script */
void fault_tell(const struct fault_env *env);

/** fault_child - in a copy: how did this child of the process end, which the copy cannot wait for? */
bool fault_child(pid_t pid, int *ret_status);

/** fault_note_library - the copy fails within a library that is known not to stand it */
void fault_note_library(const struct fault_env *env);
bool fault_in_library(const struct fault_env *env);

/** fault_judge - is that what a process with @fault may leave? Else says why not in @why. */
bool fault_judge(const struct fault_env *env, const char *kind, const struct fault *fault,
		 int status, char *why, size_t size);

/** fault_isolate - the process gets a copy of its folder, and files of its own in the place of 1 and 2 */
void fault_isolate(const struct fault_env *env);

#endif
