#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Captures that went through other people's tools say the same as before.
# Environment: top, builddir.
. "$top/tests/tap.sh"

tool=$builddir/tests/dump/capture-tool
if ! command -v editcap >/dev/null 2>&1 ||
    ! command -v mergecap >/dev/null 2>&1; then
	skip "captures of other tools" "no editcap and mergecap"
	done_testing
fi
HOME=$tmp
export HOME

# text FILE TEXT [STATUS]
text()
{
	"$tool" text "$1" >"$2"
	[ $? -eq "${3:-0}" ]
}

for seed in 11 12; do
	check "2000 records, seed $seed" \
	    "$tool" random $seed 2000 "$tmp/$seed.pcap"
	check "... are read" text "$tmp/$seed.pcap" "$tmp/$seed"
	check "... all of them" [ "$(wc -l <"$tmp/$seed")" -eq 2000 ]
done
check "a capture with names" "$tool" sample "$tmp/s.pcap"
check "... is read" text "$tmp/s.pcap" "$tmp/s" 1

# The sample's second packet, but for its channel, is the example that is
# documented: behind the headers of the file and of two packets, and the names.
documented()
{
	sed -n 's/^00[0-4][0-9a-f]  \(\([0-9a-f][0-9a-f] \)*[0-9a-f][0-9a-f]\).*/\1/p' \
	    "$top/docs/CAPTURE.md" | tr ' ' '\n' | sed '16s/03/01/' >"$tmp/doc"
	tail -c +121 "$tmp/s.pcap" | head -c 76 | od -An -v -tx1 |
	    tr -s ' ' '\n' | grep . | cmp - "$tmp/doc"
}
check "... and is as documented, byte by byte" documented

# same FORMAT FILE TEXT STATUS
same()
{
	editcap -F "$1" "$2" "$tmp/other" &&
	    ! cmp -s "$2" "$tmp/other" &&
	    text "$tmp/other" "$tmp/text" "$4" && cmp "$3" "$tmp/text"
}
check "pcapng says the same" same pcapng "$tmp/11.pcap" "$tmp/11" 0
check "... names, too" same pcapng "$tmp/s.pcap" "$tmp/s" 1
check "... and so does what is made of that" \
    sh -c "editcap -F nsecpcap '$tmp/other' '$tmp/back' && \
    cmp '$tmp/back' '$tmp/s.pcap'"

# joined FORMAT: two files, in one
joined()
{
	mergecap -F "$1" -w "$tmp/both" "$tmp/11.pcap" "$tmp/12.pcap" &&
	    text "$tmp/both" "$tmp/text" &&
	    sort "$tmp/text" >"$tmp/sorted" &&
	    sort "$tmp/11" "$tmp/12" | cmp - "$tmp/sorted"
}
check "mergecap joins, pcapng" joined pcapng
check "mergecap joins, pcap" joined nsecpcap
check "... in the order of time" sort -c -s -n "$tmp/text"

micro()
{
	editcap -F pcap "$tmp/11.pcap" "$tmp/other" &&
	    text "$tmp/other" "$tmp/text" &&
	    sed 's/^\(.*\)... kind/\1000 kind/' "$tmp/11" |
	    sed 's/^[0-9]\{3\} kind/0 kind/; s/^000 /0 /' >"$tmp/want" &&
	    cmp "$tmp/want" "$tmp/text"
}
check "microseconds are all that is lost in that format" micro

# Only the first 100 bytes of each packet: what has its header there is shown.
snapped()
{
	editcap -s 100 "$tmp/s.pcap" "$tmp/other" &&
	    text "$tmp/other" "$tmp/text" 1 && cmp "$tmp/s" "$tmp/text" &&
	    editcap -s 100 "$tmp/11.pcap" "$tmp/other" &&
	    text "$tmp/other" "$tmp/text" 1 &&
	    [ "$(wc -l <"$tmp/text")" -gt 50 ] &&
	    sed 's/ data=.*//' "$tmp/11" >"$tmp/heads" &&
	    sed 's/ data=.*//' "$tmp/text" | grep -v -x -F -f "$tmp/heads" \
	    >"$tmp/rest"
	# Two notes: which packet was the first one, and how many there were.
	[ "$(grep -c 'channel=0 from=0 to=0 .*note=' "$tmp/rest")" -eq 2 ] &&
	    [ "$(wc -l <"$tmp/rest")" -eq 2 ]
}
check "editcap -s: what is cut before its message is left out, and said" snapped

ethernet()
{
	editcap -T ether "$tmp/11.pcap" "$tmp/other" &&
	    text "$tmp/other" "$tmp/text" 2
}
check "another link type is refused" ethernet

done_testing
