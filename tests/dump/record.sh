#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Programs that record their own messages with imsgrec: how they are built,
# and what is in their captures.
# Environment: top, builddir.
. "$top/tests/tap.sh"

tool=$builddir/tests/dump/capture-tool
program=$builddir/tests/dump/record-program
archive=$builddir/tools/imsgdump/libimsgrec.a
cc=${CC:-cc}

text()
{
	"$tool" text "$1" >"$2"
}

# count N EXPRESSION FILE
count()
{
	[ "$(grep -c "$2" "$3")" -eq "$1" ] || {
		grep -c "$2" "$3"
		return 1
	}
}

# What both ends have to agree on of a message.
agreed()
{
	grep "event=$1 " "$2" | sed 's/^[0-9]* //; s/event=[0-9]//; s/ fd=[-0-9]*//'
}

# agree SENDER RECEIVER TYPE
agree()
{
	agreed 2 "$1" | grep "type=$3 " >"$tmp/sent"
	agreed 3 "$2" | grep "type=$3 " >"$tmp/received"
	[ -s "$tmp/sent" ] && cmp "$tmp/sent" "$tmp/received"
}

check "each process to a file of its own" \
    "$program" own 500 "$tmp/1.pcap" "$tmp/2.pcap"
for i in 1 2; do
	check "... file $i is read" text "$tmp/$i.pcap" "$tmp/$i"
	check "... has all that was sent" count 500 'event=2 ' "$tmp/$i"
	check "... and all that was received" count 500 'event=3 ' "$tmp/$i"
	check "... with descriptors" count 100 'state=1 fd=[0-9]' "$tmp/$i"
done
check "... the questions agree" agree "$tmp/1" "$tmp/2" 1
check "... the answers agree" agree "$tmp/2" "$tmp/1" 100
check "... the names of types" sh -c "head -n 2 '$tmp/1' | tr '\n' ' ' |
    grep -q '^name 1 MSG_ASK name 100 MSG_ANSWER'"

check "both to one file" "$program" shared 500 "$tmp/s.pcap"
check "... which is whole" text "$tmp/s.pcap" "$tmp/s"
check "... and has everything once" count 2000 'kind=0 ' "$tmp/s"
check "... the questions agree" agree "$tmp/s" "$tmp/s" 1
check "... the answers agree" agree "$tmp/s" "$tmp/s" 100

check "a process that is killed" "$program" killed 300 "$tmp/k.pcap"
# It may have been killed before it could write down the last one, or just then.
killed()
{
	"$tool" text "$tmp/k.pcap" >"$tmp/k"
	[ $? -le 1 ] || return
	n=$(grep -c 'event=2 .*type=100 ' "$tmp/k")
	echo "$n"
	[ "$n" -eq 299 ] || [ "$n" -eq 300 ]
}
check "... leaves a file with all that it sent" killed

if command -v mergecap >/dev/null 2>&1 && command -v tshark >/dev/null 2>&1
then
	HOME=$tmp
	export HOME
	# filtered N EXPRESSION
	filtered()
	{
		tshark -X "lua_script:$top/tools/imsg.lua" -r "$tmp/j.pcap" \
		    -Y "$2" 2>"$tmp/err" >"$tmp/list"
		[ "$(wc -l <"$tmp/list")" -eq "$1" ]
	}
	check "mergecap joins the two" \
	    mergecap -w "$tmp/j.pcap" "$tmp/1.pcap" "$tmp/2.pcap"
	check "... all are there in tshark" filtered 2000 imsg.type
	check "... and have their names" \
	    filtered 1000 'imsg.type_name == "MSG_ANSWER"'
	check "... one end is asked for with imsg.event" \
	    filtered 1000 'imsg.event == 2'
	check "... and each answer knows its question" \
	    filtered 1000 imsg.response_to
else
	skip "mergecap joins the two" "no mergecap and tshark"
fi

names()
{
	${NM:-nm} -g --defined-only "$archive" >"$tmp/nm" || return
	! awk 'NF == 3 { print $3 }' "$tmp/nm" | grep -v '^imsgrec_' |
	    grep -v -E '^(__|_GLOBAL_|asan\.|\.)'
}
check "libimsgrec.a brings no names that are not its own" names

PKG_CONFIG_PATH=$builddir/meson-uninstalled
export PKG_CONFIG_PATH
runtime=
grep -q __asan_init "$archive" && runtime='-fsanitize=address,undefined'
built()
{
	flags=$(pkg-config --cflags --libs libimsgrec) &&
	    eval "$cc -std=c99 -Wall -Wextra -Wpedantic -Werror $runtime \
	    -o '$tmp/program' '$top/tests/dump/record-program.c' $flags" &&
	    LD_LIBRARY_PATH=$builddir/src "$tmp/program" shared 10 \
	    "$tmp/p.pcap" && text "$tmp/p.pcap" "$tmp/p" &&
	    count 40 kind=0 "$tmp/p" &&
	    ! readelf -d "$tmp/program" | grep 'NEEDED.*pcap'
}
if command -v pkg-config >/dev/null 2>&1; then
	check "pkg-config libimsgrec builds a program, without libpcap" built
else
	skip "pkg-config libimsgrec builds a program" "no pkg-config"
fi
cplusplus()
{
	printf '#include <imsgrec.h>\nint main() { return imsgrec_close(0); }\n' |
	    c++ -Wall -Wextra -Wpedantic -Werror -I"$top/include" \
	    -I"$top/tools/imsgdump" $runtime -o "$tmp/plus" -x c++ - \
	    -x none "$archive" "-L$builddir/src" -limsg &&
	    LD_LIBRARY_PATH=$builddir/src "$tmp/plus"
}
if command -v c++ >/dev/null 2>&1; then
	check "a program in C++ links with it" cplusplus
else
	skip "a program in C++ links with it" "no C++ compiler"
fi

done_testing
