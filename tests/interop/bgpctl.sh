#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The real bgpctl of OpenBGPD as a client of a server of ours, whose answers
# are chosen here.  Needs neither root nor a daemon.  Message numbers: 1 end,
# 5 neighbour up, 10 routes, 12 result, 13 neighbour, 14 next hops, 15
# interfaces, 16 a route of the RIB, 22 neighbours in brief, 25 tables.
. "${0%/*}/lib-daemons"
fetch openbgpd=7.7
programs daemon-answer
. "$top/tests/tap.sh"

dpkg-deb -x "$(deb_of openbgpd)" "$tmp/bgpd"
bgpctl=$tmp/bgpd/usr/sbin/bgpctl
"$bgpctl" -V >"$tmp/version" 2>&1 || {
	skip "bgpctl" "does not run here: $(tail -n 1 "$tmp/version")"
	done_testing
}
cd "$tmp" || exit 1

# Offsets in the payload of a neighbour, 1744 bytes
descr=432 as=792 maxprefix=800 received=856 sent=912 prefixes=1048 queued=1672
state=1716

# shows NAME STATUS ARGUMENTS: the standard input is what we answer, then a
# line "--" and what bgpctl has to print.
shows()
{
	name=$1 status=$2
	shift 2
	sed '/^--$/q' >answers
	cat >expected
	"$build/daemon-answer" $options answers log sock "$bgpctl" -s sock "$@" \
	    >got 2>&1
	s=$?
	echo "status $s" >>got
	echo "status $status" >>expected
	same "$name" expected got
}
options=

shows "show summary" 0 show summary <<EOF
on 13
13 0 1744 $descr=s:alpha $as=u32:65001 $received=u64:7 $sent=u64:9
1 0 0
--
EOF
cat got | sed 's/^/#/'
shows "show summary" 0 show summary terse <<EOF
on 22
13 0 1744 x3000 $descr=s:peer-% $as=u32:65001 $state=u32:6
1 0 0
--
EOF
head -3 got | sed 's/^/#/'
shows "show tables" 0 show tables <<EOF
on 25
25 0 104 0=s:ours 80=u32:5 96=u8:1 97=u8:1
25 0 104 0=s:theirs 80=u32:6 96=u8:1
1 0 0
--
EOF
shows "if" 0 show interfaces <<EOF
on 15
15 0 96 0=s:wire0 16=s:active 48=s:fibre 80=u64:1000000000 88=u32:3 92=u8:1 93=u8:1
1 0 0
--
EOF
shows "fib" 0 show fib <<EOF
on 10
10 0 144 0=a:192.0.2.0 28=u8:1 48=a:198.51.100.1 76=u8:1 132=u16:1 136=u8:24 137=u8:48
1 0 0
--
EOF
shows "nexthop" 0 show nexthop <<EOF
on 14
14 0 296 0=a:192.0.2.1 28=u8:1 288=u8:1
1 0 0
--
EOF
shows "rib" 0 show rib <<EOF
on 16
16 0 270 48=a:198.51.100.1 76=u8:1 96=a:192.0.2.0 124=u8:1 240=u32:100 244=u32:5 252=u32:3 256=u8:24 257=u8:0 264=u8:2 265=u8:1 266=u32:0x9afb0000
1 0 0
--
EOF
for c in 0 1 5; do
	shows "result $c" 0 neighbor alpha up <<EOF
on 5
12 0 4 0=u32:$c
--
EOF
done
shows "alien" 0 show tables <<EOF
on 25
999 0 1000
25 0 104 0=s:ours 80=u32:5 96=u8:1 97=u8:1
1 0 0
--
EOF
options="-m -b 100000"
shows "big" 1 show tables <<EOF
on 25
25 0 16369
--
EOF
options="-m"
shows "modern" 1 show tables <<EOF
on 25
25 0 104 0=s:ours 80=u32:5 96=u8:1 97=u8:1
1 0 0
--
EOF
done_testing
