#!/bin/sh
# SPDX-License-Identifier: ISC
#
# tools/imsg.lua in tshark: each field, filters, warnings, and packets that
# are cut or damaged in every way.
# Environment: top, builddir.
. "$top/tests/tap.sh"

tool=$builddir/tests/dump/capture-tool
lua=$top/tools/imsg.lua
if ! command -v tshark >/dev/null 2>&1; then
	skip "the dissector" "no tshark"
	done_testing
fi
# No settings of whoever runs this.
HOME=$tmp
WIRESHARK_CONFIG_DIR=$tmp
unset XDG_CONFIG_HOME
export HOME WIRESHARK_CONFIG_DIR
LC_ALL=C.UTF-8
export LC_ALL

shark()
{
	tshark -X "lua_script:$lua" "$@" 2>"$tmp/err"
}

check "a capture to show" "$tool" sample "$tmp/s.pcap"

names="imsg.kind imsg.names.type imsg.names.name imsg.version imsg.event
    imsg.wire imsg.channel imsg.from.pid imsg.from.name imsg.to.pid
    imsg.to.name imsg.fd imsg.fd.state imsg.fd.name imsg.type
    imsg.type_name imsg.len imsg.peerid imsg.pid imsg.payload
    imsg.note imsg.response_in imsg.response_to _ws.col.Protocol
    _ws.col.Source _ws.col.Destination _ws.col.Info imsg.response_time"
fields()
{
	set --
	for name in $names; do
		set -- "$@" -e "$name"
	done
	shark -2 -r "$tmp/s.pcap" -T fields -E separator='|' "$@" \
	    >"$tmp/fields"
}
check "all fields of it" fields

# field PACKET NAME VALUE
field()
{
	n=0
	for name in $names; do
		n=$((n + 1))
		[ "$name" != "$2" ] || break
	done
	value=$(sed -n "$1p" "$tmp/fields" | cut -d '|' -f $n)
	[ "$value" = "$3" ] || {
		echo "$value"
		return 1
	}
}

while read -r packet name value; do
	check "packet $packet: $name is ${value:-absent}" \
	    field "$packet" "$name" "$value"
done <<'END'
1 imsg.kind 3
1 imsg.names.type 203,204
1 imsg.names.name MSG_OPEN,MSG_DONE
2 imsg.version 1
2 imsg.kind 1
2 imsg.event 2
2 imsg.wire 0
2 imsg.channel 1
2 imsg.from.pid 1234
2 imsg.from.name parent
2 imsg.to.pid 1235
2 imsg.to.name peek
2 imsg.fd 7
2 imsg.fd.state 1
2 imsg.fd.name /tmp/a.xz
2 imsg.type 203
2 imsg.type_name MSG_OPEN
2 imsg.len 21
2 imsg.peerid 2
2 imsg.pid 1234
2 imsg.payload 68656c6c6f
2 imsg.note
2 imsg.response_in 3
2 imsg.response_to
2 _ws.col.Protocol imsg
2 _ws.col.Source parent[1234]
2 _ws.col.Destination peek[1235]
2 _ws.col.Info MSG_OPEN len 21 peerid 2 pid 1234 fd 7 (/tmp/a.xz)
3 imsg.fd
3 imsg.fd.name
3 imsg.payload
3 imsg.response_to 2
3 imsg.response_time 0.250000001
4 imsg.wire 1
4 imsg.fd.state 3
4 _ws.col.Info received: 5 len 16 peerid 0 pid 1235 fd lost
5 _ws.col.Info received: 6 len 16 peerid 0 pid 1235 fd 9 surplus
6 imsg.note speaks another protocol
6 imsg.event
6 imsg.len
6 _ws.col.Info speaks another protocol
7 imsg.len 3
8 imsg.len 1000
8 imsg.payload 68656c6c6f
10 imsg.channel 4294967295
10 imsg.type 4294967295
10 imsg.peerid 4294967295
10 imsg.pid -1
10 imsg.fd 2147483647
10 imsg.from.pid 2147483647
11 imsg.payload
12 _ws.col.Info [not a packet of imsgdump]
13 imsg.type
END

# filter EXPRESSION PACKETS: just these
filter()
{
	got=$(shark -2 -r "$tmp/s.pcap" -Y "$1" -T fields -e frame.number |
	    tr '\n' ' ')
	[ "$got" = "$2${2:+ }" ] || {
		echo "$got"
		cat "$tmp/err"
		return 1
	}
}

while read -r packets expression; do
	check "filter $expression" filter "$expression" \
	    "$(echo "$packets" | tr , ' ')"
