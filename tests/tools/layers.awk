# SPDX-License-Identifier: MIT
#
# layers.awk - do the #includes follow the picture of docs/design.md?
#
#     include/rimg <- lib/core <- lib/formats <- lib/audit <- build, diff, verify <- lib/cli
#
# Each part includes itself and what stands left of it; build, diff and verify do not include one
# another. Arguments are files; prints each breach and exits with 1 if there was one.

function part(path) {
	if (path ~ /^include\/rimg\//)
		return "rimg"
	if (match(path, /^lib\/[a-z]+\//))
		return substr(path, 5, RLENGTH - 5)
	sub(/\/.*/, "", path)
	return path
}

function exists(path,    line, found) {
	if (!(path in known)) {
		found = (getline line < path) >= 0
		close(path)
		known[path] = found
	}
	return known[path]
}

# resolve(file, name): the file that an #include names, as the compiler finds it; "" for others
function resolve(file, name,    dir) {
	dir = file
	sub(/[^\/]*$/, "", dir)
	if (exists(dir name)) {
		name = dir name
		while (sub(/[^\/]+\/\.\.\//, "", name))
			;
		return name
	}
	if (exists("include/" name))
		return "include/" name
	if (exists("lib/" name))
		return "lib/" name
	if (name ~ /\// && exists(name))
		return name
	return ""
}

BEGIN {
	may["rimg"] = " rimg "
	may["core"] = " rimg core "
	may["formats"] = " rimg core formats "
	may["audit"] = " rimg core formats audit "
	may["build"] = " rimg core formats build "
	may["diff"] = " rimg core formats audit diff "
	may["verify"] = " rimg core formats audit verify "
	may["cli"] = " rimg core formats audit build diff verify cli "
	may["packaging"] = may["cli"]
}

/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
	name = $0
	sub(/^[^<"]*[<"]/, "", name)
	sub(/[>"].*/, "", name)
	target = resolve(FILENAME, name)
	if (target == "")
		next # of the system, or made by make
	n++
	from = part(FILENAME)
	to = part(target)
	if (index(may[from], " " to " ") == 0) {
		printf "%s:%d: %s may not include %s (%s)\n", FILENAME, FNR, from, to, target
		bad = 1
	}
}

END {
	if (n == 0) {
		print "layers: no #include was looked at"
		bad = 1
	}
	exit bad
}
