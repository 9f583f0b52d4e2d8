/* SPDX-License-Identifier: MIT */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stddef.h>

/**
 * pool_for - call @fn(@arg, i) for every i in [0, n), on up to @threads threads
 *
 * Workers take the indices in ascending order and may write only what belongs to their index; the
 * caller looks at the results after the return, in index order, so the number of threads never
 * shows. With one thread, or when no thread can be started, it is a plain loop.
 */
void pool_for(unsigned threads, size_t n, void (*fn)(void *arg, size_t i), void *arg);

#endif
