/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "core/sandbox.h"

#include "temp.h"

/* What somebody who has taken over a parser tries from inside. Each attempt is a process of its own
 * that enters a sandbox and then does one thing. */

enum outcome {
	DONE = 0,    /* it could be done */
	TROUBLE = 2, /* the process was ended: exit code and a message */
	REFUSED = 5, /* an error came back */
};

static char out[4096]; /* what the last attempt printed on standard error */

/* In the folder are a file and a directory; the sandbox may or may not name it. */
static int setup(void **state)
{
	FILE *f;

	if (!sandbox_offer().landlock)
		test_skip_program("this kernel has no Landlock");
	if (sandbox_instrumented())
		test_skip_program("a build for a sanitizer filters no system calls");
	if (!sandbox_offer().seccomp)
		test_skip_program("this kernel has no seccomp");
	make_temp(state);
	f = fopen(temp_path("file"), "w");
	fputs("text", f);
	fclose(f);
	mkdir(temp_path("inner"), 0755);
	return 0;
}

static void enter(struct sandbox *s)
{
	static struct sandbox_state state; /* of this process */

	sandbox_enter(s, &state);
	sandbox_done(s);
	if (!state.landlock || !state.seccomp)
		_exit(98);
}

/* The profiles. */

static void nothing(void)
{
	struct sandbox s;

	sandbox_init(&s);
	enter(&s);
}

static void read_one(void)
{
	struct sandbox s;

	sandbox_init(&s);
	sandbox_may_read(&s, temp_path("file"));
	enter(&s);
}

static void write_inner(void)
{
	struct sandbox s;

	sandbox_init(&s);
	sandbox_may_write(&s, temp_path("inner/new"));
	enter(&s);
}

static void make_inner(void)
{
	struct sandbox s;

	sandbox_init(&s);
	sandbox_may_make(&s, temp_path("inner/new"));
	enter(&s);
}

/* Run @attempt in a child that has gone through @profile; DONE, REFUSED or the exit code. */
static int try(void (*profile)(void), bool (*attempt)(void))
{
	int pipes[2], status;
	ssize_t n, len = 0;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		profile();
		_exit(attempt() ? DONE : REFUSED);
	}
	close(pipes[1]);
	while ((n = read(pipes[0], out + len, sizeof(out) - 1 - (size_t)len)) > 0)
		len += n;
	out[len] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		fail_msg("killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* It ends the process, which says why, with exit code 2. */
#define assert_ends(profile, attempt)                                             \
	do {                                                                      \
		assert_int_equal(try(profile, attempt), TROUBLE);                 \
		assert_non_null(strstr(out, "rimg: the sandbox does not allow")); \
	} while (0)

/* ---- files ---------------------------------------------------------------------------------- */

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EACCES && errno != EXDEV)
		_exit(99);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool open_file(void)
{
	return opens(temp_path("file"), O_RDONLY);
}

static bool open_file_at(void)
{
	return syscall(SYS_openat2, AT_FDCWD, temp_path("file"), &(uint64_t[3]){ O_RDONLY }, 24) >=
	       0;
}

static bool open_shadow(void)
{
	return opens("/etc/shadow", O_RDONLY);
}

static bool open_proc(void)
{
	return opens("/proc/self/mem", O_RDWR);
}

static bool list_dir(void)
{
	return opens(temp, O_RDONLY | O_DIRECTORY);
}

static bool write_file(void)
{
	return opens(temp_path("file"), O_WRONLY);
}

static bool truncate_file(void)
{
	return opens(temp_path("file"), O_WRONLY | O_TRUNC);
}

static bool make_file(void)
{
	return opens(temp_path("other"), O_WRONLY | O_CREAT);
}

static bool make_inner_file(void)
{
	return opens(temp_path("inner/x"), O_WRONLY | O_CREAT) &&
	       rename(temp_path("inner/x"), temp_path("inner/new")) == 0;
}

static bool make_inner_dir(void)
{
	return mkdir(temp_path("inner/new"), 0700) == 0;
}

static bool make_outer_dir(void)
{
	return mkdir(temp_path("outer"), 0700) == 0;
}

static bool remove_file(void)
{
	return unlink(temp_path("file")) == 0;
}

static bool rename_out(void)
{
	return rename(temp_path("inner/new"), temp_path("moved")) == 0;
}

static bool link_in(void)
{
	return link(temp_path("file"), temp_path("inner/linked")) == 0;
}

static void nothing_can_be_opened(void **state)
{
	(void)state;
	assert_int_equal(try(nothing, open_file), REFUSED);
	assert_int_equal(try(nothing, open_file_at), REFUSED);
	assert_int_equal(try(nothing, open_shadow), REFUSED);
	assert_int_equal(try(nothing, open_proc), REFUSED);
	assert_int_equal(try(nothing, list_dir), REFUSED);
	assert_int_equal(try(nothing, make_file), REFUSED);
	assert_int_equal(try(nothing, write_file), REFUSED);
}

static void what_is_named_can_be_read_and_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(try(read_one, open_file), DONE);
	assert_int_equal(try(read_one, open_file_at), DONE);
	assert_int_equal(try(read_one, write_file), REFUSED);
	assert_int_equal(try(read_one, truncate_file), REFUSED);
	assert_int_equal(try(read_one, list_dir), REFUSED);
	assert_int_equal(try(read_one, open_shadow), REFUSED);
	assert_int_equal(try(read_one, open_proc), REFUSED);
	assert_int_equal(try(read_one, make_file), REFUSED);
	assert_ends(read_one, remove_file);
	assert_ends(read_one, make_inner_dir);
}

