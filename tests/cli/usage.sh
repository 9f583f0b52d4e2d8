#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The program around the commands: help, versions, wrong lines, closed streams.
. tests/lib.sh

image=$GOLDEN/initfs-plain.img

# says_usage NAME MESSAGE COMMAND...: exit code 2, the message and nothing else but where to find help
says_usage() {
	label=$1 message=$2
	shift 2
	exits "$label" 2 "$@"
	head -n 1 "$err" >"$tmp/first"
	echo "$message" >"$tmp/expected"
	same "$label: the message" "$tmp/expected" "$tmp/first"
	says "$label: where to find help" 'Try: rimg ' "$err"
	same "$label: no result" /dev/null "$out"
}

# narrow NAME FILE: no line is wider than 80 columns
narrow() {
	if awk 'length > 80 { print FILENAME ": " $0; wide = 1 } END { exit wide }' "$2"; then
		pass "$1"
	else
		not_pass "$1" 'lines over 80 columns'
	fi
}

# ---- help

exits 'rimg help' 0 "$RIMG" help
same 'rimg help: on stdout only' /dev/null "$err"
narrow 'rimg help: 80 columns' "$out"
cp "$out" "$tmp/help"
exits 'rimg --help' 0 "$RIMG" --help
same 'rimg --help: the same' "$tmp/help" "$out"
exits 'rimg -h' 0 "$RIMG" -h
same 'rimg -h: the same' "$tmp/help" "$out"
exits 'no command is wrong usage' 2 "$RIMG"
same 'no command: help, but on stderr' "$tmp/help" "$err"
same 'no command: nothing on stdout' /dev/null "$out"

# the lines of the list of commands: two blanks, a name of one or two words, two blanks or the end
sed -n '/^Commands:$/,/^$/s/^  \([a-z][a-z]*\( [a-z][a-z]*\)\{0,1\}\)\(  .*\)\{0,1\}$/\1/p' "$tmp/help" >"$tmp/commands"
for command in cat extract info ls; do
	grep -qx "$command" "$tmp/commands" && pass "help lists $command" ||
		not_pass "help lists $command" 'it does not'
done
while read -r command; do
	# shellcheck disable=SC2086
	exits "rimg $command --help" 0 "$RIMG" $command --help
	same "rimg $command --help: on stdout only" /dev/null "$err"
	narrow "rimg $command --help: 80 columns" "$out"
	says "rimg $command --help: begins with how to call it" "Usage: rimg $command" "$out"
	says "rimg $command --help: has an example" 'Example' "$out"
	says "rimg $command --help: has the common options" '--password-file=FILE' "$out"
	cp "$out" "$tmp/command-help"
	# shellcheck disable=SC2086
	exits "rimg help $command" 0 "$RIMG" help $command
	same "rimg help $command: the same" "$tmp/command-help" "$out"
	exits "rimg $command --help: no sentence ends twice" 1 grep -q '[?!][.]$' "$tmp/command-help"
done <"$tmp/commands"

# ---- version

exits 'rimg --version' 0 "$RIMG" --version
says 'rimg --version: the version' 'rimg ' "$out"
[ "$(wc -l <"$out")" = 1 ] && pass '--version: one line' || not_pass '--version: one line' 'more'
exits 'rimg --version -v' 0 "$RIMG" -v --version
says '-v --version: the libraries' 'OpenSSL 3' "$out"
says '-v --version: the limits' 'directories inside directories' "$out"
exits 'rimg ls --version' 0 "$RIMG" ls --version

# ---- wrong lines

says_usage 'a mistyped command' 'rimg: no command lss; did you mean ls?' "$RIMG" lss
says_usage 'a command far from all' 'rimg: no command frobnicate' "$RIMG" frobnicate
says_usage 'half a command' 'rimg: no command check; did you mean verify check?' "$RIMG" check x.img
says_usage 'help on no command' 'rimg: no command inof; did you mean info?' "$RIMG" help inof
says_usage 'an unknown option without a command' 'rimg: unknown option -x' "$RIMG" -x
says_usage 'a mistyped option' 'rimg ls: unknown option --nestd; did you mean --nested?' \
	"$RIMG" ls --nestd "$image"
