#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The recipes of docs/ci.md, as they stand there: the script on images that must pass and images that
# must not, and the steps of the workflow that need no network.
. tests/lib.sh
. tests/documents.sh

for program in aarch64-linux-gnu-as aarch64-linux-gnu-ld git make python3; do
	need $program
done
python3 -c 'import yaml' 2>/dev/null || skip 'python3-yaml is not installed (docs/packages.txt)'
unset SOURCE_DATE_EPOCH MAKEFLAGS MAKELEVEL BUILD IMAGE POLICY REPORTS
top=$PWD
doc=$top/docs/ci.md
golden=$(realpath "$GOLDEN")
mkdir "$tmp/bin"
ln -s "$(realpath "$RIMG")" "$tmp/bin/rimg"
PATH=$tmp/bin:$PATH

# ---- a project, with what the document says ------------------------------------------------------
project=$tmp/project
mkdir -p "$project/ci"
cd "$project" || exit 1
doc_fence "$doc" make >Makefile
doc_fence "$doc" sh >ci/gate.sh
doc_fence "$doc" toml | sed '/exception/,$d' >policy.toml
doc_fence "$doc" yaml >ci/workflow.yml
aarch64-linux-gnu-as "$top/tests/audit/clif.s" -o kernel.o &&
	aarch64-linux-gnu-ld -z separate-code kernel.o -o kernel || exit 1
rm kernel.o
cat >os.toml <<'END'
[image]
size = "8MiB"
epoch = 1767225600
[[files]]
path = "/boot/kernel"
source = "kernel"
END
head -n 1 ci/gate.sh >"$tmp/got"
echo '#!/bin/sh' >"$tmp/want"
same 'the document has a script' "$tmp/want" "$tmp/got"
exits 'its exception is a policy' 0 sh -c "sed -n '/^\`\`\`toml/,/^\`\`\`\$/p' '$doc' | sed '1d;\$d' >'$tmp/p.toml' &&
	rimg build -q os.toml -o '$tmp/os.img' && rimg verify audit -q --policy '$tmp/p.toml' '$tmp/os.img'"

# gate NAME CODE [VARIABLE=VALUE...]: what the script says of the project as it is
gate() {
	name=$1 code=$2
	shift 2
	exits "$name" "$code" env "$@" sh ci/gate.sh
	says "$name: it tells so" "verdict: $code" "$out"
}

# ---- the script ----------------------------------------------------------------------------------
gate 'a good image' 0
says 'its rebuild was varied' 'umask    077' "$out"
says 'it was audited' 'pass cranelift' "$out"
for report in verify.html verify.sarif audit.html; do
	[ -s "reports/$report" ] && pass "there is $report" || not_pass "there is $report" 'it is not'
done
gate 'again, with what the first run left' 0

# a file that is made anew by each build
cp Makefile os.toml "$tmp"
{
	sed 's/^image:$/image: stamp/' "$tmp/Makefile"
	printf '\nstamp:\n\tdate >stamp\n.PHONY: stamp\n'
} >Makefile
printf '[[files]]\npath = "/etc/built"\nsource = "stamp"\n' >>os.toml
gate 'an image that is not reproducible' 1
says 'it says so' 'not reproducible' "$out"
says 'it says where' '/etc/built' "$out"
cp "$tmp/Makefile" "$tmp/os.toml" .

cp kernel "$tmp/kernel"
small_program kernel
gate 'an image of other code' 1
says 'it says which' 'FAIL unknown' "$out"
says 'all other answers are good' 'the same 8388608 bytes, 2 times' "$out"
cp "$tmp/kernel" kernel

gate 'an image with something left over in it' 1 \
	BUILD='make clean image && printf stale | dd of=out/os.img bs=1 seek=6000000 conv=notrunc status=none'
says 'it is not sound' 'check    fails' "$out"

gate 'an image that cannot be read' 2 BUILD="mkdir -p out && cp $golden/encrypted.img out/os.img && chmod u+w out/os.img"
gate 'an image that is not reproducible and cannot be read' 2 \
	BUILD="mkdir -p out && cp $golden/encrypted.img out/os.img && chmod u+w out/os.img && date >>out/os.img"
