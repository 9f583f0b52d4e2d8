#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What documents name is there: files, targets of make, commands, options; and docs/cli.md names all
# options that there are. (Manual pages: man.sh.) What the prose says is for people to judge.
. tests/lib.sh

# ---- what there is -------------------------------------------------------------------------------
"$RIMG" help | sed -n '/^Commands:$/,/^$/s/^  \([a-z][a-z]*\( [a-z][a-z]*\)\{0,1\}\)\(  .*\)\{0,1\}$/\1/p' >"$tmp/commands"
echo verify >>"$tmp/commands"
# options: lines "COMMAND --OPTION", with "_" for the blank of "verify audit"; own: those that not every
# command has, with their short forms, "COMMAND -o --output"
while read -r command; do
	# shellcheck disable=SC2086
	"$RIMG" help $command >"$tmp/help"
	name=$(echo "$command" | tr ' ' _)
	grep -o -e '--[a-z][a-z-]*' "$tmp/help" | sort -u | sed "s/^/$name /" >>"$tmp/options"
	sed -n '/^Options:$/,/^Options of every/{s/^  *\(-[A-Za-z]\), \(--[a-z][a-z-]*\).*/\1 \2/p;s/^  *\(--[a-z][a-z-]*\).*/\1/p;}' \
		"$tmp/help" | sed "s/^/$name /" >>"$tmp/own"
done <"$tmp/commands"
make -pn help 2>/dev/null | sed -n 's/^\([a-z][a-z-]*\):.*/\1/p' | sort -u >"$tmp/targets"
for known in all test deps clean; do
	grep -qx $known "$tmp/targets" || not_pass 'the targets of make' "$known is not among them"
done

# ---- what documents name -------------------------------------------------------------------------
# a change log tells of what is no more
git ls-files '*.md' 2>/dev/null | grep -v '^CHANGELOG' >"$tmp/documents"
[ -s "$tmp/documents" ] || find . -name '*.md' ! -path './out/*' ! -name CHANGELOG.md | sed 's,^\./,,' >"$tmp/documents"
# shellcheck disable=SC2046
awk -f tests/tools/document_code.awk $(cat "$tmp/documents") >"$tmp/code"
# so do examples, of help and of manual pages
while read -r command; do
	# shellcheck disable=SC2086
	"$RIMG" help $command | sed -n "s/^  \(rimg .*\)/rimg help $command\t\1/p"
