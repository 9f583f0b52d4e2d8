/* SPDX-License-Identifier: MIT */

/* without landlock|seccomp|both PROGRAM ARGUMENT...: run a program as on a kernel that lacks them.
 * Their system calls fail as they do there; nothing in rimg has to know about it. */

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int deny_landlock(scmp_filter_ctx f)
{
	return seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0);
}

static int deny_seccomp(scmp_filter_ctx f)
{
	int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(seccomp), 0);

	return rc < 0 ? rc
		      : seccomp_rule_add(f, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
					 SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP));
}

int main(int argc, char **argv)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int rc = f && argc > 2 ? 0 : -1;

	if (rc == 0 && strcmp(argv[1], "seccomp") != 0)
		rc = deny_landlock(f);
	if (rc == 0 && strcmp(argv[1], "landlock") != 0)
		rc = deny_seccomp(f);
	if (rc == 0)
		rc = seccomp_load(f);
	if (rc == 0)
		execvp(argv[2], argv + 2);
	perror("without");
	return 126;
}
