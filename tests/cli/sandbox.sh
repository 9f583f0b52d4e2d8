#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The sandbox around each command: said when asked, demanded by --require-sandbox, and without any
# influence on a result. tests/unit/test_sandbox.c tells what it keeps from happening.
. tests/lib.sh
need python3

without=$tmp/without
"${CC:-cc}" -O1 -Wall -Wextra -Werror -o "$without" tests/tools/without.c -lseccomp 2>"$tmp/log" || {
	cat "$tmp/log"
	skip 'tests/tools/without.c cannot be built here'
}
"$RIMG" --version -v >"$tmp/version"
grep -q '^  Landlock  *ABI' "$tmp/version" || skip 'this kernel has no Landlock'
if grep -q '^  seccomp  *yes' "$tmp/version"; then
	whole=yes
else
	grep -q 'sanitizer' "$tmp/version" || skip 'this kernel has no seccomp'
	whole=no
fi

# ---- inputs ----
in=$tmp/in
mkdir -p "$in/tree/etc" "$in/images" "$tmp/made"
echo text >"$in/tree/etc/text"
ln -s text "$in/tree/etc/link"
small_program "$in/bootstrap"
image=$GOLDEN/disk-installer.img
fs=$GOLDEN/basic.img
cat >"$in/os.toml" <<'END'
[image]
size = "8MiB"
epoch = 1767225600
[[files]]
path = "/etc"
source = "tree/etc"
END
unset SOURCE_DATE_EPOCH
"$RIMG" -q build "$in/os.toml" -o "$in/os.img" --lock "$in/os.lock"
"$RIMG" -q build --set image.seed=other "$in/os.toml" -o "$in/images/other.img"
"$RIMG" -q verify audit --propose-policy "$image" >"$in/policy.toml" 2>/dev/null
"$RIMG" -q verify keygen "$in/alice" >/dev/null
"$RIMG" -q verify attest "$in/os.img" --lock "$in/os.lock" --key "$in/alice.pem" -o "$in/alice.json" >/dev/null

# commands: NAME|command line, one for each command and way to write; MADE is replaced by a folder
cat >"$tmp/commands" <<END
ls|ls -R --nested --json $image
cat|cat $image::REDOX
info|info --json $image
extract|extract $image -o MADE/tree
extract-file|extract $image::REDOX::/etc/hostname -o MADE/file
diff|diff --json $fs $GOLDEN/churned.img
diff-html|diff --html MADE/diff.html --markdown MADE/diff.md --policy $in/policy.toml $in/os.img $in/images/other.img
check|verify check $image
check-sarif|verify check --strict --sarif MADE/check.sarif $image
audit|verify audit --policy $in/policy.toml --html MADE/audit.html --sarif MADE/audit.sarif $image
audit-plain|verify audit --functions $image
prebuilt|verify audit --known-prebuilt $in/tree --known-prebuilt $in/bootstrap $image
attest|verify attest $in/os.img --lock $in/os.lock --key $in/alice.pem -o MADE/alice.json
agree|verify agree $in/os.img --threshold 1 --trusted $in/alice.pub,until=2999-01-01T00:00:00Z $in/alice.json
agree-theirs|verify agree $in/images/other.img --theirs $in/images --threshold 1 --trusted $in/alice.pub $in/alice.json
rebuild|verify rebuild --vary tz $in/os.toml
all|verify all --policy $in/policy.toml --vary tz --attestation $in/alice.json --threshold 1 --trusted $in/alice.pub --html MADE/all.html $in/os.img $in/os.toml
build|build $in/os.toml -o MADE/os.img --lock MADE/os.lock
build-check|build --check $in/os.toml -o $in/os.img
initfs|initfs $in/tree -o MADE/initfs.img --bootstrap $in/bootstrap
redoxfs|redoxfs $in/tree -o MADE/root.img
disk|disk -o MADE/disk.img --size 2MiB -p A:linux:64:127:$in/bootstrap
normalize|normalize $in/os.img -o MADE/normal.img
replace|replace $in/os.img REDOX::/etc/text=$in/bootstrap -o MADE/replaced.img
END

# run HOW LINE: the command, with all that it makes and prints put away as $tmp/HOW
run() {
	how=$1 line=$2
	rm -rf "$tmp/made" "${tmp:?}/$how"
	mkdir "$tmp/made"
	line=$(echo "$line" | sed "s,MADE,$tmp/made,g")
	status=0
	case $how in
	plain) "$RIMG" $line >"$out" 2>"$err" || status=$? ;;
	*) "$without" "$how" "$RIMG" $line >"$out" 2>"$err" || status=$? ;;
	esac
	cp "$out" "$tmp/made/stdout"
	echo "$status" >"$tmp/made/status"
	# what a page says of the sandbox is the one thing that may differ
	find "$tmp/made" -name '*.html' -exec sed -i 's/<p>Read [^<]*sandbox[^<]*</<p></' {} +
	find "$tmp/made" -name '*.sarif' -exec \
		sed -i 's/"landlock": [a-z]*/"landlock"/; s/"seccomp": [a-z]*/"seccomp"/' {} +
	mv "$tmp/made" "$tmp/$how"
}

