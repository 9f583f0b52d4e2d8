/* SPDX-License-Identifier: MIT */
#ifndef TEST_TEMP_H
#define TEST_TEMP_H

/* A folder for the files of a test program, and other programs that make and read them. Include
 * "test.h" first. */

static char *temp;

/** make_temp, remove_temp - set up and take down the folder, for a group of tests or each of them
 */
static inline int make_temp(void **state)
{
	(void)state;
	temp = test_temp_dir();
	return 0;
}

static inline int remove_temp(void **state)
{
	(void)state;
	test_remove_dir(temp);
	return 0;
}

/** temp_path - "NAME" in the folder; the text is valid until the eighth call after this one */
static inline const char *temp_path(const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	assert_in_range(snprintf(path, sizeof(paths[0]), "%s/%s", temp, name), 1, 511);
	return path;
}

/** try_run - does a command of the shell end well? */
__attribute__((format(printf, 1, 2))) static inline bool try_run(const char *fmt, ...)
{
	char command[2048];
	va_list args;

	va_start(args, fmt);
	assert_in_range(vsnprintf(command, sizeof(command), fmt, args), 1, sizeof(command) - 1);
	va_end(args);
	return system(command) == 0;
}

/** run - a command of the shell that has to end well, or the test fails */
__attribute__((format(printf, 1, 2))) static inline void run(const char *fmt, ...)
{
	char command[2048];
	va_list args;

	va_start(args, fmt);
	assert_in_range(vsnprintf(command, sizeof(command), fmt, args), 1, sizeof(command) - 1);
	va_end(args);
	if (!try_run("%s", command))
		fail_msg("%s", command);
}

static inline bool have_program(const char *name)
{
	return try_run("command -v %s >/dev/null 2>&1", name);
}

/** need_program - skip the test without it */
static inline void need_program(const char *name)
{
	if (have_program(name))
		return;
	print_message("[  SKIPPED ] this check needs %s\n", name);
	skip();
}

#endif
