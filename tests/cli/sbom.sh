#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rimg info --sbom: every file with its digests, in SPDX and CycloneDX. What is in the golden images is told
# by upstream's listings, digests are computed once more by sha1sum and sha256sum. `make interop` has the
# documents judged by the formats' own tools.
. tests/lib.sh
need python3

rimg=$(realpath "$RIMG")
golden=$(realpath "$GOLDEN")
unset SOURCE_DATE_EPOCH

cat >"$tmp/read.py" <<'END'
# read.py KIND DOCUMENT: lines "path sha1 sha256", sorted; fails when the document is not sound in itself
import hashlib, json, re, sys
kind, path = sys.argv[1:3]
d = json.load(open(path))
rows = []
if kind == "spdx":
    assert d["spdxVersion"] == "SPDX-2.3" and d["dataLicense"] == "CC0-1.0" and d["SPDXID"] == "SPDXRef-DOCUMENT"
    assert re.fullmatch(r"https://spdx\.org/spdxdocs/rimg-[0-9a-f-]{36}", d["documentNamespace"])
    art = d["packages"][0]
    for f in d["files"]:
        sums = {c["algorithm"]: c["checksumValue"] for c in f["checksums"]}
        assert f["fileName"].startswith("./")
        rows.append((f["fileName"][2:], sums["SHA1"], sums["SHA256"]))
    code = hashlib.sha1("".join(sorted(r[1] for r in rows)).encode()).hexdigest()
    assert art["packageVerificationCode"]["packageVerificationCodeValue"] == code
    ids = [x["SPDXID"] for x in d["packages"] + d["files"]] + ["SPDXRef-DOCUMENT"]
    assert len(ids) == len(set(ids))
    contained = {r["relatedSpdxElement"] for r in d["relationships"]
                 if r["relationshipType"] == "CONTAINS" and r["spdxElementId"] == "SPDXRef-artifact"}
    assert contained == set(ids) - {"SPDXRef-artifact", "SPDXRef-DOCUMENT"}
    for r in d["relationships"]:
        assert r["spdxElementId"] in ids and r["relatedSpdxElement"] in ids
else:
    assert d["bomFormat"] == "CycloneDX" and d["specVersion"] == "1.5" and d["version"] == 1
    refs = [c["bom-ref"] for c in d["components"]] + ["artifact"]
    assert len(refs) == len(set(refs))
    for c in d["components"]:
        if c["type"] == "file":
            sums = {h["alg"]: h["content"] for h in c["hashes"]}
            rows.append((c["name"].lstrip("/"), sums["SHA-1"], sums["SHA-256"]))
    assert set(d["dependencies"][0]["dependsOn"]) == set(refs) - {"artifact"}
for row in sorted(rows):
    print(*row, sep="\t")
END
cat >"$tmp/listed.py" <<'END'
# listed.py LISTING: files of a golden listing as "path sha256", paths spelled as in addresses
import json, sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e.get("type") == "file":
        path = e["path"][1:].replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
        print(path, e["sha256"], sep="\t")
END

# ---- what upstream says is in it ----
for kind in spdx cyclonedx; do
	for image in basic many-long odd; do
		exits "$image: $kind" 0 "$rimg" info --sbom $kind "$golden/$image.img"
		cp "$out" "$tmp/doc"
		exits "$image: the $kind document is sound" 0 python3 "$tmp/read.py" $kind "$tmp/doc"
		grep -v '::' "$out" | cut -f1,3 | LC_ALL=C sort >"$tmp/got"
		python3 "$tmp/listed.py" "$golden/$image.jsonl" | LC_ALL=C sort >"$tmp/expected"
		[ -s "$tmp/expected" ] || not_pass "$image: listing" "it is empty"
		same "$image: $kind lists the files of upstream's listing, with their digests" "$tmp/expected" "$tmp/got"
	done
done

# ---- nested containers, SHA-1 ----
exits 'a disk' 0 "$rimg" info --sbom spdx "$golden/disk-installer.img"
cp "$out" "$tmp/disk.json"
python3 "$tmp/read.py" spdx "$tmp/disk.json" >"$tmp/rows"
"$rimg" ls -R --nested --json "$golden/disk-installer.img" 2>/dev/null |
	python3 -c 'import json, sys
for line in sys.stdin:
    e = json.loads(line)
    if e["type"] == "file":
        print(e["path"])' | LC_ALL=C sort >"$tmp/expected"
cut -f1 "$tmp/rows" | LC_ALL=C sort >"$tmp/got"
same 'files in containers in partitions are listed' "$tmp/expected" "$tmp/got"
: >"$tmp/expected"
while IFS='	' read -r path _; do
	"$rimg" cat "$golden/disk-installer.img::$path" >"$tmp/content"
	printf '%s\t%s\t%s\n' "$path" "$(sha1sum <"$tmp/content" | cut -d' ' -f1)" \
		"$(sha256sum <"$tmp/content" | cut -d' ' -f1)" >>"$tmp/expected"
done <"$tmp/rows"
same 'digests are those of sha1sum and sha256sum' "$tmp/expected" "$tmp/rows"
says 'the image itself has its digest' "$(sha256sum <"$golden/disk-installer.img" | cut -d' ' -f1)" "$tmp/disk.json"