static void an_output_is_written_in_its_folder_and_nowhere_else(void **state)
{
	(void)state;
	assert_int_equal(try(write_inner, make_inner_file), DONE);
	assert_int_equal(access(temp_path("inner/new"), F_OK), 0);
	assert_int_equal(try(write_inner, make_file), REFUSED);
	assert_int_equal(try(write_inner, open_file), REFUSED);
	assert_int_equal(try(write_inner, write_file), REFUSED);
	assert_int_equal(try(write_inner, truncate_file), REFUSED);
	assert_int_equal(try(write_inner, remove_file), REFUSED);
	assert_int_equal(try(write_inner, rename_out), REFUSED);
	assert_int_equal(try(write_inner, link_in), REFUSED);
	assert_ends(write_inner, make_inner_dir);
	assert_int_equal(unlink(temp_path("inner/new")), 0);
	assert_int_equal(access(temp_path("file"), F_OK), 0);
}

static void a_tree_is_made_in_its_folder_and_nowhere_else(void **state)
{
	(void)state;
	assert_int_equal(try(make_inner, make_inner_dir), DONE);
	assert_int_equal(try(make_inner, make_outer_dir), REFUSED);
	assert_int_equal(try(make_inner, rename_out), REFUSED);
	assert_int_equal(try(make_inner, make_file), REFUSED);
	assert_int_equal(try(make_inner, link_in), REFUSED);
	assert_int_equal(rmdir(temp_path("inner/new")), 0);
}

/* ---- everything else ------------------------------------------------------------------------ */

static bool make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool make_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0) >= 0;
}

static int server = -1; /* a socket that was there before */

static bool connect_out(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = 256,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect(server, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static bool start_program(void)
{
	return execl("/bin/true", "true", NULL) == 0;
}

static bool start_process(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0;
}

static bool start_process_3(void)
{
	uint64_t args[8] = { 0 };

	return syscall(SYS_clone3, args, sizeof(args)) >= 0;
}

static bool trace_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool signal_parent(void)
{
	return kill(getppid(), 0) == 0;
}

static bool make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED;
}

static bool turn_into_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool silence_handler(void)
{
	return signal(SIGSYS, SIG_IGN) != SIG_ERR;
}

static bool read_parent(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) == 0;
}

static bool push_input(void)
{
	return ioctl(STDERR_FILENO, 0x5412 /* TIOCSTI */, "x") == 0;
}

static bool raise_limit(void)
{
	return prctl(PR_SET_DUMPABLE, 1) == 0;
}

static bool unshare_all(void)
{
	return unshare(0x10000000 /* CLONE_NEWUSER */) == 0;
}

static void whatever_is_no_reading_ends_the_process(void **state)
{
	static bool (*const attempts[])(void) = {
		make_socket,  make_unix_socket, connect_out, start_program,  start_process,
		trace_parent, signal_parent,    make_code,   turn_into_code, silence_handler,
		read_parent,  push_input,       raise_limit, unshare_all,
	};
	static void (*const profiles[])(void) = { nothing, read_one, write_inner, make_inner };

	(void)state;
	server = socket(AF_INET, SOCK_STREAM, 0);
	for (size_t p = 0; p < sizeof(profiles) / sizeof(profiles[0]); p++) {
		for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
			assert_ends(profiles[p], attempts[i]);
		/* the C library asks for it, and goes on without */
		assert_int_equal(try(profiles[p], start_process_3), REFUSED);
	}
	if (server >= 0)
		close(server);
}

static void *run_thread(void *arg)
{
	free(malloc(1 << 20));
	*(bool *)arg = true;
	return NULL;
}

static bool start_thread(void)
{
	pthread_t ids[32];
	bool ran[32] = { false };

	for (size_t i = 0; i < 32; i++)
		if (pthread_create(&ids[i], NULL, run_thread, &ran[i]) != 0)
			return false;
	for (size_t i = 0; i < 32; i++) {
		pthread_join(ids[i], NULL);
		if (!ran[i])
			return false;
	}
	return true;
}

static void threads_and_memory_are_allowed(void **state)
{
	(void)state;
	assert_int_equal(try(nothing, start_thread), DONE);
	assert_int_equal(out[0], '\0');
}

static bool loosen(void)
{
	read_one(); /* in one where nothing may be opened */
	return open_file();
}

static void reading_then_nothing(void)
{
	read_one();
	nothing();
}

static void a_sandbox_can_only_become_tighter(void **state)
{
	(void)state;
	assert_ends(nothing, loosen);
	assert_int_equal(try(reading_then_nothing, open_file), REFUSED);
	assert_ends(reading_then_nothing, make_socket);
}

static bool abort_at_once(void)
{
	struct sigaction act = { .sa_handler = _exit };

	sigaction(SIGABRT, &act, NULL); /* exit code 6, SIGABRT's number */
	abort();
}

static void a_failed_assertion_is_seen(void **state)
{
	(void)state;
	assert_int_equal(try(nothing, abort_at_once), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_can_be_opened),
		cmocka_unit_test(what_is_named_can_be_read_and_nothing_else),
		cmocka_unit_test(an_output_is_written_in_its_folder_and_nowhere_else),
		cmocka_unit_test(a_tree_is_made_in_its_folder_and_nowhere_else),
		cmocka_unit_test(whatever_is_no_reading_ends_the_process),
		cmocka_unit_test(threads_and_memory_are_allowed),
		cmocka_unit_test(a_sandbox_can_only_become_tighter),
		cmocka_unit_test(a_failed_assertion_is_seen),
	};

	return cmocka_run_group_tests(tests, setup, remove_temp);
}
