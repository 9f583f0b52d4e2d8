# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Images whose digests are recorded: the same bytes on every machine and, until a change is meant and
# named in CHANGELOG.md, in every version. What the record says is what upstream's tools have read
# (`make interop`) and what rimg makes on other machines (`make same-bytes`).
#
# To record a change that is meant: tests/builds/inputs.sh DIR out/golden &&
# tests/builds/build.sh out/rimg DIR OUT >tests/golden-builds.txt, then make interop same-bytes.
. tests/lib.sh

rimg=$(realpath "$RIMG")
exits 'the inputs are made' 0 tests/builds/inputs.sh "$tmp/in" "$GOLDEN"
exits 'every image is built' 0 tests/builds/build.sh "$rimg" "$tmp/in" "$tmp/images"
same 'their bytes are the recorded ones' tests/golden-builds.txt "$out"
for image in "$tmp"/images/*.img; do
	exits "$(basename "$image"): is read" 0 "$rimg" info "$image"
	grep '^findings' "$out" | sed 's/  */ /; / none$/d' >"$tmp/findings"
	: >"$tmp/want"
	case $image in
	# a name in the original is not UTF-8, and stays
	*/normalized-initfs.img) echo 'findings: 0 errors, 1 warning' >"$tmp/want" ;;
	esac
	same "$(basename "$image"): its findings" "$tmp/want" "$tmp/findings"
done

done_testing
