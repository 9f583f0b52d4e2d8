# SPDX-License-Identifier: MIT
#
# What a Markdown document says in code: prints "FILE:LINE<TAB>TEXT" for each `span`, which may go over
# lines, and for each line of a block, indented or fenced. Lines of a block that are continued, by "\" or by
# a deeper indent below a line that begins with "rimg", are one.
#
#     awk -f tests/tools/document_code.awk FILE...

function flush_text(    part, n, i) {
	n = split(text, part, "`")
	for (i = 2; i < n; i += 2)
		say(part[i], begin)
	text = ""
}
function flush_code() {
	if (code != "")
		say(code, code_line)
	code = ""
}
function flush() {
	flush_text()
	flush_code()
}
function say(what, line) {
	gsub(/[\t\n]+/, " ", what)
	printf "%s:%d\t%s\n", file, line, what
}
FNR == 1 { flush(); fenced = 0; file = FILENAME }
/^```/ { flush(); fenced = !fenced; next }
fenced || /^(    |\t)/ {
	flush_text()
	if (code != "" && (code ~ /\\$/ || (code ~ /^ *(\$ )?rimg / && /^     /))) {
		sub(/\\$/, "", code)
		code = code " " $0
		next
	}
	flush_code()
	code = $0
	code_line = FNR
	next
}
/^[ \t]*$/ { flush_text(); if (code !~ /^ *(\$ )?rimg /) flush_code(); next }
{
	flush_code()
	if (/^(#|\||- )/)
		flush_text()
	if (text == "")
		begin = FNR
	text = text "\n" $0
}
END { flush() }
