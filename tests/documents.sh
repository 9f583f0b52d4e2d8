# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Documents that are run: what they show is what is printed. Source it after tests/lib.sh.
#
# A command is a line that begins with four blanks and "$ ". It goes on over lines that end in "\", and
# over a here-document up to the line END. What is below it, indented as far, is what it prints, errors
# too. A command that does not end with 0 has `$ echo $?` behind it. All commands of a document are run
# by one shell, in order, as by its reader.
#
# What differs each time stands for itself: a line "..." for any lines, "…" within a line for one or more
# characters other than blanks. Everything else is compared literally.

# doc_split FILE DIR: DIR/NNN.command and DIR/NNN.shown for each command, and DIR/run, which runs them
# all and leaves DIR/NNN.got and DIR/NNN.status
doc_split() {
	mkdir -p "$2" || return 1
	awk -v dir="$2" '
		function begin(text) {
			n++
			base = sprintf("%s/%03d", dir, n)
			command = base ".command"
			shown = base ".shown"
			printf "" >shown
			blanks = 0
			print "{ (exit $status)" >script
			add(text)
		}
		function add(text) {
			print text >command
			print text >script
			here = here ? text != "END" : text ~ /<<.?END/
			more = here || text ~ /\\$/
			if (!more)
				printf "} >%s.got 2>&1 </dev/null\nstatus=$?\necho $status >%s.status\n", base, base >script
		}
		BEGIN { script = dir "/run"; print "status=0" >script }
		more { add(substr($0, 5)); next }
		/^    \$ / { inside = 1; begin(substr($0, 7)); next }
		inside && /^$/ { blanks++; next }
		inside && /^    / {
			for (; blanks; blanks--)
				print "" >shown
			print substr($0, 5) >shown
			next
		}
		{ inside = 0 }
		END { exit !n || more }' "$1"
}

# doc_same SHOWN GOT: is what was printed what is shown?
doc_same() {
	awk -v file="$1" '
		# a line that has "…" in it
		function like(text, pattern,    first, at, part) {
			for (first = 1; (at = index(pattern, "…")) > 0; first = 0) {
				part = substr(pattern, 1, at - 1)
				pattern = substr(pattern, at + length("…"))
				if (!step(text, part, first))
					return 0
				text = rest
			}
			if (first)
				return text == pattern
			at = length(text) - length(pattern)
			return at > 0 && substr(text, at + 1) == pattern && substr(text, 1, at) !~ / /
		}
		# part begins text if it is the first one, else something that is no blank comes before it
		function step(text, part, first,    at) {
			if (first) {
				rest = substr(text, length(part) + 1)
				return substr(text, 1, length(part)) == part
			}
			at = index(substr(text, 2), part)
			rest = substr(text, at + 1 + length(part))
			return at && substr(text, 1, at) !~ / /
		}
		BEGIN {
			while ((getline line < file) > 0)
				want[++n] = line
			i = 1
		}
		i <= n && want[i] == "..." { any = 1; i++ }
		i <= n && like($0, want[i]) { any = 0; i++; next }
		!any { bad = 1; exit }
		END {
			if (i <= n && want[i] == "...")
				i++
			exit bad || i <= n
		}' "$2"
}

# doc_run FILE DIR: run its commands in the current folder, and compare
doc_run() {
	doc_split "$1" "$2" || {
		not_pass "$1 can be run" 'it has no commands, or one that does not end'
		return
	}
	sh "$2/run" >"$2/log" 2>&1 </dev/null
	for doc_step in "$2"/*.command; do
		doc_step=${doc_step%.command}
		doc_name=$(head -n 1 "$doc_step.command")
		doc_status=$(cat "$doc_step.status" 2>/dev/null)
		doc_next=$(printf '%s/%03d.command' "$2" $(($(expr "${doc_step##*/}" + 0) + 1)))
		if ! doc_same "$doc_step.shown" "$doc_step.got"; then
			not_pass "$doc_name" "${1##*/} shows something else (<) than this (>):"
			diff "$doc_step.shown" "$doc_step.got" | sed 's/^/    /' | head -n 40
		elif [ "$doc_status" != 0 ] && [ "$(cat "$doc_next" 2>/dev/null)" != 'echo $?' ]; then
			not_pass "$doc_name" "its exit code $doc_status is not shown by \"echo \$?\""
		else
			pass "$doc_name"
		fi
	done
}

# doc_mutants DIR: after doc_run, each line that is shown, changed, is found to be wrong
doc_mutants() {
	doc_lines=0 doc_missed=0
	for doc_step in "$1"/*.shown; do
		doc_line=0
		while IFS= read -r doc_text; do
			doc_line=$((doc_line + 1))
			[ "$doc_text" = ... ] && continue
			doc_lines=$((doc_lines + 1))
			sed "${doc_line}s/\$/ x/" "$doc_step" >"$1/mutant"
			! doc_same "$1/mutant" "${doc_step%.shown}.got" || doc_missed=$((doc_missed + 1))
		done <"$doc_step"
	done
	if [ $doc_lines != 0 ] && [ $doc_missed = 0 ]; then
		pass "each of the $doc_lines lines that are shown matters"
	else
		not_pass 'each line that is shown matters' "$doc_missed of $doc_lines may be anything"
	fi
}

# doc_fence FILE LANGUAGE: its first fenced block of a language
doc_fence() {
	awk -v begin="\`\`\`$2" '$0 == begin { inside = 1; next } inside && /^```$/ { exit } inside' "$1"
}
