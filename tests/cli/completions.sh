#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What the shells offer after TAB, tried in the shells themselves: bash and zsh on a terminal
# (tests/tools/tab.zsh), fish by its own `complete -C`. What there is to offer is said by --help.
. tests/lib.sh

need bash
need zsh
need fish
built=$(cd "$(dirname "$RIMG")" && pwd)
[ -e "$built/completion.bash" ] || skip 'the completions are not made: sanitizers have none of their own'

for shell in bash zsh fish; do
	cp "$built/completion.$shell" "$tmp"
done
PATH=$built:$PATH HOME=$tmp XDG_CONFIG_HOME=$tmp XDG_DATA_HOME=$tmp TERM=dumb
export PATH HOME XDG_CONFIG_HOME XDG_DATA_HOME TERM
tools=$PWD/tests/tools
mkdir "$tmp/here" "$tmp/here/folder"
cp "$GOLDEN/disk-sgdisk.img" "$tmp/here/disk.img"
cp "$GOLDEN/system.img" "$tmp/here/system.img"
echo >"$tmp/here/notes.txt"
cd "$tmp/here" || exit 1

# One terminal for all lines: a shell takes long to start. "@" asks for all that fits.
rimg help >"$tmp/help"
sed -n '/^Commands:$/,/^$/s/^  \([a-z][a-z]*\( [a-z][a-z]*\)\{0,1\}\)\(  .*\)\{0,1\}$/\1/p' "$tmp/help" >"$tmp/commands"
{
	printf '%s@\n' 'rimg ' 'rimg verify ' 'rimg help verify ' 'rimg ls -' 'rimg redoxfs --compression ' \
		'rimg info --sbom ' 'rimg diff --ignore ' 'rimg ls disk.img::' 'rimg ls system.img::/boot/'
	sed 's/.*/rimg & --@/' "$tmp/commands"
	cat <<-'END'
	rimg ver
	rimg ls --rec
	rimg diff --ignore=tim
	rimg-diff --mark
	rimg-verify ch
	rimg cat no
	rimg diff --html=no
	rimg build -C f
	rimg build -C no
	rimg -v cat disk.img::RE
	rimg cat disk.img::REDOX::/bo
	rimg cat disk.img::REDOX::bo
	rimg cat system.img::/boot/initfs::/etc/in
	rimg cat notes.txt::x
	rimg verify rebuild --vary time,loc
	END
} >"$tmp/lines"
for shell in bash zsh; do
	zsh -f "$tools/tab.zsh" $shell "$tmp/completion.$shell" <"$tmp/lines" >"$tmp/answers.$shell"
done

# answer SHELL LINE: what the line became
answer() {
	sed -n "$(grep -nxF -e "$2" "$tmp/lines" | cut -d : -f 1)p" "$tmp/answers.$1"
}

# offered SHELL LINE: what the shell offers for the last word, one a line, sorted
offered() {
	case $1 in
	fish) fish --no-config -c "source $tmp/completion.fish; complete -C \"$2\"" | cut -f 1 ;;
	*)
		# without what stood before
		head=$(printf '%s' "$2" | sed 's/[^ ]*$//')
		answer "$1" "$2@" | sed "s|^$head||; s/ *\$//" | tr -s ' ' '\n'
		;;
	esac | sed 's/=$//; /^$/d' | sort -u
}

# becomes SHELL LINE EXPECTED: pressing TAB
becomes() {
	answer "$1" "$2" | sed 's/ *$//' >"$tmp/found"
	echo "$3" >"$tmp/expected"
	same "$1: $2 becomes $3" "$tmp/expected" "$tmp/found"
}

# flags SECTION...: the options that help lists below these headings
flags() {
	for section; do
		awk -v section="$section" '
			$0 == section { inside = 1; next }
			/^$/ || /^[A-Z]/ { inside = 0 }
			inside && /^  -[a-zA-Z], --[a-z]/ { print substr($1, 1, 2); sub(/^  -., /, "  ") }
			inside && /^ +--[a-z]/ { sub(/=.*/, "", $1); print $1 }' "$tmp/help"
	done | sort -u
}

