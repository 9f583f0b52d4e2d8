#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rimg verify all: four answers and one verdict. What did not run is never counted as passed.
. tests/lib.sh
need python3

rimg=$(realpath "$RIMG")
golden=$(realpath "$GOLDEN")
top=$PWD
unset SOURCE_DATE_EPOCH

# ---- an image, its manifest, a policy, votes ----
in=$tmp/in
mkdir -p "$in/etc"
printf 'text\n' >"$in/etc/text"
printf 'MZ loader\n' >"$in/loader.efi"
cat >"$in/os.toml" <<END
[image]
size = "8MiB"
epoch = 1767225600
[bootloader]
source = "loader.efi"
sha256 = "$(sha256sum <"$in/loader.efi" | cut -d' ' -f1)"
[[files]]
path = "/etc"
source = "etc"
END
cd "$tmp" || exit 1
"$rimg" -q build "$in/os.toml" -o os.img --lock os.lock
# whatever is no Cranelift code here is declared
"$rimg" verify audit --propose-policy os.img >policy.toml 2>/dev/null
for who in alice bob carol; do
	"$rimg" -q verify keygen $who >/dev/null
	"$rimg" -q verify attest os.img --lock os.lock --key $who.pem -o $who.json >/dev/null
done

# state PART STATE JSON: what came of a part
state() {
	python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
print(j["parts"][sys.argv[2]]["state"] if sys.argv[2] != "verdict" else j["verdict"])' "$3" "$1" >got
	echo "$2" >"$tmp/want"
	same "$1: $2" "$tmp/want" got
}

# ---- all four ----
exits 'an image for which all four hold' 0 "$rimg" verify all --strict --policy policy.toml --vary tz,umask \
	--attestation alice.json --attestation bob.json --threshold 2 --trusted alice.pub --trusted bob.pub \
	--html all.html --sarif all.sarif os.img "$in/os.toml"
cp "$out" text
tail -n 1 text >got
echo 'os.img: holds' >"$tmp/want"
same 'one verdict' "$tmp/want" got
for part in check audit rebuild agree; do
	says "$part holds" "$(printf '%-8s holds' $part)" text
done
exits 'the same as JSON' 0 "$rimg" verify all --json --strict --policy policy.toml --vary tz,umask \
	--attestation alice.json --attestation bob.json --threshold 2 --trusted alice.pub --trusted bob.pub \
	os.img "$in/os.toml"
cp "$out" all.json
for part in verdict check audit rebuild agree; do state $part holds all.json; done
cat >read.py <<'END'
import json, sys
j = json.load(open(sys.argv[1]))
assert j["schema"] == "rimg.verify-all/1" and j["not_checked"] == sys.argv[2:], j["not_checked"]
for name, part in j["parts"].items():
    if part["state"] == "not checked":
        assert part["report"] is None and part["why"]
    else:
        assert part["report"]["schema"] == "rimg.verify-%s/1" % name
END
exits 'with the documents of the parts' 0 python3 read.py all.json
exits 'as its schema says' 0 python3 "$top/tests/tools/check_schema.py" "$top/docs/schema/verify-all.json" all.json
says 'the page names the verdict' '<strong>holds</strong>' all.html
exits 'and loads nothing' 1 grep -Eiq '<script|<link|<img|src=|https?:' all.html
exits 'the SARIF log is empty but whole' 0 python3 -c '
import json
run = json.load(open("all.sarif"))["runs"][0]
assert [r for r in run["results"] if r["level"] == "error"] == []
assert run["invocations"][0]["executionSuccessful"] is True'

# ---- what did not run ----
exits 'check and audit alone' 0 "$rimg" verify all --policy policy.toml os.img
tail -n 1 "$out" >got
echo 'os.img: holds, as far as it was checked' >"$tmp/want"
same 'are not called more than that' "$tmp/want" got
says 'rebuild: not checked' 'rebuild  not checked' "$out"
says 'agree: not checked' 'agree    not checked' "$out"
exits 'a part of it' 0 "$rimg" verify all --policy policy.toml os.img::EFI
tail -n 1 "$out" >"$tmp/verdict"
echo 'os.img::EFI: holds, as far as it was checked' >"$tmp/want"
same 'is all that the verdict is about' "$tmp/want" "$tmp/verdict"
exits 'as JSON' 0 "$rimg" verify all --json --policy policy.toml os.img
cp "$out" some.json
exits 'which lists them' 0 python3 read.py some.json rebuild agree

