/* SPDX-License-Identifier: MIT */
#include "core/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"

/* Chunks grow from small to large, so that a layer of one node stays cheap and one of a million
 * does not call malloc a million times. */
#define CHUNK_FIRST ((size_t)4096)
#define CHUNK_MAX   ((size_t)256 << 10)
#define ALIGNMENT   ((size_t)16)

static _Atomic(const char *) failure;

void mem_note_failure(const char *what)
{
	const char *none = NULL;

	atomic_compare_exchange_strong(&failure, &none, what);
}

const char *mem_failure(void)
{
	return atomic_load(&failure);
}

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* of data */
	size_t used;
	_Alignas(16) uint8_t data[];
};

struct arena_defer {
	struct arena_defer *next;
	void (*fn)(void *arg);
	void *arg;
};

void arena_init(struct arena *a, uint64_t max)
{
	*a = (struct arena){ .max = max };
}

void arena_done(struct arena *a)
{
	/* what is deferred lives in the chunks, so it goes first */
	for (struct arena_defer *d = a->defers; d; d = d->next)
		d->fn(d->arg);
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		free(c);
	}
	if (a->shared)
		*a->shared -= a->used;
	*a = (struct arena){ .max = a->max, .shared = a->shared };
}

bool arena_charge(struct arena *a, size_t size)
{
	uint64_t used = a->shared ? *a->shared : a->used;

	if (a->max != 0 && (used > a->max || size > a->max - used)) {
		a->refused = true;
		return false;
	}
	a->used += size;
	if (a->shared)
		*a->shared += size;
	return true;
}

static void take_back(struct arena *a, size_t size)
{
	a->used -= size;
	if (a->shared)
		*a->shared -= size;
}

static struct arena_chunk *add_chunk(struct arena *a, size_t at_least)
{
	/* a large piece gets a chunk of its own, behind the current one, which has room left */
	bool alone = at_least > CHUNK_MAX / 4;
	size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_FIRST;
	struct arena_chunk *c;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (alone || size < at_least)
		size = at_least;
	if (size > SIZE_MAX / 2)
		return NULL;
	c = malloc(sizeof(*c) + size);
	if (!c) {
		mem_note_failure("out of memory");
		return NULL;
	}
	c->size = size;
	c->used = 0;
	if (a->chunks && alone) {
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
	}
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	if (size > SIZE_MAX - ALIGNMENT)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (!arena_charge(a, size))
		return NULL;
	if (!c || size > c->size - c->used)
		c = add_chunk(a, size);
	if (!c) {
		take_back(a, size);
		return NULL;
	}
	p = c->data + c->used;
	c->used += size;
	return memset(p, 0, size);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	uint64_t total;

	if (!num_mul(n, size, &total) || total > SIZE_MAX)
		return NULL;
	return arena_alloc(a, (size_t)total);
}

void *arena_copy(struct arena *a, const void *data, size_t len)
{
	uint8_t *p;

	if (len == SIZE_MAX)
		return NULL;
	p = arena_alloc(a, len + 1);
	if (p && len > 0)
		memcpy(p, data, len);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	int len;
	char *text;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return NULL;
	text = arena_alloc(a, (size_t)len + 1);
	if (!text)
		return NULL;
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}

bool arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
	struct arena_defer *d = arena_alloc(a, sizeof(*d));

	if (!d)
		return false;
	*d = (struct arena_defer){ .next = a->defers, .fn = fn, .arg = arg };
	a->defers = d;
	return true;
}

bool mem_is_zero(const uint8_t *data, size_t len)
{
	/* each byte equals the one before it */
	return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

void *vec_grow(void *data, size_t *cap, size_t n, size_t size)
{
	size_t new_cap;
	void *p;

	if (n < *cap)
		return data;
	new_cap = *cap ? *cap * 2 : 16;
	if (new_cap < *cap || new_cap > SIZE_MAX / size)
		return NULL;
	p = realloc(data, new_cap * size);
	if (p)
		*cap = new_cap;
	else
		mem_note_failure("out of memory");
	return p;
}