gate 'no policy' 2 POLICY=none.toml
exits 'a build that fails' 2 env BUILD='exit 1' sh ci/gate.sh
exits 'a build that makes no image' 2 env BUILD=true IMAGE=none.img sh ci/gate.sh
exits 'no rimg' 2 env PATH=/usr/bin:/bin BUILD='mkdir -p out && date >out/os.img' sh ci/gate.sh

# ---- the workflow --------------------------------------------------------------------------------
# each step that runs something goes into a file of its own, and what names other files is printed
cat >"$tmp/steps.py" <<'END'
import sys, yaml

workflow = yaml.safe_load(open(sys.argv[1]))
assert workflow[True] == ["push", "pull_request"], "YAML 1.1 reads `on` as true"
for name, job in workflow["jobs"].items():
    assert job["runs-on"] and all(need in workflow["jobs"] for need in [job.get("needs", name)])
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step), step
        if "run" in step:
            assert "${{" not in step["run"], "no text of others in a command"
            open("%s/%s: %s" % (sys.argv[2], name, step["name"]), "w").write(step["run"])
END
mkdir "$tmp/steps"
exits 'the workflow is YAML' 0 python3 "$tmp/steps.py" ci/workflow.yml "$tmp/steps"
# step NAME CODE JOB: as the service runs it
step() {
	exits "$1" "$2" env RUNNER_TEMP="$tmp/runner" GITHUB_BASE_REF=main GITHUB_STEP_SUMMARY="$tmp/summary" \
		HOME="$tmp/home" BUILDER=alice sh -e "$tmp/steps/$3"
}
ls "$tmp/steps" >"$tmp/got"
cat >"$tmp/want" <<'END'
agree: two of three
attest: build and sign
gate: git and make
gate: reproducible, sound, of allowed code
gate: rimg
gate: what the change does
END
same 'all of its steps are known here' "$tmp/want" "$tmp/got"
for command in 'make -C "$RUNNER_TEMP/rimg" deps' 'make -C "$RUNNER_TEMP/rimg" -j2 install'; do
	says "it installs: $command" "$command" "$tmp/steps/gate: rimg"
done

mkdir "$tmp/runner" "$tmp/home"
rm -rf out reports
printf 'out\nreports\n' >.gitignore
git_here() {
	git -c user.name=x -c user.email=x@example.org -c init.defaultBranch=main "$@" >/dev/null 2>&1
}
git_here init && git_here add . && git_here commit -m base && git_here clone . "$tmp/change" || exit 1
cd "$tmp/change" || exit 1
step 'the gate' 0 'gate: reproducible, sound, of allowed code'
step 'a change of nothing' 0 'gate: what the change does'
git_here worktree remove --force "$tmp/runner/base"
printf '[[files]]\npath = "/etc/hostname"\ndata = "redox"\n' >>os.toml
step 'the gate, for a change' 0 'gate: reproducible, sound, of allowed code'
step 'a change of a text gets nothing worse' 0 'gate: what the change does'
says 'it is in the summary' '`REDOX::/etc` added dir' "$tmp/summary"
git_here worktree remove --force "$tmp/runner/base"
small_program kernel
step 'the gate, for other code' 1 'gate: reproducible, sound, of allowed code'
step 'other code is worse' 1 'gate: what the change does'
says 'it is in the summary, too' 'worse' "$tmp/summary"
cp "$tmp/kernel" kernel

mkdir keys votes
for who in alice bob carol; do
	rimg verify keygen $who >/dev/null
	mv $who.pub keys
done
for who in alice bob carol; do
	cp $who.pem "$tmp/home/rimg-key.pem"
	exits "$who builds and signs" 0 env HOME="$tmp/home" BUILDER=$who sh -e "$tmp/steps/attest: build and sign"
done
mv alice.json votes
step 'one of three' 1 'agree: two of three'
mv bob.json votes
step 'two of three' 0 'agree: two of three'
rimg verify keygen mallory >/dev/null
rimg verify attest out/os.img --lock out/os.lock --key mallory.pem -o votes/mallory.json >/dev/null
step 'and one that nobody knows' 2 'agree: two of three'

done_testing
