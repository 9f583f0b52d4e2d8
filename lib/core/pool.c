/* SPDX-License-Identifier: MIT */
#include "core/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS_MAX 256

struct job {
	atomic_size_t next;
	size_t n;
	void (*fn)(void *arg, size_t i);
	void *arg;
};

static void *work(void *arg)
{
	struct job *job = arg;
	size_t i;

	while ((i = atomic_fetch_add(&job->next, 1)) < job->n)
		job->fn(job->arg, i);
	return NULL;
}

void pool_for(unsigned threads, size_t n, void (*fn)(void *arg, size_t i), void *arg)
{
	struct job job = { .n = n, .fn = fn, .arg = arg };
	pthread_t ids[THREADS_MAX];
	unsigned started = 0;

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	/* the caller is a worker too; a thread that cannot be started only makes it slower */
	while (started + 1 < threads && started + 1 < n) {
		if (pthread_create(&ids[started], NULL, work, &job) != 0)
			break;
		started++;
	}
	work(&job);
	for (unsigned i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
}
