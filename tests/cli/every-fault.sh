#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every command, with every allocation and every call to the system failing in turn: exit code 2 and a
# message, nothing lost and nothing half made; or the very result that it would have been. By default
# some of the calls only; `make faults` lets all of them fail.
. tests/lib.sh
. tests/faults.sh

faults_build || skip 'a library to be preloaded cannot be built here'
: "${FAULT_STEP:=1499}" "${FAULT_ONLY:=}"
unset SOURCE_DATE_EPOCH
rimg=$(realpath "$RIMG")
golden=$(realpath "$GOLDEN")
top=$PWD

# ---- inputs --------------------------------------------------------------------------------------
in=$tmp/in
seed=$tmp/seed
mkdir -p "$in/tree/bin" "$in/initfs" "$in/votes" "$seed"
cd "$in" || exit 1
echo text >tree/text
ln -s text tree/link
echo init >initfs/init
small_program bootstrap
head -c 30000 /dev/zero | tr '\0' x >tree/bin/data
cat >program.c <<'END2'
static int twice(int n) { return n * 2; }
int (*volatile fn)(int) = twice;
void _start(void);
void _start(void) { for (;;) fn(21); }
END2
program() {
	"${CC:-cc}" "$1" -g0 -ffreestanding -fno-pic -no-pie -fno-stack-protector -nostdlib -static \
		-Wl,--build-id=none -o "$2" program.c 2>"$tmp/program.log" || small_program "$2"
}
program -O1 tree/bin/program
cat >os.toml <<'END2'
[image]
size = "4MiB"
seed = "faults"

[[partition]]
name = "EFI"
type = "efi"
first_lba = 64
last_lba = 1063
format = "fat"

[[partition]]
name = "REDOX"
type = "linux"
first_lba = 1064
last_lba = 8119
format = "redoxfs"
compression = "lz4"

[initfs]
bootstrap = "bootstrap"
root = "initfs"

[[files]]
path = "/usr"
source = "tree"
END2
exits 'an image' 0 "$rimg" -q build os.toml -o a.img --lock a.lock
cp -R tree tree.saved
program -O2 tree/bin/program
echo other >tree/text
exits 'and one that differs' 0 "$rimg" -q build os.toml -o b.img --lock b.lock
rm -rf tree && mv tree.saved tree
"$rimg" verify audit --propose-policy a.img >policy.toml 2>"$err"
for who in alice bob; do
	exits "a key for $who" 0 "$rimg" -q verify keygen $who
	exits "an attestation of $who" 0 "$rimg" -q verify attest a.img --lock a.lock --key $who.pem -o votes/$who.json
done
mkdir many
for n in $(seq 200); do
	head -c 5000 a.img | tr '\000' "\\$(printf %03o $((n % 90 + 33)))" >many/$n
done
sed 's/"tree"/"many"/' os.toml >many.toml
cp "$golden/broken/links.img" "$golden/odd.img" "$golden/encrypted.img" "$golden/package-lzma2.pkgar" .
echo correct-horse >password
cp a.img same.img
chmod -R a-w .
digests() {
	find "$in" -type f -exec sha256sum {} + | sort
}
digests >"$tmp/inputs"

# ---- every command -------------------------------------------------------------------------------
# command NAME WORD...: rimg WORD... with all faults that are asked for, in a copy of $seed
command_list=
command() {
	label=$1
	shift
	command_list="$command_list $label"
	case " $FAULT_ONLY " in
	*" $label "* | "  ") faults_of "$@" ;;
	esac
}

# faults_of WORD...: kinds of calls, and what befalls them
faults_of() {
	if [ -n "${FAULT_TOOL-}" ]; then
		under_tool "$rimg" "$@"
		return
	fi
	each "$label" alloc 'ENOMEM ENOMEM+' "$rimg" "$@"
	if [ -n "${FAULT_CALLS-}" ]; then
		calls_of "$@"
		return
	fi
	# these are few, but for reads of images; libraries that read files by themselves are among them
	step=$FAULT_STEP FAULT_STEP=1
	case $label in
	extract-file) each "$label" write 'EINTR HALF' "$rimg" "$@" ;;
	info) each "$label" 'stat seek' EIO "$rimg" "$@" ;;
	esac
	FAULT_STEP=$step
}