# ---- each part can fail ----
one_fails() {
	exits "$1 fails: exit code" 1 cat_status
	state verdict fails one.json
	state "$2" fails one.json
}
cat_status() { return "$(cat one.status)"; }
try() {
	"$rimg" verify all --json "$@" >one.json 2>/dev/null
	echo $? >one.status
}
cp os.img changed.img
printf '\001' | dd of=changed.img bs=1 seek=$((8 * 1048576 - 40 * 512)) conv=notrunc status=none
try --strict --policy policy.toml changed.img
one_fails 'a byte in a gap: check' check
mkdir -p "$in/bin" && cp "$rimg" "$in/bin/tool"
"$rimg" -q redoxfs "$in/bin" -o tool.fs -s 64MiB
try tool.fs
one_fails 'a program of GCC: audit' audit
state check holds one.json
try --policy policy.toml --vary tz changed.img "$in/os.toml"
one_fails 'other bytes than the manifest builds: rebuild' rebuild
try --policy policy.toml --attestation alice.json --threshold 2 --trusted alice.pub --trusted bob.pub os.img
one_fails 'one voice for two: agree' agree

# ---- the audit's own log ----
exits 'an audit as SARIF' 1 "$rimg" verify audit --json --sarif audit.sarif "$golden/system.img"
cp "$out" audit.json
exits 'has a result for each path of what fails' 0 python3 -c '
import json
audit, run = json.load(open("audit.json")), json.load(open("audit.sarif"))["runs"][0]
found = sorted(r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for r in run["results"])
paths = sorted(p for a in audit["artifacts"] if not a["pass"] for p in [a["path"]] + a["also"])
assert found == paths and found, (found, paths)
assert all(r["ruleId"].startswith("audit.") and r["message"]["text"] for r in run["results"])
assert run["invocations"][0].pop("properties")["sandbox"]
assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]'
exits 'one that cannot be written' 2 "$rimg" verify audit --sarif no/such/file "$golden/system.img"

# ---- what could not be read or done leaves it open ----
left_open() {
	exits "$1: exit code" 2 cat_status
	state verdict open one.json
	state "$2" open one.json
}
try "$golden/encrypted.img"
left_open 'no password' check
try --policy none.toml os.img
left_open 'no policy' audit
try --policy policy.toml os.img none.toml
left_open 'no manifest' rebuild
sed 's,^source = .*,source = "missing",' "$in/os.toml" >broken.toml
exits 'a manifest that cannot be built' 2 \
	"$rimg" verify all --policy policy.toml -C "$in" os.img broken.toml
says 'says why' '  | rimg: ' "$out"
says 'which is' 'missing' "$out"
try --policy policy.toml --attestation alice.json --attestation none.json --threshold 1 --trusted alice.pub os.img
left_open 'an attestation that is not there' agree
try --policy policy.toml --attestation alice.json --threshold 1 --trusted bob.pub os.img
left_open 'an attestation by no trusted key' agree
try --policy policy.toml --attestation alice.json --threshold 3 --trusted alice.pub os.img
left_open 'a threshold that can never be' agree

# ---- usage ----
exits 'no image' 2 "$rimg" verify all
exits 'an image that is not there' 2 "$rimg" verify all none.img
exits 'votes without a threshold' 2 "$rimg" verify all --attestation alice.json os.img
cp os.img before.img
exits 'a page over the image' 2 "$rimg" verify all --policy policy.toml --html os.img os.img
exits 'a log over the page' 2 "$rimg" verify all --policy policy.toml --html page --sarif page os.img
same 'the image is as it was' before.img os.img
exits 'a page that cannot be written' 2 "$rimg" verify all --policy policy.toml --html no/such/dir.html os.img

exits 'a key without votes' 2 "$rimg" verify all --trusted alice.pub os.img
says 'a key without votes: it says what is missing' 'belong together' "$err"
for option in '-C .' '--set image.size=8MiB' '--vary tz'; do
	# shellcheck disable=SC2086
	exits "$option without a manifest" 2 "$rimg" verify all $option os.img
	says "$option without a manifest: it says what is missing" 'go with a manifest' "$err"
done
for option in '--theirs .' '--now 0'; do
	# shellcheck disable=SC2086
	exits "$option without votes" 2 "$rimg" verify all $option os.img
	says "$option without votes: it says what is missing" 'go with --attestation' "$err"
done

done_testing
