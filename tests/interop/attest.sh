#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Attestations of rimg judged by Python's securesystemslib and in-toto-attestation and by Go's
# go-securesystemslib, and theirs by rimg. Fetches these three; what cannot be fetched is said aloud.
# Usage: attest.sh RIMG WORKDIR
set -u
rimg=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
cd "$2" || exit 2
rm -rf in ./*.img ./*.pem ./*.pub ./*.json ./*.lock
failed=0
passed=0

ok() { passed=$((passed + 1)); echo "ok - $1"; }
bad() { failed=$((failed + 1)); echo "not ok - $1"; tail -n 20 log | sed 's/^/    /'; }
# check NAME CODE COMMAND...
check() {
	name=$1 code=$2
	shift 2
	status=0
	"$@" >log 2>&1 || status=$?
	if [ "$status" = "$code" ]; then ok "$name"; else bad "$name (exit code $status instead of $code)"; fi
}

# ---- what is judged ------------------------------------------------------------------------------
mkdir in
head -c 50000 "$rimg" >in/kernel
cat >in/os.toml <<END
[image]
size = "8MiB"
epoch = 1767225600
seed = "interop"
[[files]]
path = "/boot/kernel"
source = "kernel"
END
"$rimg" -q build in/os.toml -o os.img --lock os.lock || exit 1
for who in a b c; do
	"$rimg" -q verify keygen $who && "$rimg" -q verify attest os.img --lock os.lock --key $who.pem -o $who.json \
		--time 2026-01-02T03:04:05Z --expires 2099-01-01T00:00:00Z --fact "name=machine $who" || exit 1
done
"$rimg" -q verify attest os.img --lock os.lock --key a.pem --joint -o joint.json || exit 1
"$rimg" -q verify attest os.img --lock os.lock --key b.pem --add-to joint.json || exit 1
sed 's/"payload":"eyJ/"payload":"eyI/' joint.json >tampered.json
cmp -s joint.json tampered.json && exit 1
python3 -c 'import base64, json; open("statement", "wb").write(base64.b64decode(json.load(open("joint.json"))["payload"]))'
python3 -c 'import base64, json; d = json.loads(base64.b64decode(json.load(open("a.json"))["payload"])); d["predicate"]["runDetails"]["builder"] = {"id": "https://example.org/"}; json.dump(d, open("foreign", "w"))'
type=application/vnd.in-toto+json

# ---- Python --------------------------------------------------------------------------------------
if [ ! -x venv/bin/python ] || ! venv/bin/python -c 'import securesystemslib, in_toto_attestation, cryptography' 2>/dev/null; then
	{ python3 -m venv venv && venv/bin/pip install -q securesystemslib==1.6.0 cryptography in-toto-attestation==0.9.3; } >log 2>&1
fi
if venv/bin/python -c 'import securesystemslib, in_toto_attestation, cryptography' 2>/dev/null; then
	py="venv/bin/python $here/attest.py"
	# shellcheck disable=SC2086
	{
	check 'securesystemslib accepts one signature' 0 $py verify 1 a.json a.pub
	check 'two of two' 0 $py verify 2 joint.json a.pub b.pub
	check 'two of three keys' 0 $py verify 2 joint.json a.pub b.pub c.pub
	check 'it refuses three of two' 1 $py verify 3 joint.json a.pub b.pub c.pub
	check 'and two when one key is unknown' 1 $py verify 2 joint.json a.pub c.pub
	check 'and what was altered' 1 $py verify 1 tampered.json a.pub b.pub
	check 'in-toto-attestation reads provenance' 0 $py parse a.json
	check 'and joint statements' 0 $py parse joint.json
	check 'the inputs of a joint statement are those of the lock' 0 $py inputs os.lock joint.json
	check 'securesystemslib signs a joint statement' 0 $py sign $type statement theirs.json a.pem c.pem
	check 'and rimg agrees' 0 "$rimg" verify agree os.img --threshold 2 --trusted a.pub --trusted c.pub theirs.json
	check 'but not without a key' 2 "$rimg" verify agree os.img --threshold 1 --trusted a.pub theirs.json
	check 'securesystemslib signs a provenance of another builder' 0 $py sign $type foreign foreign.json c.pem
	check 'and rimg counts it with its own' 0 "$rimg" verify agree os.img --threshold 3 --trusted a.pub --trusted b.pub \
		--trusted c.pub foreign.json a.json b.json
	check 'securesystemslib signs something else' 0 $py sign text/plain statement text.json a.pem
	check 'which rimg refuses' 2 "$rimg" verify agree os.img --threshold 1 --trusted a.pub text.json
	}
else
	echo 'skipped: securesystemslib and in-toto-attestation cannot be installed here:'
	tail -n 3 log
fi

# ---- Go ------------------------------------------------------------------------------------------
if command -v go >/dev/null 2>&1 && (cd "$here/dsse" && GOFLAGS=-mod=readonly go build -o "$OLDPWD/dsse" .) >log 2>&1; then
	check 'go-securesystemslib accepts one signature' 0 ./dsse 1 a.json a.pub
	check 'two of two' 0 ./dsse 2 joint.json a.pub b.pub
	check 'it refuses three of two' 1 ./dsse 3 joint.json a.pub b.pub c.pub
	check 'and two when one key is unknown' 1 ./dsse 2 joint.json a.pub c.pub
	check 'and what was altered' 1 ./dsse 1 tampered.json a.pub b.pub
else
	echo 'skipped: go-securesystemslib cannot be built here:'
	tail -n 3 log
fi

echo
echo "attestations: $passed passed, $failed failed"
[ "$failed" = 0 ]