# under_tool COMMAND...: without faults, as an argument of $FAULT_TOOL; it does what it does without.
# $FAULT_BESIDE stands before both
under_tool() {
	for dir in new work; do
		rm -rf "${tmp:?}/$dir" && cp -a "$seed" "$tmp/$dir"
	done
	# shellcheck disable=SC2086 # words
	(cd "$tmp/new" && exec ${FAULT_BESIDE-} "$@" >"$tmp/new.out" 2>"$tmp/new.err" </dev/null)
	code=$?
	# shellcheck disable=SC2086 # words
	(cd "$tmp/work" && exec ${FAULT_BESIDE-} $FAULT_TOOL "$@" >"$tmp/work.out" 2>"$tmp/work.err" </dev/null)
	status=$?
	if [ $status != $code ]; then
		not_pass "$label" "exit code $status instead of $code"
		sed 's/^/    /' "$tmp/work.err"
	elif [ -n "${FAULT_FRESH-}" ]; then
		pass "$label"
	elif cmp -s "$tmp/new.out" "$tmp/work.out" && diff -r "$tmp/new" "$tmp/work"; then
		pass "$label"
	else
		not_pass "$label" 'other output'
	fi
}

# the same for calls to the system; such that a command does not make are left out
calls_of() {
	optional=1
	each "$label" 'read pread write' 'EINTR HALF' "$rimg" "$@"
	each "$label" 'read pread list stat seek' EIO "$rimg" "$@"
	each "$label" 'open make' 'EACCES EMFILE' "$rimg" "$@"
	each "$label" 'write make name' 'ENOSPC EIO' "$rimg" "$@"
	each "$label" 'sync close remove' EIO "$rimg" "$@"
	each "$label" random EIO "$rimg" "$@"
	optional=
}

export FAULT_REPORTS='page.html page.md check.sarif audit.html audit.sarif'
command help help
command version --version -v
command ls ls -R "$in/a.img::REDOX"
command ls-long ls -lR "$in/a.img"
command ls-json ls -R --json "$in/a.img"
command ls-encrypted ls -R --password-file "$in/password" "$in/encrypted.img"
command ls-package ls -R "$in/package-lzma2.pkgar"
command cat cat "$in/a.img::REDOX::/usr/bin/data"
command cat-package cat "$in/package-lzma2.pkgar::/usr/bin/tool"
command extract extract "$in/a.img" -o dest
command extract-file extract "$in/a.img::REDOX::/usr/text" -o dest
command info info -v "$in/a.img"
command info-odd info "$in/odd.img"
command info-program info -v "$in/tree/bin/program"
command info-json info --json "$in/a.img"
command sbom-spdx info --sbom spdx "$in/a.img"
command sbom-cyclonedx info --sbom cyclonedx "$in/a.img"
command diff-same diff --digests "$in/a.img" "$in/same.img"
command diff diff -v "$in/a.img" "$in/b.img"
command diff-json diff --json "$in/a.img" "$in/b.img"
command diff-stat diff --stat "$in/a.img" "$in/b.img"
command diff-reports diff --html page.html --markdown page.md "$in/a.img" "$in/b.img"
command diff-equivalent diff --exit-equivalent --ignore content --only '*text' --max-diffs 3 "$in/a.img" "$in/b.img"
command diff-policy diff --exit-policy --policy "$in/policy.toml" "$in/a.img" "$in/b.img"
command diff-program diff -v "$in/tree/bin/program" "$in/b.img::REDOX::/usr/bin/program"
command check verify check --strict "$in/a.img"
command check-broken verify check --sarif check.sarif "$in/links.img"
command check-json verify check --json "$in/a.img"
command audit verify audit --policy "$in/policy.toml" --functions "$in/a.img"
command audit-reports verify audit --html audit.html --sarif audit.sarif "$in/a.img"
command audit-json verify audit --json --functions "$in/a.img"
command audit-propose verify audit --propose-policy "$in/a.img"
unset FAULT_REPORTS
export FAULT_FRESH=1
command keygen verify keygen new
unset FAULT_FRESH
command attest verify attest "$in/a.img" --lock "$in/a.lock" --key "$in/alice.pem" --fact a=b -o new.json
command attest-joint verify attest "$in/a.img" --lock "$in/a.lock" --key "$in/alice.pem" --joint -o joint.json
votes="--threshold 2 --trusted $in/alice.pub --trusted $in/bob.pub"
command agree verify agree "$in/a.img" $votes "$in/votes"
command agree-json verify agree --json "$in/b.img" $votes "$in/votes/alice.json"
export FAULT_REPORTS='all.html all.sarif'
command all verify all --policy "$in/policy.toml" --html all.html --sarif all.sarif \
	--attestation "$in/votes" $votes "$in/a.img"
