#compdef rimg rimg-build rimg-diff rimg-verify
# SPDX-License-Identifier: MIT
# zsh completion of rimg; made by `make install`, the tables at the end from rimg's own

# addresses that go on with what is typed
_rimg_steps() {
	local address=${(Q)PREFIX} host last parent base slash=
	local -a found
	host=${address%::*} last=${address##*::}
	case $last in
	/*) base=${address%/*}/ parent=${${address%/*}%::} ;;
	*) base=$host:: parent=$host slash=/ ;;
	esac
	# mode or type, links, owner, size, time, name
	found=(${(f)"$(rimg ls -lq -- $parent 2>/dev/null | sed -nE "
		s/^(partition|section|segment|function)( +[^ ]+){4} (.*)\$/\\3/p; t
		s/^(l[^ ]*( +[^ ]+){4} .*) -> .*\$/\\1/
		s/^d[^ ]*( +[^ ]+){4} (.*)\$/${slash:+\\/}\\2\\//p; t
		s/^[^ ]+( +[^ ]+){4} (.*)\$/${slash:+\\/}\\2/p")"})
	compadd -S '' -- $base${^found}
}

_rimg_argument() {
	if [[ $PREFIX == *::* ]]; then
		_rimg_steps
	else
		_files
	fi
}

_rimg() {
	local command= word
	local -a specs list
	local -i i
	[[ $service == rimg-* ]] && command=${service#rimg-}
	for ((i = 2; i < CURRENT; i++)); do
		word=$words[i]
		[[ $word == -* || $command == *' '* ]] && continue
		if [[ -z $command || $command == help || -n ${(M)_rimg_commands:#$command $word:*} ]]; then
			command="${command:+$command }$word"
		fi
	done
	if [[ $words[CURRENT] != -* && ( -z $command || $command == help ) ]]; then
		list=(${_rimg_commands:#[^:]# [^:]#:*} 'verify:judge an image')
		_describe command list
		return
	fi
	if [[ $words[CURRENT] != -* && -n ${(M)_rimg_commands:#${command#help } *:*} ]]; then
		list=(${${(M)_rimg_commands:#${command#help } *:*}#${command#help } })
		_describe command list
		return
	fi
	_rimg_options $command
	_arguments -S $specs '*:address:_rimg_argument'
}

# ---- made from the commands' tables
typeset -ga _rimg_commands