while IFS='|' read -r name line; do
	run plain "$line"
	cp "$err" "$tmp/plain.err"
	if [ "$status" -gt 1 ]; then
		not_pass "$name works" "exit code $status from: rimg $line"
		sed 's/^/    /' "$err"
		continue
	fi
	for how in landlock seccomp both; do
		run $how "$line"
		if diff -r "$tmp/plain" "$tmp/$how" >"$tmp/diff"; then
			pass "$name: the same without $how"
		else
			not_pass "$name" "something else without $how"
			head "$tmp/diff" "$err" | sed 's/^/    /'
		fi
	done
	case $line in
	verify\ *)
		[ $whole = no ] || says "$name: judges, and says that it did without" 'the sandbox is not whole' "$err"
		;;
	*)
		[ $whole = no ] || same "$name: says no more than otherwise" "$tmp/plain.err" "$err"
		;;
	esac
	# as one that is asked, it tells; one that is told refuses
	[ $whole = yes ] || continue
	line=$(echo "$line" | sed "s,MADE,$tmp/made,g")
	rm -rf "$tmp/made" && mkdir "$tmp/made"
	expected=$(cat "$tmp/plain/status")
	# shellcheck disable=SC2086 # a list of words
	exits "$name: -v and --require-sandbox" "$expected" "$RIMG" -v --require-sandbox $line
	case $line in
	verify\ *) says "$name: tells what is in force" 'rimg: sandbox: Landlock and seccomp' "$err" ;;
	esac
	for how in landlock seccomp; do
		rm -rf "$tmp/made" && mkdir "$tmp/made"
		# shellcheck disable=SC2086
		exits "$name: goes on without $how" "$expected" "$without" $how "$RIMG" -v $line
		says "$name: says so with -v" 'the sandbox is not whole: this kernel offers no' "$err"
		rm -rf "$tmp/made" && mkdir "$tmp/made"
		# shellcheck disable=SC2086
		exits "$name: refuses to run without $how" 2 "$without" $how "$RIMG" --require-sandbox $line
		says "$name: says why" 'rimg: --require-sandbox: this kernel offers no' "$err"
		same "$name: prints nothing" /dev/null "$out"
		if [ -n "$(ls -A "$tmp/made")" ]; then
			not_pass "$name" "made something without a sandbox"
		fi
	done
done <"$tmp/commands"

# every command there is has been run
for command in $("$RIMG" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p') check audit attest agree rebuild all; do
	case $command in
	verify | keygen) continue ;;
	esac
	grep -q "^[a-z-]*|\(verify \)\{0,1\}$command " "$tmp/commands" || not_pass "$command" 'is not run here'
done

# ---- a second look at what reports say ----
field() {
	python3 -c 'import json, sys
s = json.load(sys.stdin)["sandbox"]
print(s["landlock"], s["seccomp"])' <"$out" >"$tmp/field"
	echo "$2" >"$tmp/want"
	same "$1" "$tmp/want" "$tmp/field"
}
seccomp=True
[ $whole = yes ] || seccomp=False
for line in "check $image" "audit $image" "rebuild --vary tz $in/os.toml" \
	"all --policy $in/policy.toml $in/os.img" \
	"agree $in/os.img --threshold 1 --trusted $in/alice.pub $in/alice.json"; do
	# shellcheck disable=SC2086
	"$RIMG" verify $line --json >"$out" 2>"$err"
	field "$line: with" "True $seccomp"
	# shellcheck disable=SC2086
	"$without" both "$RIMG" verify $line --json >"$out" 2>"$err"
	field "$line: without" 'False False'
done
exits 'the page of all' 0 "$RIMG" verify all --policy "$in/policy.toml" --html "$tmp/all.html" "$in/os.img"
says 'tells as well' 'Read in ' "$tmp/all.html"

# ---- what the kernel offers ----
exits 'without both' 0 "$without" both "$RIMG" --version -v
says 'no Landlock' '  Landlock      no' "$out"
says 'no seccomp' '  seccomp       no' "$out"

# ---- a folder of links ----
mkdir "$tmp/links"
ln -s "$in/alice.json" "$tmp/links/alice.json"
exits 'attestations may be links to elsewhere' 0 "$RIMG" verify agree "$in/os.img" --threshold 1 \
	--trusted "$in/alice.pub" "$tmp/links"
mkdir "$tmp/elsewhere"
ln -s "$tmp/elsewhere" "$tmp/link"
exits 'a tree is extracted into an empty folder behind a link' 0 "$RIMG" extract "$fs" -o "$tmp/link"
exits 'which has it' 0 test -d "$tmp/elsewhere/etc" -o -n "$(ls -A "$tmp/elsewhere")"

done_testing
