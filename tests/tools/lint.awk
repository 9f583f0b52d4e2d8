# SPDX-License-Identifier: MIT
#
# lint.awk - the rules for C sources that no compiler checks (CONTRIBUTING.md, "Rules")
#
# Arguments are files; prints "FILE:LINE: rule" for each breach and exits with 1 if there was one.
# Comments, strings and character constants are blanked before anything is looked for.

function breach(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad = 1
}

# blank(s): the line without comments and literals; in_comment lasts over lines
function blank(s,    out, i, c, quote) {
	out = ""
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (in_comment) {
			if (c == "*" && substr(s, i + 1, 1) == "/") {
				in_comment = 0
				i++
			}
		} else if (c == "/" && substr(s, i + 1, 1) == "*") {
			in_comment = 1
			out = out " "
			i++
		} else if (c == "/" && substr(s, i + 1, 1) == "/") {
			if (FILENAME !~ /\.cc$/)
				breach("comments are /* */")
			break
		} else if (c == "\"" || c == "'") {
			quote = c
			out = out c c
			for (i++; i <= length(s) && (c = substr(s, i, 1)) != quote; i++) {
				if (c == "\\")
					i++
			}
		} else {
			out = out c
		}
	}
	return out
}

# calls(line, names): does it call one of names ("a|b|c")? Members (x.time, x->time) are not meant.
function calls(line, names) {
	return (" " line) ~ ("(^|[^A-Za-z0-9_.>])(" names ")[ \t]*[(]")
}

BEGIN {
	world = "time|clock|clock_gettime|clock_getres|gettimeofday|ftime|rand|srand|rand_r|random|srandom" \
		"|drand48|lrand48|mrand48|arc4random|getrandom|getentropy|RAND_bytes|RAND_priv_bytes" \
		"|getenv|secure_getenv|setlocale|newlocale|uselocale|localeconv|nl_langinfo|getcwd" \
		"|get_current_dir_name|localtime|localtime_r|ctime|ctime_r|mktime|tzset|gethostname" \
		"|getpid|getppid|gettid|getlogin|strcoll|strxfrm"
	# makes something that is different each time, which is what keys are for, and nothing else
	chance = "EVP_PKEY_Q_keygen|EVP_PKEY_keygen|EVP_PKEY_generate|EVP_EC_gen|RAND_bytes_ex" \
		 "|RAND_priv_bytes_ex|EVP_RAND_generate"
	unsafe = "gets|strcpy|strcat|stpcpy|strncpy|strncat|sprintf|vsprintf|atoi|atol|atoll|atof" \
		 "|scanf|alloca|tmpnam|tempnam|mktemp|setjmp|longjmp"
	unsafe_outside_tests = "strtok|sscanf|fscanf|system|popen|open_memstream" # core/capture.h
}

FNR == 1 {
	in_comment = 0
	in_test = FILENAME ~ /^tests\//
	outside = FILENAME ~ /^lib\/cli\// || FILENAME == "verify/vary.c" || \
		FILENAME == "lib/core/sandbox_calls.c" || in_test
	split("", gone)
	if ($0 != "/* SPDX-License-Identifier: MIT */")
		breach("the first line names the licence")
}

{
	raw = $0
	line = blank($0)
	if (length(raw) > 0 && raw ~ /[ \t]$/)
		breach("blank at the end of the line")
	if (!outside && calls(line, world))
		breach("depends on the outside world; only lib/cli and verify/vary.c may")
	if (!in_test && FILENAME != "verify/keygen.c" && calls(line, chance))
		breach("randomness; only verify/keygen.c may")
	if (!outside && line ~ /(^|[^A-Za-z0-9_])(float|double)([^A-Za-z0-9_]|$)/)
		breach("floating point")
	if (!in_test && raw ~ /%p/)
		breach("prints a pointer")
	if (calls(line, unsafe) || (!in_test && calls(line, unsafe_outside_tests)))
		breach("an unsafe function")
	if (line ~ /#[ \t]*include[ \t]*[<"]/ && raw ~ /cmocka/ && FILENAME != "tests/test.h")
		breach("only tests/test.h includes cmocka")
	if (FNR == 801 && !in_test)
		breach("longer than 800 lines")

	# goto goes forward, to `out` alone
	if (match(line, /(^|[^A-Za-z0-9_])goto[ \t]+[A-Za-z0-9_]+/)) {
		label = substr(line, RSTART, RLENGTH)
		sub(/.*goto[ \t]+/, "", label)
		if (label != "out")
			breach("goto to another label than out")
		if (label in gone)
			breach("goto backwards")
	}
	if (line ~ /^[A-Za-z_][A-Za-z0-9_]*:/) {
		label = line
		sub(/:.*/, "", label)
		gone[label] = 1
	}
	if (line ~ /^}/)
		split("", gone)
}

END { exit bad }
