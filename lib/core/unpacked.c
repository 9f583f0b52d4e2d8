/* SPDX-License-Identifier: MIT */
#include "core/unpacked.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"

struct unpacked {
	pthread_mutex_t lock; /* recursive: making one content may read another */
	uint64_t max;
	uint64_t used; /* bytes held, and of those that are being made */
	struct unpacked_item *newest, *oldest;
};

static bool init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	bool ok;

	if (pthread_mutexattr_init(&attr) != 0)
		return false;
	ok = pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE) == 0 &&
	     pthread_mutex_init(lock, &attr) == 0;
	pthread_mutexattr_destroy(&attr);
	return ok;
}

struct unpacked *unpacked_new(uint64_t max)
{
	auto_free struct unpacked *u = calloc(1, sizeof(*u));

	if (!u || !init_lock(&u->lock))
		return NULL;
	u->max = max;
	return take_ptr(u);
}

void unpacked_free(struct unpacked *u)
{
	if (!u)
		return;
	pthread_mutex_destroy(&u->lock);
	free(u);
}

/* ---- the list, newest first; the lock is held --------------------------------------------- */

static void detach(struct unpacked *u, struct unpacked_item *item)
{
	if (item->newer)
		item->newer->older = item->older;
	else
		u->newest = item->older;
	if (item->older)
		item->older->newer = item->newer;
	else
		u->oldest = item->newer;
	item->newer = item->older = NULL;
}

static void attach(struct unpacked *u, struct unpacked_item *item)
{
	item->older = u->newest;
	if (u->newest)
		u->newest->newer = item;
	else
		u->oldest = item;
	u->newest = item;
}

static void evict(struct unpacked *u, struct unpacked_item *item)
{
	detach(u, item);
	free(item->data);
	item->data = NULL;
	u->used -= item->len;
}

static int make(struct unpacked *u, struct unpacked_item *item, struct rimg_error *err)
{
	auto_free uint8_t *data = NULL;
	int rc;

	while (u->oldest && (u->used > u->max || item->len > u->max - u->used))
		evict(u, u->oldest);
	if (item->len <= SIZE_MAX)
		data = malloc((size_t)item->len);
	if (!data)
		return error_nomem(err);
	u->used += item->len;
	rc = item->make(item, data, err);
	if (rc < 0) {
		u->used -= item->len;
		return rc;
	}
	item->data = take_ptr(data);
	attach(u, item);
	return 0;
}

int unpacked_read(struct unpacked *u, struct unpacked_item *item, uint64_t off, void *buf,
		  size_t len, struct rimg_error *err)
{
	int rc = 0;

	pthread_mutex_lock(&u->lock);
	if (!item->data) {
		rc = make(u, item, err);
	} else if (item != u->newest) {
		detach(u, item);
		attach(u, item);
	}
	if (rc == 0)
		memcpy(buf, item->data + off, len);
	pthread_mutex_unlock(&u->lock);
	return rc;
}

void unpacked_drop(struct unpacked *u, struct unpacked_item *item)
{
	pthread_mutex_lock(&u->lock);
	if (item->data)
		evict(u, item);
	pthread_mutex_unlock(&u->lock);
}
