/* SPDX-License-Identifier: MIT */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * mem_note_failure - memory could not be had, here or in any other thread
 * @what: what failed, in a few words; lives as long as the process
 *
 * Who then goes on without it loses a line, a name or a hint, and may not notice. mem_failure()
 * tells from then on what failed first (NULL: nothing), and a command ends with trouble whatever it
 * found (call_finish()): a verdict of a program that ran out of memory is worth nothing.
 */
void mem_note_failure(const char *what);
const char *mem_failure(void);

/**
 * struct arena - memory that is freed all at once
 *
 * Tree data (nodes, names, attributes, extents) lives in the arena of its layer. Not safe from
 * several threads: one thread builds a layer, afterwards it is read-only.
 */
struct arena {
	struct arena_chunk *chunks;
	struct arena_defer *defers;
	uint64_t used;    /* bytes handed out or charged */
	uint64_t max;     /* 0: no limit */
	bool refused;     /* an allocation failed because of `max` */
	uint64_t *shared; /* a counter of several arenas that `max` is held against; NULL: `used` */
	void *block_cache; /* of source.c: blocks that extents sources decoded last */
};

/** arena_init - an empty arena; @max: bytes it may hand out, 0 for no limit */
void arena_init(struct arena *a, uint64_t max);

/** arena_done - run the deferred calls, newest first, and free everything */
void arena_done(struct arena *a);

/** arena_alloc - @size zeroed bytes, aligned for any type; NULL without memory or over the limit */
void *arena_alloc(struct arena *a, size_t size);

/**
 * arena_charge - count @size bytes that are kept elsewhere until the arena is freed
 *
 * Returns false (and sets `refused`) when that goes over the limit.
 */
bool arena_charge(struct arena *a, size_t size);

/** arena_array - zeroed room for @n elements of @size bytes; checked for overflow */
void *arena_array(struct arena *a, size_t n, size_t size);

/** arena_copy - a copy of @len bytes with a NUL behind them */
void *arena_copy(struct arena *a, const void *data, size_t len);

/** arena_printf - formatted text in the arena; NULL without memory */
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *a, const char *fmt, ...);

/** arena_defer - call @fn(@arg) when the arena is freed; false without memory (@fn is not called)
 */
bool arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);

/** mem_is_zero - are all @len bytes zero? */
bool mem_is_zero(const uint8_t *data, size_t len);

/**
 * vec_grow - make room for one more element in a malloc'ed array
 * @data: the array, or NULL
 * @cap:  its capacity in elements, updated
 * @n:    elements in use
 * @size: bytes an element
 *
 * Returns the array, perhaps moved, or NULL without memory (the old one is then still valid).
 */
void *vec_grow(void *data, size_t *cap, size_t n, size_t size);

#endif