command all-json verify all --json "$in/a.img"
unset FAULT_REPORTS

echo old >"$seed/made.img"
command build build "$in/os.toml" -o made.img --lock made.lock
command build-locked build "$in/os.toml" -o made.img --lock "$in/a.lock" --locked
command build-check build --check "$in/os.toml" -o "$in/a.img"
command redoxfs redoxfs "$in/tree" -o made.img --compression lz4
command initfs initfs "$in/initfs" -o made.img --bootstrap "$in/bootstrap"
command disk disk -o made.img --size 4MiB --partition "A:linux:64:8000:$in/bootstrap"
command normalize normalize "$in/a.img" -o made.img
command replace replace "$in/a.img" "REDOX::/usr/text=$in/bootstrap" -o made.img
# with their folders in the copy's own; --vary order would have one elsewhere
command rebuild verify rebuild --work . --vary umask,cwd --expect "$in/a.img" "$in/os.toml"
command rebuild-differs verify rebuild --work . --vary umask,cwd --source "$in/tree" \
	--command 'umask >made; cat text >>made' --artifact made

# ---- kill -9 -------------------------------------------------------------------------------------
# at each call of a build that changes the file system: the old image or the whole new one is there, and
# the old lock or the whole new one; what is left besides has a temporary name
case " $FAULT_ONLY${FAULT_TOOL:+ tool} " in
*" kill "* | "  ")
	FAULT_STEP=1
	label=kill
	each kill 'make write sync name remove' KILL "$rimg" build "$in/many.toml" -o made.img --lock made.lock
	[ "$n_calls" -ge 200 ] && pass "that is at $n_calls points" || not_pass 'at 200 points or more' "$n_calls"
	# what such a run leaves has another name, and the next one does not mind it
	mkdir "$tmp/killed" && cd "$tmp/killed" || exit 1
	(LD_PRELOAD=$fault FAULT_KIND=write FAULT_AT=100 FAULT_ERROR=KILL "$rimg" build "$in/many.toml" \
		-o made.img --lock made.lock) >"$out" 2>&1
	[ -n "$(ls ./*.tmp 2>/dev/null)" ] && pass 'something was left' || not_pass 'something was left' "$(ls)"
	exits 'the next build' 0 "$rimg" -q build "$in/many.toml" -o made.img --lock made.lock
	same 'makes the image all the same' "$each/new/made.img" made.img
	cd "$in" || exit 1
	;;
esac

digests >"$tmp/inputs-after"
same 'the inputs are what they were' "$tmp/inputs" "$tmp/inputs-after"
echo "$each_copies failures at $each_calls calls; $each_library of them within a library that does not stand that"
done_testing