says_usage 'no address' 'rimg ls: expected one address, found 0' "$RIMG" ls
says_usage 'two addresses' 'rimg cat: expected one address, found 2' "$RIMG" cat "$image" "$image"
says_usage 'no value' 'rimg extract: option --output wants a value: --output=DEST' \
	"$RIMG" extract "$image" -o
says_usage 'no DEST' 'rimg extract: expected where to put it: --output=DEST' "$RIMG" extract "$image"
says_usage 'a value for a flag' 'rimg ls: option --json takes no value' "$RIMG" ls --json=1 "$image"
says_usage 'a wrong number of threads' 'rimg ls: option --threads wants a number from 1 to 256' \
	"$RIMG" ls -j 0 "$image"
says_usage 'too many threads' 'rimg ls: option --threads wants a number from 1 to 256' \
	"$RIMG" ls -j257 "$image"
says_usage 'a wrong colour' 'rimg ls: option --color wants auto, always or never' \
	"$RIMG" ls --color=sometimes "$image"
says_usage 'the beginning of an option' 'rimg ls: unknown option --recur; did you mean --recursive?' \
	"$RIMG" ls --recur "$image"
says_usage 'a command without its group' 'rimg: no command check; did you mean verify check?' "$RIMG" check
says_usage 'an option that counts once' \
	'rimg diff: option --policy counts once, and is given twice: strict and lax' \
	"$RIMG" diff --policy strict --policy=lax "$image" "$image"
exits 'an option of all commands may be given again' 0 "$RIMG" -j 1 ls --threads 2 "$image"
exits 'and so may one that adds' 0 "$RIMG" diff --only a --only b --ignore content --ignore padding \
	"$image" "$image"
for option in '--epoch 253402300800' '--epoch=' '--epoch -1' '--max-size 0'; do
	# shellcheck disable=SC2086
	exits "initfs $option" 2 "$RIMG" initfs "$tmp" -o "$tmp/none.img" $option
done
exits 'a time that no format can say' 2 "$RIMG" info --sbom spdx --epoch 253402300800 "$image"
exits 'the last one' 0 "$RIMG" info --sbom spdx --epoch 253402300799 "$image"
says 'the last one: as a date' '9999-12-31T23:59:59Z' "$out"
says_usage 'a key without a name' "rimg verify keygen: expected a name for the new key, found \"$tmp/\"" \
	"$RIMG" verify keygen "$tmp/"
exits 'one place for two files' 2 "$RIMG" replace "$image" /a="$image" /a="$image" -o "$tmp/none.img"
says 'one place for two files: it is named' 'rimg: /a: is given twice' "$err"
printf 'rimg ls: unknown option --\\x1b[31m\n' >"$tmp/expected"
exits 'control characters of an option' 2 "$RIMG" ls "$(printf -- '--\033[31m')"
head -n 1 "$err" >"$tmp/first"
same 'control characters of an option are escaped' "$tmp/expected" "$tmp/first"

# ---- where options may stand

"$RIMG" ls -l "$image" >"$tmp/expected"
exits 'options before the command' 0 "$RIMG" -j 2 --color never ls -l "$image"
same 'options before the command: understood' "$tmp/expected" "$out"
exits 'options behind the address' 0 "$RIMG" ls "$image" -l --threads=3
same 'options behind the address: understood' "$tmp/expected" "$out"
exits 'options end at --' 2 "$RIMG" ls -- -l
says 'options end at --: the rest is an address' 'rimg: -l: ' "$err"

# ---- addresses that lead nowhere

exits 'an empty address' 2 "$RIMG" ls ''
says 'an empty address: it is shown' 'rimg: "": cannot open it' "$err"
exits 'an image from a pipe' 2 sh -c 'cat "$2" | "$1" ls /dev/stdin' sh "$RIMG" "$image"
says 'an image from a pipe: what to do' 'found a pipe; copy what comes out of it into a file' "$err"

exits 'no such file' 2 "$RIMG" ls "$tmp/nothing"
says 'no such file: it is named' "$tmp/nothing: " "$err"
exits 'a directory is no image' 2 "$RIMG" ls "$tmp"
exits 'a device without end is no image' 2 "$RIMG" info /dev/zero
exits 'no such entry' 2 "$RIMG" ls "$image::/bin/none"
says 'no such entry: how far it led' "$image: " "$err"
says 'no such entry: what is missing' '/bin/none' "$err"
exits 'nothing in a file of no format' 2 "$RIMG" ls "$image::/etc/setuid::x"

