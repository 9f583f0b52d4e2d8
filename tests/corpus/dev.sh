#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dev.sh DIR [LABELS]: rimg verify audit against files whose makers are known
#
# LABELS (DIR/labels.tsv) is a table with tabs and a line of titles; the columns git_blob, path_in_repo
# and label are read. DIR holds the files, each under its git hash. A line for each file: label,
# architecture, bytes of each class, share that is cranelift or padding. Ends with 1 when
#   - a file labelled llvm or gcc has a byte of cranelift,
#   - a file labelled mixed has no 368 bytes of llvm: the 16 functions _Unwind_* that clang made; or one
#     of them, where they have names, is not among what is not covered,
#   - a file labelled cranelift has llvm or conflict, gcc or foreign in more than its naked assembly
#     (808 bytes: setjmp, longjmp, sigsetjmp, the entry of signals), or less than 98.5 % cranelift.
set -u
dir=${1:?usage: dev.sh DIR [LABELS]}
labels=${2:-$dir/labels.tsv}
rimg=${RIMG:-out/rimg}
[ -d "$dir" ] || { echo "skipped: no folder $dir"; exit 77; }
[ -f "$labels" ] || { echo "skipped: no table $labels"; exit 77; }
[ -x "$rimg" ] || { echo "skipped: no program $rimg"; exit 77; }
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	{ print $at["git_blob"] "\t" $at["label"] "\t" $at["path_in_repo"] }' "$labels" >"$tmp/files"
cut -f1 "$tmp/files" | while read -r blob; do
	[ -f "$dir/$blob" ] || { echo "$dir/$blob is missing" >&2; continue; }
	"$rimg" verify audit --json "$dir/$blob" >"$tmp/$blob.json" 2>"$tmp/err"
	[ $? -le 2 ] || cat "$tmp/err" >&2
	"$rimg" verify audit --functions "$dir/$blob" 2>/dev/null | grep -c '^ .* _Unwind_' >"$tmp/$blob.stubs"
done

while IFS='	' read -r blob label path; do
	printf 'file\t%s\t%s\t%s\n' "$label" "$path" "$(cat "$tmp/$blob.stubs")"
	sed -n '/^  "coverage": {/,/^  }/p; /^      "arch":/p; /^  "verdict"/p' "$tmp/$blob.json" |
		tr -d ' ",{}' | tr ':' '\t'
done <"$tmp/files" | awk -F'\t' '
	function wrong(what) { print "WRONG: " path ": " what; bad = 1 }
	function flush(    c, share) {
		if (label == "")
			return
		n++
		share = n_of["code_bytes"] ? (n_of["cranelift"] + n_of["pad"]) / n_of["code_bytes"] : 0
		printf "%-9s %-8s %9d", label, arch, n_of["code_bytes"]
		for (c = 1; c <= n_classes; c++) {
			printf " %8d", n_of[class[c]]
			sum[label, c] += n_of[class[c]]
		}
		printf "  %6.2f %%  %s\n", share * 100, path
		code[label] += n_of["code_bytes"]; files[label]++
		if ((label == "llvm" || label == "gcc") && n_of["cranelift"] > 0)
			wrong(n_of["cranelift"] " bytes are called cranelift")
		if (label == "mixed" && n_of["llvm"] < 368)
			wrong("the functions that clang made are not llvm")
		if (label == "mixed" && stubs != 0 && stubs != 16)
			wrong(stubs " of 16 functions _Unwind_* are found")
		if (label != "unknown" && verdict == "pass" && label != "cranelift")
			wrong("passes")
		if (label == "cranelift" && (n_of["llvm"] + n_of["conflict"] > 0 ||
				n_of["gcc"] + n_of["foreign"] > 808 || share < 0.985))
			wrong("more is not attributed than naked assembly, or less than 98.5 %")
	}
	BEGIN {
		n_classes = split("cranelift llvm gcc foreign asm conflict unknown pad", class, " ")
		printf "%-9s %-8s %9s", "label", "arch", "code"
		for (c = 1; c <= n_classes; c++)
			printf " %8s", class[c]
		print "   clif+pad  file"
	}
	$1 == "file" { flush(); split("", n_of); label = $2; path = $3; stubs = $4; arch = "-"; verdict = ""; next }
	$1 == "arch" { sub(",", "", $2); arch = $2; next }
	$1 == "verdict" { sub(",", "", $2); verdict = $2; next }
	{ sub(",", "", $2); n_of[$1] = $2 }
	END {
		flush()
		for (label in files) {
			printf "\n%s: %d files, %d bytes of code:", label, files[label], code[label]
			for (c = 1; c <= n_classes; c++)
				printf " %s %d", class[c], sum[label, c]
		}
		print ""
		if (n == 0)
			wrong("no file was looked at")
		exit bad
	}'
