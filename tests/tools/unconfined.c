/* SPDX-License-Identifier: MIT */

/* A library to be preloaded where a tool works inside of the process (valgrind), which a sandbox would
 * not let it do: what confines succeeds, and confines nothing. tests/valgrind.sh builds it. */

#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>

int seccomp_load(const void *filter);
int seccomp_load(const void *filter)
{
	(void)filter;
	return 0;
}

long syscall(long number, ...)
{
	long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long arg[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_landlock_restrict_self)
		return 0;
	return next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
