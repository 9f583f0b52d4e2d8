#!/bin/sh
# SPDX-License-Identifier: MIT
#
# docs/tour.md, as a reader who types it: everything behind "make". What is shown there is what is printed.
. tests/lib.sh
. tests/documents.sh

# the numbers in the text are those of inputs by Debian 12's compiler and binutils
needs_version() {
	need "$1"
	"$1" --version 2>/dev/null | grep -qF -e "$2" || skip "$1 is not version $2: it makes other inputs than the tour's"
}
needs_version clang-14 14.0.6
needs_version aarch64-linux-gnu-as 2.40
needs_version aarch64-linux-gnu-ld 2.40
need lld-link-14
unset SOURCE_DATE_EPOCH

tour=$PWD/docs/tour.md
mkdir "$tmp/clone" "$tmp/clone/out"
ln -s "$PWD/tests" "$tmp/clone/tests"
ln -s "$(realpath "$RIMG")" "$tmp/clone/out/rimg"
cd "$tmp/clone" || exit 1
doc_run "$tour" "$tmp/steps"
doc_mutants "$tmp/steps"

# the two pages that it makes
for page in audit diff; do
	says "$page.html is a page" '</html>' "out/tour/$page.html"
done

# ---- the comparison itself -----------------------------------------------------------------------
# lines end in "/" here
while IFS='|' read -r verdict shown got; do
	printf '%s' "$shown" | tr / '\n' >"$tmp/shown"
	printf '%s' "$got" | tr / '\n' >"$tmp/got"
	if doc_same "$tmp/shown" "$tmp/got"; then found=same; else found=other; fi
	if [ $found = "$verdict" ]; then
		pass "shown '$shown', printed '$got': $verdict"
	else
		not_pass "shown '$shown', printed '$got'" "$found instead of $verdict"
	fi
done <<'END'
same|a/|a/
other|a/|b/
other|a/|
other||a/
other|a/|a/a/
other|a/a/|a/
other|a/b/|b/a/
same|a/.../|a/
same|a/.../|a/b/c/
same|.../c/|a/b/c/
other|.../c/|a/b/c/d/
other|a/.../d/|a/b/c/
same|…/|abc/
same|x…y/|xaby/
same|…  y/|key  y/
other|x…y/|xy/
other|…/|/
other|x…y/|xa by/
other|…  y/|a b  y/
other|x…/|yab/
same|a…c…e/|abcde/
other|a…c…e/|abde/
END

# and the document's commands: what fails has to say so, what does not end is no command
cat >fails.md <<'END'
    $ false
    $ true
END
(n_failed=0; doc_run fails.md "$tmp/fails" >/dev/null; [ $n_failed = 1 ]) &&
	pass 'a command that fails without telling is found' ||
	not_pass 'a command that fails without telling is found' 'it is not'
printf '    $ cat <<END\n    text\n' >open.md
doc_split open.md "$tmp/open" && not_pass 'a here-document that does not end is found' 'it is not' ||
	pass 'a here-document that does not end is found'

done_testing
