# SPDX-License-Identifier: MIT
#
# types.awk - the public types, as the compiler lays them out: sizes, offsets, values
#
#     readelf --debug-dump=info FILE.o | awk -f types.awk
#
# FILE.o is compiled with -gdwarf-4 -fno-eliminate-unused-debug-types. Prints a line for each
# structure, each of its members and each constant of an enumeration whose name begins with rimg_.

function value(    v) {
	v = $0
	sub(/^[^:]*: */, "", v)
	sub(/^\(indirect string, offset: 0x[0-9a-f]*\): /, "", v)
	sub(/^<0x/, "", v)
	sub(/>.*/, "", v)
	sub(/[ \t]+$/, "", v)
	return v
}

# the n-th child of a DIE is kids[die, n]
/^ *<[0-9a-f]+><[0-9a-f]+>: Abbrev Number: [1-9]/ {
	split($0, part, /[<>]/)
	level = part[2]
	die = part[4]
	tag[die] = $0
	sub(/.*DW_TAG_/, "", tag[die])
	sub(/\).*/, "", tag[die])
	at[level] = die
	if (level > 0)
		kids[at[level - 1], n_kids[at[level - 1]]++] = die
	order[n_dies++] = die
	next
}

/ DW_AT_name / { name[die] = value() }
/ DW_AT_byte_size / { size[die] = value() }
/ DW_AT_type / { type[die] = value() }
/ DW_AT_data_member_location/ { place[die] = value() }
/ DW_AT_const_value / { constant[die] = value() }
/ DW_AT_upper_bound / { bound[die] = value() }
/ DW_AT_declaration / { opaque[die] = 1 }

# spell(die): a type in words
function spell(d,    t, i, k, text) {
	t = tag[d]
	if (d == "")
		return "void"
	if (t == "pointer_type")
		return spell(type[d]) " *"
	if (t == "const_type")
		return "const " spell(type[d])
	if (t == "structure_type")
		return "struct " name[d]
	if (t == "enumeration_type")
		return "enum " name[d]
	if (t == "array_type") {
		text = spell(type[d])
		for (i = 0; i < n_kids[d]; i++)
			text = text "[" bound[kids[d, i]] + 1 "]"
		return text
	}
	if (t == "subroutine_type") {
		text = spell(type[d]) " ("
		for (i = 0; i < n_kids[d]; i++)
			text = text (i ? ", " : "") spell(type[kids[d, i]])
		return text ")"
	}
	return name[d]
}

function members(d, prefix,    i, k, of) {
	for (i = 0; i < n_kids[d]; i++) {
		k = kids[d, i]
		if (tag[k] != "member")
			continue
		print prefix "." name[k] " at " place[k] ": " spell(type[k])
		of = type[k]
		while (tag[of] == "array_type")
			of = type[of]
		if (tag[of] == "structure_type" && name[of] == "")
			members(of, prefix "." name[k])
	}
}

END {
	for (n = 0; n < n_dies; n++) {
		d = order[n]
		if (name[d] !~ /^rimg_/)
			continue
		if (tag[d] == "structure_type" && opaque[d]) {
			print "struct " name[d] ": opaque"
		} else if (tag[d] == "structure_type") {
			print "struct " name[d] ": " size[d] " bytes"
			members(d, "struct " name[d])
		} else if (tag[d] == "enumeration_type") {
			print "enum " name[d] ": " size[d] " bytes"
			for (i = 0; i < n_kids[d]; i++)
				print "enum " name[d] "." name[kids[d, i]] " = " constant[kids[d, i]]
		}
	}
}