for shell in bash zsh fish; do
	{
		sed 's/ .*//' "$tmp/commands"
		echo help
	} | sort -u >"$tmp/expected"
	offered $shell 'rimg ' >"$tmp/found"
	same "$shell: the commands" "$tmp/expected" "$tmp/found"
	sed -n 's/^verify //p' "$tmp/commands" | sort >"$tmp/expected"
	offered $shell 'rimg verify ' >"$tmp/found"
	same "$shell: the commands of a group" "$tmp/expected" "$tmp/found"
	offered $shell 'rimg help verify ' >"$tmp/found"
	same "$shell: help on them" "$tmp/expected" "$tmp/found"

	while read -r command; do
		# shellcheck disable=SC2086
		rimg help $command >"$tmp/help"
		flags 'Options:' 'Options of every command:' >"$tmp/all"
		grep '^--' "$tmp/all" >"$tmp/expected"
		offered $shell "rimg $command --" >"$tmp/found"
		same "$shell: $command: its options" "$tmp/expected" "$tmp/found"
	done <"$tmp/commands"
	rimg help ls >"$tmp/help"
	flags 'Options:' 'Options of every command:' >"$tmp/expected"
	offered $shell 'rimg ls -' | sed 's/^-\(.\)\1*$/-\1/' >"$tmp/found"
	same "$shell: ls: letters, too" "$tmp/expected" "$tmp/found"

	# values
	printf '%s\n' lz4 none >"$tmp/expected"
	offered $shell 'rimg redoxfs --compression ' >"$tmp/found"
	same "$shell: the values of --compression" "$tmp/expected" "$tmp/found"
	printf '%s\n' cyclonedx spdx >"$tmp/expected"
	offered $shell 'rimg info --sbom ' >"$tmp/found"
	same "$shell: the values of --sbom" "$tmp/expected" "$tmp/found"
	printf '%s\n' build-id build-path checksum codegen compression content free-space identifier \
		ordering padding placement symbol-hash timestamp unexplained >"$tmp/expected"
	offered $shell 'rimg diff --ignore ' >"$tmp/found"
	same "$shell: the causes of docs/cli.md" "$tmp/expected" "$tmp/found"

	# addresses
	printf 'disk.img::%s\n' BIOS EFI REDOX >"$tmp/expected"
	offered $shell 'rimg ls disk.img::' | sed 's/^\(disk.img::\)\{0,1\}/disk.img::/' | sort >"$tmp/found"
	same "$shell: the partitions of a disk" "$tmp/expected" "$tmp/found"
	printf 'system.img::/boot/%s\n' initfs kernel >"$tmp/expected"
	offered $shell 'rimg ls system.img::/boot/' | sed 's/^\(system.img::\)\{0,1\}/system.img::/' | sort >"$tmp/found"
	same "$shell: the files of a folder" "$tmp/expected" "$tmp/found"
done

for shell in bash zsh; do
	becomes $shell 'rimg ver' 'rimg verify'
	becomes $shell 'rimg ls --rec' 'rimg ls --recursive'
	becomes $shell 'rimg diff --ignore=tim' 'rimg diff --ignore=timestamp'
	becomes $shell 'rimg-diff --mark' 'rimg-diff --markdown='
	becomes $shell 'rimg-verify ch' 'rimg-verify check'
	becomes $shell 'rimg cat no' 'rimg cat notes.txt'
	becomes $shell 'rimg diff --html=no' 'rimg diff --html=notes.txt'
	becomes $shell 'rimg build -C f' 'rimg build -C folder/'
	becomes $shell 'rimg -v cat disk.img::RE' 'rimg -v cat disk.img::REDOX'
	becomes $shell 'rimg cat disk.img::REDOX::/bo' 'rimg cat disk.img::REDOX::/boot/'
	becomes $shell 'rimg cat disk.img::REDOX::bo' 'rimg cat disk.img::REDOX::bo'
	becomes $shell 'rimg cat system.img::/boot/initfs::/etc/in' 'rimg cat system.img::/boot/initfs::/etc/init.rc'
	becomes $shell 'rimg cat notes.txt::x' 'rimg cat notes.txt::x'
done
becomes bash 'rimg build -C no' 'rimg build -C no' # zsh goes on with files when there is no folder
becomes bash 'rimg verify rebuild --vary time,loc' 'rimg verify rebuild --vary time,locale'
becomes zsh 'rimg verify rebuild --vary time,loc' 'rimg verify rebuild --vary time,locale,'
# fish LINE EXPECTED
fish_offers() {
	offered fish "$1" >"$tmp/found"
	printf '%s\n' "$2" >"$tmp/expected"
	same "fish: $1 offers $2" "$tmp/expected" "$tmp/found"
}

fish_offers 'rimg build -C f' folder/
fish_offers 'rimg-diff --mark' --markdown
fish_offers 'rimg-verify ch' check
fish_offers 'rimg -v cat disk.img::REDOX::/bo' disk.img::REDOX::/boot/
fish_offers 'rimg cat system.img::/boot/initfs::/etc/init.r' system.img::/boot/initfs::/etc/init.rc

done_testing
