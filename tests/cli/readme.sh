#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Does rimg print what the README shows? Examples are lines that begin with four blanks and "$ rimg".
# Those that build need inputs, and are shown by tests/demo.sh.
. tests/lib.sh

rimg=$(realpath "$RIMG")
golden=$(realpath "$GOLDEN")
readme=$PWD/README.md
mkdir "$tmp/bin" "$tmp/work"
ln -s "$rimg" "$tmp/bin/rimg"
cd "$tmp/work" || exit 1
ln -s "$golden/disk-installer.img" disk.img
ln -s "$golden/disk-installer.img" "$golden/disk-sgdisk.img" .
ln -s "$golden/broken/gpt-header-crc.img" broken.img
printf 'image:\n\tdate -d @0 >harddrive.img\n' >Makefile # it depends on the time zone
PATH=$tmp/bin:$PATH
# stands for the image that is built there, and for who has built it before
printf '[image]\nsize = "8MiB"\n' >denovo.toml
mkdir attestations
{
	rimg build denovo.toml -o denovo.img --lock denovo.lock
	for who in alice bob carol; do rimg verify keygen $who; done
	for who in alice bob; do
		rimg verify attest denovo.img --lock denovo.lock --key $who.pem -o attestations/$who.json
	done
} >"$tmp/got" 2>&1

grep '^    \$ rimg ' "$readme" | grep -v '^    \$ rimg build ' | sed 's/^    \$ //' >"$tmp/commands"
while read -r command; do
	# what the README shows below the command; a line "..." stands for any lines
	awk -v want="    \$ $command" '
		$0 == want { inside = 1; next }
		inside && (/^    \$ / || !/^    /) { exit }
		inside { print substr($0, 5) }' "$readme" >"$tmp/shown"
	status=0
	sh -c "$command" >"$tmp/got" 2>&1 </dev/null || status=$?
	if [ ! -s "$tmp/shown" ]; then
		if [ $status = 0 ]; then
			pass "$command: ends well"
		else
			not_pass "$command" "exit code $status"
		fi
		continue
	fi
	if awk -v shown="$tmp/shown" '
		BEGIN {
			while ((getline line < shown) > 0)
				want[++n] = line
			i = 1
		}
		i <= n && want[i] == "..." { any = 1; i++ }
		i <= n && $0 == want[i] { any = 0; i++; next }
		!any { bad = 1; exit }
		END {
			if (i <= n && want[i] == "...")
				i++
			exit bad || i <= n
		}' "$tmp/got"; then
		pass "$command"
	else
		not_pass "$command" 'the README shows something else than this:'
		head -n 20 "$tmp/got"
	fi
done <"$tmp/commands"

done_testing
