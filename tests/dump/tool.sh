#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The program imsgdump as a whole: what it reads and writes, what it refuses,
# and that nothing a stranger has named gets to a terminal as it is.
# Environment: top, builddir.
. "$top/tests/tap.sh"

dump=$builddir/tools/imsgdump/imsgdump
tool=$builddir/tests/dump/capture-tool
esc=$(printf '\033')
cd "$tmp" || exit 1
unset TZ

check "a capture" "$tool" sample s.pcap

# reads STATUS ARGUMENT...: imsgdump -r s.pcap, into got
reads()
{
	want=$1
	shift
	"$dump" -r s.pcap "$@" >got 2>err
	[ $? -eq "$want" ] || {
		cat got err
		return 1
	}
}

check "it is read, and what is wrong with it said" reads 1
check "... with names" grep -q ' 203 MSG_OPEN ' got
cp got text
check "it is written again" reads 1 -w again.pcap
check "... with its names" sh -c "'$dump' -r again.pcap -q | grep -q MSG_OPEN"
check "... and the messages" \
    sh -c "'$dump' -q -r again.pcap >a; '$dump' -q -r s.pcap >b; cmp a b"
check "... and from a pipe" \
    sh -c "'$dump' -r - -w piped.pcap <s.pcap; '$dump' -q -r piped.pcap |
    cmp - b"
check "a filter knows those names" reads 1 -q -f 'type == MSG_OPEN'
check "... and takes only these" \
    sh -c '! grep -v " 203 MSG_OPEN " got && [ -s got ]'

# refused FILE ARGUMENT...: status 2, and FILE is as it was
refused()
{
	file=$1
	shift
	cp "$file" before
	"$dump" "$@" >got 2>err
	[ $? -eq 2 ] && cmp "$file" before && [ "$(wc -l <err)" -eq 1 ]
}
ln s.pcap link.pcap
check "it is not written over itself" refused s.pcap -r s.pcap -w s.pcap
check "... by another name" refused s.pcap -r s.pcap -w link.pcap
check "... by a shape" refused s.pcap -r s.pcap -o ./s.pcap
stdin()
{
	refused s.pcap -r - -w s.pcap <s.pcap
}
check "... or through standard input" stdin
check "-o and -w to one file are refused" \
    refused s.pcap -r s.pcap --json -o x -w x
check "... and nothing is created" [ ! -e x ]
: >y
ln y z
check "... also by another name" \
    refused s.pcap -r s.pcap --json -o y -w z
check "a size of messages that no reader has is refused" \
    refused s.pcap -r s.pcap -m 16383

file="no${esc}[2Jfile"
harmless()
{
	"$dump" "$@" >got 2>&1
	[ $? -gt 1 ] && [ -s got ] && ! grep -q "$esc" got
}
check "the name of a file is made harmless" harmless -r "$file"
check "... of one to write" harmless -r s.pcap -w "$file/x"
check "... of a header" harmless -H "$file" -r s.pcap
check "... of a command" harmless -- "./$file"
check "... and a bad filter" harmless -f "$file" -r s.pcap
check "... a bad option's value" harmless --color="$file" -r s.pcap

if command -v jq >/dev/null 2>&1; then
	check "JSON" reads 1 --json -x -A
	# Members are those that imsgdump.1 lists, in each object.
	members()
	{
		jq -r 'keys_unsorted | join(" ")' got | sort -u >keys
		cat >expected <<'END'
kind time ns channel from to note header
kind time ns event channel from to wire type name peerid pid length fd kept data text
END
		cmp keys expected
	}
	check "... with the members of the manual" members
	check "... a note about no channel has 0" \
	    [ "$(jq -r 'select(.kind == "note" and .from.pid == null) |
	    .channel' got | sort -u)" = 0 ]
	# The examples of imsgdump.1 have to find something.
	check "... its example names descriptors" [ "$("$dump" -q --json -f fd \
	    -r s.pcap | jq -r '"\(.name): \(.fd.refers_to)"' | head -n 1)" = \
	    "MSG_OPEN: /tmp/a.xz" ]
else
	skip "JSON" "no jq"
fi

done_testing