done <"$tmp/commands" >"$tmp/examples"
awk '/^(\.Dl )?(\$ )?rimg / { sub(/^\.Dl /, ""); print FILENAME ":" FNR "\t" $0 }' docs/man/* >>"$tmp/examples"
[ "$(wc -l <"$tmp/examples")" -ge 100 ] || not_pass 'help and manual pages have examples' 'fewer than 100'
cat "$tmp/examples" >>"$tmp/code"
awk -F '\t' '
	FILENAME ~ /commands$/ { gsub(/ /, "_"); commands[$0] = 1; next }
	FILENAME ~ /options$/ { split($0, pair, " "); options[$0] = 1; any[pair[2]] = 1; next }
	FILENAME ~ /targets$/ { targets[$0] = 1; next }
	{ where = $1; of_rimg($2); of_make($2); bare_option($2); path($2) }

	function complain(what) { print where ": " what }

	# rimg COMMAND ... --OPTION
	function of_rimg(text,    word, n, i, name, piece) {
		gsub(/^ *\$ /, "", text)
		sub(/^ +/, "", text)
		while (match(text, /(^|[&|;] |do |\$\()rimg [a-z-]/)) {
			text = substr(text, RSTART + RLENGTH - 1)
			piece = text
			sub(/ && .*/, "", piece)
			sub(/;.*/, "", piece)
			sub(/ \| [a-z].*/, "", piece)
			n = split(piece, word, " ")
			i = 1
			while (word[i] == "-q" || word[i] == "-v")
				i++
			if (word[i] == "help")
				i++
			name = word[i]
			gsub(/[^a-z]/, "", name)
			if (name == "verify" && word[i + 1] ~ /^[a-z]+$/)
				name = name "_" word[++i]
			if (name == "" || word[i] ~ /^-/)
				continue
			n_seen++
			if (!(name in commands))
				complain("rimg has no command " name)
			while (match(piece, /(^|[ \[(=])--[a-z][a-z-]*/)) {
				option = substr(piece, RSTART, RLENGTH)
				piece = substr(piece, RSTART + RLENGTH)
				sub(/^[^-]/, "", option)
				if ((name in commands) && !((name " " option) in options))
					complain("rimg " name " has no option " option)
			}
		}
	}
	# make TARGET
	function of_make(text,    target) {
		gsub(/^ *\$ /, "", text)
		if (!match(text, /^ *make [a-z][a-z-]*/))
			return
		target = substr(text, RSTART, RLENGTH)
		sub(/^ *make /, "", target)
		n_targets++
		if (!(target in targets) && target !~ /^test-/)
			complain("make has no target " target)
	}
	# an option by itself
	function bare_option(text) {
		if (match(text, /^--[a-z][a-z-]*/) && !(substr(text, RSTART, RLENGTH) in any))
			complain("no command has an option " substr(text, RSTART, RLENGTH))
	}
	# a file or folder of the project; the shell looks whether it is there
	function path(text,    p) {
		while (match(text, /(^|[ (=<>])(\.\.\/)*(docs|tests|lib|include|examples|golden|build|diff|verify|\.ci)\/[A-Za-z0-9_.*\/-]*/)) {
			p = substr(text, RSTART, RLENGTH)
			text = substr(text, RSTART + RLENGTH)
			sub(/^[ (=<>]/, "", p)
			gsub(/\.\.\//, "", p)
			sub(/[.]$/, "", p)
			# names that stand for others; the example of CONTRIBUTING.md; files of the cookbook
			if ((p !~ /[A-Z][A-Z]/ || p ~ /README|CHANGELOG/) && p !~ /squashfs|id_ed25519|harddrive/)
				print where "\t" p >paths
		}
	}
	END {
		if (n_seen < 100 || n_targets < 20)
			print "only " n_seen + 0 " commands and " n_targets + 0 " targets were found"
	}' paths="$tmp/paths" "$tmp/commands" "$tmp/options" "$tmp/targets" "$tmp/code" >"$tmp/complaints"
while IFS='	' read -r where path; do
	# shellcheck disable=SC2086
	case $path in
	golden/*) set -- $path* ;; # an image is named without what it is packed with
	*) set -- $path ;;
	esac
	[ -e "$1" ] || echo "$where: there is no $path"
done <"$tmp/paths" >>"$tmp/complaints"
[ "$(wc -l <"$tmp/paths")" -ge 100 ] || echo "only $(wc -l <"$tmp/paths") paths were found" >>"$tmp/complaints"
same 'documents name what is there' /dev/null "$tmp/complaints"

# sources that are named without their folder
find include lib build diff verify packaging tests golden examples -name '*.[ch]' | sed 's,.*/,,' | sort -u >"$tmp/sources"
awk -F '\t' '$2 ~ /^[a-z0-9_]+\.[ch]$/ { print $2 }' "$tmp/code" | sort -u >"$tmp/named"
comm -23 "$tmp/named" "$tmp/sources" >"$tmp/complaints"
same 'sources that are named are there' /dev/null "$tmp/complaints"
[ -s "$tmp/named" ] || not_pass 'documents name sources' 'none was found'

# links
while read -r document; do
	sed -n 's/.*](\([^):#]*\)).*/\1/p' "$document" | while read -r link; do
		[ -e "$(dirname "$document")/$link" ] || echo "$document: a link to $link"
	done
done <"$tmp/documents" >"$tmp/complaints"
same 'links lead somewhere' /dev/null "$tmp/complaints"

# ---- what there is, is named ---------------------------------------------------------------------
while read -r command; do
	[ "$command" = verify ] && continue
	name=$(echo "$command" | tr ' ' _)
	# all that docs/cli.md says of it
	awk -F '\t' -v command="$command" '
		index($1, "docs/cli.md:") == 1 && index($2 " ", "rimg " command " ") { print $2 }' "$tmp/code" >"$tmp/told"
	sed -n "s/^$name //p" "$tmp/own" | while read -r option; do
		either=$(echo "$option" | sed 's/ /|/')
		grep -Eq -e "(^|[^a-z-])($either)([^a-z-]|\$)" "$tmp/told" || echo "docs/cli.md does not name $option"
	done >"$tmp/complaints"
	same "rimg $command: docs/cli.md names each option" /dev/null "$tmp/complaints"
done <"$tmp/commands"
git ls-files docs 2>/dev/null | grep '^docs/[a-z]*\.md$' | while read -r document; do
	grep -qF "$document" README.md || echo "README.md does not name $document"
done >"$tmp/complaints"
same 'the README names all documents' /dev/null "$tmp/complaints"

# ---- what sources cite: docs/formats/gpt.md, "Header" and "Entries" ----------------------------------
find lib build diff verify include -name '*.[ch]' -o -name '*.cc' | sort | while read -r file; do
	tr '\n\t' '  ' <"$file" | sed 's/ \* / /g; s/   */ /g' |
		grep -oE 'docs/[a-z/-]+\.md(,? ?(and )?"[^"]+")+' | sed "s|^|$file |"
done >"$tmp/citations"
[ "$(wc -l <"$tmp/citations")" -ge 40 ] || not_pass 'sources cite documents' 'fewer than 40 times'
while read -r file document headings; do
	document=${document%,}
	echo "$headings" | grep -o '"[^"]*"' | tr -d '"' | while read -r heading; do
		sed -n 's/^##* //p' "$document" | grep -qxF -e "$heading" ||
			echo "$file: $document has no heading $heading"
	done
done <"$tmp/citations" >"$tmp/uncited"
same 'headings that sources cite are there' /dev/null "$tmp/uncited"
done_testing
