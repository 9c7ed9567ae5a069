# SPDX-License-Identifier: ISC
#
# Puts into a copy of a source of the ibuf room what WP must be told inside a
# function: invariants of the loops and what the table's entries are.  Adds
# comments only.  Prints to standard error how many it added.

function say(text)
{
	print "\t/*@ " text " */"
	added++
}

/imsgi_os\.calloc\(/ { say("calls proof_calloc;") }
/imsgi_os\.alloc\(/ { say("calls proof_alloc;") }
/while \(width-- > 0\)/ {
	say("loop invariant down: 0 <= width <= \\at(width, Pre);" \
	    " loop assigns width, v, p[0 .. \\at(width, Pre) - 1];" \
	    " loop variant width;")
}
/for \(\*v = 0, i = 0; i < width; i\+\+\)/ {
	say("loop invariant up: 0 <= i <= width;" \
	    " loop assigns i, *v; loop variant width - i;")
}
{ print }
END { print FILENAME, added + 0 >"/dev/stderr" }
