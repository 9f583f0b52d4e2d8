# SPDX-License-Identifier: MIT
# bash completion of rimg; made by `make install`, the tables at the end from rimg's own

# _rimg_steps ADDRESS: addresses that begin so, a line each; directories end with a slash
_rimg_steps() {
	local host=${1%::*} last=${1##*::} parent base slash=
	case $last in
	/*) base=${1%/*}/ parent=${1%/*} parent=${parent%::} ;;
	*) base=$host:: parent=$host slash=/ ;;
	esac
	# mode or type, links, owner, size, time, name
	rimg ls -lq "$parent" 2>/dev/null | sed -nE "
		s/^(partition|section|segment|function)( +[^ ]+){4} (.*)\$/\\3/p; t
		s/^(l[^ ]*( +[^ ]+){4} .*) -> .*\$/\\1/
		s/^d[^ ]*( +[^ ]+){4} (.*)\$/${slash:+\\/}\\2\\//p; t
		s/^[^ ]+( +[^ ]+){4} (.*)\$/${slash:+\\/}\\2/p" |
		while IFS= read -r name; do
			printf '%s\n' "$base$name"
		done
}

# _rimg_offer WORD...: those that begin with $cur; readline replaces what stands behind the last
# character that separates words
_rimg_offer() {
	local word cut=
	case $COMP_WORDBREAKS in *:*) [[ $cur == *:* ]] && cut=${cur%"${cur##*:}"} ;; esac
	for word; do
		[[ $word && $word == "$cur"* ]] || continue
		word=${word#"$cut"}
		[[ $word == *[!A-Za-z0-9_./:=,@%+-]* ]] && word=$(printf %q "$word")
		COMPREPLY+=("$word")
	done
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace 2>/dev/null
}

_rimg_lines() {
	local lines
	mapfile -t lines
	_rimg_offer "${lines[@]}"
}

_rimg() {
	local line=${COMP_LINE:0:COMP_POINT} cur= word option= command= i kind values
	local -a words
	COMPREPLY=()
	read -ra words <<<"$line"
	if [[ $line != *[[:space:]] ]]; then
		cur=${words[-1]}
		unset 'words[-1]'
	fi

	# the command, one word or two
	word=${1##*/}
	[[ $word == rimg-* ]] && command=${word#rimg-}
	for ((i = 1; i < ${#words[@]}; i++)); do
		word=${words[i]}
		[[ $word == -* || $command == *' '* ]] && continue
		if [[ -z $command || $command == help || $'\n'$_rimg_commands == *$'\n'"$command $word"$'\n'* ]]; then
			command="${command:+$command }$word"
		fi
	done

	# the value of an option: behind =, or behind the option itself
	if [[ $cur == --*=* ]]; then
		option=${cur%%=*}
		cur=${cur#*=}
	elif ((${#words[@]} > 1)) && [[ ${words[-1]} == -* && ${words[-1]} != *=* ]]; then
		option=${words[-1]}
	fi
	if [[ $option ]] && values=$(_rimg_value "$command $option" || _rimg_value "common $option"); then
		kind=${values%% *}
		case $kind in
		words)
			[[ $cur == *,* ]] && word=${cur%,*}, || word=
			# shellcheck disable=SC2086
			set -- ${values#words}
			_rimg_offer "${@/#/$word}"
			;;
		file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		dir) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
		esac
		return
	fi

	if [[ $cur == -* ]]; then
		# shellcheck disable=SC2046
		_rimg_offer $(_rimg_options "$command")
	elif [[ -z $command ]]; then
		_rimg_lines < <(sed 's/ .*//' <<<"$_rimg_commands" | sort -u)
	elif [[ $command == help ]]; then
		_rimg_lines < <(sed 's/ .*//' <<<"$_rimg_commands" | sort -u)
	elif [[ $command == 'help '* || $'\n'$_rimg_commands == *$'\n'"$command "* ]]; then
		_rimg_lines < <(sed -n "s/^${command#help } //p" <<<"$_rimg_commands")
	elif [[ $cur == *::* ]]; then
		_rimg_lines < <(_rimg_steps "$cur")
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

complete -F _rimg rimg rimg-build rimg-diff rimg-verify

# ---- made from the commands' tables
