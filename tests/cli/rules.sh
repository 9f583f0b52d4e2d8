#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Do `make lint` and `make layers` see what they are there for?
. tests/lib.sh
tools=$PWD/tests/tools

mkdir -p "$tmp/src/lib/core" "$tmp/src/lib/cli" "$tmp/src/build" "$tmp/src/diff" "$tmp/src/include/rimg"
cd "$tmp/src" || exit 1
spdx='/* SPDX-License-Identifier: MIT */'

# breach NAME RULE CODE: lint.awk says RULE about a file with this code
breach() {
	printf '%s\n%s\n' "$spdx" "$3" >lib/core/x.c
	exits "$1" 1 awk -f "$tools/lint.awk" lib/core/x.c
	says "$1: said so" "lib/core/x.c:2: $2" "$out"
}

# sound NAME FILE CODE
sound() {
	printf '%s\n%s\n' "$spdx" "$3" >"$2"
	exits "$1" 0 awk -f "$tools/lint.awk" "$2"
	same "$1: nothing said" /dev/null "$out"
}

breach 'the clock' 'depends on the outside world' 'int f(void) { return time(NULL); }'
breach 'the environment' 'depends on the outside world' '	x = (getenv("HOME"));'
breach 'a key' 'randomness; only verify/keygen.c may' '	key = EVP_PKEY_Q_keygen(ctx, NULL, "ED25519");'
breach 'floating point' 'floating point' 'static double x;'
breach 'a pointer in a format' 'prints a pointer' '	printf("%p", x);'
breach 'strcpy' 'an unsafe function' '	strcpy(a, b);'
breach 'system' 'an unsafe function' '	system("ls");'
breach 'a comment of C++' 'comments are /* */' '	f(); // why'
breach 'cmocka in a source' 'only tests/test.h' '#include <cmocka.h>'
breach 'a blank at the end' 'blank at the end' '	f(); '
breach 'goto to another label' 'goto to another label' '	goto fail;'
sound 'words in comments' lib/core/x.c '/* time(x), strcpy(y), double */ int x;'
sound 'words in strings' lib/core/x.c 'const char *s = "time(x) \" double // getenv(";'
mkdir -p verify
sound 'a key where keys are made' verify/keygen.c '	key = EVP_PKEY_Q_keygen(ctx, NULL, "ED25519");'
sound 'members and longer names' lib/core/x.c '	a->time(1); b.clock(2); my_time(3); doubles(4);'
sound 'the clock in the command line' lib/cli/x.c '	time(NULL);'

echo '#include <x.h>' >lib/core/y.c
exits 'no licence' 1 awk -f "$tools/lint.awk" lib/core/y.c
says 'no licence: said so' 'y.c:1: the first line names the licence' "$out"
printf '%s\nint f(void)\n{\nout:\n\tgoto out;\n}\n' "$spdx" >lib/core/y.c
exits 'goto backwards' 1 awk -f "$tools/lint.awk" lib/core/y.c
says 'goto backwards: said so' 'y.c:5: goto backwards' "$out"
printf '%s\nint f(void)\n{\n\tgoto out;\nout:\n}\nint g(void)\n{\n\tgoto out;\nout:\n}\n' "$spdx" >lib/core/y.c
exits 'goto forwards, in two functions' 0 awk -f "$tools/lint.awk" lib/core/y.c
{ echo "$spdx"; yes ';' | head -n 799; } >lib/core/y.c
exits '800 lines' 0 awk -f "$tools/lint.awk" lib/core/y.c
echo ';' >>lib/core/y.c
exits '801 lines' 1 awk -f "$tools/lint.awk" lib/core/y.c

touch diff/d.h build/b.h lib/core/c.h lib/cli/m.h include/rimg/r.h

# layer CODE FILE INCLUDE
layer() {
	printf '#include <stdio.h>\n#include "%s"\n' "$3" >"$2"
	exits "$2 includes $3: $1" "$1" awk -f "$tools/layers.awk" "$2"
}

layer 0 build/x.c core/c.h
layer 0 build/x.c build/b.h
layer 0 build/x.c b.h
layer 0 lib/cli/x.c diff/d.h
layer 1 build/x.c diff/d.h
layer 1 build/x.c ../diff/d.h
layer 1 build/x.c cli/m.h
layer 1 lib/core/x.c build/b.h
layer 1 include/rimg/r2.h core/c.h
echo 'int x;' >build/x.c
exits 'nothing to look at is no pass' 1 awk -f "$tools/layers.awk" build/x.c

done_testing
