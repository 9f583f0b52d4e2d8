# SPDX-License-Identifier: MIT
#
# apidoc.awk - manual pages of librimg from the comments of its headers
#
#     awk -v out=DIR -v date='November 23, 2026' -f apidoc.awk include/rimg/*.h
#
# Writes DIR/PAGE.3 for each header, and for each function a page that shows it. A comment that begins
# with two stars belongs to the declarations behind it, up to an empty line:
#
#     /**
#      * rimg_noun_verb - one line
#      * @parameter: what it is
#      *
#      * Paragraphs.
#      */
#
# What is declared without one, a parameter or member that no comment tells of, and one that a comment
# tells of but that is not there, are errors: exit code 1.

function complain(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text >"/dev/stderr"
	bad = 1
}

function page_of(file) {
	sub(/.*\//, "", file)
	sub(/\.h$/, "", file)
	return file == "rimg" ? "librimg" : "rimg_" file
}

# roff(text): nothing in it is taken for a request, and @name is set apart
function roff(text) {
	gsub(/\\/, "\\e", text)
	while (match(text, /@[a-z_]+/))
		text = substr(text, 1, RSTART - 1) "\\fI" substr(text, RSTART + 1, RLENGTH - 1) "\\fP" \
			substr(text, RSTART + RLENGTH)
	if (text ~ /^[.']/)
		text = "\\&" text
	gsub(/[.?!] +/, "&\n", text) # a sentence begins on a line of its own
	gsub(/ +\n/, "\n", text)
	return text
}

# literal(line): as it is; lines that follow one another are put together at the end
function literal(line) {
	gsub(/\\/, "\\e", line)
	return ".Bd -literal -offset indent\n" (line ~ /^[.']/ ? "\\&" : "") line "\n.Ed"
}

function add(text) {
	body = body text "\n"
}

# the comment that is being read; @param lines become a list
function begin_comment() {
	n_text = 0
	split("", text)
	split("", told)
}

function take(line) {
	sub(/^ \* ?/, "", line)
	text[n_text++] = line
}

function words_of(list,    i, n, part) {
	n = split(list, part, /, */)
	for (i = 1; i <= n; i++) {
		sub(/^@/, "", part[i])
		told[part[i]] = 1
	}
}

# the name and the sentence of a comment's first line
function heading(line,    at) {
	at = index(line, " - ")
	if (at == 0) {
		complain("expected \"name - what it is\" in the first line of a comment")
		return
	}
	title = substr(line, 1, at - 1)
	sentence = substr(line, at + 3)
}

function show(    i, line, in_list, in_item, code) {
	heading(text[0])
	add(".Ss " roff(title))
	# the sentence may go on over some lines
	for (i = 1; i < n_text && text[i] != "" && text[i] !~ /^@/; i++)
		sentence = sentence " " text[i]
	add(roff(sentence) ".")
	add(".Bd -literal")
	add(declaration ".Ed")
	for (; i < n_text; i++) {
		line = text[i]
		if (line ~ /^@[a-z_]+(, @[a-z_]+)*:/) {
			if (!in_list)
				add(".Bl -tag -width Ds")
			in_list = 1
			words_of(substr(line, 1, index(line, ":") - 1))
			add(".It " roff(substr(line, 1, index(line, ":") - 1)))
			line = substr(line, index(line, ":") + 1)
			sub(/^ +/, "", line)
			add(roff(line))
		} else if (line == "") {
			if (in_list)
				add(".El")
			in_list = 0
			if (i + 1 < n_text && text[i + 1] !~ /^@/ && text[i + 1] !~ /^ /)
				add(".Pp")
		} else if (line ~ /^    / && !in_list) {
			add(literal(substr(line, 5)))
		} else {
			sub(/^ +/, "", line)
			add(roff(line))
		}
	}
	if (in_list)
		add(".El")
}

# parameters that need no words: what they are handed for is what the function is about
function obvious(name) {
	return name ~ /^(ctx|image|node|src|err|diff|check|arg|a|b|role|cause|kind|verdict|code)$/
}

# every parameter of a prototype and every member of a structure is told of
function hold(    flat, n, i, part, name, all) {
	flat = declaration
	gsub(/\/\*[^*]*\*\//, " ", flat)
	gsub(/[ \t\n]+/, " ", flat)
	all = flat
	for (name in told)
		if (all !~ ("[^a-z_]" name "[^a-z_]"))
			complain(title ": @" name " is not there")
	if (flat !~ /^[^{]*\(/)
		return
	# prototypes alone; function pointers inside count as the name they have
	n = split(flat, part, ";")
	for (i = 1; i <= n; i++) {
		name = part[i]
		if (name !~ /\(/)
			continue
		sub(/^[^(]*\(/, "", name)
		while (match(name, /\(\*[a-z_]+\)\([^()]*\)/))
			name = substr(name, 1, RSTART - 1) " " substr(name, RSTART + 2, index(substr(name, RSTART), ")") - 3) \
				substr(name, RSTART + RLENGTH)
		sub(/\)[^)]*$/, "", name)
		hold_parameters(name)
	}
}

function hold_parameters(list,    n, i, part, name, k, seen) {
	n = split(list, part, ",")
	for (i = 1; i <= n; i++) {
		name = part[i]
		sub(/^.*[ *]/, "", name)
		if (name == "void" || name == "" || obvious(name) || name in told)
			continue
		seen = 0
		for (k = 0; k < n_text; k++)
			if (index(text[k], "@" name) > 0)
				seen = 1
		if (!seen)
			complain(title ": parameter " name " is not explained")
	}
}

function functions_of(flat,    name) {
	gsub(/\/\*[^*]*\*\//, " ", flat)
	while (match(flat, /rimg_[a-z0-9_]+\(/)) {
		name = substr(flat, RSTART, RLENGTH - 1)
		names = names (names == "" ? "" : " ,\n.Nm ") name
		links[name] = page
		flat = substr(flat, RSTART + RLENGTH)
	}
}

function finish_item() {
	if (declaration ~ /^#define/ || n_text > 0) {
		if (n_text > 0) {
			show()
			hold()
		} else {
			add(".Bd -literal")
			add(declaration ".Ed")
		}
	} else {
		complain("no comment before: " declaration)
	}
	if (declaration !~ /\{/ && declaration !~ /^#define/)
		functions_of(declaration)
	declaration = ""
	n_text = 0
}

function finish_page(    file) {
	if (page == "")
		return
	file = out "/" page ".3"
	body = intro body
	gsub(/\.Ed\n\.Bd -literal -offset indent\n/, "", body)
	gsub(/(\.Pp\n)+\.Bd/, ".Bd", body)
	gsub(/(\.Pp\n)+\.Ss/, ".Ss", body)
	gsub(/(\.Pp\n)+$/, "", body)
	gsub(/(\.Pp\n)+\.Pp\n/, ".Pp\n", body)
	printf ".\\\" made from include/rimg/%s.h by packaging/apidoc.awk\n.Dd %s\n.Dt %s 3\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", \
		header, date, toupper(page), names == "" ? page : page " ,\n.Nm " names, about[header] >file
	printf ".Sh SYNOPSIS\n.In rimg/%s.h\n.Pp\nPrograms are built with\n.Ql pkg-config --cflags --libs rimg .\n", header >file
	printf ".Sh DESCRIPTION\n%s", body >file
	printf ".Sh SEE ALSO\n%s", others(page) >file
	close(file)
	body = intro = names = ""
}

function others(but,    i, k, key, list, n) {
	n = 0
	for (i = 1; i < ARGC; i++)
		if (page_of(ARGV[i]) != but)
			list[n++] = page_of(ARGV[i])
	for (i = 0; i < n; i++) # few: sorted by exchange
		for (k = i + 1; k < n; k++)
			if (list[k] < list[i]) {
				key = list[i]
				list[i] = list[k]
				list[k] = key
			}
	key = ""
	for (i = 0; i < n; i++)
		key = key ".Xr " list[i] " 3" (i + 1 < n ? " ," : "") "\n"
	return key
}

BEGIN {
	about["rimg"] = "library that opens, checks and compares disk images"
	about["error"] = "what a failure looks like"
	about["source"] = "bytes that can be read"
	about["image"] = "an opened image, addresses, findings"
	about["node"] = "what is in an image"
	about["check"] = "is it sound?"
	about["diff"] = "what differs, and why?"
}

FNR == 1 {
	finish_page()
	page = page_of(FILENAME)
	header = FILENAME
	sub(/.*\//, "", header)
	sub(/\.h$/, "", header)
	if (!(header in about))
		complain("apidoc.awk has to know in a few words what this header is about")
	in_doc = in_intro = in_item = in_code = 0
}

FNR == 1 { next } # the licence

# a comment for the whole header
/^\/\*$/ { in_intro = 1; next }
in_intro && /^ \*\/$/ { in_intro = 0; intro = intro ".Pp\n"; next }
in_intro {
	line = $0
	sub(/^ \* ?/, "", line)
	if (line ~ /^    /)
		intro = intro literal(substr(line, 5)) "\n"
	else
		intro = intro (line == "" ? ".Pp\n" : roff(line) "\n")
	next
}

/^\/\*\*/ {
	if (n_text > 0 && declaration == "")
		complain("a comment with nothing behind it")
	begin_comment()
	line = $0
	sub(/^\/\*\* ?/, "", line)
	in_doc = 1
	if (sub(/ ?\*\/$/, "", line))
		in_doc = 0
	if (line != "")
		text[n_text++] = line
	in_item = 1
	next
}
in_doc {
	line = $0
	if (sub(/ ?\*\/$/, "", line))
		in_doc = 0
	if (in_doc || line !~ /^ *$/)
		take(line)
	next
}

# preprocessor lines that declare nothing
/^#/ && !/^#define RIMG_[A-Z0-9_]+ / && !in_item { next }
/^(extern "C" \{|\})$/ && !in_item { next }
/^\/\* .*\*\/$/ && !in_item {
	line = $0
	gsub(/^\/\* | \*\/$/, "", line)
	intro = intro roff(line) "\n"
	next
}

/^$/ && !in_code {
	if (declaration != "")
		finish_item()
	in_item = 0
	next
}

/^#(if|endif|	pragma|ifdef)/ && declaration == "" { next }

{
	in_item = 1
	line = $0
	if (line ~ /\{$/)
		in_code = 1
	if (line ~ /^\}/)
		in_code = 0
	gsub(/\\/, "\\e", line)
	declaration = declaration (line ~ /^[.']/ ? "\\&" : "") line "\n"
}

END {
	finish_page()
	for (name in links) {
		file = out "/" name ".3"
		printf ".so man3/%s.3\n", links[name] >file
		close(file)
	}
	exit bad
}
