/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_VARY_H
#define VERIFY_VARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rimg/error.h>

/* The surroundings of a build, each of which can be changed alone. This is the one place outside of
 * lib/cli that deals with clocks, environments, names of hosts and the like: to change them for a
 * program that is started, never to let them into a result. */

/** enum vary_id - one thing about the surroundings */
enum vary_id {
	VARY_TIME,    /* the clock, more than a year ahead */
	VARY_TZ,      /* time zone */
	VARY_LOCALE,  /* language and rules of sorting */
	VARY_UMASK,   /* permissions that new files do not get */
	VARY_USER,    /* user and group, by number and by name */
	VARY_HOST,    /* name of the host */
	VARY_CWD,     /* path of the working directory, and its length */
	VARY_HOME,    /* home directory */
	VARY_ENV,     /* unknown and additional environment variables */
	VARY_THREADS, /* number of threads and processors */
	VARY_ORDER,   /* order in which directories list their entries */
	VARY_CPU,     /* features of the processor that libraries choose code by */
	VARY_KERNEL,  /* version of the kernel that programs are told */
	VARY_ASLR,    /* addresses of memory: not random */
	N_VARY,
};

#define VARY_BIT(id) (UINT32_C(1) << (id))
#define VARY_ALL     (VARY_BIT(N_VARY) - 1)

/** vary_name - "tz": the word of the command line */
const char *vary_name(enum vary_id id);

/**
 * vary_parse - a list such as "tz,locale", or "all"
 * @ret_bad, @ret_len: the word that is none, when it fails
 */
bool vary_parse(const char *list, uint32_t *ret, const char **ret_bad, size_t *ret_len);

/**
 * struct vary_host - what can be varied on this machine
 * @can: bits; what is missing here is never counted as varied
 * @how: of each: what is done, or why it cannot be
 */
struct vary_host {
	uint32_t can;
	char how[N_VARY][200];
	const char *faketime; /* the program that shifts the clock, or NULL */
	unsigned n_cpus;
};

/**
 * vary_probe - find out, by trying each in a process of its own
 *
 * VARY_CWD and VARY_ORDER are the caller's to do, and to find out; their bits are set.
 */
void vary_probe(struct vary_host *ret);

/**
 * struct vary_run - one program to start
 * @argv:    ends with NULL; argv[0] is a path
 * @cwd:     where it starts
 * @home:    an empty directory for VARY_HOME
 * @log:     descriptor that its two output streams go to
 * @set:     what is varied
 * @stopped: let the clock stand still, at the same second every time; needs @faketime
 */
struct vary_run {
	const char *const *argv;
	const char *cwd;
	const char *home;
	int log;
	uint32_t set;
	bool stopped;
};

/**
 * vary_start - run a program in changed surroundings and wait for its end
 * @ret_status: its exit status; 128 + the number of the signal that ended it
 *
 * A change that cannot be made (although vary_probe() made it) ends the child before the program
 * starts, and is an error. Returns 0 or -RIMG_E_IO.
 */
int vary_start(const struct vary_host *host, const struct vary_run *run, int *ret_status,
	       struct rimg_error *err);

/**
 * vary_catch - from now on, a signal that asks to end ends the program that runs, not us
 * @on: false: as it was before
 *
 * So that there is time to clean up: vary_start() fails, and starts nothing more. A signal that was
 * ignored stays ignored.
 */
void vary_catch(bool on);

/** vary_interrupted - has there been such a signal since vary_catch()? */
bool vary_interrupted(void);

#endif