# ---- passwords

exits 'an encrypted volume without its password' 2 "$RIMG" ls "$GOLDEN/encrypted.img"
says 'without its password: it says so' password "$err"
printf 'wrong\n' >"$tmp/password"
exits 'with a wrong password' 2 "$RIMG" ls --password-file="$tmp/password" "$GOLDEN/encrypted.img"
printf 'correct-horse' >"$tmp/password"
exits 'a last line without newline' 0 "$RIMG" ls --password-file="$tmp/password" \
	"$GOLDEN/encrypted.img"
printf 'correct-horse\nmore\n' >"$tmp/password"
exits 'only the first line counts' 0 "$RIMG" ls --password-file="$tmp/password" \
	"$GOLDEN/encrypted.img"
exits 'no such password file' 2 "$RIMG" ls --password-file="$tmp/none" "$GOLDEN/encrypted.img"
head -c 5000 /dev/zero | tr '\0' x >"$tmp/password"
exits 'a password without end' 2 "$RIMG" ls --password-file="$tmp/password" "$GOLDEN/encrypted.img"

# ---- streams

full() {
	status=0
	"$@" >/dev/full 2>"$err" || status=$?
}
for command in "ls $image" "ls --json $image" "cat $image" "info $image" "info --json $image" help \
	'ls --help' --version; do
	# shellcheck disable=SC2086
	full "$RIMG" $command
	[ "$status" = 2 ] && pass "$command > /dev/full" || not_pass "$command > /dev/full" "exit $status"
	says "$command > /dev/full: why" 'No space left on device' "$err"

	status=0
	# shellcheck disable=SC2086
	"$RIMG" $command >&- 2>"$err" || status=$?
	[ "$status" = 2 ] && pass "$command >&-" || not_pass "$command >&-" "exit $status"
	says "$command >&-: why" 'cannot write the results' "$err"
done

# a reader that goes away: code 2, but no complaint
status=0
{
	"$RIMG" cat "$GOLDEN/basic.img" 2>"$err"
	echo $? >"$tmp/status"
} | head -c 1 >/dev/null
echo 2 >"$tmp/expected"
same 'a closed pipe is exit code 2' "$tmp/expected" "$tmp/status"
same 'and nothing is said about it' /dev/null "$err"

# so with a report that is written in one piece
status=0
{
	sleep 0.2
	"$RIMG" diff --markdown - "$GOLDEN/basic.img" "$GOLDEN/clone.img" 2>"$err"
	echo $? >"$tmp/status"
} | true
echo 2 >"$tmp/expected"
same 'a report for a closed pipe is exit code 2' "$tmp/expected" "$tmp/status"
same 'and nothing is said about that, either' /dev/null "$err"

# closed stdin and stderr harm nobody
exits 'all is well' 0 "$RIMG" ls "$image"
cp "$out" "$tmp/expected"
status=0
"$RIMG" ls "$image" >"$out" <&- 2>&- || status=$?
[ "$status" = 0 ] && pass 'closed stdin and stderr' || not_pass 'closed stdin and stderr' "exit $status"
same 'closed stdin and stderr: the same result' "$tmp/expected" "$out"

# ---- neither locale nor surroundings matter

"$RIMG" ls -l "$GOLDEN/basic.img::/names" >"$tmp/expected"
exits 'another locale and time zone' 0 env LC_ALL=tr_TR.UTF-8 TZ=Asia/Tokyo COLUMNS=20 TERM=xterm \
	"$RIMG" ls -l "$GOLDEN/basic.img::/names"
same 'another locale and time zone: the same result' "$tmp/expected" "$out"

# ---- the other names of the program

ln -s "$(realpath "$RIMG")" "$tmp/rimg-diff"
ln -s "$(realpath "$RIMG")" "$tmp/rimg-other"
if grep -qx diff "$tmp/commands"; then
	"$RIMG" diff --help >"$tmp/expected"
	exits 'rimg-diff --help' 0 "$tmp/rimg-diff" --help
	same 'rimg-diff is rimg diff' "$tmp/expected" "$out"
	exits 'rimg-diff of a file and itself' 0 "$tmp/rimg-diff" "$image" "$image"
fi
exits 'another name is rimg' 0 "$tmp/rimg-other" help
same 'another name is rimg: its help' "$tmp/help" "$out"

done_testing