# ---- packages ----
mkdir -p "$tmp/in/var/lib/packages"
"$rimg" -q extract "$golden/package-plain.pkgar" -o "$tmp/unpacked"
cp -r "$tmp/unpacked/." "$tmp/in/"
head -c 1984 "$golden/package-plain.pkgar" >"$tmp/in/var/lib/packages/plain.pkgar_head"
cp "$golden/package-lzma2.pkgar" "$tmp/in/"
printf 'changed\n' >"$tmp/in/etc/hello"
cp "$rimg" "$tmp/in/program"
"$rimg" -q redoxfs "$tmp/in" -o "$tmp/packages.fs" -s 64MiB
cat >"$tmp/owners.py" <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
names = {p["SPDXID"]: p["name"] for p in d["packages"]}
files = {f["SPDXID"]: f["fileName"] for f in d["files"]}
for r in d["relationships"]:
    if r["relationshipType"] == "EXPANDED_FROM_ARCHIVE":
        print(files[r["spdxElementId"]], names[r["relatedSpdxElement"]])
for f in d["files"]:
    if f["fileName"] == "./program":
        assert "format: elf" in f["comment"] and "GCC" in f["comment"] or "clang" in f["comment"], f
        assert " code: " in f["comment"] and f["fileTypes"] == ["BINARY"]
END
exits 'an image with packages' 0 "$rimg" info --sbom spdx "$tmp/packages.fs"
cp "$out" "$tmp/doc"
exits 'which is sound' 0 python3 "$tmp/read.py" spdx "$tmp/doc"
exits 'and tells whose files are' 0 python3 "$tmp/owners.py" "$tmp/doc"
LC_ALL=C sort "$out" >"$tmp/got"
cat >"$tmp/expected" <<'END'
./etc/empty plain
./package-lzma2.pkgar::/etc/empty package-lzma2
./package-lzma2.pkgar::/etc/hello package-lzma2
./package-lzma2.pkgar::/usr/bin/tool package-lzma2
./package-lzma2.pkgar::/usr/lib/deep/dir/noise package-lzma2
./usr/bin/tool plain
./usr/lib/deep/dir/noise plain
END
same 'but not what has changed since' "$tmp/expected" "$tmp/got"
exits 'the same as CycloneDX' 0 "$rimg" info --sbom cyclonedx "$tmp/packages.fs"
says 'tells the package' '"name": "rimg:package"' "$out"

# ---- the same document every time ----
for kind in spdx cyclonedx; do
	TZ=Asia/Tokyo "$rimg" -j 1 info --sbom $kind "$golden/disk-installer.img" >"$tmp/one"
	LC_ALL=tr_TR.UTF-8 "$rimg" -j 5 info --sbom $kind "$golden/disk-installer.img" >"$tmp/five"
	same "$kind: whatever the threads, the zone, the locale" "$tmp/one" "$tmp/five"
	cp "$golden/disk-installer.img" "$tmp/disk-installer.img"
	"$rimg" info --sbom $kind "$tmp/disk-installer.img" >"$tmp/moved"
	same "$kind: wherever it lies" "$tmp/one" "$tmp/moved"
	SOURCE_DATE_EPOCH=1767225600 "$rimg" info --sbom $kind "$golden/system.img" >"$tmp/epoch"
	says "$kind: made at SOURCE_DATE_EPOCH" '"2026-01-01T00:00:00Z"' "$tmp/epoch"
	SOURCE_DATE_EPOCH=5 "$rimg" info --epoch 1767225600 --sbom $kind "$golden/system.img" >"$tmp/given"
	same "$kind: or at --epoch, which wins" "$tmp/epoch" "$tmp/given"
done

# ---- parts, single files, what is damaged ----
exits 'a directory' 0 "$rimg" info --sbom spdx "$golden/system.img::/usr"
cp "$out" "$tmp/doc"
exits 'has its own document' 0 python3 "$tmp/read.py" spdx "$tmp/doc"
grep -vc '^usr/' "$out" >"$tmp/n"
echo 0 >"$tmp/want"
same 'with only what is in it' "$tmp/want" "$tmp/n"
exits 'a single file' 0 "$rimg" info --sbom spdx "$rimg"
cp "$out" "$tmp/doc"
exits 'is a list of one' 0 python3 "$tmp/read.py" spdx "$tmp/doc"
cut -f3 "$out" >"$tmp/got"
sha256sum <"$rimg" | cut -d' ' -f1 >"$tmp/want"
same 'with its digest' "$tmp/want" "$tmp/got"
for kind in spdx cyclonedx; do
	exits "$kind: a file that cannot be read is missing" 1 "$rimg" info --sbom $kind "$golden/broken/bitflip-data.img"
	says "$kind: which is said" '/boot/kernel: not in the bill of materials' "$err"
	grep -i incomplete "$out" >"$tmp/got"
	says "$kind: and stands in the document" ncomplete "$tmp/got"
	exits "$kind: so is what a broken directory held" 1 "$rimg" info --sbom $kind "$golden/broken/dir-dangling.img"
	grep -i incomplete "$out" >"$tmp/got"
	says "$kind: that, too" ncomplete "$tmp/got"
done
exits 'an unknown kind' 2 "$rimg" info --sbom word "$golden/system.img"
exits 'two documents at once' 2 "$rimg" info --json --sbom spdx "$golden/system.img"
exits 'a time that is none' 2 "$rimg" info --sbom spdx --epoch never "$golden/system.img"

done_testing