done <<'END'
2,11 imsg.type == 203
2,11 imsg.type_name == "MSG_OPEN"
2,11 imsg.type_name contains "OPEN"
2,5,10,11 imsg.fd
2,11 imsg.fd == 7
4 imsg.fd.state == 3
2,3,11 imsg.event == 2 && imsg.channel == 1
2,8,11 imsg.from.name == "parent"
2,8,11 imsg.to.pid == 1235
2,8,11 imsg.peerid == 2 && imsg.from.pid == 1234
6,7 imsg.note
2,8,9,10 imsg.payload contains "hell"
8 imsg.len > 500
3 imsg.response_time > 0.2
4,5,7,11,12,13 _ws.expert.severity == "Warning"
4 imsg.fd.lost
5 imsg.fd.surplus
7 imsg.header.bad
11 imsg.len.bad
12 imsg.malformed
13 imsg.unknown
8 imsg.cut
6,7 imsg.remark
END

harmless()
{
	shark -r "$tmp/s.pcap" >"$tmp/list" &&
	    grep -qF '\x1b[31mred\x0a' "$tmp/list" &&
	    grep -qF '\xff\xe2\x80\xae' "$tmp/list" &&
	    shark -r "$tmp/s.pcap" -V >>"$tmp/list" &&
	    ! LC_ALL=C tr -d '\n\t' <"$tmp/list" |
	    LC_ALL=C grep -q '[[:cntrl:]]'
}
check "no control character of a name reaches the terminal" harmless

# clean FILE COUNT: no error of Lua, in any view; each packet is shown
clean()
{
	shark -2 -r "$1" -V >"$tmp/all" || return 1
	cat "$tmp/err" >>"$tmp/all"
	! grep -E 'Lua Error|Malformed Packet|Dissector bug' "$tmp/all" &&
	    [ "$(grep -c '^imsg: ' "$tmp/all")" -eq "$2" ] &&
	    shark -r "$1" >"$tmp/list" && ! grep 'Lua Error' "$tmp/list"
}

check "packets cut at every byte" "$tool" cuts "$tmp/cuts.pcap"
n=$(shark -r "$tmp/cuts.pcap" -T fields -e frame.number | wc -l)
check "there are more than 400 of them" [ "$n" -gt 400 ]
check "... are shown without an error of Lua" clean "$tmp/cuts.pcap" "$n"
check "3000 damaged packets, seed 5" "$tool" damage 5 3000 "$tmp/d.pcap"
check "... are shown without an error of Lua" clean "$tmp/d.pcap" 3000

# Both readers take the same packets for good, and say the same of them.
agree()
{
	"$tool" text "$1" >"$tmp/text"
	awk '/ kind=/ && !/ channel=0 from=0 to=0 wire=2 / {
		for (i = 2; i <= NF; i++) {
			split($i, a, "=")
			v[a[1]] = a[2]
		}
		print v["event"] == 0 ? "" : v["event"], v["channel"],
		    v["from"], v["to"], v["type"], v["len"], v["peerid"]
	}' "$tmp/text" >"$tmp/want"
	shark -r "$1" -Y '!(imsg.malformed || imsg.unknown || imsg.len.bad) &&
	    imsg.type' -T fields -E separator=/s -e imsg.event \
	    -e imsg.channel -e imsg.from.pid -e imsg.to.pid -e imsg.type \
	    -e imsg.len -e imsg.peerid >"$tmp/list"
	[ "$(wc -l <"$tmp/list")" -gt "$2" ] && cmp "$tmp/want" "$tmp/list"
}
check "... and imsgdump takes the same ones for good" agree "$tmp/d.pcap" 500
check "... also of those that are cut" agree "$tmp/cuts.pcap" 5
check "500 random records, seed 6" "$tool" random 6 500 "$tmp/r.pcap"
check "... are shown without an error of Lua" clean "$tmp/r.pcap" 500
warned()
{
	shark -r "$tmp/r.pcap" -Y 'imsg.malformed || imsg.unknown ||
	    imsg.len.bad' >"$tmp/list" && [ ! -s "$tmp/list" ]
}
check "... and none of them is called malformed" warned

# frame and the frame of its request, if it is an answer
answers()
{
	"$tool" answers "$tmp/a.pcap" &&
	    shark -2 -r "$tmp/a.pcap" -T fields -E separator=: \
	    -e frame.number -e imsg.response_to -Y imsg.response_to |
	    xargs >"$tmp/list" &&
	    echo "2:1 4:3 7:6 8:5 11:10 12:9 14:13 16:15 18:17" >"$tmp/want" &&
	    cmp "$tmp/want" "$tmp/list"
}
check "answers, where one end or both were looked at" answers

plugin()
{
	dir=$(tshark -G folders 2>/dev/null |
	    sed -n 's/^Personal Lua Plugins:[[:space:]]*//p')
	case $dir in
	"$tmp"/*) ;;
	*) return 1 ;;
	esac
	mkdir -p "$dir" && cp "$lua" "$dir" &&
	    tshark -r "$tmp/s.pcap" -Y 'imsg.type == 203' 2>"$tmp/err" |
	    grep -q MSG_OPEN
}
check "works from the directory of plugins" plugin

done_testing
