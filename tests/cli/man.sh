#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The manual pages and the program say the same: every command has a page, every option of --help is
# explained in it, and it explains no other.
. tests/lib.sh

pages=docs/man

# flags LINES PAGE: the options named by Fl on lines that fit, one a line, as "--long" or "-l"
flags() {
	awk -v lines="$1" '$0 ~ lines {
		n = split($0, word, " ")
		inside = 0
		for (i = 1; i <= n; i++) {
			if (word[i] ~ /^\.?Fl$/)
				inside = 1
			else if (word[i] ~ /^[A-Z][a-z]$/)
				inside = 0 # another macro
			else if (inside && word[i] ~ /^-/)
				print "-" word[i]
			else if (inside && word[i] ~ /^[a-zA-Z]/)
				for (k = 1; k <= length(word[i]); k++) # -Rl is -R -l
					print "-" substr(word[i], k, 1)
		}
	}' "$2" | sort -u
}

# options SECTION HELP: those of a section of a help text, the same way
options() {
	awk -v section="$1" '
		$0 == section { inside = 1; next }
		/^$/ || /^[A-Z]/ { inside = 0 }
		inside && /^  -[a-zA-Z], --[a-z]/ { print substr($1, 1, 2); sub(/^  -., /, "  ") }
		inside && /^ +--[a-z]/ { sub(/=.*/, "", $1); print $1 }' "$2" | sort -u
}

"$RIMG" help >"$tmp/help"
options 'Options of every command:' "$tmp/help" >"$tmp/common"
[ "$(wc -l <"$tmp/common")" -ge 8 ] && pass 'help lists the common options' || not_pass 'help lists the common options' 'fewer than 8'
flags '^\\.It Fl' $pages/rimg.1 >"$tmp/found"
same 'rimg(1) explains the common options and no others' "$tmp/common" "$tmp/found"

sed -n '/^Commands:$/,/^$/s/^  \([a-z][a-z]*\( [a-z][a-z]*\)\{0,1\}\)\(  .*\)\{0,1\}$/\1/p' "$tmp/help" >"$tmp/commands"
{
	sed 's/ /-/; s/.*/rimg-&.1/' "$tmp/commands"
	echo rimg.1
	echo rimg-verify.1 # the name of a link to the program
	ls $pages | grep '\.5$'
} | sort >"$tmp/expected"
ls $pages >"$tmp/found"
same 'every command has a page, and every page a command' "$tmp/expected" "$tmp/found"

awk '/^\.Sh DESCRIPTION/ { inside = 1 } /^\.El/ { inside = 0 }
	inside && /^\.It Cm/ { sub(/^\.It Cm /, ""); gsub(/ , */, "\n"); print }' $pages/rimg.1 | sort >"$tmp/found"
sort "$tmp/commands" >"$tmp/expected"
same 'rimg(1) lists every command' "$tmp/expected" "$tmp/found"

# pages that others send the reader to
sed -n 's/^\.Xr \(rimg[a-z-]*\) \([15]\).*/\1.\2/p' $pages/* | sort -u >"$tmp/expected"
(cd $pages && ls) | sort | comm -13 - "$tmp/expected" >"$tmp/missing"
same 'every page that is referred to is there' /dev/null "$tmp/missing"
(cd $pages && ls) | grep -vx rimg.1 >"$tmp/expected"
sed -n '/^\.Sh SEE ALSO/,$s/^\.Xr \([a-z-]*\) \([0-9]\).*/\1.\2/p' $pages/rimg.1 | sort >"$tmp/found"
same 'rimg(1) sends the reader to all others' "$tmp/expected" "$tmp/found"

while read -r command; do
	page=$pages/rimg-$(echo "$command" | tr ' ' -).1
	[ -e "$page" ] || continue
	# shellcheck disable=SC2086
	"$RIMG" help $command >"$tmp/help"
	options 'Options:' "$tmp/help" >"$tmp/own"
	flags '^\\.It Fl' "$page" >"$tmp/items"
	# a page may say more about an option of every command
	sort -u "$tmp/own" "$tmp/common" >"$tmp/known"
	comm -23 "$tmp/own" "$tmp/items" >"$tmp/missing"
	same "$command: the page explains every option of --help" /dev/null "$tmp/missing"
	comm -13 "$tmp/known" "$tmp/items" >"$tmp/unknown"
	same "$command: the page explains no other" /dev/null "$tmp/unknown"
	flags . "$page" >"$tmp/mentioned"
	comm -13 "$tmp/known" "$tmp/mentioned" >"$tmp/unknown"
	same "$command: the page mentions no option that does not exist" /dev/null "$tmp/unknown"
done <"$tmp/commands"

done_testing
