# SPDX-License-Identifier: MIT
#
# zsh -f tab.zsh SHELL FILE: what TAB does in a real interactive bash or zsh, on a terminal
#
# Reads lines from stdin: a line to type, in which @ stands for "insert all that fits" at its end,
# else TAB is pressed. Prints what the line becomes. FILE holds the shell's completion of rimg.

zmodload zsh/zpty zsh/zselect || exit 77
shell=$1 file=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf $work' EXIT
ready=READY

case $shell in
bash)
	cat >$work/rc <<-END
	set +o history
	PS1='$ready '
	source '$file'
	bind 'set enable-bracketed-paste off'
	bind 'set completion-query-items 0'
	bind '"\C-x\C-a": insert-completions'
	bind -x '"\C-x\C-p": printf "%s\n" "\$READLINE_LINE" >$work/new; mv $work/new $work/line'
	END
	zpty -b s bash --noprofile --rcfile $work/rc -i
	;;
zsh)
	mkdir $work/functions
	cp $file $work/functions/_rimg
	cat >$work/.zshrc <<-END
	PS1='$ready '
	fpath=($work/functions \$fpath)
	autoload -Uz compinit && compinit -u -d $work/dump
	zstyle ':completion:*' list-prompt ''
	zstyle ':completion:all:*' completer _all_matches _complete
	zstyle ':completion:all:*' insert true
	zle -C all complete-word _generic
	show() { print -r -- \$BUFFER >$work/new; mv $work/new $work/line; }
	zle -N show
	bindkey -e
	bindkey '^I' complete-word '^X^A' all '^X^P' show
	unsetopt auto_list beep
	LISTMAX=-1
	END
	zpty -b s env ZDOTDIR=$work zsh -d -i
	;;
esac

# what it prints has to be read, or it stops
drain() {
	local text
	zpty -rt s text '*' 2>/dev/null
}

integer i
zpty -r s text "*$ready*" 2>/dev/null
while IFS= read -r line; do
	rm -f $work/line
	if [[ $line == *@ ]]; then
		zpty -wn s "${line%@}"$'\C-x\C-a\C-x\C-p'
	else
		zpty -wn s "$line"$'\t\C-x\C-p'
	fi
	for ((i = 0; i < 1000; i++)); do
		[[ -e $work/line ]] && break
		drain
		zselect -t 2
	done
	drain
	if [[ -e $work/line ]]; then
		cat $work/line
	else
		echo 'no answer'
	fi
	zpty -wn s $'\C-e\C-u'
done
zpty -d s
exit 0
