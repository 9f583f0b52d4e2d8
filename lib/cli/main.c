/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/help.h"
#include "cli/options.h"
#include "cli/term.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/leftover.h"
#include "core/limits.h"
#include "core/num.h"
#include "core/str.h"

#define PASSWORD_MAX ((size_t)4096)
#define THREADS_MAX  256

/* ---- surroundings --------------------------------------------------------------------------- */

/* A standard stream that is closed would make the next file opened take its number, and then be
 * read or written as that stream. Reading from and writing to the replacements fails as with a
 * closed stream, so that a result that goes nowhere is still trouble; complaints may vanish. */
static void fill_standard_streams(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };

	for (int fd = 0; fd < (int)ARRAY_LEN(modes); fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", modes[fd]);
}

static const int endings[] = { SIGHUP, SIGINT, SIGTERM };

/* What is half written goes before the program does; of what a handler cannot remove, the command
 * is told, and main() ends the program. A second signal ends it at once. */
static void on_ending(int sig)
{
	if (leftover_interrupt(sig))
		return;
	leftover_remove();
	raise(sig); /* taken once this returns, and not caught again */
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_ending, .sa_flags = (int)SA_RESETHAND };
	struct sigaction before;

	/* a closed pipe, or a file that may not be as large, is an error of writing like any
	 * other; see call_finish() */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (sigaction(endings[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(endings[i], &action, NULL);
}

/* Results go through memory that is there from the start: what the C library does where it gets
 * none for that loses output, without an error. */
static void buffer_results(void)
{
	static char buffer[1 << 16];

	(void)setvbuf(stdout, buffer, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, sizeof(buffer));
}

/* ---- which command -------------------------------------------------------------------------- */

/* The words of argv that name the command. The program may be called by the name of one: rimg-diff
 * is `rimg diff`. */
struct words {
	const char *first, *second; /* NULL: not there */
	int first_at, second_at;    /* their place in argv; 0: not from there */
};

static const char *alias_word(const char *argv0)
{
	static const char *const words[] = { "build", "diff", "verify" };
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	const char *name = slash ? slash + 1 : argv0;

	if (!name || strncmp(name, "rimg-", 5) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(name + 5, words[i]) == 0)
			return words[i];
	return NULL;
}

/* The next word from argv[@i] on that is neither an option nor the value of one; 0 at the end. */
static int next_word(int argc, char *const *argv, int i)
{
	for (; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return 0;
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			return i;
		if (options_take_next(argv[i]))
			i++;
	}
	return 0;
}

static struct words find_words(int argc, char *const *argv)
{
	struct words w = { .first = argc > 0 ? alias_word(argv[0]) : NULL };

	if (!w.first) {
		w.first_at = next_word(argc, argv, 1);
		if (w.first_at == 0)
			return w;
		w.first = argv[w.first_at];
	}
	w.second_at = next_word(argc, argv, w.first_at + 1);
	if (w.second_at > 0)
		w.second = argv[w.second_at];
	return w;
}

static bool is_group(const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; commands[i]; i++)
		if (strncmp(commands[i]->name, word, len) == 0 && commands[i]->name[len] == ' ')
			return true;
	return false;
}

/* The command of one or two words, and how many it took. */
static const struct rimg_command *find_command(const char *first, const char *second, int *ret_n)
{
	for (size_t i = 0; commands[i]; i++) {
		const char *name = commands[i]->name;
		size_t len = strlen(first);

		if (strncmp(name, first, len) != 0)
			continue;
		*ret_n = name[len] == ' ' ? 2 : 1;
		if (name[len] == '\0' ||
		    (name[len] == ' ' && second && strcmp(name + len + 1, second) == 0))
			return commands[i];
	}
	return NULL;
}

static const char *command_name_at(const void *arg, size_t i)
{
	(void)arg;
	return commands[i] ? commands[i]->name : NULL;
}

/* "check" is "verify check" to who does not know that it has two words. */
static const char *command_in_a_group(const char *word)
{
	for (size_t i = 0; commands[i]; i++) {
		const char *blank = strchr(commands[i]->name, ' ');

		if (blank && strcmp(blank + 1, word) == 0)
			return commands[i]->name;
	}
	return NULL;
}

static int no_command(const char *first, const char *second)
{
	auto_str struct str asked = { 0 }, shown = { 0 };
	const char *near;

	str_add(&asked, first);
	if (is_group(first) && second) {
		str_add_char(&asked, ' ');
		str_add(&asked, second);
	}
	str_add_escaped(&shown, str_cstr(&asked), asked.len, STR_ESCAPE_TEXT);
	near = command_in_a_group(first);
	if (!near)
		near = options_nearest(str_cstr(&asked), command_name_at, NULL);
	fprintf(stderr, "rimg: no command %s", str_cstr(&shown));
	if (near)
		fprintf(stderr, "; did you mean %s?", near);
	fputs("\nTry: rimg help\n", stderr);
	return EXIT_TROUBLE;
}

/* ---- one call ------------------------------------------------------------------------------- */

/* The first line of a file of secrets; wiped by the caller. */
static int read_first_line(const char *path, uint8_t *buf, size_t cap, size_t *ret_len,
			   struct rimg_error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *newline;
	size_t len = 0;

	if (fd < 0)
		return error_os(err, path, "cannot open the password file");
	while (len < cap) {
		ssize_t n = read(fd, buf + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(err, path, "cannot read the password file");
		if (n == 0)
			break;
		len += (size_t)n;
	}
	newline = memchr(buf, '\n', len);
	if (!newline && len == cap)
		return error_set(err, RIMG_E_ARG, path,
				 "expected a password of less than %zu bytes in the first line",
				 cap);
	*ret_len = newline ? (size_t)(newline - buf) : len;
	return 0;
}

static int set_password(struct command_call *call, struct rimg_error *err)
{
	const char *path = call_value(call, "password-file");
	uint8_t buf[PASSWORD_MAX];
	size_t len = 0;
	int rc;

	if (!path)
		return 0;
	rc = read_first_line(path, buf, sizeof(buf), &len, err);
	if (rc == 0 && rimg_ctx_set_password(call->ctx, buf, len) < 0)
		rc = error_nomem(err);
	explicit_bzero(buf, sizeof(buf));
	return rc;
}

/* The options of every command. */
static int apply_common(struct command_call *call, unsigned *ret_threads, struct rimg_error *err)
{
	const char *threads = call_value(call, "threads");
	const char *color = call_value(call, "color");
	uint64_t n = 0;
	size_t i = 0;

	if (threads && (!str_parse_u64(threads, &n) || n < 1 || n > THREADS_MAX))
		return error_set(err, RIMG_E_ARG, NULL,
				 "option --threads wants a number from 1 to %d", THREADS_MAX);
	if (color && strcmp(color, "auto") != 0 && strcmp(color, "always") != 0 &&
	    strcmp(color, "never") != 0)
		return error_set(err, RIMG_E_ARG, NULL,
				 "option --color wants auto, always or never");
	*ret_threads = (unsigned)n;
	call->quiet = call_has(call, "quiet");
	while (call_each(call, "verbose", &i))
		call->verbose++;
	call->color = term_color(STDOUT_FILENO, color ? color : "auto");
	call->progress =
		!call->quiet && !call_has(call, "no-progress") && term_progress(STDERR_FILENO);
	call->width = term_width(STDOUT_FILENO);
	call->draw = term_draw;
	return 0;
}

/* Before anything is read. What the kernel offers is still refused where it does not keep its word.
 */
static int require_sandbox(struct command_call *call)
{
	struct sandbox_state offer = sandbox_offer();
	const char *missing = call_sandbox_missing(&offer);

	call->require_sandbox = call_has(call, "require-sandbox");
	if (!call->require_sandbox || !missing)
		return EXIT_HOLDS;
	call_complain(call, "--require-sandbox: %s", missing);
	return EXIT_TROUBLE;
}

static int set_limits(const struct command_call *call, struct rimg_limits *ret,
		      struct rimg_error *err)
{
	const char *value;
	size_t i = 0;
	int rc = 0;

	*ret = rimg_limits_default();
	while (rc == 0 && (value = call_each(call, "limit", &i)) != NULL)
		rc = limits_set(ret, value, err);
	return rc;
}

static void free_ctx(struct rimg_ctx **ctx)
{
	rimg_ctx_free(*ctx);
}

static int run(struct command_call *call)
{
	auto_with(free_ctx) struct rimg_ctx *ctx = NULL;
	struct rimg_limits limits;
	struct rimg_error err;
	unsigned threads;
	int status;

	if (apply_common(call, &threads, &err) < 0)
		return call_usage(call, "%s", err.text);
	if (set_limits(call, &limits, &err) < 0)
		return call_usage(call, "%s", err.text);
	ctx = rimg_ctx_new(&limits, threads);
	call->ctx = ctx;
	if (!ctx) {
		error_nomem(&err);
		return call_error(call, &err);
	}
	if (require_sandbox(call) != EXIT_HOLDS)
		return EXIT_TROUBLE;
	if (set_password(call, &err) < 0)
		return call_error(call, &err);
	status = call->command->run(call);
	if (!call->require_sandbox || call->confined || status == EXIT_TROUBLE)
		return status;
	call_complain(call, "--require-sandbox: this command has none; please report it");
	return EXIT_TROUBLE;
}

/* Everything once the command is known; @argv holds what is left without its words. */
static int call_command(const struct rimg_command *command, int argc, char *const *argv)
{
	auto_with(options_done) struct options o = { 0 };
	struct command_call call = { .command = command,
				     .source_date_epoch = getenv("SOURCE_DATE_EPOCH"),
				     .now = term_now,
				     .out = stdout,
				     .err = stderr };
	struct rimg_error err;
	int rc = options_parse(command->options, argc, argv, &o, &err);

	if (rc == -RIMG_E_ARG)
		return call_usage(&call, "%s", err.text);
	if (rc < 0)
		return call_error(&call, &err);
	call.args = o.args;
	call.n_args = o.n_args;
	call.given = o.given;
	call.n_given = o.n_given;
	if (call_has(&call, "help"))
		help_command(stdout, command);
	else if (call_has(&call, "version"))
		help_version(stdout, call_has(&call, "verbose"));
	else
		return call_finish(&call, run(&call));
	return call_finish(&call, EXIT_HOLDS);
}

/* ---- without a command ---------------------------------------------------------------------- */

static const struct rimg_command command_none = { .name = "help", .options = NULL };

/* rimg help [COMMAND] */
static int help_about(const char *first, const char *second)
{
	const struct rimg_command *command;
	int n;

	if (!first) {
		help_overview(stdout);
		return EXIT_HOLDS;
	}
	command = find_command(first, second, &n);
	if (command)
		help_command(stdout, command);
	else if (is_group(first) && !second)
		help_group(stdout, first);
	else
		return no_command(first, second);
	return EXIT_HOLDS;
}

/* A line whose first word is not a command: `help`, a group, options alone, nothing. */
static int without_command(const struct words *w, int argc, char *const *argv)
{
	auto_with(options_done) struct options o = { 0 };
	struct command_call call = { .command = &command_none, .out = stdout, .err = stderr };
	struct rimg_error err;
	bool helped = w->first && strcmp(w->first, "help") == 0;
	int status = EXIT_HOLDS;

	if (w->first && !helped && !is_group(w->first))
		return no_command(w->first, w->second);
	if (options_parse(NULL, argc - 1, argv + 1, &o, &err) < 0) {
		call_error(&call, &err);
		fputs("Try: rimg help\n", stderr);
		return EXIT_TROUBLE;
	}
	call.given = o.given;
	call.n_given = o.n_given;
	if (call_has(&call, "version")) {
		help_version(stdout, call_has(&call, "verbose"));
	} else if (helped && o.n_args > 3) {
		return call_usage(&call, "expected at most one command");
	} else if (helped) {
		status = help_about(o.n_args > 1 ? o.args[1] : NULL,
				    o.n_args > 2 ? o.args[2] : NULL);
	} else if (w->first && w->second) {
		status = no_command(w->first, w->second);
	} else if (w->first) {
		help_group(call_has(&call, "help") ? stdout : stderr, w->first);
		status = call_has(&call, "help") ? EXIT_HOLDS : EXIT_TROUBLE;
	} else {
		help_overview(call_has(&call, "help") ? stdout : stderr);
		status = call_has(&call, "help") ? EXIT_HOLDS : EXIT_TROUBLE;
	}
	return call_finish(&call, status);
}

/* argv without the words of the command, in place. */
static int remove_words(int argc, char **argv, const struct words *w, int n_words)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		bool is_word = i == w->first_at || (n_words == 2 && i == w->second_at);

		if (!is_word)
			argv[n++] = argv[i];
	}
	return n;
}

int main(int argc, char **argv)
{
	const struct rimg_command *command = NULL;
	struct words w;
	int n_words, status;

	fill_standard_streams();
	buffer_results();
	catch_signals();
	w = find_words(argc, argv);
	if (w.first)
		command = find_command(w.first, w.second, &n_words);
	if (command)
		status = call_command(command, remove_words(argc, argv, &w, n_words), argv);
	else
		status = without_command(&w, argc, argv);
	if (fclose(stdout) != 0 && status != EXIT_TROUBLE) {
		fprintf(stderr, "rimg: cannot write the results: %s\n", strerror(errno));
		status = EXIT_TROUBLE;
	}
	if (leftover_interrupted())
		raise(leftover_interrupted());
	return status;
}
