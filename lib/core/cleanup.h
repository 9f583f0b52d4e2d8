/* SPDX-License-Identifier: MIT */
#ifndef CORE_CLEANUP_H
#define CORE_CLEANUP_H

/* Ownership made visible: a local marked auto_* is released when it goes out of scope, and leaves
 * its function only through take_*. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define auto_free   __attribute__((cleanup(cleanup_free)))
#define auto_close  __attribute__((cleanup(cleanup_close)))
#define auto_fclose __attribute__((cleanup(cleanup_fclose)))

/* auto_with(fn): for types with a destructor of their own; fn takes a pointer to the variable */
#define auto_with(fn) __attribute__((cleanup(fn)))

/** take_ptr - move a pointer out of its auto_* variable */
#define take_ptr(p)                         \
	__extension__({                     \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

/** take_fd - move a file descriptor out of its auto_close variable */
#define take_fd(fd)                \
	__extension__({            \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

#endif
