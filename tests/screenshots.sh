#!/bin/sh
# SPDX-License-Identifier: MIT
#
# screenshots.sh DIR: pages of rimg in headless Chromium: that it has in its tree what we wrote, that
# the policy forbids nothing of ours and what others put in, and pictures for people to look at (light
# and dark, wide and narrow) in DIR.
set -u
dir=$1
: "${RIMG:=out/rimg}" "${GOLDEN:=out/golden}" "${CHROMIUM:=chromium}"
command -v "$CHROMIUM" >/dev/null 2>&1 || { echo "skipped: $CHROMIUM is not installed (docs/packages.txt)"; exit 77; }
mkdir -p "$dir"
dir=$(realpath "$dir")
failed=0

# browser OPTION... URL: with a profile of its own, and no network
browser() {
	profile=$(mktemp -d "$dir/profile-XXXXXX")
	timeout 120 "$CHROMIUM" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --hide-scrollbars --virtual-time-budget=3000 \
		--host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --user-data-dir="$profile" "$@" 2>"$dir/log"
	rm -rf "$profile"
}

ok() { echo "ok - $1"; }
bad() { failed=1; echo "not ok - $1"; }
check() {
	name=$1
	shift
	if "$@"; then ok "$name"; else bad "$name"; fi
}
check_not() {
	name=$1
	shift
	if "$@"; then bad "$name"; else ok "$name"; fi
}

# shot NAME PAGE WIDTH HEIGHT [FRAGMENT]: light and dark
shot() {
	for scheme in light dark; do
		setting=1
		[ $scheme = light ] || setting=0
		rm -f "$dir/$1-$scheme.png"
		browser --blink-settings=preferredColorScheme=$setting --window-size="$3,$4" \
			--screenshot="$dir/$1-$scheme.png" "file://$dir/$2${5-}" >/dev/null
		check "$1, $scheme: a picture" [ -s "$dir/$1-$scheme.png" ]
	done
	check_not "$1: light and dark differ" cmp -s "$dir/$1-light.png" "$dir/$1-dark.png"
}

# count WHAT FILE
count() {
	grep -o -e "$1" "$2" | wc -l
}

"$RIMG" diff -q --digests --html "$dir/disk.html" "$GOLDEN/disk-installer.img" "$GOLDEN/disk-sgdisk.img" >/dev/null
"$RIMG" diff -q --html "$dir/clone.html" "$GOLDEN/basic.img" "$GOLDEN/clone.img" >/dev/null 2>&1
"$RIMG" verify audit -q --html "$dir/audit.html" "$GOLDEN/disk-installer.img" >/dev/null 2>&1
"$RIMG" verify all -q --html "$dir/all.html" "$GOLDEN/disk-installer.img" >/dev/null 2>&1
for page in disk clone audit all; do
	browser --dump-dom "file://$dir/$page.html" >"$dir/$page.dom"
	for what in '<details' '<rect' '<a ' '<tr' ' id="'; do
		check "$page: as many $what as written" \
			[ "$(count "$what" "$dir/$page.html")" = "$(count "$what" "$dir/$page.dom")" ]
	done
	check_not "$page: the policy forbids nothing of ours" grep -qi 'content security policy' "$dir/log"
done

# on a telephone only tables and listings may be wider than the window, and these scroll by themselves: a
# script tells, in a copy without policy and with everything unfolded (a frame, as windows are not so narrow)
cat >"$dir/telephone.html" <<'END'
<title>nothing was said</title>
<script>onmessage = function (e) { document.title = e.data }</script>
<iframe src="unfolded.html" width="420" height="900" style="border:0"></iframe>
END
for page in disk clone audit all; do
	sed 's/<meta[^>]*Content-Security-Policy[^>]*>//; s/<details/<details open/g; s|</body>|<script>parent.postMessage("wide " + document.documentElement.scrollWidth, "*")</script></body>|' \
		"$dir/$page.html" >"$dir/unfolded.html"
	browser --dump-dom "file://$dir/telephone.html" >"$dir/telephone.dom"
	check "$page: fits in a narrow window: $(sed -n 's/.*<title>\(.*\)<.title>.*/\1/p' "$dir/telephone.dom")" \
		grep -q '<title>wide 420<' "$dir/telephone.dom"
done

# a script, a style and an attribute of somebody else, none of which may take effect
sed 's|</body>|<script>document.title = "run"; document.body.id = "run"</script><p style="color:red" onclick="x()">x</p></body>|' \
	"$dir/disk.html" >"$dir/evil.html"
browser --dump-dom "file://$dir/evil.html" >"$dir/evil.dom"
check 'another page is shown' grep -q '</html>' "$dir/evil.dom"
check_not 'a script does not run' grep -q '<body id="run"\|<title>run' "$dir/evil.dom"
check 'because the policy forbids it' grep -qi 'inline script because.*content security policy\|inline script.*violates' "$dir/log"
check 'and a style as well' grep -qi 'inline style because.*content security policy\|inline style.*violates' "$dir/log"

shot wide disk.html 1400 2400
shot narrow disk.html 420 3000
shot zoom disk.html 1400 2400 '#z1-1048576'
shot clone clone.html 1400 2400
shot audit audit.html 1400 1600
shot all all.html 1400 1200
shot all-narrow all.html 420 1600
shot audit-narrow audit.html 420 2400
# the two pages of docs/tour.md, which shows their upper halves: docs/img has copies
. tests/documents.sh
tour=$(mktemp -d "$dir/tour-XXXXXX")
mkdir "$tour/out"
ln -s "$PWD/tests" "$tour/tests"
ln -s "$(realpath "$RIMG")" "$tour/out/rimg"
doc_split docs/tour.md "$tour/steps" && (cd "$tour" && sh "$tour/steps/run")
for page in diff audit; do
	cp "$tour/out/tour/$page.html" "$dir/tour-$page.html"
	shot "tour-$page" "tour-$page.html" 1000 900
done
rm -rf "$tour"
echo "the pictures are in $dir"
exit $failed
