/* SPDX-License-Identifier: MIT */

/* A library to be preloaded where a tool works inside of the process (valgrind), which a sandbox would
 * not let it do: as on a kernel that cannot confine. tests/valgrind.sh builds it. */

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

int seccomp_load(const void *filter);
int seccomp_load(const void *filter)
{
	(void)filter;
	return -ENOSYS;
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
	if (number == SYS_landlock_create_ruleset || number == SYS_seccomp) {
		errno = ENOSYS;
		return -1;
	}
	return next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
